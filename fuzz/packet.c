/* SPDX-License-Identifier: MIT */
#include "packet.h"

#include <string.h>

static const struct tree_word requests[] = {
	TREE_WORD("\x63off\x00"), TREE_WORD("\x63off\x18\x40"), TREE_WORD("\x63off\x19\x02\x00"), TREE_WORD("\x63len\x18\x80"),
	TREE_WORD("\x63len\x00"), TREE_WORD("\x63len\x19\x08\x00"), TREE_WORD("\x63len\x19\x08\x01"), TREE_WORD("\x65image\x00"),
	TREE_WORD("\x64slot\x00"), TREE_WORD("\x64slot\x01"), TREE_WORD("\x67""confirm\xf5"), TREE_WORD("\x67""confirm\xf4"),
	TREE_WORD("\x64""baud\x1a\x00\x0e\x10\x00"), TREE_WORD("\x64""baud\x1a\x00\x01\xc2\x00"), TREE_WORD("\x65""frame\x01"),
	TREE_WORD("\x65""frame\x00"), TREE_WORD("\x65place\x00"), TREE_WORD("\x65place\x01"), TREE_WORD("\x65place\x02"),
	TREE_WORD("\x61n\x18\x80"), TREE_WORD("\x61n\x1a\xff\xff\xff\xff"), TREE_WORD("\x63""alg\x28"), TREE_WORD("\x63""alg\x38\x2d"),
	TREE_WORD("\x64upto\xf5"), TREE_WORD("\x64""data\x40"), TREE_WORD("\x64""data\x48\xd8\x6b\xa4\x02\x58\x73\x82\x58"),
	TREE_WORD("\x63sha\x58\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), TREE_WORD("\x63sha\x43\x01\x02\x03"),
	TREE_WORD("\x63sig\x58\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x64hash\x58\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), TREE_WORD("\x61""d\x62hi"),
	TREE_WORD("\x61x\xa1\x01\x02"), TREE_WORD("\x01\xf6"), TREE_WORD("\x61y\x9f\x01\xff"), TREE_WORD("\x61z\xfb\0\0\0\0\0\0\0\0"),
};
const struct tree_words packet_requests = { requests, sizeof(requests) / sizeof(requests[0]), true };

static const struct tree_word answers[] = {
	TREE_WORD("\x62rc\x00"), TREE_WORD("\x62rc\x06"), TREE_WORD("\x63rsn\x62no"), TREE_WORD("\x63off\x19\x02\x00"),
	TREE_WORD("\x63off\x19\x0b\xb8"), TREE_WORD("\x63off\x00"), TREE_WORD("\x65match\xf5"), TREE_WORD("\x65match\xf4"),
	TREE_WORD("\x64upto\x19\x04\x00"), TREE_WORD("\x68""buf_size\x19\x04\x00"), TREE_WORD("\x69""buf_count\x04"),
	TREE_WORD("\x63""err\xa2\x65group\x18\x40\x62rc\x05"), TREE_WORD("\x61r\x62hi"), TREE_WORD("\x61r\x60"),
	TREE_WORD("\x65""board\x61x"), TREE_WORD("\x66vendor\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x65""class\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), TREE_WORD("\x63uid\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x64slot\x00"), TREE_WORD("\x64slot\xf6"), TREE_WORD("\x67version\x83\x01\x02\x03"), TREE_WORD("\x67version\x65""1.2.3"),
	TREE_WORD("\x65""cause\x02"), TREE_WORD("\x66newest\x1b\0\0\0\x01\x01\0\0\0"), TREE_WORD("\x65""floor\x01"),
	TREE_WORD("\x67""current\x01"), TREE_WORD("\x67journal\xa3\x64""free\x18\x64\x67records\x02\x63""bad\x00"),
	TREE_WORD("\x65slots\x82\xa6\x65state\x04\x66starts\x00\x68""failures\x00\x66reason\x00\x63seq\x01\x62id\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xa0"),
	TREE_WORD("\x65""error\xa2\x62rc\x05\x64text\x61x"), TREE_WORD("\x65phase\x02"), TREE_WORD("\x66target\x01"),
	TREE_WORD("\x66images\x81\xa3\x64slot\x00\x64hash\x42\x01\x02\x66""active\xf5"), TREE_WORD("\x63len\x19\x08\x00"),
	TREE_WORD("\x64""baud\x1a\x00\x0e\x10\x00"), TREE_WORD("\x65""frame\x01"), TREE_WORD("\x65rates\x82\x1a\x00\x01\xc2\x00\x1a\x00\x0e\x10\x00"),
	TREE_WORD("\x64""data\x44\x01\x02\x03\x04"), TREE_WORD("\x64""data\x40"), TREE_WORD("\x66number\x01"), TREE_WORD("\x67verdict\x00"),
	TREE_WORD("\x62up\x19\x10\x00"), TREE_WORD("\x66supply\x19\x0c\xe4"), TREE_WORD("\x64temp\x38\x18"), TREE_WORD("\x63pll\xf5"),
	TREE_WORD("\x63led\x01"), TREE_WORD("\x64ways\x07"), TREE_WORD("\x64work\xa4\x64good\x01\x63""bad\x00\x64late\x00\x63gap\x05"),
	TREE_WORD("\x64test\x00"), TREE_WORD("\x64line\xa3\x67overrun\x00\x67""framing\x00\x65noise\x00"),
	TREE_WORD("\x65""flash\xa4\x66""erases\x01\x67slowest\x19\x03\xe8\x64worn\x00\x63""bad\x00"), TREE_WORD("\x61x\x9f\x01\xff"),
	TREE_WORD("\x66""access\x01"), TREE_WORD("\x64open\xf5"),
	TREE_WORD("\x65nonce\x58\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
};
const struct tree_words packet_answers = { answers, sizeof(answers) / sizeof(answers[0]), true };

size_t packet_make_body(struct chance *c, const struct tree_words *words, uint8_t *out, size_t max)
{
	unsigned pairs = chance_below(c, 6), put = 0;
	size_t len = 1;

	if (max == 0 || chance_one_in(c, 16))
		return 0;
	for (; put < pairs; put++) {
		const struct tree_word *word = &words->word[chance_below(c, (uint32_t)words->count)];

		if (word->len + 1 > max - len)
			break;
		memcpy(out + len, word->bytes, word->len);
		len += word->len;
	}
	out[0] = (uint8_t)(0xa0 | put);
	if (chance_one_in(c, 4) && len < max) { /* as zcbor sends it */
		out[0] = 0xbf;
		out[len++] = 0xff;
	}
	return len;
}

size_t packet_change_body(struct chance *c, const struct tree_words *words, uint8_t *body, size_t len, size_t max)
{
	if (len == 0 || chance_one_in(c, 8))
		return packet_make_body(c, words, body, max);
	return tree_mutate_input(body, len, max, chance_below(c, UINT32_MAX), words);
}

static void set_length(struct chance *c, uint8_t *packet, size_t len)
{
	store_be16(packet + 2, (uint16_t)(len - PACKET_HEADER + (chance_one_in(c, 32) ? chance_below(c, 5) - 2 : 0)));
}

/* version and op, flags, length, group, sequence number, id */
static void make_header(struct chance *c, uint8_t *h)
{
	static const struct {
		uint8_t group, ids;
	} groups[] = { { 0, 7 }, { 1, 7 }, { 64, 13 }, { 64, 13 }, { 64, 13 } };
	unsigned g = chance_below(c, sizeof(groups) / sizeof(groups[0]));

	memset(h, 0, PACKET_HEADER);
	h[0] = (uint8_t)(chance_below(c, 2) << 3 | chance_below(c, 2) << 1);
	store_be16(h + 4, groups[g].group);
	h[6] = (uint8_t)chance_below(c, 4);
	h[7] = (uint8_t)chance_below(c, groups[g].ids);
}

size_t packet_make(struct chance *c, uint8_t *out, size_t max)
{
	size_t len = PACKET_HEADER + packet_make_body(c, &packet_requests, out + PACKET_HEADER, max - PACKET_HEADER);

	make_header(c, out);
	set_length(c, out, len);
	return len;
}

size_t packet_change(struct chance *c, uint8_t *packet, size_t len, size_t max)
{
	if (len < PACKET_HEADER)
		return packet_make(c, packet, max);
	if (chance_one_in(c, 8))
		make_header(c, packet);
	if (chance_one_in(c, 16))
		packet[chance_below(c, PACKET_HEADER)] = (uint8_t)chance_number(c, 0);
	if (!chance_one_in(c, 4))
		len = PACKET_HEADER + packet_change_body(c, &packet_requests, packet + PACKET_HEADER, len - PACKET_HEADER,
							 max - PACKET_HEADER);
	set_length(c, packet, len);
	return len;
}

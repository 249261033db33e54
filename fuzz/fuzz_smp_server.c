/* SPDX-License-Identifier: MIT
 *
 * Any requests to the device's SMP server, over the real engine and flash in memory, mixed with true pieces of packages and
 * with power losses, so that every state of an upload is reached. Whatever is asked: the slot that runs is never touched,
 * every answer is well-formed and fits, and the device still starts what it ran or what was activated.
 *
 * Input: steps of u8 kind, then what the kind takes: a packet (u8 length, bytes), a piece of the package (u8 length in 16
 * bytes, u8 damage), a piece of a keyset file or configuration (u8 which, offset, length of all, of the piece), the access
 * rule and the clock (u8 rule, u8 minutes), which package (u8), when the power fails (u8), or nothing. Only the step that opens
 * a session has the site key: without it, nothing is ever written under `signed`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"
#include "packet.h"
#include "seal.h"
#include "smp_body.h"
#include "smp_server.h"

static const struct hf_layout layout = {
	.name = "fuzz",
	.vendor_id = { 1 }, .class_id = { 2 },
	.sectors = 7,
	.sector = { { 0x08000000, 8192 }, { 0x08002000, 8192 }, { 0x08004000, 16384 }, { 0x08008000, 16384 },
		    { 0x0800c000, 16384 }, { 0x08010000, 16384 }, { 0x08014000, 4096 } },
	.data = { 0x08014000, 4096 },
	.journal = { { 0x08000000, 8192 }, { 0x08002000, 8192 } },
	.slot = { { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
	.ram = { { 0x20000000, 131072 } },
};

static struct maker maker;
static struct package v0, v1, older, lower, foreign;
static const struct package *sent; /* what pieces are of */
static struct device factory, device;
static struct hf_smp_server server;
static struct hf_smp_store store;
static struct hf_trust trust;
static struct hf_smp_link link_here;

static uint32_t clock_ms;
static bool admitted; /* somebody has shown the site key since the start */

/* The maker's release key, and a site key. */
static void make_keyset(void)
{
	struct hf_keyset k = hf_keyset_of_one(HF_ROLE_RELEASE, 1, maker.key.public_key);
	size_t len;

	k.key[k.keys++] = (struct hf_key){ HF_ROLE_SITE, HF_ALG_ESP256, { seal_key.public_key, sizeof seal_key.public_key } };
	must(hf_keyset_encode(&k, maker.keyset_bytes, sizeof maker.keyset_bytes, &len) == HF_OK);
	must(hf_keyset_parse((struct hf_bytes){ maker.keyset_bytes, len }, &maker.keyset, &len) == HF_OK);
}

static void set_up(void)
{
	static struct hf_layout other;
	static struct maker stranger;

	if (sent)
		return;
	other = layout;
	other.class_id[0]++;
	maker_open(&maker, &layout);
	make_keyset();
	stranger = maker;
	stranger.layout = &other;
	maker.same_from = 2000; /* from there on, what is sent is in the other slot, too */
	maker_pack(&maker, 2, 1, 20000, &v0);
	maker_pack(&maker, 3, 1, 20000, &v1);
	maker_pack(&maker, 1, 1, 2000, &older);
	maker_pack(&maker, 4, 0, 2000, &lower);
	maker_pack(&stranger, 4, 1, 2000, &foreign);
	device_open(&factory, &maker);
	device_open(&device, &maker);
	factory.known[0] = device.known[0] = &v0;
	factory.known[1] = device.known[1] = &v1;
	factory.known[2] = device.known[2] = &older;
	device_install_factory(&factory, &v0);
	device_reach(&factory, &v0, (struct cuts){ 0 });
	sent = &v1;
}

static uint32_t now_ms(void)
{
	return clock_ms;
}

static enum hf_err no_chance(uint8_t *buf, size_t len)
{
	memset(buf, (int)clock_ms, len);
	return clock_ms % 7 == 6 ? HF_ERR_TIMEOUT : HF_OK;
}

static void tell(struct hf_health *h)
{
	memset(h, (int)clock_ms, sizeof *h);
	h->works = clock_ms & 1;
	h->pll = h->pin_held = h->test_done = true;
}

static void start(void)
{
	static const uint32_t rates[] = { 115200, 460800, 921600 };

	device.starts = 0;
	device.cause = HF_RESET_REQUEST;
	device_boot(&device);
	device.update.trust = &trust;
	device.update.factory_keyset = (struct hf_bytes){ maker.keyset_bytes, sizeof maker.keyset_bytes };
	must(device_open_update(&device) == HF_OK);
	admitted = false;
	store = (struct hf_smp_store){ 0 };
	hf_smp_link_begin(&link_here, rates, 3);
	server = (struct hf_smp_server){ .update = &device.update, .store = &store, .buf_size = 512, .buf_count = 2,
					 .link = &link_here, .readback = true, .now_ms = now_ms, .random = no_chance, .health = tell };
}

/* The line's state goes by what is heard and by the clock, and never leaves the rates that there are. */
static void line_goes_on(void)
{
	(void)hf_smp_link_sent(&link_here, clock_ms);
	(void)hf_smp_link_tick(&link_here, clock_ms);
	(void)hf_smp_link_damaged(&link_here, clock_ms / 1000, clock_ms);
	must(link_here.index < link_here.rates && link_here.framing <= 1);
}

static void ask(const uint8_t *packet, size_t len)
{
	static uint8_t *copy, *answer; /* a power loss comes back elsewhere: then the next request frees them */
	struct hf_smp_header h;
	struct hf_cbor_reader r;
	size_t n;

	unsigned long written = device.flash.words + device.flash.erases;

	free(copy);
	free(answer);
	copy = malloc(len + 1);
	answer = malloc(HF_SMP_ANSWER_MAX);
	memcpy(copy, packet, len);
	hf_smp_link_heard(&link_here, clock_ms);
	n = hf_smp_serve(&server, (struct hf_bytes){ copy, len }, answer, HF_SMP_ANSWER_MAX);
	must(n <= HF_SMP_ANSWER_MAX);
	must(admitted || !server.session.open);
	must(server.access < HF_ACCESS_SIGNED || admitted || device.flash.words + device.flash.erases == written);
	must(server.access != HF_ACCESS_LOCAL || !server.network || device.flash.words + device.flash.erases == written);
	if (n > 0) {
		must(hf_smp_header_load((struct hf_bytes){ answer, n }, &h) == HF_OK);
		hf_cbor_open_final(&r, (struct hf_bytes){ answer + HF_SMP_HEADER_BYTES, h.len });
		must(hf_cbor_peek(&r) == HF_CBOR_MAP);
		hf_cbor_skip(&r); /* ours are canonical but for the keys' order */
		must(hf_cbor_close(&r) == HF_OK);
	}
	line_goes_on();
	if (server.reset_wanted)
		start();
}

static void send_piece(uint32_t piece, uint8_t damage)
{
	struct hf_update *u = &device.update;
	bool idle = u->phase == HF_UPDATE_IDLE || u->phase == HF_UPDATE_DONE;
	uint32_t off = idle ? 0 : u->next;
	struct hf_smp_header h = { .version = 1, .op = HF_SMP_WRITE, .group = HF_SMP_IMAGE, .id = HF_SMP_IMAGE_UPLOAD };
	uint8_t packet[8192];
	struct hf_cbor_writer w;

	if (off > sent->file.len)
		return;
	if (piece > sent->file.len - off)
		piece = (uint32_t)(sent->file.len - off);
	hf_cbor_begin(&w, packet + HF_SMP_HEADER_BYTES, sizeof packet - HF_SMP_HEADER_BYTES);
	hf_cbor_put_map(&w, 3);
	hf_cbor_put_tstr(&w, "len");
	hf_cbor_put_uint(&w, sent->file.len);
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, off);
	hf_cbor_put_tstr(&w, "data");
	hf_cbor_put_bstr(&w, sent->file.ptr + off, piece);
	must(w.err == HF_OK);
	if (damage && piece)
		packet[HF_SMP_HEADER_BYTES + w.len - 1 - damage % piece] ^= damage;
	h.len = (uint16_t)w.len;
	hf_smp_header_store(packet, &h);
	ask(packet, HF_SMP_HEADER_BYTES + w.len);
}

/* Offset and length in steps of 64 bytes: the limits are met exactly, and one more. */
static void send_kept(const uint8_t how[4], const uint8_t *data, size_t len)
{
	struct hf_smp_header h = { .version = 1, .op = HF_SMP_WRITE, .group = HF_SMP_HOLDFAST };
	uint8_t packet[4400], bytes[4096];
	struct hf_cbor_writer w;
	uint32_t off = how[1] == 0xff ? store.next : how[1] * 64u;
	size_t piece = how[3] * 64u < sizeof bytes ? how[3] * 64u : sizeof bytes;

	memset(bytes, how[3], sizeof bytes);
	memcpy(bytes, data, len < piece ? len : piece);
	h.id = how[0] & 1 ? HF_SMP_HOLDFAST_KEYSET : HF_SMP_HOLDFAST_CONFIG;
	hf_cbor_begin(&w, packet + HF_SMP_HEADER_BYTES, sizeof packet - HF_SMP_HEADER_BYTES);
	hf_cbor_put_map(&w, 3);
	hf_cbor_put_tstr(&w, "len");
	hf_cbor_put_uint(&w, how[2] * 64u + (how[0] >> 1 & 1));
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, off);
	hf_cbor_put_tstr(&w, "data");
	hf_cbor_put_bstr(&w, bytes, piece);
	must(w.err == HF_OK);
	h.len = (uint16_t)w.len;
	hf_smp_header_store(packet, &h);
	ask(packet, HF_SMP_HEADER_BYTES + w.len);
}

/* Nobody here can sign a keyset, and what is kept is within its limits, and can be read. */
static void check_kept(void)
{
	uint8_t bytes[HF_CONFIGURATION_MAX];
	uint32_t total;
	size_t len;

	must(trust.keyset.number == maker.keyset.number && !trust.replaced);
	must(hf_update_kept(&device.update, HF_LONGREC_CONFIGURATION, 0, bytes, sizeof bytes, &len, &total) == HF_OK);
	must(len == total && total <= sizeof bytes);
	must(hf_journal_free(&device.update.journal) >= HF_TWIN_DISTANCE + 1);
}

static void activate(void)
{
	uint8_t packet[64] = { 0x0a, 0, 0, 0, 0, 1, 0, 0, 0xa1, 0x64, 'h', 'a', 's', 'h', 0x58, 32 };

	packet[3] = 8 + 32;
	memcpy(packet + 16, sent->id, 32);
	ask(packet, 16 + 32);
}

/* Asks for the nonce, and answers with the site key's signature over it. */
static void open_session(void)
{
	static const uint8_t nonce[] = { 0, 0, 0, 0, 0, 64, 0, HF_SMP_HOLDFAST_SESSION };
	static const char begin[] = "\x84\x6aSignature1\x43\xa1\x01\x28\x50" HF_SESSION_AAD "\x58\x30";
	uint8_t message[sizeof begin - 1 + 48];
	uint8_t packet[96] = { 2, 0, 0, 76, 0, 64, 0, HF_SMP_HOLDFAST_SESSION, 0xa2, 0x63, 'a', 'l', 'g', 0x28,
			       0x63, 's', 'i', 'g', 0x58, 64 };
	size_t at = sizeof begin - 1;

	ask(nonce, sizeof nonce);
	memcpy(message, begin, at);
	memcpy(message + at, device.update.env.device_id, 16);
	memcpy(message + at + 16, server.session.nonce, HF_SESSION_NONCE_BYTES);
	seal_sign((struct hf_bytes){ message, sizeof message }, packet + 20);
	admitted = true;
	ask(packet, 20 + 64);
	must(server.session.open || clock_ms % 7 == 6); /* there was no nonce */
}

static const struct package *const choices[] = { &v1, &v0, &older, &lower, &foreign };
enum { PACKET, PIECE, RESTART, ACTIVATE, ALL, KEPT, RULE, AHEAD, SESSION, CHOOSE, CUT, STEPS };

static size_t measure(const uint8_t *data, size_t len)
{
	static const uint8_t takes[STEPS] = { 2, 3, 1, 1, 1, 5, 3, 1, 1, 2, 2 };
	unsigned what = data[0] % STEPS;
	size_t n = takes[what];

	if (n > len)
		return len;
	if (what == PACKET)
		n += data[1] < len - n ? data[1] : len - n;
	if (what == KEPT)
		n += len - n < 64 ? len - n : 64;
	return n;
}

static void step(const uint8_t *data, size_t len)
{
	static const uint8_t least[STEPS] = { [PACKET] = 2, [KEPT] = 5, [RULE] = 3, [CHOOSE] = 2, [CUT] = 2 };

	if (len < least[data[0] % STEPS])
		return;
	switch (data[0] % STEPS) {
	case PACKET:
		ask(data + 2, len - 2);
		break;
	case PIECE:
		send_piece(len > 1 ? data[1] * 16u : 0, len > 2 ? data[2] : 0);
		break;
	case RESTART:
		start();
		break;
	case ACTIVATE:
		activate();
		break;
	case KEPT:
		send_kept(data + 1, data + 5, len - 5);
		break;
	case RULE:
		server.access = data[1] & 3;
		server.network = data[1] >> 2 & 1;
		clock_ms += data[2] * 60000u + 1;
		break;
	case AHEAD:
		(void)hf_update_ahead(&device.update);
		break;
	case SESSION:
		open_session();
		break;
	case CHOOSE:
		sent = choices[data[1] % (sizeof choices / sizeof choices[0])];
		break;
	case CUT:
		device.flash.cut_at = device.flash.operation + 1 + data[1] * data[1] / 16u;
		device.flash.cut = (enum sim_cut)(1 + data[1] % (SIM_CUTS - 1));
		break;
	default:
		send_piece(4096, 0);
	}
}

static bool verifies(unsigned slot)
{
	static struct hf_slot_work work;
	struct hf_image image;

	return device.update.state.slot[slot].state == HF_SLOT_CONFIRMED &&
	       hf_slot_verify(&device.update.env, slot, &work, &image) == HF_OK;
}

/* 1.2.0 in slot A is confirmed: nothing may touch it until what lies in slot B is, too. From then on, one of them has to be
 * there and confirmed. */
static void check_slots(const uint8_t *before, bool *moved_on)
{
	*moved_on = *moved_on || device.update.state.slot[1].state == HF_SLOT_CONFIRMED;
	if (*moved_on)
		must(verifies(0) || verifies(1));
	else
		must(memcmp(before, device.flash.mem + 0x4000, 32768) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t before[32768];
	static bool moved_on;
	static size_t at;
	static unsigned steps;
	static jmp_buf lost;

	set_up();
	sent = &v1;
	clock_ms = 0;
	sim_flash_copy(&device.flash, &factory.flash);
	device.flash.power_lost = &lost;
	start();
	memcpy(before, device.flash.mem + 0x4000, sizeof before);
	at = 0;
	steps = 0;
	moved_on = false;
	if (setjmp(lost) != 0)
		start();
	while (at < len && steps++ < 64) {
		size_t taken = measure(data + at, len - at);

		at += taken;
		step(data + at - taken, taken);
		check_kept();
		check_slots(before, &moved_on);
	}
	device.flash.cut_at = 0;
	start();
	check_slots(before, &moved_on);
	return 0;
}

static size_t make(struct chance *c, uint8_t *s, size_t max)
{
	unsigned what = chance_below(c, 2) ? PACKET : chance_below(c, STEPS);
	uint8_t zeros[16] = { (uint8_t)what };

	memcpy(s, zeros, sizeof zeros);
	for (unsigned i = 1; i < 5; i++)
		s[i] = (uint8_t)chance_below(c, 256);
	if (what == PIECE && !chance_one_in(c, 8))
		s[2] = 0; /* not damaged */
	if (what == PACKET)
		return 2 + (s[1] = (uint8_t)packet_make(c, s + 2, max < 257 ? max - 2 : 255));
	return measure(s, 5);
}

static size_t change(struct chance *c, uint8_t *s, size_t len, size_t max)
{
	if (s[0] % STEPS == PACKET && len > 2)
		return 2 + (s[1] = (uint8_t)packet_change(c, s + 2, len - 2, max < 257 ? max - 2 : 255));
	if (len > 1)
		s[1 + chance_below(c, (uint32_t)len - 1)] = (uint8_t)chance_number(c, s[1]);
	return len;
}

const struct steps fuzz_steps = { measure, change, make, .bytes_one_in = 12, .most = 3 };

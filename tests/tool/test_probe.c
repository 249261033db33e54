/* SPDX-License-Identifier: MIT
 *
 * What is at a line's other end: a gateway of core's own code, a ROM loader, and whoever else one meets at a serial port.
 * Strangers are a few lines here: at one rate they can be understood, at any other they are noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cbor.h"
#include "fake_rom.h"
#include "probe.h"
#include "sim_gateway.h"
#include "smp.h"

static const struct hf_layout layout = {
	.name = "gw-test",
	.vendor_id = {1},
	.class_id = {2},
	.sectors = 4,
	.sector = {{0x08000000, 16384}, {0x08004000, 16384}, {0x08008000, 65536}, {0x08018000, 65536}},
	.journal = {{0x08000000, 16384}, {0x08004000, 16384}},
	.slot = {{0x08008000, 65536}, {0x08018000, 65536}},
	.ram = {{0x20000000, 131072}},
};

static const struct hf_probe_how usual;

/* ---- a stranger ---- */

struct stranger {
	struct hf_serial serial;
	uint32_t rate, at; /* at which he speaks; which is set */
	const char *text;  /* that he writes every 50 ms; NULL: none */
	bool echoes;
	void (*answer)(struct hf_cbor_writer *w, unsigned group); /* NULL: he knows no SMP */
	uint64_t gone_ms;  /* when the port vanishes; 0: never */

	uint64_t now_ms, said_ms;
	bool parity;
	uint8_t out[4096];
	size_t len;
	struct hf_smp_decoder decoder;
	uint8_t packet[1024];
	bool changed;      /* something was sent that could change a device */
};

static void queue(struct stranger *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len && s->len < sizeof(s->out); i++)
		s->out[s->len++] = s->at == s->rate && !s->parity ? p[i] : (uint8_t)(p[i] * 151 | 0x80);
}

static void serve_stranger(struct stranger *s)
{
	struct hf_smp_header h;
	uint8_t body[512], line[HF_SMP_LINE_MAX];
	struct hf_smp_encoder e;
	struct hf_cbor_writer w;
	size_t n;

	if (hf_smp_header_load((struct hf_bytes){s->packet, s->decoder.len}, &h) != HF_OK || !s->answer)
		return;
	s->changed |= h.op != HF_SMP_READ;
	hf_cbor_begin(&w, body + HF_SMP_HEADER_BYTES, sizeof(body) - HF_SMP_HEADER_BYTES);
	s->answer(&w, h.group);
	h.op++;
	h.len = (uint16_t)w.len;
	hf_smp_header_store(body, &h);
	hf_smp_encode_begin(&e, (struct hf_bytes){body, HF_SMP_HEADER_BYTES + w.len});
	while ((n = hf_smp_encode_line(&e, line)) > 0)
		queue(s, line, n);
}

static enum hf_err stranger_write(void *ctx, const void *data, size_t len)
{
	struct stranger *s = ctx;
	const uint8_t *p = data;

	if (s->gone_ms && s->now_ms >= s->gone_ms)
		return HF_ERR_IO;
	s->now_ms += len * 10000 / s->at + 1;
	for (size_t i = 0; i < len && s->at == s->rate && !s->parity; i++) {
		if (hf_smp_decode(&s->decoder, p[i]) == HF_SMP_PACKET)
			serve_stranger(s);
	}
	if (s->echoes) {
		memcpy(s->out + s->len, data, len);
		s->len += len;
	}
	return HF_OK;
}

static enum hf_err stranger_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct stranger *s = ctx;
	uint64_t until = s->now_ms + timeout_ms;

	while (s->len == 0) {
		if (s->gone_ms && s->now_ms >= s->gone_ms)
			return HF_ERR_IO;
		if (s->now_ms >= until)
			return HF_ERR_TIMEOUT;
		s->now_ms++;
		if (s->text && s->now_ms - s->said_ms >= 50) {
			s->said_ms = s->now_ms;
			queue(s, s->text, strlen(s->text));
		}
	}
	*len = s->len < cap ? s->len : cap;
	memcpy(buf, s->out, *len);
	s->len -= *len;
	memmove(s->out, s->out + *len, s->len);
	s->now_ms++;
	return HF_OK;
}

static enum hf_err stranger_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct stranger *s = ctx;

	s->at = line->baud;
	s->parity = line->parity != 'N';
	s->len = 0;
	return HF_OK;
}

static enum hf_err stranger_reopen(void *ctx)
{
	(void)ctx;
	return HF_ERR_IO;
}

static uint64_t stranger_now(void *ctx)
{
	return ((struct stranger *)ctx)->now_ms;
}

static void stranger_sleep(void *ctx, uint32_t ms)
{
	((struct stranger *)ctx)->now_ms += ms;
}

static const struct hf_serial_ops stranger_ops = {
	.read = stranger_read, .write = stranger_write, .set_line = stranger_set_line, .reopen = stranger_reopen,
	.now_ms = stranger_now, .sleep_ms = stranger_sleep,
};

static void meet(struct stranger *s, const struct hf_probe_how *how, struct hf_probe *out)
{
	s->serial = (struct hf_serial){&stranger_ops, s};
	s->at = 115200;
	hf_smp_decode_begin(&s->decoder, s->packet, sizeof(s->packet));
	assert_int_equal(hf_probe(&s->serial, how, out), HF_OK);
	assert_false(s->changed);
}

static void advise(const struct hf_probe *p, const char *word)
{
	char text[512];

	hf_probe_advice(p, text, sizeof(text));
	if (!strstr(text, word))
		fail_msg("'%s' is not in: %s", word, text);
}

/* ---- Holdfast ---- */

static void firmware_is_told_with_slots_and_id(void **state)
{
	static struct maker maker;
	static struct package v1;
	struct gateway *g = test_calloc(1, sizeof(*g));
	struct hf_probe p;
	char text[64];

	(void)state;
	maker_open(&maker, &layout);
	maker_pack(&maker, 2, 1, 8000, &v1);
	gateway_open(g, &maker, &v1, 1);
	g->fast = true;
	g->line.baud = 115200;
	gateway_start(g);
	sim_advance(&g->line, g->line.now_us + 3000000);
	assert_int_equal(hf_probe(&g->line.serial, &usual, &p), HF_OK);
	assert_int_equal(p.peer, HF_PEER_FIRMWARE);
	assert_int_equal(p.rate, 115200);
	assert_false(p.other_rate);
	assert_string_equal(p.status.board, "gw-test");
	assert_int_equal(p.status.version[1], 2);
	assert_int_equal(p.images.count, 1);
	assert_string_equal(p.images.image[0].version, "1.2.0");
	assert_true(p.identified);
	assert_memory_equal(p.device_id, p.status.device_id, 16);
	assert_in_range(p.probe_ms, 1, 1200);
	assert_string_equal(hf_probe_advice(&p, text, sizeof(text)), "");
	gateway_close(g);
	hf_buffer_free(&v1.file);
	test_free(g);
}

static void answer_as_recovery(struct hf_cbor_writer *w, unsigned group)
{
	if (group != HF_SMP_HOLDFAST) {
		hf_cbor_put_map(w, 1);
		hf_cbor_put_tstr(w, "images");
		hf_cbor_put_array(w, 0);
		return;
	}
	hf_cbor_put_map(w, 3);
	hf_cbor_put_tstr(w, "board");
	hf_cbor_put_tstr(w, "gw-test");
	hf_cbor_put_tstr(w, "uid");
	hf_cbor_put_bstr(w, "0123456789abcdef", 16);
	hf_cbor_put_tstr(w, "slot");
	hf_cbor_put_null(w);
}

static void recovery_is_told_from_firmware(void **state)
{
	struct stranger s = {.rate = 921600, .answer = answer_as_recovery, .text = "Waiting for Download...\r\n"};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_RECOVERY);
	assert_true(hf_probe_is_holdfast(&p));
	assert_int_equal(p.rate, 921600);
	assert_memory_equal(p.device_id, "0123456789abcdef", 16);
}

static void device_at_another_rate_is_found_where_it_is_heard(void **state)
{
	struct stranger s = {.rate = 57600, .answer = answer_as_recovery, .text = "Waiting for Download...\r\n"};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_RECOVERY);
	assert_int_equal(p.rate, 57600);
	assert_true(p.other_rate);
	advise(&p, "--baud 57600");
}

static void echo_of_a_half_duplex_adapter_does_not_hide_the_device(void **state)
{
	struct stranger s = {.rate = 115200, .answer = answer_as_recovery, .echoes = true};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_RECOVERY);
	assert_true(p.echo);
}

/* ---- others ---- */

static void answer_as_zephyr(struct hf_cbor_writer *w, unsigned group)
{
	hf_cbor_put_map(w, 1);
	if (group == HF_SMP_HOLDFAST) {
		hf_cbor_put_tstr(w, "rc");
		hf_cbor_put_uint(w, 8);
		return;
	}
	hf_cbor_put_tstr(w, "images");
	hf_cbor_put_array(w, 1);
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "version");
	hf_cbor_put_tstr(w, "2.7.0");
}

static void other_smp_device_is_no_holdfast(void **state)
{
	struct stranger s = {.rate = 115200, .answer = answer_as_zephyr};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_SMP);
	assert_false(hf_probe_is_holdfast(&p));
	assert_false(p.identified);
	assert_string_equal(p.images.image[0].version, "2.7.0");
	advise(&p, "no Holdfast");
}

static void text_without_answers_is_quoted(void **state)
{
	struct stranger s = {.rate = 115200, .text = "boot: slot A verifies\r\n"};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_TEXT);
	assert_int_equal(p.rate, 115200);
	assert_false(p.other_rate);
	assert_string_equal(p.text, "boot: slot A verifies");
	advise(&p, "slot A verifies");
}

static void text_at_another_rate_names_that_rate(void **state)
{
	struct stranger s = {.rate = 9600, .text = "GPS fix 3D\r\n"};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_TEXT);
	assert_int_equal(p.rate, 9600);
	assert_true(p.other_rate);
}

static void bytes_that_make_sense_at_no_rate_are_garbage(void **state)
{
	struct stranger s = {.rate = 31250, .text = "whatever it says, nobody reads it\r\n"};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_GARBAGE);
	assert_int_equal(p.rate, 0);
	advise(&p, "--baud");
}

static void rate_that_is_given_is_tried_alone(void **state)
{
	static const uint32_t rate[] = {31250};
	const struct hf_probe_how how = {.rate = rate, .rates = 1};
	struct stranger s = {.rate = 31250, .answer = answer_as_recovery};
	struct hf_probe p;

	(void)state;
	meet(&s, &how, &p);
	assert_int_equal(p.peer, HF_PEER_RECOVERY);
	assert_false(p.other_rate);
}

static void loop_back_is_told(void **state)
{
	struct stranger s = {.rate = 1, .echoes = true};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_ECHO);
	advise(&p, "our own bytes");
}

static void silence_takes_a_second(void **state)
{
	struct stranger s = {.rate = 1};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_NOTHING);
	assert_in_range(p.probe_ms, 500, 1200);
	advise(&p, "TX and RX");
}

static void port_that_vanishes_is_told(void **state)
{
	struct stranger s = {.rate = 1, .gone_ms = 400};
	struct hf_probe p;

	(void)state;
	meet(&s, &usual, &p);
	assert_int_equal(p.peer, HF_PEER_GONE);
	advise(&p, "vanished");
}

static bool at_once(void *ctx)
{
	(void)ctx;
	return true;
}

static void interruption_ends_it(void **state)
{
	const struct hf_probe_how how = {.stop = at_once};
	struct stranger s = {.serial = {&stranger_ops, &s}, .rate = 1, .at = 115200};
	struct hf_probe p;

	(void)state;
	assert_int_equal(hf_probe(&s.serial, &how, &p), HF_ERR_BUSY);
	assert_in_range(p.probe_ms, 0, 600);
}

/* ---- the chip's loader ---- */

static void with_rom(void (*look)(struct fake_rom *rom))
{
	struct fake_rom *rom = test_calloc(1, sizeof(*rom));

	fake_rom_open(rom, &layout);
	look(rom);
	fake_rom_close(rom);
	test_free(rom);
}

static void look_at_open_rom(struct fake_rom *rom)
{
	static const uint8_t id[16] = {'0', '1', '2', '3', '4', '5', 0x80, 0x68, 0x80, 0x66, '6', '7', '8', '9', ':', ';'};
	struct hf_probe p;

	for (unsigned i = 0; i < 2; i++) { /* a loader that was asked once can be asked again */
		assert_int_equal(hf_probe(&rom->serial, &usual, &p), HF_OK);
		assert_int_equal(p.peer, HF_PEER_ROM);
		assert_int_equal(p.chip_id, rom->id);
		assert_true(p.identified);
		assert_memory_equal(p.device_id, id, sizeof(id));
		assert_in_range(p.probe_ms, 1, 1200);
	}
	assert_int_equal(rom->writes + rom->erases + rom->option_writes, 0);
}

static void loader_is_found_before_it_is_spoiled(void **state)
{
	(void)state;
	with_rom(look_at_open_rom);
}

static void look_at_closed_rom(struct fake_rom *rom)
{
	struct hf_probe p;

	rom->options[1] = 0x55;
	assert_int_equal(hf_probe(&rom->serial, &usual, &p), HF_OK);
	assert_int_equal(p.peer, HF_PEER_ROM);
	assert_true(p.closed);
	assert_false(p.identified);
}

static void loader_behind_readout_protection_has_no_id(void **state)
{
	(void)state;
	with_rom(look_at_closed_rom);
}

static void look_at_rom_without_parity(struct fake_rom *rom)
{
	struct hf_probe p;

	rom->no_parity = true;
	assert_int_equal(hf_probe(&rom->serial, &usual, &p), HF_OK);
	assert_int_equal(p.peer, HF_PEER_ROM);
	assert_int_equal(p.chip_id, 0);
	advise(&p, "even parity");
}

static void loader_on_a_line_without_parity_is_told(void **state)
{
	(void)state;
	with_rom(look_at_rom_without_parity);
}

static void look_past_rom(struct fake_rom *rom)
{
	const struct hf_probe_how how = {.no_rom = true};
	struct hf_probe p;

	assert_int_equal(hf_probe(&rom->serial, &how, &p), HF_OK);
	assert_int_not_equal(p.peer, HF_PEER_ROM);
}

static void loader_is_not_looked_for_where_it_is_not_wanted(void **state)
{
	(void)state;
	with_rom(look_past_rom);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_is_told_with_slots_and_id),
		cmocka_unit_test(recovery_is_told_from_firmware),
		cmocka_unit_test(device_at_another_rate_is_found_where_it_is_heard),
		cmocka_unit_test(echo_of_a_half_duplex_adapter_does_not_hide_the_device),
		cmocka_unit_test(other_smp_device_is_no_holdfast),
		cmocka_unit_test(text_without_answers_is_quoted),
		cmocka_unit_test(text_at_another_rate_names_that_rate),
		cmocka_unit_test(bytes_that_make_sense_at_no_rate_are_garbage),
		cmocka_unit_test(rate_that_is_given_is_tried_alone),
		cmocka_unit_test(loop_back_is_told),
		cmocka_unit_test(silence_takes_a_second),
		cmocka_unit_test(port_that_vanishes_is_told),
		cmocka_unit_test(interruption_ends_it),
		cmocka_unit_test(loader_is_found_before_it_is_spoiled),
		cmocka_unit_test(loader_behind_readout_protection_has_no_id),
		cmocka_unit_test(loader_on_a_line_without_parity_is_told),
		cmocka_unit_test(loader_is_not_looked_for_where_it_is_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

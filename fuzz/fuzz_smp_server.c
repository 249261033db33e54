/* SPDX-License-Identifier: MIT
 *
 * Any requests to the device's SMP server, over the real engine and flash in memory, mixed with true pieces of a package,
 * so that every state of an upload is reached. Whatever is asked: the slot that runs is never touched, every answer is
 * well-formed and fits, and the device still starts what it ran or what was activated.
 *
 * Input: steps of u8 kind, then what the kind takes: a packet (u8 length, bytes), a piece of the package (u8 length in 16
 * bytes, u8 damage), a piece of a keyset file or configuration (u8 which, offset, length of all, of the piece), the access
 * rule and the clock (u8 rule, u8 minutes), or nothing. Nobody has a site key: under `signed` nothing is ever written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"
#include "smp_body.h"
#include "smp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct hf_layout layout = {
	.name = "fuzz",
	.vendor_id = { 1 }, .class_id = { 2 },
	.sectors = 5,
	.sector = { { 0x08000000, 8192 }, { 0x08002000, 8192 }, { 0x08004000, 32768 }, { 0x0800c000, 32768 },
		    { 0x08014000, 4096 } },
	.data = { 0x08014000, 4096 },
	.journal = { { 0x08000000, 8192 }, { 0x08002000, 8192 } },
	.slot = { { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
	.ram = { { 0x20000000, 131072 } },
};

static struct maker maker;
static struct package v0, v1;
static struct device factory, device;
static struct hf_smp_server server;
static struct hf_smp_store store;
static struct hf_trust trust;

static uint32_t clock_ms;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void set_up(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	maker_open(&maker, &layout);
	maker_pack(&maker, 0, 1, 6000, &v0);
	maker_pack(&maker, 1, 1, 20000, &v1);
	device_open(&factory, &maker);
	device_open(&device, &maker);
	factory.known[0] = device.known[0] = &v0;
	factory.known[1] = device.known[1] = &v1;
	device_install_factory(&factory, &v0);
	device_reach(&factory, &v0, (struct cuts){ 0 });
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
	device.starts = 0;
	device.cause = HF_RESET_REQUEST;
	device_boot(&device);
	device.update.trust = &trust;
	device.update.factory_keyset = (struct hf_bytes){ maker.keyset_bytes, sizeof maker.keyset_bytes };
	must(device_open_update(&device) == HF_OK);
	store = (struct hf_smp_store){ 0 };
	server = (struct hf_smp_server){ .update = &device.update, .store = &store, .buf_size = 512, .buf_count = 2,
					 .readback = true, .now_ms = now_ms, .random = no_chance, .health = tell };
}

static void ask(const uint8_t *packet, size_t len)
{
	uint8_t *copy = malloc(len + 1), *answer = malloc(HF_SMP_ANSWER_MAX);
	struct hf_smp_header h;
	struct hf_cbor_reader r;
	size_t n;

	unsigned long written = device.flash.words + device.flash.erases;

	memcpy(copy, packet, len);
	n = hf_smp_serve(&server, (struct hf_bytes){ copy, len }, answer, HF_SMP_ANSWER_MAX);
	must(n <= HF_SMP_ANSWER_MAX);
	must(!server.session.open);
	must(server.access < HF_ACCESS_SIGNED || device.flash.words + device.flash.erases == written);
	must(server.access != HF_ACCESS_LOCAL || !server.network || device.flash.words + device.flash.erases == written);
	if (n > 0) {
		must(hf_smp_header_load((struct hf_bytes){ answer, n }, &h) == HF_OK);
		hf_cbor_open_final(&r, (struct hf_bytes){ answer + HF_SMP_HEADER_BYTES, h.len });
		must(hf_cbor_peek(&r) == HF_CBOR_MAP);
		hf_cbor_skip(&r); /* ours are canonical but for the keys' order */
		must(hf_cbor_close(&r) == HF_OK);
	}
	free(copy);
	free(answer);
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

	if (off > v1.file.len)
		return;
	if (piece > v1.file.len - off)
		piece = (uint32_t)(v1.file.len - off);
	hf_cbor_begin(&w, packet + HF_SMP_HEADER_BYTES, sizeof packet - HF_SMP_HEADER_BYTES);
	hf_cbor_put_map(&w, 3);
	hf_cbor_put_tstr(&w, "len");
	hf_cbor_put_uint(&w, v1.file.len);
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, off);
	hf_cbor_put_tstr(&w, "data");
	hf_cbor_put_bstr(&w, v1.file.ptr + off, piece);
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
	memcpy(packet + 16, v1.id, 32);
	ask(packet, 16 + 32);
}

static size_t step(const uint8_t *data, size_t len)
{
	size_t taken = 1;

	switch (data[0] % 8) {
	case 0:
		if (len < 2)
			return len;
		taken = data[1] < len - 2 ? data[1] : len - 2;
		ask(data + 2, taken);
		return 2 + taken;
	case 1:
		send_piece(len > 1 ? data[1] * 16u : 0, len > 2 ? data[2] : 0);
		return len < 3 ? len : 3;
	case 2:
		start();
		return 1;
	case 3:
		activate();
		return 1;
	case 5:
		if (len < 5)
			return len;
		taken = len - 5 < 64 ? len - 5 : 64;
		send_kept(data + 1, data + 5, taken);
		return 5 + taken;
	case 6:
		if (len < 3)
			return len;
		server.access = data[1] & 3;
		server.network = data[1] >> 2 & 1;
		clock_ms += data[2] * 60000u + 1;
		return 3;
	case 7:
		(void)hf_update_ahead(&device.update);
		return 1;
	default:
		send_piece(4096, 0);
		return 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t before[32768];
	unsigned steps = 0;

	set_up();
	sim_flash_copy(&device.flash, &factory.flash);
	start();
	memcpy(before, device.flash.mem + 0x4000, sizeof before);
	while (len > 0 && steps++ < 64) {
		size_t taken = step(data, len);

		data += taken;
		len -= taken;
		check_kept();
		/* 1.0.0 in slot A is confirmed: nothing may touch it until 1.1.0 is, too. */
		if (device.update.state.slot[1].state != HF_SLOT_CONFIRMED)
			must(memcmp(before, device.flash.mem + 0x4000, sizeof before) == 0);
	}
	start();
	return 0;
}

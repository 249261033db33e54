/* SPDX-License-Identifier: MIT
 *
 * The server of core/smp_server.h over an engine that is played: what reached the engine, and what comes back.
 */
#ifndef HF_TESTS_SMP_WORLD_H
#define HF_TESTS_SMP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cbor.h"
#include "hex.h"
#include "smp_server.h"

static const struct hf_layout layout = {
	.name = "reference",
	.vendor_id = { 0xaa, 1, 2 },
	.class_id = { 0xbb, 3, 4 },
	.recovery = { 0x08010000, 0x10000 },
	.slot = { { 0x08020000, 0x60000 }, { 0x08080000, 0x60000 } },
	.sectors = 1,
	.sector = { { 0x080e0000, 0x20000 } },
	.data = { 0x080e0000, 0x20000 },
};
static const uint8_t device_id[16] = { 0xdd, 5, 6 };

/* What the engine was asked, and what it is to answer. */
static struct {
	enum hf_err err;
	unsigned begins, writes, activates, confirms, erases, rollbacks, factories, heads;
	uint32_t total, off, wanted_end;
	size_t len;
	uint32_t read_addr;
	unsigned verifies, place;
	unsigned keeps;
	enum hf_longrec_kind kind;
	uint8_t kept[4096];
	uint8_t id[HF_SHA256_BYTES];
} engine;

static struct hf_update update;
static struct hf_smp_server server;
static uint8_t answer[HF_SMP_ANSWER_MAX];
static size_t answer_len;

enum hf_err hf_update_begin(struct hf_update *u, uint32_t total)
{
	engine.begins++;
	engine.total = total;
	if (engine.err)
		return engine.err;
	u->phase = HF_UPDATE_HEAD;
	u->total = total;
	u->next = 0;
	u->slot = 1;
	return HF_OK;
}

uint32_t hf_update_wanted_end(const struct hf_update *u)
{
	return engine.wanted_end ? engine.wanted_end : u->total;
}

enum hf_err hf_update_write(struct hf_update *u, uint32_t off, const uint8_t *data, size_t len)
{
	(void)data;
	engine.writes++;
	engine.off = off;
	engine.len = len;
	if (engine.err) {
		u->phase = HF_UPDATE_IDLE;
		return engine.err;
	}
	if (off == u->next)
		u->next += (uint32_t)len;
	if (u->next == u->total)
		u->phase = HF_UPDATE_DONE;
	return HF_OK;
}

enum hf_err hf_update_activate(struct hf_update *u, const uint8_t id[HF_SHA256_BYTES])
{
	engine.activates++;
	memcpy(engine.id, id, sizeof engine.id);
	if (!engine.err)
		u->state.slot[!u->running].state = HF_SLOT_TRIAL;
	return engine.err;
}

enum hf_err hf_update_rollback(struct hf_update *u)
{
	(void)u;
	engine.rollbacks++;
	return engine.err;
}

enum hf_err hf_update_factory(struct hf_update *u)
{
	(void)u;
	engine.factories++;
	return engine.err;
}

enum hf_err hf_update_confirm(struct hf_update *u)
{
	engine.confirms++;
	if (!engine.err)
		u->state.slot[u->running].state = HF_SLOT_CONFIRMED;
	return engine.err;
}

enum hf_err hf_update_erase(struct hf_update *u)
{
	(void)u;
	engine.erases++;
	return engine.err;
}

enum hf_err hf_update_keep(struct hf_update *u, enum hf_longrec_kind kind, struct hf_bytes content)
{
	(void)u;
	engine.keeps++;
	engine.kind = kind;
	engine.len = content.len;
	memcpy(engine.kept, content.ptr, content.len);
	return engine.err;
}

enum hf_err hf_update_kept(struct hf_update *u, enum hf_longrec_kind kind, uint32_t off, uint8_t *buf, size_t cap,
			   size_t *len, uint32_t *total)
{
	(void)u;
	engine.kind = kind;
	*total = (uint32_t)engine.len;
	if (off > *total)
		return HF_ERR_RANGE;
	*len = *total - off < cap ? *total - off : cap;
	memcpy(buf, engine.kept + off, *len);
	return HF_OK;
}

enum hf_err hf_slot_read_head(const struct hf_slot_env *env, unsigned slot, struct hf_slot_work *work,
			      struct hf_image *out)
{
	(void)env;
	(void)work;
	engine.heads++;
	if (update.state.slot[slot].state == HF_SLOT_UNKNOWN)
		return HF_ERR_NOT_FOUND;
	memset(out, 0, sizeof *out);
	memset(out->id, 0x22, sizeof out->id);
	out->versions = 4;
	memcpy(out->version, (int32_t[]){ 1, 1, 0, -1 }, sizeof out->version);
	return HF_OK;
}

enum hf_err hf_slot_verify(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work, struct hf_image *out)
{
	uint8_t page[4];
	enum hf_err err;

	for (unsigned i = 0; i < 3; i++) {
		err = env->flash->read(env->flash->ctx, 0x08020000, page, sizeof page);
		assert_int_equal(err, HF_OK);
	}
	engine.verifies++;
	engine.place = place;
	err = hf_slot_read_head(env, place % HF_SLOTS, work, out);
	return engine.err ? engine.err : err;
}

/* Flash that holds the low byte of each address. */
static enum hf_err read_played(void *ctx, uint32_t addr, void *buf, size_t len)
{
	uint8_t *to = buf;

	(void)ctx;
	engine.read_addr = addr;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(addr + i);
	return HF_OK;
}

static const struct hf_flash played_flash = { .read = read_played };

/* What is found is what the test has put there. */
static struct hf_blackbox found;

enum hf_err hf_blackbox_look(const struct hf_journal *j, struct hf_blackbox *out)
{
	(void)j;
	*out = found;
	return engine.err;
}

unsigned hf_journal_free(const struct hf_journal *j)
{
	(void)j;
	return 321;
}

static int setup(void **state)
{
	(void)state;
	memset(&engine, 0, sizeof engine);
	memset(&found, 0, sizeof found);
	memset(&update, 0, sizeof update);
	memset(&server, 0, sizeof server);
	update.env.layout = &layout;
	update.env.flash = &played_flash;
	update.env.device_id = device_id;
	update.running = 0;
	update.running_known = true;
	update.running_image.versions = 3;
	update.running_image.version[0] = 1;
	update.running_image.version[1] = 20;
	update.running_image.version[2] = 300;
	memset(update.running_image.id, 0x11, sizeof update.running_image.id);
	update.state.slot[0].state = HF_SLOT_CONFIRMED;
	update.state.newest = UINT64_C(1) << 32 | 0x01020304;
	server.update = &update;
	server.buf_size = 1024;
	server.buf_count = 4;
	server.reset_cause = HF_RESET_WATCHDOG;
	return 0;
}

static inline void ask_raw(const char *hex)
{
	uint8_t packet[512];
	size_t len = from_hex(hex, packet, sizeof packet);

	answer_len = hf_smp_serve(&server, (struct hf_bytes){ packet, len }, answer, sizeof answer);
}

/* A request with the body given in hex; the answer's header is checked here. */
static inline struct hf_cbor_reader ask(unsigned version, unsigned op, unsigned group, unsigned id, const char *body)
{
	struct hf_smp_header h = { .version = (uint8_t)version, .op = (uint8_t)op, .group = (uint16_t)group, .seq = 77,
				   .id = (uint8_t)id };
	struct hf_cbor_reader r;
	uint8_t packet[512];

	h.len = (uint16_t)from_hex(body, packet + HF_SMP_HEADER_BYTES, sizeof packet - HF_SMP_HEADER_BYTES);
	hf_smp_header_store(packet, &h);
	answer_len = hf_smp_serve(&server, (struct hf_bytes){ packet, HF_SMP_HEADER_BYTES + h.len }, answer,
				  sizeof answer);
	assert_int_equal(hf_smp_header_load((struct hf_bytes){ answer, answer_len }, &h), HF_OK);
	assert_int_equal(h.op, op + 1);
	assert_int_equal(h.group, group);
	assert_int_equal(h.id, id);
	assert_int_equal(h.seq, 77);
	hf_cbor_open_final(&r, (struct hf_bytes){ answer + HF_SMP_HEADER_BYTES, h.len });
	return r;
}

static inline void assert_body(const char *hex)
{
	uint8_t want[512];
	size_t len = from_hex(hex, want, sizeof want);

	assert_int_equal(answer_len, HF_SMP_HEADER_BYTES + len);
	assert_memory_equal(answer + HF_SMP_HEADER_BYTES, want, len);
}

/* The answer is an error of version 0 (`rc`) or 1 (`err`). */
static void assert_rc(struct hf_cbor_reader r, uint32_t rc)
{
	assert_int_equal(hf_cbor_map(&r), 2);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "rc", 2);
	assert_int_equal(hf_cbor_uint(&r, 255), rc);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "rsn", 3);
	assert_true(hf_cbor_tstr(&r).len > 0);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
}

static void assert_err(struct hf_cbor_reader r, enum hf_err err)
{
	struct hf_bytes why;

	assert_int_equal(hf_cbor_map(&r), 2);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "err", 3);
	assert_int_equal(hf_cbor_map(&r), 2);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "group", 5);
	assert_int_equal(hf_cbor_uint(&r, 255), 64);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "rc", 2);
	assert_int_equal(hf_cbor_uint(&r, 255), err);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "rsn", 3);
	why = hf_cbor_tstr(&r);
	assert_int_equal(why.len, strlen(hf_err_text(err)));
	assert_memory_equal(why.ptr, hf_err_text(err), why.len);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
	assert_int_equal(server.last_error, err);
}

static void assert_untouched(void)
{
	assert_int_equal(engine.begins + engine.writes + engine.activates + engine.confirms + engine.erases + engine.rollbacks +
			 engine.keeps + engine.factories, 0);
	assert_false(server.reset_wanted);
}

#endif

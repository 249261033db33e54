/* SPDX-License-Identifier: MIT */
#include "smp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct hf_layout layout = {
	.name = "reference",
	.vendor_id = {0xaa},
	.class_id = {0xbb},
	.slot = {{0x08020000, 0x60000}, {0x08080000, 0x60000}},
};
static const uint8_t device_id[16] = {0xdd};

struct peer_device device;
struct hf_update update;
struct hf_smp_server server;
struct sim sim;
struct hf_smp_client client;
struct hf_smp_answer answer;
uint8_t file[FILE_BYTES];

enum hf_err hf_update_begin(struct hf_update *u, uint32_t total)
{
	u->phase = HF_UPDATE_HEAD;
	u->next = 0;
	u->total = total;
	return HF_OK;
}

/* Over what it has, but for the last byte. */
static void pass_over(struct hf_update *u)
{
	while (u->next < u->total - 1 && (u->next - HEAD_BYTES) % SEGMENT == 0 &&
	       device.has >> (u->next - HEAD_BYTES) / SEGMENT & 1) {
		uint32_t left = u->total - 1 - u->next, n = left < SEGMENT ? left : SEGMENT;

		memcpy(device.kept + u->next, file + u->next, n);
		u->next += n;
		device.committed += n == SEGMENT ? SEGMENT : 0;
		device.owed_us += device.erase_us;
	}
}

uint32_t hf_update_wanted_end(const struct hf_update *u)
{
	uint32_t index = (u->next - HEAD_BYTES) / SEGMENT + 1;

	while (HEAD_BYTES + index * SEGMENT < u->total && !(device.has >> index & 1))
		index++;
	return HEAD_BYTES + index * SEGMENT < u->total ? HEAD_BYTES + index * SEGMENT : u->total;
}

static void take(struct hf_update *u, const uint8_t *data, size_t len)
{
	device.work_us += device.owed_us; /* before the data behind it */
	device.owed_us = 0;
	memcpy(device.kept + u->next, data, len);
	u->next += (uint32_t)len;
	if (u->phase == HF_UPDATE_HEAD && u->next >= HEAD_BYTES) {
		u->phase = HF_UPDATE_PAYLOAD;
		u->next = HEAD_BYTES + device.committed;
		pass_over(u);
		return;
	}
	while (u->phase == HF_UPDATE_PAYLOAD && u->next >= HEAD_BYTES + device.committed + SEGMENT) {
		device.committed += SEGMENT;
		device.work_us += device.erase_us;
		if (device.has && u->next == HEAD_BYTES + device.committed)
			pass_over(u);
	}
	if (u->next == u->total)
		u->phase = HF_UPDATE_DONE;
}

enum hf_err hf_update_write(struct hf_update *u, uint32_t off, const uint8_t *data, size_t len)
{
	if (off != u->next || device.stubborn)
		return HF_OK;
	if (device.restart_at && off + len > device.restart_at && device.restarts_left) {
		device.restarts_left--;
		sim_restart(&sim, 500000);
		if (device.forgets_line)
			sim.link = server.link = NULL;
		if (device.says)
			sim_say_later(&sim, device.says, 500000);
		u->phase = HF_UPDATE_IDLE;
		memset(&server.sha, 0, sizeof(server.sha));
		server.sha_len = 0;
		return HF_OK;
	}
	if (device.refusals_left && off + len > device.refuse_at) {
		device.refusals_left--;
		u->phase = HF_UPDATE_IDLE;
		return device.refusal;
	}
	if (u->phase == HF_UPDATE_HEAD && len > HEAD_BYTES - u->next)
		len = HEAD_BYTES - u->next;
	take(u, data, len);
	return HF_OK;
}

enum hf_err hf_update_activate(struct hf_update *u, const uint8_t id[HF_SHA256_BYTES])
{
	if (id[0] != 0x22)
		return HF_ERR_NOT_FOUND;
	u->state.slot[1].state = HF_SLOT_TRIAL;
	return HF_OK;
}

enum hf_err hf_update_confirm(struct hf_update *u)
{
	u->state.slot[0].state = HF_SLOT_CONFIRMED;
	return HF_OK;
}

enum hf_err hf_update_rollback(struct hf_update *u)
{
	(void)u;
	return HF_ERR_NOT_FOUND;
}

enum hf_err hf_update_factory(struct hf_update *u)
{
	(void)u;
	return HF_OK;
}

enum hf_err hf_update_erase(struct hf_update *u)
{
	return u->state.slot[1].state == HF_SLOT_TRIAL ? HF_ERR_TRIAL : HF_OK;
}

enum hf_err hf_slot_read_head(const struct hf_slot_env *env, unsigned slot, struct hf_slot_work *work,
			      struct hf_image *out)
{
	(void)env;
	(void)slot;
	(void)work;
	memset(out, 0, sizeof(*out));
	memset(out->id, 0x22, sizeof(out->id));
	out->versions = 3;
	memcpy(out->version, (int32_t[]){1, 1, 0}, 3 * sizeof(int32_t));
	return HF_OK;
}

enum hf_err hf_slot_verify(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work, struct hf_image *out)
{
	enum hf_err err = hf_slot_read_head(env, place, work, out);

	return device.verdict ? device.verdict : err;
}

enum hf_err hf_update_keep(struct hf_update *u, enum hf_longrec_kind kind, struct hf_bytes content)
{
	(void)u;
	(void)kind;
	(void)content;
	return HF_ERR_UNSUPPORTED;
}

enum hf_err hf_update_kept(struct hf_update *u, enum hf_longrec_kind kind, uint32_t off, uint8_t *buf, size_t cap,
			   size_t *len, uint32_t *total)
{
	(void)u;
	(void)kind;
	(void)off;
	(void)buf;
	(void)cap;
	(void)len;
	(void)total;
	return HF_ERR_UNSUPPORTED;
}

enum hf_err hf_blackbox_look(const struct hf_journal *j, struct hf_blackbox *out)
{
	(void)j;
	*out = device.found;
	return device.no_black_box ? HF_ERR_UNSUPPORTED : HF_OK;
}

unsigned hf_journal_free(const struct hf_journal *j)
{
	(void)j;
	return 400;
}

static size_t serve(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap,
		    uint64_t *cost_us)
{
	struct hf_bytes bytes = {packet->buf, packet->len};
	size_t len;

	(void)ctx;
	if (device.requests_ignored) {
		device.requests_ignored--;
		return 0;
	}
	if (device.answers_left > 1)
		device.answers_left--;
	else if (device.answers_left == 1)
		return 0;
	device.work_us = device.cost_us;
	unsigned restarts = device.restarts_left;
	len = oversize ? hf_smp_serve_oversize(&server, bytes, out, cap) : hf_smp_serve(&server, bytes, out, cap);
	*cost_us = device.work_us;
	return restarts == device.restarts_left ? len : 0;
}

int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	memset(&update, 0, sizeof(update));
	memset(&server, 0, sizeof(server));
	update.env.layout = &layout;
	update.env.device_id = device_id;
	update.running = 0;
	update.running_known = true;
	memset(update.running_image.id, 0x11, sizeof(update.running_image.id));
	update.running_image.versions = 4;
	memcpy(update.running_image.version, (int32_t[]){1, 2, 3, -1}, 4 * sizeof(int32_t));
	update.state.slot[0].state = HF_SLOT_CONFIRMED;
	update.state.slot[0].sequence = UINT64_C(0x0000000101020300);
	update.state.newest = UINT64_C(0x0000000101020300);
	server.update = &update;
	server.buf_size = 1024;
	server.buf_count = 4;
	server.reset_cause = HF_RESET_REQUEST;
	device.cost_us = 200;
	sim_init(&sim, 1);
	sim.serve = serve;
	sim.baud = 921600;
	sim.packet_bytes = 1024;
	hf_smp_client_init(&client, &sim.serial);
	for (unsigned i = 0; i < FILE_BYTES; i++)
		file[i] = (uint8_t)(i * 2654435761u >> 13);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	sim_free(&sim);
	return 0;
}

struct hf_smp_upload uploading(void)
{
	return (struct hf_smp_upload){
		.file = {file, sizeof(file)},
		.packet_bytes = 1024,
		.window = 4,
		.patience_ms = 60000,
	};
}

void assert_complete(const struct hf_smp_upload *u)
{
	assert_int_equal(u->off, FILE_BYTES);
	assert_int_equal(update.phase, HF_UPDATE_DONE);
	assert_memory_equal(device.kept, file, FILE_BYTES);
}

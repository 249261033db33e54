/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host_crypto.h"
#include "package.h"

#define STARTS_MAX 60u /* more than any case needs: a device that does not get there hangs */

static const uint8_t device_id[16] = { 1, 2, 3 };

void maker_open(struct maker *m, const struct hf_layout *layout)
{
	struct hf_keyset one;
	struct hf_diag diag;
	size_t len;

	memset(&m->from, 0, sizeof m->from);
	m->same_from = 0;
	m->blanks = false;
	m->fixed_at = 0;
	m->layout = layout;
	assert_int_equal(hf_key_generate(&m->key, &diag), HF_OK);
	one = hf_keyset_of_one(HF_ROLE_RELEASE, 1, m->key.public_key);
	assert_int_equal(hf_keyset_encode(&one, m->keyset_bytes, sizeof m->keyset_bytes, &len), HF_OK);
	assert_int_equal(hf_keyset_parse((struct hf_bytes){ m->keyset_bytes, len }, &m->keyset, &len), HF_OK);
}

/* An image with a vector table, bytes that depend on the version, and every 7th word relocated. */
static void make_image(const struct maker *m, unsigned minor, uint8_t *image, uint32_t bytes, uint8_t *table,
		       size_t *table_bytes)
{
	uint32_t pages = (bytes + HF_RELOC_PAGE_BYTES - 1) / HF_RELOC_PAGE_BYTES;
	uint32_t entries = 0;
	uint8_t *entry = table + 8 + 4 * (pages + 1);

	for (uint32_t i = 0; i < bytes / 4; i++) {
		bool relocated = i % 7 == 1;

		bool same = m->same_from != 0 && i * 4 >= m->same_from;

		store_le32(image + i * 4, relocated ? m->fixed_at + ((i * 4 % bytes) | 1) : i * 2654435761u + (same ? 0 : minor));
		if (m->blanks && !relocated && i / 16 % 16 == 5)
			store_le32(image + i * 4, 0xffffffff);
		if (i % HF_RELOC_PAGE_WORDS == 0)
			store_le32(table + 8 + 4 * (i / HF_RELOC_PAGE_WORDS), entries);
		if (relocated)
			store_le16(entry + 2 * entries++, (uint16_t)(i % HF_RELOC_PAGE_WORDS));
	}
	store_le32(image, m->layout->ram[0].addr + m->layout->ram[0].size);
	store_le32(table, HF_RELOC_FORMAT | HF_RELOC_PAGE_WORDS << 16);
	store_le32(table + 4, bytes);
	store_le32(table + 8 + 4 * pages, entries);
	*table_bytes = (size_t)(entry - table) + 2 * entries;
	while (*table_bytes % 4 != 0)
		table[(*table_bytes)++] = 0;
}

static void pack(const struct maker *m, unsigned minor, uint32_t security, uint32_t image_bytes,
		 enum hf_component component, struct package *out)
{
	uint8_t *image = malloc(image_bytes), *table = malloc(image_bytes);
	struct hf_package_spec spec = {
		.vendor_id = m->layout->vendor_id,
		.class_id = m->layout->class_id,
		.vendor_name = "test",
		.model_name = "test",
		.description = "test",
		.version = { 3, { 1, (int32_t)minor, 0 } },
		.sequence = (uint64_t)security << 32 | 1u << 24 | minor << 16,
		.component = component,
		.from = m->from,
		.contents = 1,
	};
	struct hf_envelope env;
	struct hf_diag diag;
	size_t table_bytes;

	assert_non_null(image);
	assert_non_null(table);
	make_image(m, minor, image, image_bytes, table, &table_bytes);
	spec.content[0].image = (struct hf_bytes){ image, image_bytes };
	spec.content[0].table = (struct hf_bytes){ table, table_bytes };
	if (m->fixed_at)
		spec.content[0].table.len = 0;
	assert_int_equal(hf_package_place(&spec, &m->key, &diag), HF_OK);
	if (m->fixed_at)
		spec.content[0].image_offset = m->fixed_at - m->layout->slot[1].addr;
	assert_int_equal(hf_package_build(&spec, &m->key, &out->file, &diag), HF_OK);
	free(image);
	free(table);
	out->version[0] = 1;
	out->version[1] = (int32_t)minor;
	out->hangs = false;
	out->component = (uint8_t)component;
	assert_int_equal(hf_envelope_parse(hf_buffer_bytes(&out->file), &env), HF_OK);
	assert_int_equal(hf_envelope_authenticate(&env, &m->keyset, HF_ROLE_RELEASE, &hf_host_crypto, out->id), HF_OK);
}

void maker_pack(const struct maker *m, unsigned minor, uint32_t security, uint32_t image_bytes, struct package *out)
{
	pack(m, minor, security, image_bytes, HF_COMPONENT_APP, out);
}

void maker_pack_recovery(const struct maker *m, unsigned minor, uint32_t security, uint32_t image_bytes,
			 struct package *out)
{
	pack(m, minor, security, image_bytes, HF_COMPONENT_RECOVERY, out);
}

void device_open(struct device *d, const struct maker *m)
{
	memset(d, 0, sizeof *d);
	sim_flash_open(&d->flash, m->layout);
	d->maker = m;
	d->running = HF_SLOTS;
	d->packet_bytes = 400;
}

void device_close(struct device *d)
{
	sim_flash_close(&d->flash);
}

/* Signatures are checked once each: the same few are met thousands of times. */
static enum hf_err remembering_verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	static struct {
		uint8_t of[HF_SHA256_BYTES];
		enum hf_err result;
	} seen[16];
	static unsigned next;
	struct hf_sha256 hash;
	uint8_t of[HF_SHA256_BYTES];

	hf_host_crypto.sha256_start(&hash);
	hf_host_crypto.sha256_update(&hash, &alg, sizeof alg);
	hf_host_crypto.sha256_update(&hash, key.ptr, key.len);
	hf_host_crypto.sha256_update(&hash, message.ptr, message.len);
	hf_host_crypto.sha256_update(&hash, signature.ptr, signature.len);
	hf_host_crypto.sha256_finish(&hash, of);
	for (unsigned i = 0; i < 16; i++)
		if (memcmp(seen[i].of, of, sizeof of) == 0)
			return seen[i].result;
	next = (next + 1) % 16;
	memcpy(seen[next].of, of, sizeof of);
	seen[next].result = hf_host_crypto.verify(alg, key, message, signature);
	return seen[next].result;
}

static struct hf_slot_env env_of(struct device *d)
{
	static struct hf_crypto crypto;

	crypto = hf_host_crypto;
	crypto.verify = remembering_verify;
	return (struct hf_slot_env){ &d->flash.ops, d->maker->layout, &crypto, &d->maker->keyset, device_id };
}

/* A slot's content in the factory comes from a probe, not from an upload; here an upload into slot A makes it, and the
 * journal is blanked again. */
void device_install_factory(struct device *d, const struct package *p)
{
	const struct hf_layout *layout = d->maker->layout;

	d->running = HF_SLOTS;
	d->runs = NULL;
	assert_int_equal(device_upload(d, p), HF_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(d->flash.ops.erase(&d->flash, layout->journal[i].addr), HF_OK);
}

void device_install_factory_recovery(struct device *d, const struct package *p)
{
	const struct hf_layout *layout = d->maker->layout;
	unsigned slot;

	d->runs = p;
	d->running = HF_PLACE_RECOVERY;
	assert_int_equal(device_upload(d, p), HF_OK);
	slot = d->update.slot;
	d->running = slot;
	assert_int_equal(device_open_update(d), HF_OK);
	assert_int_equal(hf_update_install_recovery(&d->update), HF_OK);
	for (unsigned i = 0; i < layout->sectors; i++)
		if (layout->sector[i].addr - layout->slot[slot].addr < layout->slot[slot].size)
			assert_int_equal(d->flash.ops.erase(&d->flash, layout->sector[i].addr), HF_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(d->flash.ops.erase(&d->flash, layout->journal[i].addr), HF_OK);
	d->runs = NULL;
}

static const struct package *package_of(const struct device *d, const uint8_t id[HF_SHA256_BYTES])
{
	for (unsigned i = 0; i < sizeof d->known / sizeof *d->known; i++)
		if (d->known[i] && memcmp(d->known[i]->id, id, HF_SHA256_BYTES) == 0)
			return d->known[i];
	return NULL;
}

/* On a copy of the flash, as what boot does to it would be cut, and counted, too. */
static void check_recovery(struct device *d)
{
	struct hf_boot_decision decision;
	struct hf_choose choose = { .env = env_of(d) };
	static struct sim_flash flash; /* made once a layout: it is asked for thousands of times */

	if (flash.layout != d->maker->layout) {
		if (flash.layout)
			sim_flash_close(&flash);
		sim_flash_open(&flash, d->maker->layout);
	}
	sim_flash_copy(&flash, &d->flash);
	choose.env.flash = &flash.ops;
	choose.factory = (struct hf_bytes){ d->maker->keyset_bytes, sizeof d->maker->keyset_bytes };
	decision = hf_choose(&choose, d->cause, HF_WISH_RECOVERY);
	assert_int_equal(decision.action, HF_BOOT_RECOVERY);
	assert_non_null(package_of(d, choose.image[decision.place].id));
}

void device_boot(struct device *d)
{
	struct hf_boot_decision decision;

	sim_flash_power_on(&d->flash);
	if (d->recovery_always)
		check_recovery(d);
	d->starts++;
	assert_true(d->starts < STARTS_MAX);
	d->choose.env = env_of(d);
	d->choose.factory = (struct hf_bytes){ d->maker->keyset_bytes, sizeof d->maker->keyset_bytes };
	decision = hf_choose(&d->choose, d->cause, HF_WISH_NONE);
	d->running = decision.place;
	assert_int_not_equal(decision.action, HF_BOOT_STAY);
	if (!d->worn)
		assert_int_equal(d->choose.journal_err, HF_OK);
	d->last_resorts += decision.action == HF_BOOT_LAST_RESORT;
	d->runs = package_of(d, d->choose.image[d->running].id);
	assert_non_null(d->runs);
}

/* While flash is busy, as recovery does. */
static void work_ahead(void *ctx)
{
	(void)hf_update_idle(ctx);
}

enum hf_err device_open_update(struct device *d)
{
	d->flash.busy = work_ahead;
	d->flash.busy_ctx = &d->update;
	d->update.env = env_of(d);
	d->update.running = d->running;
	d->update.component = d->runs ? d->runs->component : HF_COMPONENT_APP;
	return hf_update_open(&d->update);
}

enum hf_err device_confirm(struct device *d)
{
	enum hf_err err = device_open_update(d);

	return err ? err : hf_update_confirm(&d->update);
}

enum hf_err device_upload(struct device *d, const struct package *p)
{
	struct hf_update *u = &d->update;
	enum hf_err err = device_open_update(d);

	if (!err && d->erases_first && u->state.slot[d->running == 0].state != HF_SLOT_UPLOADING)
		err = hf_update_erase(u);
	if (!err)
		err = hf_update_begin(u, (uint32_t)p->file.len);
	while (!err && u->phase != HF_UPDATE_DONE) {
		size_t left = p->file.len - u->next;
		size_t len = left < d->packet_bytes ? left : d->packet_bytes;

		d->sent += len;
		err = hf_update_write(u, u->next, p->file.ptr + u->next, len);
		if (!err && d->ahead)
			(void)hf_update_ahead(u);
	}
	return err;
}

/* Ends this start, unless nothing went wrong. On trial, a gateway that finds a fault gives the device back. */
static bool failed(struct device *d, enum hf_err err)
{
	if (!err)
		return false;
	if (!d->worn || (err < HF_ERR_FLASH_ERASE && err != HF_ERR_TRIAL && err != HF_ERR_NOT_FOUND && err != HF_ERR_DIGEST &&
			 err != HF_ERR_PROTECTED))
		assert_int_equal(err, HF_OK);
	d->reports++;
	if (d->running < HF_SLOTS && d->update.state.slot[d->running].state == HF_SLOT_TRIAL)
		d->cause = HF_RESET_FAULT;
	return true;
}

/* What the gateway does once it runs; true: the goal is reached. */
static bool gateway(struct device *d, const struct package *goal)
{
	d->cause = HF_RESET_REQUEST;
	if (d->runs->hangs) {
		d->cause = HF_RESET_WATCHDOG;
		return false;
	}
	if (failed(d, device_confirm(d)))
		return false;
	if (d->runs == goal)
		return true;
	if (!failed(d, device_upload(d, goal)))
		(void)failed(d, hf_update_activate(&d->update, goal->id));
	return false;
}

static bool step_reach(struct device *d, const struct package *goal)
{
	device_boot(d);
	return gateway(d, goal);
}

static bool step_reach_on(struct device *d, const struct package *goal)
{
	if (d->starts > 0)
		device_boot(d);
	d->starts++;
	return gateway(d, goal);
}

/* What recovery does where it runs; nothing more where it has come from a slot: then it resets. */
static bool recovery(struct device *d, const struct package *goal)
{
	d->cause = HF_RESET_REQUEST;
	if (d->runs->hangs) {
		d->cause = HF_RESET_WATCHDOG;
		return false;
	}
	if (failed(d, device_open_update(d)))
		return false;
	if (d->running < HF_SLOTS) {
		(void)failed(d, hf_update_install_recovery(&d->update));
		return false;
	}
	if (d->runs == goal)
		return true;
	if (!failed(d, device_upload(d, goal)))
		(void)failed(d, hf_update_activate(&d->update, goal->id));
	return false;
}

/* Is it in its place, and nobody's trial any more? */
static bool replaced(const struct device *d, const struct package *goal)
{
	const struct hf_update *u = &d->update;

	return u->recovery.fact == HF_FACT_GOOD && memcmp(u->recovery.id, goal->id, HF_ID_BYTES) == 0 &&
	       u->state.slot[0].state != HF_SLOT_TRIAL && u->state.slot[1].state != HF_SLOT_TRIAL;
}

static bool step_replace(struct device *d, const struct package *goal)
{
	device_boot(d);
	if (d->runs->component == HF_COMPONENT_RECOVERY)
		return recovery(d, goal);
	d->cause = HF_RESET_REQUEST;
	if (failed(d, device_confirm(d)))
		return false;
	return replaced(d, goal) || gateway(d, goal);
}

/* Content once `p` was tried and given up: by then its slot says so, and other firmware runs. */
static bool step_fall_back(struct device *d, const struct package *p)
{
	const struct hf_slot_journal *s;

	device_boot(d);
	if (d->runs->hangs)
		return gateway(d, p);
	assert_int_equal(d->runs->component, HF_COMPONENT_APP);
	d->cause = HF_RESET_REQUEST;
	if (failed(d, device_confirm(d)))
		return false;
	s = &d->update.state.slot[!d->running];
	if ((s->state == HF_SLOT_REJECTED || s->state == HF_SLOT_INTERRUPTED) && memcmp(s->id, p->id, HF_ID_BYTES) == 0)
		return true;
	return gateway(d, p);
}

/* Runs step() again and again, over restarts and cuts, until it is content. */
static unsigned long live(struct device *d, struct cuts cuts, bool (*step)(struct device *, const struct package *),
			  const struct package *p)
{
	jmp_buf lost;

	d->starts = 0;
	d->flash.power_lost = &lost;
	d->flash.operation = 0;
	d->flash.cut_at = cuts.at;
	d->flash.cut = cuts.how;
	d->second = cuts.second;
	d->second_how = cuts.second_how;
	if (setjmp(lost) != 0) {
		d->cause = HF_RESET_POWER;
		d->flash.cut_at = d->second ? d->flash.operation + d->second : 0;
		d->flash.cut = d->second_how;
		d->second = 0;
	}
	while (!step(d, p) && !(d->worn && d->starts > STARTS_MAX / 2))
		;
	return d->flash.operation;
}

unsigned long device_reach(struct device *d, const struct package *goal, struct cuts cuts)
{
	return live(d, cuts, step_reach, goal);
}

unsigned long device_reach_on(struct device *d, const struct package *goal, struct cuts cuts)
{
	return live(d, cuts, step_reach_on, goal);
}

unsigned long device_replace(struct device *d, const struct package *goal, struct cuts cuts)
{
	return live(d, cuts, step_replace, goal);
}

unsigned long device_fall_back(struct device *d, const struct package *p, struct cuts cuts)
{
	return live(d, cuts, step_fall_back, p);
}

/* SPDX-License-Identifier: MIT
 *
 * Flows against somebody who means harm, or does not know better: packages and keysets that must be refused, orders that must
 * not be obeyed, and flash that holds something else than was written.
 *
 * What has to be refused is offered to a healthy gateway before the part of the flow that faults strike: each time nothing of
 * journal, slots and recovery may have changed. Damage at rest is tried there, too, from a snapshot each.
 */
#include "hostile.h"

#include <stdio.h>
#include <string.h>

#include "smp_device.h"
#include "smp_maintain.h"
#include "smp_upload.h"

#define NS (60000 * LAB_MS)

static const char *complain(struct campaign *c, const char *what, const char *why)
{
	snprintf(c->why, sizeof c->why, "%s: %s", what, why);
	return c->why;
}

static const char *file_in(const struct campaign *c, const char *name)
{
	static char path[1024];

	snprintf(path, sizeof path, "%s/hostile/%s", c->packages, name);
	return path;
}

/* ---- what must not change ---- */

static uint64_t hash_range(struct lab *lab, struct hf_span span)
{
	uint64_t h = 14695981039346656037u;
	uint8_t page[4096];

	for (uint32_t off = 0; off < span.size; off += sizeof page) {
		if (hf_twin_peek(lab->twin, span.addr + off, page, sizeof page))
			return 0;
		for (unsigned i = 0; i < sizeof page; i++)
			h = (h ^ page[i]) * 1099511628211u;
	}
	return h;
}

/* Of all but the history, which a gateway writes when it likes. */
static uint64_t hash_flash(struct lab *lab)
{
	const struct hf_layout *l = &lab->board.layout;

	return hash_range(lab, l->journal[0]) ^ 3 * hash_range(lab, l->journal[1]) ^ 5 * hash_range(lab, l->recovery) ^
	       7 * hash_range(lab, l->slot[0]) ^ 11 * hash_range(lab, l->slot[1]);
}

/* ---- packages ---- */

/* The refusal; HF_OK: it was taken. *sent: bytes. HF_ERR_IO: there was no answer at all. */
static enum hf_err offer(struct campaign *c, struct hf_bytes file, uint64_t *sent)
{
	struct hf_smp_upload upload = { .file = file, .patience_ms = c->lab.patience_ms };
	struct hf_smp_parameters parameters;
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	if (hf_smp_get_parameters(&c->lab.client, c->lab.patience_ms, &parameters, &answer))
		return HF_ERR_IO;
	upload.packet_bytes = parameters.buf_size;
	upload.window = parameters.buf_count;
	err = hf_smp_upload(&c->lab.client, &upload);
	*sent = upload.bytes_sent;
	return err && upload.refusal.refusal ? upload.refusal.refusal : err;
}

static const char *must_refuse(struct campaign *c, const char *what, struct hf_bytes file, enum hf_err wanted)
{
	uint64_t before = hash_flash(&c->lab), sent;
	enum hf_err err = offer(c, file, &sent);

	if (err == HF_OK)
		return complain(c, what, "was taken");
	if (hash_flash(&c->lab) != before)
		return complain(c, what, "was refused, but not before flash was touched");
	return err == wanted ? NULL : complain(c, what, hf_err_text(err));
}

static const struct {
	const char *name;
	enum hf_err refusal;
} packages[] = {
	{ "foreign-key.suit", HF_ERR_SIGNATURE }, /* not by the key that is trusted */
	{ "root-key.suit", HF_ERR_SIGNATURE },    /* by one that is trusted, but not for firmware */
	{ "class.suit", HF_ERR_CLASS },
	{ "vendor.suit", HF_ERR_VENDOR },
	{ "device.suit", HF_ERR_DEVICE },
	{ "from.suit", HF_ERR_VERSION },
	{ "older.suit", HF_ERR_RELEASE },
	{ "same.suit", HF_ERR_SAME_SEQUENCE },
};

static const char *offer_packages(struct campaign *c)
{
	const char *why = NULL;

	for (unsigned i = 0; i < sizeof packages / sizeof packages[0] && !why; i++) {
		struct hf_buffer file = { 0 };

		lab_file_read(file_in(c, packages[i].name), &file);
		why = must_refuse(c, packages[i].name, hf_buffer_bytes(&file), packages[i].refusal);
		hf_buffer_free(&file);
	}
	return why;
}

/* ---- a package with one bit that was not signed ---- */

/* Where it has what; all in the file's buffer. */
struct anatomy {
	struct hf_envelope env;
	struct hf_params validate, install;
};

static enum hf_err keep_params(void *ctx, const struct hf_params *params)
{
	*(struct hf_params *)ctx = *params;
	return HF_OK;
}

static bool dissect(const struct campaign *c, struct hf_bytes file, struct anatomy *a)
{
	static const uint8_t any_device[16];
	const struct hf_layout *layout = &c->lab.board.layout;
	struct hf_suit_device device = { layout->vendor_id, layout->class_id, any_device, 1, 3, { 1, 0, 0 } };
	struct hf_suit_ops ops = { .ctx = &a->install, .fetch = keep_params };
	struct hf_manifest manifest;
	struct hf_params left;

	a->install.segments.len = 0;
	return !hf_envelope_parse(file, &a->env) && !hf_manifest_parse(&a->env, &manifest) &&
	       !hf_suit_run(&manifest, manifest.validate, &device, &(struct hf_suit_ops){ 0 }, &a->validate) &&
	       !hf_suit_run(&manifest, manifest.install, &device, &ops, &left) && a->install.segments.len > 0;
}

static const char *offer_flipped(struct campaign *c, const char *what, size_t at, enum hf_err wanted)
{
	const char *why;

	c->later.file.ptr[at] ^= 1;
	why = must_refuse(c, what, hf_buffer_bytes(&c->later.file), wanted);
	c->later.file.ptr[at] ^= 1;
	return why;
}

/* In each link of the chain: signature, manifest, severed member. */
static const char *offer_damaged(struct campaign *c)
{
	struct hf_bytes file = hf_buffer_bytes(&c->later.file);
	struct anatomy a;
	const char *why;

	if (!dissect(c, file, &a))
		return "the campaign's own package cannot be read";
	why = offer_flipped(c, "a bit of the signature", (size_t)(a.env.auth.ptr + a.env.auth.len - 1 - file.ptr),
			    HF_ERR_SIGNATURE);
	if (!why)
		why = offer_flipped(c, "a bit of the manifest", (size_t)(a.validate.digest.ptr - file.ptr), HF_ERR_DIGEST);
	if (!why)
		why = offer_flipped(c, "a bit of the severed install sequence", (size_t)(a.install.segments.ptr - file.ptr),
				    HF_ERR_DIGEST);
	return why;
}

/* ---- keysets ---- */

static const char *offer_keyset(struct campaign *c, const char *name, enum hf_err wanted)
{
	uint64_t before = hash_flash(&c->lab);
	struct hf_smp_answer answer;
	struct hf_buffer file = { 0 };
	enum hf_err err;

	lab_file_read(file_in(c, name), &file);
	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	err = hf_smp_put_kept(&c->lab.client, c->lab.patience_ms, HF_LONGREC_KEYSET, hf_buffer_bytes(&file), &answer);
	hf_buffer_free(&file);
	if (!err)
		err = answer.refusal;
	if (err == HF_OK)
		return complain(c, name, "was taken");
	if (hash_flash(&c->lab) != before)
		return complain(c, name, "was refused, but flash was touched");
	return err == wanted ? NULL : complain(c, name, hf_err_text(err));
}

/* ---- damage at rest ---- */

/* Starts with one bit flipped at `addr`: slot A, whose head, table or image that is, must not run. From a snapshot, and back. */
static const char *start_damaged(struct campaign *c, const char *what, uint32_t addr)
{
	struct hf_twin_snapshot *snapshot;
	const char *why = NULL;

	hf_twin_power_off(c->lab.twin);
	if (hf_twin_save(c->lab.twin, &snapshot))
		return "no room for a snapshot";
	if (hf_twin_flip(c->lab.twin, addr & ~3u, 1u << 8 * (addr & 3)))
		why = "the bit cannot be flipped";
	else if (!lab_start(&c->lab))
		why = complain(c, what, "flipped, and nothing starts");
	else if (c->lab.entered == 0)
		why = complain(c, what, "flipped, and it is started all the same");
	hf_twin_restore(c->lab.twin, snapshot);
	hf_twin_snapshot_free(snapshot);
	return why;
}

static const char *damage_at_rest(struct campaign *c)
{
	const struct hf_span *slot = &c->lab.board.layout.slot[0];
	struct hf_image image;
	uint8_t head[HF_SUIT_HEAD_MAX];
	struct hf_envelope env;
	const char *why;

	if (!lab_slot(&c->lab, 0, &image) || hf_twin_peek(c->lab.twin, slot->addr, head, sizeof head) ||
	    hf_envelope_parse_slot((struct hf_bytes){ head, sizeof head }, &env))
		return "slot A cannot be read";
	why = start_damaged(c, "a bit of the signature", slot->addr + (uint32_t)(env.auth.ptr + env.auth.len - 1 - head));
	if (!why)
		why = start_damaged(c, "a bit of the manifest", slot->addr + (uint32_t)(env.manifest.ptr + env.manifest.len - 1 - head));
	if (!why && image.table_bytes > 0)
		why = start_damaged(c, "a bit of the table", image.content_addr + image.table_bytes / 2);
	if (!why)
		why = start_damaged(c, "a bit of the image", image.image_addr + image.image_bytes / 2);
	hf_twin_power_off(c->lab.twin);
	if (!why && !(lab_start(&c->lab) && lab_confirmed(&c->lab, c->old_id, NS)))
		why = "1.0.0 does not come back";
	return why;
}

/* One bad slot of the journal must not take it away. */
static const char *confirmed_twice(struct campaign *c)
{
	struct hf_state state;

	(void)lab_run(&c->lab, 500 * LAB_MS);
	lab_state(&c->lab, &state);
	return state.slot[state.current].copies >= 2 ? NULL : "the confirmation stands in one place only";
}

/* ---- the flow: damaged on the way ---- */

const char *hostile_prepare(struct campaign *c)
{
	const char *why = confirmed_twice(c);

	if (!why)
		why = damage_at_rest(c);
	if (!why)
		why = offer_packages(c);
	if (!why)
		why = offer_damaged(c);
	if (!why)
		why = offer_keyset(c, "forged.keyset", HF_ERR_THRESHOLD);
	return why ? why : offer_keyset(c, "lockout.keyset", HF_ERR_LOCKOUT);
}

/* Some bits of each segment, as not all of them come over the line. */
static void flip_payload(struct campaign *c, size_t payload)
{
	for (size_t at = payload + 2000; at < c->later.file.len; at += 2048)
		c->later.file.ptr[at] ^= 1;
}

/* Can the upload go on where it was? */
static bool resumable(struct campaign *c)
{
	static const uint8_t nobody[HF_ID_BYTES];
	struct hf_state state;
	const struct hf_slot_journal *s = &state.slot[1];

	lab_state(&c->lab, &state);
	return s->state == HF_SLOT_UPLOADING && memcmp(s->id, nobody, sizeof nobody) != 0;
}

/* Bits of the payload: refused with their segment, and not at the end; then the upload goes on where it was. */
const char *hostile_run(struct campaign *c)
{
	struct hf_bytes file = hf_buffer_bytes(&c->later.file);
	uint64_t sent;
	struct anatomy a;
	enum hf_err err;

	if (!dissect(c, file, &a))
		return "the campaign's own package cannot be read";
	flip_payload(c, a.env.payload_begin);
	err = offer(c, file, &sent);
	flip_payload(c, a.env.payload_begin);
	if (err != HF_ERR_DIGEST)
		return complain(c, "bits of the payload", err ? hf_err_text(err) : "were taken");
	if (!resumable(c))
		return "what was damaged on the way was noticed at the end only";
	return lab_upgrade(&c->lab, &c->later) || !lab_confirmed(&c->lab, c->later.id, NS) ? "1.1.0 is not confirmed" : NULL;
}

/* ---- what all of these flows come back to ---- */

/* Firmware that somebody sent runs, and is confirmed; then it is this, at the latest after one more upgrade. */
static const char *back_to(struct campaign *c, const struct lab_package *p)
{
	struct hf_image image;
	const char *why;

	hf_twin_disarm_cut(c->lab.twin);
	(void)lab_run(&c->lab, 200 * LAB_MS);
	if (!lab_start(&c->lab))
		return "nothing starts";
	if (c->lab.entered >= HF_SLOTS || !lab_slot(&c->lab, c->lab.entered, &image))
		return "no firmware runs that verifies";
	if (memcmp(image.id, p->id, sizeof image.id) == 0)
		return lab_confirmed(&c->lab, p->id, NS) ? NULL : "the new firmware does not confirm itself";
	if (memcmp(image.id, c->old_id, sizeof image.id) != 0)
		return "firmware was started that nobody sent";
	if (!lab_confirmed(&c->lab, c->old_id, NS))
		return "the old firmware does not come back";
	why = lab_upgrade(&c->lab, p);
	return why || lab_confirmed(&c->lab, p->id, NS) ? why : "the repeated upgrade is not confirmed";
}

static const char *upgrade_to(struct campaign *c, const struct lab_package *p)
{
	const char *why = lab_upgrade(&c->lab, p);

	return why || lab_confirmed(&c->lab, p->id, NS) ? why : "the upgrade is not confirmed";
}

const char *hostile_again(struct campaign *c)
{
	return upgrade_to(c, &c->later);
}

const char *hostile_come_back(struct campaign *c)
{
	return back_to(c, &c->later);
}

const char *hostile_to_small(struct campaign *c)
{
	return upgrade_to(c, &c->small);
}

const char *hostile_back_to_small(struct campaign *c)
{
	return back_to(c, &c->small);
}

/* ---- another package than the one that was begun ---- */

const char *hostile_change_of_mind(struct campaign *c)
{
	struct hf_bytes file = hf_buffer_bytes(&c->later.file);
	struct anatomy a;
	uint64_t sent;

	if (!dissect(c, file, &a))
		return "the campaign's own package cannot be read";
	flip_payload(c, a.env.payload_begin);
	(void)offer(c, file, &sent);
	flip_payload(c, a.env.payload_begin);
	return resumable(c) ? hostile_to_small(c) : "no upload is under way";
}

/* ---- trials: orders that must not be obeyed, and a night of brown-outs ---- */

static bool until_entered(struct campaign *c, unsigned place)
{
	c->lab.stop_on_enter = true;
	for (unsigned i = 0; i < 100 && c->lab.entered != place; i++)
		if (!lab_run(&c->lab, 100 * LAB_MS))
			break;
	c->lab.stop_on_enter = false;
	return c->lab.entered == place;
}

static enum hf_err test_image(struct campaign *c, const uint8_t id[HF_SHA256_BYTES])
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	err = hf_smp_test_image(&c->lab.client, c->lab.patience_ms, id, &answer);
	return err ? err : answer.refusal;
}

/* What was rejected must not be activated again. */
const char *hostile_reject(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->hang);
	enum hf_err err;

	if (why)
		return why;
	if (!until_entered(c, 1) || !lab_confirmed(&c->lab, c->old_id, 2 * NS))
		return "1.0.0 does not come back";
	err = test_image(c, c->hang.id);
	return err == HF_ERR_REJECTED ? NULL : complain(c, "activating what was rejected", hf_err_text(err));
}

/* The firmware on trial takes neither another package nor another activation. */
const char *hostile_order_in_trial(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->later);
	enum hf_err err;

	if (why)
		return why;
	if (!until_entered(c, 1))
		return "1.1.0 is not started";
	err = test_image(c, c->old_id); /* first: on a slow line the trial does not last long enough for both */
	if (err != HF_ERR_TRIAL)
		return complain(c, "an activation during a trial", hf_err_text(err));
	why = must_refuse(c, "an upload during a trial", hf_buffer_bytes(&c->small.file), HF_ERR_TRIAL);
	if (why)
		return why;
	return lab_confirmed(&c->lab, c->later.id, NS) ? NULL : "1.1.0 is not confirmed";
}

/* Two starts of the trial end by a power loss; the third one is the flow's, and the last that a trial has. */
const char *hostile_brown_outs(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->small);

	if (!why && !until_entered(c, 1))
		why = "the new firmware is not started";
	for (unsigned i = 0; i < 2 && !why; i++) {
		hf_twin_power_off(c->lab.twin);
		(void)lab_run(&c->lab, 200 * LAB_MS);
		if (i == 0 && (!lab_start(&c->lab) || c->lab.entered != 1))
			why = "the trial does not go on";
	}
	return why;
}

const char *hostile_third_start(struct campaign *c)
{
	if (!lab_start(&c->lab) || c->lab.entered != 1)
		return "the trial does not go on";
	return lab_confirmed(&c->lab, c->small.id, NS) ? NULL : "the new firmware does not confirm itself";
}

/* ---- the floor ---- */

static const char *insecure_again(struct campaign *c)
{
	struct hf_buffer file = { 0 };
	const char *why;

	lab_file_read(file_in(c, "insecure.suit"), &file);
	why = must_refuse(c, "firmware of an older security version", hf_buffer_bytes(&file), HF_ERR_SECURITY_VERSION);
	hf_buffer_free(&file);
	return why;
}

static uint8_t old_slot[512 * 1024];

static const char *damage(struct campaign *c, unsigned slot)
{
	struct hf_image image;

	c->witness.armed = false; /* what follows is our own doing */
	hf_twin_power_off(c->lab.twin);
	if (!lab_slot(&c->lab, slot, &image) || hf_twin_flip(c->lab.twin, image.image_addr + 0x400, 1))
		return "the firmware cannot be damaged";
	return lab_start(&c->lab) ? NULL : "nothing starts";
}

/* As long as the older firmware is there, it is what the gateway falls back to. */
const char *hostile_secure(struct campaign *c)
{
	const struct hf_span *a = &c->lab.board.layout.slot[0];
	struct hf_twin_snapshot *snapshot;
	const char *why;

	if (a->size > sizeof old_slot || hf_twin_peek(c->lab.twin, a->addr, old_slot, a->size))
		return "slot A cannot be read";
	why = upgrade_to(c, &c->secure_later);
	if (!why)
		why = insecure_again(c);
	if (why)
		return why;
	if (hf_twin_save(c->lab.twin, &snapshot))
		return "no room for a snapshot";
	why = damage(c, 1);
	if (!why && c->lab.entered != 0)
		why = "the confirmed firmware that is left is not started";
	campaign_restore(c, snapshot);
	hf_twin_snapshot_free(snapshot);
	return why;
}

const char *hostile_erase_old(struct campaign *c)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	err = hf_smp_erase_image(&c->lab.client, c->lab.patience_ms, &answer);
	if (!err)
		err = answer.refusal;
	return err ? complain(c, "erasing the older firmware", hf_err_text(err)) : NULL;
}

/* Once it was erased, the older firmware does not start any more, even if a probe puts it back and all else is damaged. */
const char *hostile_old_erased(struct campaign *c)
{
	const struct hf_span *a = &c->lab.board.layout.slot[0];
	const char *why = back_to(c, &c->secure_later);

	if (!why)
		why = hostile_erase_old(c);
	c->harm.stored = true; /* by us, from here on */
	hf_twin_power_off(c->lab.twin);
	if (!why && hf_twin_poke(c->lab.twin, a->addr, old_slot, a->size))
		why = "slot A cannot be written";
	if (!why)
		why = damage(c, 1);
	return why || c->lab.entered != 0 ? why : "firmware below the floor was started";
}

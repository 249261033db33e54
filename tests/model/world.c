/* SPDX-License-Identifier: MIT
 *
 * The seams' other side. Compiled with seams.h: a function here that has a name of core's takes its place for the model.
 */
#include "world.h"

#include <string.h>

#include "bytes.h"
#include "trust.h"

#define SECTOR        1024u
#define BASE          0x08000000u
#define CONTENT_AT    512u
#define FIRST_SECTOR  2u /* of slot A */
#define HEAD_BYTES    8u /* of a package, of which the first is the image's number */

const struct image_spec image_specs[IMAGES] = {
	[OLDER] = { "1.0-older", HF_COMPONENT_APP, 1, 9, true, false },
	[FIRST] = { "1.1-first", HF_COMPONENT_APP, 1, 10, true, true },
	[NEXT] = { "1.2-next", HF_COMPONENT_APP, 1, 11, false, false },
	[NEXT_TWIN] = { "1.2-twin", HF_COMPONENT_APP, 1, 11, false, false },
	[SECURE] = { "2.0-secure", HF_COMPONENT_APP, 2, 11, false, false },
	[RECOVERY_1] = { "recovery-1", HF_COMPONENT_RECOVERY, 1, 1, true, true },
	[RECOVERY_2] = { "recovery-2", HF_COMPONENT_RECOVERY, 2, 2, false, false },
};

const struct hf_layout model_layout = {
	.name = "model",
	.sectors = 5,
	.sector = { { BASE, SECTOR }, { BASE + SECTOR, SECTOR }, { BASE + 2 * SECTOR, SECTOR },
		    { BASE + 3 * SECTOR, SECTOR }, { BASE + 4 * SECTOR, SECTOR } },
	.journal = { { BASE, SECTOR }, { BASE + SECTOR, SECTOR } },
	.slot = { { BASE + 2 * SECTOR, SECTOR }, { BASE + 3 * SECTOR, SECTOR } },
	.recovery = { BASE + 4 * SECTOR, SECTOR },
};

struct model model;

void rule(bool holds, const char *text)
{
	if (!holds && !model.broken)
		model.broken = text;
}

/* ---- images ---- */

bool image_signed(const struct world *w, enum image i)
{
	return w->keyset == 0 || !image_specs[i].revoked;
}

bool image_trusted(const struct world *w, enum image i)
{
	return image_signed(w, i) || image_specs[i].grandfathered;
}

static enum image read_code(uint8_t code, bool torn_reads)
{
	if (code >= WORD_TORN)
		return torn_reads ? (enum image)(code - WORD_TORN) : NO_IMAGE;
	return code == WORD_GARBAGE ? NO_IMAGE : (enum image)code;
}

enum image world_image(const struct world *w, unsigned place, bool torn_reads)
{
	enum image head = read_code(w->head[place], torn_reads);

	if (head == NO_IMAGE || head != read_code(w->content[place], torn_reads))
		return NO_IMAGE;
	return place >= HF_SLOTS && image_specs[head].component != HF_COMPONENT_RECOVERY ? NO_IMAGE : head;
}

enum image world_stable_image(const struct world *w, unsigned place)
{
	return world_image(w, place, false);
}

/* ---- flash ---- */

void world_turn_off(enum hf_reset_cause cause, enum request request)
{
	struct world *w = &model.w;

	w->mode = MODE_OFF;
	w->cause = (uint8_t)cause;
	w->request = (uint8_t)request;
}

static void lose_power(void)
{
	world_turn_off(model.course.watchdog ? HF_RESET_WATCHDOG : HF_RESET_POWER, REQUEST_NONE);
	longjmp(model.lost, 1);
}

/* Begins an operation. How it is disturbed; what is cut before it does not return. */
static enum cut operation(bool erase, bool program)
{
	unsigned n = ++model.operations;

	if (n < sizeof model.cut_erase) {
		model.cut_erase[n] = erase;
		model.cut_program[n] = program;
	}
	if (model.course.cut == CUT_NONE || n != model.course.cut_at)
		return CUT_NONE;
	if (model.course.cut == CUT_BEFORE)
		lose_power();
	return (enum cut)model.course.cut;
}

/* Is this the last firmware that was found good here? (What the keys no longer cover is better than nothing.) Who stands before
 * recovery, which stays, may give up what the journal no longer calls confirmed. */
static void check_touch(unsigned place)
{
	const struct world *w = &model.w;
	enum image here, there;

	if (place >= HF_SLOTS) {
		rule(w->mode == MODE_RECOVERY && w->place < HF_SLOTS &&
		     image_specs[world_image(w, w->place, model.course.torn_reads)].component == HF_COMPONENT_RECOVERY,
		     "the recovery partition is touched only by a recovery that lies whole in a slot");
		return;
	}
	here = world_stable_image(w, place);
	there = world_image(w, !place, model.course.torn_reads);
	rule(!(w->mode == MODE_APP && w->place == place), "what runs is never touched");
	if (here == NO_IMAGE || w->proven[place] != here || !image_trusted(w, here) ||
	    hf_sequence_security(image_sequence(here)) < w->state.floor)
		return;
	if (w->mode == MODE_RECOVERY && w->state.slot[place].state != HF_SLOT_CONFIRMED)
		return;
	rule(there != NO_IMAGE && w->proven[!place] == there &&
	     hf_sequence_security(image_sequence(there)) >= w->state.floor &&
	     (image_signed(w, there) || !image_signed(w, here)),
	     "the last intact confirmed firmware is never touched");
}

static bool find(uint32_t addr, unsigned *place, uint8_t **word)
{
	uint32_t off = addr - BASE;

	if (off / SECTOR < FIRST_SECTOR || off / SECTOR >= FIRST_SECTOR + HF_PLACES)
		return false;
	*place = off / SECTOR - FIRST_SECTOR;
	*word = off % SECTOR == 0 ? &model.w.head[*place] : &model.w.content[*place];
	return off % SECTOR == 0 || off % SECTOR == CONTENT_AT;
}

static uint32_t word_of(enum image i, bool head)
{
	return head ? 0x00a26bd8u | (uint32_t)i << 24 : 0x00c0de00u | (uint32_t)i;
}

static enum image image_of(uint32_t word, bool head)
{
	uint32_t i = head ? word >> 24 : word & 0xff;

	return i < IMAGES && word_of((enum image)i, head) == word ? (enum image)i : NO_IMAGE;
}

static uint32_t read_word(uint8_t code, bool head)
{
	enum image i = read_code(code, model.course.torn_reads);

	if (i != NO_IMAGE)
		return word_of(i, head);
	return code == WORD_GARBAGE ? 0x11111111 : 0xffffffff;
}

static enum hf_err flash_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
	uint8_t *out = buf;

	(void)ctx;
	memset(out, 0xff, len);
	for (unsigned p = 0; p < HF_PLACES; p++) {
		for (unsigned head = 0; head < 2; head++) {
			uint32_t at = model_layout.sector[FIRST_SECTOR + p].addr + (head ? 0 : CONTENT_AT);

			if (at >= addr && at + 4 <= addr + len)
				store_le32(out + (at - addr), read_word(head ? model.w.head[p] : model.w.content[p], head));
		}
	}
	return HF_OK;
}

static enum hf_err flash_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	uint8_t *word, torn;
	unsigned place;
	enum image i;
	enum cut cut;

	(void)ctx;
	if (len != 4 || !find(addr, &place, &word)) {
		rule(false, "only words that exist are programmed");
		return HF_ERR_RANGE;
	}
	i = image_of(load_le32(data), word == &model.w.head[place]);
	rule(i != NO_IMAGE, "only words of images are programmed");
	cut = operation(false, true);
	check_touch(place);
	torn = *word == WORD_BLANK || *word == WORD_TORN + i ? (uint8_t)(WORD_TORN + i) : *word == i ? (uint8_t)i : WORD_GARBAGE;
	*word = torn;
	if (cut == CUT_FAILS) {
		*word = WORD_GARBAGE;
		return HF_ERR_FLASH_PROGRAM;
	}
	if (cut != CUT_NONE)
		lose_power();
	*word = torn == WORD_GARBAGE ? WORD_GARBAGE : (uint8_t)i;
	return torn == WORD_GARBAGE ? HF_ERR_FLASH_PROGRAM : HF_OK;
}

/* A torn erase leaves both words garbage, or one of them as it was and the other blank, or both as they were (before). */
static enum hf_err flash_erase(void *ctx, uint32_t addr)
{
	unsigned place;
	uint8_t *word;
	enum cut cut;

	(void)ctx;
	if (!find(addr, &place, &word) || word != &model.w.head[place])
		return HF_ERR_RANGE;
	cut = operation(true, false);
	check_touch(place);
	if (place < HF_SLOTS)
		model.w.proven[place] = NO_IMAGE;
	model.w.head[place] = cut == CUT_TORN ? WORD_GARBAGE : cut == CUT_TORN_HEAD ? model.w.head[place] : WORD_BLANK;
	model.w.content[place] = cut == CUT_TORN || cut == CUT_FAILS ? WORD_GARBAGE :
				 cut == CUT_TORN_CONTENT ? model.w.content[place] : WORD_BLANK;
	if (cut == CUT_FAILS)
		return HF_ERR_FLASH_ERASE;
	if (cut != CUT_NONE)
		lose_power();
	return HF_OK;
}

const struct hf_flash model_flash = { NULL, flash_read, flash_program, flash_erase };

/* ---- digests: the sum tells images, heads and contents apart ---- */

static void sha_start(struct hf_sha256 *s)
{
	s->opaque[0] = 0;
}

static void sha_update(struct hf_sha256 *s, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->opaque[0] ^= ((const uint8_t *)data)[i];
}

static void sha_finish(struct hf_sha256 *s, uint8_t digest[HF_SHA256_BYTES])
{
	memset(digest, (int)s->opaque[0], HF_SHA256_BYTES);
}

const struct hf_crypto model_crypto = { sha_start, sha_update, sha_finish, NULL };

static uint8_t content_digest(enum image i)
{
	return (uint8_t)(i ^ 0xde ^ 0xc0);
}

/* ---- what lies in places ---- */

static void describe(enum image i, unsigned place, const struct hf_keyset *keyset, struct hf_image *out)
{
	const struct image_spec *spec = &image_specs[i];

	*out = (struct hf_image){ .component = spec->component, .sequence = image_sequence(i) };
	out->grandfathered = keyset && keyset->number > 0 && spec->revoked;
	memset(out->id, i, sizeof out->id);
	memset(out->digest, content_digest(i), sizeof out->digest);
	out->content_addr = model_layout.sector[FIRST_SECTOR + place].addr + CONTENT_AT;
	out->content_bytes = 4;
	out->table_bytes = spec->component == HF_COMPONENT_RECOVERY ? 4 : 0; /* of its own content */
	out->image_addr = out->content_addr + out->table_bytes;
	out->image_bytes = out->content_bytes - out->table_bytes;
}

enum hf_err hf_slot_read_head(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work, struct hf_image *out)
{
	enum image i = read_code(model.w.head[place], model.course.torn_reads);

	(void)work;
	/* What runs was looked at when it was started. */
	if (model.w.mode == MODE_APP && place == model.w.place && model.w.image != NO_IMAGE)
		i = (enum image)model.w.image;
	if (i == NO_IMAGE)
		return HF_ERR_NOT_FOUND;
	if (env->keyset->number > 0 && image_specs[i].revoked && !image_specs[i].grandfathered)
		return HF_ERR_KEY;
	if (place >= HF_SLOTS && image_specs[i].component != HF_COMPONENT_RECOVERY)
		return HF_ERR_UNSUPPORTED;
	describe(i, place, env->keyset, out);
	return HF_OK;
}

enum hf_err hf_slot_verify(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work, struct hf_image *out)
{
	enum image i = world_image(&model.w, place, model.course.torn_reads);

	(void)work;
	model.looks[place]++;
	if (i == NO_IMAGE)
		return HF_ERR_DIGEST;
	if (env->keyset->number > 0 && image_specs[i].revoked && !image_specs[i].grandfathered)
		return HF_ERR_KEY;
	describe(i, place, env->keyset, out);
	return HF_OK;
}

enum hf_err hf_slot_check_vectors(const struct hf_slot_env *env, const struct hf_image *image)
{
	(void)env;
	(void)image;
	return HF_OK;
}

enum hf_err hf_reloc_open(struct hf_reloc *reloc, hf_reloc_read *read, void *ctx, uint32_t table_bytes,
			  uint32_t image_bytes)
{
	(void)reloc;
	(void)read;
	(void)ctx;
	(void)table_bytes;
	(void)image_bytes;
	return HF_OK;
}

enum hf_err hf_reloc_apply(const struct hf_reloc *reloc, uint8_t *buf, uint32_t offset, uint32_t len, uint32_t delta)
{
	(void)reloc;
	(void)buf;
	(void)offset;
	(void)len;
	(void)delta;
	return HF_OK;
}

/* ---- packages ---- */

enum hf_err hf_envelope_parse(struct hf_bytes buf, struct hf_envelope *out)
{
	if (buf.len < HEAD_BYTES)
		return HF_ERR_TRUNCATED;
	*out = (struct hf_envelope){ .head = { buf.ptr, 1 }, .payloads = 1, .payload_begin = HEAD_BYTES };
	return HF_OK;
}

enum hf_err hf_envelope_authenticate(const struct hf_envelope *env, const struct hf_keyset *keyset, enum hf_role role,
				     const struct hf_crypto *crypto, uint8_t manifest_digest[HF_SHA256_BYTES])
{
	enum image i = (enum image)env->head.ptr[0];

	(void)role;
	(void)crypto;
	memset(manifest_digest, i, HF_SHA256_BYTES);
	return keyset->number > 0 && image_specs[i].revoked ? HF_ERR_KEY : HF_OK;
}

enum hf_err hf_manifest_parse(const struct hf_envelope *env, struct hf_manifest *out)
{
	*out = (struct hf_manifest){ .head_bytes = env->head.ptr[0] };
	return HF_OK;
}

enum hf_err hf_suit_run(const struct hf_manifest *manifest, struct hf_bytes sequence, const struct hf_suit_device *device,
			const struct hf_suit_ops *ops, struct hf_params *params)
{
	static uint8_t digest[HF_SHA256_BYTES];

	(void)sequence;
	(void)device;
	memset(digest, content_digest((enum image)manifest->head_bytes), sizeof digest);
	*params = (struct hf_params){ .uri = { (const uint8_t *)"x", 1 }, .segments = { digest, sizeof digest } };
	return ops->fetch ? ops->fetch(ops->ctx, params) : HF_OK;
}

enum hf_err hf_image_from_params(const struct hf_manifest *manifest, const struct hf_params *params, struct hf_span span,
				 struct hf_image *out)
{
	(void)params;
	describe((enum image)manifest->head_bytes, (span.addr - BASE) / SECTOR - FIRST_SECTOR, NULL, out);
	return HF_OK;
}

enum hf_err hf_payload_parse(struct hf_bytes buf, struct hf_bytes *key, uint32_t *size, size_t *header_len)
{
	if (buf.len == 0)
		return HF_ERR_TRUNCATED;
	*key = (struct hf_bytes){ (const uint8_t *)"x", 1 };
	*size = 4;
	*header_len = 1;
	return HF_OK;
}

/* ---- keysets ---- */

enum hf_err hf_trust_load(struct hf_trust *t, struct hf_journal *j, struct hf_bytes factory)
{
	(void)j;
	(void)factory;
	t->keyset = (struct hf_keyset){ .number = model.w.keyset };
	t->encoded = (struct hf_bytes){ NULL, 0 };
	t->replaced = model.w.keyset > 0;
	return HF_OK;
}

enum hf_err hf_keyset_file_parse(struct hf_bytes file, struct hf_keyset_file *out)
{
	*out = (struct hf_keyset_file){ .keyset = { .number = 1 }, .bytes = file };
	return HF_OK;
}

enum hf_err hf_keyset_accept(const struct hf_keyset *now, struct hf_bytes file, const struct hf_crypto *crypto,
			     struct hf_keyset_file *next)
{
	(void)file;
	(void)crypto;
	return now->number < next->keyset.number ? HF_OK : HF_ERR_KEYSET_NUMBER;
}

enum hf_err hf_state_store(struct hf_journal *j, struct hf_state *state, const struct hf_longrec_new *content)
{
	(void)j;
	(void)state;
	(void)content;
	if (model.w.dead || operation(false, false) != CUT_NONE)
		return HF_ERR_FULL;
	model.w.keyset = 1;
	return HF_OK;
}

/* ---- the journal ---- */

enum hf_err hf_state_load(struct hf_journal *j, const struct hf_flash *flash, const struct hf_layout *layout,
			  struct hf_state *state, bool *blank)
{
	memset(j, 0, sizeof *j);
	j->flash = flash;
	j->epoch = !model.w.blank;
	*state = model.w.state;
	*blank = model.w.blank;
	(void)layout;
	return HF_OK;
}

unsigned hf_journal_free(const struct hf_journal *j)
{
	static const uint8_t slots[ROOMS] = { 200, HF_TRIAL_FREE_SLOTS - 1, 0 };

	(void)j;
	return model.w.blank || model.w.dead ? 0 : slots[model.course.room];
}

static void give_up(unsigned slot)
{
	model.w.starts[slot] = 0;
}

/* Boot tells how the start before ended. (Power may fail before it does: then nobody will ever know.) */
static void count_failure(struct world *w, unsigned slot)
{
	if ((w->cause == HF_RESET_WATCHDOG || w->cause == HF_RESET_FAULT) && w->starts[slot] > 0 && w->failures[slot] < 3)
		w->failures[slot]++;
}

/* What a record means for what really happened. */
static void note(const struct hf_record *r)
{
	struct world *w = &model.w;
	unsigned slot = r->data[0] & 1;
	enum image here = world_image(w, slot, model.course.torn_reads);

	if (w->mode == MODE_OFF)
		count_failure(w, slot);
	switch (r->type) {
	case HF_REC_UPLOAD_BEGUN:
		w->failures[slot] = 0;
		give_up(slot);
		break;
	case HF_REC_ACTIVATED:
	case HF_REC_INTERRUPTED:
		give_up(slot);
		break;
	case HF_REC_REJECTED:
		rule(w->failures[slot] >= HF_TRIAL_STARTS || here == NO_IMAGE || !image_signed(w, here) ||
		     here != r->data[9] || hf_sequence_security(image_sequence(here)) < w->state.floor ||
		     (image_specs[here].component == HF_COMPONENT_RECOVERY &&
		      image_sequence(here) < w->state.recovery.sequence),
		     "firmware is rejected for what it did, never by power losses alone");
		w->proven[slot] = NO_IMAGE;
		give_up(slot);
		break;
	case HF_REC_CONFIRMED:
		w->proven[slot] = r->data[9];
		w->failures[slot] = 0;
		give_up(slot);
		break;
	default:
		break;
	}
}

enum hf_err hf_journal_append(struct hf_journal *j, const struct hf_record *record)
{
	uint64_t newest = model.w.state.newest;
	uint32_t floor = model.w.state.floor;

	if (hf_journal_free(j) == 0)
		return HF_ERR_FULL;
	if (operation(false, false) != CUT_NONE)
		return HF_ERR_FLASH_PROGRAM;
	model.records++;
	hf_state_apply(&model.w.state, record);
	note(record);
	rule(model.w.state.newest >= newest, "the newest never goes down");
	rule(model.w.state.floor >= floor, "the floor never goes down");
	return HF_OK;
}

enum hf_err hf_journal_append_twice(struct hf_journal *j, const struct hf_record *record)
{
	enum hf_err err = hf_journal_append(j, record);

	return err ? err : hf_journal_append(j, record);
}

enum hf_err hf_state_take_over(struct hf_journal *j, struct hf_state *state)
{
	if (model.w.dead || operation(false, false) != CUT_NONE)
		return HF_ERR_FLASH_PROGRAM;
	takeover_check(&model.w.state);
	model.w.blank = false;
	model.course.room = ROOM_ENOUGH;
	j->epoch = 1;
	(void)state;
	return HF_OK;
}

/* ---- the canonical form ---- */

static uint8_t pack_sequence(uint64_t sequence)
{
	return (uint8_t)(hf_sequence_security(sequence) << 4 | hf_sequence_release(sequence));
}

static uint64_t unpack_sequence(uint8_t byte)
{
	return (uint64_t)(byte >> 4) << 32 | (byte & 15);
}

void world_pack(const struct world *w, struct packed *p)
{
	const struct hf_state *s = &w->state;
	bool tells = false; /* does it matter what ended the last run? */
	uint8_t *b = p->byte;

	memset(p, 0, sizeof *p);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *slot = &s->slot[i];

		*b++ = (uint8_t)(slot->state | slot->component << 3 | (slot->reason == HF_REASON_VERIFY) << 4 | slot->copies << 5);
		*b++ = (uint8_t)(slot->starts | slot->failures << 3 | (slot->erase_done >> (FIRST_SECTOR + i) & 1) << 6 |
				 (slot->settled >> (FIRST_SECTOR + i) & 1) << 7);
		*b++ = pack_sequence(slot->sequence);
		*b++ = slot->id[0];
		*b++ = (uint8_t)slot->segments;
		tells = tells || (slot->state == HF_SLOT_TRIAL && slot->starts > 0);
	}
	*b++ = s->recovery.copies;
	*b++ = pack_sequence(s->recovery.sequence);
	*b++ = s->recovery.id[0];
	*b++ = pack_sequence(s->newest);
	*b++ = (uint8_t)(s->floor | (unsigned)s->current << 7);
	for (unsigned i = 0; i < HF_PLACES; i++) {
		*b++ = w->head[i];
		*b++ = w->content[i];
	}
	*b++ = (uint8_t)(w->blank | w->dead << 1 | w->keyset << 2 | w->mode << 3 | w->moving << 5 | w->wished << 6 |
			 w->last_resort << 7);
	if (w->mode == MODE_OFF)
		*b++ = (uint8_t)((tells ? w->cause : 0) | w->request << 4);
	else
		*b++ = (uint8_t)(w->place | w->image << 4);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		*b++ = (uint8_t)(w->starts[i] | w->failures[i] << 3 | w->proven[i] << 5);
}

void world_unpack(struct world *w, const struct packed *p)
{
	const uint8_t *b = p->byte;
	struct hf_state *s = &w->state;

	memset(w, 0, sizeof *w);
	for (unsigned i = 0; i < HF_SLOTS; i++, b += 5) {
		struct hf_slot_journal *slot = &s->slot[i];

		slot->state = b[0] & 7;
		slot->component = b[0] >> 3 & 1;
		slot->reason = b[0] & 16 ? HF_REASON_VERIFY : 0;
		slot->copies = b[0] >> 5;
		slot->starts = b[1] & 7;
		slot->failures = b[1] >> 3 & 7;
		slot->erase_done = (uint32_t)(b[1] >> 6 & 1) << (FIRST_SECTOR + i);
		slot->settled = (uint32_t)(b[1] >> 7) << (FIRST_SECTOR + i);
		slot->sequence = unpack_sequence(b[2]);
		memset(slot->id, b[3], sizeof slot->id);
		slot->segments = b[4];
	}
	s->recovery.copies = *b++;
	s->recovery.sequence = unpack_sequence(*b++);
	memset(s->recovery.id, *b++, sizeof s->recovery.id);
	s->newest = unpack_sequence(*b++);
	s->floor = *b & 0x7f;
	s->current = *b++ >> 7;
	for (unsigned i = 0; i < HF_PLACES; i++) {
		w->head[i] = *b++;
		w->content[i] = *b++;
	}
	w->blank = *b & 1;
	w->dead = *b >> 1 & 1;
	w->keyset = *b >> 2 & 1;
	w->mode = *b >> 3 & 3;
	w->moving = *b >> 5 & 1;
	w->wished = *b >> 6 & 1;
	w->last_resort = *b++ >> 7;
	if (w->mode == MODE_OFF) {
		w->cause = *b & 15;
		w->request = *b++ >> 4;
	} else {
		w->place = *b & 15;
		w->image = *b++ >> 4;
	}
	for (unsigned i = 0; i < HF_SLOTS; i++, b++) {
		w->starts[i] = *b & 7;
		w->failures[i] = *b >> 3 & 3;
		w->proven[i] = *b >> 5;
	}
}

/* SPDX-License-Identifier: MIT
 *
 * One package into one place of a device that is otherwise whole.
 *
 * The journal stays, and stays right: core's own journal, state and policy run here, on the device's journal (rom_journal.h),
 * and record what the device itself would have recorded - begun, erased, written, activated. So boot tries the firmware
 * like any that was uploaded, with its three starts and the other slot to fall back to; floor, keyset and
 * configuration are where they were; and what was cut here, by whatever, is continued from its records.
 * Rejected: to erase the journal, so that boot starts whatever verifies. That would lose the floor and a revocation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "flash_image.h"
#include "host_crypto.h"
#include "package_verify.h"
#include "rom_journal.h"
#include "trust.h"
#include "uuid.h"
#include "version.h"

#define KEYSET_MAX    HF_BOARD_KEYSET_BYTES
#define RECORDS_SPARE 16u
#define SLOT_NAME(s)  ('A' + (int)(s))

struct burn {
	struct hf_rom *rom;
	const struct hf_rom_slot_options *o;
	struct hf_rom_slot_result *r;
	struct hf_diag *diag;
	uint8_t keyset_page[KEYSET_MAX];
	struct hf_trust trust;
	struct hf_rom_journal journal_flash;
	struct hf_journal journal;
	struct hf_state state;
	bool journal_tried;     /* it is live, if it can be */
	bool journal_open;      /* records can be appended */
	bool begun;             /* `upload begun` of this image is recorded */
	unsigned place;
	struct hf_slot_fact fact;
	uint8_t head_id[HF_ID_BYTES];
	struct hf_flash_image flash;
	struct hf_slot_work work;
};

static const struct hf_layout *layout_of(const struct burn *b)
{
	return &b->rom->board->layout;
}

static enum hf_err fails(struct burn *b, enum hf_err err, const char *doing)
{
	hf_rom_explain(b->rom, err, doing, b->diag);
	return err;
}

static const char *place_text(unsigned place)
{
	static const char *const texts[HF_PLACES] = {"slot A", "slot B", "the recovery partition"};

	return texts[place];
}

/* ---- what is on the device ---- */

/* Boot compares packages with its class id, so a boot for this board has it in it. */
static enum hf_err check_boot(struct burn *b)
{
	const struct hf_span boot = layout_of(b)->boot;
	uint8_t *bytes = malloc(boot.size);
	enum hf_err err = bytes ? HF_OK : HF_ERR_IO;
	bool found = false;

	for (unsigned i = 0; i < 2 && !err && !found; i++) {
		err = hf_rom_flash_read(b->rom, boot.addr, bytes, boot.size);
		found = !err && memmem(bytes, boot.size, layout_of(b)->class_id, HF_UUID_BYTES);
	}
	free(bytes);
	if (err)
		return fails(b, err, "reading boot");
	if (found)
		return HF_OK;
	hf_diag_set(b->diag, "there is no boot for class %s in this device's flash: it is another board, or factory-new (then use "
			     "`holdfast factory --port`); nothing was changed", layout_of(b)->name);
	return HF_ERR_CLASS;
}

static enum hf_err read_keyset(struct burn *b)
{
	const struct hf_span page = layout_of(b)->keyset;
	enum hf_err err = hf_an3155_read_twice(&b->rom->link, page.addr, b->keyset_page, page.size);

	return err ? fails(b, err, "reading the keyset") : HF_OK;
}

static enum hf_err load_trust(struct burn *b)
{
	enum hf_err err = hf_trust_load(&b->trust, b->journal.epoch ? &b->journal : NULL,
					(struct hf_bytes){b->keyset_page, layout_of(b)->keyset.size});

	b->r->keyset = b->trust.keyset.number;
	if (err)
		hf_diag_set(b->diag, "this device has no keyset (%s), so boot would start nothing: use `holdfast factory --port`; "
				     "nothing was changed", hf_err_text(err));
	return err ? HF_ERR_KEYSET : HF_OK;
}

static uint32_t security_in(struct burn *b, unsigned place)
{
	const struct hf_slot_env env = {&b->journal_flash.flash, layout_of(b), &hf_host_crypto, &b->trust.keyset, b->rom->device_id};
	struct hf_image image;

	return hf_slot_read_head(&env, place, &b->work, &image) == HF_OK ? hf_sequence_security(image.sequence) : 0;
}

/* A journal that is lost takes the floor with it: what lies in the slots, signed, is the best that is left to say. */
static void suppose_floor(struct burn *b)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		uint32_t security = security_in(b, i);

		if (security > b->state.floor)
			b->state.floor = security;
	}
}

static void count_configuration(struct burn *b)
{
	struct hf_longrec rec;

	b->r->configuration = hf_longrec_find(&b->journal, HF_LONGREC_CONFIGURATION, &rec) == HF_OK ? rec.len : 0;
}

static enum hf_err load_journal(struct burn *b)
{
	enum hf_err err = hf_rom_journal_open(&b->journal_flash, b->rom);
	bool none = true;

	if (!err)
		err = hf_state_load(&b->journal, &b->journal_flash.flash, layout_of(b), &b->state, &none);
	if (err)
		return fails(b, err, "reading the journal");
	err = load_trust(b);
	if (err)
		return err;
	b->r->journal_kept = !none && !b->o->new_journal;
	b->r->records = b->state.records;
	if (!none)
		count_configuration(b);
	else if (!b->journal_flash.blank)
		suppose_floor(b);
	if (b->state.unknown && !b->o->new_journal) {
		hf_diag_set(b->diag, "the device's journal has records of a later format: use the tool that came with its firmware, or "
				     "give up what the journal says with --new-journal; nothing was changed");
		return HF_ERR_PROTECTED;
	}
	return HF_OK;
}

/* ---- may it be ---- */

static bool counts(const struct hf_slot_journal *s)
{
	return s->state == HF_SLOT_CONFIRMED && s->component == HF_COMPONENT_APP;
}

static enum hf_err choose_place(struct burn *b)
{
	bool recovery = b->fact.component == HF_COMPONENT_RECOVERY;

	b->place = b->o->place;
	if (b->place == HF_ROM_ANY_SLOT)
		b->place = recovery ? HF_PLACE_RECOVERY
			   : counts(&b->state.slot[0]) && !counts(&b->state.slot[1]) ? HF_PLACE_B
										       : HF_PLACE_A;
	b->r->place = b->place;
	if (recovery == (b->place == HF_PLACE_RECOVERY) && hf_layout_place(layout_of(b), b->place)->size)
		return HF_OK;
	hf_diag_set(b->diag, b->o->place == HF_ROM_ANY_SLOT ? "this board has no recovery partition for the package's recovery; "
							      "nothing was changed"
							    : "the package holds a recovery, which goes into its own partition: leave --slot "
							      "away; nothing was changed");
	return HF_ERR_SLOT;
}

static enum hf_err refuse(struct burn *b, enum hf_err err)
{
	switch (err) {
	case HF_ERR_SECURITY_VERSION:
		hf_diag_set(b->diag, "the package has security version %u, and this device takes %u or higher; nothing was changed",
			    hf_sequence_security(b->fact.sequence), hf_sequence_security(b->state.newest) > b->state.floor
				    ? hf_sequence_security(b->state.newest) : b->state.floor);
		break;
	case HF_ERR_SAME_SEQUENCE:
		hf_diag_set(b->diag, "the device has other firmware with the package's sequence number: give the new one a version "
				     "of its own; nothing was changed");
		break;
	default:
		hf_diag_set(b->diag, "the device's policy refuses the package: %s; nothing was changed", hf_err_text(err));
	}
	return err;
}

/* As from recovery. A confirmed slot without another one is given up only where a person names it. */
static enum hf_err check_policy(struct burn *b)
{
	struct hf_state state = b->state;
	enum hf_err err;

	if (b->place == HF_PLACE_RECOVERY)
		return HF_OK;
	if (b->o->place == b->place)
		state.slot[b->place].state = HF_SLOT_UNKNOWN;
	state.unknown = false;
	err = hf_policy_install(&state, b->place, HF_PLACE_RECOVERY, &b->fact, NULL, false);
	return err ? refuse(b, err) : HF_OK;
}

static enum hf_err check_protection(struct burn *b)
{
	const struct hf_board *board = b->rom->board;
	const struct hf_board_partition *parts[] = {
		&board->partition[b->place == HF_PLACE_RECOVERY ? HF_PART_RECOVERY
				  : b->place == HF_PLACE_A	  ? HF_PART_SLOT_A
								  : HF_PART_SLOT_B],
		&board->partition[HF_PART_JOURNAL],
	};

	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = parts[k]->first; i <= parts[k]->last; i++) {
			if (!(b->rom->options.protected >> i & 1))
				continue;
			hf_diag_set(b->diag, "sector %u is write-protected by the option bytes: burn the device with `holdfast factory "
					     "--port`, which sets them right; nothing was changed", i);
			return HF_ERR_FLASH_LOCKED;
		}
	}
	return HF_OK;
}

/* The version that the device has confirmed, if that can be read: a package says which ones it upgrades from. */
static void find_version(struct burn *b, struct hf_version *version)
{
	const struct hf_slot_env env = {&b->journal_flash.flash, layout_of(b), &hf_host_crypto, &b->trust.keyset, b->rom->device_id};
	struct hf_image image;

	if (!counts(&b->state.slot[b->state.current]) ||
	    hf_slot_read_head(&env, b->state.current, &b->work, &image) != HF_OK)
		return;
	version->parts = image.versions;
	memcpy(version->part, image.version, sizeof(version->part));
}

/* The flash as it will be, in memory, and verified there as boot will. */
static enum hf_err prepare(struct burn *b)
{
	struct hf_package_device device = {.board = b->rom->board, .keyset = &b->trust.keyset, .id = b->rom->device_id};
	const struct hf_slot_env env = {&b->flash.flash, layout_of(b), &hf_host_crypto, &b->trust.keyset, b->rom->device_id};
	struct hf_package_target target[HF_PLACES];
	unsigned unchecked;
	enum hf_err err;

	if (b->place != HF_PLACE_RECOVERY)
		find_version(b, &device.version);
	err = hf_package_verify(b->o->package, &device, target, &unchecked, b->diag);
	if (!err)
		err = hf_flash_image_open(&b->flash, layout_of(b), b->diag);
	if (err)
		return err;
	err = hf_flash_image_install(&b->flash, b->place, b->o->package, &target[b->place].image, target[b->place].payload->bytes);
	if (!err)
		err = hf_slot_verify(&env, b->place, &b->work, &b->r->image);
	if (err)
		hf_diag_set(b->diag, "boot would not start this package from %s: %s; nothing was changed", place_text(b->place),
			    hf_err_text(err));
	return err;
}

static void make_head_id(struct burn *b)
{
	const struct hf_bytes head = b->o->package->envelope.head;
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of((struct hf_bytes){b->flash.bytes + (hf_layout_place(layout_of(b), b->place)->addr - b->flash.addr),
				       HF_SLOT_PREFIX_BYTES + head.len}, digest);
	memcpy(b->head_id, digest, HF_ID_BYTES);
}

/* ---- records ---- */

static enum hf_err open_journal(struct burn *b);

/* A journal that fails does not stop the burn: boot starts what verifies, without one, too. But a lost line does. */
static enum hf_err append(struct burn *b, const struct hf_record *record, bool twice)
{
	enum hf_err err = b->journal_tried ? HF_OK : open_journal(b);

	if (err || !b->journal_open)
		return err;
	err = twice ? hf_journal_append_twice(&b->journal, record) : hf_journal_append(&b->journal, record);
	if (b->journal_flash.gone)
		return b->journal_flash.gone;
	if (!err) {
		hf_state_apply(&b->state, record);
		return HF_OK;
	}
	hf_rom_tell(b->rom, HF_ROM_RECORD, "the journal takes no more records (%s): going on without", hf_err_text(err));
	b->journal_open = false;
	return HF_OK;
}

static enum hf_err append_image(struct burn *b, enum hf_record_type type, const uint8_t *id)
{
	struct hf_record r = hf_state_image_record(type, b->place, b->fact.component, b->fact.sequence, id, 0);

	return append(b, &r, type == HF_REC_RECOVERY);
}

static enum hf_err append_sector(struct burn *b, enum hf_record_type type, unsigned sector)
{
	struct hf_record r = {.type = (uint8_t)type, .data = {(uint8_t)b->place, (uint8_t)sector}};

	return append(b, &r, false);
}

/* A new one where there is none, or too little room, or where it is given up. What was known stays known. */
static enum hf_err take_over(struct burn *b)
{
	enum hf_err err = HF_OK;

	if (b->o->new_journal && b->journal.epoch) {
		struct hf_state old = b->state;

		hf_state_init(&b->state);
		b->state.floor = old.floor;
		b->state.newest = old.newest;
		err = hf_rom_journal_erase(&b->journal_flash);
		if (!err && hf_journal_mount(&b->journal, &b->journal_flash.flash, layout_of(b)->journal) != HF_ERR_NOT_FOUND)
			err = HF_ERR_FLASH_ERASE;
	}
	return err ? err : hf_state_take_over(&b->journal, &b->state);
}

static enum hf_err open_journal(struct burn *b)
{
	struct hf_state before = b->state;
	bool none = false;
	enum hf_err err;

	b->journal_tried = true;
	hf_rom_journal_go_live(&b->journal_flash);
	err = hf_state_load(&b->journal, &b->journal_flash.flash, layout_of(b), &b->state, &none);
	if (none)
		b->state = before; /* with the floor that was supposed */
	if (!err && (none || b->o->new_journal || b->journal.stuck || hf_journal_free(&b->journal) < HF_UPLOAD_MIN_SLOTS))
		err = take_over(b);
	if (b->journal_flash.gone)
		return b->journal_flash.gone;
	b->journal_open = !err && hf_journal_free(&b->journal) >= RECORDS_SPARE;
	if (!b->journal_open)
		hf_rom_tell(b->rom, HF_ROM_RECORD, "the journal cannot be written (%s): going on without",
			    err ? hf_err_text(err) : "no room");
	return HF_OK;
}

/* ---- sectors ---- */

static enum hf_err begin_upload(struct burn *b)
{
	b->begun = true;
	return append_image(b, HF_REC_UPLOAD_BEGUN, b->head_id);
}

static enum hf_err on_erase(void *ctx, unsigned sector, bool done)
{
	struct burn *b = ctx;
	enum hf_err err = HF_OK;

	if (b->place == HF_PLACE_RECOVERY)
		return HF_OK;
	if (!b->begun)
		err = begin_upload(b);
	return err ? err : append_sector(b, done ? HF_REC_ERASE_DONE : HF_REC_ERASE_BEGUN, sector);
}

static bool same_upload(const struct burn *b)
{
	const struct hf_slot_journal *s = &b->state.slot[b->place];

	return s->state == HF_SLOT_UPLOADING && memcmp(s->id, b->head_id, HF_ID_BYTES) == 0;
}

static bool holds(const struct hf_slot_journal *s, const struct hf_slot_fact *f)
{
	return s->state != HF_SLOT_UNKNOWN && s->state != HF_SLOT_UPLOADING && s->sequence == f->sequence &&
	       memcmp(s->id, f->id, HF_ID_BYTES) == 0;
}

/* What the journal says a sector's content is worth. Under way: what was erased for this upload may end in a torn word;
 * what is neither that nor settled may be half erased, whatever it reads. Else what was written stays written. */
static void judge(const struct burn *b, struct hf_rom_sector *s)
{
	const struct hf_slot_journal *j = &b->state.slot[b->place];
	bool done = j->erase_done >> s->number & 1, settled = j->settled >> s->number & 1;

	if (j->state == HF_SLOT_UPLOADING) {
		s->in_doubt = !settled;
		s->blank_first = !settled && !(done && same_upload(b));
	} else {
		s->in_doubt = !settled && !done && !holds(j, &b->fact);
	}
}

static struct hf_rom_sector sector_of(struct burn *b, unsigned number)
{
	const struct hf_span span = layout_of(b)->sector[number];
	struct hf_rom_sector s = {
		.number = (uint8_t)number,
		.want = b->flash.bytes + (span.addr - b->flash.addr),
		.in_doubt = true,
		.head_last = span.addr == hf_layout_place(layout_of(b), b->place)->addr,
		.head = (uint32_t)(HF_SLOT_PREFIX_BYTES + b->o->package->envelope.head.len),
		.erasing = on_erase,
		.ctx = b,
	};

	if (b->place != HF_PLACE_RECOVERY)
		judge(b, &s);
	return s;
}

static bool is_wanted(const struct burn *b, const struct hf_rom_sector *s)
{
	const struct hf_span span = layout_of(b)->sector[s->number];

	for (uint32_t i = 0; i < span.size; i++) {
		if (s->want[i] != 0xff)
			return true;
	}
	return b->rom->board->erase == HF_ERASE_SLOT;
}

/* Nothing goes silently: what is erased, and what stays. */
static void tell_erasure(struct burn *b, unsigned first, unsigned last)
{
	const struct hf_slot_journal *s = b->place < HF_SLOTS ? &b->state.slot[b->place] : NULL;
	const char *held = !s || s->state == HF_SLOT_UNKNOWN ? "" : s->state == HF_SLOT_CONFIRMED ? ", which holds confirmed firmware" :
								 ", which holds unfinished or rejected firmware";

	hf_rom_tell(b->rom, HF_ROM_CHECK, "this erases what differs in sectors %u to %u: %s%s; boot, keyset, configuration and %s stay", first,
		    last, place_text(b->place), held, b->place == HF_PLACE_RECOVERY ? "both slots" : "the other slot");
}

/* From the last sector to the first, which holds the head. */
static enum hf_err write_sectors(struct burn *b, bool *changed)
{
	const struct hf_span span = *hf_layout_place(layout_of(b), b->place);
	struct hf_rom_sector sector[HF_MAX_SECTORS];
	unsigned count = 0;
	enum hf_err err = HF_OK;

	b->rom->done = b->rom->total = b->rom->skipped = 0;
	for (unsigned i = layout_of(b)->sectors; i-- > 0;) {
		if (layout_of(b)->sector[i].addr - span.addr >= span.size)
			continue;
		sector[count] = sector_of(b, i);
		if (is_wanted(b, &sector[count]))
			b->rom->total += hf_rom_sector_work(b->rom, &sector[count++]);
	}
	if (count)
		tell_erasure(b, sector[count - 1].number, sector[0].number);
	hf_rom_tell(b->rom, HF_ROM_WRITE, "writing %s", place_text(b->place));
	*changed = false;
	for (unsigned i = 0; i < count && !err; i++) {
		err = hf_rom_put_sector(b->rom, &sector[i]);
		*changed |= sector[i].changed;
	}
	return err ? fails(b, err, "writing the image") : HF_OK;
}

/* ---- having boot start it ---- */

/* The other slot's trial would come first, or between. */
static enum hf_err end_other_trial(struct burn *b)
{
	const unsigned other = !b->place;
	const struct hf_slot_journal *s = &b->state.slot[other];
	struct hf_record r;

	if (s->state != HF_SLOT_TRIAL)
		return HF_OK;
	r = hf_state_image_record(HF_REC_INTERRUPTED, other, s->component, s->sequence, s->id, 0);
	return append(b, &r, false);
}

static enum hf_err record_slot(struct burn *b, bool changed)
{
	const struct hf_slot_journal *s = &b->state.slot[b->place];
	struct hf_record activated;
	enum hf_err err = end_other_trial(b);

	if (!err && !changed && holds(s, &b->fact) && s->state == HF_SLOT_CONFIRMED && b->state.current == b->place)
		return HF_OK; /* boot starts it as it is */
	if (!err && holds(s, &b->fact) && (s->state == HF_SLOT_REJECTED || s->failures > 0))
		err = begin_upload(b); /* it gets a new chance, as if it had been uploaded again */
	if (!err && !holds(s, &b->fact))
		err = append_image(b, HF_REC_WRITTEN, b->fact.id);
	if (!err && !b->journal_tried)
		err = open_journal(b);
	if (err || !b->journal_open)
		return err;
	err = hf_policy_activate(&b->state, b->place, HF_PLACE_RECOVERY, &b->fact, &activated);
	return err ? err : append(b, &activated, false);
}

static enum hf_err record_recovery(struct burn *b)
{
	const struct hf_recovery_journal *r = &b->state.recovery;

	if (r->copies >= 2 && memcmp(r->id, b->fact.id, HF_ID_BYTES) == 0)
		return HF_OK;
	return append_image(b, HF_REC_RECOVERY, b->fact.id);
}

static enum hf_err write_all(struct burn *b)
{
	bool changed;
	enum hf_err err = b->o->new_journal ? open_journal(b) : HF_OK;

	if (err)
		return fails(b, err, "making a new journal");
	b->begun = b->place != HF_PLACE_RECOVERY && same_upload(b);
	err = write_sectors(b, &changed);
	if (err)
		return err;
	hf_rom_tell(b->rom, HF_ROM_RECORD, "recording it in the journal");
	err = b->place == HF_PLACE_RECOVERY ? record_recovery(b) : record_slot(b, changed);
	return err ? fails(b, err, "writing the journal") : HF_OK;
}

static enum hf_err check(struct burn *b)
{
	enum hf_err err;

	hf_rom_tell(b->rom, HF_ROM_CHECK, "reading boot, keyset and journal");
	err = check_boot(b);
	if (!err)
		err = read_keyset(b);
	if (!err)
		err = load_journal(b);
	if (!err)
		err = choose_place(b);
	if (!err)
		err = prepare(b);
	if (!err)
		err = check_policy(b);
	return err ? err : check_protection(b);
}

enum hf_err hf_rom_burn_slot(struct hf_rom *rom, const struct hf_rom_slot_options *options, struct hf_rom_slot_result *result,
			     struct hf_diag *diag)
{
	struct burn *b = calloc(1, sizeof(*b));
	enum hf_err err;

	*result = (struct hf_rom_slot_result){.place = HF_ROM_ANY_SLOT};
	if (!b) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	*b = (struct burn){.rom = rom, .o = options, .r = result, .diag = diag, .fact = hf_package_fact(options->package)};
	if (rom->options.rdp == 0) {
		err = check(b);
	} else {
		hf_diag_set(diag, "the chip's readout protection is at level 1: its loader reads and writes nothing, and only erasing "
				  "everything opens it again (`holdfast factory --port ... --erase-everything`); nothing was changed");
		err = HF_ERR_DENIED;
	}
	if (!err) {
		make_head_id(b);
		err = write_all(b);
		result->floor = b->state.floor;
	}
	hf_rom_journal_close(&b->journal_flash);
	if (b->flash.bytes)
		hf_flash_image_close(&b->flash);
	free(b);
	return err;
}

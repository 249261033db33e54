/* SPDX-License-Identifier: MIT
 *
 * What was given up is found in the journal's state at a start. Whether it was told already is asked of the history itself: it
 * was, if the last word on that slot is a rejection of the same firmware.
 */
#include "diary.h"

#include <string.h>

#include "core/bytes.h"
#include "core/health.h"

#define ID_BYTES 8u

static void add(struct hf_diary *d, const struct hf_history_record *r)
{
	if (d->waiting == HF_DIARY_WAITING) {
		memmove(d->wait, d->wait + 1, sizeof d->wait - sizeof d->wait[0]);
		d->waiting--;
	}
	d->wait[d->waiting++] = *r;
}

static struct hf_history_record record(enum hf_history_type type, unsigned slot, uint16_t detail, uint32_t now_ms)
{
	return (struct hf_history_record){ .type = (uint8_t)type, .detail = detail, .up_ms = now_ms,
					   .slot = slot < HF_SLOTS ? (uint8_t)slot : HF_HISTORY_NO_SLOT };
}

static void add_firmware(struct hf_diary *d, enum hf_history_type type, unsigned slot, uint16_t detail,
			 const struct hf_image *image, uint32_t now_ms)
{
	struct hf_history_record r = record(type, slot, detail, now_ms);

	if (image)
		hf_history_put_firmware(&r, image->version, image->versions, image->id);
	add(d, &r);
}

static void alarm(struct hf_diary *d, enum hf_history_alarm which, uint8_t value, uint32_t figure, uint32_t now_ms)
{
	struct hf_history_record r = record(HF_HISTORY_ALARM, HF_SLOTS, (uint16_t)(which | value << 8), now_ms);

	store_le32(r.data, figure);
	add(d, &r);
}

static const struct hf_image *running(const struct hf_update *u)
{
	return u->running_known ? &u->running_image : NULL;
}

static bool confirmed(const struct hf_update *u)
{
	return u->running < HF_SLOTS && u->state.slot[u->running].state == HF_SLOT_CONFIRMED;
}

static bool worth_telling(uint32_t start)
{
	if (start & HF_START_TOLD)
		return false;
	return HF_START_DONE(start) || HF_START_TORN(start) || start & (HF_START_NO_JOURNAL | HF_START_BROWN_OUT);
}

/* The oldest first. */
static void add_found(struct hf_diary *d, const struct hf_blackbox_port *port, uint32_t now_ms)
{
	for (unsigned i = HF_STARTS; i-- > 0;) {
		unsigned place = HF_START_PLACE(port->start[i]);
		struct hf_history_record r = record(HF_HISTORY_FOUND, place ? place - 1 : HF_SLOTS, (uint16_t)i, now_ms);

		if (!worth_telling(port->start[i]))
			continue;
		store_le32(r.data, port->start[i]);
		add(d, &r);
	}
}

bool hf_diary_has_told(const struct hf_diary *d)
{
	return d->open && !d->err && d->waiting == 0;
}

void hf_diary_begin(struct hf_diary *d, const struct hf_update *update, const struct hf_diary_start *start, uint32_t now_ms)
{
	*d = (struct hf_diary){ .update = update, .confirmed = confirmed(update), .hour_at_ms = now_ms };
	if (start->port)
		add_found(d, start->port, now_ms);
	if (start->crash_kind)
		alarm(d, HF_ALARM_CRASH, start->crash_kind, start->crash_pc, now_ms);
	add_firmware(d, HF_HISTORY_START, update->running, (uint16_t)(start->cause | start->crashes << 8), running(update),
		     now_ms);
}

/* Was it told that this slot's firmware was given up? */
static bool told(const struct hf_diary *d, unsigned slot, const uint8_t *id)
{
	struct hf_history_record r;
	uint32_t off = 0;
	bool is = false;

	while (hf_history_next(&d->history, &off, &r) == HF_OK) {
		if (r.slot != slot)
			continue;
		if (r.type == HF_HISTORY_REJECTED)
			is = memcmp(r.data + HF_HISTORY_DATA - ID_BYTES, id, ID_BYTES) == 0;
		else if (r.type == HF_HISTORY_UPLOAD || r.type == HF_HISTORY_UPLOADED)
			is = false;
	}
	return is;
}

static void look_for_rejected(struct hf_diary *d, uint32_t now_ms)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *s = &d->update->state.slot[i];
		struct hf_history_record r = record(HF_HISTORY_REJECTED, i, s->reason, now_ms);

		if (s->state != HF_SLOT_REJECTED || told(d, i, s->id))
			continue;
		memcpy(r.data + HF_HISTORY_DATA - ID_BYTES, s->id, ID_BYTES);
		add(d, &r);
	}
}

static void watch_upload(struct hf_diary *d, const struct hf_diary_input *in)
{
	const struct hf_update *u = d->update;
	bool was = d->phase == HF_UPDATE_PAYLOAD;

	if (u->phase == d->phase)
		return;
	d->phase = u->phase;
	if (u->phase == HF_UPDATE_PAYLOAD) {
		d->slot = u->slot;
		add_firmware(d, HF_HISTORY_UPLOAD, u->slot, (uint16_t)(u->total / 1024), &u->image, in->now_ms);
	} else if (was && u->phase == HF_UPDATE_DONE) {
		add_firmware(d, HF_HISTORY_UPLOADED, u->slot, HF_OK, &u->image, in->now_ms);
	} else if (was) {
		add_firmware(d, HF_HISTORY_UPLOADED, d->slot, in->last_error, &u->image, in->now_ms);
	}
}

static void watch_health(struct hf_diary *d, const struct hf_diary_input *in)
{
	const struct hf_update *u = d->update;

	if (in->judged && !d->judged && !in->healthy)
		alarm(d, HF_ALARM_SELF_TEST, in->test_failed, 0, in->now_ms);
	d->judged = in->judged;
	if (confirmed(u) && !d->confirmed)
		add_firmware(d, HF_HISTORY_CONFIRMED, u->running, 0, running(u), in->now_ms);
	d->confirmed = confirmed(u);
	if (u->worn && u->worn != d->worn)
		alarm(d, HF_ALARM_FLASH, (uint8_t)u->worn, 0, in->now_ms);
	d->worn = (uint8_t)u->worn;
	if (in->supply_mv && in->supply_mv < HF_DIARY_LOW_MV && !d->low) {
		d->low = true;
		alarm(d, HF_ALARM_SUPPLY, 0, in->supply_mv, in->now_ms);
	} else if (in->supply_mv >= HF_DIARY_FINE_MV) {
		d->low = false;
	}
}

static uint16_t at_most_16(uint32_t value)
{
	return value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
}

static bool watch_hour(struct hf_diary *d, const struct hf_diary_input *in)
{
	struct hf_history_record r = record(HF_HISTORY_HOUR, HF_SLOTS, in->supply_mv, in->now_ms);

	if (in->now_ms - d->hour_at_ms < HF_DIARY_HOUR_MS)
		return false;
	store_le32(r.data, in->good - d->good);
	store_le32(r.data + 4, in->bad - d->bad);
	store_le16(r.data + 8, at_most_16(in->late - d->late));
	store_le16(r.data + 10, at_most_16(in->gap_ms));
	store_le16(r.data + 12, (uint16_t)in->temperature_dc);
	add(d, &r);
	d->hour_at_ms += HF_DIARY_HOUR_MS;
	d->good = in->good;
	d->bad = in->bad;
	d->late = in->late;
	return true;
}

static void flush(struct hf_diary *d, bool quiet)
{
	while (d->waiting && !d->err) {
		enum hf_err err = hf_history_append(&d->history, &d->wait[0]);

		if (err && !quiet)
			return;
		if (err) {
			/* Memory that takes nothing after an erase would be erased for ever. */
			d->err = d->renewed ? err : hf_history_renew(&d->history);
			d->renewed = true;
			return; /* what waits comes in the next turn */
		}
		d->renewed = false;
		d->waiting--;
		memmove(d->wait, d->wait + 1, d->waiting * sizeof d->wait[0]);
	}
}

bool hf_diary_turn(struct hf_diary *d, const struct hf_diary_input *in)
{
	bool hour;

	if (d->err)
		return false;
	watch_upload(d, in);
	watch_health(d, in);
	hour = watch_hour(d, in);
	if (!in->judged)
		return hour;
	if (!d->open) {
		d->err = hf_history_open(&d->history, d->update->env.flash, d->update->env.layout);
		d->open = true;
		if (!d->err)
			look_for_rejected(d, in->now_ms);
	}
	flush(d, in->quiet);
	return hour;
}

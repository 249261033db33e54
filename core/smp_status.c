/* SPDX-License-Identifier: MIT
 *
 * What a device says of itself: the tool asks itself from this everything that the device will ask of a package.
 */
#include "smp_command.h"

static void put_who(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_slot_env *env = &s->update->env;

	hf_smp_put_string(w, "board", env->layout->name);
	hf_smp_put_bytes(w, "vendor", env->layout->vendor_id, sizeof env->layout->vendor_id);
	hf_smp_put_bytes(w, "class", env->layout->class_id, sizeof env->layout->class_id);
	hf_smp_put_bytes(w, "uid", env->device_id, 16);
}

static void put_running(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;
	const struct hf_image *base = hf_update_base(u, HF_COMPONENT_APP);
	unsigned versions = base ? base->versions : 0;

	hf_cbor_put_tstr(w, "slot");
	/* Recovery runs from RAM: no slot's firmware does, wherever it was started from. */
	if (u->running < HF_SLOTS && u->component == HF_COMPONENT_APP)
		hf_cbor_put_uint(w, u->running);
	else
		hf_cbor_put_null(w);
	hf_cbor_put_tstr(w, "version");
	hf_cbor_put_array(w, versions);
	for (unsigned i = 0; i < versions; i++)
		hf_cbor_put_int(w, base->version[i]);
	hf_smp_put_number(w, "cause", s->reset_cause);
}

static void put_upload(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;
	bool idle = u->phase == HF_UPDATE_IDLE;

	hf_smp_put_number(w, "phase", u->phase);
	hf_smp_put_number(w, "target", idle ? 0 : u->slot);
	hf_smp_put_number(w, "off", idle ? 0 : u->next);
	hf_smp_put_number(w, "len", idle ? 0 : u->total);
}

static void put_journal(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;

	hf_smp_put_number(w, "newest", u->state.newest);
	hf_smp_put_number(w, "floor", u->state.floor);
	hf_smp_put_number(w, "current", u->state.current);
	hf_cbor_put_tstr(w, "journal");
	hf_cbor_put_map(w, 3);
	hf_smp_put_number(w, "free", hf_journal_free(&u->journal));
	hf_smp_put_number(w, "records", u->state.records);
	hf_smp_put_number(w, "bad", u->journal.bad);
	hf_cbor_put_tstr(w, "slots");
	hf_cbor_put_array(w, HF_SLOTS);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *slot = &u->state.slot[i];

		hf_cbor_put_map(w, 6);
		hf_smp_put_number(w, "state", slot->state);
		hf_smp_put_number(w, "starts", slot->starts);
		hf_smp_put_number(w, "failures", slot->failures);
		hf_smp_put_number(w, "reason", slot->reason);
		hf_smp_put_number(w, "seq", slot->sequence);
		hf_smp_put_bytes(w, "id", slot->id, sizeof slot->id);
	}
}

enum hf_err hf_smp_status(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	(void)body;
	hf_cbor_put_map(w, 17);
	put_who(s, w);     /* 4 */
	put_running(s, w); /* 3 */
	put_upload(s, w);  /* 4 */
	put_journal(s, w); /* 5 */
	hf_cbor_put_tstr(w, "error");
	hf_cbor_put_map(w, 2);
	hf_smp_put_number(w, "rc", s->last_error);
	hf_smp_put_string(w, "text", hf_err_text((enum hf_err)s->last_error));
	return HF_OK;
}

enum hf_err hf_smp_counters(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	(void)body;
	hf_cbor_put_map(w, 3);
	hf_smp_put_number(w, "requests", s->requests);
	hf_smp_put_number(w, "refused", s->refused);
	hf_smp_put_number(w, "dropped", (s->decoder ? s->decoder->dropped : 0u) + (s->frames ? s->frames->dropped : 0u));
	return HF_OK;
}

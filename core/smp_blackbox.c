/* SPDX-License-Identifier: MIT
 *
 * The black box over SMP: what core/blackbox.h finds, and what boot has handed over, as numbers. Sentences are the tool's.
 */
#include "smp_command.h"

#include "blackbox.h"

static void put_numbers(struct hf_cbor_writer *w, const char *key, const uint32_t *value, unsigned n)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_array(w, n);
	for (unsigned i = 0; i < n; i++)
		hf_cbor_put_uint(w, value[i]);
}

static void put_port(const struct hf_blackbox_port *p, struct hf_cbor_writer *w)
{
	unsigned starts = 0;

	while (starts < HF_STARTS && p->start[starts])
		starts++;
	put_numbers(w, "starts", p->start, starts);
	put_numbers(w, "crash", p->crash, p->crash[0] ? sizeof p->crash / sizeof p->crash[0] : 0);
	hf_smp_put_number(w, "crashes", p->crashes);
}

static void put_journal(const struct hf_journal *j, const struct hf_blackbox *b, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "journal");
	hf_cbor_put_map(w, 8);
	hf_smp_put_number(w, "done", j->repairs.done);
	hf_smp_put_number(w, "now", j->repairs.torn);
	hf_smp_put_number(w, "torn", b->torn);
	hf_smp_put_number(w, "worn", b->worn);
	put_numbers(w, "last", (uint32_t[]){ b->last_slot, b->last_type, b->since }, b->last_slot ? 3 : 0);
	hf_smp_put_flag(w, "dirty", b->dirty);
	hf_smp_put_flag(w, "live", j->epoch != 0);
	hf_smp_put_number(w, "stuck", j->stuck);
}

static void put_slots(const struct hf_state *state, const struct hf_blackbox *b, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "slots");
	hf_cbor_put_array(w, HF_SLOTS);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		hf_cbor_put_map(w, 6);
		hf_smp_put_number(w, "begun", b->slot[i].begun);
		hf_smp_put_number(w, "again", b->slot[i].again);
		hf_smp_put_number(w, "starts", b->slot[i].starts);
		hf_smp_put_number(w, "segments", state->slot[i].segments);
		hf_smp_put_number(w, "copies", state->slot[i].copies);
		hf_smp_put_number(w, "component", state->slot[i].component);
	}
}

static void put_recovery(const struct hf_update *u, const struct hf_blackbox *b, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "recovery");
	hf_cbor_put_map(w, 4);
	hf_smp_put_number(w, "seq", u->state.recovery.sequence);
	hf_smp_put_number(w, "copies", u->state.recovery.copies);
	hf_smp_put_number(w, "starts", b->recovery_starts);
	hf_smp_put_number(w, "rc", u->recovery.fact == HF_FACT_GOOD ? HF_OK : u->recovery.why);
}

static void put_kept(const struct hf_blackbox *b, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "kept");
	hf_cbor_put_array(w, HF_LONGREC_KINDS);
	for (unsigned i = 0; i < HF_LONGREC_KINDS; i++) {
		hf_cbor_put_map(w, 3);
		hf_smp_put_number(w, "copies", b->content[i].copies);
		hf_smp_put_number(w, "parts", b->content[i].parts);
		hf_smp_put_number(w, "cut", b->content[i].cut);
	}
}

enum hf_err hf_smp_blackbox(struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;
	struct hf_blackbox_port port;
	struct hf_blackbox b;
	enum hf_err err = hf_blackbox_look(&u->journal, &b);

	if (err)
		return err;
	hf_cbor_put_map(w, s->starts ? 8 : 5);
	if (s->starts) {
		s->starts(&port);
		put_port(&port, w);
	}
	put_journal(&u->journal, &b, w);
	put_slots(&u->state, &b, w);
	put_recovery(u, &b, w);
	put_kept(&b, w);
	hf_smp_put_flag(w, "unknown", u->state.unknown);
	return HF_OK;
}

/* SPDX-License-Identifier: MIT
 *
 * The settings never change while a request is served, only when its answer is out: an answer that was sent at a rate which
 * the peer does not listen to yet would be lost, and it could not know whether the switch took place.
 */
#include "smp_link.h"

#include "smp_command.h"

void hf_smp_link_begin(struct hf_smp_link *l, const uint32_t *rate, uint8_t rates)
{
	*l = (struct hf_smp_link){ .rate = rate, .rates = rates, .heals = true };
}

static void put_settings(const struct hf_smp_link *l, unsigned index, unsigned framing, struct hf_cbor_writer *w)
{
	hf_smp_put_number(w, "baud", l->rate[index]);
	hf_smp_put_number(w, "frame", framing);
}

static void put_rates(const struct hf_smp_link *l, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "rates");
	hf_cbor_put_array(w, l->rates);
	for (unsigned i = 0; i < l->rates; i++)
		hf_cbor_put_uint(w, l->rate[i]);
}

static enum hf_err find_rate(const struct hf_smp_link *l, uint32_t baud, uint8_t *index)
{
	for (uint8_t i = 0; i < l->rates; i++) {
		if (l->rate[i] == baud) {
			*index = i;
			return HF_OK;
		}
	}
	return HF_ERR_RANGE;
}

static enum hf_err change(struct hf_smp_link *l, struct hf_bytes body)
{
	uint8_t index = l->index, framing = l->framing;
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_BAUD | 1u << HF_SMP_F_FRAME, &req);

	if (!err && hf_smp_has(&req, HF_SMP_F_BAUD))
		err = find_rate(l, req.number[HF_SMP_F_BAUD], &index);
	if (err)
		return err;
	if (hf_smp_has(&req, HF_SMP_F_FRAME)) {
		if (req.number[HF_SMP_F_FRAME] > HF_SMP_FRAMING_BINARY)
			return HF_ERR_UNSUPPORTED;
		framing = (uint8_t)req.number[HF_SMP_F_FRAME];
	}
	l->next_index = index;
	l->next_framing = framing;
	l->wanted = true;
	return HF_OK;
}

enum hf_err hf_smp_link_serve(struct hf_smp_link *l, bool write, struct hf_bytes body, struct hf_cbor_writer *w)
{
	enum hf_err err = write ? change(l, body) : HF_OK;

	if (err)
		return err;
	hf_cbor_put_map(w, write ? 2 : 3);
	if (write) {
		put_settings(l, l->next_index, l->next_framing, w);
	} else {
		put_settings(l, l->index, l->framing, w);
		put_rates(l, w);
	}
	return HF_OK;
}

void hf_smp_link_heard(struct hf_smp_link *l, uint32_t now_ms)
{
	l->since_ms = now_ms;
	l->unproved = false;
	l->heals = true;
}

bool hf_smp_link_sent(struct hf_smp_link *l, uint32_t now_ms)
{
	bool other = l->next_index != l->index;

	if (!l->wanted)
		return false;
	l->wanted = false;
	l->unproved = other || l->next_framing != l->framing;
	l->index = l->next_index;
	l->framing = l->next_framing;
	l->since_ms = now_ms;
	return other;
}

bool hf_smp_link_tick(struct hf_smp_link *l, uint32_t now_ms)
{
	bool other = l->index != 0, changed = other || l->framing != HF_SMP_FRAMING_CONSOLE;
	uint32_t limit = l->unproved ? HF_SMP_LINK_PROOF_MS : HF_SMP_LINK_SILENCE_MS;

	if (!changed || now_ms - l->since_ms < limit)
		return false;
	l->index = 0;
	l->framing = HF_SMP_FRAMING_CONSOLE;
	l->unproved = false;
	return other;
}

bool hf_smp_link_damaged(struct hf_smp_link *l, uint32_t damaged, uint32_t now_ms)
{
	if (damaged == l->damaged)
		return false;
	l->damaged = damaged;
	if (l->heals)
		l->damaged_ms = now_ms;
	l->heals = false;
	if (l->rates < 2 || l->unproved || now_ms - l->damaged_ms < HF_SMP_LINK_STAY_MS * l->rates)
		return false;
	l->heals = true;
	l->index = (uint8_t)((l->index + 1u) % l->rates);
	l->framing = HF_SMP_FRAMING_CONSOLE;
	l->since_ms = now_ms;
	return true;
}

/* SPDX-License-Identifier: MIT */
#include "stay.h"

void hf_stay_begin(struct hf_stay *s, bool by_line, uint32_t now_ms)
{
	*s = (struct hf_stay){ .idle_from_ms = now_ms, .banner_ms = now_ms, .by_line = by_line };
}

static bool leaves(const struct hf_stay *s, const struct hf_stay_input *in)
{
	if (!in->may_leave || in->pin_held)
		return false;
	return (s->by_line && in->low_ms > HF_STAY_LOW_MS) || in->now_ms - s->idle_from_ms >= HF_STAY_IDLE_MS;
}

enum hf_stay_action hf_stay_turn(struct hf_stay *s, const struct hf_stay_input *in)
{
	if (in->requests != s->requests) {
		s->requests = in->requests;
		s->by_line = false;
		s->idle_from_ms = in->now_ms;
		s->banner_ms = in->now_ms + HF_STAY_BANNER_MS; /* a peer knows that we are here */
	}
	if (in->pin_held)
		s->idle_from_ms = in->now_ms;
	if (leaves(s, in))
		return HF_STAY_LEAVE;
	if ((int32_t)(in->now_ms - s->banner_ms) < 0)
		return HF_STAY_WAIT;
	s->banner_ms = in->now_ms + HF_STAY_BANNER_MS;
	return HF_STAY_BANNER;
}

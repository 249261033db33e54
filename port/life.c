/* SPDX-License-Identifier: MIT
 *
 * Runs from RAM as a whole.
 */
#include "life.h"

void hf_life_begin(struct hf_life *life, uint32_t now_ms)
{
	life->main_at_ms = now_ms;
	life->polls = 0;
	life->polls_at_ms = now_ms;
	life->fed_at_ms = now_ms;
}

void hf_life_progress(struct hf_life *life, uint32_t now_ms)
{
	life->main_at_ms = now_ms;
}

bool hf_life_tick(struct hf_life *life, uint32_t polls, uint32_t now_ms)
{
	if (polls != life->polls) {
		life->polls = polls;
		life->polls_at_ms = now_ms;
	}
	if (now_ms - life->main_at_ms > HF_LIFE_MAIN_MS || now_ms - life->polls_at_ms > HF_LIFE_POLLS_MS)
		return false;
	if (now_ms - life->fed_at_ms < HF_LIFE_FEED_MS)
		return false;
	life->fed_at_ms = now_ms;
	return true;
}

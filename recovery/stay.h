/* SPDX-License-Identifier: MIT
 *
 * How long recovery stays, and when it says that it waits. Pure.
 *
 * Whoever was led here without need - by a brown-out, by noise, by an adapter without power - leaves by itself: a healthy
 * gateway must not be parked. Who is needed stays: while the pin is held, while a peer talks, and where there is
 * nothing to leave to.
 */
#ifndef HF_STAY_H
#define HF_STAY_H

#include <stdbool.h>
#include <stdint.h>

#define HF_STAY_IDLE_MS   60000u /* without a request */
#define HF_STAY_LOW_MS    1000u  /* a line that is low for so long is no request */
#define HF_STAY_BANNER_MS 1000u

struct hf_stay {
	uint32_t idle_from_ms;
	uint32_t banner_ms;  /* when the next one is due */
	uint32_t requests;   /* as last seen */
	bool by_line;        /* entered by the line, and no request has come yet */
};

struct hf_stay_input {
	uint32_t now_ms;
	uint32_t requests; /* served since the beginning */
	uint32_t low_ms;   /* for how long the line to us has been low */
	bool pin_held;
	bool may_leave;    /* there is something to leave to */
};

enum hf_stay_action { HF_STAY_WAIT, HF_STAY_BANNER, HF_STAY_LEAVE };

void hf_stay_begin(struct hf_stay *s, bool by_line, uint32_t now_ms);
/* Once a turn of the main loop. */
enum hf_stay_action hf_stay_turn(struct hf_stay *s, const struct hf_stay_input *in);

#endif

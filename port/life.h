/* SPDX-License-Identifier: MIT
 *
 * The watchdog is fed on proof of life only: the main loop has made progress, and so has what interrupts
 * carry: in the gateway the Modbus master's polls, in recovery the clock. Pure.
 *
 * The main loop may be silent for as long as the longest flash operation takes (an erase, bounded at 4 s by the driver),
 * and reports between any two of them: so one erase a feed, and a loop that hangs stops the feeding.
 */
#ifndef HF_LIFE_H
#define HF_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#define HF_LIFE_MAIN_MS  5000u
#define HF_LIFE_POLLS_MS 1000u
#define HF_LIFE_FEED_MS  250u

struct hf_life {
	volatile uint32_t main_at_ms;
	uint32_t polls;
	uint32_t polls_at_ms;
	uint32_t fed_at_ms;
};

void hf_life_begin(struct hf_life *life, uint32_t now_ms);
/* The main loop has come round, or is between two flash operations. */
void hf_life_progress(struct hf_life *life, uint32_t now_ms);
/* Once a millisecond, from the interrupt; polls: a counter that only interrupts move. True: feed the watchdog now. */
bool hf_life_tick(struct hf_life *life, uint32_t polls, uint32_t now_ms);

#endif

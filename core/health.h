/* SPDX-License-Identifier: MIT
 *
 * How a device is, as it measures and counts it: what core cannot know is filled in by the port and the program, what they
 * cannot know stays zero. docs/PROTOCOL.md ("Health") tells what the figures mean.
 */
#ifndef HF_HEALTH_H
#define HF_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

/* Ways into recovery. */
enum { HF_WAY_PIN = 1u << 0, HF_WAY_RESETS = 1u << 1, HF_WAY_LINE = 1u << 2, HF_WAY_REQUEST = 1u << 3 };

/* What a self-test finds missing. */
enum { HF_TEST_WORK = 1u << 0, HF_TEST_JOURNAL = 1u << 1, HF_TEST_HEAD = 1u << 2, HF_TEST_RAM = 1u << 3 };

struct hf_health {
	uint32_t up_ms;
	uint16_t supply_mv;      /* 0: not known */
	int16_t temperature_dc;  /* tenths of a degree Celsius; counts only where supply_mv does */
	uint8_t led;             /* enum hf_led_stage */
	uint8_t ways;            /* HF_WAY_* that the board has */
	bool pll;
	bool pin_held;

	uint32_t erases;
	uint32_t slowest_ms;

	bool test_done;
	uint8_t test_failed;     /* HF_TEST_* */

	bool works;              /* the next five count */
	uint32_t good, bad, late;
	uint32_t gap_ms;
	uint32_t answer_us;

	uint32_t overrun, framing, noise;
};

#endif

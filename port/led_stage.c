/* SPDX-License-Identifier: MIT
 *
 * A pattern is a row of bits, played at a constant step; breathing is the one that is computed. In the gateway this
 * file runs from RAM, its table included, so that the light goes on while flash is busy.
 */
#include "led_stage.h"

struct pattern {
	uint32_t bits;    /* the lowest comes first; 1: on */
	uint16_t step_ms;
	uint8_t steps;
};

static const struct pattern patterns[HF_STAGES] = {
	[HF_STAGE_OFF] = { 0x0, 1000, 1 },
	[HF_STAGE_RUNNING] = { 0x1, 1000, 1 },
	[HF_STAGE_TRIAL] = { 0x1, 100, 2 },
	[HF_STAGE_UPLOAD] = { 0x1, 500, 2 },
	[HF_STAGE_DEGRADED] = { 0x7ffff, 100, 20 },
	[HF_STAGE_NO_FIRMWARE] = { 0x5, 100, 20 },
};

#define BREATH_MS 3000u

/* Linear up and down, squared: eyes are logarithmic. */
static uint32_t breath(uint32_t ms)
{
	uint32_t at = ms % BREATH_MS;
	uint32_t half = BREATH_MS / 2;
	uint32_t up = at < half ? at : BREATH_MS - at;

	return up * up / (half * half / HF_STAGE_FULL);
}

uint32_t hf_led_stage_level(enum hf_led_stage stage, uint32_t ms)
{
	const struct pattern *p;

	if (stage == HF_STAGE_RECOVERY)
		return breath(ms);
	if ((uint32_t)stage >= HF_STAGES)
		return 0;
	p = &patterns[stage];
	return p->bits >> (ms / p->step_ms % p->steps) & 1 ? HF_STAGE_FULL : 0;
}

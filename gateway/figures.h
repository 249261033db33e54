/* SPDX-License-Identifier: MIT
 *
 * The gateway's figures: what it tells of its health (core/health.h), and how it looks at its supply.
 */
#ifndef HF_FIGURES_H
#define HF_FIGURES_H

#include "core/health.h"

#include "duty.h"

struct hf_figures {
	const struct hf_duty *duty;    /* kept */
	const struct hf_clock *clock;  /* kept */

	/* To be read: as last measured. */
	uint16_t supply_mv;            /* 0: not known */
	int16_t temperature_dc;

	/* Private. */
	bool measured;
	uint32_t measured_ms;
};

/* Once a turn of the main loop: measures each ten seconds, which takes 0.2 ms. */
void hf_figures_turn(struct hf_figures *f, uint32_t now_ms);

/* Everything, measured now. */
void hf_figures_tell(struct hf_figures *f, struct hf_health *h);

#endif

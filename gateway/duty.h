/* SPDX-License-Identifier: MIT
 *
 * What the main loop does besides serving: it says who runs and why, judges the self-test, confirms, shows the stage.
 */
#ifndef HF_DUTY_H
#define HF_DUTY_H

#include "selftest.h"

#include "core/update.h"
#include "port/led_stage.h"
#include "port/stm32f407/reset.h"
#include "port/upload_log.h"

struct hf_duty {
	struct hf_smp_line *line;   /* kept */
	struct hf_update *update;   /* kept */
	uint32_t image_addr;        /* of the vector table that runs */
	uint32_t started_ms;
	struct hf_upload_log upload; /* its pointers given */
	enum hf_err journal_err;    /* of opening the update engine */
	enum hf_err settings_err;   /* of reading the configuration */

	struct hf_selftest test;
	bool judged;
	bool healthy;
	struct hf_crash crash;      /* before this start; kind 0: none */
};

/* The first lines: who, where, why, and a crash before this start. Polled, before anything can go wrong; the stream must
 * not have sent yet. */
void hf_duty_announce(struct hf_duty *d, const char *version);
/* Then: what is wrong now. */
void hf_duty_findings(struct hf_duty *d, bool pll);

/* Once a turn of the main loop; readings: good Modbus readings so far. May take as long as a journal take-over, and may
 * not return: a trial that fails its self-test ends in a reset. */
void hf_duty_turn(struct hf_duty *d, uint32_t readings, uint32_t now_ms);

/* What the light should say. */
enum hf_led_stage hf_duty_stage(const struct hf_duty *d, uint32_t now_ms);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What the SYS light says: one pattern a stage, so that a person at the cabinet and the digital twin read the same.
 *
 *   stage        light
 *   off          dark
 *   running      solid
 *   trial        fast blink, 5 a second: new firmware, not confirmed yet
 *   upload       slow blink, 1 a second: an upload is under way
 *   degraded     solid, with a short gap every 2 s: runs, but a self-test fails
 *   no firmware  two short flashes every 2 s: boot has nothing to start
 *   recovery     breathing, 3 s a breath
 */
#ifndef HF_LED_STAGE_H
#define HF_LED_STAGE_H

#include <stdint.h>

#define HF_STAGE_FULL 1000u

enum hf_led_stage {
	HF_STAGE_OFF,
	HF_STAGE_RUNNING,
	HF_STAGE_TRIAL,
	HF_STAGE_UPLOAD,
	HF_STAGE_DEGRADED,
	HF_STAGE_NO_FIRMWARE,
	HF_STAGE_RECOVERY,
	HF_STAGES
};

/* The light's level, 0 to HF_STAGE_FULL, at a time in milliseconds. Unknown stages are dark. */
uint32_t hf_led_stage_level(enum hf_led_stage stage, uint32_t ms);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What a device has to reach before and after an upgrade: all limits in one table (limits.c), each with its reason.
 */
#ifndef HF_CHECK_LIMITS_H
#define HF_CHECK_LIMITS_H

#include <stdint.h>
#include <stddef.h>

enum hf_limit {
	HF_LIMIT_SUPPLY_MV_MIN,     /* below: failed, and nobody may waive it */
	HF_LIMIT_SUPPLY_MV_LOW,     /* below: a warning */
	HF_LIMIT_SUPPLY_MV_MAX,
	HF_LIMIT_TEMPERATURE_MIN_C, /* shifted by HF_LIMIT_C0 */
	HF_LIMIT_TEMPERATURE_MAX_C,
	HF_LIMIT_LINK_BITS,
	HF_LIMIT_LINK_ERRORS_PPM,   /* wrong bits in a million */
	HF_LIMIT_JOURNAL_FREE,
	HF_LIMIT_JOURNAL_BAD,
	HF_LIMIT_ERASE_SLOW_MS,     /* above: a warning */
	HF_LIMIT_ERASE_MS_MAX,      /* above: failed */
	HF_LIMIT_SLOWER_PERCENT,    /* throughput and latency of the line, and Modbus, against before */
	HF_LIMIT_LATENCY_SLACK_US,  /* what the clock cannot tell apart */
	HF_LIMIT_STRESS_REQUESTS,
	HF_LIMIT_STRESS_LOST,
	HF_LIMIT_WORK_GAP_MS,       /* between two good answers on the Modbus line */
	HF_LIMIT_WORK_BAD_PERCENT,  /* polls without a good answer */
	HF_LIMIT_WORK_WAIT_MS,      /* how long after the start polls and self-test are waited for */
	HF_LIMITS
};

#define HF_LIMIT_C0 100u /* degrees are kept as C + 100 */

/* One product's limits: the defaults, changed by its project file. */
struct hf_limits {
	uint32_t at[HF_LIMITS];
};

void hf_limits_default(struct hf_limits *limits);

/* For manuals: name, default, unit, reason; NULL behind the last. */
struct hf_limit_about {
	const char *name;
	uint32_t value;
	const char *unit;
	const char *why;
};
const struct hf_limit_about *hf_limit_about(unsigned limit);

#endif

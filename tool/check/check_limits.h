/* SPDX-License-Identifier: MIT
 *
 * What a device has to reach before and after an upgrade: all limits in one table (check_limits.c), each with its reason.
 */
#ifndef HF_CHECK_LIMITS_H
#define HF_CHECK_LIMITS_H

#include <stdint.h>

#include "project.h"

enum hf_limit {
	HF_LIMIT_SUPPLY_MV_MIN,     /* below: failed, and nobody may waive it */
	HF_LIMIT_SUPPLY_MV_LOW,     /* below: a warning */
	HF_LIMIT_SUPPLY_MV_MAX,     /* above: failed */
	HF_LIMIT_COLD_C,            /* degrees below zero; colder: failed */
	HF_LIMIT_HOT_C,             /* hotter: failed */
	HF_LIMIT_LINK_BITS,
	HF_LIMIT_LINK_ERRORS_PPM,   /* wrong bits in a million; above: failed */
	HF_LIMIT_JOURNAL_FREE,      /* below: a warning */
	HF_LIMIT_JOURNAL_BAD,       /* above: failed */
	HF_LIMIT_ERASE_SLOW_MS,     /* above: a warning */
	HF_LIMIT_ERASE_MS_MAX,      /* above: failed */
	HF_LIMIT_SLOWER_PERCENT,    /* throughput, latency and Modbus answers against before; above: failed */
	HF_LIMIT_LATENCY_SLACK_US,  /* of a round trip, which the clock does not tell apart */
	HF_LIMIT_STRESS_REQUESTS,
	HF_LIMIT_STRESS_LOST,       /* above: failed */
	HF_LIMIT_WORK_GAP_MS,       /* between two good answers on the Modbus line; above: failed */
	HF_LIMIT_WORK_BAD_PERCENT,  /* polls without a good answer, more than before by; above: failed */
	HF_LIMIT_WORK_WAIT_MS,      /* how long self-test and first polls are waited for */
	HF_LIMITS
};

/* One product's limits. */
struct hf_limits {
	uint32_t at[HF_LIMITS];
};

void hf_limits_default(struct hf_limits *limits);

/* The defaults, changed by a project file. Nothing lowers HF_LIMIT_SUPPLY_MV_MIN: it protects from a brick. */
void hf_limits_of_project(const struct hf_project *project, struct hf_limits *limits);

/* One row of the table, for manuals. */
struct hf_limit_about {
	const char *name;
	uint32_t value;
	const char *unit;
	const char *why;
};
const struct hf_limit_about *hf_limit_about(enum hf_limit limit);

#endif

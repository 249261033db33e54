/* SPDX-License-Identifier: MIT */
#include "check_limits.h"

static const struct hf_limit_about table[HF_LIMITS] = {
	[HF_LIMIT_SUPPLY_MV_MIN] = {"supply, at least", 2700, "mV",
		"below 2.7 V the flash must not be programmed 32 bits at a time, and the brown-out reset strikes (RM0090, option bytes)"},
	[HF_LIMIT_SUPPLY_MV_LOW] = {"supply, better above", 2850, "mV",
		"an erase draws some 10 mA more for a second: 150 mV are left for the supply's sag"},
	[HF_LIMIT_SUPPLY_MV_MAX] = {"supply, at most", 3600, "mV", "above, the chip is outside its ratings"},
	[HF_LIMIT_COLD_C] = {"cold", 40, "C below zero", "the industrial range ends at -40 C"},
	[HF_LIMIT_HOT_C] = {"heat", 105, "C", "of the chip itself: 85 C around it, and 20 K of its own; flash wears faster above"},
	[HF_LIMIT_LINK_BITS] = {"bits to test the line with", 262144, "bits", "without an error less than 1 in 87000 is wrong, in a second"},
	[HF_LIMIT_LINK_ERRORS_PPM] = {"wrong bits", 100, "in a million",
		"of packets of 1 KiB more than half would be lost, and the upload take more than twice its time"},
	[HF_LIMIT_JOURNAL_FREE] = {"journal, free slots", 64, "slots",
		"an upload needs so many; the device makes room before it, which wears its sector"},
	[HF_LIMIT_JOURNAL_BAD] = {"journal, bad slots", 64, "slots", "an eighth of the sector: what fails so often will fail soon"},
	[HF_LIMIT_ERASE_SLOW_MS] = {"erase, slow", 2000, "ms", "a new sector of 128 KiB takes 1 s, at most 2 s: a worn one takes longer"},
	[HF_LIMIT_ERASE_MS_MAX] = {"erase, too slow", 4000, "ms", "twice what a sector may take: it is near its end"},
	[HF_LIMIT_SLOWER_PERCENT] = {"slower than before", 25, "%", "what runs by the side of the line may vary so much"},
	[HF_LIMIT_LATENCY_SLACK_US] = {"latency, slack", 500, "us", "half of what the clock counts in"},
	[HF_LIMIT_STRESS_REQUESTS] = {"stress, requests", 200, "requests", "mixed, as many under way as the device takes: about a second"},
	[HF_LIMIT_STRESS_LOST] = {"stress, lost requests", 10, "requests", "a line that passes may damage one packet in twenty, which an upload repairs: more is the firmware"},
	[HF_LIMIT_WORK_GAP_MS] = {"Modbus, longest gap", 2000, "ms",
		"at the slowest pace (one poll in 500 ms) three answers in a row may be lost; what is longer was the gateway itself"},
	[HF_LIMIT_WORK_BAD_PERCENT] = {"Modbus, bad polls", 20, "% more",
		"than before (than none, where that is unknown): a slave that was off then is not the new firmware's fault"},
	[HF_LIMIT_WORK_WAIT_MS] = {"wait for the firmware's work", 15000, "ms", "its self-test takes up to 10 s"},
};

const struct hf_limit_about *hf_limit_about(enum hf_limit limit)
{
	return &table[limit];
}

void hf_limits_default(struct hf_limits *limits)
{
	for (unsigned i = 0; i < HF_LIMITS; i++)
		limits->at[i] = table[i].value;
}

static void raise_to(uint32_t *limit, uint32_t wanted)
{
	if (wanted > *limit)
		*limit = wanted;
}

void hf_limits_of_project(const struct hf_project *project, struct hf_limits *limits)
{
	const struct hf_project_burn *b = &project->burn;

	hf_limits_default(limits);
	raise_to(&limits->at[HF_LIMIT_SUPPLY_MV_MIN], b->supply_mv_min);
	raise_to(&limits->at[HF_LIMIT_SUPPLY_MV_LOW], limits->at[HF_LIMIT_SUPPLY_MV_MIN]);
	if (b->supply_mv_max)
		limits->at[HF_LIMIT_SUPPLY_MV_MAX] = b->supply_mv_max;
	if (b->link_errors_given)
		limits->at[HF_LIMIT_LINK_ERRORS_PPM] = b->link_errors_ppm;
	if (b->erase_ms_max)
		limits->at[HF_LIMIT_ERASE_MS_MAX] = b->erase_ms_max;
	if (b->slower_percent_max)
		limits->at[HF_LIMIT_SLOWER_PERCENT] = b->slower_percent_max;
}

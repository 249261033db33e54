/* SPDX-License-Identifier: MIT
 *
 * The fourth check: link, memory, supply, temperature. Each figure is the device's own, and goes with its limit.
 */
#include "check_private.h"

#include <stdlib.h>
#include <string.h>

#define RATES_TRIED 4u

/* ---- link ---- */

static uint32_t limit(const struct check *k, enum hf_limit which)
{
	return k->limits.at[which];
}

static bool good_enough(const struct check *k, const struct hf_link_quality *q)
{
	return (uint64_t)q->errors * 1000000 <= q->tested * limit(k, HF_LIMIT_LINK_ERRORS_PPM);
}

/* The device is found again where it was lost by a bad line. */
static enum hf_err measure(struct check *k, struct hf_link_quality *q, bool *lost)
{
	enum hf_err err;

	*q = (struct hf_link_quality){
		.bits = limit(k, HF_LIMIT_LINK_BITS),
		.baud = k->rate->now,
		.parameters = k->rate->parameters,
	};
	err = hf_link_measure(k->c, q);
	*lost = err == HF_ERR_TIMEOUT || err == HF_ERR_IO;
	if (*lost && !hf_smp_stopped(k->c))
		err = hf_smp_rate_again(k->c, k->rate, k->patience_ms);
	return err == HF_ERR_UNSUPPORTED ? HF_OK : err;
}

static enum hf_err get_health(struct check *k)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_health(k->c, k->patience_ms, &k->health, &answer);

	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	k->health_known = !err && !answer.refusal;
	if (!k->health_known)
		memset(&k->health, 0, sizeof(k->health));
	return HF_OK;
}

/* What the device's UART has met since `before`; its counters begin again with a restart. */
static uint32_t met(uint32_t now, uint32_t before)
{
	return now >= before ? now - before : now;
}

static void link_row(struct check *k, const struct hf_link_quality *q, const struct hf_smp_health *before, unsigned lowered)
{
	uint32_t framing = met(k->health.framing, before->framing), noise = met(k->health.noise, before->noise);
	uint32_t overrun = met(k->health.overrun, before->overrun);
	char text[HF_ROW_TEXT_BYTES - 224], there[160] = "", why[64] = "";
	enum hf_row_state state = !good_enough(k, q) ? HF_ROW_FAILED : q->errors ? HF_ROW_WARNING : HF_ROW_PASSED;

	if (q->tested == 0) {
		check_row(k, HF_ROW_NOTE, "link quality", "", "this device knows no echo, and its line cannot be measured");
		return;
	}
	if (q->device_dropped || framing || noise || overrun)
		snprintf(there, sizeof(there), "; the device dropped %u damaged packets, and met %u characters without a stop bit, %u with noise, %u "
			 "too many", q->device_dropped, framing, noise, overrun);
	if (lowered)
		snprintf(why, sizeof(why), "; faster rates were worse");
	check_row(k, state, "link quality",
		  state == HF_ROW_PASSED ? "" : "look for a shorter or shielded cable, a common ground, another adapter; or a lower rate: --line RATE",
		  "%s%s%s", hf_link_text(q, text, sizeof(text)), there, why);
}

/* At the rate that the client has, and at lower ones until one is good enough. */
static enum hf_err measure_rates(struct check *k, unsigned *lowered, bool *lost)
{
	struct hf_link_quality *q = &k->r->link;
	enum hf_err err = HF_OK;

	for (*lowered = 0; !err; ++*lowered) {
		err = measure(k, q, lost);
		if (err || (!*lost && good_enough(k, q)) || *lowered == RATES_TRIED)
			return err;
		err = hf_smp_rate_lower(k->c, k->rate, k->patience_ms);
		if (err == HF_ERR_NOT_FOUND)
			return HF_OK;
	}
	return err;
}

enum hf_err check_link(struct check *k)
{
	enum hf_err err = hf_smp_rate_raise(k->c, k->rate, k->patience_ms);
	struct hf_smp_health before;
	unsigned lowered;
	bool lost;

	if (err == HF_ERR_NOT_FOUND) {
		check_row(k, HF_ROW_FAILED, "link quality", "leave the rate to the tool", "the device cannot be talked to at %u baud",
			  k->rate->wanted);
		return get_health(k);
	}
	if (!err)
		err = get_health(k);
	before = k->health;
	if (!err)
		err = measure_rates(k, &lowered, &lost);
	if (!err)
		err = get_health(k);
	if (err)
		return err;
	if (lost)
		check_row(k, HF_ROW_FAILED, "link quality", "check the cable", "the device was lost while the line was tested, and found again");
	else
		link_row(k, &k->r->link, &before, lowered);
	return HF_OK;
}

/* ---- memory ---- */

static void check_memory(struct check *k)
{
	const struct hf_smp_status *s = k->status;
	uint32_t bad = s->journal_bad > k->health.bad ? s->journal_bad : k->health.bad, slowest = k->health.slowest_ms;
	static const char replace[] = "replace the device in time: its flash wears out";
	char erase[64] = "";

	if (slowest)
		snprintf(erase, sizeof(erase), ", slowest erase %u ms", slowest);
	if (bad > limit(k, HF_LIMIT_JOURNAL_BAD))
		check_row(k, HF_ROW_FAILED, "memory", "replace the device", "%u slots of its journal are bad, %u are the limit: it could not record an "
			  "upgrade safely", bad, limit(k, HF_LIMIT_JOURNAL_BAD));
	else if (slowest > limit(k, HF_LIMIT_ERASE_MS_MAX))
		check_row(k, HF_ROW_FAILED, "memory", "replace the device", "an erase took %u ms, %u ms are the limit", slowest,
			  limit(k, HF_LIMIT_ERASE_MS_MAX));
	else if (k->health.worn)
		check_row(k, HF_ROW_WARNING, "memory", replace, "a failure was gone around: %s%s", hf_err_text(k->health.worn), erase);
	else if (bad)
		check_row(k, HF_ROW_WARNING, "memory", replace, "%u slots of the journal are bad, of %u that may be%s", bad,
			  limit(k, HF_LIMIT_JOURNAL_BAD), erase);
	else if (slowest > limit(k, HF_LIMIT_ERASE_SLOW_MS))
		check_row(k, HF_ROW_WARNING, "memory", replace, "an erase took %u ms, a good sector takes less than %u ms", slowest,
			  limit(k, HF_LIMIT_ERASE_SLOW_MS));
	else
		check_row(k, HF_ROW_PASSED, "memory", "", "no bad slot in the journal, %u free%s%s%s", s->journal_free,
			  s->journal_free < limit(k, HF_LIMIT_JOURNAL_FREE) ? " (the device makes room first)" : "", erase,
			  k->health_known ? ", no worn sector" : "; this firmware tells no more of its flash");
}

/* ---- supply, temperature ---- */

static void check_supply(struct check *k)
{
	uint32_t mv = k->health.supply_mv, least = limit(k, HF_LIMIT_SUPPLY_MV_MIN), low = limit(k, HF_LIMIT_SUPPLY_MV_LOW);
	uint32_t most = limit(k, HF_LIMIT_SUPPLY_MV_MAX);

	if (!k->health_known || !k->health.supply_known)
		check_row(k, HF_ROW_NOTE, "supply", "measure 3.3 V at the board where the supply is in doubt",
			  "this firmware does not tell its supply");
	else if (mv < least)
		check_row(k, HF_ROW_FAILED, "supply", "check the power supply and its cable under load",
			  "%u.%02u V at the chip, %u.%02u V are needed to program its flash", mv / 1000, mv % 1000 / 10, least / 1000,
			  least % 1000 / 10);
	else if (mv > most)
		check_row(k, HF_ROW_FAILED, "supply", "check the power supply", "%u.%02u V at the chip, it bears %u.%02u V", mv / 1000, mv % 1000 / 10,
			  most / 1000, most % 1000 / 10);
	else if (mv < low)
		check_row(k, HF_ROW_WARNING, "supply", "look at the power supply: an erase draws more",
			  "%u.%02u V at the chip, little above the %u.%02u V that are needed", mv / 1000, mv % 1000 / 10, least / 1000,
			  least % 1000 / 10);
	else
		check_row(k, HF_ROW_PASSED, "supply", "", "%u.%02u V at the chip, %u.%02u V above what programming needs", mv / 1000, mv % 1000 / 10,
			  (mv - least) / 1000, (mv - least) % 1000 / 10);
}

static void check_temperature(struct check *k)
{
	int dc = k->health.temperature_dc, coldest = -(int)limit(k, HF_LIMIT_COLD_C) * 10, hottest = (int)limit(k, HF_LIMIT_HOT_C) * 10;
	bool bad = dc < coldest || dc > hottest;

	if (k->health_known && k->health.temperature_known)
		check_row(k, bad ? HF_ROW_FAILED : HF_ROW_PASSED, "temperature", bad ? "let the device cool down or warm up" : "",
			  "%s%d.%d C in the chip%s", dc < 0 ? "-" : "", abs(dc) / 10, abs(dc) % 10, bad ? ", outside of what its flash bears" : "");
	if (k->health_known && !k->health.pll && k->status->running < HF_SLOTS)
		check_row(k, HF_ROW_WARNING, "clock", "have the board's crystal looked at",
			  "the firmware runs by its 16 MHz only: the crystal or its PLL does not start");
}

/* All this was told together with the line's counters. */
void check_health(struct check *k)
{
	check_memory(k);
	check_supply(k);
	check_temperature(k);
}

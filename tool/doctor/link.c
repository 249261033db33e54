/* SPDX-License-Identifier: MIT
 *
 * The line at each of its rates, from the fastest down: where errors begin, and on which way.
 */
#include "doctor.h"

#include "link_quality.h"

#define PATIENCE_MS 10000u
#define MEASURED_BITS 131072u

struct result {
	uint32_t baud;
	bool able;      /* the device can have that rate */
	bool measured;
	bool good;
	struct hf_link_quality q;
};

static void measure(struct hf_doctor_device *d, struct result *r)
{
	r->q = (struct hf_link_quality){.bits = MEASURED_BITS, .baud = r->baud};
	r->measured = hf_link_measure(&d->client, &r->q) == HF_OK;
	r->good = r->measured && (uint64_t)r->q.errors * 1000000 <= (uint64_t)d->limits->at[HF_LIMIT_LINK_ERRORS_PPM] * r->q.tested;
}

static void at_rate(struct hf_doctor_device *d, struct hf_smp_rate *rate, struct result *r)
{
	enum hf_err err;

	rate->wanted = r->baud;
	err = hf_smp_rate_raise(&d->client, rate, PATIENCE_MS);
	r->able = err != HF_ERR_NOT_FOUND;
	if (!err && rate->now == r->baud)
		measure(d, r);
	hf_smp_rate_restore(&d->client, rate);
}

static void tell(struct hf_findings *f, const struct result *r, uint32_t good)
{
	static const char mend[] = "shorter cable, ground, another adapter; away from drives and contactors";
	char name[32], text[320], next[160] = "";

	snprintf(name, sizeof(name), "link at %u", r->baud);
	if (!r->able) {
		hf_finding(f, HF_ROW_NOTE, name, "", "this firmware cannot have that rate");
		return;
	}
	if (good && !r->good)
		snprintf(next, sizeof(next), "%u baud is good, and is used by itself; for this rate: %s", good, mend);
	else if (!r->good || r->q.lost)
		snprintf(next, sizeof(next), "%s", mend);
	if (!r->measured)
		hf_finding(f, good ? HF_ROW_WARNING : HF_ROW_FAILED, name, next, "no packet, or hardly one, comes through");
	else if (r->q.lost == 0)
		hf_finding(f, HF_ROW_PASSED, name, "", "%s; an answer takes %.1f ms", hf_link_text(&r->q, text, sizeof(text)),
			   (double)r->q.latency_us / 1000);
	else
		hf_finding(f, r->good || good ? HF_ROW_WARNING : HF_ROW_FAILED, name, next, "%s",
			   hf_link_text(&r->q, text, sizeof(text)));
}

static unsigned collect(const struct hf_doctor_device *d, const struct hf_smp_rate *rate, struct result *out)
{
	unsigned count = 0;

	for (unsigned i = 0; i < d->rates && count < HF_BOARD_BAUDS; i++)
		out[count++] = (struct result){.baud = d->rate[i]};
	if (count == 0)
		out[count++] = (struct result){.baud = rate->now};
	for (unsigned i = 0; i < count; i++) { /* the fastest first */
		for (unsigned k = i + 1; k < count; k++) {
			struct result r = out[i];

			if (out[k].baud > out[i].baud) {
				out[i] = out[k];
				out[k] = r;
			}
		}
	}
	return count;
}

void hf_doctor_link(struct hf_findings *f, struct hf_doctor_device *d)
{
	struct hf_smp_rate rate = {.baud = d->rate, .bauds = d->rates, .now = d->probe.rate, .first = d->probe.rate};
	struct result result[HF_BOARD_BAUDS] = {{0}};
	uint32_t good = 0;
	unsigned count;

	count = collect(d, &rate, result);
	for (unsigned i = 0; i < count && !(d->stop && d->stop(d->ctx)); i++) {
		at_rate(d, &rate, &result[i]);
		if (result[i].good && result[i].baud > good)
			good = result[i].baud;
	}
	for (unsigned i = 0; i < count; i++)
		tell(f, &result[i], good);
}

/* SPDX-License-Identifier: MIT
 *
 * Three groups: does it work (functional), is it as quick as before (performance), does it bear load (stress). The device is
 * given time first for what it tests itself, since firmware that has just confirmed itself has polled its slaves a few times
 * only. Performance is compared at one rate and in one framing, or not at all: another line is no measure.
 */
#include "after.h"

#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "stress.h"

#define PATIENCE_MS 60000u
#define LED_RUNNING 1u /* of `led` (docs/PROTOCOL.md): solid, all is well */
#define POLL_MS     500u
#define POLLS_WANTED 10u

struct after {
	struct hf_smp_client *c;
	struct hf_smp_rate *rate;
	const struct hf_after_options *o;
	struct hf_after_result *r;
	const struct hf_after_reference *before; /* NULL: none */
	struct hf_limits limits;
	struct hf_report report;
	uint32_t patience_ms;
	struct hf_smp_status status;
	struct hf_after_reference now;
};

#define ROW(a, state, name, next, ...) hf_report_row(&(a)->report, (state), (name), (next), __VA_ARGS__)

static uint32_t limit(const struct after *a, enum hf_limit which)
{
	return a->limits.at[which];
}

static bool lost(enum hf_err err)
{
	return err == HF_ERR_TIMEOUT || err == HF_ERR_IO;
}

/* ---- functional ---- */

static enum hf_err check_digest(struct after *a)
{
	struct hf_smp_place place;
	struct hf_smp_answer answer;
	char hex[65];
	enum hf_err err = hf_smp_verify_place(a->c, a->patience_ms, a->status.running, &place, &answer);

	if (lost(err))
		return err;
	if (err || answer.refusal) {
		ROW(a, HF_ROW_NOTE, "digest", "", "this firmware does not verify itself on request: its start did");
		return HF_OK;
	}
	if (place.verdict != HF_OK) {
		ROW(a, HF_ROW_FAILED, "digest", "burn it again; where this comes back, replace the device", "slot %c does not verify: %s",
		    'A' + (int)a->status.running, hf_err_text(place.verdict));
		return HF_OK;
	}
	memcpy(a->r->digest, place.hash, sizeof(a->r->digest));
	a->r->digest_known = true;
	hf_out_hex(place.hash, sizeof(place.hash), hex);
	if (a->o->digest && memcmp(a->o->digest, place.hash, sizeof(place.hash)) != 0)
		ROW(a, HF_ROW_FAILED, "digest", "burn the package again", "slot %c verifies, but is not the package: %.16s...",
		    'A' + (int)a->status.running, hex);
	else
		ROW(a, HF_ROW_PASSED, "digest", "", "slot %c verifies%s: %s", 'A' + (int)a->status.running,
		    a->o->digest ? ", and is the package" : "", hex);
	return HF_OK;
}

static void check_confirmed(struct after *a)
{
	const struct hf_smp_status *s = &a->status;

	if (s->running >= HF_SLOTS)
		ROW(a, HF_ROW_FAILED, "confirmed", "burn firmware: `holdfast burn PACKAGE`", "recovery runs, no firmware");
	else if (s->state.slot[s->running].state != HF_SLOT_CONFIRMED)
		ROW(a, HF_ROW_FAILED, "confirmed", "wait, or look why with `holdfast monitor`", "what runs in slot %c has not confirmed itself",
		    'A' + (int)s->running);
	else
		ROW(a, HF_ROW_PASSED, "confirmed", "", "slot %c has confirmed itself", 'A' + (int)s->running);
}

static void check_configuration(struct after *a)
{
	const struct hf_after_reference *b = a->before;

	if (!b || !b->configuration_known || !a->now.configuration_known) {
		ROW(a, HF_ROW_NOTE, "configuration", "", "%u bytes; nothing to compare with", a->now.configuration_bytes);
		return;
	}
	if (b->configuration_bytes == a->now.configuration_bytes &&
	    memcmp(b->configuration, a->now.configuration, sizeof(b->configuration)) == 0)
		ROW(a, HF_ROW_PASSED, "configuration", "", "as before, %u bytes", b->configuration_bytes);
	else
		ROW(a, HF_ROW_FAILED, "configuration", "put it back: `holdfast config set --from-backup FILE`",
		    "%u bytes that are not the %u of before", a->now.configuration_bytes, b->configuration_bytes);
}

static bool settled(const struct hf_smp_health *h)
{
	return h->test_done && (!h->work_known || h->good + h->bad_polls >= POLLS_WANTED);
}

static enum hf_err await_work(struct after *a)
{
	uint64_t until = hf_serial_now_ms(a->c->serial) + limit(a, HF_LIMIT_WORK_WAIT_MS);
	struct hf_smp_answer answer;

	for (;;) {
		enum hf_err err = hf_smp_get_health(a->c, a->patience_ms, &a->now.health, &answer);

		if (lost(err))
			return err;
		a->now.health_known = !err && !answer.refusal;
		if (!a->now.health_known || settled(&a->now.health) || hf_serial_now_ms(a->c->serial) >= until)
			return HF_OK;
		hf_serial_sleep_ms(a->c->serial, POLL_MS);
	}
}

static uint32_t percent(uint64_t part, uint64_t all)
{
	return all ? (uint32_t)(part * 100 / all) : 0;
}

static void check_work(struct after *a)
{
	const struct hf_smp_health *h = &a->now.health;
	uint32_t polls = h->good + h->bad_polls, bad = percent(h->bad_polls, polls), most = limit(a, HF_LIMIT_WORK_BAD_PERCENT);
	const struct hf_smp_health *b = a->before && a->before->health_known && a->before->health.work_known ? &a->before->health : NULL;
	uint32_t before = b ? percent(b->bad_polls, b->good + b->bad_polls) : 0;

	if (!h->work_known)
		ROW(a, HF_ROW_NOTE, "modbus", "", "the firmware does not tell how its work goes");
	else if (h->good == 0)
		ROW(a, HF_ROW_FAILED, "modbus", "check the Modbus line, its wiring and the slaves' addresses", "no poll was answered, of %u", polls);
	else if (bad > before + most)
		ROW(a, HF_ROW_FAILED, "modbus", "check the Modbus line; where the firmware before did better, go back: `holdfast rollback`",
		    "%u of %u polls were not answered well (%u %%), %u %% before", h->bad_polls, polls, bad, before);
	else
		ROW(a, HF_ROW_PASSED, "modbus", "", "%u polls answered, %u not (%u %%)", h->good, h->bad_polls, bad);
}

static void check_self(struct after *a)
{
	const struct hf_smp_health *h = &a->now.health;

	if (!a->now.health_known) {
		ROW(a, HF_ROW_NOTE, "self-test", "", "this firmware does not tell of its self-test: that it has confirmed itself says it passed");
		return;
	}
	if (!h->test_done || h->test_failed)
		ROW(a, HF_ROW_FAILED, "self-test", "look at what it says: `holdfast monitor`", h->test_done ? "it failed: %s%s%s%s" : "not done yet: %s%s%s%s",
		    h->test_failed & HF_TEST_WORK ? "work " : "", h->test_failed & HF_TEST_JOURNAL ? "journal " : "",
		    h->test_failed & HF_TEST_HEAD ? "head " : "", h->test_failed & HF_TEST_RAM ? "RAM" : "");
	else
		ROW(a, HF_ROW_PASSED, "self-test", "", "passed, the device has been up for %u s", h->up_ms / 1000);
	if (h->led != LED_RUNNING)
		ROW(a, HF_ROW_FAILED, "light", "look at the device's SYS light, and at `holdfast status`", "it shows '%s', not '%s'",
		    hf_smp_led_text(h->led), hf_smp_led_text(LED_RUNNING));
	else
		ROW(a, HF_ROW_PASSED, "light", "", "it shows '%s'", hf_smp_led_text(h->led));
	check_work(a);
}

static enum hf_err functional(struct after *a)
{
	enum hf_err err = HF_OK;

	check_confirmed(a);
	if (a->status.running >= HF_SLOTS)
		return HF_OK;
	err = check_digest(a);
	if (!err)
		err = await_work(a);
	if (err)
		return err;
	check_self(a);
	check_configuration(a);
	return HF_OK;
}

/* ---- performance ---- */

static bool sends_slower(const struct after *a)
{
	return (uint64_t)a->now.link.bytes_per_s * 100 < (uint64_t)a->before->link.bytes_per_s * (100 - limit(a, HF_LIMIT_SLOWER_PERCENT));
}

static bool answers_slower(const struct after *a)
{
	uint64_t before = a->before->link.latency_us;

	return a->now.link.latency_us > before * (100 + limit(a, HF_LIMIT_SLOWER_PERCENT)) / 100 + limit(a, HF_LIMIT_LATENCY_SLACK_US);
}

/* A busy computer makes any device slow for a moment, and no device fast: the best of a few counts. */
static enum hf_err measure_again(struct after *a)
{
	for (unsigned i = 0; i < 3 && (sends_slower(a) || answers_slower(a)); i++) {
		struct hf_link_quality q = {.bits = limit(a, HF_LIMIT_LINK_BITS), .baud = a->rate->now, .parameters = a->rate->parameters};
		enum hf_err err = hf_link_measure(a->c, &q);

		if (err)
			return err;
		if (q.bytes_per_s > a->now.link.bytes_per_s)
			a->now.link.bytes_per_s = q.bytes_per_s;
		if (q.latency_us < a->now.link.latency_us)
			a->now.link.latency_us = q.latency_us;
	}
	return HF_OK;
}

static void compare_throughput(struct after *a)
{
	uint32_t now = a->now.link.bytes_per_s, before = a->before->link.bytes_per_s;
	bool slower = sends_slower(a);

	ROW(a, slower ? HF_ROW_FAILED : HF_ROW_PASSED, "throughput", slower ? "run `holdfast check --after` again; where it stays, `holdfast rollback`" : "",
	    "%u bytes a second each way, %u before (%u %%)", now, before, percent(now, before));
}

static void compare_latency(struct after *a)
{
	uint32_t now = a->now.link.latency_us, before = a->before->link.latency_us;
	bool slower = answers_slower(a);

	ROW(a, slower ? HF_ROW_FAILED : HF_ROW_PASSED, "latency", slower ? "run `holdfast check --after` again; where it stays, `holdfast rollback`" : "",
	    "%u.%02u ms a round trip, %u.%02u ms before", now / 1000, now % 1000 / 10, before / 1000, before % 1000 / 10);
}

static void compare_work(struct after *a)
{
	const struct hf_smp_health *h = &a->now.health, *b = &a->before->health;
	uint64_t most = (uint64_t)b->answer_us * (100 + limit(a, HF_LIMIT_SLOWER_PERCENT)) / 100 + limit(a, HF_LIMIT_LATENCY_SLACK_US);
	bool slower = h->answer_us > most;

	if (!a->now.health_known || !h->work_known || !a->before->health_known || !b->work_known || b->answer_us == 0)
		return;
	ROW(a, slower ? HF_ROW_FAILED : HF_ROW_PASSED, "modbus answers", slower ? "check the Modbus line; where it stays, `holdfast rollback`" : "",
	    "after %u.%u ms in the mean, %u.%u ms before", h->answer_us / 1000, h->answer_us % 1000 / 100, b->answer_us / 1000,
	    b->answer_us % 1000 / 100);
}

static enum hf_err performance(struct after *a)
{
	struct hf_link_quality *q = &a->now.link;
	char text[HF_ROW_TEXT_BYTES];
	enum hf_err err;

	*q = (struct hf_link_quality){.bits = limit(a, HF_LIMIT_LINK_BITS), .baud = a->rate->now, .parameters = a->rate->parameters};
	err = hf_link_measure(a->c, q);
	a->r->link = *q;
	if (err == HF_ERR_UNSUPPORTED) {
		ROW(a, HF_ROW_NOTE, "throughput", "", "this device knows no echo, and its line cannot be measured");
		return HF_OK;
	}
	if (err)
		return err;
	ROW(a, (uint64_t)q->errors * 1000000 > q->tested * limit(a, HF_LIMIT_LINK_ERRORS_PPM) ? HF_ROW_FAILED : q->errors ? HF_ROW_WARNING : HF_ROW_PASSED,
	    "line", q->errors ? "look for a shorter or shielded cable, a common ground, another adapter" : "", "%s",
	    hf_link_text(q, text, sizeof(text)));
	if (!a->before || !a->before->running || a->before->link.latency_us == 0) {
		ROW(a, HF_ROW_NOTE, "throughput", "", "%u bytes a second each way, %u.%02u ms a round trip; nothing to compare with", q->bytes_per_s,
		    q->latency_us / 1000, q->latency_us % 1000 / 10);
	} else if (a->before->link.baud != q->baud || a->before->binary != (a->c->framing == HF_SMP_FRAMING_BINARY)) {
		ROW(a, HF_ROW_WARNING, "throughput", "leave the rate to the tool, and run `holdfast check --after` again",
		    "%u bytes a second at %u baud; before it was measured at %u baud, which is no comparison", q->bytes_per_s, q->baud,
		    a->before->link.baud);
	} else {
		err = measure_again(a);
		if (err)
			return err;
		compare_throughput(a);
		compare_latency(a);
	}
	if (a->before && a->before->running)
		compare_work(a);
	return HF_OK;
}

/* ---- stress ---- */

static void check_gap(struct after *a, const struct hf_smp_health *h)
{
	uint32_t most = limit(a, HF_LIMIT_WORK_GAP_MS), bad = h->bad_polls - a->now.health.bad_polls;
	uint32_t polls = bad + h->good - a->now.health.good;
	bool long_gap = h->gap_ms > most;

	if (!h->work_known || !a->now.health.work_known)
		return;
	ROW(a, long_gap ? HF_ROW_FAILED : HF_ROW_PASSED, "modbus under load",
	    long_gap ? "the gateway's own work suffers: `holdfast rollback`, and tell the firmware's maker" : "",
	    "longest gap %u ms since its start, %u ms are the limit; %u polls meanwhile, %u of them bad", h->gap_ms, most, polls, bad);
}

static enum hf_err stress(struct after *a)
{
	struct hf_stress s = {.requests = limit(a, HF_LIMIT_STRESS_REQUESTS), .window = a->now.link.parameters.buf_count};
	enum hf_err err = hf_stress_run(a->c, &s);
	struct hf_smp_health health;
	struct hf_smp_answer answer;
	bool bad = s.lost > limit(a, HF_LIMIT_STRESS_LOST);

	if (lost(err))
		return err;
	ROW(a, bad ? HF_ROW_FAILED : s.lost ? HF_ROW_WARNING : HF_ROW_PASSED, "stress", s.lost ? "look at the line's row; where that is good, `holdfast rollback`" : "",
	    "%u mixed requests in %u ms, %u lost, the slowest answered after %u ms%s", s.requests, s.ms, s.lost, s.longest_ms,
	    s.read_bytes ? "; a slot was read meanwhile" : "");
	if (!a->now.health_known)
		return HF_OK;
	err = hf_smp_get_health(a->c, a->patience_ms, &health, &answer);
	if (!err && !answer.refusal)
		check_gap(a, &health);
	return lost(err) ? err : HF_OK;
}

/* ---- all of them ---- */

static enum hf_err get_status(struct after *a)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_status(a->c, a->patience_ms, &a->status, &answer);

	if (!err && answer.refusal)
		a->status.running = HF_SLOTS;
	return err;
}

static enum hf_err run(struct after *a)
{
	struct hf_link_quality none = {0};
	enum hf_err err = get_status(a);

	if (!err && (!a->before || a->before->binary))
		err = hf_smp_rate_raise(a->c, a->rate, a->patience_ms);
	if (err == HF_ERR_NOT_FOUND) /* the rate of before cannot be had: performance says so */
		err = HF_OK;
	if (!err)
		err = hf_after_take(a->c, &none, a->patience_ms, &a->now);
	if (!err)
		err = functional(a);
	if (!err && a->status.running < HF_SLOTS)
		err = performance(a);
	if (!err && a->status.running < HF_SLOTS)
		err = stress(a);
	return err;
}

static enum hf_exit exit_of(struct after *a, enum hf_err err)
{
	if (err && hf_smp_stopped(a->c)) {
		hf_diag_set(&a->r->diag, "interrupted while the new firmware was tested; `holdfast check --after` tests it again");
		return HF_EXIT_INTERRUPTED;
	}
	if (err == HF_ERR_IO) {
		hf_diag_set(&a->r->diag, "the port is gone while the new firmware is tested: check the cable, then `holdfast check --after`");
		return HF_EXIT_PORT_GONE;
	}
	if (err) {
		hf_diag_set(&a->r->diag, "the device answers no more while the new firmware is tested: look at it with `holdfast status`");
		return HF_EXIT_SILENT;
	}
	hf_report_sentence(&a->report, &a->r->diag);
	return a->report.count[HF_ROW_FAILED] ? HF_EXIT_TESTS : HF_EXIT_OK;
}

enum hf_exit hf_after_test(struct hf_smp_client *c, struct hf_smp_rate *rate, const struct hf_after_options *options,
			   struct hf_after_result *result)
{
	uint64_t begin = hf_serial_now_ms(c->serial);
	bool was_binary = c->framing == HF_SMP_FRAMING_BINARY;
	struct after *a = calloc(1, sizeof(*a));
	uint32_t wanted = rate->wanted;
	enum hf_exit code;
	enum hf_err err;

	memset(result, 0, sizeof(*result));
	if (!a) {
		hf_diag_set(&result->diag, "out of memory");
		return HF_EXIT_INTERNAL;
	}
	*a = (struct after){
		.c = c,
		.rate = rate,
		.o = options,
		.r = result,
		.before = options->reference && options->reference->taken ? options->reference : NULL,
		.report = {.row = options->row, .ctx = options->ctx, .noun = "test"},
		.patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS,
	};
	hf_limits_default(&a->limits);
	if (options->limits)
		a->limits = *options->limits;
	if (a->before && a->before->binary && a->before->link.baud)
		rate->wanted = a->before->link.baud;
	err = run(a);
	rate->wanted = wanted;
	code = exit_of(a, err);
	if (!err && !was_binary)
		hf_smp_rate_restore(c, rate);
	memcpy(result->count, a->report.count, sizeof(result->count));
	result->ms = (uint32_t)(hf_serial_now_ms(c->serial) - begin);
	free(a);
	return code;
}

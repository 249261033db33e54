/* SPDX-License-Identifier: MIT
 *
 * The self-test decides once. Firmware on trial that fails it gives the device back by a marked reset; firmware that is
 * confirmed already, or came from the factory, goes on and says what is wrong: a slave that was switched off must not
 * stop the rest of the line.
 */
#include "duty.h"

#include "board.h"

static struct hf_text begin(char line[HF_SMP_LINE_LOG_MAX])
{
	struct hf_text t = hf_text_begin(line, HF_SMP_LINE_LOG_MAX);

	hf_text_add(&t, "gateway: ");
	return t;
}

static void say(struct hf_duty *d, const char *text, const char *more)
{
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = begin(line);

	hf_text_add(&t, text);
	hf_text_add(&t, more);
	hf_smp_line_log(d->line, &t);
}

/* Works before interrupts do, and leaves before anything can go wrong. */
static void send_polled(const struct hf_duty *d, struct hf_text *line)
{
	hf_usart_send(d->line->stream->base, line->buf, line->len);
	hf_usart_send(d->line->stream->base, "\r\n", 2);
}

static void announce_crash(struct hf_duty *d)
{
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = begin(line);
	struct hf_crash crash;

	if (!hf_reset_take_crash(&crash))
		return;
	d->crash = crash;
	hf_text_add(&t, crash.kind == HF_FAULT_SELF_TEST   ? "the start before failed its self-test"
			: crash.kind == HF_FAULT_INTERRUPT ? "the start before met an unknown interrupt"
							   : "the start before crashed");
	if (crash.kind == HF_FAULT_EXCEPTION || crash.kind == HF_FAULT_INTERRUPT) {
		hf_text_add(&t, ": pc ");
		hf_text_add_hex(&t, crash.pc);
		hf_text_add(&t, ", lr ");
		hf_text_add_hex(&t, crash.lr);
		hf_text_add(&t, ", cfsr ");
		hf_text_add_hex(&t, crash.cfsr);
		hf_text_add(&t, ", bfar ");
		hf_text_add_hex(&t, crash.bfar);
	}
	send_polled(d, &t);
}

void hf_duty_announce(struct hf_duty *d, const char *version)
{
	unsigned slot = d->update->running;
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = hf_text_begin(line, sizeof line);

	hf_text_add(&t, "gateway ");
	hf_text_add(&t, version);
	hf_text_add(&t, " on " HF_BOARD_FILE);
	hf_text_add(&t, slot == 0 ? ", slot A" : slot == 1 ? ", slot B" : ", no slot");
	hf_text_add(&t, ", reset: ");
	hf_text_add(&t, hf_reset_cause_text(hf_reset_cause()));
	if (hf_reset_crashes() > 1) {
		hf_text_add(&t, ", crash ");
		hf_text_add_number(&t, hf_reset_crashes());
		hf_text_add(&t, " in a row");
	}
	send_polled(d, &t);
	announce_crash(d);
}

void hf_duty_findings(struct hf_duty *d, bool pll)
{
	if (!pll)
		say(d, "runs at 16 MHz only: the PLL does not lock", "");
	if (d->journal_err)
		say(d, "journal: ", hf_err_text(d->journal_err));
	else if (d->update->worn)
		say(d, "flash wears out, but can be gone around: ", hf_err_text(d->update->worn));
	if (d->settings_err)
		say(d, "the configuration makes no sense, the defaults hold (`holdfast config`): ", hf_err_text(d->settings_err));
}

static bool confirmed(const struct hf_duty *d)
{
	const struct hf_update *u = d->update;

	return u->running < HF_SLOTS && u->state.slot[u->running].state == HF_SLOT_CONFIRMED;
}

static bool on_trial(const struct hf_duty *d)
{
	const struct hf_update *u = d->update;

	return u->running < HF_SLOTS && u->state.slot[u->running].state == HF_SLOT_TRIAL;
}

static void pass(struct hf_duty *d)
{
	bool before = confirmed(d);
	enum hf_err err = hf_update_confirm(d->update);

	hf_reset_healthy();
	d->healthy = true;
	if (err)
		say(d, "self-test passed, but not confirmed: ", hf_err_text(err));
	else
		say(d, "self-test passed", before ? "" : ", confirmed");
}

static void fail(struct hf_duty *d)
{
	struct hf_crash crash = { .kind = HF_FAULT_SELF_TEST };

	say(d, "self-test failed: ", hf_selftest_missing(&d->test));
	if (!on_trial(d))
		return;
	hf_smp_line_drain(d->line);
	hf_reset_fault(&crash);
}

static void judge(struct hf_duty *d, uint32_t readings, uint32_t now_ms)
{
	const struct hf_update *u = d->update;

	if (d->judged && d->healthy)
		return;
	d->test.readings = readings;
	d->test.journal = !d->journal_err && u->journal.epoch != 0 && !u->journal.stuck;
	d->test.head = u->running_known && u->running_image.image_addr == d->image_addr;
	switch (hf_selftest_judge(&d->test, now_ms - d->started_ms)) {
	case HF_SELFTEST_PENDING:
		return;
	case HF_SELFTEST_PASSED:
		pass(d);
		break;
	case HF_SELFTEST_FAILED:
		if (!d->judged)
			fail(d);
		break;
	}
	d->judged = true;
}

void hf_duty_turn(struct hf_duty *d, uint32_t readings, uint32_t now_ms)
{
	hf_upload_log_turn(&d->upload, now_ms);
	judge(d, readings, now_ms);
}

enum hf_led_stage hf_duty_stage(const struct hf_duty *d, uint32_t now_ms)
{
	if (hf_upload_log_moves(&d->upload, now_ms))
		return HF_STAGE_UPLOAD;
	if (!d->judged || d->healthy)
		return confirmed(d) ? HF_STAGE_RUNNING : HF_STAGE_TRIAL;
	return HF_STAGE_DEGRADED;
}

/* SPDX-License-Identifier: MIT
 *
 * A way that found nobody does not replace what an earlier one found out: the last word has the attempt that got furthest.
 * "No ROM loader answers" would be no help to somebody whose cable came off at 43 %.
 */
#include "flow_private.h"

#include <string.h>

#define PATIENCE_MS  60000u
#define FIRST_MS     3000u  /* for firmware that runs: it answers at once, or does not run */
#define AGAIN_MS     15000u /* for recovery behind firmware that fell silent */
#define ACK          0x79u
#define NACK         0x1fu
#define SURE_MS      300u
#define GREET_MS     60u    /* a loader answers within a byte's time; adapters add up to 16 ms each way */

uint64_t hf_flow_now_ms(const struct hf_flow *f)
{
	return hf_serial_now_ms(f->serial);
}

void hf_flow_say(struct hf_flow *f, const char *format, ...)
{
	struct hf_diag text;
	va_list args;

	if (!f->o->say)
		return;
	va_start(args, format);
	hf_diag_vset(&text, format, args);
	va_end(args);
	f->o->say(f->o->burn.ctx, f->way, hf_flow_now_ms(f), text.text);
}

bool hf_flow_stopped(struct hf_flow *f)
{
	return f->o->burn.stop && f->o->burn.stop(f->o->burn.ctx);
}

bool hf_flow_may(const struct hf_flow *f, enum hf_way way)
{
	return way < HF_WAYS && (f->o->ways & HF_WAY_BIT(way)) != 0;
}

/* ---- by SMP ---- */

void hf_flow_smp(struct hf_flow *f, const struct hf_burn_options *o)
{
	hf_burn(f->serial, o, &f->r->burn);
	if (f->r->burn.status_known)
		f->way = f->r->burn.status.running < HF_SLOTS ? HF_WAY_FIRMWARE : HF_WAY_RECOVERY;
}

static void by_firmware(struct hf_flow *f)
{
	struct hf_burn_options o = f->o->burn;

	o.patience_ms = f->patience_ms;
	o.in_firmware = !hf_flow_may(f, HF_WAY_RECOVERY);
	if (!o.in_firmware) {
		o.find_ms = f->patience_ms < FIRST_MS ? f->patience_ms : FIRST_MS;
		o.let_start = true; /* for so long */
	}
	hf_flow_smp(f, &o);
}

static void by_recovery(struct hf_flow *f, bool fell_silent)
{
	struct hf_burn_options o = f->o->burn;

	o.patience_ms = f->patience_ms;
	o.in_recovery = !hf_flow_may(f, HF_WAY_FIRMWARE);
	o.find_ms = fell_silent && f->patience_ms > AGAIN_MS ? AGAIN_MS : f->patience_ms;
	hf_flow_wake(f);
	if (hf_flow_stopped(f))
		o.find_ms = 1;
	hf_flow_smp(f, &o);
	/* A device that has just been switched on may have been quicker than we. */
	if (o.in_recovery && f->way == HF_WAY_FIRMWARE && !hf_flow_stopped(f)) {
		f->way = HF_WAY_RECOVERY;
		hf_flow_wake(f);
		hf_flow_smp(f, &o);
	}
}

/* ---- the loader first ---- */

/* It takes its rate from the first byte that it hears, and is deaf until its next reset with any other one: so it is greeted
 * before anything else is said. Firmware and recovery drop a byte like that. */
static bool loader_answers(struct hf_flow *f)
{
	static const uint8_t hello = 0x7f;
	struct hf_an3155 link = {.serial = f->serial, .baud = f->o->rom_baud ? f->o->rom_baud : HF_AN3155_BAUD};
	const struct hf_serial_line line = HF_SERIAL_8E1(link.baud);
	uint64_t until = hf_flow_now_ms(f) + GREET_MS;
	enum hf_an3155_peer peer;
	uint8_t heard[8];
	size_t len = 0;

	if (!hf_flow_may(f, HF_WAY_ROM) || hf_serial_set_line(f->serial, &line) || hf_serial_write(f->serial, &hello, 1))
		return false;
	while (len == 0 && hf_flow_now_ms(f) < until && !hf_flow_stopped(f)) {
		enum hf_err err = hf_serial_read(f->serial, heard, sizeof(heard), (uint32_t)(until - hf_flow_now_ms(f)), &len);

		if (err && err != HF_ERR_TIMEOUT)
			return false;
	}
	/* What a device says of its own accord may look like it: one that is meant answers the next question, too. */
	return len == 1 && (heard[0] == ACK || heard[0] == NACK) && hf_an3155_connect(&link, SURE_MS, NULL, NULL, &peer) == HF_OK;
}

/* ---- one way after the other ---- */

static enum hf_way first_way(struct hf_flow *f)
{
	if (f->o->ways != HF_WAY_BIT(HF_WAY_ROM) && loader_answers(f)) {
		f->way = HF_WAY_ROM;
		hf_flow_say(f, "the chip's ROM loader answers, so neither firmware nor recovery runs");
		return HF_WAY_ROM;
	}
	for (int way = 0; way < HF_WAYS; way++) {
		if (hf_flow_may(f, (enum hf_way)way))
			return (enum hf_way)way;
	}
	return HF_WAYS;
}

static void go(struct hf_flow *f, enum hf_way way, enum hf_way_end before)
{
	f->way = way;
	switch (way) {
	case HF_WAY_FIRMWARE:
		by_firmware(f);
		break;
	case HF_WAY_RECOVERY:
		by_recovery(f, before == HF_END_SILENT);
		break;
	default:
		hf_flow_rom(f);
	}
}

/* How far an attempt got: which of two failures is worth telling. */
static unsigned depth(const struct hf_burn_result *r)
{
	enum hf_way_end end = hf_way_end_of(r);

	if (end == HF_END_DONE || end == HF_END_INTERRUPTED)
		return 4;
	if (end == HF_END_NOBODY)
		return 0;
	return r->upload_ms ? 3 : r->status_known ? 2 : 1;
}

/* Nobody on any way: one sentence for all of them. */
static void explain_nobody(struct hf_flow *f)
{
	char how[256];

	if (f->r->attempts < 2)
		return;
	hf_diag_set(&f->r->burn.diag, "no device answers, neither its firmware nor recovery%s: check port, cable (TX and RX) and power; %s; "
		    "`holdfast recover` guides through it", f->r->attempt[f->r->attempts - 1].way == HF_WAY_ROM ? " nor the chip's ROM loader" : "",
		    hf_flow_how_to_wake(f->o->burn.board, how, sizeof(how)));
}

static void run(struct hf_flow *f)
{
	struct hf_flow_result *r = f->r;
	struct hf_burn_result best = {0};
	enum hf_way_end end = HF_END_NOBODY;
	enum hf_way best_way = HF_WAYS, way = first_way(f);

	for (;;) {
		struct hf_way_next next;

		go(f, way, end);
		end = hf_way_end_of(&r->burn);
		r->attempt[r->attempts++] = (struct hf_flow_attempt){f->way, end};
		if (best_way == HF_WAYS || depth(&r->burn) > depth(&best)) {
			best = r->burn;
			best_way = f->way;
		}
		next = hf_way_next(f->way, end);
		if (next.way <= f->way || !hf_flow_may(f, next.way) || r->attempts == HF_FLOW_ATTEMPTS)
			break;
		if (next.way == HF_WAY_ROM && !f->o->burn.board)
			break;
		f->way = way = next.way;
		hf_flow_say(f, "%s", next.why);
	}
	if (f->way == HF_WAY_RECOVERY && (end == HF_END_MEMORY || end == HF_END_REFUSED || end == HF_END_CHECK))
		hf_flow_leave(f);
	best.end_ms = r->burn.end_ms;
	r->burn = best;
	r->way = end == HF_END_NOBODY && hf_way_end_of(&best) == HF_END_NOBODY ? HF_WAYS : best_way;
	if (r->way == HF_WAYS)
		explain_nobody(f);
}

static void test_after(struct hf_flow *f)
{
	struct hf_burn_result *r = &f->r->burn;
	struct hf_smp_rate rate = r->rate;
	struct hf_smp_client client;

	hf_smp_client_init(&client, f->serial);
	client.on_text = f->o->burn.on_text;
	client.stop = f->o->burn.stop;
	client.ctx = f->o->burn.ctx;
	rate.baud = f->o->burn.baud;
	f->o->after(f->o->burn.ctx, &client, &rate, r);
	r->end_ms = hf_flow_now_ms(f);
}

void hf_flow_burn(struct hf_serial *serial, const struct hf_flow_options *options, struct hf_flow_result *result)
{
	struct hf_flow f = {
		.serial = serial,
		.o = options,
		.r = result,
		.patience_ms = options->burn.patience_ms ? options->burn.patience_ms : PATIENCE_MS,
	};
	uint64_t begin_ms = hf_flow_now_ms(&f);
	struct hf_account *account = &result->burn.account;

	memset(result, 0, sizeof(*result));
	result->slot.place = HF_ROM_ANY_SLOT;
	result->way = HF_WAYS;
	run(&f);
	/* What other ways took has found the one that counts. */
	account->ms[HF_TIME_FIND] += (uint32_t)(result->burn.end_ms - begin_ms) - hf_account_total(account);
	result->burn.begin_ms = begin_ms;
	if (result->burn.outcome == HF_BURN_CONFIRMED && options->after) {
		test_after(&f);
		account->ms[HF_TIME_TESTS] += (uint32_t)(result->burn.end_ms - begin_ms) - hf_account_total(account);
	}
}

/* SPDX-License-Identifier: MIT
 *
 * By the chip's loader: what it writes, boot will try as any other firmware, and it counts only once that has confirmed itself.
 * So the firmware is waited for as after an upload, without the call that would wake recovery.
 *
 * Nothing is silent here: what is erased is said before (rom_slot.c), and a chip that is closed is left alone.
 */
#include "flow_private.h"

#include <string.h>

#define LOOK_MS    2500u   /* for a loader that nobody was asked to start */
#define CONFIRM_MS 120000u

static struct hf_account *account_of(struct hf_flow *f)
{
	return &f->r->burn.account;
}

static void on_event(void *ctx, const struct hf_rom_event *event)
{
	static const enum hf_time times[] = {
		[HF_ROM_CONNECT] = HF_TIME_FIND,   [HF_ROM_CHECK] = HF_TIME_CHECKS, [HF_ROM_WRITE] = HF_TIME_WIRE,
		[HF_ROM_RECORD] = HF_TIME_PROGRAM, [HF_ROM_OPTIONS] = HF_TIME_PROGRAM, [HF_ROM_START] = HF_TIME_RESET,
	};
	struct hf_flow *f = ctx;

	if (times[event->stage] != account_of(f)->now)
		hf_account_enter(account_of(f), times[event->stage], event->now_ms);
	if (f->o->rom_event)
		f->o->rom_event(f->o->burn.ctx, event);
}

static bool on_stop(void *ctx)
{
	return hf_flow_stopped(ctx);
}

/* ---- how it ended ---- */

static enum hf_burn_outcome outcome_of(enum hf_err err, bool connected)
{
	switch (err) {
	case HF_ERR_TIMEOUT:
		return connected ? HF_BURN_SILENT : HF_BURN_NO_DEVICE;
	case HF_ERR_IO:
		return HF_BURN_PORT_GONE;
	case HF_ERR_CRC:
		return HF_BURN_LINE;
	case HF_ERR_BUSY:
		return HF_BURN_INTERRUPTED;
	case HF_ERR_FLASH_ERASE:
	case HF_ERR_FLASH_PROGRAM:
	case HF_ERR_FLASH_LOCKED:
	case HF_ERR_KEYSET:
	case HF_ERR_ORDER:
		return HF_BURN_DEVICE_REFUSED;
	case HF_ERR_DENIED:
		return HF_BURN_CLOSED;
	default:
		return HF_BURN_REFUSED;
	}
}

static void fails(struct hf_flow *f, enum hf_err err, bool connected)
{
	f->r->burn.err = err;
	f->r->burn.outcome = hf_flow_stopped(f) ? HF_BURN_INTERRUPTED : outcome_of(err, connected);
}

/* ---- connect, write, start ---- */

static bool connect(struct hf_flow *f)
{
	struct hf_rom *rom = &f->r->rom;
	bool alone = f->o->ways == HF_WAY_BIT(HF_WAY_ROM); /* else nobody was told to start the loader */
	enum hf_err err;

	*rom = (struct hf_rom){
		.serial = f->serial,
		.board = f->o->burn.board,
		.lines = f->o->lines,
		.baud = f->o->rom_baud,
		.wait_ms = alone || f->patience_ms < LOOK_MS ? f->patience_ms : LOOK_MS,
		.event = on_event,
		.stop = on_stop,
		.ctx = f,
	};
	err = hf_rom_connect(rom, &f->r->burn.diag);
	rom->wait_ms = f->patience_ms;
	if (err)
		fails(f, err, false);
	else
		f->r->rom_known = true;
	return !err;
}

static bool write_slot(struct hf_flow *f, const struct hf_package *package)
{
	struct hf_rom_slot_options options = f->o->rom;
	enum hf_err err;

	options.package = package;
	err = hf_rom_burn_slot(&f->r->rom, &options, &f->r->slot, &f->r->burn.diag);
	if (err)
		fails(f, err, true);
	return !err;
}

/* True: it starts, or somebody has been told how. */
static void start(struct hf_flow *f)
{
	hf_account_enter(account_of(f), HF_TIME_RESET, hf_flow_now_ms(f));
	if (f->r->rom.lines.reset.output && hf_rom_restart(&f->r->rom))
		hf_rom_tell(&f->r->rom, HF_ROM_START, "started the device");
	else if (f->o->no_wait || f->r->slot.place == HF_PLACE_RECOVERY)
		hf_rom_tell(&f->r->rom, HF_ROM_START, "set BOOT0 low and reset the device: it starts; then ask it with `holdfast status`");
	else
		hf_rom_tell(&f->r->rom, HF_ROM_START, "set BOOT0 low and press reset: the firmware is waited for");
}

/* As behind an upload. */
static void await(struct hf_flow *f)
{
	struct hf_account before = *account_of(f);
	struct hf_burn_options o = f->o->burn;
	struct hf_burn_result *r = &f->r->burn;

	o.patience_ms = f->patience_ms;
	o.confirm_ms = o.confirm_ms ? o.confirm_ms : CONFIRM_MS;
	o.find_ms = o.confirm_ms;
	o.let_start = o.await_only = true;
	o.permit = NULL;
	hf_burn(f->serial, &o, r);
	if (r->outcome == HF_BURN_ALREADY)
		r->outcome = HF_BURN_CONFIRMED;
	if (r->outcome == HF_BURN_NO_DEVICE || r->outcome == HF_BURN_LINE) {
		r->outcome = HF_BURN_NO_ANSWER;
		hf_diag_set(&r->diag, "all is written, read back and recorded, but no firmware answers since (%u s): set BOOT0 low, press reset, "
			    "then ask it with `holdfast status`", o.find_ms / 1000);
	}
	r->account.ms[HF_TIME_RESET] += r->account.ms[HF_TIME_FIND];
	r->account.ms[HF_TIME_FIND] = 0;
	for (int i = 0; i < HF_TIMES; i++)
		r->account.ms[i] += before.ms[i];
}

static void burn(struct hf_flow *f)
{
	struct hf_burn_result *r = &f->r->burn;
	struct hf_package package;

	r->err = hf_burn_check_package(&f->o->burn, &package, &r->diag);
	r->outcome = r->err == HF_ERR_KEY || r->err == HF_ERR_SIGNATURE ? HF_BURN_REFUSED : HF_BURN_BAD_PACKAGE;
	if (r->err)
		return;
	memcpy(r->id, package.id, sizeof(r->id));
	if (!f->o->burn.board) {
		r->err = HF_ERR_NOT_FOUND;
		r->outcome = HF_BURN_NO_DEVICE;
		hf_diag_set(&r->diag, "the chip's ROM loader answers, and can be used with the board's file only: give --board FILE");
		return;
	}
	if (!connect(f) || !write_slot(f, &package))
		return;
	r->outcome = HF_BURN_UPLOADED;
	r->slot = f->r->slot.place;
	start(f);
	if (!f->o->no_wait && f->r->slot.place < HF_SLOTS && hf_package_fact(&package).component == HF_COMPONENT_APP)
		await(f);
}

void hf_flow_rom(struct hf_flow *f)
{
	struct hf_burn_result *r = &f->r->burn;

	memset(r, 0, sizeof(*r));
	r->begin_ms = hf_flow_now_ms(f);
	hf_account_begin(&r->account, r->begin_ms);
	burn(f);
	if (r->end_ms == 0) {
		r->end_ms = hf_flow_now_ms(f);
		hf_account_enter(&r->account, HF_TIME_TESTS, r->end_ms);
	}
}

/* SPDX-License-Identifier: MIT */
#include "way.h"

#include <string.h>

#define STOP HF_WAYS

static const struct hf_way_next table[HF_WAYS][HF_ENDS] = {
	[HF_WAY_FIRMWARE] = {
		[HF_END_DONE] = {STOP, NULL},
		[HF_END_NOBODY] = {HF_WAY_RECOVERY, "no firmware answers: waking recovery"},
		[HF_END_LINE] = {STOP, "recovery would speak over the same line: mend the line first"},
		[HF_END_SILENT] = {HF_WAY_RECOVERY, "the firmware fell silent: recovery may still answer"},
		[HF_END_PORT_GONE] = {STOP, "without the port there is no other way in"},
		[HF_END_PACKAGE] = {STOP, "a damaged package is damaged on every way"},
		[HF_END_REFUSED] = {STOP, "every way asks the same questions"},
		[HF_END_DENIED] = {STOP, "what the device's owner forbids is not gone around: give the site key with --key, or hold the recovery "
					 "pin and say --via recovery"},
		[HF_END_BUSY] = {HF_WAY_RECOVERY, "the firmware is busy with something else: recovery has nothing else to do"},
		[HF_END_MEMORY] = {HF_WAY_RECOVERY, "the firmware cannot write the slot that it does not run from: recovery may take the other one"},
		[HF_END_SENSELESS] = {HF_WAY_RECOVERY, "the firmware's answers make no sense: recovery's may"},
		[HF_END_CHECK] = {STOP, "a failed check holds on every way"},
		[HF_END_ROLLED_BACK] = {STOP, "the same firmware would fail again, however it gets there"},
		[HF_END_UNCONFIRMED] = {STOP, "the device decides alone whether the new firmware stays"},
		[HF_END_NO_ANSWER] = {STOP, "the device decides alone between old and new firmware: give it a minute, then ask it"},
		[HF_END_CLOSED] = {STOP, "readout protection is the ROM loader's affair"},
		[HF_END_INTERRUPTED] = {STOP, "interrupted"},
	},
	[HF_WAY_RECOVERY] = {
		[HF_END_DONE] = {STOP, NULL},
		[HF_END_NOBODY] = {HF_WAY_ROM, "no recovery answers: looking for the chip's ROM loader"},
		[HF_END_LINE] = {STOP, "the ROM loader would speak over the same line: mend the line first"},
		[HF_END_SILENT] = {HF_WAY_ROM, "recovery fell silent: the chip's ROM loader may still answer"},
		[HF_END_PORT_GONE] = {STOP, "without the port there is no other way in"},
		[HF_END_PACKAGE] = {STOP, "a damaged package is damaged on every way"},
		[HF_END_REFUSED] = {STOP, "every way asks the same questions"},
		[HF_END_DENIED] = {STOP, "what the device's owner forbids is not gone around: give the site key with --key"},
		[HF_END_BUSY] = {STOP, "recovery is installing itself: give it half a minute, then run the same command again"},
		[HF_END_MEMORY] = {STOP, "the ROM loader would write the same memory: replace the device"},
		[HF_END_SENSELESS] = {HF_WAY_ROM, "recovery's answers make no sense: going below it"},
		[HF_END_CHECK] = {STOP, "a failed check holds on every way"},
		[HF_END_ROLLED_BACK] = {STOP, "the same firmware would fail again, however it gets there"},
		[HF_END_UNCONFIRMED] = {STOP, "the device decides alone whether the new firmware stays"},
		[HF_END_NO_ANSWER] = {STOP, "the device decides alone between old and new firmware: give it a minute, then ask it"},
		[HF_END_CLOSED] = {STOP, "readout protection is the ROM loader's affair"},
		[HF_END_INTERRUPTED] = {STOP, "interrupted"},
	},
	[HF_WAY_ROM] = {
		[HF_END_DONE] = {STOP, NULL},
		[HF_END_NOBODY] = {STOP, "below the ROM loader there is only the debug probe"},
		[HF_END_LINE] = {STOP, "all ways speak over this line: mend it first"},
		[HF_END_SILENT] = {STOP, "the same command goes on where it was, once the loader answers again"},
		[HF_END_PORT_GONE] = {STOP, "without the port there is no other way in"},
		[HF_END_PACKAGE] = {STOP, "a damaged package is damaged on every way"},
		[HF_END_REFUSED] = {STOP, "every way asks the same questions"},
		[HF_END_DENIED] = {STOP, "the loader refuses"},
		[HF_END_BUSY] = {STOP, "below the ROM loader there is only the debug probe"},
		[HF_END_MEMORY] = {STOP, "the memory is worn: replace the device"},
		[HF_END_SENSELESS] = {STOP, "below the ROM loader there is only the debug probe"},
		[HF_END_CHECK] = {STOP, "a failed check holds on every way"},
		[HF_END_ROLLED_BACK] = {STOP, "the same firmware would fail again, however it gets there"},
		[HF_END_UNCONFIRMED] = {STOP, "the device decides alone whether the new firmware stays"},
		[HF_END_NO_ANSWER] = {STOP, "is BOOT0 low again, and was reset pressed? Then ask it with `holdfast status`"},
		[HF_END_CLOSED] = {STOP, "a closed chip opens only by erasing everything, which is never done silently"},
		[HF_END_INTERRUPTED] = {STOP, "interrupted"},
	},
};

struct hf_way_next hf_way_next(enum hf_way way, enum hf_way_end end)
{
	return table[way][end];
}

/* What the device itself said no to. */
static enum hf_way_end refusal(enum hf_err err)
{
	switch (err) {
	case HF_ERR_DENIED:
		return HF_END_DENIED;
	case HF_ERR_TRIAL:
	case HF_ERR_BUSY:
	case HF_ERR_ORDER:
	case HF_ERR_FULL:
		return HF_END_BUSY;
	case HF_ERR_FLASH_ERASE:
	case HF_ERR_FLASH_PROGRAM:
	case HF_ERR_FLASH_LOCKED:
	case HF_ERR_TIMEOUT: /* of an operation of its flash: nothing else has one there */
		return HF_END_MEMORY;
	default:
		return HF_END_REFUSED;
	}
}

enum hf_way_end hf_way_end_of(const struct hf_burn_result *r)
{
	switch (r->outcome) {
	case HF_BURN_CONFIRMED:
	case HF_BURN_ALREADY:
	case HF_BURN_UPLOADED:
		return HF_END_DONE;
	case HF_BURN_BAD_PACKAGE:
		return HF_END_PACKAGE;
	case HF_BURN_REFUSED: /* by the tool, with the device's own questions */
		return r->err == HF_ERR_TRIAL ? HF_END_BUSY : HF_END_REFUSED;
	case HF_BURN_NO_DEVICE:
		return HF_END_NOBODY;
	case HF_BURN_LINE:
		return HF_END_LINE;
	case HF_BURN_SILENT:
		return HF_END_SILENT;
	case HF_BURN_PORT_GONE:
		return HF_END_PORT_GONE;
	case HF_BURN_CHECK_FAILED:
		return HF_END_CHECK;
	case HF_BURN_DEVICE_REFUSED:
		return r->err == HF_ERR_TYPE && !r->upload.refusal.refusal ? HF_END_SENSELESS : refusal(r->err);
	case HF_BURN_ROLLED_BACK:
		return HF_END_ROLLED_BACK;
	case HF_BURN_UNCONFIRMED:
		return HF_END_UNCONFIRMED;
	case HF_BURN_NO_ANSWER:
		return HF_END_NO_ANSWER;
	case HF_BURN_CLOSED:
		return HF_END_CLOSED;
	default:
		return HF_END_INTERRUPTED;
	}
}

/* ---- words ---- */

static const char *const way_texts[] = {"firmware", "recovery", "rom", "none"};

const char *hf_way_text(enum hf_way way)
{
	return way_texts[way <= HF_WAYS ? way : HF_WAYS];
}

const char *hf_way_name(enum hf_way way)
{
	static const char *const names[] = {"the running firmware", "recovery", "the chip's ROM loader", "no way"};

	return names[way <= HF_WAYS ? way : HF_WAYS];
}

const char *hf_way_end_text(enum hf_way_end end)
{
	static const char *const texts[HF_ENDS] = {
		"done",	 "nobody",    "line",  "silent",      "port-gone",   "package",	  "refused", "denied",	   "busy",
		"memory", "senseless", "check", "rolled-back", "unconfirmed", "no-answer", "closed",  "interrupted"};

	return end < HF_ENDS ? texts[end] : "?";
}

bool hf_way_parse(const char *text, unsigned *ways)
{
	*ways = HF_WAY_ALL;
	if (strcmp(text, "auto") == 0)
		return true;
	*ways = HF_WAY_BIT(HF_WAY_FIRMWARE) | HF_WAY_BIT(HF_WAY_RECOVERY);
	if (strcmp(text, "smp") == 0)
		return true;
	for (int i = 0; i < HF_WAYS; i++) {
		*ways = HF_WAY_BIT(i);
		if (strcmp(text, way_texts[i]) == 0)
			return true;
	}
	return false;
}

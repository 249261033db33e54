/* SPDX-License-Identifier: MIT
 *
 * A pattern is text with holes (*); each hole takes as little as it can, and the last piece of text must be the line's end.
 * The first pattern that fits decides, so that the special ones stand before the general ones. What firmware and boot really
 * print is held against this table by the tests, which play them on the twin.
 */
#include "device_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLES 5

struct hole {
	const char *at;
	size_t len;
};

struct pattern {
	const char *text;
	void (*take)(struct hf_device_log *l, const struct hole *hole);
};

static void keep(char to[HF_LOG_TEXT_BYTES], struct hole hole)
{
	snprintf(to, HF_LOG_TEXT_BYTES, "%.*s", (int)hole.len, hole.at);
}

static uint32_t number(struct hole hole)
{
	return (uint32_t)strtoul(hole.at, NULL, 10); /* ends at what is no digit, at the line's end at the latest */
}

static void boot_begins(struct hf_device_log *l, const struct hole *hole)
{
	static const char slow[] = ", no PLL";
	char *end;

	keep(l->board, hole[1]);
	keep(l->cause, hole[2]);
	end = strstr(l->cause, slow);
	l->slow_boots += end != NULL;
	if (end)
		*end = 0;
	l->boots++;
	l->stage = HF_LOG_BOOT;
	l->on_trial = l->back = false;
	l->slot = 0;
	l->version[0] = l->reason[0] = 0;
}

static void boot_finds(struct hf_device_log *l, const struct hole *hole)
{
	(void)hole;
	l->stage = HF_LOG_VERIFYING;
}

static void starts(struct hf_device_log *l, const struct hole *hole, bool trial)
{
	l->slot = hole[0].len == 1 ? hole[0].at[0] : 0;
	keep(l->version, hole[1]);
	l->on_trial = trial;
	l->back = !trial && l->trial_slot && l->trial_slot != l->slot;
	l->trial_slot = trial ? l->slot : 0;
	l->stage = HF_LOG_STARTING;
}

static void boot_tries(struct hf_device_log *l, const struct hole *hole)
{
	starts(l, hole, true);
}

static void boot_starts(struct hf_device_log *l, const struct hole *hole)
{
	starts(l, hole, false);
}

static void boot_starts_recovery(struct hf_device_log *l, const struct hole *hole)
{
	l->slot = 0;
	keep(l->version, hole[0]);
	l->on_trial = l->back = false;
	l->stage = HF_LOG_STARTING;
}

static void boot_leaves(struct hf_device_log *l, const struct hole *hole)
{
	(void)hole;
	l->stage = HF_LOG_ROM;
}

static void gateway_begins(struct hf_device_log *l, const struct hole *hole)
{
	keep(l->version, hole[0]);
	keep(l->board, hole[1]);
	l->slot = hole[2].len == 1 ? hole[2].at[0] : 0;
	keep(l->cause, hole[3]);
	l->cause[strcspn(l->cause, ",")] = 0;
	l->stage = l->on_trial ? HF_LOG_TRIAL : l->back ? HF_LOG_ROLLED_BACK : HF_LOG_RUNNING;
}

static void gateway_confirms(struct hf_device_log *l, const struct hole *hole)
{
	(void)hole;
	l->on_trial = false;
	l->trial_slot = 0;
	l->stage = HF_LOG_CONFIRMED;
}

static void gateway_passes(struct hf_device_log *l, const struct hole *hole)
{
	(void)hole;
	l->stage = l->on_trial ? HF_LOG_TRIAL : l->back ? HF_LOG_ROLLED_BACK : HF_LOG_RUNNING;
}

static void gateway_fails(struct hf_device_log *l, const struct hole *hole)
{
	(void)hole;
	l->stage = HF_LOG_DEGRADED;
}

static void recovery_waits(struct hf_device_log *l, const struct hole *hole)
{
	keep(l->version, hole[0]);
	keep(l->board, hole[1]);
	keep(l->reason, hole[2]);
	keep(l->cause, hole[3]);
	snprintf(l->device_id, sizeof(l->device_id), "%.*s", (int)hole[4].len, hole[4].at);
	l->slot = 0;
	l->stage = HF_LOG_RECOVERY;
}

static void upload_begins(struct hf_device_log *l, const struct hole *hole)
{
	keep(l->version, hole[1]);
	l->slot = hole[2].len == 1 ? hole[2].at[0] : 0;
	l->total = number(hole[4]);
	l->percent = l->total ? (unsigned)((uint64_t)number(hole[3]) * 100 / l->total) : 0;
	l->stage = HF_LOG_UPLOADING;
}

static void upload_ends(struct hf_device_log *l, const struct hole *hole)
{
	keep(l->version, hole[1]);
	l->slot = hole[2].len == 1 ? hole[2].at[0] : 0;
	l->percent = 100;
	l->total = 0;
	l->stage = HF_LOG_WRITTEN;
}

static const struct pattern patterns[] = {
	{"boot: holdfast * on *, reset: *", boot_begins},
	{"boot: slot * * verified, starting (trial * of *)", boot_tries},
	{"boot: slot * * verified, starting*", boot_starts},
	{"boot: recovery * verified, starting*", boot_starts_recovery},
	{"boot: nothing to start, leaving to the ROM", boot_leaves},
	{"boot: *", boot_finds},
	{"gateway * on *, slot *, reset: *", gateway_begins},
	{"gateway: self-test passed, confirmed", gateway_confirms},
	{"gateway: self-test passed*", gateway_passes},
	{"gateway: self-test failed: *", gateway_fails},
	{"Waiting for Download... recovery * on *: *, reset: *, uid *", recovery_waits},
	{"*: * goes into slot *, from byte * of *", upload_begins},
	{"*: * is complete and verified in slot *", upload_ends},
};

/* Where the text up to the pattern's next hole stands in line. */
static const char *find_piece(const char *line, const char *piece, size_t len)
{
	for (; *line; line++) {
		if (strncmp(line, piece, len) == 0)
			return line;
	}
	return NULL;
}

static bool fits(const char *pattern, const char *line, struct hole *hole)
{
	size_t len = strcspn(pattern, "*");

	if (strncmp(line, pattern, len) != 0)
		return false;
	line += len;
	pattern += len;
	for (unsigned i = 0; *pattern == '*' && i < HOLES; i++) {
		const char *end;

		len = strcspn(++pattern, "*");
		end = len == 0 ? line + strlen(line) : find_piece(line, pattern, len);
		if (!end)
			return false;
		hole[i] = (struct hole){line, (size_t)(end - line)};
		line = end + len;
		pattern += len;
	}
	return *line == 0;
}

bool hf_device_log_line(struct hf_device_log *l, const char *line)
{
	enum hf_log_stage stage = l->stage;
	unsigned percent = l->percent, boots = l->boots;
	struct hole hole[HOLES];

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		memset(hole, 0, sizeof(hole));
		if (!fits(patterns[i].text, line, hole))
			continue;
		patterns[i].take(l, hole);
		break;
	}
	return l->stage != stage || l->boots != boots || (l->stage == HF_LOG_UPLOADING && l->percent != percent);
}

bool hf_device_log_upload(struct hf_device_log *l, uint32_t off)
{
	unsigned percent = l->percent;

	if (l->stage != HF_LOG_UPLOADING || l->total == 0 || off > l->total)
		return false;
	l->percent = (unsigned)((uint64_t)off * 100 / l->total);
	return l->percent != percent;
}

const char *hf_log_stage_text(enum hf_log_stage stage)
{
	static const char *const text[HF_LOG_STAGES] = {
		[HF_LOG_UNKNOWN] = "silent",         [HF_LOG_BOOT] = "boot",           [HF_LOG_VERIFYING] = "verifying",
		[HF_LOG_STARTING] = "starting",      [HF_LOG_TRIAL] = "trial",         [HF_LOG_RUNNING] = "running",
		[HF_LOG_DEGRADED] = "degraded",      [HF_LOG_CONFIRMED] = "confirmed", [HF_LOG_ROLLED_BACK] = "rolled back",
		[HF_LOG_UPLOADING] = "uploading",    [HF_LOG_WRITTEN] = "written",     [HF_LOG_RECOVERY] = "recovery",
		[HF_LOG_ROM] = "chip's loader",
	};

	return stage < HF_LOG_STAGES ? text[stage] : "unknown";
}

const char *hf_device_log_text(const struct hf_device_log *l, char *text, size_t room)
{
	const char *stage = hf_log_stage_text(l->stage);

	if (l->stage == HF_LOG_UPLOADING)
		snprintf(text, room, "%s %u %%", stage, l->percent);
	else if (l->slot && l->version[0])
		snprintf(text, room, "%s %s in %c", stage, l->version, l->slot);
	else
		snprintf(text, room, "%s", stage);
	return text;
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast rollback`, `recovery`, `factory-reset`: one request each, and what comes of it.
 */
#include <string.h>

#include "command.h"
#include "smp_maintain.h"
#include "upkeep.h"

#define POLL_MS    500u
#define ONE_TRY_MS 1000u

static const char exits[] = "3 the key cannot be used, 6 the device refuses, 7 interrupted, " HF_PORT_EXITS;

static void put_done(const struct hf_upkeep *u, const char *done, const char *text)
{
	if (u->json)
		hf_out_json(json_pack("{s:s}", "done", done));
	else
		printf("%s\n", text);
}

static enum hf_exit roll_back(struct hf_upkeep *u, bool reset)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_roll_back(&u->client, u->port.patience_ms, &answer);
	enum hf_exit code = hf_upkeep_answer(u, err, &answer, "activating the other confirmed firmware");

	if (code == HF_EXIT_OK && reset) {
		err = hf_smp_reset(&u->client, u->port.patience_ms, &answer);
		code = hf_upkeep_answer(u, err, &answer, "resetting");
	}
	if (code == HF_EXIT_OK)
		put_done(u, "rollback",
			 reset ? "the device starts the other confirmed firmware, on trial: `holdfast status` shows whether it stays" :
				 "the other confirmed firmware starts at the next reset, on trial");
	return code;
}

enum hf_exit hf_command_rollback(int argc, char **argv)
{
	struct hf_upkeep u = {0};
	bool no_reset = false;
	const struct hf_arg options[] = {
		HF_UPKEEP_ARGS(u),
		{"no-reset", 0, HF_ARG_FLAG, NULL, "only wish it; the next reset begins it", &no_reset, NULL},
	};
	const struct hf_usage usage = {
		.command = "rollback",
		.summary = "takes a device back to the confirmed firmware in its other slot",
		.synopsis = "[--port PORT | --device ID] [options]",
		.details = "The older firmware starts on trial, as any other: if it does not confirm itself, the device comes back to "
			   "what it runs now.",
		.example = "holdfast rollback --port /dev/ttyUSB0",
		.exits = exits,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (hf_upkeep_begin(&u, &usage, true, &code))
		code = roll_back(&u, !no_reset);
	hf_upkeep_end(&u);
	return code;
}

/* Until what answers is recovery, which has the board's first rate. */
static enum hf_exit await_recovery(struct hf_upkeep *u)
{
	uint64_t until = hf_serial_now_ms(&u->port.serial) + u->port.patience_ms;
	struct hf_smp_answer answer;
	unsigned i = 0;

	while (hf_serial_now_ms(&u->port.serial) < until && !hf_smp_stopped(&u->client)) {
		struct hf_serial_line line = HF_SERIAL_8N1(u->port.rate[i++ % u->port.rates]);

		hf_serial_sleep_ms(&u->port.serial, POLL_MS);
		if (hf_serial_set_line(&u->port.serial, &line) == HF_OK &&
		    hf_smp_get_status(&u->client, ONE_TRY_MS, &u->status, &answer) == HF_OK && !answer.refusal &&
		    u->status.running >= HF_SLOTS)
			return HF_EXIT_OK;
	}
	if (hf_smp_stopped(&u->client))
		return HF_EXIT_INTERRUPTED;
	hf_out_error("the device has reset, but no recovery answers: is there one in its partition? (`holdfast status`)");
	return HF_EXIT_NO_DEVICE;
}

static enum hf_exit enter_recovery(struct hf_upkeep *u)
{
	struct hf_smp_answer answer;
	enum hf_err err;
	enum hf_exit code = HF_EXIT_OK;

	if (u->status.running < HF_SLOTS) {
		err = hf_smp_enter_recovery(&u->client, u->port.patience_ms, &answer);
		code = hf_upkeep_answer(u, err, &answer, "resetting into recovery");
		if (code == HF_EXIT_OK)
			code = await_recovery(u);
	}
	if (code == HF_EXIT_OK)
		put_done(u, "recovery", "the device is in recovery, and leaves it when nobody asks for anything for a minute");
	return code;
}

enum hf_exit hf_command_recovery(int argc, char **argv)
{
	struct hf_upkeep u = {0};
	const struct hf_arg options[] = { HF_UPKEEP_ARGS(u) };
	const struct hf_usage usage = {
		.command = "recovery",
		.summary = "takes a device into its recovery, where firmware can be burned whatever is in the slots",
		.synopsis = "[--port PORT | --device ID] [options]",
		.details = "A device whose firmware does not run gets there by itself; other ways in (pin, resets, line) are in "
			   "docs/RECOVERY.md.",
		.example = "holdfast recovery --port /dev/ttyUSB0",
		.exits = exits,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (hf_upkeep_begin(&u, &usage, true, &code))
		code = enter_recovery(&u);
	hf_upkeep_end(&u);
	return code;
}

enum hf_exit hf_command_factory_reset(int argc, char **argv)
{
	struct hf_upkeep u = {0};
	bool sure = false;
	const struct hf_arg options[] = {
		HF_UPKEEP_ARGS(u),
		{"yes", 0, HF_ARG_FLAG, NULL, "yes, configuration, history and the older firmware are to be lost", &sure, NULL},
	};
	const struct hf_usage usage = {
		.command = "factory-reset",
		.summary = "erases what the field has added to a device",
		.synopsis = "--yes [--port PORT | --device ID] [options]",
		.details = "Configuration, history and the slot that does not run are erased. Keyset, security floor and what runs stay. "
			   "May be repeated, also after the power was cut. Save the configuration before: `holdfast config get`.",
		.example = "holdfast factory-reset --yes --port /dev/ttyUSB0",
		.exits = exits,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_smp_answer answer;
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!sure)
		return hf_args_wrong(&usage, "this erases configuration, history and the older firmware: say --yes");
	if (hf_upkeep_begin(&u, &usage, true, &code)) {
		enum hf_err err = hf_smp_factory_reset(&u.client, u.port.patience_ms, &answer);

		code = hf_upkeep_answer(&u, err, &answer, "erasing");
		if (code == HF_EXIT_OK)
			put_done(&u, "factory-reset", "configuration, history and the other slot are erased");
	}
	hf_upkeep_end(&u);
	return code;
}

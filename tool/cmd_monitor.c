/* SPDX-License-Identifier: MIT
 *
 * `holdfast monitor`: what devices say, each line with its time and the stage that the device is in.
 */
#include "board.h"
#include "command.h"
#include "interrupt.h"
#include "monitor/monitor.h"
#include "port.h"

struct arguments {
	struct hf_args_list port;
	const char *board_file, *duration;
	uint32_t baud;
	bool baud_given;
	struct hf_monitor_options options;
	struct hf_board board;
	uint32_t rate[HF_BOARD_BAUDS];
};

static bool choose_rates(struct arguments *a, enum hf_exit *code)
{
	static const uint32_t usual[] = {921600, 115200};
	struct hf_diag diag;
	enum hf_err err;

	a->options.rate = usual;
	a->options.rates = 2;
	if (a->board_file) {
		err = hf_board_load(a->board_file, &a->board, &diag);
		if (err) {
			*code = hf_out_fail(err, &diag);
			return false;
		}
		a->options.rate = a->board.maintenance.baud;
		a->options.rates = a->board.maintenance.bauds;
	}
	if (a->baud_given) {
		a->options.rate = &a->baud;
		a->options.rates = 1;
	}
	return true;
}

static bool choose_ports(struct arguments *a, const struct hf_usage *usage, enum hf_exit *code)
{
	a->options.port = a->port.item;
	a->options.ports = a->port.count;
	if (a->options.ports > 0)
		return true;
	*code = hf_args_wrong(usage, "--port is missing");
	return false;
}

enum hf_exit hf_command_monitor(int argc, char **argv)
{
	struct arguments a = {.options.stop = hf_interrupted};
	const struct hf_arg options[] = {
		{"port", 'p', HF_ARG_LIST, "PORT", HF_SERIAL_NAMES "; several times for several devices", &a.port, NULL},
		{"board", 'b', HF_ARG_TEXT, "FILE", "the devices' board file", &a.board_file, NULL},
		{"baud", 0, HF_ARG_U32, "RATE", "the line's rate (default: the board file's, else 921600 or 115200, whichever can be read)",
		 &a.baud, &a.baud_given},
		{"for", 0, HF_ARG_TEXT, "TIME", "stop after so long (default: at Ctrl-C)", &a.duration, NULL},
		{"wait", 0, HF_ARG_FLAG, NULL, "wait for ports that are not there yet, or vanish", &a.options.wait, NULL},
		{"log", 0, HF_ARG_TEXT, "FILE", "append everything to this file, too", &a.options.log, NULL},
		{"smp", 0, HF_ARG_FLAG, NULL, "SMP packets, too", &a.options.smp, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "as JSON, one event a line", &a.options.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "monitor",
		.summary = "shows what devices say on their maintenance ports, and the stage that each is in",
		.synopsis = "--port PORT [--port PORT ...] [options]",
		.details = "Each line comes with the time since the begin, the device where there are several, and the stage that its\n"
			   "lines tell: boot, verifying, starting, trial, running, degraded, confirmed, rolled back, uploading, written,\n"
			   "recovery, chip's loader. Nothing is ever sent; binary frames are not shown (--smp shows what is in them).",
		.example = "holdfast monitor --port /dev/ttyUSB0 --for 10s\n"
			   "  holdfast monitor --port /dev/ttyUSB0 --port /dev/ttyUSB1 --wait --log night.log",
		.exits = "5 a port is not there, 7 interrupted, 8 another program has a port, 12 a port has vanished, 13 the log cannot be written",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (a.duration && (!hf_duration_parse(a.duration, &a.options.for_ms) || a.options.for_ms == 0))
		return hf_args_wrong(&usage, "--for wants a time as 10s, 500ms or 2m, not '%s'", a.duration);
	if (!choose_rates(&a, &code) || !choose_ports(&a, &usage, &code))
		return code;
	hf_interrupt_catch();
	return hf_monitor(&a.options);
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast monitor`: what devices say, each line with its time and the stage that the device is in.
 */
#include "command.h"
#include "interrupt.h"
#include "monitor/monitor.h"
#include "port.h"
#include "port_choice.h"

struct arguments {
	struct hf_args_list port, device;
	const char *duration;
	bool all;
	struct hf_port common; /* board file, rates */
	struct hf_monitor_options options;

	/* What is listened to. */
	const char *name[HF_MONITOR_PORTS], *label[HF_MONITOR_PORTS];
	char open_name[HF_MONITOR_PORTS][2 * HF_SURVEY_NAME];
};

static bool choose_rates(struct arguments *a, enum hf_exit *code)
{
	struct hf_diag diag;
	enum hf_err err;

	if (a->common.board_file) {
		err = hf_board_load(a->common.board_file, &a->common.board, &diag);
		if (err) {
			*code = hf_out_fail(err, &diag);
			return false;
		}
		a->common.board_known = true;
	}
	hf_port_rates(&a->common);
	a->options.rate = a->common.rate;
	a->options.rates = a->common.rates;
	return true;
}

static bool add(struct arguments *a, const char *name, const char *label)
{
	if (a->options.ports == HF_MONITOR_PORTS)
		return false;
	a->name[a->options.ports] = name;
	a->label[a->options.ports++] = label;
	return true;
}

/* The device is looked for once, and then its port is listened to. */
static bool add_device(struct arguments *a, const char *id, enum hf_exit *code)
{
	struct hf_port p = a->common;
	char *open_name = a->open_name[a->options.ports];

	p.name = NULL;
	p.device = id;
	return hf_port_choose(&p, open_name, code) && add(a, open_name, id);
}

/* Ports of this machine that can be opened; with `usb`, adapters only. */
static void add_all(struct arguments *a, bool usb)
{
	struct hf_survey s = {0};
	struct hf_diag diag;
	char why[HF_SURVEY_NAME];

	if (hf_survey_all(&s, &diag) != HF_OK)
		hf_out_warning("%s", diag.text);
	for (size_t i = 0; i < s.count && a->options.ports < HF_MONITOR_PORTS; i++) {
		const struct hf_survey_port *port = &s.port[i];
		char *open_name = a->open_name[a->options.ports];

		if (usb && !(port->local && port->info.usb))
			continue;
		if (port->local && hf_survey_may_open(&port->info, why, sizeof(why)) != HF_SURVEY_NEW) {
			hf_out_warning("%s is left out: %s", port->name, why);
			continue;
		}
		add(a, hf_survey_open_name(port, open_name, sizeof(a->open_name[0])), NULL);
	}
	hf_survey_free(&s);
}

static bool choose_ports(struct arguments *a, const struct hf_usage *usage, enum hf_exit *code)
{
	bool named = a->port.count + a->device.count > 0;

	for (unsigned i = 0; i < a->port.count; i++)
		add(a, a->port.item[i], NULL);
	for (unsigned i = 0; i < a->device.count; i++) {
		if (!add_device(a, a->device.item[i], code))
			return false;
	}
	if (a->all || !named)
		add_all(a, !a->all);
	if (!named && !a->all && a->options.ports != 1) {
		*code = hf_args_wrong(usage, a->options.ports ? "there are %u adapters: --port, --device or --all says which" :
				      "--port is missing", a->options.ports);
		return false;
	}
	if (a->options.ports == 0) {
		hf_out_error("there is no port that could be listened to: `holdfast doctor` says why");
		*code = HF_EXIT_NO_DEVICE;
		return false;
	}
	a->options.port = a->name;
	a->options.label = a->label;
	return true;
}

enum hf_exit hf_command_monitor(int argc, char **argv)
{
	static struct arguments a = {.options.stop = hf_interrupted};
	const struct hf_arg options[] = {
		{"port", 'p', HF_ARG_LIST, "PORT", HF_SERIAL_NAMES "; several times for several devices", &a.port, NULL},
		{"device", 0, HF_ARG_LIST, "ID", "a device by its unique id, or its adapter's serial number; it is asked once, to find it", &a.device, NULL},
		{"all", 0, HF_ARG_FLAG, NULL, "all ports that `holdfast list` shows and nobody else has", &a.all, NULL},
		{"board", 'b', HF_ARG_TEXT, "FILE", "the devices' board file", &a.common.board_file, NULL},
		{"baud", 0, HF_ARG_U32, "RATE", "the line's rate (default: the board file's, else 921600 or 115200, whichever can be read)",
		 &a.common.baud, &a.common.baud_given},
		{"for", 0, HF_ARG_TEXT, "TIME", "stop after so long (default: at Ctrl-C)", &a.duration, NULL},
		{"wait", 0, HF_ARG_FLAG, NULL, "wait for ports that are not there yet, or vanish", &a.options.wait, NULL},
		{"log", 0, HF_ARG_TEXT, "FILE", "append everything to this file, too", &a.options.log, NULL},
		{"smp", 0, HF_ARG_FLAG, NULL, "SMP packets, too", &a.options.smp, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "as JSON, one event a line", &a.options.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "monitor",
		.summary = "shows what devices say, and the stage that each is in",
		.synopsis = "[--port PORT | --device ID | --all] [options]",
		.details = "Each line comes with the time since the begin, the device where there are several, and the stage that its\n"
			   "lines tell: boot, verifying, starting, trial, running, degraded, confirmed, rolled back, uploading, written,\n"
			   "recovery, chip's loader. It only listens; binary frames are not shown (--smp shows what is in them).",
		.example = "holdfast monitor --port /dev/ttyUSB0 --for 10s\n"
			   "  holdfast monitor --all --wait --log night.log",
		.exits = "5 a port or device is not there, 7 interrupted, 8 another program has a port, 12 a port has vanished, 13 the log cannot be written, 17 more than one device could be meant",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (a.duration && (!hf_duration_parse(a.duration, &a.options.for_ms) || a.options.for_ms == 0))
		return hf_args_wrong(&usage, "--for wants a time as 10s, 500ms or 2m, not '%s'", a.duration);
	hf_interrupt_catch();
	if (!choose_rates(&a, &code) || !choose_ports(&a, &usage, &code))
		return code;
	return hf_monitor(&a.options);
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast doctor`: what is wrong with this computer, the line, and the device at its end; each finding with its next step.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "doctor/doctor.h"
#include "doctor/laptop.h"
#include "doctor/udev.h"
#include "interrupt.h"
#include "port.h"
#include "session.h"

struct arguments {
	struct hf_port port;
	struct hf_site site;
	const char *listen, *root;
	bool fix, try_recovery, json;
};

struct doctor {
	struct arguments a;
	struct hf_findings findings;
	struct hf_ports ports;
	struct hf_doctor_device device;
	uint64_t begin_ms;
	bool named, looked; /* a device was named, was looked at */
};

static uint64_t now_ms(const struct doctor *d)
{
	return d->a.port.serial.ops ? hf_serial_now_ms(&d->a.port.serial) - d->begin_ms : 0;
}

static void on_row(void *ctx, const struct hf_row *row)
{
	struct doctor *d = ctx;
	json_t *event;

	if (!d->a.json) {
		hf_row_print(row);
		return;
	}
	event = hf_row_json(row);
	json_object_set_new(event, "t_ms", json_integer((json_int_t)now_ms(d)));
	json_object_set_new(event, "about", json_string(d->looked ? "device" : "computer"));
	hf_out_event(event);
}

static void head(const struct doctor *d, const char *text, const char *more)
{
	if (!d->a.json)
		printf("%s%s%s%s\n", hf_out_colour(stdout, HF_COLOUR_BOLD), text, more, hf_out_colour(stdout, HF_COLOUR_NONE));
}

static enum hf_err open_session(void *ctx, struct hf_smp_client *c, const uint8_t device_id[16], struct hf_diag *diag)
{
	struct doctor *d = ctx;

	return hf_site_open(&d->a.site, c, device_id, d->a.port.patience_ms, diag);
}

static bool stopped(void *ctx)
{
	(void)ctx;
	return hf_interrupted(NULL);
}

/* ---- the computer ---- */

static void look_at_computer(struct doctor *d)
{
	struct hf_laptop laptop = {.root = hf_survey_root(), .ports = &d->ports, .port = d->a.port.name, .fix = d->a.fix,
				   .path = getenv("PATH")};
	struct hf_port_info named;
	struct hf_diag diag;

	head(d, "This computer", "");
	if (hf_ports_list(laptop.root, &d->ports, &diag) != HF_OK)
		hf_finding(&d->findings, HF_ROW_WARNING, "serial ports", "", "%s", diag.text);
	if (laptop.port && hf_ports_find(laptop.root, laptop.port, &named) == HF_OK)
		laptop.port = named.path;
	if (strcmp(laptop.root, "/") == 0)
		laptop.run = hf_udev_run;
	hf_doctor_laptop(&d->findings, &laptop);
}

/* ---- the device ---- */

/* Without a name, a device is looked at where there is no doubt which is meant: behind the only USB adapter, or at the only
 * port of the environment's list. */
static bool is_plain(struct doctor *d)
{
	const char *more = getenv(HF_SURVEY_PORTS);
	const struct hf_port_info *adapter = NULL;
	size_t count = more && *more ? 1 + (strchr(more, ',') != NULL) : 0;

	if (d->named)
		return true;
	for (size_t i = 0; i < d->ports.count; i++) {
		if (!d->ports.item[i].usb)
			continue;
		adapter = &d->ports.item[i];
		count++;
	}
	if (count == 1)
		d->a.port.name = adapter ? adapter->path : more;
	else if (count > 1 || d->ports.count > 0)
		hf_finding(&d->findings, HF_ROW_NOTE, "device", "--port PORT or --device ID; `holdfast list` shows what answers where",
			   "not looked at: %s", count > 1 ? "there is more than one port" : "no USB adapter is plugged in, and no port is named");
	return count == 1;
}

static bool look_at_device(struct doctor *d, const struct hf_usage *usage, uint32_t listen_ms, enum hf_exit *code)
{
	struct hf_port *p = &d->a.port;
	struct hf_limits limits;

	p->loader_too = p->silent_too = true;
	if (!hf_port_open(p, usage, code))
		return false;
	d->begin_ms = hf_serial_now_ms(&p->serial);
	d->looked = true;
	hf_limits_of_project(&p->product.project, &limits);
	d->device = (struct hf_doctor_device){
		.serial = &p->serial, .port = p->name, .board = p->board_known ? &p->board : NULL, .rate = p->rate, .rates = p->rates,
		.limits = &limits, .listen_ms = listen_ms, .try_recovery = d->a.try_recovery, .session = open_session, .stop = stopped,
		.ctx = d,
	};
	head(d, "\nDevice at ", p->name);
	hf_doctor_device(&d->findings, &d->device);
	return true;
}

/* ---- the end ---- */

/* Somebody is there who answers, or can at least be heard. */
static bool is_there(const struct hf_doctor_device *d)
{
	enum hf_peer peer = d->probe.peer;

	return hf_probe_is_holdfast(&d->probe) || peer == HF_PEER_SMP || peer == HF_PEER_ROM || peer == HF_PEER_TEXT ||
	       d->restarts.starts > 0;
}

static enum hf_exit judge(const struct doctor *d)
{
	if (hf_interrupted(NULL))
		return HF_EXIT_INTERRUPTED;
	if (d->looked && d->named && d->device.probe.peer == HF_PEER_GONE)
		return HF_EXIT_PORT_GONE;
	if (d->looked && d->named && !is_there(&d->device))
		return HF_EXIT_NO_DEVICE;
	return d->findings.count[HF_ROW_FAILED] ? HF_EXIT_CHECK : HF_EXIT_OK;
}

static void conclude(const struct doctor *d, enum hf_exit code)
{
	const unsigned *count = d->findings.count;
	const char *reason = code == HF_EXIT_OK && count[HF_ROW_WARNING] ? "it works, but look at the warnings" :
			     code == HF_EXIT_OK ? "nothing is in the way" : code == HF_EXIT_CHECK ? "something failed, see its next step" :
			     hf_exit_text(code);

	if (!d->a.json) {
		printf("\n%u passed, %u failed, %u warning%s: %s\n", count[HF_ROW_PASSED], count[HF_ROW_FAILED], count[HF_ROW_WARNING],
		       count[HF_ROW_WARNING] == 1 ? "" : "s", reason);
		return;
	}
	hf_out_event(json_pack("{s:s, s:I, s:i, s:s, s:s, s:i, s:i, s:i, s:i}", "event", "result", "t_ms", (json_int_t)now_ms(d), "exit",
			       (int)code, "outcome", code == HF_EXIT_OK ? "passed" : "failed", "reason", reason, "passed",
			       (int)count[HF_ROW_PASSED], "failed", (int)count[HF_ROW_FAILED], "warnings", (int)count[HF_ROW_WARNING],
			       "notes", (int)count[HF_ROW_NOTE]));
}

static enum hf_exit run(struct doctor *d, const struct hf_usage *usage, uint32_t listen_ms)
{
	enum hf_exit code = HF_EXIT_OK;

	if (d->a.root && setenv(HF_SURVEY_ROOT, d->a.root, 1) != 0)
		return HF_EXIT_INTERNAL;
	if (!hf_product_port(&d->a.port, &code))
		return code;
	d->named = d->a.port.name || d->a.port.device;
	hf_interrupt_catch();
	look_at_computer(d);
	if (!is_plain(d) || look_at_device(d, usage, listen_ms, &code))
		code = judge(d);
	conclude(d, code);
	if (d->looked)
		hf_port_close(&d->a.port);
	hf_site_close(&d->a.site);
	hf_ports_free(&d->ports);
	return code;
}

enum hf_exit hf_command_doctor(int argc, char **argv)
{
	static struct doctor d;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(d.a.port),
		{"fix", 0, HF_ARG_FLAG, NULL, "install the udev rule: access, no ModemManager, fast FTDI adapters (needs root)", &d.a.fix, NULL},
		{"try-recovery", 0, HF_ARG_FLAG, NULL, "prove that recovery can be entered: the device restarts twice", &d.a.try_recovery, NULL},
		{"listen", 0, HF_ARG_TEXT, "TIME", "how long to listen to a device that does not answer (default: 20s)", &d.a.listen, NULL},
		HF_SITE_ARGS(d.a.site),
		{"json", 0, HF_ARG_FLAG, NULL, "as JSON, one event a line", &d.a.json, NULL},
		{"root", 0, HF_ARG_TEXT, "DIR", NULL, &d.a.root, NULL},
	};
	const struct hf_usage usage = {
		.command = "doctor",
		.summary = "finds what is wrong with this computer, the line and the device",
		.synopsis = "[--port PORT | --device ID] [--board FILE] [--fix] [options]",
		.details = "Each finding is a row: passed, FAILED, warning or note, and below it what to do. Without --port and --device\n"
			   "the device is looked at where only one port is there. Nothing is changed on the device; only --try-recovery\n"
			   "restarts it, and brings it back.",
		.example = "holdfast doctor --port /dev/ttyUSB0 --board boards/reference.conf\n  sudo holdfast doctor --fix",
		.exits = HF_PORT_EXITS ", 7 interrupted, 9 something failed",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	uint32_t listen_ms = HF_DOCTOR_LISTEN_MS;
	enum hf_exit code;

	d.findings = (struct hf_findings){.row = on_row, .ctx = &d};
	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (d.a.listen && !hf_duration_parse(d.a.listen, &listen_ms))
		return hf_args_wrong(&usage, "--listen wants a time as 20s, 500ms or 2m, not '%s'", d.a.listen);
	return run(&d, &usage, listen_ms);
}

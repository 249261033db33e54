/* SPDX-License-Identifier: MIT */
#include "port.h"

#include <string.h>

#include "interrupt.h"
#include "port_choice.h"

#define PATIENCE_MS 60000u
#define ONE_TRY_MS  1000u
#define LEAST_ID    4u
#define NOTHING     "check its power, that TX and RX are not swapped, and ground"

static const uint32_t usual_rates[] = {921600, 115200};

bool hf_duration_parse(const char *text, uint32_t *ms)
{
	uint64_t value = 0, unit = 1000;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (uint64_t)(*at - '0');
		if (value > UINT32_MAX)
			return false;
	}
	if (at == text)
		return false;
	if (strcmp(at, "ms") == 0)
		unit = 1;
	else if (strcmp(at, "m") == 0)
		unit = 60000;
	else if (*at && strcmp(at, "s") != 0)
		return false;
	if (value * unit > UINT32_MAX)
		return false;
	*ms = (uint32_t)(value * unit);
	return true;
}

static bool is_meant(const struct hf_port *p, uint32_t rate)
{
	for (unsigned i = 0; i < p->rates; i++) {
		if (p->rate[i] == rate)
			return true;
	}
	return false;
}

static void add_rates(struct hf_port *p, const uint32_t *rate, unsigned rates)
{
	for (unsigned i = 0; i < rates && p->rates < HF_PORT_RATES; i++) {
		if (!is_meant(p, rate[i]))
			p->rate[p->rates++] = rate[i];
	}
}

void hf_port_rates(struct hf_port *p)
{
	p->rates = 0;
	if (p->baud_given)
		add_rates(p, &p->baud, 1);
	if (p->product.project.bauds)
		add_rates(p, p->product.project.baud, p->product.project.bauds);
	else if (p->board_known)
		add_rates(p, p->board.maintenance.baud, p->board.maintenance.bauds);
	else
		add_rates(p, usual_rates, sizeof(usual_rates) / sizeof(usual_rates[0]));
}

/* --device is checked here, so that a wrong one is told before anything is asked. */
static bool check_device(const struct hf_port *p, const struct hf_usage *usage)
{
	if (!p->device || strlen(p->device) >= LEAST_ID)
		return true;
	hf_args_wrong(usage, "--device wants %u digits or more of the device's id, not '%s'", LEAST_ID, p->device);
	return false;
}

static enum hf_exit refuse(struct hf_port *p, enum hf_err err, const struct hf_diag *diag)
{
	if (err == HF_ERR_BUSY)
		return hf_port_held(p->name);
	hf_out_error("%s", diag->text);
	return err == HF_ERR_RANGE ? HF_EXIT_USAGE : HF_EXIT_NO_DEVICE;
}

bool hf_port_open(struct hf_port *p, const struct hf_usage *usage, enum hf_exit *code)
{
	char open_name[2 * HF_SURVEY_NAME];
	struct hf_serial_line line;
	struct hf_diag diag;
	enum hf_err err = HF_OK;

	p->patience_ms = PATIENCE_MS;
	if (!hf_product_port(p, code))
		return false;
	*code = HF_EXIT_USAGE;
	if (p->patience && !hf_duration_parse(p->patience, &p->patience_ms)) {
		hf_args_wrong(usage, "--patience wants a time as 60s, 500ms or 2m, not '%s'", p->patience);
		return false;
	}
	if (!check_device(p, usage))
		return false;
	if (p->board_file)
		err = hf_board_load(p->board_file, &p->board, &diag);
	if (err) {
		*code = hf_out_fail(err, &diag);
		return false;
	}
	p->board_known = p->board_file != NULL;
	hf_port_rates(p);
	if (!hf_port_choose(p, open_name, code))
		return false;
	err = HF_ERR_UNSUPPORTED; /* an adapter that cannot have the first rate may have the next */
	for (unsigned i = 0; i < p->rates && err == HF_ERR_UNSUPPORTED; i++) {
		line = HF_SERIAL_8N1(p->rate[i]);
		err = hf_serial_open(open_name, &line, &p->serial, &diag);
	}
	if (err)
		*code = refuse(p, err, &diag);
	return !err;
}

void hf_port_close(struct hf_port *p)
{
	hf_serial_close(&p->serial);
}

/* ---- nobody answers ---- */

/* What is there, at the rates that were meant and at the usual ones. */
static enum hf_err look(struct hf_port *p, struct hf_probe *probe)
{
	uint32_t rate[HF_PORT_RATES + 2];
	struct hf_probe_how how = {.rate = rate, .rates = p->rates, .brief = true, .stop = hf_interrupted};
	enum hf_err err;

	memcpy(rate, p->rate, p->rates * sizeof(rate[0]));
	for (unsigned i = 0; i < sizeof(usual_rates) / sizeof(usual_rates[0]); i++) {
		if (!is_meant(p, usual_rates[i]))
			rate[how.rates++] = usual_rates[i];
	}
	err = hf_probe(&p->serial, &how, probe);
	probe->other_rate = probe->rate != 0 && !is_meant(p, probe->rate);
	return err;
}

/* So much is certain: waiting will not help. */
static bool is_elsewhere(const struct hf_probe *probe)
{
	return probe->other_rate && (hf_probe_is_holdfast(probe) || probe->peer == HF_PEER_SMP || probe->peer == HF_PEER_TEXT);
}

static enum hf_exit explain(const struct hf_port *p, const struct hf_probe *probe)
{
	char text[512];

	if (is_elsewhere(probe)) {
		hf_out_error("%s: the device speaks at %u baud, which was not tried: give --baud %u", p->name, probe->rate, probe->rate);
		return HF_EXIT_LINE;
	}
	if (probe->peer == HF_PEER_GONE) {
		hf_out_error("%s has vanished: check the cable, then `holdfast list`", p->name);
		return HF_EXIT_PORT_GONE;
	}
	if (probe->peer == HF_PEER_NOTHING) {
		hf_out_error("no device answers on %s: " NOTHING "; `holdfast doctor --port %s` looks closer", p->name, p->name);
		return HF_EXIT_NO_DEVICE;
	}
	hf_probe_advice(probe, text, sizeof(text));
	hf_out_error("no device answers on %s: %s", p->name, text[0] ? text : "it had answered a moment ago; try again");
	return probe->peer == HF_PEER_GARBAGE ? HF_EXIT_LINE : HF_EXIT_NO_DEVICE;
}

static enum hf_exit interrupted(void)
{
	hf_out_error("interrupted");
	return HF_EXIT_INTERRUPTED;
}

enum hf_exit hf_port_nobody(struct hf_port *p)
{
	struct hf_probe probe;

	return look(p, &probe) ? interrupted() : explain(p, &probe);
}

/* Between the first round and the long wait. False: *code, all has been said. */
static bool look_and_wait(struct hf_port *p, struct hf_probe *probe, enum hf_exit *code)
{
	char text[512];

	if (look(p, probe)) {
		*code = interrupted();
		return false;
	}
	if (is_elsewhere(probe) || probe->peer == HF_PEER_GONE) {
		*code = explain(p, probe);
		return false;
	}
	hf_probe_advice(probe, text, sizeof(text));
	if (probe->peer == HF_PEER_NOTHING)
		strcpy(text, NOTHING);
	hf_out_warning("no device answers on %s yet%s%s; waiting up to %u s", p->name, text[0] ? ": " : "", text, p->patience_ms / 1000);
	return true;
}

bool hf_port_find(struct hf_port *p, struct hf_smp_client *client, struct hf_smp_status *status, enum hf_exit *code)
{
	uint64_t until = hf_serial_now_ms(&p->serial) + p->patience_ms;
	struct hf_smp_answer answer;
	struct hf_probe probe;
	enum hf_err err = HF_ERR_TIMEOUT;

	for (unsigned i = 0; err == HF_ERR_TIMEOUT || err == HF_ERR_IO; i++) {
		struct hf_serial_line line = HF_SERIAL_8N1(p->rate[i % p->rates]);

		if (i > 0 && (hf_serial_now_ms(&p->serial) >= until || hf_smp_stopped(client)))
			break;
		if (i == p->rates && err == HF_ERR_IO)
			hf_out_warning("%s has vanished; waiting up to %u s for it to come back", p->name, p->patience_ms / 1000);
		if (i == p->rates && err == HF_ERR_TIMEOUT && !look_and_wait(p, &probe, code))
			return false;
		err = hf_serial_set_line(&p->serial, &line);
		if (err == HF_ERR_IO)
			hf_serial_sleep_ms(&p->serial, ONE_TRY_MS);
		err = hf_smp_get_status(client, ONE_TRY_MS, status, &answer);
	}
	if (err == HF_ERR_TIMEOUT && !hf_smp_stopped(client) && look(p, &probe) == HF_OK) {
		if (!hf_probe_is_holdfast(&probe) || probe.other_rate) {
			*code = explain(p, &probe);
			return false;
		}
		err = hf_smp_get_status(client, ONE_TRY_MS, status, &answer); /* it has just come up */
	}
	*code = hf_port_answer(err, &answer, "asking for its status");
	return *code == HF_EXIT_OK;
}

enum hf_exit hf_port_answer(enum hf_err err, const struct hf_smp_answer *answer, const char *doing)
{
	if (err && hf_interrupted(NULL))
		return interrupted();
	if (err == HF_ERR_TIMEOUT) {
		hf_out_error("the device had answered and is silent now, while %s: check its power and the cable, then try again", doing);
		return HF_EXIT_SILENT;
	}
	if (err == HF_ERR_IO) {
		hf_out_error("the port has vanished while %s: check the cable, then `holdfast list`", doing);
		return HF_EXIT_PORT_GONE;
	}
	if (err) {
		hf_out_error("the device's answer makes no sense while %s: %s", doing, hf_err_text(err));
		return HF_EXIT_DEVICE;
	}
	if (answer->refusal) {
		hf_out_error("the device refuses while %s: %s", doing, answer->reason);
		return HF_EXIT_DEVICE;
	}
	return HF_EXIT_OK;
}

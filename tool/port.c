/* SPDX-License-Identifier: MIT */
#include "port.h"

#include <string.h>

#define PATIENCE_MS 60000u
#define ONE_TRY_MS  1000u

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

static void choose_rates(struct hf_port *p)
{
	static const uint32_t usual[] = {921600, 115200};

	if (p->baud_given) {
		p->rate[0] = p->baud;
		p->rates = 1;
	} else if (p->product.project.bauds) {
		memcpy(p->rate, p->product.project.baud, sizeof(p->rate));
		p->rates = p->product.project.bauds;
	} else if (p->board_known) {
		memcpy(p->rate, p->board.maintenance.baud, sizeof(p->rate));
		p->rates = p->board.maintenance.bauds;
	} else {
		memcpy(p->rate, usual, sizeof(usual));
		p->rates = sizeof(usual) / sizeof(usual[0]);
	}
}

bool hf_port_open(struct hf_port *p, const struct hf_usage *usage, enum hf_exit *code)
{
	struct hf_serial_line line;
	struct hf_diag diag;
	enum hf_err err = HF_OK;

	p->patience_ms = PATIENCE_MS;
	if (!hf_product_port(p, code))
		return false;
	*code = HF_EXIT_USAGE;
	if (!p->name) {
		hf_args_wrong(usage, "--port is missing");
		return false;
	}
	if (p->patience && !hf_duration_parse(p->patience, &p->patience_ms)) {
		hf_args_wrong(usage, "--patience wants a time as 60s, 500ms or 2m, not '%s'", p->patience);
		return false;
	}
	if (p->board_file)
		err = hf_board_load(p->board_file, &p->board, &diag);
	if (err) {
		*code = hf_out_fail(err, &diag);
		return false;
	}
	p->board_known = p->board_file != NULL;
	choose_rates(p);
	line = HF_SERIAL_8N1(p->rate[0]);
	err = hf_serial_open(p->name, &line, &p->serial, &diag);
	if (!err)
		return true;
	hf_out_error("%s", diag.text);
	*code = err == HF_ERR_RANGE ? HF_EXIT_USAGE : HF_EXIT_NO_DEVICE;
	return false;
}

void hf_port_close(struct hf_port *p)
{
	hf_serial_close(&p->serial);
}

bool hf_port_find(struct hf_port *p, struct hf_smp_client *client, struct hf_smp_status *status, enum hf_exit *code)
{
	uint64_t until = hf_serial_now_ms(&p->serial) + p->patience_ms;
	struct hf_smp_answer answer;
	enum hf_err err = HF_ERR_TIMEOUT;

	for (unsigned i = 0; err == HF_ERR_TIMEOUT || err == HF_ERR_IO; i++) {
		struct hf_serial_line line = HF_SERIAL_8N1(p->rate[i % p->rates]);

		if (i == p->rates)
			hf_out_warning("no device answers on %s yet; waiting up to %u s", p->name, p->patience_ms / 1000);
		if (i > 0 && (hf_serial_now_ms(&p->serial) >= until || hf_smp_stopped(client)))
			break;
		err = hf_serial_set_line(&p->serial, &line);
		if (err == HF_ERR_IO)
			hf_serial_sleep_ms(&p->serial, ONE_TRY_MS);
		err = hf_smp_get_status(client, ONE_TRY_MS, status, &answer);
	}
	*code = hf_port_answer(err, &answer, "asking for its status");
	return *code == HF_EXIT_OK;
}

enum hf_exit hf_port_answer(enum hf_err err, const struct hf_smp_answer *answer, const char *doing)
{
	if (err == HF_ERR_TIMEOUT) {
		hf_out_error("no device answers while %s: check port, cable, rate and power", doing);
		return HF_EXIT_NO_DEVICE;
	}
	if (err == HF_ERR_IO) {
		hf_out_error("the port is gone while %s: check the cable", doing);
		return HF_EXIT_NO_DEVICE;
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

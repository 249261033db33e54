/* SPDX-License-Identifier: MIT */
#include "upkeep.h"

#include "interrupt.h"

bool hf_upkeep_begin(struct hf_upkeep *u, const struct hf_usage *usage, bool changes, enum hf_exit *code)
{
	struct hf_diag diag;
	enum hf_err err;

	if (!hf_port_open(&u->port, usage, code))
		return false;
	u->opened = true;
	hf_smp_client_init(&u->client, &u->port.serial);
	u->client.stop = hf_interrupted;
	hf_interrupt_catch();
	if (!hf_port_find(&u->port, &u->client, &u->status, code))
		return false;
	if (!changes)
		return true;
	err = hf_site_open(&u->site, &u->client, u->status.device_id, u->port.patience_ms, &diag);
	if (!err)
		return true;
	*code = hf_out_fail(err, &diag);
	if (err == HF_ERR_DENIED)
		*code = HF_EXIT_DEVICE;
	if (err == HF_ERR_TIMEOUT)
		*code = HF_EXIT_SILENT;
	return false;
}

void hf_upkeep_end(struct hf_upkeep *u)
{
	hf_site_close(&u->site);
	if (u->opened)
		hf_port_close(&u->port);
	u->opened = false;
}

enum hf_exit hf_upkeep_answer(const struct hf_upkeep *u, enum hf_err err, const struct hf_smp_answer *answer,
			      const char *doing)
{
	enum hf_exit code = hf_port_answer(err, answer, doing);

	if (!err && answer->refusal == HF_ERR_DENIED && u->site.keys.names.count == 0)
		hf_out_error("where the board's rule is `signed`, a site key is needed: --key");
	return code;
}

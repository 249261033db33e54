/* SPDX-License-Identifier: MIT
 *
 * A nonce is good for one attempt, and an answer may be lost: so how it stands is asked again before it is tried again.
 */
#include "session.h"

#include "smp_session.h"

#define ATTEMPTS 3

static enum hf_err line_fails(enum hf_err err, struct hf_diag *diag)
{
	hf_diag_set(diag, err == HF_ERR_TYPE ? "the device's answer about sessions makes no sense" :
			  "the device does not answer while a session is opened: check port, cable and power");
	return err;
}

static enum hf_err attempt(struct hf_signer *signer, struct hf_smp_client *client, const uint8_t device_id[16],
			   uint32_t patience_ms, bool *done, struct hf_diag *diag)
{
	struct hf_smp_session session;
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_session(client, patience_ms, &session, &answer);

	*done = !err && (answer.refusal == HF_ERR_UNSUPPORTED || session.access != HF_ACCESS_SIGNED || session.open);
	if (err)
		return line_fails(err, diag);
	if (*done)
		return HF_OK;
	if (!answer.refusal) {
		err = hf_smp_open_session(client, patience_ms, signer, device_id, &session, &answer, diag);
		if (err)
			return diag->text[0] ? err : line_fails(err, diag);
		*done = answer.refusal == HF_OK;
	}
	if (*done || answer.refusal == HF_ERR_ORDER)
		return HF_OK;
	hf_diag_set(diag, "the device opens no session for the key %s: %s", hf_signer_name(signer), answer.reason);
	return HF_ERR_DENIED;
}

enum hf_err hf_site_open(struct hf_site *site, struct hf_smp_client *client, const uint8_t device_id[16],
			 uint32_t patience_ms, struct hf_diag *diag)
{
	bool done = false;
	enum hf_err err = HF_OK;

	if (site->keys.names.count == 0)
		return HF_OK;
	if (site->keys.names.count > 1) {
		hf_diag_set(diag, "one --key opens a session, not %u", site->keys.names.count);
		return HF_ERR_RANGE;
	}
	if (site->keys.count == 0)
		err = hf_keys_open(&site->keys, diag);
	for (unsigned i = 0; i < ATTEMPTS && !err && !done; i++)
		err = attempt(site->keys.signer[0], client, device_id, patience_ms, &done, diag);
	if (!err && !done) {
		hf_diag_set(diag, "the device opens no session: its answers are lost again and again");
		err = HF_ERR_TIMEOUT;
	}
	return err;
}

void hf_site_close(struct hf_site *site)
{
	hf_keys_close(&site->keys);
}

/* SPDX-License-Identifier: MIT
 *
 * A session with a device that takes changes only from a site key's holder (core/access.h, group 64, id 9).
 */
#ifndef HF_SMP_SESSION_H
#define HF_SMP_SESSION_H

#include "access.h"
#include "signer.h"
#include "smp_client.h"

struct hf_smp_session {
	uint32_t access; /* enum hf_access: what the device demands of who wants to change it */
	bool open;       /* there is a session */
	uint8_t nonce[HF_SESSION_NONCE_BYTES];
};

/* Asks how it stands, and for a nonce, which is good for one attempt. HF_OK with answer->refusal set: the device said no
 * (HF_ERR_UNSUPPORTED: it knows no sessions). */
HF_MUST_USE enum hf_err hf_smp_get_session(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_session *out,
					   struct hf_smp_answer *answer);

/* Signs the nonce for this device, and opens a session. Errors of hf_smp_request, with diag empty; or of the signer, with
 * its sentence. */
HF_MUST_USE enum hf_err hf_smp_open_session(struct hf_smp_client *c, uint32_t patience_ms, struct hf_signer *signer,
					    const uint8_t device_id[16], const struct hf_smp_session *session,
					    struct hf_smp_answer *answer, struct hf_diag *diag);

#endif

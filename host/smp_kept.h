/* SPDX-License-Identifier: MIT
 *
 * What a device keeps for good, over SMP (group 64, ids 3 and 4; docs/PROTOCOL.md): its keyset, its configuration.
 */
#ifndef HF_SMP_KEPT_H
#define HF_SMP_KEPT_H

#include "smp_client.h"

/* id is HF_SMP_HOLDFAST_KEYSET or _CONFIG. HF_OK with answer->refusal set: the device said no (HF_ERR_NOT_FOUND: it keeps
 * nothing of that kind). HF_ERR_TOO_LARGE: it has more than cap bytes; HF_ERR_TYPE: an answer of another shape. */
HF_MUST_USE enum hf_err hf_smp_kept_read(struct hf_smp_client *c, unsigned id, uint32_t patience_ms, uint8_t *buf, size_t cap,
					 size_t *len, struct hf_smp_answer *answer);

/* Sends it in pieces; it counts once HF_OK is returned without a refusal. Repeating what is stored changes nothing. */
HF_MUST_USE enum hf_err hf_smp_kept_write(struct hf_smp_client *c, unsigned id, uint32_t patience_ms, struct hf_bytes content,
					  struct hf_smp_answer *answer);

#endif

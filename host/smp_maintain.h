/* SPDX-License-Identifier: MIT
 *
 * A Holdfast's commands for its upkeep (docs/PROTOCOL.md, group 64): keyset and configuration out of it and into it, back to
 * the firmware before, an image out of it, into recovery, back to what the factory shipped.
 *
 * As in smp_device.h: HF_OK with answer->refusal set: the device said no.
 */
#ifndef HF_SMP_MAINTAIN_H
#define HF_SMP_MAINTAIN_H

#include "longrec.h"
#include "smp_client.h"

/* Reads what the device keeps of that kind: *len bytes (0: nothing) into buf. HF_ERR_TOO_LARGE: more than cap. HF_ERR_TYPE:
 * the device's answers contradict each other. A keyset comes without signatures. */
HF_MUST_USE enum hf_err hf_smp_get_kept(struct hf_smp_client *c, uint32_t patience_ms, enum hf_longrec_kind kind,
					uint8_t *buf, size_t cap, size_t *len, struct hf_smp_answer *answer);

/* Sends a keyset file or a configuration (len 0: none any more), and returns once the device has stored it for good. What
 * the device forgot (it restarted) is sent again. HF_ERR_TIMEOUT: nothing got ahead for patience_ms. HF_ERR_TYPE: it asks
 * for what is not there. */
HF_MUST_USE enum hf_err hf_smp_put_kept(struct hf_smp_client *c, uint32_t patience_ms, enum hf_longrec_kind kind,
					struct hf_bytes content, struct hf_smp_answer *answer);

/* The other confirmed firmware is activated; it starts at the next reset. */
HF_MUST_USE enum hf_err hf_smp_roll_back(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer);

/* Resets into recovery. */
HF_MUST_USE enum hf_err hf_smp_enter_recovery(struct hf_smp_client *c, uint32_t patience_ms,
					      struct hf_smp_answer *answer);

/* Erases what the field has added: configuration, history, the slot that does not run. */
HF_MUST_USE enum hf_err hf_smp_factory_reset(struct hf_smp_client *c, uint32_t patience_ms,
					     struct hf_smp_answer *answer);

/* Reads from `off` of a place (HF_PLACE_*) as it lies in flash: *len bytes, at most cap; 0: that was all. */
HF_MUST_USE enum hf_err hf_smp_read_place(struct hf_smp_client *c, uint32_t patience_ms, unsigned place, uint32_t off,
					  uint8_t *buf, size_t cap, size_t *len, struct hf_smp_answer *answer);

#endif

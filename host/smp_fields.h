/* SPDX-License-Identifier: MIT
 *
 * What the commands of host/smp_*.c share: a request with a small body, an answer that is a map, its fields one by one.
 *
 * Errors stick to the reader (core/cbor.h); what the device says beyond what we know is skipped.
 */
#ifndef HF_SMP_FIELDS_H
#define HF_SMP_FIELDS_H

#include "smp_body.h"
#include "smp_client.h"

/* Reads the value of `key` into *to, or skips it. */
typedef void hf_smp_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to);

/* Calls field for each pair of a map. */
void hf_smp_fields(struct hf_cbor_reader *r, hf_smp_field *field, void *to);

/* Each reads one value. Text is cut to what fits, and has no control characters. */
struct hf_bytes hf_smp_field_text(struct hf_cbor_reader *r, char *to, size_t room);
uint32_t hf_smp_field_u32(struct hf_cbor_reader *r);
uint8_t hf_smp_field_u8(struct hf_cbor_reader *r);
void hf_smp_field_exact(struct hf_cbor_reader *r, uint8_t *to, size_t len);

/* hf_smp_request with this body; len 0: an empty map. */
HF_MUST_USE enum hf_err hf_smp_ask(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id,
				   struct hf_bytes body, uint32_t patience_ms, struct hf_smp_answer *answer);

/* The same, and its answer's fields unless it is a refusal. HF_ERR_TYPE: it has another shape. */
HF_MUST_USE enum hf_err hf_smp_command(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id,
				       struct hf_bytes body, uint32_t patience_ms, hf_smp_field *field, void *to,
				       struct hf_smp_answer *answer);

/* Reads without asking for anything in particular. */
HF_MUST_USE enum hf_err hf_smp_get(struct hf_smp_client *c, unsigned group, unsigned id, uint32_t patience_ms,
				   hf_smp_field *field, void *to, struct hf_smp_answer *answer);

#endif

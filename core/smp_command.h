/* SPDX-License-Identifier: MIT
 *
 * What the server's commands share, and the commands. A new one is a function of this shape, declared here, a case in
 * dispatch() of smp_server.c, and where it needs one, a field in enum hf_smp_field.
 *
 * A command reads its request wholly before it obeys, and appends its answer's map to w only on HF_OK; what it appended
 * before an error is dropped.
 */
#ifndef HF_SMP_COMMAND_H
#define HF_SMP_COMMAND_H

#include "smp_body.h"
#include "smp_server.h"

/* What requests carry, all commands together: numbers first, then strings. The names are in smp_request.c. */
enum hf_smp_field {
	HF_SMP_F_OFF,
	HF_SMP_F_LEN,
	HF_SMP_F_IMAGE,
	HF_SMP_F_SLOT,
	HF_SMP_F_CONFIRM,
	HF_SMP_F_BAUD,
	HF_SMP_F_FRAME,
	HF_SMP_F_PLACE,
	HF_SMP_F_COUNT,
	HF_SMP_F_ALG,
	HF_SMP_F_UPTO,
	HF_SMP_NUMBERS,
	HF_SMP_F_DATA = HF_SMP_NUMBERS,
	HF_SMP_F_SHA,
	HF_SMP_F_HASH,
	HF_SMP_F_SIG,
	HF_SMP_F_ECHO,
	HF_SMP_FIELDS
};

struct hf_smp_request {
	uint32_t set; /* 1 << HF_SMP_F_* */
	uint32_t number[HF_SMP_NUMBERS];
	struct hf_bytes string[HF_SMP_FIELDS - HF_SMP_NUMBERS]; /* borrowed from the body */
};

/* Reads the fields in `wanted` (a mask like `set`), skips others; no body at all is an empty map. */
HF_MUST_USE enum hf_err hf_smp_parse(struct hf_bytes body, uint32_t wanted, struct hf_smp_request *req);

static inline bool hf_smp_has(const struct hf_smp_request *req, enum hf_smp_field f)
{
	return req->set >> f & 1;
}

static inline struct hf_bytes hf_smp_string(const struct hf_smp_request *req, enum hf_smp_field f)
{
	return req->string[f - HF_SMP_NUMBERS];
}

/* Each appends a pair of an answer's map. */
void hf_smp_put_number(struct hf_cbor_writer *w, const char *key, uint64_t value);
void hf_smp_put_flag(struct hf_cbor_writer *w, const char *key, bool value);
void hf_smp_put_bytes(struct hf_cbor_writer *w, const char *key, const void *data, size_t len);
void hf_smp_put_string(struct hf_cbor_writer *w, const char *key, const char *text);

/* smp_image.c */
HF_MUST_USE enum hf_err hf_smp_image_state(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_image_set_state(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_image_upload(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_image_erase(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_image_slots(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);

/* smp_access.c: may the peer change the device now? HF_OK, HF_ERR_DENIED. Asked before each command that is not known to
 * change nothing. */
HF_MUST_USE enum hf_err hf_smp_access(struct hf_smp_server *s);

/* Whether the peer has shown that it holds a site key, and that still counts. */
bool hf_smp_in_session(struct hf_smp_server *s);
HF_MUST_USE enum hf_err hf_smp_session(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_session_open(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);

/* smp_maintain.c */
HF_MUST_USE enum hf_err hf_smp_rollback(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_read(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_factory(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_recovery(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);

/* smp_store.c: keyset and configuration */
HF_MUST_USE enum hf_err hf_smp_kept(struct hf_smp_server *s, enum hf_longrec_kind kind, struct hf_bytes body,
				    struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_keep(struct hf_smp_server *s, enum hf_longrec_kind kind, struct hf_bytes body,
				    struct hf_cbor_writer *w);

/* smp_health.c */
HF_MUST_USE enum hf_err hf_smp_health(struct hf_smp_server *s, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_verify(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_history(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);

/* smp_blackbox.c */
HF_MUST_USE enum hf_err hf_smp_blackbox(struct hf_smp_server *s, struct hf_cbor_writer *w);

/* smp_status.c */
HF_MUST_USE enum hf_err hf_smp_status(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);
HF_MUST_USE enum hf_err hf_smp_counters(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w);

#endif

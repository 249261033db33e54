/* SPDX-License-Identifier: MIT
 *
 * The device's side of SMP: a request in, an answer out (docs/PROTOCOL.md). Transport and framing are the caller's.
 *
 * Groups: OS (echo, reset, parameters), image (state, upload, erase, slot info), and our own. What
 * changes flash goes through core/update.h. A request that makes no sense gets an SMP error and has changed nothing.
 */
#ifndef HF_SMP_SERVER_H
#define HF_SMP_SERVER_H

#include "access.h"
#include "blackbox.h"
#include "frame.h"
#include "health.h"
#include "smp.h"
#include "smp_link.h"
#include "smp_store.h"
#include "update.h"

#define HF_SMP_ANSWER_MAX 768u /* every answer but an echo fits */

struct hf_smp_server {
	/* Given by the caller, the rest zero; pointers are borrowed for good. */
	struct hf_update *update;              /* opened */
	const struct hf_smp_decoder *decoder;  /* for its counter; NULL: none */
	const struct hf_frame_decoder *frames; /* the same */
	struct hf_smp_store *store;            /* NULL: keyset and configuration cannot be replaced */
	struct hf_smp_link *link;              /* NULL: rate and framing cannot be changed */
	uint16_t buf_size;                     /* largest request that the caller can take, header included */
	uint8_t buf_count;                     /* requests that may be under way, this one included */
	uint8_t reset_cause;                   /* enum hf_reset_cause of this start */
	uint8_t access;                        /* enum hf_access: the board's rule for what runs */
	bool readback;                         /* the board lets images be read out */
	bool network;                          /* the peer is not at the maintenance port; may change with each packet */
	uint32_t (*now_ms)(void);              /* for sessions, as the next one; NULL: none can be opened */
	void (*health)(struct hf_health *h);   /* fills in what it knows, the rest is zero; NULL: the device cannot tell */
	void (*starts)(struct hf_blackbox_port *port); /* fills in what the port knows of the last starts; NULL: nothing */
	HF_MUST_USE enum hf_err (*random)(uint8_t *buf, size_t len); /* unpredictable bytes */

	/* To be read. */
	bool reset_wanted;  /* reset once the answer has left */
	bool recovery_wanted; /* ... into recovery */
	uint8_t last_error; /* enum hf_err of the last refusal; may be set by the caller too */
	uint32_t requests;
	uint32_t refused;

	/* Private. */
	struct hf_session session;
	bool upto;          /* the sender of the current upload wants to know where what is wanted ends */
	uint8_t sha_len;    /* of the current upload; 0: it has none */
	uint8_t sha[HF_SHA256_BYTES];
	bool other_known;
	uint8_t other;
	struct hf_image other_image;
};

/* Answers a packet. Returns the answer's length in out, 0 where none is due (not a request). cap is at least
 * HF_SMP_ANSWER_MAX; an echo that does not fit is refused. May take seconds (erase, verify); update's alive() is called
 * meanwhile. out may not overlap the packet. */
size_t hf_smp_serve(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap);

/* Answers a packet that did not fit the caller's buffer, of which at least the header is there (HF_SMP_OVERSIZE). */
size_t hf_smp_serve_oversize(struct hf_smp_server *s, struct hf_bytes begin, uint8_t *out, size_t cap);

#endif

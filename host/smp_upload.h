/* SPDX-License-Identifier: MIT
 *
 * A file to a device, over SMP's image upload: several packets under way, whatever is lost sent again, continued wherever
 * the device says after it or the line was gone.
 */
#ifndef HF_SMP_UPLOAD_H
#define HF_SMP_UPLOAD_H

#include "smp_rate.h"

#define HF_SMP_WINDOW_MAX 64

struct hf_smp_upload {
	/* Set by the caller. */
	struct hf_bytes file;
	uint32_t packet_bytes; /* the device's buf_size: longest packet, header included */
	uint32_t head_bytes;   /* where the file's head ends, before which the device decides nothing; 0: unknown */
	uint32_t window;       /* packets under way; 1: each is waited for */
	uint32_t patience_ms;  /* how long no byte may get ahead */
	struct hf_smp_rate *rate; /* lowers the line when it is bad, finds it again; NULL: it stays as it is */
	void (*progress)(void *ctx, uint32_t off); /* NULL: none. off may go back */
	void *ctx;

	/* Results. */
	uint32_t off;          /* where the device is */
	uint64_t skipped;      /* bytes that the device passed over: it had them, or they are for the other slot */
	uint64_t bytes_sent;   /* of the file, repetitions included */
	uint32_t packets_sent;
	uint32_t resent;       /* times that sending went back because packets were lost */
	uint32_t restarts;     /* times that the device wanted the first packet again */
	uint32_t retries;      /* refusals that were tried again */
	struct hf_smp_answer refusal; /* the one that ended it, if any */
};

/* HF_OK: the device has it all and found it good. HF_ERR_TIMEOUT: nothing got ahead for patience_ms (or `stop`).
 * HF_ERR_IO: the line is gone and did not come back. Else u->refusal.refusal: the device refused. */
HF_MUST_USE enum hf_err hf_smp_upload(struct hf_smp_client *c, struct hf_smp_upload *u);

#endif

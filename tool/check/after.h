/* SPDX-License-Identifier: MIT
 *
 * The tests after an upgrade: does it work, is it as quick as before, does it bear load? The device's own figures and the
 * line's, against those taken before.
 *
 * Time is the serial seam's. Nothing here changes anything in the device. What firmware cannot tell (older than the commands
 * that are asked) is a note, never a failure.
 */
#ifndef HF_CHECK_AFTER_H
#define HF_CHECK_AFTER_H

#include <jansson.h>

#include "link_quality.h"
#include "check_limits.h"
#include "row.h"
#include "smp_health.h"
#include "smp_rate.h"

/* How the device was before the upgrade. */
struct hf_after_reference {
	bool taken;
	bool running;                /* firmware ran (and not recovery): its line can be compared */
	bool binary;                 /* the framing */
	struct hf_link_quality link; /* baud, latency, bytes_per_s */
	bool configuration_known;
	uint32_t configuration_bytes;
	uint8_t configuration[32];   /* SHA-256 */
	bool health_known;
	struct hf_smp_health health;
};

/* Takes the reference, on the line as it is now: best after hf_smp_rate_raise. hf_check does this itself and hands it out in
 * its result. HF_OK: whatever could be had is in *out; HF_ERR_TIMEOUT, HF_ERR_IO: the device is lost. */
HF_MUST_USE enum hf_err hf_after_measure(struct hf_smp_client *c, struct hf_smp_rate *rate, uint32_t patience_ms,
					 struct hf_after_reference *out);

/* The same, of a line that was measured just now. */
HF_MUST_USE enum hf_err hf_after_take(struct hf_smp_client *c, const struct hf_link_quality *link,
				      uint32_t patience_ms, struct hf_after_reference *out);

struct hf_after_options {
	const uint8_t *digest;                /* what should run, 32 bytes; NULL: whatever does */
	const struct hf_after_reference *reference; /* NULL: no comparison */
	const struct hf_limits *limits;       /* NULL: the defaults */
	uint32_t patience_ms;                 /* 0: 60 s */
	void (*row)(void *ctx, const struct hf_row *row); /* each as it is found; NULL: none */
	void *ctx;
};

struct hf_after_result {
	unsigned count[HF_ROW_STATES];        /* rows */
	struct hf_diag diag;                  /* "2 tests failed: latency, stress: ..."; "" where all is well */
	uint8_t digest[32];                   /* the device's own of what runs, as `verify` computed it */
	bool digest_known;
	struct hf_link_quality link;          /* as it is now */
	uint32_t ms;
};

/* All tests, on a device that runs firmware and answers at the rate and in the framing that `rate` and the client have. The
 * line is brought to the reference's rate and framing for it, and is left as it was found. HF_EXIT_OK, HF_EXIT_TESTS (some
 * failed), HF_EXIT_SILENT, HF_EXIT_PORT_GONE, HF_EXIT_INTERRUPTED (the client's `stop`). */
enum hf_exit hf_after_test(struct hf_smp_client *c, struct hf_smp_rate *rate, const struct hf_after_options *options,
			   struct hf_after_result *result);

/* {"latency_us", "bytes_per_s", "baud", ...}: for backups and results. Given to the caller. */
json_t *hf_after_reference_json(const struct hf_after_reference *reference);
/* The same back. False: it makes no sense. */
bool hf_after_reference_parse(const json_t *value, struct hf_after_reference *out);

#endif

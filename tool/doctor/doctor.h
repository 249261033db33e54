/* SPDX-License-Identifier: MIT
 *
 * What may be wrong with a device and the line to it. Nothing is changed there: it is asked, and echoes go both ways at its
 * rates. Only `try_recovery` makes it restart, twice.
 *
 * Rows: device, echo | restarts, line at rest | supply, temperature, clock, receiver, self-test, work | memory | starts | slot A,
 * slot B, recovery | link at RATE | way in: pin, resets, line, request, ROM | recovery tried.
 */
#ifndef HF_DOCTOR_DOCTOR_H
#define HF_DOCTOR_DOCTOR_H

#include "board.h"
#include "check_limits.h"
#include "findings.h"
#include "probe.h"
#include "restarts.h"
#include "smp_health.h"
#include "smp_rate.h"

#define HF_DOCTOR_LISTEN_MS 20000u

struct hf_doctor_device {
	/* Set by the caller; all borrowed. */
	const struct hf_serial *serial;
	const char *port;              /* its name, for commands to type */
	const struct hf_board *board;  /* NULL: unknown */
	const uint32_t *rate;          /* the board's, or the usual ones */
	unsigned rates;
	const struct hf_limits *limits;
	uint32_t listen_ms;            /* to a device that does not answer, or has just started */
	bool try_recovery;
	/* Opens a session where the device wants one before it lets itself be changed; NULL: none can be had. */
	enum hf_err (*session)(void *ctx, struct hf_smp_client *c, const uint8_t device_id[16], struct hf_diag *diag);
	bool (*stop)(void *ctx);       /* NULL: never */
	void *ctx;

	/* To be read. */
	struct hf_probe probe;
	bool health_known;
	struct hf_smp_health health;
	struct hf_restarts restarts;   /* what was heard of it; listened_ms 0: it was not listened to */
	struct hf_smp_client client;
};

void hf_doctor_device(struct hf_findings *f, struct hf_doctor_device *d);

/* For doctor's own files: the ways into recovery, and the proof of one; the line at each rate. */
void hf_doctor_ways(struct hf_findings *f, const struct hf_doctor_device *d);
void hf_doctor_try_recovery(struct hf_findings *f, struct hf_doctor_device *d);
void hf_doctor_link(struct hf_findings *f, struct hf_doctor_device *d);

#endif

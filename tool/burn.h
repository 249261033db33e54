/* SPDX-License-Identifier: MIT
 *
 * Burning a package over SMP: check, upload, activate, reset, and wait until the new firmware has confirmed itself.
 *
 * A function and not only a command, so that batches, the demo and fault campaigns use the very same. Nothing is sent
 * before everything that can be refused here was refused here. The cable may be pulled and the device may lose power at
 * any time: it goes on as long as something gets ahead within the patience.
 */
#ifndef HF_BURN_H
#define HF_BURN_H

#include "board.h"
#include "burn_time.h"
#include "diag.h"
#include "keyset.h"
#include "package_read.h"
#include "smp_device.h"
#include "smp_upload.h"

enum hf_burn_stage {
	HF_BURN_CHECK,    /* the package by itself, then against the device */
	HF_BURN_CONNECT,
	HF_BURN_UPLOAD,
	HF_BURN_ACTIVATE,
	HF_BURN_RESET,
	HF_BURN_TRIAL,    /* the new firmware runs, and has to confirm itself */
};

enum hf_burn_outcome {
	HF_BURN_CONFIRMED,      /* the new firmware runs and has confirmed itself */
	HF_BURN_ALREADY,        /* it did before we came; nothing was sent */
	HF_BURN_UPLOADED,       /* written and verified; not activated, as asked */
	HF_BURN_BAD_PACKAGE,    /* damaged: nothing was sent */
	HF_BURN_REFUSED,        /* not for this device: nothing was sent */
	HF_BURN_NO_DEVICE,      /* nobody answers */
	HF_BURN_LINE,           /* somebody speaks, but cannot be understood, or not at the rate that is wanted */
	HF_BURN_SILENT,         /* it answered, and does not any more; the old firmware runs */
	HF_BURN_PORT_GONE,      /* the port itself vanished, and did not come back; the old firmware runs */
	HF_BURN_CHECK_FAILED,   /* a check before the upgrade: nothing was sent */
	HF_BURN_DEVICE_REFUSED, /* the device refused or reported an error; the old firmware runs */
	HF_BURN_ROLLED_BACK,    /* the new firmware was tried, and the device went back */
	HF_BURN_UNCONFIRMED,    /* it runs, and did not confirm itself in time */
	HF_BURN_CLOSED,         /* the ROM loader's way: readout protection; nothing was changed */
	HF_BURN_NO_ANSWER,      /* after the reset the device was not heard of again */
	HF_BURN_INTERRUPTED,    /* `stop` said so */
	HF_BURN_OUTCOMES
};

struct hf_burn_event {
	enum hf_burn_stage stage;
	uint64_t now_ms;
	uint32_t off, total; /* HF_BURN_UPLOAD */
	uint64_t skipped;    /* of off: what the device had already, or does not want, since the upload began */
	uint32_t left_ms;    /* until the end of all, as far as it can be told: from the upload on; 0: unknown */
	const char *text;    /* a sentence, NULL: only off moved. Borrowed */
};

/* What `permit` gets: the device as it was found, before anything in it is changed. */
struct hf_burn_door {
	struct hf_smp_client *client;
	struct hf_smp_rate *rate; /* may be raised; the upload goes on from there */
	const struct hf_smp_status *status;

	/* It may set. */
	enum hf_burn_outcome outcome; /* of an error; HF_BURN_DEVICE_REFUSED before, a line that is lost is told apart */
	uint32_t slowest_erase_ms;    /* as the device tells; 0: it does not */
};

/* Everything is borrowed for the call. */
struct hf_burn_options {
	struct hf_bytes package;
	const struct hf_board *board;   /* NULL: unknown; slots and RAM are then not rehearsed */
	const struct hf_keyset *keyset; /* NULL: unknown; signatures are then left to the device */
	const uint32_t *baud;           /* rates to try, in this order */
	unsigned bauds;                 /* 0: the line is left as it is */
	bool offered_rates;             /* upload at other rates too that the device offers */
	bool console_only;              /* upload in the console framing, at the rate at which it was found */
	uint32_t upload_baud;           /* upload at this rate, and no other; 0: the fastest that proves good */
	uint32_t patience_ms;           /* without anything getting ahead; 0: 60 s */
	uint32_t find_ms;               /* how long to look for it at first; 0: the patience */
	uint32_t confirm_ms;            /* from the reset to the confirmation; 0: 120 s */
	bool let_start;                 /* do not wake recovery in a device that just starts */
	bool in_firmware, in_recovery;  /* only what runs so is burned; neither: both */
	bool no_activate;
	bool await_only;                /* it is there already, by another way: wait for its confirmation, send nothing */
	bool any_release;               /* even of an older release: `permit` opens a session with a site key for it */
	bool reinstall;                 /* even if the device runs this very firmware */
	bool tests;                     /* the caller tests the firmware afterwards: counts for the time left */
	bool no_verify;                 /* send whatever it is: for tests of the device's own checks */

	/* Called before the device is changed, NULL: not. An error ends it all, with its sentence. */
	HF_MUST_USE enum hf_err (*permit)(void *ctx, struct hf_burn_door *door, struct hf_diag *diag);

	void (*event)(void *ctx, const struct hf_burn_event *event); /* NULL: none */
	void (*on_text)(void *ctx, uint8_t byte);                    /* the device's log; NULL: dropped */
	bool (*stop)(void *ctx);                                     /* NULL: never */
	void *ctx;
};

struct hf_burn_result {
	enum hf_burn_outcome outcome;
	enum hf_err err;             /* why, where there is a why */
	struct hf_diag diag;         /* the same in a sentence; "" on success */
	uint8_t id[HF_SHA256_BYTES]; /* the package's, as far as it could be read */
	bool status_known;
	struct hf_smp_status status; /* the device's, before */
	struct hf_smp_status after;  /* at the end, if it answered */
	uint32_t slot;               /* that was written */
	struct hf_smp_upload upload; /* its results */
	struct hf_smp_rate rate;     /* of the line, in the end */
	bool upload_done;            /* the device has it all, written and verified */
	uint32_t upload_baud;        /* at the beginning of the upload; 0: unknown */
	bool binary;                 /* its framing then */
	uint32_t timeouts, reopened, dropped; /* of the line, as we saw it */
	struct hf_account account;       /* where the time went */
	bool digest_known;
	uint8_t digest[HF_SHA256_BYTES]; /* the device's own of what runs, at the end */
	uint64_t begin_ms, upload_ms, uploaded_ms, end_ms; /* seam time; 0: not reached */
};

/* The result is filled whatever happens; its views borrow from the options. */
enum hf_burn_outcome hf_burn(const struct hf_serial *serial, const struct hf_burn_options *options,
			     struct hf_burn_result *result);

const char *hf_burn_outcome_text(enum hf_burn_outcome outcome); /* "rolled-back" */
const char *hf_burn_stage_text(enum hf_burn_stage stage);

/* ---- its checks (burn_check.c) ---- */

/* Is the package whole? Reads it, compares every payload with its signed digests, and with a keyset the signatures. */
HF_MUST_USE enum hf_err hf_burn_check_package(const struct hf_burn_options *o, struct hf_package *package,
					      struct hf_diag *diag);

/* Would this device take it? Puts the device's own questions with the device's own answers. */
HF_MUST_USE enum hf_err hf_burn_check_device(const struct hf_burn_options *o, const struct hf_package *package,
					     const struct hf_smp_status *status, struct hf_diag *diag);

/* The slot that the device will write. */
unsigned hf_burn_target(const struct hf_smp_status *status);

#endif

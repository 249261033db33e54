/* SPDX-License-Identifier: MIT
 *
 * A batch: one job, done to as many devices at once as there are ports. Each port is a lane (lane.c) with a child process of
 * its own; this engine starts them, keeps the books (ledger.h, passport.h) and says what happens. One thread, one poll.
 *
 * What is promised before what is shown: a record is on the disk before its PASS is told, a serial number is bound before it
 * leaves. Where one of the two cannot be written, no new device is taken.
 */
#ifndef HF_BATCH_H
#define HF_BATCH_H

#include "child.h"
#include "job.h"
#include "ledger.h"
#include "out.h"
#include "passport.h"

#define HF_BATCH_PORTS 256
#define HF_PORT_TEXT   256

enum hf_step { HF_STEP_PROBE, HF_STEP_FACTORY, HF_STEP_BURN, HF_STEP_SERIAL, HF_STEP_TEST, HF_STEPS };
const char *hf_step_text(enum hf_step step); /* "probe", "factory", "burn", "serial", "test" */

enum hf_lane_state {
	HF_LANE_EMPTY, /* looks for a device, when its turn comes */
	HF_LANE_SCAN,  /* waits for its serial number to be scanned */
	HF_LANE_WORK,  /* a child works on it */
	HF_LANE_PAUSE, /* before the next attempt */
	HF_LANE_DONE,  /* told; continuous: looks for the next device */
	HF_LANE_OVER,  /* nothing more happens here */
};

enum hf_lane_verdict { HF_VERDICT_NONE, HF_VERDICT_PASS, HF_VERDICT_FAIL, HF_VERDICT_STOPPED, HF_VERDICT_SKIPPED };

struct hf_batch;

struct hf_lane {
	struct hf_batch *batch;
	unsigned index;
	char port[HF_PORT_TEXT];
	enum hf_lane_state state;
	enum hf_step step;
	struct hf_child child;
	bool running;             /* the child */
	uint64_t due_ms;          /* of the next probe or attempt; monotonic */

	/* The device, from its first sign to its record. */
	char device[HF_DEVICE_TEXT], gone[HF_DEVICE_TEXT]; /* gone: the one that is done, and may still be there */
	char digest[65], version[64], board[64];
	bool has_serial, scanned;
	uint32_t number;
	char begin[HF_CHAIN_TIME];
	uint64_t begin_ms, end_ms; /* monotonic */
	uint64_t device_ms;       /* its own clock: all attempts */
	unsigned attempts;        /* of all steps together, the first one included */
	unsigned retries;
	char stage[32], text[HF_CHILD_WORDS];
	uint64_t off, total, off_from, off_t_ms; /* of an upload: where and when it began in this attempt */
	uint64_t left_ms;         /* as the child says; 0: it does not */
	enum hf_exit code;
	char reason[HF_CHILD_WORDS];
	json_t *tests, *sums;     /* what the record gets from the child's result */
	unsigned malformed;
	enum hf_lane_verdict verdict; /* of the last device that is done here */
};

struct hf_batch_options {
	const struct hf_job *job;
	const char *tool;         /* the program that burns */
	const char *operator_name, *station;
	uint32_t silence_ms;
	uint32_t at_once;         /* children; 0: as many as ports */
	bool continuous, again;
	bool scan;                /* serial numbers from standard input */
	int input;                /* that */
	char *const *extra;       /* options for every burn or factory, beside the job's: a site key; NULL: none */
	unsigned (*stops)(void *ctx); /* how often the user has asked to stop */
	void (*tell)(void *ctx, const struct hf_lane *lane, json_t *event); /* borrowed; lane NULL: the whole batch */
	void (*draw)(void *ctx, const struct hf_batch *batch);              /* now and then; NULL: never */
	void *ctx;
};

struct hf_batch {
	const struct hf_batch_options *o;
	struct hf_ledger *ledger; /* NULL: no serial numbers */
	struct hf_passports *records;
	struct hf_lane lane[HF_BATCH_PORTS];
	unsigned lanes;
	unsigned passed, failed, stopped, skipped; /* in this run */
	unsigned passed_before;
	unsigned unrecorded;
	uint64_t begin_ms, passed_ms; /* sum of the passed devices' time here, for the rate */
	unsigned asked;           /* how often the user has asked to stop */
	unsigned stop;            /* 1: no new devices; 2: those under way are stopped as well */
	bool interrupted, disk_full, no_serials, input_closed, input_over, job_changed;
	char why[HF_DIAG_BYTES];  /* why it stops */
	char job_id[65];
	char line[512];           /* of standard input */
	unsigned line_len, inputs; /* lines so far */
};

/* Runs. ports: names, borrowed. records and ledger are open; closing them is the caller's. Returns the exit code of the
 * command; what else there is to know was told. */
enum hf_exit hf_batch_run(struct hf_batch *b, const struct hf_batch_options *options, struct hf_ledger *ledger,
			  struct hf_passports *records, const char *const *ports, unsigned count);

/* ---- lane.c: for batch.c ---- */

/* What can go on goes on; waits for nothing. */
void hf_lane_turn(struct hf_lane *lane);
/* A scanned serial number for the lane, which is in HF_LANE_SCAN. False: diag says why not. */
bool hf_lane_scan(struct hf_lane *lane, uint32_t number, struct hf_diag *diag);
bool hf_lane_busy(const struct hf_lane *lane); /* a device is under way */
void hf_lane_free(struct hf_lane *lane);

/* ---- batch.c: for lane.c ---- */

/* Whether another device may be begun, and (lane) whether a child may be started for it now. */
bool hf_batch_may_start(const struct hf_batch *b, const struct hf_lane *lane);
void hf_batch_stop(struct hf_batch *b, const char *why);
/* A device is done: its record is written, and what came out is told. */
void hf_batch_done(struct hf_batch *b, struct hf_lane *lane, enum hf_lane_verdict verdict);
void hf_batch_tell(const struct hf_batch *b, const struct hf_lane *lane, json_t *event); /* given; gets t_ms, port, ... */
void hf_batch_note(const struct hf_batch *b, const struct hf_lane *lane, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is left of the device's time, in ms of its clock; 0: unknown. */
uint64_t hf_lane_left_ms(const struct hf_lane *lane);
/* How much of it is done, 0 to 100. */
unsigned hf_lane_percent(const struct hf_lane *lane);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A gateway on the table with the binaries that ship: its line, its light, its button, and what must never happen.
 *
 * Files come from the folder in the environment's HF_RECOVERY_FILES, which scripts/test-recovery.sh fills.
 */
#ifndef HF_TEST_RECOVERY_BENCH_H
#define HF_TEST_RECOVERY_BENCH_H

#include "check.h"

#include "file.h"
#include "package_read.h"
#include "rig.h"
#include "smp_device.h"
#include "smp_upload.h"

#define MS UINT64_C(1000000) /* of virtual time, in nanoseconds */
#define S  (1000 * MS)

struct bench {
	struct hf_board board;
	struct hf_rig *rig;
	struct hf_twin *twin;
	struct hf_serial serial;
	struct hf_smp_client client;
	uint32_t baud;        /* the adapter's */

	/* What the device said, from the last bench_listen() on; and every byte of it, for the client. */
	char heard[262144];
	size_t heard_len;
	uint8_t in[262144];
	size_t in_begin, in_end;

	/* What the twin noticed. */
	unsigned entered;     /* place whose code runs since the last reset; HF_PLACES: none yet */
	unsigned resets;
	enum hf_twin_reset cause; /* of the last one */
	unsigned wrong;       /* stalls, faults, lock-ups, misuse */
	char what[160];
};

extern struct bench bench;

/* Power off, flash as in FILE of the folder. */
void bench_open(const char *flash);
/* Fails the test if anything went wrong that must never. */
void bench_close(void);

/* A file of the folder. */
struct hf_buffer bench_file(const char *name);

/* A command of the twin's script: "press recovery for 2s". */
void bench_do(const char *command);
void bench_run(uint64_t ns);

/* Forgets what was heard. */
void bench_listen(void);
/* Runs until the device has said this since bench_listen(). */
void bench_await(const char *text, uint64_t limit_ns);
bool bench_heard(const char *text);
unsigned bench_heard_times(const char *text);

/* Sends bytes to the device as they are. */
void bench_type(const void *bytes, size_t len);

/* The light breathes: looks for up to ten seconds. */
void bench_await_breathing(void);
/* Runs until the code of a place is executed. */
void bench_await_place(unsigned place, uint64_t limit_ns);

/* The adapter's rate. */
void bench_set_baud(uint32_t baud);
/* Asks for the status, with patience. */
struct hf_smp_status bench_status(void);
/* Uploads a package of the folder, activates it, resets. */
void bench_burn(const char *package);
/* Only the upload: HF_OK, or why not; *answer is the refusal. */
enum hf_err bench_upload(const char *package, struct hf_smp_answer *answer);

/* The address of a function or variable of recovery, from the environment: HF_SYMBOL_name. */
uint32_t bench_symbol(const char *name);

#endif

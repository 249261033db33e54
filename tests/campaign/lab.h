/* SPDX-License-Identifier: MIT
 *
 * A gateway on a twin, and a client at its maintenance line, in one process: what a campaign of faults needs. The
 * binaries are the shipping ones; only crypto is answered natively.
 */
#ifndef HF_CAMPAIGN_LAB_H
#define HF_CAMPAIGN_LAB_H

#include "board.h"
#include "file.h"
#include "keyset.h"
#include "serial.h"
#include "slot.h"
#include "smp_client.h"
#include "state.h"
#include "modbus_slave.h"
#include "rig.h"
#include "twin.h"

#define LAB_MS 1000000ull /* nanoseconds */
#define LAB_PATIENCE_MS 20000u

struct lab_package {
	struct hf_buffer file;
	uint8_t id[HF_SHA256_BYTES];
};

struct lab {
	struct hf_board board;
	struct hf_buffer factory, keyset_bytes;
	struct hf_keyset keyset;
	struct hf_rig *rig;    /* wires the twin as the board says; time and events are taken from the twin itself */
	struct hf_twin *twin;
	struct hf_serial serial; /* the maintenance line, in virtual time */

	/* What the device does. */
	uint64_t reset_ns;  /* when the last reset was */
	uint8_t reset_cause; /* enum hf_twin_reset */
	unsigned heard;     /* bytes that the device has said since it entered a place */
	unsigned entered;   /* place that runs since the last reset; HF_PLACES: none yet */
	bool stop_on_enter;
	bool waits; /* the client does: run() returns when the device says something */
	bool stop_on_reset, was_reset;
	bool stop_on_flash; /* run() returns after each flash operation */
	bool stop_on_commit; /* the power goes as soon as a segment of an upload is committed */
	bool committed;      /* it did */
	unsigned errors;    /* stalls where there must be none, faults, lock-ups, and what `started` found */
	char error[160];

	uint32_t lsi_hz;        /* as the twin was opened */
	uint32_t patience_ms;   /* of the client, when nothing gets ahead */

	/* The client's frames: how many, how many bytes; and who may change them, or (false) take them away. */
	unsigned frames;
	uint64_t sent;
	bool (*meddle)(void *ctx, const uint8_t **data, size_t *len);
	void *meddle_ctx;

	/* Called when a place's code begins to run, from within the twin: may look (lab_slot, lab_state, lab_error), not act. */
	void (*started)(void *ctx);
	void *started_ctx;

	/* Called before bytes go to the device, and after each operation when stop_on_flash is set. */
	void (*moment)(void *ctx, bool sent);
	void *moment_ctx;

	/* Called by lab_start(), before power comes (on: false) and when firmware executes: NULL, or what is wrong. */
	const char *(*witness)(void *ctx, bool on);
	void *witness_ctx;

	const char *coverage; /* file that lab_coverage_write() appends to; NULL: none */

	struct hf_smp_client client;
	uint8_t in[65536]; /* a ring of what the device has said */
	unsigned in_begin, in_end;
};

/* Exits with a sentence where something is missing: campaigns have no use for half a laboratory. `elf`, ended by NULL:
 * whose crypto is answered natively. quick: erases take a fiftieth of their time, in which firmware only
 * waits, and time is counted coarsely. */
void lab_open(struct lab *r, const char *board, const char *factory, const char *keyset, const char *const elf[],
	      bool quick);
void lab_close(struct lab *r);
/* Notes from now on which branches of these ELFs are taken, under their files' names without `.elf`, for
 * lab_coverage_write() to append to a file: once in each process that played. scripts/coverage.sh reads it. */
void lab_coverage(struct lab *r, const char *const elf[], const char *file);
void lab_coverage_write(const struct lab *r);
void lab_file_read(const char *path, struct hf_buffer *out);
void lab_package_read(const struct lab *r, const char *path, struct lab_package *out);

/* Follows the device; for a listener that is put in front of it. */
void lab_event(void *ctx, const struct hf_twin_event *e);

/* Notes what is wrong; a sentence that lasts. */
void lab_error(struct lab *r, const char *why);

/* Runs for some time at most; false: the power went. */
bool lab_run(struct lab *r, uint64_t ns);

/* Runs until the next reset, at most so long; false: there was none, or the power went. The device has executed nothing of
 * what comes after it. */
bool lab_until_reset(struct lab *r, uint64_t ns);

/* Prints the last lines that the device said, as a comment. */
void lab_print_log(const struct lab *r);

/* Power on, and until a slot's firmware or recovery executes; false: none did within 90 s. */
bool lab_start(struct lab *r);

/* The image that a place holds, by the host's own verification; false: it holds none that may start. */
bool lab_slot(struct lab *r, unsigned place, struct hf_image *image);

/* What the journal says, read from flash without touching it. */
void lab_state(struct lab *r, struct hf_state *state);

/* Access to flash past the device: reads are the twin's, writes are dropped. */
struct hf_flash lab_flash(struct lab *r);

/* Uploads; wishes a trial, and resets; both; resets. After a reset `entered` is HF_PLACES until something runs. NULL, or why
 * not (static storage). */
const char *lab_upload(struct lab *r, const struct lab_package *p);
const char *lab_activate(struct lab *r, const struct lab_package *p);
const char *lab_upgrade(struct lab *r, const struct lab_package *p);
const char *lab_reset(struct lab *r);

/* The slaves on the bus: what they saw of the gateway's polls. */
struct hf_modbus_bench *lab_modbus(struct lab *r);

/* Waits until recovery's or a slot's code runs; false: none did in this time. */
bool lab_entered(struct lab *r, uint64_t ns);

/* Waits until the image with this id runs and is confirmed. */
bool lab_confirmed(struct lab *r, const uint8_t id[HF_SHA256_BYTES], uint64_t ns);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A gateway on the table: the twin with its pins connected as the board file says, the bench of Modbus slaves on its
 * bus, a power switch, a cable, a hand at the recovery button, and a script that moves them at given times.
 *
 * Tests and campaigns use it in process; the server and the pty are two ways to reach the same rig from outside.
 */
#ifndef HF_TWIN_RIG_H
#define HF_TWIN_RIG_H

#include "board.h"
#include "events.h"
#include "machine.h"
#include "script.h"

#define HF_RIG_COMMANDS 64    /* of a script that wait for their time */
#define HF_RIG_CUTS     8     /* one is armed, the others wait for it */
#define HF_RIG_ANSWER   2048

struct hf_rig;

enum hf_rig_port { HF_RIG_MAINTENANCE, HF_RIG_MODBUS, HF_RIG_PORTS };

struct hf_rig_config {
	const struct hf_board *board;   /* kept */
	struct hf_twin_config twin;
	uint8_t slaves;                 /* of the Modbus bench; 0: the bus is a port for peers */
	uint64_t slave_delay_ns;
	FILE *events;                   /* kept; NULL: none */
};

/* The board's defaults: three slaves that answer after 5 ms. */
void hf_rig_config_default(struct hf_rig_config *config, const struct hf_board *board);

/* The power is off, the flash is blank. Errors as hf_twin_open, with a sentence. */
HF_MUST_USE enum hf_err hf_rig_open(struct hf_rig **rig, const struct hf_rig_config *config, struct hf_diag *diag);
void hf_rig_close(struct hf_rig *rig);
struct hf_twin *hf_rig_twin(struct hf_rig *rig);

enum hf_rig_stop {
	HF_RIG_TIME,   /* the time asked for has come */
	HF_RIG_WOKEN,  /* hf_rig_wake() was called */
	HF_RIG_BROKEN, /* the model failed: hf_twin_error() says how */
};

/* Lets virtual time go on to until_ns; what the script does, and the power that comes back after a cut, happens on the
 * way. Returns early after hf_rig_wake(). */
enum hf_rig_stop hf_rig_run(struct hf_rig *rig, uint64_t until_ns);
void hf_rig_wake(struct hf_rig *rig);
uint64_t hf_rig_now_ns(const struct hf_rig *rig);

/* Executes a command now, or keeps it until its time. answer receives text (JSON for status, led, modbus).
 * HF_ERR_UNSUPPORTED for ADVANCE and QUIT, which are the caller's; HF_ERR_FULL; others with a sentence. */
HF_MUST_USE enum hf_err hf_rig_command(struct hf_rig *rig, const struct hf_command *command,
				       char answer[HF_RIG_ANSWER], struct hf_diag *diag);

/* The peer at a port: gets each byte that the device sends. Modbus only without slaves. fn = NULL: none. */
void hf_rig_listen(struct hf_rig *rig, enum hf_rig_port port, hf_twin_uart_fn *fn, void *ctx);
/* RTS and DTR of the adapter at the maintenance port (enum hf_lockstep_signal), for what `wire` has connected to them. */
void hf_rig_signals(struct hf_rig *rig, uint8_t signals);
char hf_rig_parity(const struct hf_rig *rig); /* of the pty's frames: 'N', 'E', 'O' */
bool hf_rig_port_free(const struct hf_rig *rig, enum hf_rig_port port);
/* Of the adapter between a port and its peer (`latency` of script.h); the server's clients wait for it. */
uint64_t hf_rig_latency(const struct hf_rig *rig, enum hf_rig_port port);
unsigned hf_rig_usart(const struct hf_rig *rig, enum hf_rig_port port);
const char *hf_rig_port_text(enum hf_rig_port port);

/* Whole flash, to and from a file. A missing file is a blank flash. */
HF_MUST_USE enum hf_err hf_rig_flash_load(struct hf_rig *rig, const char *path, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_rig_flash_save(struct hf_rig *rig, const char *path, struct hf_diag *diag);
/* The same for option bytes and one-time programmable bytes (hf_twin_system_get). */
HF_MUST_USE enum hf_err hf_rig_system_load(struct hf_rig *rig, const char *path, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_rig_system_save(struct hf_rig *rig, const char *path, struct hf_diag *diag);
/* What `status` answers; given. */
json_t *hf_rig_status(struct hf_rig *rig);
struct hf_events *hf_rig_events(struct hf_rig *rig);

#endif

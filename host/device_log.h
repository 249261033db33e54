/* SPDX-License-Identifier: MIT
 *
 * What a device's log lines mean: which stage it is in, and how often it has started. `monitor` shows it, `doctor` looks for
 * a device that restarts in a loop.
 *
 * The patterns are those of boot, recovery and the reference gateway (boot/report.c, recovery/say.c, gateway/duty.c,
 * port/upload_log.c); lines of other firmware are no stage. Pure: lines in, stage out.
 */
#ifndef HF_DEVICE_LOG_H
#define HF_DEVICE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_LOG_TEXT_BYTES 48

enum hf_log_stage {
	HF_LOG_UNKNOWN,     /* nothing was said yet */
	HF_LOG_BOOT,        /* boot begins; it verifies next */
	HF_LOG_VERIFYING,   /* boot has passed something over, and looks at the rest */
	HF_LOG_STARTING,    /* verified, and started */
	HF_LOG_TRIAL,       /* new firmware runs and has not confirmed itself yet */
	HF_LOG_RUNNING,
	HF_LOG_DEGRADED,    /* runs, its self-test failed */
	HF_LOG_CONFIRMED,
	HF_LOG_ROLLED_BACK, /* the firmware before the trial runs again */
	HF_LOG_UPLOADING,
	HF_LOG_WRITTEN,     /* an upload is complete and verified */
	HF_LOG_RECOVERY,    /* recovery waits */
	HF_LOG_ROM,         /* boot has left to the chip's own loader */
	HF_LOG_STAGES
};

struct hf_device_log {
	/* To be read. */
	enum hf_log_stage stage;
	unsigned percent;                /* of an upload */
	char version[HF_LOG_TEXT_BYTES]; /* that starts, runs, or is uploaded; "": not said */
	char slot;                       /* 'A', 'B'; 0: not said, or none */
	char board[HF_LOG_TEXT_BYTES];
	char device_id[33];              /* hexadecimal, as recovery says it; "": it was not there */
	char cause[HF_LOG_TEXT_BYTES];   /* of the last reset, as boot says it */
	char reason[HF_LOG_TEXT_BYTES];  /* why recovery runs */
	unsigned boots;                  /* boot's banners */
	unsigned slow_boots;             /* of them: without PLL */

	/* Private. */
	char trial_slot;    /* of the last start on trial that was not decided; 0: none */
	bool on_trial;      /* what boot started last is on trial */
	bool back;          /* what boot started last is what was there before a trial */
	uint32_t total;     /* bytes of the upload */
};

/* A line without its end. Returns whether stage or percent changed. */
bool hf_device_log_line(struct hf_device_log *l, const char *line);

/* The device has answered an upload: `off` bytes are there. The same result. */
bool hf_device_log_upload(struct hf_device_log *l, uint32_t off);

const char *hf_log_stage_text(enum hf_log_stage stage); /* "rolled back" */

/* The whole stage for people: "uploading 42 %", "trial 1.1.0 in A". Returns text. */
const char *hf_device_log_text(const struct hf_device_log *l, char *text, size_t room);

#endif

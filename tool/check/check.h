/* SPDX-License-Identifier: MIT
 *
 * The five checks before an upgrade, on a connected device: backup, package, pilot, hardware, way back. Each is one row or
 * several (host/row.h); a failed one stops the upgrade unless somebody with a name has waived it, and those that prevent a
 * brick cannot be waived.
 *
 * Rows, in this order: package, compatibility | pilot | link quality | backup (at the rate that proved good) | memory, supply,
 * temperature, clock | recovery, fallback, way-back packages. Nothing in the device's flash changes. Time is the serial seam's.
 */
#ifndef HF_CHECK_CHECK_H
#define HF_CHECK_CHECK_H

#include "after.h"
#include "board.h"
#include "keyset.h"
#include "waiver.h"

#define HF_CHECK_PACKAGES   32
#define HF_CHECK_PATH_BYTES 1024

/* Everything is borrowed for the call. */
struct hf_check_options {
	struct hf_bytes package;           /* len 0: none; what needs one is left out */
	const struct hf_board *board;      /* NULL: unknown */
	const struct hf_keyset *keyset;    /* NULL: unknown; signatures are then left to the device */
	const char *backup;                /* a file, or a directory; NULL: the usual one (XDG_DATA_HOME/holdfast/backup) */
	const char *pilot;                 /* a pilot's record; NULL: none */
	bool as_pilot;                     /* this device is the pilot */
	bool no_pilot;                     /* none is demanded: the product's project file says so */
	bool any_release;                  /* as in struct hf_burn_options */
	bool recovering;                   /* recovery runs: what it cannot answer is no failure. Where nothing else starts, no pilot and
					    * no packages to go back with are demanded */
	bool rescue;                       /* a gateway that stands still is brought back: neither is demanded, whatever else would start */
	const char *way_back[HF_CHECK_PACKAGES]; /* package files, or directories of them (*.suit) */
	unsigned way_backs;
	const char *package_file;          /* where the package was read from: its directory is searched where way_backs is 0; NULL: none */
	const struct hf_waivers *waivers;  /* after hf_waivers_check; NULL: none */
	const struct hf_limits *limits;    /* NULL: the defaults */
	uint32_t patience_ms;              /* 0: 60 s */
	void (*row)(void *ctx, const struct hf_row *row); /* each as it is found; NULL: none */
	void *ctx;
};

struct hf_check_result {
	unsigned count[HF_ROW_STATES];     /* rows */
	struct hf_diag diag;               /* "2 checks failed: supply, pilot; ..."; "" where all is well */
	char backup[HF_CHECK_PATH_BYTES];  /* the file that was written; "": none */
	struct hf_link_quality link;
	struct hf_after_reference reference; /* for hf_after_test */
	unsigned fallback;                 /* the place that the device falls back to; HF_PLACES: none that is known */
	uint32_t ms;
};

/* Runs all checks, even behind one that fails, so that they are mended at one go. `status` is the device's, just read. The
 * line is raised (hf_smp_rate_raise) for the link's check, lowered where it is not good enough, and stays so for the upload.
 *
 * HF_EXIT_OK: the upgrade may begin. HF_EXIT_CHECK: a check failed. HF_EXIT_DISK: the backup, or the log of a waiver, could
 * not be written. HF_EXIT_SILENT, HF_EXIT_PORT_GONE: the device or the port was lost. HF_EXIT_INTERRUPTED: the client's `stop`
 * said so. */
enum hf_exit hf_check(struct hf_smp_client *c, struct hf_smp_rate *rate, const struct hf_smp_status *status,
		      const struct hf_check_options *options, struct hf_check_result *result);

/* The usual file or directory for `what` ("backup", "waivers.log"): XDG_DATA_HOME/holdfast/WHAT or
 * ~/.local/share/holdfast/WHAT. HF_ERR_NOT_FOUND: neither is known. Creates the directory. HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_check_path(const char *what, char path[HF_CHECK_PATH_BYTES], struct hf_diag *diag);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The udev rule for USB serial adapters and for chips in their USB loader: access for who sits at the machine and for the
 * group dialout, ModemManager keeps off, FTDI adapters do not hold back what they receive.
 */
#ifndef HF_DOCTOR_UDEV_H
#define HF_DOCTOR_UDEV_H

#include <stdbool.h>

#include "diag.h"
#include "err.h"

#define HF_UDEV_DIRECTORY "/etc/udev/rules.d"
#define HF_UDEV_FILE      HF_UDEV_DIRECTORY "/60-holdfast.rules" /* before 73, where uaccess is looked at */

#define HF_UDEV_PACKAGED  "/usr/lib/udev/rules.d/60-holdfast.rules" /* where the Debian package has it */

/* The file's content. */
const char *hf_udev_rules(void);

enum hf_udev_state {
	HF_UDEV_NO_UDEV,   /* this machine has no directory for rules */
	HF_UDEV_MISSING,
	HF_UDEV_OTHER,     /* the file is there, and is not ours of today */
	HF_UDEV_INSTALLED,
};

enum hf_udev_state hf_udev_look(const char *root);

struct hf_udev_result {
	bool written;  /* false: it was there already, nothing was done */
	bool reloaded; /* udev has been told, and has looked at what is plugged in */
};

/* Installs it below root ("/"), unless it is there. Written as a whole or not at all. `run` executes a program of udev's
 * (argv ends with NULL) and returns its exit code, -1 where there is no such program; NULL: udev is not told.
 * HF_ERR_NOT_FOUND: no udev here; HF_ERR_DENIED: root's business; HF_ERR_IO. All with a sentence. */
HF_MUST_USE enum hf_err hf_udev_install(const char *root, int (*run)(const char *const *argv), struct hf_udev_result *out,
					struct hf_diag *diag);

/* For `run`: executes it without its output. */
int hf_udev_run(const char *const *argv);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What may be wrong with the computer: ports, permissions, programs that interfere, adapters that are slow or cannot be told
 * apart. Only looks; nothing is opened or sent. Rows: serial ports, permission, udev rule, port holders, ModemManager,
 * adapter latency, adapter names, brltty, other tools.
 */
#ifndef HF_DOCTOR_LAPTOP_H
#define HF_DOCTOR_LAPTOP_H

#include "findings.h"
#include "ports.h"

struct hf_laptop {
	const char *root;             /* "/" */
	const struct hf_ports *ports; /* of this machine, borrowed */
	const char *port;             /* path of the one that matters; NULL: all of them do */
	bool fix;                     /* install the udev rule */
	int (*run)(const char *const *argv); /* as hf_udev_install wants it */
	const char *path;             /* where programs are: the environment's PATH; NULL: nowhere */
};

void hf_doctor_laptop(struct hf_findings *f, const struct hf_laptop *l);

#endif

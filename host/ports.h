/* SPDX-License-Identifier: MIT
 *
 * Which serial ports this machine has, what they are, and who has them: by what the kernel and udev tell in sysfs, /proc
 * and /run/udev. No port is opened for it, and nothing is sent.
 *
 * Everything is read below a root directory, "/" in production; tests make a tree of their own. What cannot be found out
 * stays empty, and is never guessed.
 */
#ifndef HF_PORTS_H
#define HF_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

#define HF_PORTS_PATH    128
#define HF_PORTS_TEXT    128
#define HF_PORTS_HOLDERS 4
#define HF_PORTS_PROGRAM 32

struct hf_ports_holder {
	pid_t pid;                      /* 0: somebody has the port, and it cannot be seen who */
	char program[HF_PORTS_PROGRAM]; /* "minicom"; "" where it cannot be seen */
	bool locked;                    /* holds a lock on it, not only a descriptor */
};

struct hf_port_info {
	char path[HF_PORTS_PATH];  /* "/dev/ttyUSB0" */
	char by_id[HF_PORTS_PATH]; /* "/dev/serial/by-id/usb-FTDI_...-if00-port0": stays the same wherever it is plugged in; "": none */
	char driver[32];           /* "ftdi_sio", "cp210x", "cdc_acm", "serial8250"; "": unknown */
	bool usb;
	uint16_t vid, pid;         /* usb only, as the texts that follow */
	char manufacturer[HF_PORTS_TEXT], product[HF_PORTS_TEXT], serial[HF_PORTS_TEXT];
	char location[32];         /* "1-1.4": bus and hub ports; stays the same whatever is plugged in there */
	char interface[8];         /* "00"; "": no USB */
	int latency_ms;            /* for how long an FTDI adapter holds back what it has received; -1: unknown */

	bool may_use;              /* this user may read and write it */
	char group[32];            /* the group whose members may; "": none would help */
	bool group_later;          /* this user is in that group, but not yet in this session: log out and in again */

	unsigned holders;          /* further ones are left out */
	struct hf_ports_holder holder[HF_PORTS_HOLDERS];

	bool modem_manager;        /* ModemManager runs, and udev's rules do not keep it from opening this port */
};

struct hf_ports {
	struct hf_port_info *item;
	size_t count;
};

/* All ports, sorted by path (ttyUSB10 behind ttyUSB9). HF_ERR_IO: sysfs cannot be read, *out is empty. */
HF_MUST_USE enum hf_err hf_ports_list(const char *root, struct hf_ports *out, struct hf_diag *diag);
void hf_ports_free(struct hf_ports *ports);

/* One port by name: its path, a link to it (by-id), or any other terminal device (a pty), of which there is less to tell.
 * HF_ERR_NOT_FOUND: no such file; HF_ERR_TYPE: it is no terminal. */
HF_MUST_USE enum hf_err hf_ports_find(const char *root, const char *name, struct hf_port_info *out);

/* "minicom (pid 4711)", "minicom (pid 4711) and cat (pid 12)", "another program"; "" without a holder. Returns text. */
const char *hf_ports_holders_text(const struct hf_port_info *info, char *text, size_t room);

/* Why a port cannot be had, and what to do, to be put behind its name: "in use by minicom (pid 4711): end that first", "you may
 * not use it: ...". Return text. */
const char *hf_ports_why_held(const struct hf_port_info *info, char *text, size_t room);
const char *hf_ports_why_denied(const struct hf_port_info *info, char *text, size_t room);

/* What the port is, for people: "FTDI TTL232R-3V3 (FT9X1ABC)", "serial8250". Returns text. */
const char *hf_ports_what(const struct hf_port_info *info, char *text, size_t room);

#endif

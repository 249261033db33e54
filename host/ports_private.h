/* SPDX-License-Identifier: MIT
 *
 * The two halves of ports: what a port is (ports.c), and who has it (ports_holder.c).
 */
#ifndef HF_PORTS_PRIVATE_H
#define HF_PORTS_PRIVATE_H

#include "ports.h"

#define HF_PORTS_FILE 1024 /* longest path that is looked at */

/* "" for "/", so that paths can be put behind it. */
const char *hf_ports_prefix(const char *root);

/* A file's first line, without what could confuse a terminal and without spaces at its ends. False: there is none. */
bool hf_ports_line(char *to, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fills in who has these ports. */
void hf_ports_find_holders(const char *prefix, struct hf_port_info *item, size_t count);

/* Whether a program of this name runs. */
bool hf_ports_runs(const char *prefix, const char *program);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The maintenance UART as a pseudo terminal, for people and their terminal programs. The line settings that a program
 * makes on the pty are the far end's: at another baud rate than the device's it sees garbage.
 */
#ifndef HF_TWIN_PTY_H
#define HF_TWIN_PTY_H

#include "rig.h"

struct hf_pty;

HF_MUST_USE enum hf_err hf_pty_open(struct hf_pty **pty, struct hf_rig *rig, struct hf_diag *diag);
void hf_pty_close(struct hf_pty *pty); /* NULL: nothing happens */
const char *hf_pty_path(const struct hf_pty *pty);
int hf_pty_fd(const struct hf_pty *pty);
/* Carries bytes and line settings between pty and UART, without waiting. */
void hf_pty_exchange(struct hf_pty *pty);

#endif

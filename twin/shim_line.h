/* SPDX-License-Identifier: MIT
 *
 * A serial port that is a lockstep connection to the twin (lockstep.h): what libholdfast-shim.so puts in the place of a
 * terminal, as far as programs that talk to serial devices look at it. One port a process, one thread.
 *
 * Functions return as their namesakes of the C library do, with errno.
 */
#ifndef HF_TWIN_SHIM_LINE_H
#define HF_TWIN_SHIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#define SHIM_FOR_EVER (UINT64_MAX / 4)

/* Connects, and is the maintenance port from then on. The file descriptor, or -1. */
int shim_connect(const char *path, int flags);
/* fd is the port. */
bool shim_is(int fd);
bool shim_connected(void);
int shim_close(void);

/* Virtual time. wait: until the time has passed; false, with errno: an alarm came first, or the twin is gone. */
uint64_t shim_now_ns(void);
bool shim_wait(uint64_t ns);
/* The alarm in so many ns, 0: none; how much of the one before was left. */
uint64_t shim_alarm(uint64_t ns);

int shim_flags(int flags); /* sets O_NONBLOCK and the rest; -1: only asks */
ssize_t shim_read(void *buf, size_t len);
ssize_t shim_write(const void *buf, size_t len);
/* Waits until there is something to be read, for at most so long: how much there is; -1 with errno. */
ssize_t shim_readable(uint64_t ns);
int shim_drain(void);
void shim_flush_input(void);
void shim_attributes(struct termios *out);
int shim_set_attributes(const struct termios *t);
/* Changes RTS, DTR, break (enum hf_lockstep_signal) and returns them; -1. */
int shim_signals(uint8_t mask, uint8_t values);

#endif

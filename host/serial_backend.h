/* SPDX-License-Identifier: MIT
 *
 * The backends of host/serial.h, one file each; only serial.c and they include this.
 */
#ifndef HF_SERIAL_BACKEND_H
#define HF_SERIAL_BACKEND_H

#include "serial.h"

#define HF_SERIAL_WRITE_MS 5000u /* a peer that takes nothing for so long does not take it at all */

/* As hf_serial_open; `where` is the name without its prefix. */
enum hf_err hf_serial_port_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
				struct hf_diag *diag);
enum hf_err hf_serial_pty_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
			       struct hf_diag *diag);
enum hf_err hf_serial_tcp_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
			       struct hf_diag *diag);
enum hf_err hf_serial_rfc2217_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
				   struct hf_diag *diag);
enum hf_err hf_serial_lockstep_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
				    struct hf_diag *diag);

/* Whether `where` is a pseudo-terminal. */
bool hf_serial_is_pty(const char *where);

/* HOST:PORT, [HOST]:PORT; an IPv6 address needs the brackets. */
struct hf_serial_address {
	char *host, *port;
};

/* False: it is none, or memory is out; nothing is to be freed then. */
bool hf_serial_net_parse(const char *where, struct hf_serial_address *out);
void hf_serial_net_free(struct hf_serial_address *a);
/* HF_ERR_NOT_FOUND: no such host; HF_ERR_IO. *fd is -1 then, and *why says it (borrowed from the C library). */
enum hf_err hf_serial_net_connect(const struct hf_serial_address *to, int *fd, const char **why);

/* For backends in real time: a file descriptor that does not block, and the wall's clock. */
enum hf_err hf_serial_fd_read(int fd, void *buf, size_t cap, uint32_t timeout_ms, size_t *len);
enum hf_err hf_serial_fd_write(int fd, const void *data, size_t len);
/* Two programs on one line take each other's bytes and change each other's rate. False: another one has it; closing
 * ends the claim. */
bool hf_serial_fd_claim(int fd);
/* For HF_ERR_BUSY and HF_ERR_DENIED: who has the port at this path, or which group may use it. */
void hf_serial_explain(const char *where, enum hf_err err, struct hf_diag *diag);
uint64_t hf_serial_real_now_ms(void *ctx);
void hf_serial_real_sleep_ms(void *ctx, uint32_t ms);

#endif

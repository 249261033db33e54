/* SPDX-License-Identifier: MIT
 *
 * Raw TCP: a serial server's data port, or a simulator's. Line settings and pins are the server's own.
 */
#include <stdlib.h>
#include <unistd.h>

#include "serial_backend.h"

struct tcp {
	int fd; /* -1: lost */
	struct hf_serial_address to;
};

static enum hf_err tcp_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct tcp *t = ctx;

	return hf_serial_fd_read(t->fd, buf, cap, timeout_ms, len);
}

static enum hf_err tcp_write(void *ctx, const void *data, size_t len)
{
	struct tcp *t = ctx;

	return hf_serial_fd_write(t->fd, data, len);
}

static enum hf_err tcp_reopen(void *ctx)
{
	struct tcp *t = ctx;
	const char *why;

	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	return hf_serial_net_connect(&t->to, &t->fd, &why);
}

static void tcp_close(void *ctx)
{
	struct tcp *t = ctx;

	if (t->fd >= 0)
		close(t->fd);
	hf_serial_net_free(&t->to);
	free(t);
}

static const struct hf_serial_ops tcp_ops = {
	.read = tcp_read,
	.write = tcp_write,
	.reopen = tcp_reopen,
	.now_ms = hf_serial_real_now_ms,
	.sleep_ms = hf_serial_real_sleep_ms,
	.close = tcp_close,
};

enum hf_err hf_serial_tcp_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
			       struct hf_diag *diag)
{
	struct tcp *t = calloc(1, sizeof(*t));
	enum hf_err err = HF_ERR_RANGE;
	const char *why;

	(void)line;
	if (!t) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	t->fd = -1;
	if (!hf_serial_net_parse(where, &t->to)) {
		hf_diag_set(diag, "'tcp:%s' is no port: it takes the form tcp:HOST:PORT, an IPv6 address in brackets", where);
		goto failed;
	}
	err = hf_serial_net_connect(&t->to, &t->fd, &why);
	if (err) {
		hf_diag_set(diag, "tcp:%s cannot be reached: %s", where, why);
		goto failed;
	}
	*out = (struct hf_serial){&tcp_ops, t};
	return HF_OK;

failed:
	tcp_close(t);
	return err;
}

/* SPDX-License-Identifier: MIT
 *
 * Raw TCP: a serial server's data port, or a simulator's. Line settings and pins are the server's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serial_backend.h"

#define CONNECT_MS 5000

struct tcp {
	int fd; /* -1: lost */
	char *host;
	char *port;
};

static int connect_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	int failed = 0, one = 1;
	socklen_t len = sizeof(failed);

	if (fd < 0)
		return -1;
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (errno != EINPROGRESS)
			failed = errno;
		else if (poll(&p, 1, CONNECT_MS) != 1)
			failed = ETIMEDOUT;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
	}
	if (failed) {
		close(fd);
		errno = failed;
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static enum hf_err open_fd(struct tcp *t, const char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	int failed = getaddrinfo(t->host, t->port, &hints, &list);

	if (failed) {
		*why = gai_strerror(failed);
		return HF_ERR_NOT_FOUND;
	}
	for (struct addrinfo *a = list; a && t->fd < 0; a = a->ai_next)
		t->fd = connect_one(a);
	*why = strerror(errno);
	freeaddrinfo(list);
	return t->fd >= 0 ? HF_OK : HF_ERR_IO;
}

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
	return open_fd(t, &why);
}

static void tcp_close(void *ctx)
{
	struct tcp *t = ctx;

	if (t->fd >= 0)
		close(t->fd);
	free(t->host);
	free(t->port);
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

/* HOST:PORT, [HOST]:PORT */
static bool split(const char *where, struct tcp *t)
{
	const char *colon = strrchr(where, ':');
	size_t len = colon ? (size_t)(colon - where) : 0;

	if (len == 0 || !colon[1])
		return false;
	if (where[0] == '[' && where[len - 1] == ']' && len > 2)
		t->host = strndup(where + 1, len - 2);
	else
		t->host = strndup(where, len);
	t->port = strdup(colon + 1);
	return t->host && t->port;
}

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
	if (!split(where, t)) {
		hf_diag_set(diag, "'tcp:%s' is no port: it takes the form tcp:HOST:PORT", where);
		goto failed;
	}
	err = open_fd(t, &why);
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

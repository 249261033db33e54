/* SPDX-License-Identifier: MIT
 *
 * HOST:PORT, and a connection to it that does not wait for ever: a serial server without power is noticed within half a
 * minute, also while nothing is sent.
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

static void keep_alive(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 10},
		{IPPROTO_TCP, TCP_KEEPINTVL, 5}, {IPPROTO_TCP, TCP_KEEPCNT, 3},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

static int connect_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	int failed = 0;
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
	keep_alive(fd);
	return fd;
}

enum hf_err hf_serial_net_connect(const struct hf_serial_address *to, int *fd, const char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	int failed = getaddrinfo(to->host, to->port, &hints, &list);

	*fd = -1;
	if (failed) {
		*why = gai_strerror(failed);
		return HF_ERR_NOT_FOUND;
	}
	for (struct addrinfo *a = list; a && *fd < 0; a = a->ai_next)
		*fd = connect_one(a);
	*why = strerror(errno);
	freeaddrinfo(list);
	return *fd >= 0 ? HF_OK : HF_ERR_IO;
}

bool hf_serial_net_parse(const char *where, struct hf_serial_address *out)
{
	const char *colon = strrchr(where, ':');
	size_t len = colon ? (size_t)(colon - where) : 0;

	*out = (struct hf_serial_address){0};
	if (len == 0 || !colon[1])
		return false;
	if (where[0] == '[' && where[len - 1] == ']' && len > 2)
		out->host = strndup(where + 1, len - 2);
	else if (where[0] != '[')
		out->host = strndup(where, len);
	out->port = strdup(colon + 1);
	if (out->host && out->port)
		return true;
	hf_serial_net_free(out);
	return false;
}

void hf_serial_net_free(struct hf_serial_address *a)
{
	free(a->host);
	free(a->port);
	*a = (struct hf_serial_address){0};
}

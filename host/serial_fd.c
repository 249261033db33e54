/* SPDX-License-Identifier: MIT
 *
 * Bytes and time for backends that are a file descriptor in real time.
 */
#include <errno.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ports.h"
#include "serial_backend.h"

uint64_t hf_serial_real_now_ms(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void hf_serial_real_sleep_ms(void *ctx, uint32_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)ctx;
	nanosleep(&time, NULL); /* a signal may end it early, so that an interrupt is noticed */
}

bool hf_serial_fd_claim(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void hf_serial_explain(const char *where, enum hf_err err, struct hf_diag *diag)
{
	struct hf_port_info info = {0};
	char why[256];

	if (hf_ports_find("/", where, &info) != HF_OK)
		info.holders = 0;
	if (err == HF_ERR_BUSY)
		hf_diag_set(diag, "%s is %s", where, hf_ports_why_held(&info, why, sizeof(why)));
	else
		hf_diag_set(diag, "%s: %s", where, hf_ports_why_denied(&info, why, sizeof(why)));
}

/* HF_OK: ready, or closed, which the next call will tell. */
static enum hf_err wait_for(int fd, short events, uint32_t timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);

	if (n > 0)
		return HF_OK;
	return n == 0 || errno == EINTR ? HF_ERR_TIMEOUT : HF_ERR_IO;
}

enum hf_err hf_serial_fd_read(int fd, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	enum hf_err err;
	ssize_t n;

	*len = 0;
	if (fd < 0)
		return HF_ERR_IO;
	err = wait_for(fd, POLLIN, timeout_ms);
	if (err)
		return err;
	n = read(fd, buf, cap);
	if (n > 0) {
		*len = (size_t)n;
		return HF_OK;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? HF_ERR_TIMEOUT : HF_ERR_IO;
}

enum hf_err hf_serial_fd_write(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t until = hf_serial_real_now_ms(NULL) + HF_SERIAL_WRITE_MS;

	if (fd < 0)
		return HF_ERR_IO;
	while (len > 0) {
		uint64_t now = hf_serial_real_now_ms(NULL);
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL); /* a peer that hung up is an error here, and must not end the program */

		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return HF_ERR_IO;
		if (now >= until)
			return HF_ERR_TIMEOUT;
		if (wait_for(fd, POLLOUT, (uint32_t)(until - now)) == HF_ERR_IO)
			return HF_ERR_IO;
	}
	return HF_OK;
}

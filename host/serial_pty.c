/* SPDX-License-Identifier: MIT
 *
 * Pseudo-terminals: what the twin in real time and socat offer. They have no baud rate, no parity and no pins; settings
 * are taken where termios knows them, so that a peer which looks at them sees them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "serial_backend.h"

#define PTY_MAJOR_FIRST 136 /* Linux: Unix98 pseudo-terminals */
#define PTY_MAJOR_LAST  143

struct pty {
	int fd; /* -1: lost */
	struct hf_serial_line line;
	char name[];
};

bool hf_serial_is_pty(const char *where)
{
	struct stat st;

	if (stat(where, &st) != 0 || !S_ISCHR(st.st_mode))
		return false;
	return major(st.st_rdev) >= PTY_MAJOR_FIRST && major(st.st_rdev) <= PTY_MAJOR_LAST;
}

static speed_t speed_of(uint32_t baud)
{
	static const struct {
		uint32_t baud;
		speed_t speed;
	} known[] = {
		{9600, B9600},     {19200, B19200},   {38400, B38400},   {57600, B57600},   {115200, B115200},
		{230400, B230400}, {460800, B460800}, {921600, B921600}, {1000000, B1000000},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].baud == baud)
			return known[i].speed;
	}
	return B38400; /* what pseudo-terminals start with */
}

static enum hf_err apply(int fd, const struct hf_serial_line *line)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return HF_ERR_IO;
	cfmakeraw(&t);
	cfsetspeed(&t, speed_of(line->baud));
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSANOW, &t) == 0 ? HF_OK : HF_ERR_IO;
}

static enum hf_err open_fd(struct pty *p)
{
	int fd = open(p->name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? HF_ERR_NOT_FOUND : errno == EACCES ? HF_ERR_DENIED : errno == EBUSY ? HF_ERR_BUSY : HF_ERR_IO;
	if (!hf_serial_fd_claim(fd)) {
		close(fd);
		return HF_ERR_BUSY;
	}
	if (apply(fd, &p->line)) {
		close(fd);
		return HF_ERR_IO;
	}
	p->fd = fd;
	return HF_OK;
}

static enum hf_err pty_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct pty *p = ctx;

	return hf_serial_fd_read(p->fd, buf, cap, timeout_ms, len);
}

static enum hf_err pty_write(void *ctx, const void *data, size_t len)
{
	struct pty *p = ctx;

	return hf_serial_fd_write(p->fd, data, len);
}

static enum hf_err pty_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct pty *p = ctx;

	p->line = *line;
	return p->fd < 0 ? HF_ERR_IO : apply(p->fd, line);
}

static enum hf_err pty_reopen(void *ctx)
{
	struct pty *p = ctx;

	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	return open_fd(p);
}

static void pty_close(void *ctx)
{
	struct pty *p = ctx;

	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static const struct hf_serial_ops pty_ops = {
	.read = pty_read,
	.write = pty_write,
	.set_line = pty_set_line,
	.reopen = pty_reopen,
	.now_ms = hf_serial_real_now_ms,
	.sleep_ms = hf_serial_real_sleep_ms,
	.close = pty_close,
};

enum hf_err hf_serial_pty_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
			       struct hf_diag *diag)
{
	size_t len = strlen(where) + 1;
	struct pty *p = malloc(sizeof(*p) + len);
	enum hf_err err;

	if (!p) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	p->fd = -1;
	p->line = *line;
	memcpy(p->name, where, len);
	err = open_fd(p);
	if (err) {
		if (err == HF_ERR_BUSY || err == HF_ERR_DENIED)
			hf_serial_explain(where, err, diag);
		else
			hf_diag_set(diag, "%s cannot be opened: %s", where, strerror(errno));
		free(p);
		return err;
	}
	*out = (struct hf_serial){&pty_ops, p};
	return HF_OK;
}

/* SPDX-License-Identifier: MIT
 *
 * The slave side is kept open here as well: without that, reading the other side fails as soon as the first program
 * that used the pty has left. What no program reads is lost when the system's buffer is full, as with a serial port.
 */
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "usart.h"

enum { CHUNK = 1024 };

struct hf_pty {
	struct hf_rig *rig;
	int fd;
	int slave;
	char path[64];
	struct hf_twin_line line;
	uint8_t out[CHUNK];
	size_t out_len;
};

static const struct {
	speed_t speed;
	uint32_t baud;
} speeds[] = {
	{ B1200, 1200 },     { B2400, 2400 },     { B4800, 4800 },     { B9600, 9600 },
	{ B19200, 19200 },   { B38400, 38400 },   { B57600, 57600 },   { B115200, 115200 },
	{ B230400, 230400 }, { B460800, 460800 }, { B500000, 500000 }, { B576000, 576000 },
	{ B921600, 921600 }, { B1000000, 1000000 }, { B1500000, 1500000 }, { B2000000, 2000000 },
};

#define SPEEDS (sizeof(speeds) / sizeof(speeds[0]))

static void flush_out(struct hf_pty *pty)
{
	ssize_t n = write(pty->fd, pty->out, pty->out_len);
	(void)n; /* what does not fit is lost: nobody reads */
	pty->out_len = 0;
}

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct hf_pty *pty = ctx;
	(void)at_ns;
	if (pty->out_len == CHUNK)
		flush_out(pty);
	pty->out[pty->out_len++] = byte;
}

static bool set_raw(int fd, const struct hf_line_format *format)
{
	struct termios t;
	if (tcgetattr(fd, &t) != 0)
		return false;
	cfmakeraw(&t);
	for (size_t i = 0; i < SPEEDS; i++)
		if (hf_line_format_of(speeds[i].baud, 8, 'N', 1).bit_ps == format->bit_ps)
			cfsetspeed(&t, speeds[i].speed);
	return tcsetattr(fd, TCSANOW, &t) == 0;
}

enum hf_err hf_pty_open(struct hf_pty **out, struct hf_rig *rig, struct hf_diag *diag)
{
	struct hf_pty *pty = calloc(1, sizeof(*pty));
	if (pty == NULL) {
		hf_diag_set(diag, "there is no memory for a pty");
		return HF_ERR_IO;
	}
	pty->rig = rig;
	pty->slave = -1;
	unsigned usart = hf_rig_usart(rig, HF_RIG_MAINTENANCE);
	const struct hf_line_format *format = hf_usart_far_format(hf_twin_machine(hf_rig_twin(rig)), usart);
	pty->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (pty->fd < 0 || grantpt(pty->fd) != 0 || unlockpt(pty->fd) != 0 ||
	    ptsname_r(pty->fd, pty->path, sizeof(pty->path)) != 0)
		goto fail;
	pty->slave = open(pty->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->slave < 0 || !set_raw(pty->slave, format))
		goto fail;
	hf_rig_listen(rig, HF_RIG_MAINTENANCE, hear, pty);
	*out = pty;
	return HF_OK;
fail:
	hf_diag_set(diag, "no pseudo terminal can be made: %s", strerror(errno));
	hf_pty_close(pty);
	return HF_ERR_IO;
}

void hf_pty_close(struct hf_pty *pty)
{
	if (pty == NULL)
		return;
	hf_rig_listen(pty->rig, HF_RIG_MAINTENANCE, NULL, NULL);
	if (pty->slave >= 0)
		close(pty->slave);
	if (pty->fd >= 0)
		close(pty->fd);
	free(pty);
}

const char *hf_pty_path(const struct hf_pty *pty)
{
	return pty->path;
}

int hf_pty_fd(const struct hf_pty *pty)
{
	return pty->fd;
}

/* The system forces 8 data bits and no parity on ptys; rate and stop bits are the program's, parity is the rig's. */
static void follow_settings(struct hf_pty *pty)
{
	struct termios t;
	if (tcgetattr(pty->fd, &t) != 0)
		return;
	struct hf_twin_line line = { 0, 8, (uint8_t)hf_rig_parity(pty->rig), (uint8_t)((t.c_cflag & CSTOPB) != 0 ? 2 : 1) };
	for (size_t i = 0; i < SPEEDS; i++)
		if (speeds[i].speed == cfgetospeed(&t))
			line.baud = speeds[i].baud;
	if (line.baud == 0 || (line.baud == pty->line.baud && line.stop_bits == pty->line.stop_bits &&
				line.parity == pty->line.parity))
		return;
	pty->line = line;
	hf_twin_uart_line(hf_rig_twin(pty->rig), hf_rig_usart(pty->rig, HF_RIG_MAINTENANCE), &line);
}

void hf_pty_exchange(struct hf_pty *pty)
{
	struct hf_twin *twin = hf_rig_twin(pty->rig);
	unsigned usart = hf_rig_usart(pty->rig, HF_RIG_MAINTENANCE);
	uint8_t in[CHUNK];
	if (pty->out_len > 0)
		flush_out(pty);
	follow_settings(pty);
	if (HF_USART_QUEUE - hf_twin_uart_queued(twin, usart) < CHUNK)
		return;
	ssize_t n = read(pty->fd, in, sizeof(in));
	if (n > 0)
		(void)!hf_twin_uart_send(twin, usart, in, (size_t)n);
}

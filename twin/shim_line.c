/* SPDX-License-Identifier: MIT
 *
 * The port's state is kept as a terminal's driver keeps it: settings, what came and was not read, how long what was
 * written takes on the line. Writing returns when the driver's buffer has room, as it does on a real port.
 */
#include "shim_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"

#define HEADER        13
#define INPUT         65536
#define WRITE_CHUNK   32768
#define DRIVER_BUFFER 4096 /* bytes that a driver takes before writing waits */

static struct {
	int fd;
	bool open;
	int flags;
	uint64_t now_ns;
	uint64_t sent_ns; /* when everything that was written has left */
	uint64_t alarm_ns;
	uint8_t signals;
	struct termios t;
	uint8_t in[INPUT];
	size_t in_at, in_len;
} port = { .fd = -1 };

static const struct {
	speed_t speed;
	uint32_t baud;
} speeds[] = {
	{ B300, 300 },       { B600, 600 },         { B1200, 1200 },       { B1800, 1800 },
	{ B2400, 2400 },     { B4800, 4800 },       { B9600, 9600 },       { B19200, 19200 },
	{ B38400, 38400 },   { B57600, 57600 },     { B115200, 115200 },   { B230400, 230400 },
	{ B460800, 460800 }, { B500000, 500000 },   { B576000, 576000 },   { B921600, 921600 },
	{ B1000000, 1000000 }, { B1152000, 1152000 }, { B1500000, 1500000 }, { B2000000, 2000000 },
	{ B2500000, 2500000 }, { B3000000, 3000000 }, { B3500000, 3500000 }, { B4000000, 4000000 },
};

#define SPEEDS (sizeof(speeds) / sizeof(speeds[0]))

/* ---- requests ---- */

static bool send_all(const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(port.fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_all(uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(port.fd, bytes, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool skip(size_t len)
{
	uint8_t waste[256];

	for (; len > sizeof(waste); len -= sizeof(waste))
		if (!receive_all(waste, sizeof(waste)))
			return false;
	return receive_all(waste, len);
}

/* What the answer holds beyond cap is lost. -1: refused (EINVAL) or gone (EIO). */
static ssize_t ask(char op, uint64_t arg, const void *payload, size_t len, uint8_t *answer, size_t cap)
{
	uint8_t header[HEADER];
	size_t got;

	header[0] = (uint8_t)op;
	store_le64(header + 1, arg);
	store_le32(header + 9, (uint32_t)len);
	if (!send_all(header, HEADER) || !send_all(payload, len) || !receive_all(header, HEADER))
		goto gone;
	port.now_ns = load_le64(header + 1);
	got = load_le32(header + 9);
	if (!receive_all(answer, got < cap ? got : cap) || (got > cap && !skip(got - cap)))
		goto gone;
	if (header[0] == 0)
		return (ssize_t)(got < cap ? got : cap);
	errno = EINVAL;
	return -1;
gone:
	errno = EIO;
	return -1;
}

/* ---- time ---- */

uint64_t shim_now_ns(void)
{
	return port.now_ns;
}

/* An alarm that is due goes off now. */
static bool alarmed(void)
{
	if (port.alarm_ns == 0 || port.now_ns < port.alarm_ns)
		return false;
	port.alarm_ns = 0;
	raise(SIGALRM);
	errno = EINTR;
	return true;
}

static uint64_t until_alarm(uint64_t ns)
{
	uint64_t left = port.alarm_ns > port.now_ns ? port.alarm_ns - port.now_ns : 0;

	return port.alarm_ns != 0 && left < ns ? left : ns;
}

uint64_t shim_alarm(uint64_t ns)
{
	uint64_t left = until_alarm(SHIM_FOR_EVER);

	port.alarm_ns = ns != 0 ? port.now_ns + ns : 0;
	return left < SHIM_FOR_EVER ? left : 0;
}

bool shim_wait(uint64_t ns)
{
	uint64_t end = port.now_ns + ns;

	while (port.now_ns < end) {
		if (ask('S', until_alarm(end - port.now_ns), NULL, 0, NULL, 0) < 0 || alarmed())
			return false;
	}
	return true;
}

/* ---- the port ---- */

bool shim_is(int fd)
{
	return port.open && fd == port.fd;
}

bool shim_connected(void)
{
	return port.open;
}

static uint32_t baud_of(const struct termios *t)
{
	for (size_t i = 0; i < SPEEDS; i++)
		if (speeds[i].speed == cfgetospeed(t))
			return speeds[i].baud;
	return 0;
}

static uint8_t data_bits(const struct termios *t)
{
	switch (t->c_cflag & CSIZE) {
	case CS5: return 5;
	case CS6: return 6;
	case CS7: return 7;
	default: return 8;
	}
}

int shim_set_attributes(const struct termios *t)
{
	uint8_t line[7];

	if (cfgetospeed(t) != B0) {
		store_le32(line, baud_of(t));
		line[4] = data_bits(t);
		line[5] = (t->c_cflag & PARENB) == 0 ? 'N' : (t->c_cflag & PARODD) != 0 ? 'O' : 'E';
		line[6] = (t->c_cflag & CSTOPB) != 0 ? 2 : 1;
		if (ask('B', 0, line, sizeof(line), NULL, 0) < 0)
			return -1;
	}
	port.t = *t;
	return 0;
}

void shim_attributes(struct termios *out)
{
	*out = port.t;
}

static void default_attributes(struct termios *t)
{
	memset(t, 0, sizeof(*t));
	t->c_iflag = ICRNL | IXON;
	t->c_oflag = OPOST | ONLCR;
	t->c_cflag = CS8 | CREAD | HUPCL | CLOCAL;
	t->c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN;
	t->c_cc[VMIN] = 1;
	cfsetspeed(t, B9600);
}

int shim_connect(const char *path, int flags)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct termios t;

	if (port.open) {
		errno = EBUSY;
		return -1;
	}
	if (strlen(path) >= sizeof(where.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(where.sun_path, path);
	memset(&port, 0, sizeof(port));
	port.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (port.fd < 0)
		return -1;
	port.flags = flags & (O_ACCMODE | O_NONBLOCK);
	default_attributes(&t);
	if (connect(port.fd, (const struct sockaddr *)&where, sizeof(where)) != 0 ||
	    ask('H', 0, "maintenance", 11, NULL, 0) < 0 || shim_set_attributes(&t) != 0) {
		int why = errno;

		shim_close();
		errno = why == EINVAL ? EBUSY : why;
		return -1;
	}
	port.open = true;
	return port.fd;
}

int shim_close(void)
{
	port.open = false;
	return shutdown(port.fd, SHUT_RDWR), 0;
}

int shim_flags(int flags)
{
	if (flags >= 0)
		port.flags = (port.flags & O_ACCMODE) | (flags & ~O_ACCMODE);
	return port.flags;
}

int shim_signals(uint8_t mask, uint8_t values)
{
	const uint8_t change[2] = { mask, values };

	return ask('L', 0, change, 2, &port.signals, 1) == 1 ? port.signals : -1;
}

/* ---- writing ---- */

/* How long so many bytes take on the line. */
static uint64_t line_ns(uint64_t len)
{
	unsigned bits = 1u + data_bits(&port.t) + ((port.t.c_cflag & PARENB) != 0) + ((port.t.c_cflag & CSTOPB) ? 2u : 1u);
	uint32_t baud = baud_of(&port.t);

	return baud != 0 ? len * bits * 1000000000u / baud : 0;
}

ssize_t shim_write(const void *buf, size_t len)
{
	uint64_t buffered = line_ns(DRIVER_BUFFER);

	len = len < WRITE_CHUNK ? len : WRITE_CHUNK;
	if ((port.flags & O_NONBLOCK) != 0 && port.sent_ns > port.now_ns + buffered) {
		errno = EAGAIN;
		return -1;
	}
	if (ask('W', 0, buf, len, NULL, 0) < 0)
		return -1;
	port.sent_ns = (port.sent_ns > port.now_ns ? port.sent_ns : port.now_ns) + line_ns(len);
	if ((port.flags & O_NONBLOCK) == 0 && port.sent_ns > port.now_ns + buffered)
		(void)shim_wait(port.sent_ns - port.now_ns - buffered); /* it is written all the same */
	return (ssize_t)len;
}

int shim_drain(void)
{
	return port.sent_ns <= port.now_ns || shim_wait(port.sent_ns - port.now_ns) ? 0 : -1;
}

/* ---- reading ---- */

ssize_t shim_readable(uint64_t ns)
{
	uint8_t most[4];
	uint64_t end = port.now_ns + ns;
	ssize_t got;

	if (port.in_len > port.in_at)
		return (ssize_t)(port.in_len - port.in_at);
	port.in_at = port.in_len = 0;
	store_le32(most, INPUT);
	do {
		got = ask('R', until_alarm(end - port.now_ns), most, sizeof(most), port.in, INPUT);
		if (got < 0 || (got == 0 && alarmed()))
			return -1;
	} while (got == 0 && port.now_ns < end);
	port.in_len = (size_t)got;
	return got;
}

void shim_flush_input(void)
{
	while (shim_readable(0) > 0)
		port.in_at = port.in_len = 0;
}

static size_t take(uint8_t *buf, size_t len)
{
	size_t there = port.in_len - port.in_at;

	len = len < there ? len : there;
	memcpy(buf, port.in + port.in_at, len);
	port.in_at += len;
	return len;
}

/* termios(3), "Canonical and noncanonical mode": the four cases of VMIN and VTIME. */
ssize_t shim_read(void *buf, size_t len)
{
	const bool waits = (port.flags & O_NONBLOCK) == 0;
	const uint64_t pause = port.t.c_cc[VTIME] * 100000000ull;
	size_t least = waits ? port.t.c_cc[VMIN] : 0, got = 0;

	least = least < len ? least : len;
	do {
		uint64_t limit = !waits ? 0 : least == 0 || got > 0 ? pause : SHIM_FOR_EVER;
		ssize_t there = shim_readable(got > 0 && pause == 0 && least > got ? SHIM_FOR_EVER : limit);

		if (there < 0)
			return got > 0 ? (ssize_t)got : -1;
		if (there == 0)
			break;
		got += take((uint8_t *)buf + got, len - got);
	} while (got < least);
	if (got == 0 && !waits) {
		errno = EAGAIN;
		return -1;
	}
	return (ssize_t)got;
}

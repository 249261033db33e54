/* SPDX-License-Identifier: MIT
 *
 * libholdfast-shim.so: lets a program that was made for serial ports talk to the twin in lockstep.
 *
 *   LD_PRELOAD=libholdfast-shim.so stm32flash -b 115200 lockstep:twin.sock
 *
 * A port whose name begins with "lockstep:" is a connection to that socket. From then on the program's clocks, sleeps
 * and time-outs are the twin's virtual time, so that what it does takes the same time on every run and machine; until
 * then, and for other files, everything is the C library's. The clocks go on from the next whole second of the real
 * ones, so that time-outs in whole seconds begin at the same phase each time.
 */
#undef _FILE_OFFSET_BITS /* or open() is another name for open64(), which is defined here as well */
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lockstep.h"
#include "shim_line.h"

#define S 1000000000ull
#define PREFIX "lockstep:"

/* The C library's function behind ours. */
#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static uint64_t epoch_ns[2]; /* what CLOCK_REALTIME and CLOCK_MONOTONIC showed at virtual time 0 */

/* ---- clocks ---- */

static uint64_t real_ns(clockid_t clock)
{
	struct timespec t;

	REAL(clock_gettime)(clock, &t);
	return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static void start_clocks(void)
{
	static const clockid_t clocks[2] = { CLOCK_REALTIME, CLOCK_MONOTONIC };

	for (unsigned i = 0; i < 2; i++)
		epoch_ns[i] = (real_ns(clocks[i]) / S + 1) * S;
}

static bool is_virtual(clockid_t clock)
{
	return shim_connected() && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID;
}

static uint64_t clock_ns(clockid_t clock)
{
	bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;

	return epoch_ns[wall ? 0 : 1] + shim_now_ns();
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (!is_virtual(clock))
		return REAL(clock_gettime)(clock, t);
	t->tv_sec = (time_t)(clock_ns(clock) / S);
	t->tv_nsec = (long)(clock_ns(clock) % S);
	return 0;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	if (!shim_connected())
		return REAL(gettimeofday)(t, zone);
	t->tv_sec = (time_t)(clock_ns(CLOCK_REALTIME) / S);
	t->tv_usec = (suseconds_t)(clock_ns(CLOCK_REALTIME) % S / 1000);
	return 0;
}

time_t time(time_t *out)
{
	time_t now;

	if (!shim_connected())
		return REAL(time)(out);
	now = (time_t)(clock_ns(CLOCK_REALTIME) / S);
	if (out)
		*out = now;
	return now;
}

/* ---- sleeping ---- */

static uint64_t timespec_ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * S + (uint64_t)t->tv_nsec;
}

/* Until virtual time `end`; what is left if an alarm comes first. */
static int sleep_until(uint64_t end, struct timespec *left)
{
	uint64_t now = shim_now_ns();

	if (end <= now || shim_wait(end - now))
		return 0;
	now = shim_now_ns();
	if (left && now < end)
		*left = (struct timespec){ (time_t)((end - now) / S), (long)((end - now) % S) };
	return -1;
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
	if (!shim_connected())
		return REAL(nanosleep)(t, left);
	return sleep_until(shim_now_ns() + timespec_ns(t), left);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *t, struct timespec *left)
{
	uint64_t begin;

	if (!is_virtual(clock))
		return REAL(clock_nanosleep)(clock, flags, t, left);
	begin = flags & TIMER_ABSTIME ? clock_ns(clock) : 0;
	if (timespec_ns(t) <= begin)
		return 0;
	return sleep_until(shim_now_ns() + timespec_ns(t) - begin, left) == 0 ? 0 : errno;
}

int usleep(useconds_t us)
{
	if (!shim_connected())
		return REAL(usleep)(us);
	return sleep_until(shim_now_ns() + us * 1000ull, NULL);
}

unsigned sleep(unsigned seconds)
{
	struct timespec left = { 0, 0 };

	if (!shim_connected())
		return REAL(sleep)(seconds);
	return sleep_until(shim_now_ns() + seconds * S, &left) == 0 ? 0 : (unsigned)left.tv_sec + (left.tv_nsec > 0);
}

unsigned alarm(unsigned seconds)
{
	if (!shim_connected())
		return REAL(alarm)(seconds);
	return (unsigned)((shim_alarm(seconds * S) + S - 1) / S);
}

/* ---- opening and closing ---- */

static bool is_ours(const char *path)
{
	return path && strncmp(path, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static int open_port(const char *path, int flags)
{
	int fd = shim_connect(path + sizeof(PREFIX) - 1, flags);

	if (fd >= 0)
		start_clocks();
	return fd;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return is_ours(path) ? open_port(path, flags) : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return is_ours(path) ? open_port(path, flags) : REAL(open64)(path, flags, mode);
}

int __open_2(const char *path, int flags); /* what fortified programs call */
int __open_2(const char *path, int flags)
{
	return is_ours(path) ? open_port(path, flags) : REAL(open)(path, flags);
}

int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags)
{
	return is_ours(path) ? open_port(path, flags) : REAL(open64)(path, flags);
}

int close(int fd)
{
	if (shim_is(fd))
		shim_close();
	return REAL(close)(fd);
}

int access(const char *path, int how)
{
	return REAL(access)(is_ours(path) ? path + sizeof(PREFIX) - 1 : path, how);
}

/* ---- reading, writing, waiting ---- */

ssize_t read(int fd, void *buf, size_t len)
{
	return shim_is(fd) ? shim_read(buf, len) : REAL(read)(fd, buf, len);
}

ssize_t __read_chk(int fd, void *buf, size_t len, size_t cap);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t cap)
{
	return read(fd, buf, len < cap ? len : cap);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	return shim_is(fd) ? shim_write(buf, len) : REAL(write)(fd, buf, len);
}

/* The port's entry of a poll that may wait so long; other descriptors are looked at once, before. */
static int poll_port(struct pollfd *fds, nfds_t count, struct pollfd *ours, uint64_t ns)
{
	int others, fd = ours->fd;
	ssize_t there;

	ours->fd = -1;
	others = REAL(poll)(fds, count, 0);
	ours->fd = fd;
	if (others < 0)
		return others;
	there = ours->events & POLLIN ? shim_readable(others > 0 || ours->events & POLLOUT ? 0 : ns) : 0;
	if (there < 0 && errno == EINTR)
		return -1;
	ours->revents = (short)((there < 0 ? POLLHUP : there > 0 ? POLLIN : 0) | (ours->events & POLLOUT));
	if (!(ours->events & (POLLIN | POLLOUT)) && others == 0 && !shim_wait(ns))
		return -1;
	return others + (ours->revents != 0);
}

static int poll_ns(struct pollfd *fds, nfds_t count, uint64_t ns)
{
	for (nfds_t i = 0; i < count; i++)
		if (shim_is(fds[i].fd))
			return poll_port(fds, count, &fds[i], ns);
	return count == 0 ? (shim_wait(ns) ? 0 : -1) : -2; /* -2: nothing of ours */
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int result = -2;

	if (shim_connected())
		result = poll_ns(fds, count, timeout_ms < 0 ? SHIM_FOR_EVER : (uint64_t)timeout_ms * 1000000);
	return result != -2 ? result : REAL(poll)(fds, count, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	int result = -2;

	if (shim_connected())
		result = poll_ns(fds, count, timeout ? timespec_ns(timeout) : SHIM_FOR_EVER);
	return result != -2 ? result : REAL(ppoll)(fds, count, timeout, mask);
}

/* select() as a poll of the same descriptors. */
static int select_ns(int count, fd_set *in, fd_set *out, fd_set *errors, uint64_t ns)
{
	struct pollfd fds[FD_SETSIZE];
	nfds_t n = 0;
	int result;

	for (int fd = 0; fd < count && fd < FD_SETSIZE; fd++) {
		short events = (short)((in && FD_ISSET(fd, in) ? POLLIN : 0) | (out && FD_ISSET(fd, out) ? POLLOUT : 0));

		if (events || (errors && FD_ISSET(fd, errors)))
			fds[n++] = (struct pollfd){ fd, events, 0 };
	}
	result = poll_ns(fds, n, ns);
	if (result < 0)
		return result;
	if (in)
		FD_ZERO(in);
	if (out)
		FD_ZERO(out);
	if (errors)
		FD_ZERO(errors);
	result = 0;
	for (nfds_t i = 0; i < n; i++) {
		bool readable = in && fds[i].events & POLLIN && fds[i].revents & (POLLIN | POLLHUP | POLLERR);
		bool writable = out && fds[i].revents & POLLOUT;

		if (readable)
			FD_SET(fds[i].fd, in);
		if (writable)
			FD_SET(fds[i].fd, out);
		result += readable + writable;
	}
	return result;
}

int select(int count, fd_set *in, fd_set *out, fd_set *errors, struct timeval *timeout)
{
	int result = -2;

	if (shim_connected())
		result = select_ns(count, in, out, errors,
				   timeout ? (uint64_t)timeout->tv_sec * S + (uint64_t)timeout->tv_usec * 1000
					   : SHIM_FOR_EVER);
	return result != -2 ? result : REAL(select)(count, in, out, errors, timeout);
}

int pselect(int count, fd_set *in, fd_set *out, fd_set *errors, const struct timespec *timeout, const sigset_t *mask)
{
	int result = -2;

	if (shim_connected())
		result = select_ns(count, in, out, errors, timeout ? timespec_ns(timeout) : SHIM_FOR_EVER);
	return result != -2 ? result : REAL(pselect)(count, in, out, errors, timeout, mask);
}

/* ---- the terminal ---- */

int isatty(int fd)
{
	return shim_is(fd) ? 1 : REAL(isatty)(fd);
}

int tcgetattr(int fd, struct termios *t)
{
	if (!shim_is(fd))
		return REAL(tcgetattr)(fd, t);
	shim_attributes(t);
	return 0;
}

int tcsetattr(int fd, int when, const struct termios *t)
{
	if (!shim_is(fd))
		return REAL(tcsetattr)(fd, when, t);
	if (when != TCSANOW && shim_drain() != 0)
		return -1;
	if (when == TCSAFLUSH)
		shim_flush_input();
	return shim_set_attributes(t);
}

int tcdrain(int fd)
{
	return shim_is(fd) ? shim_drain() : REAL(tcdrain)(fd);
}

int tcflush(int fd, int which)
{
	if (!shim_is(fd))
		return REAL(tcflush)(fd, which);
	if (which != TCOFLUSH)
		shim_flush_input();
	return 0;
}

/* 0 is a quarter of a second to half of one. */
static int send_break(uint64_t ns)
{
	if (shim_drain() != 0 || shim_signals(HF_SIGNAL_BIT_BREAK, HF_SIGNAL_BIT_BREAK) < 0 || !shim_wait(ns) ||
	    shim_signals(HF_SIGNAL_BIT_BREAK, 0) < 0)
		return -1;
	return 0;
}

int tcsendbreak(int fd, int duration)
{
	if (!shim_is(fd))
		return REAL(tcsendbreak)(fd, duration);
	return send_break(duration > 0 ? (uint64_t)duration * S / 10 : S / 4);
}

static uint8_t signals_of(int lines)
{
	return (uint8_t)((lines & TIOCM_RTS ? HF_SIGNAL_BIT_RTS : 0) | (lines & TIOCM_DTR ? HF_SIGNAL_BIT_DTR : 0));
}

static int change_lines(uint8_t mask, uint8_t values)
{
	return shim_signals(mask, values) < 0 ? -1 : 0;
}

static int get_lines(int *lines)
{
	int now = shim_signals(0, 0);

	if (now < 0)
		return -1;
	*lines = (now & HF_SIGNAL_BIT_RTS ? TIOCM_RTS : 0) | (now & HF_SIGNAL_BIT_DTR ? TIOCM_DTR : 0);
	return 0;
}

static int port_ioctl(unsigned long request, void *arg)
{
	const uint8_t both = HF_SIGNAL_BIT_RTS | HF_SIGNAL_BIT_DTR;
	ssize_t there;

	switch (request) {
	case TIOCMGET: return get_lines(arg);
	case TIOCMSET: return change_lines(both, signals_of(*(const int *)arg));
	case TIOCMBIS: return change_lines(signals_of(*(const int *)arg), both);
	case TIOCMBIC: return change_lines(signals_of(*(const int *)arg), 0);
	case TIOCSBRK: return change_lines(HF_SIGNAL_BIT_BREAK, HF_SIGNAL_BIT_BREAK);
	case TIOCCBRK: return change_lines(HF_SIGNAL_BIT_BREAK, 0);
	case TIOCEXCL:
	case TIOCNXCL: return 0;
	case TIOCOUTQ:
		*(int *)arg = 0;
		return 0;
	case FIONREAD:
		there = shim_readable(0);
		*(int *)arg = there > 0 ? (int)there : 0;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return shim_is(fd) ? port_ioctl(request, arg) : REAL(ioctl)(fd, request, arg);
}

/* ---- flags and locks ---- */

static int port_fcntl(int fd, int command, void *arg)
{
	switch (command) {
	case F_GETFL: return shim_flags(-1);
	case F_SETFL:
		shim_flags((int)(intptr_t)arg);
		return 0;
	case F_SETLK:
	case F_SETLKW: return 0;
	default: return REAL(fcntl)(fd, command, arg);
	}
}

int fcntl(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return shim_is(fd) ? port_fcntl(fd, command, arg) : REAL(fcntl)(fd, command, arg);
}

int fcntl64(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return shim_is(fd) ? port_fcntl(fd, command, arg) : REAL(fcntl64)(fd, command, arg);
}

int lockf(int fd, int command, off_t len)
{
	return shim_is(fd) ? 0 : REAL(lockf)(fd, command, len);
}

int flock(int fd, int operation)
{
	return shim_is(fd) ? 0 : REAL(flock)(fd, operation);
}

/* SPDX-License-Identifier: MIT
 *
 * What a program finds that runs with libholdfast-shim.so. The test starts a twin whose firmware echoes letters in capitals
 * (fw/bench.c), and then itself once more with the library loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../support/tmp.h"
#include "check.h"

static char port_name[128];
static int port = -1;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	assert_int_equal(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static uint64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void set_line(speed_t speed, tcflag_t parity, unsigned vmin, unsigned vtime)
{
	struct termios t;
	assert_int_equal(tcgetattr(port, &t), 0);
	cfmakeraw(&t);
	cfsetspeed(&t, speed);
	t.c_cflag = (t.c_cflag & ~(tcflag_t)(PARENB | PARODD)) | parity;
	t.c_cc[VMIN] = (cc_t)vmin;
	t.c_cc[VTIME] = (cc_t)vtime;
	assert_int_equal(tcsetattr(port, TCSANOW, &t), 0);
}

static int set_up(void **state)
{
	(void)state;
	port = open(port_name, O_RDWR | O_NOCTTY);
	assert_true(port >= 0);
	set_line(B115200, 0, 0, 2);
	usleep(100000); /* the firmware has started by then */
	tcflush(port, TCIFLUSH);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (port >= 0)
		close(port);
	port = -1;
	return 0;
}

static void put(const char *text)
{
	assert_int_equal(write(port, text, strlen(text)), strlen(text));
}

static void took(uint64_t begin, uint64_t least, uint64_t most)
{
	assert_in_range(now() - begin, least, most);
}

/* ---- reading ---- */

static void read_times_out_in_virtual_time(void **state)
{
	(void)state;
	char byte;
	uint64_t begin = now();
	set_line(B115200, 0, 0, 5);
	assert_int_equal(read(port, &byte, 1), 0);
	took(begin, 500 * MS, 501 * MS);
	put("x");
	begin = now();
	assert_int_equal(read(port, &byte, 1), 1);
	assert_int_equal(byte, 'X');
	took(begin, 150000, MS);
}

static void least_count_is_waited_for(void **state)
{
	(void)state;
	char text[8] = "";
	set_line(B115200, 0, 4, 0);
	put("abcd");
	assert_int_equal(read(port, text, sizeof(text)), 4);
	assert_string_equal(text, "ABCD");
}

static void pause_ends_a_read_with_a_least_count(void **state)
{
	(void)state;
	char text[8] = "";
	uint64_t begin = now();
	set_line(B115200, 0, 6, 1);
	put("abc");
	assert_int_equal(read(port, text, sizeof(text)), 3);
	assert_string_equal(text, "ABC");
	took(begin, 100 * MS, 102 * MS);
}

static void port_that_does_not_block_says_so(void **state)
{
	(void)state;
	char byte;
	assert_int_equal(fcntl(port, F_SETFL, fcntl(port, F_GETFL) | O_NONBLOCK), 0);
	assert_true((fcntl(port, F_GETFL) & O_NONBLOCK) != 0);
	errno = 0;
	assert_int_equal(read(port, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	put("y");
	usleep(2000);
	assert_int_equal(read(port, &byte, 1), 1);
	assert_int_equal(byte, 'Y');
}

static void input_is_counted_and_flushed(void **state)
{
	(void)state;
	int n = -1;
	put("abcde");
	usleep(5000);
	assert_int_equal(ioctl(port, FIONREAD, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(tcflush(port, TCIFLUSH), 0);
	assert_int_equal(ioctl(port, FIONREAD, &n), 0);
	assert_int_equal(n, 0);
}

/* ---- waiting ---- */

static void select_waits_for_input_or_its_time(void **state)
{
	(void)state;
	fd_set in;
	struct timeval limit = { 0, 300000 };
	uint64_t begin = now();
	FD_ZERO(&in);
	FD_SET(port, &in);
	assert_int_equal(select(port + 1, &in, NULL, NULL, &limit), 0);
	assert_false(FD_ISSET(port, &in));
	took(begin, 300 * MS, 301 * MS);
	put("x");
	FD_SET(port, &in);
	limit = (struct timeval){ 1, 0 };
	assert_int_equal(select(port + 1, &in, NULL, NULL, &limit), 1);
	assert_true(FD_ISSET(port, &in));
	limit = (struct timeval){ 2, 0 };
	begin = now();
	assert_int_equal(select(0, NULL, NULL, NULL, &limit), 0);
	took(begin, 2 * S, 2 * S + MS);
}

static void poll_sees_other_files_too(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	struct pollfd fds[2] = { { ends[0], POLLIN, 0 }, { port, POLLIN, 0 } };
	uint64_t begin = now();
	assert_int_equal(poll(fds, 2, 700), 0);
	took(begin, 700 * MS, 701 * MS);
	assert_int_equal(write(ends[1], "!", 1), 1);
	assert_int_equal(poll(fds, 2, 700), 1);
	assert_int_equal(fds[0].revents, POLLIN);
	put("x");
	usleep(2000);
	assert_int_equal(poll(fds, 2, 700), 2);
	assert_int_equal(fds[1].revents, POLLIN);
	fds[1].events = POLLOUT;
	assert_int_equal(poll(&fds[1], 1, -1), 1);
	assert_int_equal(fds[1].revents, POLLOUT);
	close(ends[0]);
	close(ends[1]);
}

static void sleeps_move_every_clock_alike(void **state)
{
	(void)state;
	const struct timespec moment = { 2, 0 };
	struct timeval before, after;
	time_t begin = time(NULL);
	uint64_t real = clock_ns(CLOCK_REALTIME), mono = now();
	gettimeofday(&before, NULL);
	assert_int_equal(nanosleep(&moment, NULL), 0);
	assert_int_equal(sleep(3), 0);
	assert_int_equal(usleep(500000), 0);
	gettimeofday(&after, NULL);
	assert_in_range(time(NULL) - begin, 5, 6);
	assert_in_range(after.tv_sec - before.tv_sec, 5, 6);
	assert_in_range(clock_ns(CLOCK_REALTIME) - real, 5500 * MS, 5501 * MS);
	took(mono, 5500 * MS, 5501 * MS);
	struct timespec until = { (time_t)(now() / S) + 2, 0 };
	assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
	assert_in_range(now(), (uint64_t)until.tv_sec * S, (uint64_t)until.tv_sec * S + MS);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void alarm_interrupts_a_read(void **state)
{
	(void)state;
	struct sigaction action = { .sa_handler = on_alarm };
	char byte;
	uint64_t begin = now();
	sigaction(SIGALRM, &action, NULL);
	set_line(B115200, 0, 1, 0);
	assert_int_equal(alarm(3), 0);
	assert_int_equal(sleep(1), 0);
	assert_int_equal(alarm(2), 2);
	errno = 0;
	assert_int_equal(read(port, &byte, 1), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(alarms, 1);
	took(begin, 3 * S, 3 * S + MS);
	assert_int_equal(alarm(0), 0);
}

/* ---- writing ---- */

static void drain_waits_for_the_line(void **state)
{
	(void)state;
	static char many[1152];
	uint64_t begin = now();
	memset(many, '.', sizeof(many));
	assert_int_equal(write(port, many, sizeof(many)), sizeof(many));
	took(begin, 0, MS);
	assert_int_equal(tcdrain(port), 0);
	took(begin, 100 * MS, 101 * MS);
}

static void long_writes_wait_for_room(void **state)
{
	(void)state;
	static char many[16384];
	uint64_t begin = now();
	memset(many, '.', sizeof(many));
	assert_int_equal(write(port, many, sizeof(many)), sizeof(many));
	took(begin, (16384 - 4096 - 1) * 10 * S / 115200, (16384 - 4096 + 1) * 10 * S / 115200 + MS);
	assert_int_equal(tcdrain(port), 0);
}

/* ---- the terminal ---- */

static void settings_are_kept_with_parity(void **state)
{
	(void)state;
	struct termios t;
	char byte = 0;
	set_line(B115200, PARENB, 0, 1);
	assert_int_equal(tcgetattr(port, &t), 0);
	assert_int_equal(t.c_cflag & (PARENB | PARODD | CSIZE), PARENB | CS8);
	assert_int_equal(cfgetospeed(&t), B115200);
	assert_true(isatty(port));
	/* The firmware has none: the parity bit of 'a' (three ones) comes where it wants the stop bit, and is one. */
	put("a");
	assert_int_equal(read(port, &byte, 1), 1);
	assert_int_equal(byte, 'A');
	set_line(B19200, 0, 0, 1);
	put("a");
	(void)!read(port, &byte, 1);
	assert_int_not_equal(byte, 'a');
	set_line(B115200, 0, 0, 1);
}

static void outputs_and_breaks_are_told(void **state)
{
	(void)state;
	int lines = 0, rts = TIOCM_RTS;
	uint64_t begin;
	assert_int_equal(ioctl(port, TIOCMBIS, &rts), 0);
	assert_int_equal(ioctl(port, TIOCMGET, &lines), 0);
	assert_int_equal(lines, TIOCM_RTS);
	lines = TIOCM_DTR;
	assert_int_equal(ioctl(port, TIOCMSET, &lines), 0);
	assert_int_equal(ioctl(port, TIOCMGET, &lines), 0);
	assert_int_equal(lines, TIOCM_DTR);
	lines = TIOCM_DTR;
	assert_int_equal(ioctl(port, TIOCMBIC, &lines), 0);
	assert_int_equal(ioctl(port, TIOCMGET, &lines), 0);
	assert_int_equal(lines, 0);
	begin = now();
	assert_int_equal(tcsendbreak(port, 0), 0);
	took(begin, 250 * MS, 251 * MS);
	errno = 0;
	assert_int_equal(ioctl(port, TIOCGWINSZ, &lines), -1);
	assert_int_equal(errno, ENOTTY);
}

static void port_is_had_once(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(open(port_name, O_RDWR), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(lockf(port, F_TLOCK, 0), 0);
}

static void other_files_are_left_alone(void **state)
{
	(void)state;
	struct termios t;
	char byte = 1;
	int zero = open("/dev/zero", O_RDONLY);
	assert_true(zero >= 0);
	assert_int_equal(read(zero, &byte, 1), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(tcgetattr(zero, &t), -1);
	assert_false(isatty(zero));
	close(zero);
	errno = 0;
	assert_int_equal(open("/nowhere/at/all", O_RDONLY), -1);
	assert_int_equal(errno, ENOENT);
}

static void port_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(open("lockstep:/nowhere/at/all", O_RDWR), -1);
	assert_int_equal(errno, ENOENT);
}

static void twin_that_ends_is_an_error(void **state)
{
	(void)state;
	char byte;
	uint64_t begin = now();
	kill(getppid(), SIGUSR1); /* who ends the twin */
	for (unsigned i = 0; i < 100000 && read(port, &byte, 1) >= 0; i++)
		;
	assert_int_equal(errno, EIO);
	assert_true(now() >= begin);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int inside(const char *socket)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_that_is_not_there_is_an_error),
		TEST(read_times_out_in_virtual_time),
		TEST(least_count_is_waited_for),
		TEST(pause_ends_a_read_with_a_least_count),
		TEST(port_that_does_not_block_says_so),
		TEST(input_is_counted_and_flushed),
		TEST(select_waits_for_input_or_its_time),
		TEST(poll_sees_other_files_too),
		TEST(sleeps_move_every_clock_alike),
		TEST(alarm_interrupts_a_read),
		TEST(drain_waits_for_the_line),
		TEST(long_writes_wait_for_room),
		TEST(settings_are_kept_with_parity),
		TEST(outputs_and_breaks_are_told),
		TEST(port_is_had_once),
		TEST(other_files_are_left_alone),
		TEST(twin_that_ends_is_an_error),
	};
	snprintf(port_name, sizeof(port_name), "lockstep:%s", socket);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ---- outside ---- */

static pid_t twin;

static void end_twin(int number)
{
	(void)number;
	if (twin > 0)
		kill(twin, SIGTERM);
}

static bool start_twin(const char *sock)
{
	char line[160] = "";
	int out[2];
	size_t len = 0;
	if (pipe(out) != 0)
		return false;
	twin = fork();
	if (twin == 0) {
		dup2(out[1], 1);
		execl(HF_TWIN_PROGRAM, HF_TWIN_PROGRAM, "run", "--board", HF_BOARD_FILE, "--load", HF_BENCH_ELF,
		      "--lockstep", sock, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while (len + 1 < sizeof(line) && read(out[0], line + len, 1) == 1 && line[len] != '\n')
		len++;
	close(out[0]);
	return strncmp(line, "lockstep: ", 10) == 0;
}

int main(int argc, char **argv)
{
	char dir[TMP_NAME_BYTES], sock[TMP_NAME_BYTES + 4];
	int status = 1;
	(void)argc;
	if (getenv("HF_SHIM_SOCKET"))
		return inside(getenv("HF_SHIM_SOCKET"));
	if (!mkdtemp(tmp_name(dir, "hf-shim-XXXXXX")))
		return 1;
	snprintf(sock, sizeof(sock), "%s/s", dir);
	signal(SIGUSR1, end_twin);
	if (start_twin(sock)) {
		pid_t child = fork();
		if (child == 0) {
			setenv("LD_PRELOAD", HF_SHIM_LIBRARY, 1);
			setenv("HF_SHIM_SOCKET", sock, 1);
			execv(argv[0], argv);
			_exit(127);
		}
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	end_twin(0);
	while (twin > 0 && waitpid(twin, NULL, 0) < 0 && errno == EINTR)
		;
	unlink(sock);
	rmdir(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

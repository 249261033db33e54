/* SPDX-License-Identifier: MIT
 *
 * The serial seam's backends against real peers: a pseudo-terminal's other end, a TCP listener, and a twin that is played
 * by a thread which knows nothing but the lockstep protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "bytes.h"
#include "serial.h"

static const struct hf_serial_line line = {.baud = 115200, .data_bits = 8, .parity = 'N', .stop_bits = 1};

static enum hf_err open_port(const char *name, struct hf_serial *s, struct hf_diag *diag)
{
	diag->text[0] = 0;
	return hf_serial_open(name, &line, s, diag);
}

static void read_exactly(int fd, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		assert_true(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

/* ---- names ---- */

static void senseless_names_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *name;
		enum hf_err err;
	} bad[] = {
		{"tcp:", HF_ERR_RANGE},
		{"tcp:host", HF_ERR_RANGE},
		{"tcp::123", HF_ERR_RANGE},
		{"tcp:127.0.0.1:", HF_ERR_RANGE},
		{"lockstep:", HF_ERR_RANGE},
		{"lockstep:/nonexistent/socket", HF_ERR_IO},
		{"/dev/ttyNONE0", HF_ERR_NOT_FOUND},
		{"tcp:127.0.0.1:1", HF_ERR_IO},
	};
	struct hf_serial s;
	struct hf_diag diag;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(open_port(bad[i].name, &s, &diag), bad[i].err);
		assert_true(strlen(diag.text) > 10);
	}
}

static void senseless_line_settings_are_refused(void **state)
{
	static const struct hf_serial_line bad[] = {
		{0, 8, 'N', 1}, {9600, 4, 'N', 1}, {9600, 9, 'N', 1}, {9600, 8, 'X', 1}, {9600, 8, 0, 1}, {9600, 8, 'N', 0},
		{9600, 8, 'N', 3},
	};
	struct hf_serial s;
	struct hf_diag diag;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hf_serial_open("tcp:127.0.0.1:1", &bad[i], &s, &diag), HF_ERR_RANGE);
}

/* ---- pseudo-terminals ---- */

static int open_master(char name[64])
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	assert_int_equal(ptsname_r(fd, name, 64), 0);
	return fd;
}

static void pty_carries_all_bytes_unchanged(void **state)
{
	char name[64];
	int master = open_master(name);
	uint8_t out[256], in[256];
	struct hf_serial s;
	struct hf_diag diag;
	size_t len, got = 0;

	(void)state;
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)i;
	assert_int_equal(hf_serial_write(&s, out, sizeof(out)), HF_OK);
	read_exactly(master, in, sizeof(in));
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(write(master, out, sizeof(out)), sizeof(out));
	while (got < sizeof(in)) {
		assert_int_equal(hf_serial_read(&s, in + got, sizeof(in) - got, 1000, &len), HF_OK);
		got += len;
	}
	assert_memory_equal(in, out, sizeof(out));
	hf_serial_close(&s);
	close(master);
}

static void pty_read_times_out_and_time_passes(void **state)
{
	char name[64];
	int master = open_master(name);
	struct hf_serial s;
	struct hf_diag diag;
	uint64_t begin;
	uint8_t byte;
	size_t len;

	(void)state;
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	begin = hf_serial_now_ms(&s);
	assert_int_equal(hf_serial_read(&s, &byte, 1, 30, &len), HF_ERR_TIMEOUT);
	assert_int_equal(len, 0);
	hf_serial_sleep_ms(&s, 20);
	assert_true(hf_serial_now_ms(&s) - begin >= 48);
	assert_int_equal(hf_serial_set_line(&s, &(struct hf_serial_line){921600, 8, 'E', 1}), HF_OK);
	assert_int_equal(hf_serial_set_pins(&s, HF_SERIAL_RTS, 0), HF_ERR_UNSUPPORTED);
	hf_serial_close(&s);
	close(master);
}

static void pty_that_another_holds_is_refused(void **state)
{
	char name[64];
	int master = open_master(name);
	struct hf_serial first, second;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(open_port(name, &first, &diag), HF_OK);
	assert_int_equal(open_port(name, &second, &diag), HF_ERR_BUSY);
	assert_non_null(strstr(diag.text, "in use by another program"));
	assert_int_equal(hf_serial_reopen(&first), HF_OK);
	hf_serial_close(&first);
	assert_int_equal(open_port(name, &second, &diag), HF_OK);
	hf_serial_close(&second);
	close(master);
}

static void pty_whose_peer_is_gone_is_an_io_error(void **state)
{
	char name[64];
	int master = open_master(name);
	struct hf_serial s;
	struct hf_diag diag;
	uint8_t byte;
	size_t len;

	(void)state;
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	close(master);
	assert_int_equal(hf_serial_read(&s, &byte, 1, 1000, &len), HF_ERR_IO);
	assert_int_not_equal(hf_serial_reopen(&s), HF_OK);
	assert_int_equal(hf_serial_read(&s, &byte, 1, 0, &len), HF_ERR_IO);
	assert_int_equal(hf_serial_write(&s, "x", 1), HF_ERR_IO);
	hf_serial_close(&s);
}

static void pty_whose_peer_takes_nothing_times_out(void **state)
{
	static uint8_t much[1 << 20];
	char name[64];
	int master = open_master(name);
	struct hf_serial s;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	assert_int_equal(hf_serial_write(&s, much, sizeof(much)), HF_ERR_TIMEOUT);
	hf_serial_close(&s);
	close(master);
}

/* ---- TCP ---- */

static int listen_on_loopback(char name[64])
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	snprintf(name, 64, "tcp:127.0.0.1:%u", ntohs(where.sin_port));
	return fd;
}

static void tcp_carries_bytes_and_reconnects(void **state)
{
	char name[64], in[8];
	int listener = listen_on_loopback(name), peer;
	struct hf_serial s;
	struct hf_diag diag;
	size_t len;

	(void)state;
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(hf_serial_write(&s, "hello", 5), HF_OK);
	read_exactly(peer, in, 5);
	assert_memory_equal(in, "hello", 5);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 20, &len), HF_ERR_TIMEOUT);
	assert_int_equal(write(peer, "abc", 3), 3);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 1000, &len), HF_OK);
	assert_int_equal(len, 3);
	close(peer);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 1000, &len), HF_ERR_IO);
	assert_int_equal(hf_serial_reopen(&s), HF_OK);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(hf_serial_write(&s, "again", 5), HF_OK);
	read_exactly(peer, in, 5);
	close(peer);
	close(listener);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 1000, &len), HF_ERR_IO);
	assert_int_not_equal(hf_serial_reopen(&s), HF_OK);
	hf_serial_close(&s);
}

static void tcp_write_to_a_peer_that_hung_up_is_an_error_and_no_signal(void **state)
{
	char name[64];
	int listener = listen_on_loopback(name), peer;
	enum hf_err err = HF_OK;
	struct hf_serial s;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	peer = accept(listener, NULL, NULL);
	close(peer);
	for (unsigned i = 0; i < 100 && err == HF_OK; i++) {
		err = hf_serial_write(&s, "x", 1);
		hf_serial_sleep_ms(&s, 1);
	}
	assert_int_equal(err, HF_ERR_IO);
	close(listener);
	hf_serial_close(&s);
}

/* ---- lockstep ---- */

struct twin {
	int listener;
	pthread_t thread;
	char log[512];      /* the operations, a letter each */
	uint8_t written[64];
	size_t written_len;
	uint8_t line[7], pins[2];
	uint64_t now_ns;
	unsigned sessions;
};

static void reply(int fd, uint8_t status, uint64_t now_ns, const void *payload, uint32_t len)
{
	uint8_t head[13];

	head[0] = status;
	store_le64(head + 1, now_ns);
	store_le32(head + 9, len);
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	if (len)
		assert_int_equal(write(fd, payload, len), len);
}

/* One connection. Bytes written come back, after 5 ms each, as if the device echoed. */
static void twin_session(struct twin *t, int fd)
{
	uint8_t head[13], payload[256];

	for (;;) {
		size_t ops = strlen(t->log);
		uint32_t len, max;
		uint64_t arg;

		if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head))
			return;
		arg = load_le64(head + 1);
		len = load_le32(head + 9);
		assert_true(len <= sizeof(payload));
		read_exactly(fd, payload, len);
		t->log[ops] = (char)head[0];
		switch (head[0]) {
		case 'H':
			if (len != 11 || memcmp(payload, "maintenance", 11) != 0) {
				reply(fd, 1, t->now_ns, "no such UART", 12);
				break;
			}
			reply(fd, 0, t->now_ns, NULL, 0);
			break;
		case 'W':
			memcpy(t->written, payload, len);
			t->written_len = len;
			reply(fd, 0, t->now_ns, NULL, 0);
			break;
		case 'R':
			max = load_le32(payload);
			if (t->written_len == 0) {
				t->now_ns += arg;
				reply(fd, 0, t->now_ns, NULL, 0);
				break;
			}
			t->now_ns += 5000000;
			len = (uint32_t)(t->written_len < max ? t->written_len : max);
			reply(fd, 0, t->now_ns, t->written, len);
			t->written_len -= len;
			memmove(t->written, t->written + len, t->written_len);
			break;
		case 'S':
			t->now_ns += arg;
			reply(fd, 0, t->now_ns, NULL, 0);
			break;
		case 'B':
			memcpy(t->line, payload, sizeof(t->line));
			reply(fd, 0, t->now_ns, NULL, 0);
			break;
		case 'L':
			memcpy(t->pins, payload, sizeof(t->pins));
			reply(fd, 0, t->now_ns, NULL, 0);
			break;
		default:
			return;
		}
		if (t->written_len == 3 && memcmp(t->written, "die", 3) == 0)
			return;
	}
}

static void *twin_run(void *ctx)
{
	struct twin *t = ctx;
	int fd;

	while (t->sessions > 0) {
		fd = accept(t->listener, NULL, NULL);
		t->now_ns = 0;
		t->written_len = 0;
		t->sessions--;
		twin_session(t, fd);
		close(fd);
	}
	return NULL;
}

static void twin_start(struct twin *t, unsigned sessions, char name[128])
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	char path[TMP_NAME_BYTES], tail[32];

	memset(t, 0, sizeof(*t));
	t->sessions = sessions;
	snprintf(tail, sizeof(tail), "hf-serial-%ld", (long)getpid());
	strcpy(where.sun_path, tmp_name(path, tail));
	snprintf(name, 128, "lockstep:%s", where.sun_path);
	unlink(where.sun_path);
	t->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(t->listener, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(t->listener, 2), 0);
	assert_int_equal(pthread_create(&t->thread, NULL, twin_run, t), 0);
}

static void twin_stop(struct twin *t, const char *name)
{
	pthread_join(t->thread, NULL);
	close(t->listener);
	unlink(name + strlen("lockstep:"));
}

static void lockstep_speaks_the_protocol(void **state)
{
	struct twin twin;
	char name[128], in[16];
	struct hf_serial s;
	struct hf_diag diag;
	size_t len;

	(void)state;
	twin_start(&twin, 1, name);
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	assert_int_equal(load_le32(twin.line), 115200);
	assert_int_equal(twin.line[4], 8);
	assert_int_equal(twin.line[5], 'N');
	assert_int_equal(twin.line[6], 1);
	assert_int_equal(hf_serial_now_ms(&s), 0);
	hf_serial_sleep_ms(&s, 3600000);
	assert_int_equal(hf_serial_now_ms(&s), 3600000);
	assert_int_equal(hf_serial_write(&s, "abcd", 4), HF_OK);
	assert_int_equal(hf_serial_now_ms(&s), 3600000);
	assert_int_equal(hf_serial_read(&s, in, 3, 1000, &len), HF_OK);
	assert_int_equal(len, 3);
	assert_int_equal(hf_serial_read(&s, in, 3, 1000, &len), HF_OK);
	assert_int_equal(len, 1);
	assert_int_equal(hf_serial_read(&s, in, 3, 1000, &len), HF_ERR_TIMEOUT);
	assert_int_equal(hf_serial_now_ms(&s), 3600000 + 5 + 5 + 1000);
	assert_int_equal(hf_serial_set_line(&s, &(struct hf_serial_line){921600, 8, 'E', 2}), HF_OK);
	assert_int_equal(load_le32(twin.line), 921600);
	assert_int_equal(twin.line[5], 'E');
	assert_int_equal(hf_serial_set_pins(&s, HF_SERIAL_RTS | HF_SERIAL_BREAK, HF_SERIAL_BREAK), HF_OK);
	assert_int_equal(twin.pins[0], 5);
	assert_int_equal(twin.pins[1], 4);
	hf_serial_close(&s);
	twin_stop(&twin, name);
	assert_string_equal(twin.log, "HBSWRRRBL");
}

static void lockstep_time_never_goes_back_over_a_reconnection(void **state)
{
	struct twin twin;
	char name[128], in[16];
	struct hf_serial s;
	struct hf_diag diag;
	size_t len;

	(void)state;
	twin_start(&twin, 2, name);
	assert_int_equal(open_port(name, &s, &diag), HF_OK);
	hf_serial_sleep_ms(&s, 10000);
	assert_int_equal(hf_serial_write(&s, "die", 3), HF_OK);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 1000, &len), HF_ERR_IO);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 1000, &len), HF_ERR_IO);
	assert_int_equal(hf_serial_reopen(&s), HF_OK);
	assert_int_equal(hf_serial_now_ms(&s), 10000);
	hf_serial_sleep_ms(&s, 500);
	assert_int_equal(hf_serial_now_ms(&s), 10500);
	hf_serial_close(&s);
	twin_stop(&twin, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senseless_names_are_refused_with_a_sentence),
		cmocka_unit_test(senseless_line_settings_are_refused),
		cmocka_unit_test(pty_carries_all_bytes_unchanged),
		cmocka_unit_test(pty_read_times_out_and_time_passes),
		cmocka_unit_test(pty_that_another_holds_is_refused),
		cmocka_unit_test(pty_whose_peer_is_gone_is_an_io_error),
		cmocka_unit_test(pty_whose_peer_takes_nothing_times_out),
		cmocka_unit_test(tcp_carries_bytes_and_reconnects),
		cmocka_unit_test(tcp_write_to_a_peer_that_hung_up_is_an_error_and_no_signal),
		cmocka_unit_test(lockstep_speaks_the_protocol),
		cmocka_unit_test(lockstep_time_never_goes_back_over_a_reconnection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

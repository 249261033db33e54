/* SPDX-License-Identifier: MIT
 *
 * Serial servers: ser2net itself, with a pseudo-terminal's other end for a device; and one that does what no server should,
 * played by a thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "serial.h"
#include "telnet.h"

static const struct hf_serial_line line = {.baud = 115200, .data_bits = 8, .parity = 'N', .stop_bits = 1};

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };

/* ---- a server of ours ---- */

struct fake {
	void (*play)(struct fake *f);
	int listener, fd;
	unsigned connections; /* that it takes */
	pthread_t thread;
	char name[64];
	uint32_t baud_said;   /* 0: what was asked for */
	unsigned deaf_to;     /* after so many line settings it answers none; 0: it goes on */
	unsigned settings;
	uint8_t got[256];
	size_t got_len;
	uint8_t control[16];  /* values of SET-CONTROL, and purges as 100 + value */
	size_t controls;
	uint8_t parity;
};

static void say(struct fake *f, const void *bytes, size_t len)
{
	ssize_t n = send(f->fd, bytes, len, MSG_NOSIGNAL);

	(void)n;
}

#define SAY(f, ...) say(f, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void answer_option(struct fake *f, const struct hf_telnet *t)
{
	uint8_t out[16] = {IAC, SB, 44, (uint8_t)(t->message[1] + 100)};
	size_t n = 4;

	f->settings += t->message[1] == 1;
	f->parity = t->message[1] == 3 ? t->message[2] : f->parity;
	if ((t->message[1] == 5 || t->message[1] == 12) && f->controls < sizeof(f->control))
		f->control[f->controls++] = (uint8_t)(t->message[2] + (t->message[1] == 12 ? 100 : 0));
	if (f->deaf_to && f->settings >= f->deaf_to)
		return;
	for (size_t i = 2; i < t->len && i < 6; i++)
		out[n++] = t->message[i];
	if (t->message[1] == 1 && f->baud_said) {
		out[4] = (uint8_t)(f->baud_said >> 24);
		out[5] = (uint8_t)(f->baud_said >> 16);
		out[6] = (uint8_t)(f->baud_said >> 8);
		out[7] = (uint8_t)f->baud_said;
	}
	out[n++] = IAC;
	out[n++] = SE;
	say(f, out, n);
}

/* Does as it is told until the client hangs up. */
static void serve(struct fake *f)
{
	struct hf_telnet t = {0};
	uint8_t in[256];
	ssize_t n;

	while ((n = recv(f->fd, in, sizeof(in), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			switch (hf_telnet_take(&t, in[i])) {
			case HF_TELNET_OPTION:
				answer_option(f, &t);
				break;
			case HF_TELNET_DATA:
				if (f->got_len < sizeof(f->got))
					f->got[f->got_len++] = t.byte;
				break;
			default:
				break;
			}
		}
	}
}

static void agree(struct fake *f)
{
	SAY(f, IAC, DO, 44, IAC, DO, 0, IAC, WILL, 0, IAC, DO, 3, IAC, WILL, 3);
}

static void *run_fake(void *ctx)
{
	struct fake *f = ctx;

	for (unsigned i = 0; i < f->connections; i++) {
		f->fd = accept(f->listener, NULL, NULL);
		if (f->fd < 0)
			return NULL;
		f->play(f);
		close(f->fd);
	}
	return NULL;
}

static void start_fake(struct fake *f, void (*play)(struct fake *f), unsigned connections)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(where);

	f->play = play;
	f->connections = connections;
	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&where, &len), 0);
	snprintf(f->name, sizeof(f->name), "rfc2217:127.0.0.1:%u", ntohs(where.sin_port));
	assert_int_equal(pthread_create(&f->thread, NULL, run_fake, f), 0);
}

static void stop_fake(struct fake *f)
{
	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
}

/* Opens it, wants this error, and a sentence that holds `word`. */
static void open_fails(struct fake *f, enum hf_err err, const char *word)
{
	struct hf_diag diag = {""};
	struct hf_serial s;

	assert_int_equal(hf_serial_open(f->name, &line, &s, &diag), err);
	if (!strstr(diag.text, word))
		fail_msg("'%s' is not in: %s", word, diag.text);
}

static void open_works(struct fake *f, struct hf_serial *s)
{
	struct hf_diag diag = {""};
	enum hf_err err = hf_serial_open(f->name, &line, s, &diag);

	if (err)
		fail_msg("%s", diag.text);
}

static void read_all(const struct hf_serial *s, uint8_t *to, size_t len)
{
	for (size_t got = 0, n; got < len; got += n) {
		enum hf_err err = hf_serial_read(s, to + got, len - got, 2000, &n);

		if (err)
			fail_msg("%zu of %zu bytes, then error %d", got, len, (int)err);
	}
}

/* ---- servers that refuse, lie, hang ---- */

static void play_refusal(struct fake *f)
{
	SAY(f, IAC, DONT, 44, IAC, DO, 0, IAC, WILL, 0);
	serve(f);
}

static void server_without_the_option_is_told(void **state)
{
	struct fake f = {0};

	(void)state;
	start_fake(&f, play_refusal, 1);
	open_fails(&f, HF_ERR_UNSUPPORTED, "no COM port control");
	stop_fake(&f);
}

static void play_no_binary(struct fake *f)
{
	SAY(f, IAC, DO, 44, IAC, DONT, 0, IAC, WONT, 0);
	serve(f);
}

static void server_that_changes_bytes_is_refused(void **state)
{
	struct fake f = {0};

	(void)state;
	start_fake(&f, play_no_binary, 1);
	open_fails(&f, HF_ERR_UNSUPPORTED, "binary");
	stop_fake(&f);
}

static void play_silence(struct fake *f)
{
	serve(f);
}

static void listener_that_is_no_server_is_told_in_time(void **state)
{
	struct fake f = {0};

	(void)state;
	start_fake(&f, play_silence, 1);
	open_fails(&f, HF_ERR_IO, "does not answer as a serial server");
	stop_fake(&f);
}

static void play_hang_up(struct fake *f)
{
	SAY(f, IAC, DO, 44, 'n', 'o', ' ', 'd', 'e', 'v', 'i', 'c', 'e');
}

static void server_that_hangs_up_is_quoted(void **state)
{
	struct fake f = {0};

	(void)state;
	start_fake(&f, play_hang_up, 3);
	open_fails(&f, HF_ERR_IO, "hung up: \"no device\"");
	stop_fake(&f);
}

static void play_in_use(struct fake *f)
{
	static const char text[] = "Port already in use\r\n";

	say(f, text, sizeof(text) - 1);
}

static void server_that_is_in_use_is_busy(void **state)
{
	struct fake f = {0};

	(void)state;
	start_fake(&f, play_in_use, 3);
	open_fails(&f, HF_ERR_BUSY, "Port already in use");
	stop_fake(&f);
}

static void play_well(struct fake *f)
{
	agree(f);
	serve(f);
}

static void server_that_sets_another_rate_is_not_believed(void **state)
{
	struct fake f = {.baud_said = 9600};

	(void)state;
	start_fake(&f, play_well, 1);
	open_fails(&f, HF_ERR_UNSUPPORTED, "9600");
	stop_fake(&f);
}

static void rate_that_a_divider_gives_is_taken(void **state)
{
	struct fake f = {.baud_said = 114286};
	struct hf_serial s;

	(void)state;
	start_fake(&f, play_well, 1);
	open_works(&f, &s);
	hf_serial_close(&s);
	stop_fake(&f);
}

/* Offers options without end, and never the one. */
static void play_chatter(struct fake *f)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < 20000; i++) {
		uint8_t offer[3] = {IAC, i % 2 ? DO : WILL, (uint8_t)(100 + i % 50)};

		if (send(f->fd, offer, sizeof(offer), MSG_NOSIGNAL) <= 0)
			break;
		nanosleep(&pause, NULL);
	}
}

static void endless_negotiation_ends(void **state)
{
	struct fake f = {0};

	(void)state;
	start_fake(&f, play_chatter, 1);
	open_fails(&f, HF_ERR_IO, "does not answer as a serial server");
	stop_fake(&f);
}

static void server_that_stops_answering_is_gone(void **state)
{
	struct fake f = {.deaf_to = 2};
	struct hf_serial_line other = line;
	struct hf_serial s;
	uint64_t begin;

	(void)state;
	start_fake(&f, play_well, 1);
	open_works(&f, &s);
	other.baud = 9600;
	begin = hf_serial_now_ms(&s);
	assert_int_equal(hf_serial_set_line(&s, &other), HF_ERR_IO);
	assert_in_range(hf_serial_now_ms(&s) - begin, 1500, 4000);
	assert_int_equal(hf_serial_write(&s, "x", 1), HF_ERR_IO);
	hf_serial_close(&s);
	stop_fake(&f);
}

/* ---- framing ---- */

static const uint8_t dirt[] = {
	IAC, SB, 44, 101, 1,                 /* a message that a negotiation breaks off */
	IAC, DO, 24, IAC, DO, 24,
	IAC, SE, IAC, 241, IAC, 0,           /* what means nothing here */
	IAC, SB, IAC, SE, IAC, SB, 44, IAC, SE, IAC, SB, 44, 107, IAC, SE, IAC, SB, 1, 2, 3, IAC, SE,
	'a', IAC, IAC, 'b',
};

static void play_dirt(struct fake *f)
{
	uint8_t flood[300];

	agree(f);
	memset(flood, 7, sizeof(flood));
	flood[0] = IAC;
	flood[1] = SB;
	say(f, flood, sizeof(flood));
	SAY(f, IAC, SE);
	say(f, dirt, sizeof(dirt));
	serve(f);
}

static void dirt_between_data_is_passed_over(void **state)
{
	struct fake f = {0};
	struct hf_serial s;
	uint8_t in[3];

	(void)state;
	start_fake(&f, play_dirt, 1);
	open_works(&f, &s);
	read_all(&s, in, sizeof(in));
	assert_memory_equal(in, "a\xff" "b", 3);
	hf_serial_close(&s);
	stop_fake(&f);
}

static void data_is_escaped_on_its_way_out(void **state)
{
	struct fake f = {0};
	struct hf_serial s;
	uint8_t out[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)i;
	start_fake(&f, play_well, 1);
	open_works(&f, &s);
	assert_int_equal(hf_serial_write(&s, out, sizeof(out)), HF_OK);
	hf_serial_close(&s);
	stop_fake(&f);
	assert_int_equal(f.got_len, sizeof(out));
	assert_memory_equal(f.got, out, sizeof(out));
}

static void outputs_break_and_purge_reach_the_server(void **state)
{
	static const uint8_t want[] = {1 /* no flow control */, 103 /* purge both */, 12, 8, 5, 6, 11, 9};
	struct fake f = {0};
	struct hf_serial s;

	(void)state;
	start_fake(&f, play_well, 1);
	open_works(&f, &s);
	assert_int_equal(hf_serial_set_pins(&s, HF_SERIAL_RTS | HF_SERIAL_DTR, HF_SERIAL_DTR), HF_OK);
	assert_int_equal(hf_serial_set_pins(&s, HF_SERIAL_BREAK, HF_SERIAL_BREAK), HF_OK);
	assert_int_equal(hf_serial_set_pins(&s, HF_SERIAL_BREAK, 0), HF_OK);
	assert_int_equal(hf_serial_set_pins(&s, HF_SERIAL_RTS | HF_SERIAL_DTR, HF_SERIAL_RTS), HF_OK);
	hf_serial_close(&s);
	stop_fake(&f);
	assert_int_equal(f.controls, sizeof(want));
	assert_memory_equal(f.control, want, sizeof(want));
}

static void parity_is_asked_for_and_only_what_changes(void **state)
{
	struct hf_serial_line even = line;
	struct fake f = {0};
	struct hf_serial s;

	(void)state;
	even.parity = 'E';
	start_fake(&f, play_well, 1);
	open_works(&f, &s);
	assert_int_equal(hf_serial_set_line(&s, &even), HF_OK);
	assert_int_equal(hf_serial_set_line(&s, &even), HF_OK);
	hf_serial_close(&s);
	stop_fake(&f);
	assert_int_equal(f.settings, 1); /* the rate stayed as it was */
	assert_int_equal(f.parity, 3);
}

static void play_suspend(struct fake *f)
{
	struct timespec pause = {.tv_nsec = 300000000};

	agree(f);
	SAY(f, IAC, SB, 44, 108, IAC, SE, 'x');
	nanosleep(&pause, NULL);
	SAY(f, IAC, SB, 44, 109, IAC, SE);
	serve(f);
}

static void suspended_server_is_waited_for(void **state)
{
	struct fake f = {0};
	struct hf_serial s;
	uint8_t byte;

	(void)state;
	start_fake(&f, play_suspend, 1);
	open_works(&f, &s);
	read_all(&s, &byte, 1);
	assert_int_equal(hf_serial_write(&s, "go", 2), HF_OK);
	hf_serial_close(&s);
	stop_fake(&f);
	assert_int_equal(f.got_len, 2);
}

static void connection_that_was_lost_is_reopened(void **state)
{
	struct fake f = {0};
	struct hf_serial s;

	(void)state;
	start_fake(&f, play_well, 2);
	open_works(&f, &s);
	shutdown(f.fd, SHUT_RDWR);
	assert_int_equal(hf_serial_read(&s, (uint8_t[1]){0}, 1, 1000, &(size_t){0}), HF_ERR_IO);
	assert_int_equal(hf_serial_write(&s, "lost", 4), HF_ERR_IO);
	assert_int_equal(hf_serial_reopen(&s), HF_OK);
	assert_int_equal(hf_serial_write(&s, "back", 4), HF_OK);
	hf_serial_close(&s);
	stop_fake(&f);
	assert_memory_equal(f.got, "back", 4);
}

static void senseless_addresses_are_refused(void **state)
{
	static const char *const bad[] = {"rfc2217:", "rfc2217:host", "rfc2217::22", "rfc2217:[::1:22", "rfc2217:[]:22", "rfc2217:host:"};
	struct hf_serial s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hf_diag diag = {""};

		assert_int_equal(hf_serial_open(bad[i], &line, &s, &diag), HF_ERR_RANGE);
		assert_non_null(strstr(diag.text, "rfc2217:HOST:PORT"));
	}
}

/* ---- ser2net ---- */

struct ser2net {
	char dir[TMP_NAME_BYTES], name[64];
	int master;
	pid_t pid;
	unsigned port;
	const char *accepter;
};

static unsigned free_port(const char *address)
{
	struct sockaddr_in6 where = {.sin6_family = AF_INET6};
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, address, &where.sin6_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 || getsockname(fd, (struct sockaddr *)&where, &len) != 0)
		where.sin6_port = 0;
	close(fd);
	return ntohs(where.sin6_port);
}

static void launch(struct ser2net *n)
{
	char config[160], slave[64];
	FILE *f;

	assert_int_equal(ptsname_r(n->master, slave, sizeof(slave)), 0);
	snprintf(config, sizeof(config), "%s/ser2net.yaml", n->dir);
	f = fopen(config, "w");
	assert_non_null(f);
	fprintf(f, "connection: &c\n  accepter: %s,tcp,::1,%u\n  connector: serialdev,%s,115200n81,local\n", n->accepter, n->port, slave);
	assert_int_equal(fclose(f), 0);
	n->pid = fork();
	if (n->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		close(n->master);
		execlp("ser2net", "ser2net", "-n", "-c", config, (char *)NULL);
		_exit(127);
	}
}

static bool have_ser2net(void)
{
	return system("command -v ser2net >/dev/null 2>&1 || test -x /usr/sbin/ser2net") == 0 && free_port("::1") != 0;
}

/* False, after a line: it cannot be had here. */
static bool start_ser2net(struct ser2net *n, const char *accepter)
{
	char path[1024];

	if (!have_ser2net()) {
		print_message("# ser2net or IPv6 is missing: skipped\n");
		return false;
	}
	snprintf(path, sizeof(path), "%s:/usr/sbin", getenv("PATH"));
	setenv("PATH", path, 1);
	*n = (struct ser2net){.accepter = accepter};
	assert_non_null(mkdtemp(tmp_name(n->dir, "hf-ser2net-XXXXXX")));
	n->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(n->master >= 0 && grantpt(n->master) == 0 && unlockpt(n->master) == 0);
	n->port = free_port("::1");
	snprintf(n->name, sizeof(n->name), "rfc2217:[::1]:%u", n->port);
	launch(n);
	return true;
}

static void kill_ser2net(struct ser2net *n)
{
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
}

static void stop_ser2net(struct ser2net *n)
{
	char command[128];

	kill_ser2net(n);
	close(n->master);
	snprintf(command, sizeof(command), "rm -rf '%s'", n->dir);
	assert_int_equal(system(command), 0);
}

/* It needs a moment until it listens. */
static enum hf_err open_ser2net(const struct ser2net *n, struct hf_serial *s, struct hf_diag *diag)
{
	struct timespec pause = {.tv_nsec = 50000000};
	enum hf_err err = HF_ERR_IO;

	for (unsigned i = 0; i < 60 && err == HF_ERR_IO; i++) {
		err = hf_serial_open(n->name, &line, s, diag);
		if (err == HF_ERR_IO)
			nanosleep(&pause, NULL);
	}
	return err;
}

static void master_reads(int fd, uint8_t *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, to + got, len - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
}

static void ser2net_carries_all_bytes_and_settings(void **state)
{
	struct hf_serial_line other = line;
	uint8_t out[1024], in[1024];
	struct hf_diag diag = {""};
	struct ser2net n;
	struct hf_serial s;
	struct termios t;

	(void)state;
	if (!start_ser2net(&n, "telnet(rfc2217)"))
		skip();
	if (open_ser2net(&n, &s, &diag))
		fail_msg("%s", diag.text);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i < 256 ? i : 255);
	assert_int_equal(hf_serial_write(&s, out, sizeof(out)), HF_OK);
	master_reads(n.master, in, sizeof(in));
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(write(n.master, out, sizeof(out)), sizeof(out));
	memset(in, 0, sizeof(in));
	read_all(&s, in, sizeof(in));
	assert_memory_equal(in, out, sizeof(out));

	other.baud = 57600;
	assert_int_equal(hf_serial_set_line(&s, &other), HF_OK);
	assert_int_equal(tcgetattr(n.master, &t), 0);
	assert_int_equal(cfgetospeed(&t), B57600);
	hf_serial_close(&s);
	stop_ser2net(&n);
}

static void ser2net_that_restarts_is_found_again(void **state)
{
	struct hf_diag diag = {""};
	struct ser2net n;
	struct hf_serial s;
	uint8_t in[4];
	enum hf_err err = HF_ERR_IO;

	(void)state;
	if (!start_ser2net(&n, "telnet(rfc2217)"))
		skip();
	if (open_ser2net(&n, &s, &diag))
		fail_msg("%s", diag.text);
	kill_ser2net(&n);
	assert_int_equal(hf_serial_read(&s, in, sizeof(in), 2000, &(size_t){0}), HF_ERR_IO);
	launch(&n);
	for (unsigned i = 0; i < 60 && err; i++) {
		hf_serial_sleep_ms(&s, 50);
		err = hf_serial_reopen(&s);
	}
	assert_int_equal(err, HF_OK);
	assert_int_equal(hf_serial_write(&s, "here", 4), HF_OK);
	master_reads(n.master, in, sizeof(in));
	assert_memory_equal(in, "here", 4);
	hf_serial_close(&s);
	stop_ser2net(&n);
}

static void ser2net_takes_one_at_a_time(void **state)
{
	struct hf_diag diag = {""};
	struct hf_serial s, second;
	struct ser2net n;
	enum hf_err err;

	(void)state;
	if (!start_ser2net(&n, "telnet(rfc2217)"))
		skip();
	if (open_ser2net(&n, &s, &diag))
		fail_msg("%s", diag.text);
	err = hf_serial_open(n.name, &line, &second, &diag);
	assert_true(err == HF_ERR_BUSY || err == HF_ERR_IO);
	assert_true(strstr(diag.text, "in use") || strstr(diag.text, "hung up"));
	hf_serial_close(&s);
	stop_ser2net(&n);
}

static void ser2net_without_the_option_is_told(void **state)
{
	struct hf_diag diag = {""};
	struct ser2net n;
	struct hf_serial s;

	(void)state;
	if (!start_ser2net(&n, "telnet"))
		skip();
	assert_int_equal(open_ser2net(&n, &s, &diag), HF_ERR_UNSUPPORTED);
	assert_non_null(strstr(diag.text, "no COM port control"));
	stop_ser2net(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_without_the_option_is_told),
		cmocka_unit_test(server_that_changes_bytes_is_refused),
		cmocka_unit_test(listener_that_is_no_server_is_told_in_time),
		cmocka_unit_test(server_that_hangs_up_is_quoted),
		cmocka_unit_test(server_that_is_in_use_is_busy),
		cmocka_unit_test(server_that_sets_another_rate_is_not_believed),
		cmocka_unit_test(rate_that_a_divider_gives_is_taken),
		cmocka_unit_test(endless_negotiation_ends),
		cmocka_unit_test(server_that_stops_answering_is_gone),
		cmocka_unit_test(dirt_between_data_is_passed_over),
		cmocka_unit_test(data_is_escaped_on_its_way_out),
		cmocka_unit_test(outputs_break_and_purge_reach_the_server),
		cmocka_unit_test(parity_is_asked_for_and_only_what_changes),
		cmocka_unit_test(suspended_server_is_waited_for),
		cmocka_unit_test(connection_that_was_lost_is_reopened),
		cmocka_unit_test(senseless_addresses_are_refused),
		cmocka_unit_test(ser2net_carries_all_bytes_and_settings),
		cmocka_unit_test(ser2net_that_restarts_is_found_again),
		cmocka_unit_test(ser2net_takes_one_at_a_time),
		cmocka_unit_test(ser2net_without_the_option_is_told),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

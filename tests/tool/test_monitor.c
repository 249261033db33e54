/* SPDX-License-Identifier: MIT
 *
 * Listening: what is a line, a packet and a stage; and `holdfast monitor` on several ports, of which some are slow, vanish
 * and come back. That boot, recovery and gateway really speak so is shown by test_stages.c, on the twin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "cbor.h"
#include "watch.h"

/* ---- the ear ---- */

static struct hf_watch watch;
static char heard[8192], stages[1024];
static unsigned packets;

static void on_line(void *ctx, const char *text, uint64_t at_ms)
{
	size_t len = strlen(heard);

	(void)ctx;
	snprintf(heard + len, sizeof(heard) - len, "%u:%s\n", (unsigned)at_ms, text);
}

static void on_stage(void *ctx, uint64_t at_ms)
{
	size_t len = strlen(stages);
	char text[80];

	(void)ctx;
	(void)at_ms;
	snprintf(stages + len, sizeof(stages) - len, "%s, ", hf_device_log_text(&watch.log, text, sizeof(text)));
}

static void on_packet(void *ctx, const struct hf_smp_header *h, struct hf_bytes body, uint64_t at_ms)
{
	(void)ctx;
	(void)h;
	(void)body;
	(void)at_ms;
	packets++;
}

static int begin(void **state)
{
	(void)state;
	hf_watch_begin(&watch, &(struct hf_watch_events){on_line, on_stage, on_packet, NULL});
	heard[0] = stages[0] = 0;
	packets = 0;
	return 0;
}

static void say(const char *text, uint64_t at_ms)
{
	hf_watch_take(&watch, (struct hf_bytes){(const uint8_t *)text, strlen(text)}, at_ms);
}

static void line_has_the_time_of_its_first_byte(void **state)
{
	(void)state;
	say("one\r\ntw", 5);
	say("o\r\n", 9);
	assert_string_equal(heard, "5:one\n5:two\n");
}

static void line_without_an_end_is_given_out_after_a_second(void **state)
{
	(void)state;
	say("login: ", 5);
	hf_watch_idle(&watch, 1004);
	assert_string_equal(heard, "");
	hf_watch_idle(&watch, 1005);
	assert_string_equal(heard, "5:login: \n");
	say("x\n", 1006);
	assert_string_equal(heard, "5:login: \n1006:x\n");
}

static void control_characters_never_reach_a_terminal(void **state)
{
	(void)state;
	say("a\033[2Jb\tc\xe4\n", 0);
	assert_string_equal(heard, "0:a?[2Jb c?\n");
	heard[0] = 0;
	say("\xff\xfe\n \n", 1);
	assert_string_equal(heard, "");
}

/* An answer to an upload: {"rc": 0, "off": off}. */
static size_t upload_answer(uint8_t packet[64], uint32_t off)
{
	struct hf_smp_header h = {.version = 1, .op = HF_SMP_WRITE_RSP, .group = HF_SMP_IMAGE, .id = HF_SMP_IMAGE_UPLOAD};
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, packet + HF_SMP_HEADER_BYTES, 64 - HF_SMP_HEADER_BYTES);
	hf_cbor_put_map(&w, 2);
	hf_cbor_put_tstr(&w, "rc");
	hf_cbor_put_uint(&w, 0);
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, off);
	h.len = (uint16_t)w.len;
	hf_smp_header_store(packet, &h);
	return HF_SMP_HEADER_BYTES + w.len;
}

static void hear_binary(uint32_t off, uint64_t at_ms)
{
	uint8_t packet[64], frame[HF_FRAME_BYTES(64)];
	struct hf_frame_encoder e;

	hf_frame_encode_begin(&e, (struct hf_bytes){packet, upload_answer(packet, off)});
	hf_watch_take(&watch, (struct hf_bytes){frame, hf_frame_encode(&e, frame, sizeof(frame))}, at_ms);
}

static void hear_console(uint32_t off, uint64_t at_ms)
{
	uint8_t packet[64], line[HF_SMP_LINE_MAX];
	struct hf_smp_encoder e;
	size_t n;

	hf_smp_encode_begin(&e, (struct hf_bytes){packet, upload_answer(packet, off)});
	while ((n = hf_smp_encode_line(&e, line)) > 0)
		hf_watch_take(&watch, (struct hf_bytes){line, n}, at_ms);
}

static void frames_of_both_kinds_are_no_text(void **state)
{
	(void)state;
	say("before\n", 0);
	hear_binary(100, 1);
	say("be", 2);
	hear_console(200, 3);
	say("tween\n", 4);
	hear_binary(300, 5);
	say("after\n", 6);
	assert_string_equal(heard, "0:before\n2:between\n6:after\n");
	assert_int_equal(packets, 3);
	assert_false(hf_watch_garbled(&watch));
}

static void upload_goes_on_by_the_answers_to_it(void **state)
{
	(void)state;
	hear_binary(500, 0);
	assert_string_equal(stages, "");
	say("gateway: 1.1.0 goes into slot B, from byte 0 of 1000\n", 0);
	hear_binary(500, 0);
	hear_binary(501, 0);
	hear_console(999, 0);
	hear_binary(5000, 0);
	say("gateway: 1.1.0 is complete and verified in slot B\n", 0);
	assert_string_equal(stages, "uploading 0 %, uploading 50 %, uploading 99 %, written 1.1.0 in B, ");
}

static void wrong_rate_is_noticed_and_forgotten_at_the_next(void **state)
{
	static const uint8_t noise[] = {0x83, 0xf1, 0x9e, 0xff, 0xe0, 0x1c, 0x7f, 0xc1};

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		say("boot: slot A 1.0.0 verified, starting\n", i);
	assert_false(hf_watch_garbled(&watch));
	for (unsigned i = 0; i < 2000; i++)
		hf_watch_take(&watch, (struct hf_bytes){noise, sizeof(noise)}, 100 + i);
	assert_true(hf_watch_garbled(&watch));
	hf_watch_new_rate(&watch);
	assert_false(hf_watch_garbled(&watch));
	heard[0] = 0;
	say("boot: holdfast 0.1.0 on reference, reset: pin\n", 9000);
	assert_string_equal(heard, "9000:boot: holdfast 0.1.0 on reference, reset: pin\n");
}

static void trial_that_is_given_up_is_rolled_back(void **state)
{
	(void)state;
	say("boot: holdfast 0.1.0 on reference, reset: request\nboot: slot B 1.2.0 verified, starting (trial 1 of 3)\n", 0);
	say("gateway 1.2.0 on reference, slot B, reset: request\n", 0);
	say("boot: holdfast 0.1.0 on reference, reset: watchdog\nboot: slot B rejected, error 50\n", 0);
	say("boot: slot A 1.1.0 verified, starting\ngateway 1.1.0 on reference, slot A, reset: watchdog\n", 0);
	assert_string_equal(stages, "boot, starting 1.2.0 in B, trial 1.2.0 in B, boot, verifying, starting 1.1.0 in A, "
				    "rolled back 1.1.0 in A, ");
	assert_int_equal(watch.log.boots, 2);
	assert_string_equal(watch.log.cause, "watchdog");
	stages[0] = 0;
	say("boot: holdfast 0.1.0 on reference, reset: pin, no PLL\nboot: slot B rejected, error 50\n", 0);
	say("boot: slot A 1.1.0 verified, starting\ngateway 1.1.0 on reference, slot A, reset: pin\n", 0);
	assert_string_equal(stages, "boot, verifying, starting 1.1.0 in A, running 1.1.0 in A, ");
	assert_int_equal(watch.log.slow_boots, 1);
	assert_string_equal(watch.log.cause, "pin");
}

static void recovery_tells_why_and_which_device(void **state)
{
	(void)state;
	say("boot: recovery 0.1.0 verified, starting recovery: pin\n", 0);
	say("Waiting for Download... recovery 0.1.0 on reference: the recovery pin was held, reset: pin, uid 35002b000b5180688066333437313736\n", 0);
	assert_string_equal(stages, "starting, recovery, ");
	assert_string_equal(watch.log.reason, "the recovery pin was held");
	assert_string_equal(watch.log.device_id, "35002b000b5180688066333437313736");
	assert_string_equal(watch.log.version, "0.1.0");
}

static void lines_of_other_firmware_are_no_stage(void **state)
{
	(void)state;
	say("boot\nboot loader ready\nU-Boot 2023.01\ngateway up\nslot A\nWaiting for Download...\nboot:\n", 0);
	assert_string_equal(stages, "");
}

/* ---- the command, on several ports ---- */

static char dir[TMP_NAME_BYTES];
static int listener[2];
static char port[2][64];
static char out[65536], err_out[8192];

static void listen_on_loopback(unsigned i)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(where);

	listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener[i], (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(listener[i], 4), 0);
	assert_int_equal(getsockname(listener[i], (struct sockaddr *)&where, &len), 0);
	snprintf(port[i], sizeof(port[i]), "tcp:127.0.0.1:%u", ntohs(where.sin_port));
}

static int open_ports(void **state)
{
	(void)state;
	listen_on_loopback(0);
	listen_on_loopback(1);
	return mkdtemp(tmp_name(dir, "hf-monitor-XXXXXX")) ? 0 : -1;
}

static int close_ports(void **state)
{
	char command[128];

	(void)state;
	close(listener[0]);
	close(listener[1]);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void slurp(const char *name, char *to, size_t room)
{
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(to, 1, room - 1, f);
	to[n] = 0;
	fclose(f);
}

static pid_t tool_begin(const char *arguments)
{
	char command[1024];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		snprintf(command, sizeof(command), "cd %s && exec %s monitor %s >out 2>err </dev/null", dir, getenv("HF_TOOL"),
			 arguments);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static int tool_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	slurp("out", out, sizeof(out));
	slurp("err", err_out, sizeof(err_out));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int accept_on(unsigned i)
{
	int fd = accept(listener[i], NULL, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Waits, a little at a time, until the output holds the text. */
static void await_output(const char *text)
{
	for (unsigned i = 0; i < 1000; i++) {
		slurp("out", out, sizeof(out));
		if (strstr(out, text))
			return;
		usleep(10000);
	}
	fail_msg("'%s' was not printed, but: %s", text, out);
}

static void silent_port_delays_no_other(void **state)
{
	char arguments[256];
	pid_t pid;
	int a, b;

	(void)state;
	snprintf(arguments, sizeof(arguments), "--port %s --port %s", port[0], port[1]);
	pid = tool_begin(arguments);
	a = accept_on(0);
	b = accept_on(1);
	send_text(b, "gateway 1.0.0 on reference, slot A, reset: power\r\n");
	await_output("running        gateway 1.0.0");
	send_text(b, "gateway: self-test passed\r\n");
	await_output("self-test passed");
	kill(pid, SIGINT);
	assert_int_equal(tool_end(pid), 7);
	assert_non_null(strstr(out, port[1] + 4)); /* which device it was */
	assert_null(strstr(out, port[0]));
	close(a);
	close(b);
}

static void port_that_vanishes_is_told_and_others_go_on(void **state)
{
	char arguments[256];
	pid_t pid;
	int a, b;

	(void)state;
	snprintf(arguments, sizeof(arguments), "--port %s --port %s --for 2s", port[0], port[1]);
	pid = tool_begin(arguments);
	a = accept_on(0);
	b = accept_on(1);
	send_text(a, "half a li");
	await_output("half a li");
	close(a);
	await_output("is gone");
	send_text(b, "still here\n");
	await_output("still here");
	assert_int_equal(tool_end(pid), 12);
	close(b);
}

static void port_that_comes_back_is_listened_to_again(void **state)
{
	char arguments[256];
	pid_t pid;
	int a;

	(void)state;
	snprintf(arguments, sizeof(arguments), "--port %s --wait --json", port[0]);
	pid = tool_begin(arguments);
	a = accept_on(0);
	send_text(a, "one\n");
	await_output("\"text\":\"one\"");
	close(a);
	a = accept_on(0);
	await_output("\"event\":\"back\"");
	send_text(a, "two\n");
	await_output("\"text\":\"two\"");
	kill(pid, SIGTERM);
	assert_int_equal(tool_end(pid), 7);
	assert_non_null(strstr(out, "\"event\":\"gone\""));
	assert_non_null(strstr(out, "{\"event\":\"result\""));
	close(a);
}

static void port_that_is_not_there_yet_is_waited_for(void **state)
{
	char arguments[256];
	pid_t pid;

	(void)state;
	snprintf(arguments, sizeof(arguments), "--port %s/not-there --for 700ms", dir);
	assert_int_equal(tool_end(tool_begin(arguments)), 5);
	assert_non_null(strstr(err_out, "not-there"));
	snprintf(arguments, sizeof(arguments), "--port %s/not-there --for 700ms --wait", dir);
	pid = tool_begin(arguments);
	await_output("not there yet");
	assert_int_equal(tool_end(pid), 0);
	assert_string_equal(err_out, "");
}

static void log_is_appended_and_a_full_disk_is_told(void **state)
{
	char arguments[256], log[4096];
	pid_t pid;
	int a;

	(void)state;
	snprintf(arguments, sizeof(arguments), "--port %s --log log --for 300ms", port[0]);
	for (unsigned i = 0; i < 2; i++) {
		pid = tool_begin(arguments);
		a = accept_on(0);
		send_text(a, "boot: holdfast 0.1.0 on reference, reset: pin\n");
		assert_int_equal(tool_end(pid), 0);
		close(a);
	}
	slurp("log", log, sizeof(log));
	assert_non_null(strstr(strstr(log, "boot: holdfast") + 10, "boot: holdfast"));
	snprintf(arguments, sizeof(arguments), "--port %s --log /dev/full --for 300ms", port[0]);
	pid = tool_begin(arguments);
	a = accept_on(0);
	send_text(a, "heard all the same\n");
	assert_int_equal(tool_end(pid), 13);
	assert_non_null(strstr(out, "heard all the same"));
	assert_non_null(strstr(err_out, "/dev/full cannot be written"));
	close(a);
}

static void readable_rate_is_looked_for(void **state)
{
	static const uint8_t noise[64] = {0x83, 0xf1, 0x9e, 0xff, 0xe0, 0xfc, 0x8f, 0xc1, 0x83, 0xf1, 0x9e};
	char arguments[256];
	uint8_t bytes[64];
	pid_t pid;
	int a;

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = noise[i % 11];
	snprintf(arguments, sizeof(arguments), "--port %s --json", port[0]);
	pid = tool_begin(arguments);
	a = accept_on(0);
	assert_int_equal(write(a, bytes, sizeof(bytes)), sizeof(bytes));
	await_output("listening at 115200 baud");
	send_text(a, "now it can be read, a whole line of it, and one more word\n");
	await_output("one more word");
	kill(pid, SIGINT);
	assert_int_equal(tool_end(pid), 7);
	assert_null(strstr(out, "not at 115200"));
	close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(line_has_the_time_of_its_first_byte, begin),
		cmocka_unit_test_setup(line_without_an_end_is_given_out_after_a_second, begin),
		cmocka_unit_test_setup(control_characters_never_reach_a_terminal, begin),
		cmocka_unit_test_setup(frames_of_both_kinds_are_no_text, begin),
		cmocka_unit_test_setup(upload_goes_on_by_the_answers_to_it, begin),
		cmocka_unit_test_setup(wrong_rate_is_noticed_and_forgotten_at_the_next, begin),
		cmocka_unit_test_setup(trial_that_is_given_up_is_rolled_back, begin),
		cmocka_unit_test_setup(recovery_tells_why_and_which_device, begin),
		cmocka_unit_test_setup(lines_of_other_firmware_are_no_stage, begin),
		cmocka_unit_test_setup_teardown(silent_port_delays_no_other, open_ports, close_ports),
		cmocka_unit_test_setup_teardown(port_that_vanishes_is_told_and_others_go_on, open_ports, close_ports),
		cmocka_unit_test_setup_teardown(port_that_comes_back_is_listened_to_again, open_ports, close_ports),
		cmocka_unit_test_setup_teardown(port_that_is_not_there_yet_is_waited_for, open_ports, close_ports),
		cmocka_unit_test_setup_teardown(log_is_appended_and_a_full_disk_is_told, open_ports, close_ports),
		cmocka_unit_test_setup_teardown(readable_rate_is_looked_for, open_ports, close_ports),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}

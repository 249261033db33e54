/* SPDX-License-Identifier: MIT
 *
 * The library as a factory's own program uses it: the documented example, linked with libholdfast.so alone, burns over TCP onto a
 * gateway of core's own code in a child process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "device.h"
#include "smp_server.h"

#define CONFIRM_AFTER 6 /* requests since the start */

static const struct hf_layout layout = {
	.name = "gw-test",
	.vendor_id = {1},
	.class_id = {2},
	.sectors = 4,
	.sector = {{0x08000000, 16384}, {0x08004000, 16384}, {0x08008000, 65536}, {0x08018000, 65536}},
	.journal = {{0x08000000, 16384}, {0x08004000, 16384}},
	.slot = {{0x08008000, 65536}, {0x08018000, 65536}},
	.ram = {{0x20000000, 131072}},
};

static struct maker maker;
static struct package v0, v1;
static char dir[TMP_NAME_BYTES], port[64], out[65536];
static int listener;
static pid_t child;

/* ---- the gateway, in the child ---- */

static struct device device;
static struct hf_smp_server server;
static struct hf_smp_store store;
static unsigned requests;

static uint32_t gateway_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static enum hf_err gateway_random(uint8_t *buf, size_t len)
{
	return getrandom(buf, len, 0) == (ssize_t)len ? HF_OK : HF_ERR_IO;
}

static void gateway_start(void)
{
	device.starts = 0;
	device_boot(&device);
	device.cause = HF_RESET_REQUEST;
	if (device_open_update(&device) != HF_OK)
		abort();
	server = (struct hf_smp_server){.update = &device.update, .store = &store, .buf_size = 1024, .buf_count = 4,
					.readback = true, .now_ms = gateway_ms, .random = gateway_random};
	store = (struct hf_smp_store){0};
	requests = 0;
}

/* A tool that hangs up is noticed by the next read. */
static void send_all(int fd, const void *data, size_t len)
{
	ssize_t sent = write(fd, data, len);

	(void)sent;
}

static void gateway_answer(int fd, const struct hf_smp_decoder *d)
{
	uint8_t answer[2048], line[HF_SMP_LINE_MAX];
	struct hf_smp_encoder e;
	size_t n;

	if (requests++ == CONFIRM_AFTER && hf_update_confirm(&device.update) != HF_OK)
		abort();
	n = hf_smp_serve(&server, (struct hf_bytes){d->buf, d->len}, answer, sizeof(answer));
	hf_smp_encode_begin(&e, (struct hf_bytes){answer, n});
	while (n > 0 && (n = hf_smp_encode_line(&e, line)) > 0)
		send_all(fd, line, n);
	if (server.reset_wanted)
		gateway_start();
}

static void gateway_serve(int fd)
{
	uint8_t packet[2048], in[512];
	struct hf_smp_decoder d;
	ssize_t n;

	hf_smp_decode_begin(&d, packet, sizeof(packet));
	send_all(fd, "[0.001] hello\r\n", 15);
	while ((n = read(fd, in, sizeof(in))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (hf_smp_decode(&d, in[i]) == HF_SMP_PACKET)
				gateway_answer(fd, &d);
		}
	}
}

static void gateway_run(void)
{
	signal(SIGPIPE, SIG_IGN);
	device_open(&device, &maker);
	device.known[0] = &v0;
	device.known[1] = &v1;
	device_install_factory(&device, &v0);
	gateway_start();
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(0);
		gateway_serve(fd);
		close(fd);
	}
}

/* ---- the example ---- */

static void listen_on_loopback(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(where);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&where, &len), 0);
	snprintf(port, sizeof(port), "tcp:127.0.0.1:%u", ntohs(where.sin_port));
}

static void write_file(const char *name, struct hf_buffer content)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(content.ptr, 1, content.len, f), content.len);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	(void)state;
	maker_open(&maker, &layout);
	maker_pack(&maker, 0, 1, 8000, &v0);
	maker_pack(&maker, 1, 1, 30000, &v1);
	assert_non_null(mkdtemp(tmp_name(dir, "hf-library-XXXXXX")));
	write_file("v1", v1.file);
	listen_on_loopback();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		gateway_run();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	if (child > 0)
		kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
	hf_buffer_free(&v0.file);
	hf_buffer_free(&v1.file);
	return 0;
}

/* Runs it; what it says on either stream is in out. */
static int example(const char *arguments)
{
	char command[512];
	size_t n;
	int status;
	FILE *f;

	snprintf(command, sizeof(command), "cd %s && %s %s 2>&1 </dev/null", dir, getenv("HF_EXAMPLE"), arguments);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void example_burns_and_prints_progress(void **state)
{
	char arguments[128];

	(void)state;
	snprintf(arguments, sizeof(arguments), "v1 %s", port);
	if (example(arguments) != 0)
		fail_msg("%s", out);
	assert_non_null(strstr(out, " bytes\n"));
	assert_non_null(strstr(out, "\nconfirmed\n"));
}

static void example_again_finds_it_done(void **state)
{
	char arguments[128];

	(void)state;
	snprintf(arguments, sizeof(arguments), "v1 %s", port);
	assert_int_equal(example(arguments), 0);
	assert_null(strstr(out, " bytes\n"));
	assert_non_null(strstr(out, "\nalready"));
}

static void example_says_why_it_could_not(void **state)
{
	(void)state;
	assert_int_equal(example("v1 none-0"), 1);
	assert_non_null(strstr(out, "there is no serial port none-0"));
	assert_int_equal(example("none tcp:127.0.0.1:1"), 1);
	assert_non_null(strstr(out, "none: cannot open"));
	assert_int_equal(example(""), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_burns_and_prints_progress),
		cmocka_unit_test(example_again_finds_it_done),
		cmocka_unit_test(example_says_why_it_could_not),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

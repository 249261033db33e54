/* SPDX-License-Identifier: MIT
 *
 * The commands that talk to a device, as a person runs them: the `holdfast` binary, over TCP, to a gateway of core's own
 * code in a child process. What is tested is what is printed and what is returned; burning itself is in test_burn.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
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
#include "out.h"
#include "smp_server.h"

#define CONFIRM_AFTER 6 /* requests since the start */

/* What these burns are not about. */
#define WAIVED "--as-pilot --waive way-back-packages=test --by test"

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
static struct package v0, v1, v2, v3, foreign;
static char dir[TMP_NAME_BYTES];
static char port[64], silent_port[64];
static int listener, silent;
static pid_t child;
static char out[65536], err_out[8192];

/* ---- the gateway, in the child ---- */

static struct device device;
static struct hf_smp_server server;
static struct hf_smp_store store;
static struct hf_trust trust;
static uint8_t factory_page[2048];
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
	device.update.trust = &trust;
	device.update.factory_keyset = (struct hf_bytes){factory_page, sizeof(factory_page)};
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
	/* Its board wants signatures as soon as there is somebody who can give them. */
	server.access = trust.keyset.number > 1 ? HF_ACCESS_SIGNED : HF_ACCESS_OPEN;
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
	device.known[2] = &v2;
	device.known[3] = &v3;
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

/* ---- running the tool ---- */

static int listen_on_loopback(char name[64])
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	snprintf(name, 64, "tcp:127.0.0.1:%u", ntohs(where.sin_port));
	return fd;
}

static void slurp(FILE *f, char *to, size_t room)
{
	size_t n = fread(to, 1, room - 1, f);

	to[n] = 0;
}

/* Runs `holdfast` with these arguments; %s are files and ports. Returns the exit code, out and err_out. */
static int tool(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int tool(const char *format, ...)
{
	char arguments[1024], command[2048], errors[128];
	va_list args;
	FILE *f;
	int status;

	va_start(args, format);
	vsnprintf(arguments, sizeof(arguments), format, args);
	va_end(args);
	snprintf(errors, sizeof(errors), "%s/stderr", dir);
	snprintf(command, sizeof(command), "cd %s && XDG_DATA_HOME=%s %s %s 2>%s </dev/null", dir, dir, getenv("HF_TOOL"), arguments, errors);
	f = popen(command, "r");
	assert_non_null(f);
	slurp(f, out, sizeof(out));
	status = pclose(f);
	f = fopen(errors, "r");
	assert_non_null(f);
	slurp(f, err_out, sizeof(err_out));
	fclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void write_file(const char *name, const void *data, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* The factory's keyset: the maker's key, and one root key, whose private half lies in `root`. */
static void make_keysets(void)
{
	struct hf_private_key root;
	struct hf_keyset keyset = maker.keyset;
	struct hf_diag diag;
	char path[128];
	size_t len;

	assert_int_equal(hf_key_generate(&root, &diag), HF_OK);
	snprintf(path, sizeof(path), "%s/root", dir);
	assert_int_equal(hf_key_write_private(path, &root, HF_ROLE_ROOT, NULL, false, &diag), HF_OK);
	snprintf(path, sizeof(path), "%s/release", dir);
	assert_int_equal(hf_key_write_private(path, &maker.key, HF_ROLE_RELEASE, NULL, false, &diag), HF_OK);
	keyset.key[keyset.keys++] = (struct hf_key){HF_ROLE_ROOT, HF_ALG_ESP256, {root.public_key, sizeof(root.public_key)}};
	memset(factory_page, 0xff, sizeof(factory_page));
	assert_int_equal(hf_keyset_encode(&keyset, factory_page, sizeof(factory_page), &len), HF_OK);
	write_file("factory", factory_page, len);
}

/* The machine's own ports are none of the tests' business. */
static void no_ports(void)
{
	char path[160];

	snprintf(path, sizeof(path), "mkdir -p '%s/machine/sys/class/tty'", dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/machine", dir);
	setenv("HOLDFAST_ROOT", path, 1);
	unsetenv("HOLDFAST_PORTS");
}

static int set_up(void **state)
{
	static struct maker stranger;
	size_t used;

	(void)state;
	maker_open(&maker, &layout);
	maker_open(&stranger, &layout);
	maker_pack(&maker, 0, 1, 8000, &v0);
	maker_pack(&maker, 1, 1, 30000, &v1);
	maker_pack(&maker, 2, 1, 30000, &v2);
	maker_pack(&maker, 3, 1, 20000, &v3);
	maker_pack(&stranger, 3, 1, 30000, &foreign);
	assert_non_null(mkdtemp(tmp_name(dir, "hf-device-commands-XXXXXX")));
	write_file("v0", v0.file.ptr, v0.file.len);
	write_file("v1", v1.file.ptr, v1.file.len);
	write_file("v2", v2.file.ptr, v2.file.len);
	write_file("v3", v3.file.ptr, v3.file.len);
	write_file("foreign", foreign.file.ptr, foreign.file.len);
	v1.file.ptr[v1.file.len - 100] ^= 1;
	write_file("damaged", v1.file.ptr, v1.file.len);
	v1.file.ptr[v1.file.len - 100] ^= 1;
	assert_int_equal(hf_keyset_parse((struct hf_bytes){maker.keyset_bytes, sizeof(maker.keyset_bytes)}, &maker.keyset,
					 &used), HF_OK);
	write_file("keyset", maker.keyset_bytes, used);
	make_keysets();
	no_ports();
	listener = listen_on_loopback(port);
	silent = listen_on_loopback(silent_port);
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
	hf_buffer_free(&v2.file);
	hf_buffer_free(&v3.file);
	hf_buffer_free(&foreign.file);
	return 0;
}

static json_t *json_of(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, 0, &error);

	if (!value)
		fail_msg("no JSON: %s: %s", error.text, text);
	return value;
}

/* The last line of `out`. */
static const char *last_line(void)
{
	char *end = out + strlen(out);

	if (end > out)
		*--end = 0;
	while (end > out && end[-1] != '\n')
		end--;
	return end;
}

/* ---- the tests build on each other: one gateway goes through them all ---- */

static void status_tells_what_runs(void **state)
{
	json_t *all;

	(void)state;
	for (int i = 0; i < CONFIRM_AFTER; i++)
		assert_int_equal(tool("status --port %s", port), 0);
	assert_non_null(strstr(out, "gw-test"));
	assert_non_null(strstr(out, "1.0.0 in slot A"));
	assert_int_equal(tool("status --port %s --json", port), 0);
	all = json_of(out);
	assert_string_equal(json_string_value(json_object_get(all, "version")), "1.0.0");
	assert_int_equal(json_integer_value(json_object_get(all, "slot")), 0);
	assert_int_equal(json_array_size(json_object_get(all, "slots")), 2);
	json_decref(all);
}

static void burn_refuses_before_it_sends(void **state)
{
	(void)state;
	assert_int_equal(tool("burn damaged --port %s", port), 3);
	assert_non_null(strstr(err_out, "damaged"));
	assert_int_equal(tool("burn foreign --port %s --keyset keyset", port), 4);
	assert_int_equal(tool("burn nothing --port %s", port), 1);
	assert_int_equal(tool("burn keyset --port %s", port), 3);
	assert_int_equal(tool("status --port %s --json", port), 0);
	assert_null(strstr(out, "uploading"));
}

static void burn_of_a_lying_tool_is_refused_by_the_device(void **state)
{
	(void)state;
	assert_int_equal(tool("burn foreign --port %s --no-verify", port), 6);
	assert_non_null(strstr(err_out, "the device refuses the package"));
	assert_int_equal(tool("burn damaged --port %s --no-verify", port), 6);
	assert_non_null(strstr(err_out, "digest"));
}

/* Every millisecond is somewhere, and counted once. */
static void assert_where_adds_up(const json_t *result)
{
	static const char *const keys[] = {"find", "line", "head", "erase", "wire", "program", "verify", "reset", "trial", "tests"};
	json_int_t sum = 0, took = json_integer_value(json_object_get(result, "duration_ms"));
	json_t *where = json_object_get(result, "where_ms"), *value;
	const char *key;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(json_is_integer(json_object_get(where, keys[i])));
	json_object_foreach(where, key, value)
		sum += json_integer_value(value);
	assert_in_range(sum, took - 2, took + 2);
}

/* Over a pty the tests after it time this machine rather than the device, and may find it slow. */
static void assert_burned(int code)
{
	assert_true(code == HF_EXIT_OK || code == HF_EXIT_TESTS);
}

static void burn_tells_its_story_as_json(void **state)
{
	char *line, *rest = NULL;
	unsigned events = 0;
	json_t *event = NULL;
	int code;

	(void)state;
	code = tool("burn v1 --port %s --keyset keyset --json " WAIVED, port);
	assert_burned(code);
	assert_true(code != HF_EXIT_OK || err_out[0] == 0);
	for (line = strtok_r(out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_decref(event);
		event = json_of(line);
		assert_true(json_is_string(json_object_get(event, "event")));
		events++;
	}
	assert_true(events > 8);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "result");
	assert_string_equal(json_string_value(json_object_get(event, "outcome")), "confirmed");
	assert_string_equal(json_string_value(json_object_get(event, "version")), "1.1.0");
	assert_int_equal(json_integer_value(json_object_get(event, "exit")), code);
	assert_int_equal(json_integer_value(json_object_get(event, "slot")), 1);
	assert_int_equal(strlen(json_string_value(json_object_get(event, "device_id"))), 36);
	assert_int_equal(strlen(json_string_value(json_object_get(event, "digest"))), 64);
	assert_string_equal(json_string_value(json_object_get(event, "digest")), json_string_value(json_object_get(event, "id")));
	assert_string_equal(json_string_value(json_object_get(event, "serial_port")), port);
	assert_where_adds_up(event);
	json_decref(event);
}

static void burn_again_says_that_nothing_was_sent(void **state)
{
	(void)state;
	assert_int_equal(tool("burn v1 --port %s " WAIVED, port), 0);
	assert_non_null(strstr(out, "nothing was sent"));
	assert_int_equal(tool("burn v0 --port %s", port), 4);
	assert_non_null(strstr(err_out, "older"));
}

static void images_are_listed_tried_and_erased(void **state)
{
	char hash[9];
	json_t *all, *image;

	(void)state;
	assert_int_equal(tool("burn v2 --port %s --no-activate --quiet " WAIVED, port), 0);
	assert_non_null(strstr(out, "not activated"));
	assert_int_equal(tool("image list --port %s", port), 0);
	assert_non_null(strstr(out, "slot A  1.2.0"));
	assert_non_null(strstr(out, "runs  confirmed"));
	assert_int_equal(tool("image list --port %s --json", port), 0);
	all = json_of(out);
	image = json_array_get(json_object_get(all, "images"), 0);
	snprintf(hash, sizeof(hash), "%s", json_string_value(json_object_get(image, "hash")));
	json_decref(all);
	assert_int_equal(tool("image test 00000000 --port %s", port), 6);
	assert_int_equal(tool("image test %s --port %s", hash, port), 0);
	assert_int_equal(tool("image list --port %s", port), 0);
	assert_non_null(strstr(out, "starts at the next reset"));
	assert_int_equal(tool("image reset --port %s", port), 0);
	assert_int_equal(tool("status --port %s", port), 0);
	assert_non_null(strstr(out, "1.2.0 in slot A"));
	assert_non_null(strstr(out, "slot A      trial"));
	assert_int_equal(tool("image erase --port %s", port), 6);
	assert_int_equal(tool("image confirm --port %s", port), 0);
	assert_int_equal(tool("image erase --port %s", port), 0);
	assert_int_equal(tool("image list --port %s", port), 0);
	assert_null(strstr(out, "slot B"));
}

static void keyset_is_burned_once_its_root_has_signed(void **state)
{
	(void)state;
	assert_int_equal(tool("keygen site --role site"), 0);
	assert_int_equal(tool("keyset make --from factory --site site.pub.pem --out next"), 0);
	assert_int_equal(tool("keyset burn next --port %s", port), 4);
	assert_non_null(strstr(err_out, "this keyset is not signed"));
	assert_int_equal(tool("keyset sign next --key root --previous factory"), 0);
	assert_non_null(strstr(out, "complete"));
	assert_int_equal(tool("keyset burn next --port %s", port), 0);
	assert_non_null(strstr(out, "the device trusts keyset 2 now"));
	assert_int_equal(tool("keyset burn next --port %s", port), 0);
	assert_non_null(strstr(out, "the device has keyset 2 already"));

	/* It survives a reset, and an older one is not taken. */
	assert_int_equal(tool("image reset --port %s --key site.pem", port), 0);
	assert_int_equal(tool("keyset sign factory --key root --out older"), 0);
	assert_int_equal(tool("keyset burn older --port %s", port), 4);
	assert_non_null(strstr(err_out, "the device has keyset 2, and takes only a higher one than 1"));

	/* One whose predecessor's roots have not signed. */
	assert_int_equal(tool("keygen other --role root"), 0);
	assert_int_equal(tool("keyset make --from next --root other.pub.pem --remove root.pub.pem --out lost"), 3);
	assert_int_equal(tool("keyset make --number 3 --root other.pub.pem --release release --out lost"), 0);
	assert_int_equal(tool("keyset sign lost --key other.pem"), 0);
	assert_int_equal(tool("keyset burn lost --port %s --json", port), 4);
	assert_int_equal(tool("keyset burn nothing --port %s", port), 1);
	assert_int_equal(tool("keyset burn v1 --port %s", port), 3);
	assert_int_equal(tool("keyset burn next --port %s --patience 1s", silent_port), 5);
}

/* From here on the device takes changes from a site key's holder only. */
static void changes_want_a_session_of_a_site_key(void **state)
{
	(void)state;
	write_file("settings.json", "{\"poll_ms\": 250, \"slaves\": [1, 2]}", 34);
	assert_int_equal(tool("config set settings.json --port %s", port), 6);
	assert_non_null(strstr(err_out, "the access rule forbids it"));
	assert_non_null(strstr(err_out, "--key"));
	assert_int_equal(tool("image erase --port %s", port), 6);
	assert_int_equal(tool("burn v3 --port %s " WAIVED, port), 6);
	assert_int_equal(tool("keyset burn next --port %s", port), 0); /* it is there: nothing changes */
	assert_int_equal(tool("config set settings.json --port %s --key release", port), 6);
	assert_non_null(strstr(err_out, "opens no session for the key release"));
	assert_int_equal(tool("config set settings.json --port %s --key root", port), 6);
	assert_int_equal(tool("config set settings.json --port %s --key nothing", port), 1);
	assert_int_equal(tool("config get --port %s", port), 0);
	assert_non_null(strstr(out, "no configuration"));
}

static void config_is_set_read_and_cleared(void **state)
{
	json_t *all;

	(void)state;
	assert_int_equal(tool("config set settings.json --encode --port %s --key site.pem", port), 0);
	assert_non_null(strstr(out, "stored"));
	assert_int_equal(tool("config get --port %s", port), 0);
	assert_non_null(strstr(out, "\"poll_ms\": 250"));
	assert_int_equal(tool("config get --port %s --json", port), 0);
	all = json_of(out);
	assert_string_equal(json_string_value(json_object_get(all, "hex")), "a267706f6c6c5f6d7318fa66736c61766573820102");
	json_decref(all);
	assert_int_equal(tool("config get --out got --port %s", port), 0);
	assert_int_equal(tool("config clear --port %s --key site.pem", port), 0);
	assert_int_equal(tool("config set got --port %s --key site.pem", port), 0);
	assert_non_null(strstr(out, "stored 21 bytes"));

	assert_int_equal(tool("config set v1 --port %s", port), 3);
	assert_non_null(strstr(err_out, "has 1 to 2048"));
	assert_int_equal(tool("config set keyset --encode --port %s", port), 3);
	assert_int_equal(tool("config set nothing --port %s", port), 1);
	assert_int_equal(tool("config set --port %s", port), 2);
	assert_int_equal(tool("config put got --port %s", port), 2);
	assert_int_equal(tool("config get --encode --port %s", port), 2);
	assert_int_equal(tool("config get --port %s --patience 1s", silent_port), 5);
}

static void rollback_brings_the_firmware_before_back(void **state)
{
	(void)state;
	assert_int_equal(tool("rollback --port %s --key site.pem", port), 6); /* the other slot was erased */
	assert_burned(tool("burn v3 --port %s --key site.pem " WAIVED, port));
	assert_int_equal(tool("status --port %s", port), 0);
	assert_non_null(strstr(out, "1.3.0 in slot B"));
	assert_int_equal(tool("rollback --port %s", port), 6);
	assert_int_equal(tool("rollback --port %s --key site.pem --json", port), 0);
	assert_non_null(strstr(out, "\"rollback\""));
	assert_int_equal(tool("status --port %s", port), 0);
	assert_non_null(strstr(out, "1.2.0 in slot A"));
	assert_non_null(strstr(out, "slot A      trial"));
	assert_int_equal(tool("image confirm --port %s --key site.pem", port), 0);
}

static void image_is_read_back_as_it_lies(void **state)
{
	(void)state;
	assert_int_equal(tool("read a --out dump --port %s", port), 0);
	assert_non_null(strstr(out, "65536 bytes"));
	assert_int_equal(tool("inspect dump"), 0);
	assert_non_null(strstr(out, "1.2.0"));
	assert_int_equal(tool("read c --out dump --port %s", port), 2);
	assert_int_equal(tool("read a --port %s", port), 2);
}

static void recovery_that_is_not_there_is_refused(void **state)
{
	(void)state;
	assert_int_equal(tool("recovery --port %s --key site.pem", port), 6);
	assert_non_null(strstr(err_out, "resetting into recovery"));
}

static void factory_reset_wants_to_be_meant(void **state)
{
	(void)state;
	assert_int_equal(tool("factory-reset --port %s --key site.pem", port), 2);
	assert_int_equal(tool("config get --port %s", port), 0);
	assert_non_null(strstr(out, "poll_ms"));
	assert_int_equal(tool("factory-reset --yes --port %s --key site.pem", port), 0);
	assert_int_equal(tool("config get --port %s", port), 0);
	assert_non_null(strstr(out, "no configuration"));
	assert_int_equal(tool("image list --port %s", port), 0);
	assert_null(strstr(out, "slot B"));
	assert_non_null(strstr(out, "1.2.0"));
}

static void monitor_prints_lines_and_packets(void **state)
{
	json_t *event;

	(void)state;
	assert_int_equal(tool("monitor --port %s --for 300ms", port), 0);
	assert_non_null(strstr(out, "[0.001] hello\n"));
	assert_int_equal(tool("monitor --port %s --for 300ms --json", port), 0);
	event = json_of(last_line());
	assert_string_equal(json_string_value(json_object_get(event, "event")), "result");
	json_decref(event);
	*strchr(out, '\n') = 0;
	event = json_of(out);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "line");
	assert_string_equal(json_string_value(json_object_get(event, "text")), "[0.001] hello");
	json_decref(event);
}

static void nobody_there_is_exit_5(void **state)
{
	(void)state;
	assert_int_equal(tool("status --port tcp:127.0.0.1:1"), 5);
	assert_int_equal(tool("status --port %s --patience 1s", silent_port), 5);
	assert_non_null(strstr(err_out, "no device answers"));
	assert_int_equal(tool("burn v1 --port %s --patience 1s", silent_port), 5);
	assert_int_equal(tool("burn v1"), 5);
	assert_non_null(strstr(err_out, "there is no serial port to look at"));
	assert_int_equal(tool("burn v1 --port %s --patience 1s --json", silent_port), 5);
	json_t *result = json_of(last_line());
	assert_string_equal(json_string_value(json_object_get(result, "outcome")), "no-device");
	json_decref(result);
}

static void wrong_usage_is_exit_2(void **state)
{
	static const char *const wrong[] = {
		"burn", "burn v1 v2 --port x", "burn v1 --port tcp:x", "burn v1 --port x --patience 1h",
		"burn v1 --port x --confirm-within soon", "image --port x", "image flash --port x", "image test --port x",
		"image test abc --port x", "image list now --port x",
		"read A --port x", "read C --port x --out y", "config --port x", "config set --port x", "config clear now --port x",
		"rollback now --port x", "factory-reset --port x", "monitor --port x --for never", "status --device 300",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (tool("%s", wrong[i]) != 2)
			fail_msg("not refused as wrong usage: %s", wrong[i]);
		assert_true(strlen(err_out) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_tells_what_runs),
		cmocka_unit_test(burn_refuses_before_it_sends),
		cmocka_unit_test(burn_of_a_lying_tool_is_refused_by_the_device),
		cmocka_unit_test(burn_tells_its_story_as_json),
		cmocka_unit_test(burn_again_says_that_nothing_was_sent),
		cmocka_unit_test(images_are_listed_tried_and_erased),
		cmocka_unit_test(keyset_is_burned_once_its_root_has_signed),
		cmocka_unit_test(changes_want_a_session_of_a_site_key),
		cmocka_unit_test(config_is_set_read_and_cleared),
		cmocka_unit_test(rollback_brings_the_firmware_before_back),
		cmocka_unit_test(image_is_read_back_as_it_lies),
		cmocka_unit_test(recovery_that_is_not_there_is_refused),
		cmocka_unit_test(factory_reset_wants_to_be_meant),
		cmocka_unit_test(monitor_prints_lines_and_packets),
		cmocka_unit_test(nobody_there_is_exit_5),
		cmocka_unit_test(wrong_usage_is_exit_2),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

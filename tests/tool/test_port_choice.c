/* SPDX-License-Identifier: MIT
 *
 * Finding and choosing a device, as a person does it: the `holdfast` binary on a machine that is a directory, whose ports are
 * pseudo-terminals with a device of a few lines at the other end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "cbor.h"
#include "serial.h"
#include "smp.h"

#define PORTS 4

enum kind { SILENT, FIRMWARE, RECOVERY, LOCKED };

struct device {
	enum kind kind;
	uint8_t id[16];
	speed_t rate;      /* it answers at this one only, else it makes noise; 0: at any */
	unsigned answers;  /* then it is silent; 0: it goes on */
	bool vanishes;     /* then the port is gone */
	bool clone;        /* its id is that of the first one */
};

static struct device device[PORTS];
static int master[PORTS];
static pid_t child[PORTS];
static char slave[PORTS][64];
static char dir[TMP_NAME_BYTES], out[65536], err_out[16384];

/* ---- the devices, each in a child ---- */

static void put_status(struct hf_cbor_writer *w, const struct device *d)
{
	hf_cbor_put_map(w, 4);
	hf_cbor_put_tstr(w, "board");
	hf_cbor_put_tstr(w, "gw-test");
	hf_cbor_put_tstr(w, "uid");
	hf_cbor_put_bstr(w, d->id, sizeof(d->id));
	hf_cbor_put_tstr(w, "version");
	hf_cbor_put_array(w, d->kind == FIRMWARE ? 3 : 0);
	for (unsigned i = 0; i < 3 && d->kind == FIRMWARE; i++)
		hf_cbor_put_uint(w, i + 1);
	hf_cbor_put_tstr(w, "slot");
	if (d->kind == FIRMWARE)
		hf_cbor_put_uint(w, 1);
	else
		hf_cbor_put_null(w);
}

static void answer(int fd, const struct device *d, const struct hf_smp_decoder *packet)
{
	struct hf_smp_header h;
	uint8_t body[512], line[HF_SMP_LINE_MAX];
	struct hf_smp_encoder e;
	struct hf_cbor_writer w;
	size_t n;

	if (hf_smp_header_load((struct hf_bytes){packet->buf, packet->len}, &h) != HF_OK)
		return;
	hf_cbor_begin(&w, body + HF_SMP_HEADER_BYTES, sizeof(body) - HF_SMP_HEADER_BYTES);
	if (h.group == HF_SMP_HOLDFAST && h.id == HF_SMP_HOLDFAST_STATUS) {
		put_status(&w, d);
	} else {
		hf_cbor_put_map(&w, h.group == HF_SMP_HOLDFAST && h.id == HF_SMP_HOLDFAST_COUNTERS ? 0 : 1);
		if (h.group != HF_SMP_HOLDFAST || h.id != HF_SMP_HOLDFAST_COUNTERS) {
			hf_cbor_put_tstr(&w, "rc");
			hf_cbor_put_uint(&w, 8);
		}
	}
	h.op++;
	h.len = (uint16_t)w.len;
	hf_smp_header_store(body, &h);
	hf_smp_encode_begin(&e, (struct hf_bytes){body, HF_SMP_HEADER_BYTES + w.len});
	while ((n = hf_smp_encode_line(&e, line)) > 0)
		(void)!write(fd, line, n);
}

static bool at_right_rate(int fd, const struct device *d)
{
	struct termios t;

	return !d->rate || (tcgetattr(fd, &t) == 0 && cfgetospeed(&t) == d->rate);
}

static void play(int fd, const struct device *d)
{
	static const uint8_t noise[] = {0x91, 0xe3, 0xf8, 0x80, 0x9c, 0xf1};
	uint8_t packet[1024], in[256];
	struct hf_smp_decoder decoder;
	unsigned answers = 0;
	ssize_t n;

	hf_smp_decode_begin(&decoder, packet, sizeof(packet));
	while ((n = read(fd, in, sizeof(in))) > 0) {
		bool right = at_right_rate(fd, d);

		if (d->kind == SILENT)
			continue;
		if (!right)
			(void)!write(fd, noise, sizeof(noise));
		for (ssize_t i = 0; i < n && right; i++) {
			if (hf_smp_decode(&decoder, in[i]) != HF_SMP_PACKET || (d->answers && answers == d->answers))
				continue;
			answer(fd, d, &decoder);
			if (++answers == d->answers && d->vanishes)
				return;
		}
	}
}

static void unplug(unsigned i)
{
	char name[TMP_NAME_BYTES + 32];

	snprintf(name, sizeof(name), "%s/dev/ttyUSB%u", dir, i);
	unlink(name);
}

static void run_device(unsigned i)
{
	int keep;

	signal(SIGTERM, SIG_DFL);
	for (unsigned other = 0; other < PORTS; other++) {
		if (other != i && master[other] >= 0)
			close(master[other]);
	}
	if (device[i].kind == LOCKED) {
		struct hf_serial_line line = HF_SERIAL_8N1(115200);
		struct hf_serial serial;

		if (hf_serial_open(slave[i], &line, &serial, NULL) == HF_OK)
			pause();
		_exit(1);
	}
	keep = device[i].vanishes ? -1 : open(slave[i], O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)keep; /* else the master could not be read while nobody has the slave */
	play(master[i], &device[i]);
	/* Its name goes first: the number of a pseudo-terminal may be another's at once. */
	if (device[i].vanishes)
		unplug(i);
	_exit(0);
}

/* ---- the machine ---- */

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void plug(unsigned i)
{
	struct termios t;

	master[i] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master[i] >= 0 && grantpt(master[i]) == 0 && unlockpt(master[i]) == 0);
	assert_int_equal(ptsname_r(master[i], slave[i], sizeof(slave[i])), 0);
	assert_int_equal(tcgetattr(master[i], &t), 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(master[i], TCSANOW, &t), 0);
	run("cd %s && mkdir -p dev/serial/by-id sys/devices/usb1/1-%u/1-%u:1.0/ttyUSB%u sys/class/tty/ttyUSB%u && "
	    "ln -sfn %s dev/ttyUSB%u && ln -sfn ../../ttyUSB%u dev/serial/by-id/usb-ACME_%u && "
	    "ln -sfn ../../../devices/usb1/1-%u/1-%u:1.0/ttyUSB%u sys/class/tty/ttyUSB%u/device && "
	    "echo 0403 >sys/devices/usb1/1-%u/idVendor && echo SN%04u >sys/devices/usb1/1-%u/serial", dir, i, i, i, i, slave[i], i, i, i, i, i,
	    i, i, i, i, i);
}

static void start_device(unsigned i)
{
	int ready = 0;

	child[i] = fork();
	if (child[i] == 0)
		run_device(i);
	/* One that locks its port has done so when a lock on it fails. */
	for (unsigned n = 0; device[i].kind == LOCKED && n < 100 && !ready; n++) {
		struct timespec pause = {.tv_nsec = 20000000};
		struct hf_serial_line line = HF_SERIAL_8N1(115200);
		struct hf_serial serial;
		enum hf_err err = hf_serial_open(slave[i], &line, &serial, NULL);

		if (err == HF_OK)
			hf_serial_close(&serial);
		ready = err == HF_ERR_BUSY;
		nanosleep(&pause, NULL);
	}
}

/* A machine with these devices at ttyUSB0, 1, ...; their ids begin with 3000, 3001, ... */
static void set(unsigned count, const struct device *devices)
{
	for (unsigned i = 0; i < PORTS; i++)
		master[i] = -1;
	run("mkdir -p %s/sys/class/tty && ln -sfn /proc %s/proc", dir, dir);
	for (unsigned i = 0; i < count; i++) {
		device[i] = devices[i];
		device[i].id[0] = 0x30;
		device[i].id[1] = device[i].clone ? 0 : (uint8_t)i;
		plug(i);
	}
	for (unsigned i = 0; i < count; i++)
		start_device(i);
}

static int begin(void **state)
{
	(void)state;
	memset(child, 0, sizeof(child));
	memset(device, 0, sizeof(device));
	assert_non_null(mkdtemp(tmp_name(dir, "hf-choice-XXXXXX")));
	setenv("HOLDFAST_ROOT", dir, 1);
	unsetenv("HOLDFAST_PORTS");
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PORTS; i++) {
		if (child[i] > 0) {
			kill(child[i], SIGKILL);
			waitpid(child[i], NULL, 0);
			close(master[i]);
		}
	}
	run("rm -rf '%s'", dir);
	return 0;
}

static void slurp(const char *path, char *to, size_t room)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	to[fread(to, 1, room - 1, f)] = 0;
	fclose(f);
}

static int tool(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int tool(const char *format, ...)
{
	char arguments[1024], command[2048], path[128];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(arguments, sizeof(arguments), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "cd %s && %s %s >out 2>err </dev/null", dir, getenv("HF_TOOL"), arguments);
	status = system(command);
	snprintf(path, sizeof(path), "%s/out", dir);
	slurp(path, out, sizeof(out));
	snprintf(path, sizeof(path), "%s/err", dir);
	slurp(path, err_out, sizeof(err_out));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void says(const char *text, const char *word)
{
	if (!strstr(text, word))
		fail_msg("'%s' is not in: %s", word, text);
}

/* ---- list ---- */

static void list_shows_each_port_with_what_answers(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}, {.kind = RECOVERY}, {.kind = SILENT}, {.kind = LOCKED}};
	char holder[64];

	(void)state;
	set(4, d);
	assert_int_equal(tool("list"), 0);
	says(out, "/dev/ttyUSB0  firmware 1.2.3");
	says(out, "30000000-0000-0000-0000-000000000000");
	says(out, "B*");
	says(out, "usb-ACME_0");
	says(out, "/dev/ttyUSB1  recovery");
	says(out, "holdfast burn PACKAGE --port /dev/ttyUSB1");
	says(out, "/dev/ttyUSB2  nothing");
	says(out, "/dev/ttyUSB3  in use");
	snprintf(holder, sizeof(holder), "in use by test_port_choic (pid %d): end that first", (int)child[3]);
	says(out, holder);
}

static void list_as_json_has_it_all(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}, {.kind = LOCKED}};
	json_t *all, *port, *holders;
	json_error_t error;

	(void)state;
	set(2, d);
	assert_int_equal(tool("list --json"), 0);
	all = json_loads(out, 0, &error);
	assert_non_null(all);
	port = json_array_get(json_object_get(all, "ports"), 0);
	assert_string_equal(json_string_value(json_object_get(port, "answers")), "firmware");
	assert_string_equal(json_string_value(json_object_get(port, "version")), "1.2.3");
	assert_string_equal(json_string_value(json_object_get(port, "by_id")), "/dev/serial/by-id/usb-ACME_0");
	assert_int_equal(json_integer_value(json_object_get(port, "slot")), 1);
	assert_true(json_is_null(json_object_get(port, "hint")));
	port = json_array_get(json_object_get(all, "ports"), 1);
	assert_string_equal(json_string_value(json_object_get(port, "state")), "in-use");
	holders = json_object_get(port, "holders");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(holders, 0), "pid")), child[1]);
	json_decref(all);
}

static void list_without_probing_opens_nothing(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .answers = 1}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("list --no-probe"), 0);
	says(out, "not asked");
	assert_int_equal(tool("list ttyUSB0"), 0);
	says(out, "firmware");
}

static void list_of_nothing_says_so(void **state)
{
	(void)state;
	set(0, NULL);
	assert_int_equal(tool("list"), 5);
	says(err_out, "no serial port");
	assert_int_equal(tool("list /dev/ttyUSB9 tcp:127.0.0.1:1"), 5);
	says(out, "there is no port /dev/ttyUSB9");
	says(out, "tcp:127.0.0.1:1");
	says(out, "Connection refused");
}

static void ports_are_asked_at_the_same_time(void **state)
{
	const struct device d[] = {{.kind = SILENT}, {.kind = SILENT}, {.kind = SILENT}, {.kind = SILENT}};
	struct timespec before, after;

	(void)state;
	set(4, d);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(tool("list"), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 500, 2900);
}

/* ---- choosing ---- */

static void only_device_is_taken_and_told(void **state)
{
	const struct device d[] = {{.kind = SILENT}, {.kind = FIRMWARE}};

	(void)state;
	set(2, d);
	assert_int_equal(tool("status --json"), 0);
	says(err_out, "taking /dev/ttyUSB1, the only device that answers");
	says(out, "\"device_id\": \"30010000-");
}

static void several_devices_are_refused_with_the_list(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}, {.kind = RECOVERY}, {.kind = SILENT}};

	(void)state;
	set(3, d);
	assert_int_equal(tool("rollback"), 17);
	says(err_out, "2 devices answer: nothing was done");
	says(err_out, "/dev/ttyUSB0");
	says(err_out, "30010000-0000-0000-0000-000000000000  gw-test in its recovery");
	assert_null(strstr(err_out, "ttyUSB2"));
	assert_string_equal(out, "");
}

static void device_is_chosen_by_its_id(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}, {.kind = FIRMWARE}};

	(void)state;
	set(2, d);
	assert_int_equal(tool("status --json --device 3001"), 0);
	says(out, "\"device_id\": \"30010000-");
	assert_int_equal(tool("status --json --device 30000000-0000-0000-0000-000000000000"), 0);
	says(out, "\"device_id\": \"30000000-");
	assert_int_equal(tool("status --device 300"), 2);
	assert_int_equal(tool("status --device 3002"), 5);
	says(err_out, "no device answers whose id begins with '3002'");
	says(err_out, "/dev/ttyUSB1");
	assert_int_equal(tool("status --device 3001 --port ttyUSB0"), 5);
	says(err_out, "/dev/ttyUSB0 is not the way to the device '3001'");
	assert_int_equal(tool("status --device 3000 --port /dev/ttyUSB0"), 0);
}

/* A clone, or two ways to the same device: nobody can say which was meant. */
static void id_that_fits_two_is_refused(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .clone = true}, {.kind = FIRMWARE, .clone = true}};

	(void)state;
	set(2, d);
	assert_int_equal(tool("status --device 3000"), 17);
	says(err_out, "2 devices have an id that begins so");
}

static void device_is_chosen_by_its_adapter(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}, {.kind = FIRMWARE}};

	(void)state;
	set(2, d);
	assert_int_equal(tool("status --json --device SN0001"), 0);
	says(out, "\"device_id\": \"30010000-");
	assert_int_equal(tool("status --json --device usb-ACME_0"), 0);
	says(out, "\"device_id\": \"30000000-");
	run("echo SN0001 >%s/sys/devices/usb1/1-0/serial", dir);
	assert_int_equal(tool("status --device SN0001"), 17);
	says(err_out, "2 adapters have this name");
}

static void port_is_named_in_short_or_by_its_link(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("status --port ttyUSB0"), 0);
	assert_int_equal(tool("status --port /dev/serial/by-id/usb-ACME_0"), 0);
	assert_int_equal(tool("status --port usb-ACME_0"), 0);
	assert_int_equal(tool("status --port ttyUSB7"), 5);
	says(err_out, "there is no serial port ttyUSB7; the ports are:\n  /dev/ttyUSB0");
}

/* What a project does not name is left alone: it may be anybody's. */
static void project_keeps_other_ports_out_of_it(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}, {.kind = FIRMWARE}, {.kind = SILENT}};

	(void)state;
	set(3, d);
	run("cd %s && printf 'format = 1; product = \"x\";\\nline = { port = [\"/dev/ttyUSB[12]\"]; };\\n' >p.conf", dir);
	assert_int_equal(tool("status --json --project p.conf"), 0);
	says(out, "\"device_id\": \"30010000-");
	assert_int_equal(tool("status --project p.conf --device 3000"), 5);
	assert_null(strstr(err_out, "ttyUSB0"));
	run("cd %s && printf 'format = 1; product = \"x\";\\nline = { port = [\"/dev/serial/by-id/usb-ACME_0*\", \"/dev/serial/by-id/*_2\"]; };\\n' >p.conf", dir);
	assert_int_equal(tool("status --json --project p.conf"), 0);
	says(out, "\"device_id\": \"30000000-");
}

/* ---- what is in the way ---- */

static void held_port_names_its_holder(void **state)
{
	const struct device d[] = {{.kind = LOCKED}};
	char holder[64];

	(void)state;
	set(1, d);
	snprintf(holder, sizeof(holder), "(pid %d): end that first", (int)child[0]);
	assert_int_equal(tool("status --port ttyUSB0"), 8);
	says(err_out, holder);
	assert_int_equal(tool("status"), 8);
	says(err_out, holder);
}

static void second_holdfast_at_a_port_is_refused(void **state)
{
	const struct device d[] = {{.kind = SILENT}};
	struct timespec pause = {.tv_nsec = 100000000};
	int code = 0;

	(void)state;
	set(1, d);
	run("%s status --port ttyUSB0 --patience 5s >/dev/null 2>&1 &", getenv("HF_TOOL"));
	for (unsigned i = 0; i < 40 && (i == 0 || !strstr(out, "in use")); i++) {
		nanosleep(&pause, NULL);
		code |= tool("list --no-probe");
	}
	assert_int_equal(code, 0);
	assert_int_equal(tool("status --port ttyUSB0"), 8);
	says(err_out, "in use by holdfast (pid ");
	assert_int_equal(tool("list"), 0);
	says(out, "in use by holdfast (pid ");
}

static void wrong_rate_is_told_with_the_right_one(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .rate = B57600}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("status --port ttyUSB0"), 10);
	says(err_out, "give --baud 57600");
	assert_int_equal(tool("status --port ttyUSB0 --baud 57600"), 0);
	assert_int_equal(tool("list"), 0);
	says(out, "--baud 57600");
}

static void wrong_baud_finds_the_device_at_its_own_rate(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .rate = B115200}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("status --port ttyUSB0 --baud 57600"), 0);
	assert_int_equal(tool("status --baud 57600"), 0);
	says(err_out, "the only device that answers");
}

static void noise_at_every_rate_is_told(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .rate = B300}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("status --port ttyUSB0 --patience 1s"), 10);
	says(err_out, "no sense at any usual rate");
}

static void silent_device_is_exit_5_with_advice(void **state)
{
	const struct device d[] = {{.kind = SILENT}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("status --port ttyUSB0 --patience 1s"), 5);
	says(err_out, "no device answers on /dev/ttyUSB0: check its power, that TX");
}

static void device_that_falls_silent_is_exit_11(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .answers = 1}};

	(void)state;
	set(1, d);
	assert_int_equal(tool("image list --port ttyUSB0 --patience 2s"), 11);
	says(err_out, "had answered and is silent now");
}

static void port_that_vanishes_is_exit_12(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE, .answers = 1, .vanishes = true}};

	(void)state;
	set(1, d);
	close(master[0]);
	master[0] = open("/dev/null", O_RDONLY);
	assert_int_equal(tool("image list --port ttyUSB0 --patience 2s"), 12);
	says(err_out, "vanished");
}

static void further_ports_come_from_the_environment(void **state)
{
	const struct device d[] = {{.kind = SILENT}};

	(void)state;
	set(1, d);
	setenv("HOLDFAST_PORTS", "tcp:127.0.0.1:1,tcp:[::1]:1", 1);
	assert_int_equal(tool("list"), 0);
	says(out, "tcp:127.0.0.1:1");
	says(out, "tcp:[::1]:1");
	assert_int_equal(tool("status"), 5);
	says(err_out, "tcp:[::1]:1");
}

/* Through ser2net, which has the port for itself then. */
static void device_behind_a_serial_server_is_found(void **state)
{
	const struct device d[] = {{.kind = FIRMWARE}};
	unsigned port = 20000 + (unsigned)getpid() % 20000, tries = 0;
	pid_t server;

	(void)state;
	if (system("PATH=$PATH:/usr/sbin command -v ser2net >/dev/null") != 0) {
		print_message("# ser2net is missing: skipped\n");
		skip();
	}
	set(1, d);
	run("printf 'connection: &c\\n  accepter: telnet(rfc2217),tcp,127.0.0.1,%u\\n  connector: serialdev,%s,115200n81,local\\n' >%s/ser2net.yaml",
	    port, slave[0], dir);
	server = fork();
	if (server == 0) {
		char config[128];

		snprintf(config, sizeof(config), "%s/ser2net.yaml", dir);
		(void)!freopen("/dev/null", "w", stdout);
		(void)!freopen("/dev/null", "w", stderr);
		execlp("/usr/sbin/ser2net", "ser2net", "-n", "-c", config, (char *)NULL);
		_exit(127);
	}
	while (tool("status --json --port rfc2217:127.0.0.1:%u --patience 1s", port) != 0 && ++tries < 20)
		run("sleep 0.1");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	says(out, "\"device_id\": \"30000000-");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(list_shows_each_port_with_what_answers),
		WITH(list_as_json_has_it_all),
		WITH(list_without_probing_opens_nothing),
		WITH(list_of_nothing_says_so),
		WITH(ports_are_asked_at_the_same_time),
		WITH(only_device_is_taken_and_told),
		WITH(several_devices_are_refused_with_the_list),
		WITH(device_is_chosen_by_its_id),
		WITH(id_that_fits_two_is_refused),
		WITH(device_is_chosen_by_its_adapter),
		WITH(port_is_named_in_short_or_by_its_link),
		WITH(project_keeps_other_ports_out_of_it),
		WITH(held_port_names_its_holder),
		WITH(second_holdfast_at_a_port_is_refused),
		WITH(wrong_rate_is_told_with_the_right_one),
		WITH(wrong_baud_finds_the_device_at_its_own_rate),
		WITH(noise_at_every_rate_is_told),
		WITH(silent_device_is_exit_5_with_advice),
		WITH(device_that_falls_silent_is_exit_11),
		WITH(port_that_vanishes_is_exit_12),
		WITH(device_behind_a_serial_server_is_found),
		WITH(further_ports_come_from_the_environment),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

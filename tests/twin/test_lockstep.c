/* SPDX-License-Identifier: MIT
 *
 * The program as tools see it: holdfast-twin with real firmware (fw/bench.c), behind its socket and its pty.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../support/tmp.h"
#include "check.h"
#include "lockstep.h"

#define PATIENCE_MS 20000 /* of the wall clock, for an answer */

static char dir[TMP_NAME_BYTES], sock[108], events[108], flash[108];
static pid_t twin;
static int twin_out = -1;

/* All answers of a test, as bytes. */
static uint8_t transcript[1 << 20];
static size_t transcript_len;

struct answer {
	uint8_t status;
	uint64_t now_ns;
	size_t len;
	char payload[HF_LOCKSTEP_PAYLOAD_MAX + 1];
};

static struct answer answer;

/* ---- the program ---- */

static void start_twin(const char *const *more)
{
	const char *argv[32] = { HF_TWIN_PROGRAM, "run", "--board", HF_BOARD_FILE, "--load", HF_BENCH_ELF, "--events",
				 events };
	unsigned argc = 8;
	int out[2];
	while (*more != NULL)
		argv[argc++] = *more++;
	argv[argc] = NULL;
	assert_int_equal(pipe(out), 0);
	twin = fork();
	assert_true(twin >= 0);
	if (twin == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	twin_out = out[0];
}

/* The next line that the program prints. */
static void read_line(char *line, size_t room)
{
	size_t len = 0;
	while (len + 1 < room && read(twin_out, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = 0;
}

static int end_twin(void)
{
	int status = 0;
	if (twin <= 0)
		return 0;
	kill(twin, SIGTERM);
	waitpid(twin, &status, 0);
	close(twin_out);
	twin = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void start_lockstep(const char *fault)
{
	char line[256];
	const char *option = fault != NULL ? "--fault" : NULL;
	const char *const more[] = { "--lockstep", sock, "--flash", flash, option, fault, NULL };
	start_twin(more);
	read_line(line, sizeof(line));
	assert_non_null(strstr(line, "lockstep: "));
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(tmp_name(dir, "hf-twin-XXXXXX")));
	snprintf(sock, sizeof(sock), "%s/s", dir);
	snprintf(events, sizeof(events), "%s/events", dir);
	snprintf(flash, sizeof(flash), "%s/flash", dir);
	transcript_len = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end_twin();
	unlink(sock);
	unlink(events);
	unlink(flash);
	rmdir(dir);
	return 0;
}

/* ---- a client ---- */

static int dial(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(where.sun_path, sock);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

static void post(int fd, char op, uint64_t arg, const void *payload, size_t len)
{
	uint8_t header[HF_LOCKSTEP_HEADER];
	hf_lockstep_request(header, op, arg, (uint32_t)len);
	assert_int_equal(send(fd, header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
	if (len > 0)
		assert_int_equal(send(fd, payload, len, MSG_NOSIGNAL), len);
}

static bool take_bytes(int fd, uint8_t *to, size_t len)
{
	for (size_t have = 0; have < len;) {
		struct pollfd p = { fd, POLLIN, 0 };
		if (poll(&p, 1, PATIENCE_MS) != 1)
			fail_msg("no answer within %d s", PATIENCE_MS / 1000);
		ssize_t n = recv(fd, to + have, len - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

/* False: the twin closed the connection. */
static bool get(int fd)
{
	uint8_t header[HF_LOCKSTEP_HEADER];
	if (!take_bytes(fd, header, sizeof(header)))
		return false;
	answer.status = header[0];
	answer.now_ns = load_le64(header + 1);
	answer.len = load_le32(header + 9);
	assert_true(answer.len <= HF_LOCKSTEP_PAYLOAD_MAX);
	if (!take_bytes(fd, (uint8_t *)answer.payload, answer.len))
		return false;
	answer.payload[answer.len] = 0;
	assert_true(transcript_len + sizeof(header) + answer.len <= sizeof(transcript));
	memcpy(transcript + transcript_len, header, sizeof(header));
	memcpy(transcript + transcript_len + sizeof(header), answer.payload, answer.len);
	transcript_len += sizeof(header) + answer.len;
	return true;
}

static bool answered_within(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	return poll(&p, 1, ms) == 1;
}

static void ask(int fd, char op, uint64_t arg, const void *payload, size_t len)
{
	post(fd, op, arg, payload, len);
	assert_true(get(fd));
	if (answer.status != 0)
		fail_msg("request '%c' was refused: %s", op, answer.payload);
}

static void refused(int fd, char op, uint64_t arg, const void *payload, size_t len, const char *sentence)
{
	post(fd, op, arg, payload, len);
	assert_true(get(fd));
	assert_int_equal(answer.status, 1);
	assert_string_equal(answer.payload, sentence);
}

static void command(int fd, const char *text)
{
	ask(fd, 'X', 0, text, strlen(text));
}

static void set_baud(int fd, uint32_t baud)
{
	uint8_t line[7] = { 0, 0, 0, 0, 8, 'N', 1 };
	store_le32(line, baud);
	ask(fd, 'B', 0, line, sizeof(line));
}

static int open_uart(void)
{
	int fd = dial();
	ask(fd, 'H', 0, "maintenance", 11);
	set_baud(fd, 115200);
	return fd;
}

static int open_control(void)
{
	int fd = dial();
	ask(fd, 'H', 0, "control", 7);
	return fd;
}

/* Reads until the text has come, or for so long in virtual time. */
static bool await(int fd, const char *text, uint64_t limit_ns)
{
	static char said[65536];
	uint8_t most[4] = { 0, 16, 0, 0 };
	size_t len = 0;
	uint64_t end;
	ask(fd, 'N', 0, NULL, 0);
	end = answer.now_ns + limit_ns;
	while (answer.now_ns < end) {
		ask(fd, 'R', end - answer.now_ns, most, sizeof(most));
		assert_true(len + answer.len < sizeof(said));
		memcpy(said + len, answer.payload, answer.len);
		len += answer.len;
		said[len] = 0;
		if (strstr(said, text) != NULL)
			return true;
	}
	return false;
}

static unsigned count_in(const char *path, const char *text)
{
	static char line[8192];
	unsigned n = 0;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += strstr(line, text) != NULL;
	fclose(file);
	return n;
}

/* ---- tests ---- */

static void client_must_say_hello(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = dial();
	refused(fd, 'N', 0, NULL, 0, "say hello first: request H names the port");
	refused(fd, 'H', 0, "nowhere", 7, "there is no such port here; known are maintenance, modbus and control");
	refused(fd, 'H', 0, "modbus", 6, "the port 'modbus' is taken (by another client, or by the Modbus slaves)");
	ask(fd, 'H', 0, "control", 7);
	refused(fd, 'H', 0, "control", 7, "this connection has said hello before");
	refused(fd, 'W', 0, "x", 1, "this is a UART's request, and the connection is control's");
	close(fd);
}

static void port_has_one_client_at_a_time(void **state)
{
	(void)state;
	start_lockstep(NULL);
	for (unsigned i = 0; i < 20; i++) {
		int first = open_uart(), second = dial();
		refused(second, 'H', 0, "maintenance", 11,
			"the port 'maintenance' is taken (by another client, or by the Modbus slaves)");
		close(second);
		close(first); /* and opened again at once, in the next turn */
	}
}

static void time_stands_until_somebody_waits(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	ask(fd, 'N', 0, NULL, 0);
	assert_int_equal(answer.now_ns, 0);
	usleep(100000);
	ask(fd, 'W', 0, "abc", 3);
	ask(fd, 'N', 0, NULL, 0);
	assert_int_equal(answer.now_ns, 0);
	ask(fd, 'S', 5 * MS, NULL, 0);
	assert_in_range(answer.now_ns, 5 * MS, 5 * MS + 10000);
	close(fd);
}

static void read_ends_with_the_first_byte_or_its_time(void **state)
{
	(void)state;
	uint8_t most[4] = { 64, 0, 0, 0 };
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	ask(fd, 'R', 20 * MS, most, 4);
	uint64_t begin = answer.now_ns;
	assert_int_equal(answer.len, 0);
	ask(fd, 'R', 7 * MS, most, 4);
	assert_in_range(answer.now_ns - begin, 7 * MS - 10000, 7 * MS + 10000);
	ask(fd, 'W', 0, "x", 1);
	begin = answer.now_ns;
	ask(fd, 'R', S, most, 4);
	assert_int_equal(answer.len, 1);
	assert_int_equal(answer.payload[0], 'X');
	/* A byte there and a byte back at 115200 baud, and the loop of the firmware between them. */
	assert_in_range(answer.now_ns - begin, 170000, 400000);
	ask(fd, 'R', 0, most, 4);
	assert_int_equal(answer.len, 0);
	close(fd);
}

static void adapter_latency_delays_what_the_device_sends(void **state)
{
	(void)state;
	uint8_t most[4] = { 64, 0, 0, 0 };
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	for (unsigned i = 0; i < 6; i++) {
		unsigned latency = i < 3 ? 16 : 1;
		command(fd, i < 3 ? "latency 16ms" : "latency 1ms");
		ask(fd, 'W', 0, "xyz", 3);
		uint64_t begin = answer.now_ns;
		ask(fd, 'R', S, most, 4);
		assert_int_equal(answer.len, 3);
		assert_in_range(answer.now_ns - begin, latency * MS + 170000, latency * MS + 400000);
	}
	command(fd, "latency 0ms");
	ask(fd, 'W', 0, "x", 1);
	uint64_t begin = answer.now_ns;
	ask(fd, 'R', S, most, 4);
	assert_in_range(answer.now_ns - begin, 170000, 400000);
	close(fd);
}

static void reset_pin_is_held(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	command(fd, "reset for 300ms");
	assert_false(await(fd, "bench", 299 * MS));
	assert_true(await(fd, "bench pin\r\n", 100 * MS));
	close(fd);
}

static void adapter_outputs_drive_boot0_and_reset(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	command(fd, "wire boot0 dtr");
	command(fd, "wire reset rts");
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	ask(fd, 'L', 0, "\x01\x01", 2);
	assert_false(await(fd, "bench", 500 * MS));
	ask(fd, 'L', 0, "\x02\x02", 2); /* BOOT0 rises while the reset is held */
	ask(fd, 'L', 0, "\x01\x00", 2);
	assert_false(await(fd, "bench", 200 * MS));
	command(fd, "status");
	assert_non_null(strstr(answer.payload, "\"running\": \"rom\""));
	ask(fd, 'L', 0, "\x03\x01", 2);
	ask(fd, 'L', 0, "\x03\x00", 2);
	assert_true(await(fd, "bench pin\r\n", 100 * MS));
	command(fd, "wire reset rts inverted");
	assert_false(await(fd, "bench", 200 * MS)); /* off is low now */
	command(fd, "wire reset none");
	command(fd, "reset for 1ms");
	assert_true(await(fd, "bench pin\r\n", 100 * MS));
	close(fd);
}

static void break_takes_the_line(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	command(fd, "break on for 100ms");
	ask(fd, 'W', 0, "lost", 4);
	assert_false(await(fd, "LOST", 110 * MS));
	ask(fd, 'W', 0, "there", 5);
	assert_true(await(fd, "THERE", 100 * MS));
	close(fd);
}

static void busy_uart_client_holds_time_for_control(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int uart = open_uart(), control = open_control();
	post(control, 'X', 0, "advance 1s", 10);
	assert_false(answered_within(control, 200));
	ask(uart, 'S', 400 * MS, NULL, 0);
	assert_in_range(answer.now_ns, 400 * MS, 401 * MS);
	assert_false(answered_within(control, 200));
	close(uart);
	assert_true(get(control));
	assert_in_range(answer.now_ns, 1000 * MS, 1001 * MS);
	close(control);
}

/* A dialogue with everything in it: echo, wrong baud, an erase, a cut, a reset. */
static void hold_dialogue(void)
{
	uint8_t most[4] = { 64, 0, 0, 0 };
	start_lockstep("at 300ms noise 0.001 for 400ms");
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	for (unsigned i = 0; i < 40; i++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "line %u of the talk", i);
		ask(fd, 'W', 0, text, (size_t)len);
		(void)await(fd, "TALK", 30 * MS);
	}
	set_baud(fd, 100000);
	ask(fd, 'W', 0, "garbage", 7);
	ask(fd, 'R', 10 * MS, most, 4);
	set_baud(fd, 115200);
	command(fd, "cut next program in slot-b after 20 at 0.5 unstable off for 100ms");
	ask(fd, 'W', 0, "P", 1);
	assert_true(await(fd, "bench power\r\n", S));
	ask(fd, 'W', 0, "E", 1);
	assert_true(await(fd, "erased\r\n", 2 * S));
	command(fd, "status");
	close(fd);
	end_twin();
}

static void same_dialogue_gives_the_same_bytes_and_times(void **state)
{
	(void)state;
	static uint8_t first[sizeof(transcript)];
	hold_dialogue();
	size_t len = transcript_len;
	memcpy(first, transcript, len);
	transcript_len = 0;
	unlink(flash);
	hold_dialogue();
	assert_int_equal(transcript_len, len);
	assert_memory_equal(transcript, first, len);
	assert_true(len > 10000);
}

static void wrong_baud_rate_is_garbage(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	set_baud(fd, 57600);
	assert_false(await(fd, "bench", 200 * MS));
	set_baud(fd, 115200);
	command(fd, "reset");
	assert_true(await(fd, "bench pin\r\n", 200 * MS));
	close(fd);
}

static void pulled_cable_loses_bytes(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	command(fd, "cable off for 500ms");
	ask(fd, 'W', 0, "lost", 4);
	assert_false(await(fd, "LOST", 400 * MS));
	ask(fd, 'S', 200 * MS, NULL, 0);
	ask(fd, 'W', 0, "there", 5);
	assert_true(await(fd, "THERE", 100 * MS));
	close(fd);
}

static void large_write_arrives_whole(void **state)
{
	(void)state;
	static uint8_t data[60000];
	char expected[64];
	uint32_t sum = 'S';
	for (unsigned i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(0x80 | i * 7);
		sum += data[i];
	}
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	ask(fd, 'W', 0, data, sizeof(data));
	ask(fd, 'S', 6 * S, NULL, 0);
	ask(fd, 'W', 0, "S", 1);
	snprintf(expected, sizeof(expected), "%zu %u\r\n", sizeof(data) + 1, sum);
	assert_true(await(fd, expected, 100 * MS));
	close(fd);
}

static void break_and_signals_are_kept(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_uart();
	ask(fd, 'L', 0, "\x03\x01", 2);
	assert_int_equal(answer.payload[0], 1);
	ask(fd, 'L', 0, "\x06\x06", 2);
	assert_int_equal(answer.payload[0], 7);
	close(fd);
}

static void senseless_requests_are_refused_and_survived(void **state)
{
	(void)state;
	uint8_t junk[4096];
	uint32_t seed = 1;
	start_lockstep(NULL);
	int fd = open_uart();
	refused(fd, 'Z', 0, NULL, 0, "request 0x5a is unknown; known are H, W, R, S, B, L, N and X");
	refused(fd, 'X', 0, "fly away", 8,
		"'fly' was given where a command (power, reset, advance, cut, cable, noise, latency, break, boot0, "
		"parity, wire, press, release, supply, temperature, slave, flip, stick, unstable, worn, disturb, lsi, hsi, line, brown-out, "
		"modbus, led, status, flash, quit) belongs");
	refused(fd, 'X', 0, "a\0b", 3, "a command is a line of text of at most 511 characters");
	ask(fd, 'N', 0, NULL, 0);
	uint8_t header[HF_LOCKSTEP_HEADER];
	hf_lockstep_request(header, 'W', 0, UINT32_MAX);
	assert_int_equal(send(fd, header, sizeof(header), 0), sizeof(header));
	assert_true(get(fd));
	assert_int_equal(answer.status, 1);
	assert_false(get(fd)); /* and the connection ends */
	close(fd);
	for (unsigned round = 0; round < 50; round++) {
		fd = dial();
		for (unsigned i = 0; i < sizeof(junk); i++) {
			seed = seed * 1664525 + 1013904223;
			junk[i] = (uint8_t)(seed >> 24);
		}
		(void)!send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
		close(fd);
	}
	fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	close(fd);
}

static void endless_waits_do_not_wrap(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int control = open_control(), fd = open_uart();
	post(control, 'S', UINT64_MAX, NULL, 0);
	ask(fd, 'S', 10 * MS, NULL, 0);
	assert_in_range(answer.now_ns, 10 * MS, 11 * MS);
	assert_false(answered_within(control, 50));
	close(control);
	ask(fd, 'S', 10 * MS, NULL, 0);
	close(fd);
}

static void status_answers_as_json(void **state)
{
	(void)state;
	start_lockstep(NULL);
	int fd = open_control();
	command(fd, "advance 1s");
	command(fd, "status");
	assert_non_null(strstr(answer.payload, "\"power\": \"on\", \"running\": \"boot\""));
	command(fd, "modbus");
	assert_non_null(strstr(answer.payload, "\"polls\": 9"));
	command(fd, "led");
	assert_non_null(strstr(answer.payload, "\"state\": "));
	close(fd);
}

static void quit_keeps_flash_and_tells_the_end(void **state)
{
	(void)state;
	int status;
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	ask(fd, 'W', 0, "P", 1);
	assert_true(await(fd, "programmed\r\n", S));
	command(fd, "quit");
	close(fd);
	waitpid(twin, &status, 0);
	close(twin_out);
	twin = 0;
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_in(events, "\"event\":\"ready\""), 1);
	assert_int_equal(count_in(events, "\"program\",\"partition\":\"slot-b\",\"addr\":134742016,\"bytes\":256"), 1);
	assert_int_equal(count_in(events, "\"event\":\"end\""), 1);
	FILE *file = fopen(flash, "rb");
	uint8_t word[4];
	assert_non_null(file);
	assert_int_equal(fseek(file, 0x80000 + 4, SEEK_SET), 0);
	assert_int_equal(fread(word, 1, 4, file), 4);
	fclose(file);
	assert_int_equal(load_le32(word), 0x01010101);
	/* The same flash goes on in another run. */
	start_lockstep(NULL);
	fd = open_control();
	char dump[256];
	snprintf(dump, sizeof(dump), "flash dump %s/flash2", dir);
	command(fd, dump);
	close(fd);
	snprintf(dump, sizeof(dump), "cmp %s %s/flash2", flash, dir);
	assert_int_equal(system(dump), 0);
	snprintf(dump, sizeof(dump), "%s/flash2", dir);
	unlink(dump);
}

static void signal_ends_the_twin_and_keeps_its_flash(void **state)
{
	(void)state;
	struct stat st;
	start_lockstep(NULL);
	int fd = open_uart();
	assert_true(await(fd, "bench power\r\n", 100 * MS));
	assert_int_equal(end_twin(), 7);
	assert_int_equal(stat(flash, &st), 0);
	assert_int_equal(st.st_size, 1 << 20);
	assert_int_equal(access(sock, F_OK), -1);
	close(fd);
}

static void bus_without_slaves_is_a_port(void **state)
{
	(void)state;
	const char *const more[] = { "--lockstep", sock, "--slaves", "0", NULL };
	uint8_t request[8], most[4] = { 8, 0, 0, 0 };
	char line[256];
	start_twin(more);
	read_line(line, sizeof(line));
	int fd = dial();
	ask(fd, 'H', 0, "modbus", 6);
	for (size_t len = 0; len < sizeof(request); len += answer.len) {
		ask(fd, 'R', S, most, sizeof(most));
		assert_in_range(answer.len, 1, sizeof(request) - len);
		memcpy(request + len, answer.payload, answer.len);
	}
	assert_memory_equal(request, "\x01\x03\x00\x00\x00\x02\xc4\x0b", sizeof(request));
	close(fd);
}

static void ctl_gives_commands(void **state)
{
	(void)state;
	char line[512], text[256] = "";
	start_lockstep(NULL);
	snprintf(line, sizeof(line), "%s ctl %s advance 200ms && %s ctl %s status", HF_TWIN_PROGRAM, sock,
		 HF_TWIN_PROGRAM, sock);
	FILE *out = popen(line, "r");
	assert_non_null(fgets(text, sizeof(text), out));
	assert_int_equal(pclose(out), 0);
	assert_non_null(strstr(text, "\"t_ns\": 200"));
	snprintf(line, sizeof(line), "%s ctl %s cut now 2>/dev/null", HF_TWIN_PROGRAM, sock);
	assert_int_equal(WEXITSTATUS(system(line)), 6);
	snprintf(line, sizeof(line), "%s ctl %s/nobody status 2>/dev/null", HF_TWIN_PROGRAM, dir);
	assert_int_equal(WEXITSTATUS(system(line)), 5);
}

static uint64_t wall_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static bool await_pty(int fd, const char *text, uint64_t limit_ns)
{
	char said[4096];
	size_t len = 0;
	for (uint64_t end = wall_ns() + limit_ns; wall_ns() < end;) {
		struct pollfd p = { fd, POLLIN, 0 };
		if (poll(&p, 1, 100) != 1)
			continue;
		ssize_t n = read(fd, said + len, sizeof(said) - 1 - len);
		if (n > 0)
			len += (size_t)n;
		said[len] = 0;
		if (strstr(said, text) != NULL)
			return true;
	}
	return false;
}

static void pty_serves_a_terminal_in_real_time(void **state)
{
	(void)state;
	const char *const more[] = { "--pty", "--control", sock, "--off", NULL };
	char line[256];
	struct termios t;
	start_twin(more);
	read_line(line, sizeof(line));
	assert_memory_equal(line, "pty: ", 5);
	int fd = open(line + 5, O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	assert_int_equal(tcgetattr(fd, &t), 0);
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
	usleep(50000);
	int control = open_control();
	uint64_t begin = wall_ns();
	ask(control, 'N', 0, NULL, 0);
	uint64_t virtual = answer.now_ns;
	command(control, "power on");
	assert_true(await_pty(fd, "bench power\r\n", 10 * S));
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_true(await_pty(fd, "HELLO", 10 * S));
	refused(control, 'S', 1, NULL, 0, "time follows the clock here and cannot be advanced");
	usleep(300000);
	ask(control, 'N', 0, NULL, 0);
	/* Never ahead; but what it was late by at first, up to 50 ms on a busy machine, it may have caught up. */
	assert_true(answer.now_ns - virtual <= wall_ns() - begin + 60 * MS);
	assert_true(answer.now_ns - virtual > 50 * MS);
	/* At another rate than the device's, nothing readable comes. */
	cfsetspeed(&t, B19200);
	assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
	usleep(50000);
	command(control, "reset");
	assert_false(await_pty(fd, "bench", 500 * MS));
	close(control);
	close(fd);
}

static void run_without_peers_ends_by_itself(void **state)
{
	(void)state;
	const char *const more[] = { "--for", "4s", "--json", NULL };
	char line[256];
	int status;
	start_twin(more);
	read_line(line, sizeof(line));
	assert_string_equal(line, "{");
	waitpid(twin, &status, 0);
	close(twin_out);
	twin = 0;
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_in(events, "\"event\":\"start\",\"what\":\"boot\""), 1);
	assert_int_equal(count_in(events, "\"event\":\"led\",\"state\":\"solid\""), 1);
}

static int exit_of_another(const char *path)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s run --board %s --lockstep %s >/dev/null 2>&1", HF_TWIN_PROGRAM, HF_BOARD_FILE, path);
	return WEXITSTATUS(system(line));
}

static void socket_that_is_taken_stays_whose_it_is(void **state)
{
	(void)state;
	start_lockstep(NULL);
	assert_int_equal(exit_of_another(sock), 1);
	close(open_control()); /* the first still answers */
	assert_int_equal(end_twin(), 7);

	FILE *file = fopen(sock, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(exit_of_another(sock), 1);
	assert_int_equal(access(sock, F_OK), 0); /* a file that was named by mistake */
	unlink(sock);
}

static void wrong_options_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *options;
		int exit_code;
	} cases[] = {
		{ "--for 1s", 2 },
		{ "--board " HF_BOARD_FILE, 2 },
		{ "--board " HF_BOARD_FILE " --for 1", 2 },
		{ "--board " HF_BOARD_FILE " --for 1s --uid 12", 2 },
		{ "--board " HF_BOARD_FILE " --for 1s --lsi 1000", 2 },
		{ "--board " HF_BOARD_FILE " --for 1s --slaves 33", 2 },
		{ "--board " HF_BOARD_FILE " --for 1s --pty --lockstep x", 2 },
		{ "--board " HF_BOARD_FILE " --for 1s --control x", 2 },
		{ "--board /nonexistent --for 1s", 1 },
		{ "--board " HF_BOARD_FILE " --for 1s --load " HF_BOARD_FILE, 3 },
		{ "--board " HF_BOARD_FILE " --for 1s --load " HF_BENCH_ELF "@0x08000000", 3 },
		{ "--board " HF_BOARD_FILE " --for 1s --load " HF_BOARD_FILE "@0x080fffff", 3 },
		{ "--board " HF_BOARD_FILE " --for 1s --fault 'cut everything'", 3 },
		{ "--board " HF_BOARD_FILE " --for 1s --options " HF_BOARD_FILE, 3 },
		{ "--board " HF_BOARD_FILE " --for 1s --optcr many", 2 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[1024];
		snprintf(line, sizeof(line), "%s run %s >/dev/null 2>&1", HF_TWIN_PROGRAM, cases[i].options);
		int status = system(line);
		if (WEXITSTATUS(status) != cases[i].exit_code)
			fail_msg("%s: exit %d", cases[i].options, WEXITSTATUS(status));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_must_say_hello),
		TEST(socket_that_is_taken_stays_whose_it_is),
		TEST(port_has_one_client_at_a_time),
		TEST(time_stands_until_somebody_waits),
		TEST(read_ends_with_the_first_byte_or_its_time),
		TEST(adapter_latency_delays_what_the_device_sends),
		TEST(reset_pin_is_held),
		TEST(adapter_outputs_drive_boot0_and_reset),
		TEST(break_takes_the_line),
		TEST(busy_uart_client_holds_time_for_control),
		TEST(same_dialogue_gives_the_same_bytes_and_times),
		TEST(wrong_baud_rate_is_garbage),
		TEST(pulled_cable_loses_bytes),
		TEST(large_write_arrives_whole),
		TEST(break_and_signals_are_kept),
		TEST(senseless_requests_are_refused_and_survived),
		TEST(endless_waits_do_not_wrap),
		TEST(status_answers_as_json),
		TEST(quit_keeps_flash_and_tells_the_end),
		TEST(signal_ends_the_twin_and_keeps_its_flash),
		TEST(bus_without_slaves_is_a_port),
		TEST(ctl_gives_commands),
		TEST(pty_serves_a_terminal_in_real_time),
		TEST(run_without_peers_ends_by_itself),
		TEST(wrong_options_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>

#include "led_pin.h"
#include "usart.h"

#define PATIENCE_MS 30000u
#define STEP        MS

struct bench bench;

static const char *path_of(const char *file)
{
	static char path[512];
	const char *folder = getenv("HF_RECOVERY_FILES");

	if (!folder)
		fail_msg("HF_RECOVERY_FILES is not set: run scripts/test-recovery.sh");
	snprintf(path, sizeof path, "%s/%s", folder, file);
	return path;
}

struct hf_buffer bench_file(const char *name)
{
	struct hf_diag diag = { "" };
	struct hf_buffer out;

	if (hf_file_read(path_of(name), 4u << 20, &out, &diag))
		fail_msg("%s", diag.text);
	return out;
}

/* ---- what happens ---- */

static void note(const char *what, const struct hf_twin_event *e)
{
	if (bench.wrong++ == 0)
		snprintf(bench.what, sizeof bench.what, "%s at 0x%08x (0x%x) after %llu ms%s%s", what, e->a, e->b,
			 (unsigned long long)(e->at_ns / MS), e->text ? ": " : "", e->text ? e->text : "");
}

static void on_event(void *ctx, const struct hf_twin_event *e)
{
	(void)ctx;
	switch (e->kind) {
	case HF_TWIN_EV_RESET:
		bench.resets++;
		bench.cause = (enum hf_twin_reset)e->a;
		bench.entered = HF_PLACES;
		break;
	case HF_TWIN_EV_ENTER:
		for (unsigned i = 0; i < HF_PLACES; i++)
			if (e->b == hf_layout_place(&bench.board.layout, i)->addr)
				bench.entered = i;
		break;
	case HF_TWIN_EV_MUST_NOT_STALL:
		note("what runs from RAM waits for flash", e);
		break;
	case HF_TWIN_EV_FAULT:
		note("a fault exception", e);
		break;
	case HF_TWIN_EV_LOCKUP:
		note("a lock-up", e);
		break;
	case HF_TWIN_EV_LOG:
		note("misuse", e);
		break;
	default:
		break;
	}
}

static void on_byte(void *ctx, uint8_t byte, uint64_t at_ns)
{
	(void)ctx;
	(void)at_ns;
	bench.in[bench.in_end++ % sizeof bench.in] = byte;
	if (byte && bench.heard_len < sizeof bench.heard - 1)
		bench.heard[bench.heard_len++] = (char)byte;
}

/* ---- the line ---- */

static enum hf_err line_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	uint64_t until = hf_rig_now_ns(bench.rig) + timeout_ms * MS;

	(void)ctx;
	while (bench.in_begin == bench.in_end && hf_rig_now_ns(bench.rig) < until)
		bench_run(STEP);
	for (*len = 0; *len < cap && bench.in_begin != bench.in_end; (*len)++)
		((uint8_t *)buf)[*len] = bench.in[bench.in_begin++ % sizeof bench.in];
	return *len ? HF_OK : HF_ERR_TIMEOUT;
}

static enum hf_err line_write(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	bench_type(data, len);
	return HF_OK;
}

static enum hf_err line_set(void *ctx, const struct hf_serial_line *line)
{
	(void)ctx;
	bench_set_baud(line->baud);
	return HF_OK;
}

static enum hf_err line_reopen(void *ctx)
{
	(void)ctx;
	return HF_ERR_IO;
}

static uint64_t line_now(void *ctx)
{
	(void)ctx;
	return hf_rig_now_ns(bench.rig) / MS;
}

static void line_sleep(void *ctx, uint32_t ms)
{
	(void)ctx;
	bench_run(ms * MS);
}

static const struct hf_serial_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.set_line = line_set,
	.reopen = line_reopen,
	.now_ms = line_now,
	.sleep_ms = line_sleep,
};

/* ---- the table ---- */

void bench_open(const char *flash)
{
	struct hf_rig_config config;
	struct hf_diag diag = { "" };
	const char *board = getenv("HF_RECOVERY_BOARD");

	memset(&bench, 0, sizeof bench);
	bench.entered = HF_PLACES;
	if (!board || hf_board_load(board, &bench.board, &diag))
		fail_msg("no board: %s", board ? diag.text : "HF_RECOVERY_BOARD is not set");
	hf_rig_config_default(&config, &bench.board);
	if (hf_rig_open(&bench.rig, &config, &diag) || hf_rig_flash_load(bench.rig, path_of(flash), &diag))
		fail_msg("%s", diag.text);
	bench.twin = hf_rig_twin(bench.rig);
	hf_twin_on_event(bench.twin, on_event, NULL);
	assert_int_equal(hf_twin_must_not_stall(bench.twin, bench.board.ram.addr, bench.board.ram.size), HF_OK);
	hf_rig_listen(bench.rig, HF_RIG_MAINTENANCE, on_byte, NULL);
	bench_set_baud(bench.board.maintenance.baud[0]);
	bench.serial = (struct hf_serial){ .ops = &line_ops, .ctx = &bench };
	hf_smp_client_init(&bench.client, &bench.serial);
}

void bench_close(void)
{
	hf_rig_close(bench.rig);
	bench.rig = NULL;
	if (bench.wrong)
		fail_msg("%u times, first: %s", bench.wrong, bench.what);
}

void bench_do(const char *text)
{
	struct hf_command c;
	struct hf_diag diag = { "" };
	char answer[HF_RIG_ANSWER];
	enum hf_err err = hf_script_command(text, &c, &diag);

	if (!err)
		err = hf_rig_command(bench.rig, &c, answer, &diag);
	if (err)
		fail_msg("%s: %s", text, diag.text);
}

void bench_run(uint64_t ns)
{
	assert_int_equal(hf_rig_run(bench.rig, hf_rig_now_ns(bench.rig) + ns), HF_RIG_TIME);
}

void bench_listen(void)
{
	memset(bench.heard, 0, bench.heard_len);
	bench.heard_len = 0;
	bench.in_begin = bench.in_end;
}

bool bench_heard(const char *text)
{
	bench.heard[bench.heard_len] = 0;
	return strstr(bench.heard, text) != NULL;
}

unsigned bench_heard_times(const char *text)
{
	unsigned n = 0;

	bench.heard[bench.heard_len] = 0;
	for (const char *at = bench.heard; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

void bench_await(const char *text, uint64_t limit_ns)
{
	uint64_t end = hf_rig_now_ns(bench.rig) + limit_ns;

	while (!bench_heard(text)) {
		if (hf_rig_now_ns(bench.rig) >= end)
			fail_msg("'%s' was not said in %llu ms; the last that was: %s", text,
				 (unsigned long long)(limit_ns / MS),
				 bench.heard + (bench.heard_len > 2000 ? bench.heard_len - 2000 : 0));
		bench_run(STEP);
	}
}

void bench_type(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		size_t part = len < 1024 ? len : 1024;
		enum hf_err err = hf_twin_uart_send(bench.twin, bench.board.maintenance.usart, p, part);

		if (err == HF_ERR_FULL) {
			bench_run(10 * MS);
			continue;
		}
		assert_int_equal(err, HF_OK);
		p += part;
		len -= part;
	}
}

void bench_await_breathing(void)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (hf_twin_led(bench.twin)->state == HF_LED_BREATHING)
			return;
		bench_run(MS);
	}
	fail_msg("the light does not breathe: it is %s", hf_led_text(hf_twin_led(bench.twin)->state));
}

void bench_await_place(unsigned place, uint64_t limit_ns)
{
	uint64_t end = hf_rig_now_ns(bench.rig) + limit_ns;

	while (bench.entered != place) {
		if (hf_rig_now_ns(bench.rig) >= end)
			fail_msg("place %u does not run after %llu ms, but %u; last said: %s", place,
				 (unsigned long long)(limit_ns / MS), bench.entered,
				 bench.heard + (bench.heard_len > 500 ? bench.heard_len - 500 : 0));
		bench_run(STEP);
	}
}

void bench_set_baud(uint32_t baud)
{
	const struct hf_twin_line line = { baud, 8, 'N', 1 };

	bench.baud = baud;
	hf_twin_uart_line(bench.twin, bench.board.maintenance.usart, &line);
}

struct hf_smp_status bench_status(void)
{
	struct hf_smp_status status;
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_status(&bench.client, PATIENCE_MS, &status, &answer);

	if (err || answer.refusal)
		fail_msg("no status: %s", hf_err_text(err ? err : answer.refusal));
	return status;
}

static enum hf_err upload(const struct hf_buffer *file, struct hf_smp_answer *answer)
{
	struct hf_smp_parameters parameters;
	struct hf_smp_upload u = { .file = { file->ptr, file->len }, .patience_ms = PATIENCE_MS };
	enum hf_err err = hf_smp_get_parameters(&bench.client, PATIENCE_MS, &parameters, answer);

	if (err || answer->refusal)
		fail_msg("no parameters: %s", hf_err_text(err ? err : answer->refusal));
	u.packet_bytes = parameters.buf_size;
	u.window = parameters.buf_count;
	err = hf_smp_upload(&bench.client, &u);
	*answer = u.refusal;
	return err;
}

enum hf_err bench_upload(const char *package, struct hf_smp_answer *answer)
{
	struct hf_buffer file = bench_file(package);
	enum hf_err err = upload(&file, answer);

	hf_buffer_free(&file);
	return err;
}

void bench_burn(const char *package)
{
	struct hf_smp_answer answer;
	struct hf_package read;
	struct hf_buffer file = bench_file(package);
	struct hf_diag diag = { "" };
	enum hf_err err;

	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &read, &diag), HF_OK);
	err = upload(&file, &answer);
	if (err)
		fail_msg("not uploaded: %s; %s", hf_err_text(err), answer.reason);
	err = hf_smp_test_image(&bench.client, PATIENCE_MS, read.id, &answer);
	if (err || answer.refusal)
		fail_msg("not activated: %s", hf_err_text(err ? err : answer.refusal));
	err = hf_smp_reset(&bench.client, PATIENCE_MS, &answer);
	assert_int_equal(err, HF_OK);
	hf_buffer_free(&file);
}

uint32_t bench_symbol(const char *name)
{
	char variable[64];
	const char *value;

	snprintf(variable, sizeof variable, "HF_SYMBOL_%s", name);
	value = getenv(variable);
	if (!value)
		fail_msg("%s is not set: run scripts/test-recovery.sh", variable);
	return (uint32_t)strtoul(value, NULL, 16) & ~1u;
}

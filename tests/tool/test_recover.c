/* SPDX-License-Identifier: MIT
 *
 * The guide for a dead gateway: what it asks for follows from what is heard, it ends where something is found, and it never
 * calls nothing a success. Recovery itself, pin, power and BOOT0 are played on the twin (scripts/test-burn.sh).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "guide.h"
#include "sim_gateway.h"

static const uint32_t rates[] = {921600, 115200};
static struct hf_guide guide;
static char story[8192];
static unsigned rows[HF_ROW_STATES];

static void on_say(void *ctx, uint64_t now_ms, const char *text)
{
	size_t len = strlen(story);

	(void)ctx;
	(void)now_ms;
	snprintf(story + len, sizeof(story) - len, "%s\n", text);
}

static void on_row(void *ctx, const struct hf_row *row)
{
	(void)ctx;
	rows[row->state]++;
}

static enum hf_guide_found find(struct hf_serial *serial)
{
	story[0] = 0;
	memset(rows, 0, sizeof(rows));
	guide.serial = serial;
	guide.baud = rates;
	guide.bauds = 2;
	guide.step_ms = 4000;
	guide.say = on_say;
	guide.row = on_row;
	return hf_guide_find(&guide);
}

/* ---- a line without a gateway ---- */

enum mood { SILENT, ECHO, GARBAGE, TEXT };

static enum mood mood;
static uint64_t now, gone_ms, next_ms; /* a line each 150 ms */
static uint8_t queue[4096];
static size_t queued;

static bool is_gone(void)
{
	return gone_ms && now >= gone_ms;
}

static enum hf_err line_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	static const char boot[] = "boot: slot A digest\r\n";

	(void)ctx;
	*len = 0;
	if (is_gone())
		return HF_ERR_IO;
	if (mood == ECHO && queued) {
		*len = queued < cap ? queued : cap;
		memcpy(buf, queue, *len);
		queued = 0;
		return HF_OK;
	}
	now += timeout_ms ? timeout_ms : 1;
	if ((mood != GARBAGE && mood != TEXT) || now < next_ms)
		return HF_ERR_TIMEOUT;
	next_ms = now + 150;
	for (*len = 0; *len < cap && *len < sizeof(boot) - 1; (*len)++)
		((uint8_t *)buf)[*len] = mood == TEXT ? (uint8_t)boot[*len] : (uint8_t)(0x80 + 13 * *len);
	return HF_OK;
}

static enum hf_err line_write(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	if (queued + len <= sizeof(queue)) {
		memcpy(queue + queued, data, len);
		queued += len;
	}
	return is_gone() ? HF_ERR_IO : HF_OK;
}

static enum hf_err line_set(void *ctx, const struct hf_serial_line *line)
{
	(void)ctx;
	(void)line;
	return is_gone() ? HF_ERR_IO : HF_OK;
}

static enum hf_err line_reopen(void *ctx)
{
	(void)ctx;
	return is_gone() ? HF_ERR_IO : HF_OK;
}

static uint64_t line_now(void *ctx)
{
	(void)ctx;
	return now;
}

static void line_sleep(void *ctx, uint32_t ms)
{
	(void)ctx;
	now += ms;
}

static const struct hf_serial_ops ops = {line_read, line_write, line_set, NULL, line_reopen, line_now, line_sleep, NULL};
static struct hf_serial line = {&ops, NULL};

static int fresh_line(void **state)
{
	(void)state;
	memset(&guide, 0, sizeof(guide));
	mood = SILENT;
	now = gone_ms = next_ms = queued = 0;
	return 0;
}

static void silence_goes_through_all_steps_and_is_no_success(void **state)
{
	(void)state;
	assert_int_equal(find(&line), HF_GUIDE_NOTHING);
	assert_int_equal(guide.steps, 5);
	assert_non_null(strstr(story, "hold the board's recovery pin"));
	assert_non_null(strstr(story, "swap TX and RX"));
	assert_non_null(strstr(story, "press reset three times"));
	assert_non_null(strstr(story, "another adapter"));
	assert_non_null(strstr(story, "set BOOT0 high"));
	assert_non_null(strstr(guide.diag.text, "no sign of recovery"));
	assert_true(now < 40000);
}

static void pin_has_the_name_that_the_board_gives_it(void **state)
{
	static struct hf_board board;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_board_load(HF_SOURCE_ROOT "/boards/compact.conf", &board, &diag), HF_OK);
	guide.board = &board;
	assert_int_equal(find(&line), HF_GUIDE_NOTHING);
	assert_non_null(strstr(story, "hold the recovery pin (PC13, to 3.3 V)"));
}

static void echo_is_told_as_a_bridge(void **state)
{
	(void)state;
	mood = ECHO;
	assert_int_equal(find(&line), HF_GUIDE_NOTHING);
	assert_non_null(strstr(story, "only our own bytes come back"));
	assert_null(strstr(story, "nothing at all was heard"));
}

static void damaged_bytes_are_told_as_ground_or_rate(void **state)
{
	(void)state;
	mood = GARBAGE;
	assert_int_equal(find(&line), HF_GUIDE_NOTHING);
	assert_non_null(strstr(story, "bytes arrive, but damaged"));
}

static void boot_that_speaks_is_quoted(void **state)
{
	(void)state;
	mood = TEXT;
	assert_int_equal(find(&line), HF_GUIDE_NOTHING);
	assert_non_null(strstr(story, "the device speaks (\"boot: slot A digest\")"));
	assert_non_null(strstr(guide.diag.text, "boot: slot A digest"));
}

static void port_that_vanishes_ends_it(void **state)
{
	(void)state;
	gone_ms = 3000;
	assert_int_equal(find(&line), HF_GUIDE_PORT_GONE);
	assert_non_null(strstr(guide.diag.text, "the port vanished"));
}

static bool stop_later(void *ctx)
{
	(void)ctx;
	return now > 6000;
}

static void ctrl_c_ends_it(void **state)
{
	(void)state;
	guide.stop = stop_later;
	assert_int_equal(find(&line), HF_GUIDE_STOPPED);
	assert_true(now < 8000);
	assert_non_null(strstr(guide.diag.text, "interrupted"));
}

/* ---- a gateway that lives ---- */

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

static void gateway_that_lives_is_said_to_live(void **state)
{
	static struct gateway gateway;
	static struct maker maker;
	static struct package v0;

	(void)state;
	maker_open(&maker, &layout);
	maker_pack(&maker, 0, 1, 8000, &v0);
	gateway_open(&gateway, &maker, &v0, 1);
	gateway.fast = true;
	gateway_start(&gateway);
	assert_int_equal(find(&gateway.line.serial), HF_GUIDE_FIRMWARE); /* it has no recovery to go to */
	assert_int_equal(guide.steps, 0);
	assert_non_null(strstr(story, "this gateway is alive: it runs 1.0.0 in slot A"));
	assert_non_null(strstr(guide.diag.text, "holdfast burn"));
	assert_int_equal(guide.status.running, 0);
	gateway_close(&gateway);
	hf_buffer_free(&v0.file);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh_line)
	const struct CMUnitTest tests[] = {
		T(silence_goes_through_all_steps_and_is_no_success),
		T(pin_has_the_name_that_the_board_gives_it),
		T(echo_is_told_as_a_bridge),
		T(damaged_bytes_are_told_as_ground_or_rate),
		T(boot_that_speaks_is_quoted),
		T(port_that_vanishes_ends_it),
		T(ctrl_c_ends_it),
		T(gateway_that_lives_is_said_to_live),
	};
#undef T

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}

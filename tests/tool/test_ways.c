/* SPDX-License-Identifier: MIT
 *
 * The table of the ways, row by row, against what it should be; written down here a second time, as rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "way.h"

/* What follows: firmware's failure, recovery's. The loader's never has a next one. */
static const struct {
	enum hf_way_end end;
	enum hf_way behind_firmware, behind_recovery;
} rows[] = {
	{HF_END_DONE, HF_WAYS, HF_WAYS},
	{HF_END_NOBODY, HF_WAY_RECOVERY, HF_WAY_ROM},
	{HF_END_LINE, HF_WAYS, HF_WAYS},
	{HF_END_SILENT, HF_WAY_RECOVERY, HF_WAY_ROM},
	{HF_END_PORT_GONE, HF_WAYS, HF_WAYS},
	{HF_END_PACKAGE, HF_WAYS, HF_WAYS},
	{HF_END_REFUSED, HF_WAYS, HF_WAYS},
	{HF_END_DENIED, HF_WAYS, HF_WAYS},
	{HF_END_BUSY, HF_WAY_RECOVERY, HF_WAYS},
	{HF_END_MEMORY, HF_WAY_RECOVERY, HF_WAYS},
	{HF_END_SENSELESS, HF_WAY_RECOVERY, HF_WAY_ROM},
	{HF_END_CHECK, HF_WAYS, HF_WAYS},
	{HF_END_ROLLED_BACK, HF_WAYS, HF_WAYS},
	{HF_END_UNCONFIRMED, HF_WAYS, HF_WAYS},
	{HF_END_NO_ANSWER, HF_WAYS, HF_WAYS},
	{HF_END_CLOSED, HF_WAYS, HF_WAYS},
	{HF_END_INTERRUPTED, HF_WAYS, HF_WAYS},
};

static void every_row_says_what_follows_and_why(void **state)
{
	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), HF_ENDS);
	for (int i = 0; i < HF_ENDS; i++) {
		assert_int_equal(rows[i].end, i);
		assert_int_equal(hf_way_next(HF_WAY_FIRMWARE, rows[i].end).way, rows[i].behind_firmware);
		assert_int_equal(hf_way_next(HF_WAY_RECOVERY, rows[i].end).way, rows[i].behind_recovery);
		assert_int_equal(hf_way_next(HF_WAY_ROM, rows[i].end).way, HF_WAYS);
		for (int way = 0; way < HF_WAYS && i != HF_END_DONE; way++)
			assert_true(strlen(hf_way_next((enum hf_way)way, rows[i].end).why) >= strlen("interrupted"));
		assert_true(strlen(hf_way_end_text(rows[i].end)) > 3);
	}
}

static void no_way_leads_back(void **state)
{
	(void)state;
	for (int way = 0; way < HF_WAYS; way++) {
		for (int end = 0; end < HF_ENDS; end++)
			assert_true(hf_way_next((enum hf_way)way, (enum hf_way_end)end).way > (enum hf_way)way);
	}
}

static enum hf_way_end end_of(enum hf_burn_outcome outcome, enum hf_err err)
{
	struct hf_burn_result r = {.outcome = outcome, .err = err};

	return hf_way_end_of(&r);
}

/* Whoever says it, tool or device: what is wrong with the package or its right to be here goes nowhere. */
static void refusal_never_escalates(void **state)
{
	static const enum hf_err refusals[] = {
		HF_ERR_DIGEST, HF_ERR_SIGNATURE, HF_ERR_KEY, HF_ERR_KEYSET, HF_ERR_KEYSET_NUMBER, HF_ERR_THRESHOLD, HF_ERR_VENDOR, HF_ERR_CLASS,
		HF_ERR_DEVICE, HF_ERR_VERSION, HF_ERR_SECURITY_VERSION, HF_ERR_RELEASE, HF_ERR_SAME_SEQUENCE, HF_ERR_SLOT, HF_ERR_REJECTED,
		HF_ERR_ABORT, HF_ERR_PROTECTED, HF_ERR_DENIED, HF_ERR_LOCKOUT, HF_ERR_TOO_LARGE, HF_ERR_UNSUPPORTED,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		for (int way = 0; way < HF_WAYS; way++) {
			assert_int_equal(hf_way_next((enum hf_way)way, end_of(HF_BURN_REFUSED, refusals[i])).way, HF_WAYS);
			assert_int_equal(hf_way_next((enum hf_way)way, end_of(HF_BURN_DEVICE_REFUSED, refusals[i])).way, HF_WAYS);
		}
	}
	assert_int_equal(end_of(HF_BURN_DEVICE_REFUSED, HF_ERR_DENIED), HF_END_DENIED);
}

static void every_outcome_is_an_end(void **state)
{
	static const struct {
		enum hf_burn_outcome outcome;
		enum hf_err err;
		enum hf_way_end end;
	} cases[] = {
		{HF_BURN_CONFIRMED, HF_OK, HF_END_DONE},
		{HF_BURN_ALREADY, HF_OK, HF_END_DONE},
		{HF_BURN_UPLOADED, HF_OK, HF_END_DONE},
		{HF_BURN_BAD_PACKAGE, HF_ERR_DIGEST, HF_END_PACKAGE},
		{HF_BURN_REFUSED, HF_ERR_CLASS, HF_END_REFUSED},
		{HF_BURN_REFUSED, HF_ERR_TRIAL, HF_END_BUSY},
		{HF_BURN_NO_DEVICE, HF_ERR_TIMEOUT, HF_END_NOBODY},
		{HF_BURN_LINE, HF_ERR_TIMEOUT, HF_END_LINE},
		{HF_BURN_SILENT, HF_ERR_TIMEOUT, HF_END_SILENT},
		{HF_BURN_PORT_GONE, HF_ERR_IO, HF_END_PORT_GONE},
		{HF_BURN_CHECK_FAILED, HF_ERR_ABORT, HF_END_CHECK},
		{HF_BURN_DEVICE_REFUSED, HF_ERR_BUSY, HF_END_BUSY},
		{HF_BURN_DEVICE_REFUSED, HF_ERR_TRIAL, HF_END_BUSY},
		{HF_BURN_DEVICE_REFUSED, HF_ERR_FLASH_ERASE, HF_END_MEMORY},
		{HF_BURN_DEVICE_REFUSED, HF_ERR_FLASH_PROGRAM, HF_END_MEMORY},
		{HF_BURN_DEVICE_REFUSED, HF_ERR_TYPE, HF_END_SENSELESS},
		{HF_BURN_ROLLED_BACK, HF_ERR_REJECTED, HF_END_ROLLED_BACK},
		{HF_BURN_UNCONFIRMED, HF_ERR_TIMEOUT, HF_END_UNCONFIRMED},
		{HF_BURN_NO_ANSWER, HF_ERR_TIMEOUT, HF_END_NO_ANSWER},
		{HF_BURN_CLOSED, HF_ERR_DENIED, HF_END_CLOSED},
		{HF_BURN_INTERRUPTED, HF_ERR_TIMEOUT, HF_END_INTERRUPTED},
	};
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(end_of(cases[i].outcome, cases[i].err), cases[i].end);
		seen |= 1u << cases[i].outcome;
	}
	assert_int_equal(seen, (1u << HF_BURN_OUTCOMES) - 1);
}

static void ways_are_read_by_name(void **state)
{
	unsigned ways;

	(void)state;
	assert_true(hf_way_parse("auto", &ways) && ways == HF_WAY_ALL);
	assert_true(hf_way_parse("firmware", &ways) && ways == HF_WAY_BIT(HF_WAY_FIRMWARE));
	assert_true(hf_way_parse("recovery", &ways) && ways == HF_WAY_BIT(HF_WAY_RECOVERY));
	assert_true(hf_way_parse("rom", &ways) && ways == HF_WAY_BIT(HF_WAY_ROM));
	assert_true(hf_way_parse("smp", &ways) && ways == (HF_WAY_BIT(HF_WAY_FIRMWARE) | HF_WAY_BIT(HF_WAY_RECOVERY)));
	assert_false(hf_way_parse("usb", &ways) || hf_way_parse("", &ways) || hf_way_parse("none", &ways));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_says_what_follows_and_why), cmocka_unit_test(no_way_leads_back),
		cmocka_unit_test(refusal_never_escalates),             cmocka_unit_test(every_outcome_is_an_end),
		cmocka_unit_test(ways_are_read_by_name),
	};

	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}

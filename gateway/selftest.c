/* SPDX-License-Identifier: MIT */
#include "selftest.h"

#include "core/health.h"

const char *hf_selftest_missing(const struct hf_selftest *test)
{
	if (!test->ram)
		return "RAM does not keep its patterns";
	if (!test->head)
		return "the slot's head does not fit what runs";
	if (!test->journal)
		return "the journal cannot be written";
	if (test->readings < HF_SELFTEST_READINGS)
		return "no Modbus readings arrive";
	return NULL;
}

uint8_t hf_selftest_failed(const struct hf_selftest *test)
{
	return (uint8_t)((test->readings < HF_SELFTEST_READINGS ? HF_TEST_WORK : 0) | (test->journal ? 0 : HF_TEST_JOURNAL) |
			 (test->head ? 0 : HF_TEST_HEAD) | (test->ram ? 0 : HF_TEST_RAM));
}

enum hf_selftest_verdict hf_selftest_judge(const struct hf_selftest *test, uint32_t since_ms)
{
	if (hf_selftest_missing(test) == NULL && since_ms >= HF_SELFTEST_MIN_MS)
		return HF_SELFTEST_PASSED;
	return since_ms >= HF_SELFTEST_LIMIT_MS ? HF_SELFTEST_FAILED : HF_SELFTEST_PENDING;
}

/* Each word gets its own address, mixed: neighbours that are tied together, stuck bits and stuck address lines show. */
static uint32_t pattern(size_t i, uint32_t flip)
{
	return ((uint32_t)i * 0x9e3779b9u) ^ flip;
}

bool hf_selftest_ram(volatile uint32_t *buf, size_t words)
{
	for (uint32_t flip = 0;; flip = ~flip) {
		for (size_t i = 0; i < words; i++)
			buf[i] = pattern(i, flip);
		for (size_t i = 0; i < words; i++) {
			if (buf[i] != pattern(i, flip))
				return false;
		}
		if (flip)
			return true;
	}
}

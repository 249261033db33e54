/* SPDX-License-Identifier: MIT
 *
 * Does this firmware work here? What is tested, how long it may take, and the verdict. Pure.
 */
#ifndef HF_SELFTEST_H
#define HF_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_SELFTEST_READINGS 6u     /* good ones, of any slaves */
#define HF_SELFTEST_MIN_MS   1500u  /* firmware that dies at once must not confirm itself before */
#define HF_SELFTEST_LIMIT_MS 30000u

struct hf_selftest {
	uint32_t readings; /* good Modbus readings so far */
	bool journal;      /* mounted, and can be written */
	bool head;         /* the running slot's head is authentic and names the address that runs */
	bool ram;
};

enum hf_selftest_verdict { HF_SELFTEST_PENDING, HF_SELFTEST_PASSED, HF_SELFTEST_FAILED };

/* since_ms: since the start. */
enum hf_selftest_verdict hf_selftest_judge(const struct hf_selftest *test, uint32_t since_ms);
/* The first thing that is missing, as a clause; NULL: nothing. */
const char *hf_selftest_missing(const struct hf_selftest *test);

/* Everything that is missing: HF_TEST_* of core/health.h. */
uint8_t hf_selftest_failed(const struct hf_selftest *test);

/* Writes patterns into a spare buffer and reads them back; its content is lost. */
bool hf_selftest_ram(volatile uint32_t *buf, size_t words);

#endif

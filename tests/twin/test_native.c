/* SPDX-License-Identifier: MIT
 *
 * Native crypto: the same results at the same time, and a comparison that notices when they are not.
 */
#include "probe.h"

#define LENGTH 20000

static uint8_t elf[1 << 18];
static size_t elf_len;

static void load(struct probe *probe)
{
	uint32_t length = LENGTH;
	uint8_t data[LENGTH];

	probe_open(probe, NULL);
	elf_len = probe_elf(elf, sizeof(elf));
	for (unsigned i = 0; i < LENGTH; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(hf_twin_load(probe->twin, FW_SCRATCH, data, sizeof(data)), HF_OK);
	probe_select(probe, NOTHING, &length, 1);
}

static void symbols(struct probe *probe, enum hf_twin_native mode, uint32_t sample)
{
	assert_int_equal(hf_twin_native_symbols(probe->twin, elf, elf_len, 0), HF_OK);
	hf_twin_native(probe->twin, mode, sample);
}

static void answered_calls_give_the_executed_results(void **state)
{
	struct probe executed, native;
	uint64_t a, b;

	(void)state;
	load(&executed);
	load(&native);
	symbols(&native, HF_TWIN_NATIVE_ON, 0);
	assert_true(probe_run(&executed, 5 * S));
	assert_true(probe_run(&native, 5 * S));
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(probe_answer(&native, i), probe_answer(&executed, i));
	assert_int_equal(probe_answer(&native, 8), HF_OK);
	assert_int_equal(probe_answer(&native, 9), HF_ERR_SIGNATURE);
	assert_int_equal(probe_answer(&native, 10), HF_ERR_UNSUPPORTED);
	assert_true(probe_counts(&native).native_calls > 20);
	assert_int_equal(probe_counts(&executed).native_calls, 0);

	/* The time, and what happened meanwhile. */
	a = hf_twin_now_ns(executed.twin);
	b = hf_twin_now_ns(native.twin);
	assert_in_range(b, a - a / 50, a + a / 50);
	assert_in_range(probe_answer(&native, 11), probe_answer(&executed, 11) - 4, probe_answer(&executed, 11) + 4);
	a = probe_counts(&executed).instructions;
	b = probe_counts(&native).instructions;
	assert_in_range(b, a - a / 50, a + a / 50);
	probe_close(&executed);
	probe_close(&native);
}

static void comparison_executes_and_agrees(void **state)
{
	struct probe probe;

	(void)state;
	load(&probe);
	symbols(&probe, HF_TWIN_NATIVE_COMPARE, 3);
	assert_true(probe_run(&probe, 5 * S));
	assert_true(probe_counts(&probe).native_compared > 5);
	assert_true(probe_counts(&probe).native_calls > 2 * probe_counts(&probe).native_compared - 3);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_NATIVE), 0);
	assert_int_equal(probe_answer(&probe, 8), HF_OK);
	probe_close(&probe);
}

/* A bit of SHA-256's first constant is wrong in flash. */
static void comparison_notices_wrong_code(void **state)
{
	static const uint8_t constant[4] = { 0x98, 0x2f, 0x8a, 0x42 };
	struct probe probe;
	uint8_t code[0x8000];
	unsigned flipped = 0;

	(void)state;
	load(&probe);
	symbols(&probe, HF_TWIN_NATIVE_COMPARE, 1);
	assert_int_equal(hf_twin_peek(probe.twin, HF_TWIN_FLASH_ADDR, code, sizeof(code)), HF_OK);
	for (uint32_t i = 0; i < sizeof(code); i += 4)
		if (memcmp(code + i, constant, 4) == 0) {
			assert_int_equal(hf_twin_flip(probe.twin, HF_TWIN_FLASH_ADDR + i, 1), HF_OK);
			flipped++;
		}
	assert_true(flipped > 0);
	assert_true(probe_run(&probe, 5 * S));
	assert_true(probe_count(&probe, HF_TWIN_EV_NATIVE) > 0);
	probe_close(&probe);
}

static void snapshot_within_an_answered_call_goes_on(void **state)
{
	struct hf_twin_snapshot *snapshot;
	struct hf_twin_counts first, second;
	struct probe probe;

	(void)state;
	load(&probe);
	symbols(&probe, HF_TWIN_NATIVE_ON, 0);
	assert_false(probe_run(&probe, 60 * MS)); /* in the first verification */
	assert_int_equal(hf_twin_save(probe.twin, &snapshot), HF_OK);
	assert_true(probe_run(&probe, 5 * S));
	first = probe_counts(&probe);
	hf_twin_restore(probe.twin, snapshot);
	assert_in_range(hf_twin_now_ns(probe.twin), 60 * MS, 60 * MS + 1000);
	assert_true(probe_run(&probe, 5 * S));
	second = probe_counts(&probe);
	assert_memory_equal(&first, &second, sizeof(first));
	assert_int_equal(probe_answer(&probe, 8), HF_OK);
	hf_twin_snapshot_free(snapshot);
	probe_close(&probe);
}

static void forgotten_functions_are_executed(void **state)
{
	struct probe probe;

	(void)state;
	load(&probe);
	symbols(&probe, HF_TWIN_NATIVE_ON, 0);
	hf_twin_native_forget(probe.twin, HF_TWIN_FLASH_ADDR, 0x20000);
	assert_true(probe_run(&probe, 5 * S));
	assert_int_equal(probe_counts(&probe).native_calls, 0);
	assert_int_equal(hf_twin_native_symbols(probe.twin, elf, 20, 0), HF_ERR_ENCODING);
	probe_close(&probe);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_calls_give_the_executed_results),
		cmocka_unit_test(comparison_executes_and_agrees),
		cmocka_unit_test(comparison_notices_wrong_code),
		cmocka_unit_test(snapshot_within_an_answered_call_goes_on),
		cmocka_unit_test(forgotten_functions_are_executed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

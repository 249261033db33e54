/* SPDX-License-Identifier: MIT
 *
 * Snapshots: what follows from one is the same every time, in this twin or another.
 */
#include "internal.h"
#include "probe.h"

struct outcome {
	struct hf_twin_counts counts;
	uint64_t now, flash;
	uint32_t registers[19];
	uint8_t sram[HF_TWIN_SRAM_SIZE];
};

static struct outcome outcome(struct probe *probe)
{
	struct outcome o;

	memset(&o, 0, sizeof(o));
	hf_twin_counts(probe->twin, &o.counts);
	o.now = hf_twin_now_ns(probe->twin);
	o.flash = hf_twin_flash_hash(probe->twin);
	for (unsigned r = 0; r < 19; r++)
		o.registers[r] = hf_twin_register(probe->twin, r);
	assert_int_equal(hf_twin_peek(probe->twin, HF_TWIN_SRAM_ADDR, o.sram, sizeof(o.sram)), HF_OK);
	return o;
}

static void same(const struct outcome *a, const struct outcome *b)
{
	assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
	assert_int_equal(a->now, b->now);
	assert_int_equal(a->flash, b->flash);
	assert_memory_equal(a->registers, b->registers, sizeof(a->registers));
	assert_memory_equal(a->sram, b->sram, sizeof(a->sram));
}

static const uint32_t words[] = { FW_SCRATCH, 0x11111111, 0x11111111, 200, FW_SCRATCH_SECTOR };

/* Saves at each of the times, then restores in another order, here and into another twin. */
static void repeat(enum probe_program program, const uint32_t *args, unsigned count, const uint64_t *at, unsigned times)
{
	struct hf_twin_snapshot *snapshot[16];
	struct probe probe, other;
	static struct outcome first, again;

	assert_true(times <= 16);
	probe_open(&probe, NULL);
	probe_select(&probe, program, args, count);
	for (unsigned i = 0; i < times; i++) {
		assert_false(probe_run(&probe, at[i]));
		assert_int_equal(hf_twin_save(probe.twin, &snapshot[i]), HF_OK);
	}
	assert_true(probe_run(&probe, 20 * S));
	first = outcome(&probe);
	probe_open(&other, NULL);
	for (unsigned i = 0; i < times; i++) {
		unsigned n = (i * 5 + 3) % times;

		hf_twin_restore(probe.twin, snapshot[n]);
		assert_true(probe_run(&probe, 20 * S));
		again = outcome(&probe);
		same(&first, &again);
		hf_twin_restore(other.twin, snapshot[n]);
		assert_true(probe_run(&other, 20 * S));
		again = outcome(&other);
		same(&first, &again);
	}
	for (unsigned i = 0; i < times; i++)
		hf_twin_snapshot_free(snapshot[i]);
	probe_close(&probe);
	probe_close(&other);
}

static void programming_and_erasing_go_on_the_same(void **state)
{
	/* Within words, within the erase. */
	static const uint64_t at[] = { 2 * MS, 2500003, 3 * MS, 3333333, 4 * MS, 5 * MS, 7 * MS, 12 * MS, 20 * MS };

	(void)state;
	repeat(WRITE_WORDS, words, 5, at, 9);
}

static void interrupts_and_sleep_go_on_the_same(void **state)
{
	static const uint64_t at[] = { 1600000, 2 * MS, 3 * MS, 4700000, 9 * MS, 12 * MS };

	(void)state;
	repeat(SYSTICK, NULL, 0, at, 6);
}

static void interrupted_loops_go_on_the_same(void **state)
{
	static const uint64_t at[] = { 1600000, 1700000, 5 * MS, 9 * MS, 17 * MS, 17000123, 19 * MS };

	(void)state;
	repeat(REGISTERS, NULL, 0, at, 7);
}

static void stalled_core_goes_on_the_same(void **state)
{
	static const uint64_t at[] = { 3 * MS, 10 * MS, 20 * MS };

	(void)state;
	repeat(ERASE_ALL_WAYS, NULL, 0, at, 3);
}

static void changed_code_is_restored(void **state)
{
	/* Before, between and after new code in flash and in RAM. */
	static const uint64_t at[] = { 1600000, 1900000, 2 * MS, 10 * MS, 21 * MS };

	(void)state;
	repeat(NEW_CODE, NULL, 0, at, 5);
}

static void restore_brings_back_unstable_words(void **state)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = 2, .fraction = 40000, .unstable = true,
				   .seed = 11 };
	uint32_t where = FW_SCRATCH + 8, settle[] = { FW_SCRATCH + 8, 0, 0, 1, 0xffffffff }, first, ones;
	struct hf_twin_snapshot *snapshot;
	struct probe probe;

	(void)state;
	probe_open(&probe, NULL);
	probe_select(&probe, WRITE_WORDS, words, 5);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	probe_select(&probe, READ_WORD, &where, 1);
	assert_int_equal(hf_twin_save(probe.twin, &snapshot), HF_OK);
	assert_true(probe_run(&probe, 30 * S));
	first = probe_answer(&probe, 0);
	ones = probe_answer(&probe, 2);
	assert_true(probe_answer(&probe, 1) > 50);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, WRITE_WORDS, settle, 5);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, READ_WORD, &where, 1);
	assert_int_equal(probe_answer(&probe, 1), 0);
	hf_twin_restore(probe.twin, snapshot);
	assert_false(hf_twin_is_on(probe.twin));
	assert_true(probe_run(&probe, 60 * S));
	assert_int_equal(probe_answer(&probe, 0), first);
	assert_int_equal(probe_answer(&probe, 2), ones);
	assert_true(probe_answer(&probe, 1) > 50);
	hf_twin_snapshot_free(snapshot);
	probe_close(&probe);
}

static void cut_after_restore_is_the_same_cut(void **state)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = 150, .fraction = 30000, .seed = 5 };
	struct hf_twin_snapshot *snapshot;
	struct probe probe;
	uint64_t flash;

	(void)state;
	probe_open(&probe, NULL);
	probe_select(&probe, WRITE_WORDS, words, 5);
	assert_false(probe_run(&probe, 2500000));
	assert_int_equal(hf_twin_save(probe.twin, &snapshot), HF_OK);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	flash = hf_twin_flash_hash(probe.twin);
	for (unsigned i = 0; i < 3; i++) {
		hf_twin_restore(probe.twin, snapshot);
		assert_true(hf_twin_is_on(probe.twin));
		hf_twin_arm_cut(probe.twin, &cut);
		assert_false(probe_run(&probe, 20 * S));
		assert_int_equal(hf_twin_flash_hash(probe.twin), flash);
	}
	hf_twin_snapshot_free(snapshot);
	probe_close(&probe);
}

static void hash_tells_contents_apart(void **state)
{
	struct probe probe;
	uint64_t before;

	(void)state;
	probe_open(&probe, NULL);
	before = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_flip(probe.twin, 0x080fffe0, 1), HF_OK);
	assert_true(hf_twin_flash_hash(probe.twin) != before);
	assert_int_equal(hf_twin_flip(probe.twin, 0x080fffe0, 1), HF_OK);
	assert_int_equal(hf_twin_flash_hash(probe.twin), before);
	probe_close(&probe);
}

/* Code that changes is translated again, and what was dropped keeps its room until all is dropped. */
static void translations_for_ever_find_room(void **state)
{
	static struct outcome first, again;
	struct hf_twin_snapshot *snapshot;
	struct hf_machine *machine;
	struct probe probe;
	unsigned runs = 0;

	(void)state;
	probe_open(&probe, NULL);
	machine = hf_twin_machine(probe.twin);
	probe_select(&probe, NEW_CODE, NULL, 0);
	assert_int_equal(hf_twin_save(probe.twin, &snapshot), HF_OK);
	assert_true(probe_run(&probe, 20 * S));
	first = outcome(&probe);
	machine->translations_room = 100000;
	while (machine->translations_dropped < 5) {
		assert_true(++runs < 100);
		for (uint32_t page = 0; page < 16; page++) {
			assert_int_equal(hf_twin_flip(probe.twin, HF_TWIN_FLASH_ADDR + page * 1024, 1), HF_OK);
			assert_int_equal(hf_twin_flip(probe.twin, HF_TWIN_FLASH_ADDR + page * 1024, 1), HF_OK);
		}
		hf_twin_restore(probe.twin, snapshot);
		assert_true(probe_run(&probe, 20 * S));
		again = outcome(&probe);
		same(&first, &again);
	}
	hf_twin_snapshot_free(snapshot);
	probe_close(&probe);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(programming_and_erasing_go_on_the_same),
		cmocka_unit_test(interrupts_and_sleep_go_on_the_same),
		cmocka_unit_test(interrupted_loops_go_on_the_same),
		cmocka_unit_test(stalled_core_goes_on_the_same),
		cmocka_unit_test(changed_code_is_restored),
		cmocka_unit_test(restore_brings_back_unstable_words),
		cmocka_unit_test(cut_after_restore_is_the_same_cut),
		cmocka_unit_test(hash_tells_contents_apart),
		cmocka_unit_test(translations_for_ever_find_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

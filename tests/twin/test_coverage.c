/* SPDX-License-Identifier: MIT
 *
 * What became of conditional branches, by their addresses in the ELF.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "firmware.h"
#include "probe.h"

#define LINES 4096

struct seen {
	unsigned count;
	struct {
		uint32_t addr;
		unsigned outcomes;
	} at[LINES];
};

/* Once a probe was opened. */
static size_t elf(uint8_t **file)
{
	*file = malloc(1 << 20);
	assert_non_null(*file);
	return probe_elf(*file, 1 << 20);
}

/* What these programs do to branches; offset: of the ELF that is named, which is in flash as linked. */
static struct hf_twin_counts watch(const enum probe_program *program, unsigned programs, int32_t offset, struct seen *seen)
{
	char path[] = "/tmp/hf-coverage-XXXXXX", name[32];
	struct hf_twin_counts counts;
	struct probe probe;
	unsigned addr;
	uint8_t *file;
	size_t len;
	int fd = mkstemp(path);
	FILE *f;

	assert_true(fd >= 0);
	close(fd);
	probe_open(&probe, NULL);
	len = elf(&file);
	if (seen)
		assert_int_equal(hf_twin_coverage(probe.twin, "programs", file, len, offset), HF_OK);
	free(file);
	for (unsigned i = 0; i < programs; i++) {
		hf_twin_power_off(probe.twin);
		probe_ask(&probe, program[i], NULL, 0);
	}
	counts = probe_counts(&probe);
	assert_int_equal(hf_twin_coverage_write(probe.twin, path), HF_OK);
	f = fopen(path, "r");
	assert_non_null(f);
	if (seen) {
		for (seen->count = 0; seen->count < LINES; seen->count++) {
			if (fscanf(f, "%31s %x %u", name, &addr, &seen->at[seen->count].outcomes) != 3)
				break;
			assert_string_equal(name, "programs");
			seen->at[seen->count].addr = addr;
		}
	} else {
		assert_int_equal(fgetc(f), EOF);
	}
	fclose(f);
	unlink(path);
	probe_close(&probe);
	return counts;
}

static unsigned outcomes_at(const struct seen *seen, uint32_t addr)
{
	for (unsigned i = 0; i < seen->count; i++)
		if (seen->at[i].addr == addr)
			return seen->at[i].outcomes;
	return 0;
}

static bool is_branch(const struct hf_firmware *firmware, uint32_t addr)
{
	struct hf_firmware_segment s;

	for (uint32_t i = 0; i < firmware->segments; i++) {
		const uint8_t *p;
		unsigned word;

		if (!hf_firmware_segment(firmware, i, &s) || addr - s.run_addr >= s.len)
			continue;
		p = s.bytes + (addr - s.run_addr);
		word = p[0] | (unsigned)p[1] << 8;
		return (word >= 0xd000 && word < 0xde00) || (word & 0xf500) == 0xb100 ||
		       ((word & 0xf800) == 0xf000 && (p[3] & 0xd0) == 0x80);
	}
	return false;
}

static void loops_are_seen_both_ways(void **state)
{
	static const enum probe_program programs[] = { LOOPS };
	static struct seen seen;
	struct hf_firmware firmware;
	unsigned both = 0;
	uint8_t *file;
	size_t len;

	(void)state;
	watch(programs, 1, 0, &seen);
	len = elf(&file);
	assert_int_equal(hf_firmware_open(&firmware, file, len), HF_OK);
	assert_true(seen.count > 0);
	for (unsigned i = 0; i < seen.count; i++) {
		assert_true(is_branch(&firmware, seen.at[i].addr));
		assert_in_range(seen.at[i].outcomes, 1, 3);
		both += seen.at[i].outcomes == 3;
	}
	assert_true(both > 0);
	free(file);
}

static void more_programs_see_more_branches(void **state)
{
	static const enum probe_program programs[] = { NOTHING, SYSTICK, NEW_CODE, FAULTS };
	static struct seen one, all;
	unsigned more = 0;

	(void)state;
	watch(programs, 1, 0, &one);
	watch(programs, 4, 0, &all);
	for (unsigned i = 0; i < one.count; i++)
		assert_int_equal(outcomes_at(&all, one.at[i].addr) & one.at[i].outcomes, one.at[i].outcomes);
	for (unsigned i = 0; i < all.count; i++)
		more += !outcomes_at(&one, all.at[i].addr);
	assert_true(more > 0);
}

static void elf_that_is_not_there_sees_nothing(void **state)
{
	static const enum probe_program programs[] = { LOOPS, SYSTICK };
	static struct seen seen;

	(void)state;
	watch(programs, 2, 0x40000, &seen);
	assert_int_equal(seen.count, 0);
}

static void looking_changes_no_figure(void **state)
{
	static const enum probe_program programs[] = { SYSTICK, NESTING, LOOPS };
	static struct seen seen;
	struct hf_twin_counts with = watch(programs, 3, 0, &seen), without = watch(programs, 3, 0, NULL);

	(void)state;
	assert_memory_equal(&with, &without, sizeof(with));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops_are_seen_both_ways),
		cmocka_unit_test(more_programs_see_more_branches),
		cmocka_unit_test(elf_that_is_not_there_sees_nothing),
		cmocka_unit_test(looking_changes_no_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

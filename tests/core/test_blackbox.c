/* SPDX-License-Identifier: MIT
 *
 * The black box tells what a cut has left, no more and no less: each operation of an append, of a take-over and of a content's
 * write is cut, and what is told is compared with what lies in flash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "blackbox.h"
#include "bytes.h"
#include "sim_flash.h"

#define WORDS 8u /* of a slot */

static const struct hf_layout layout = {
	.name = "black box",
	.sectors = 2,
	.sector = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
	.journal = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
};

static struct sim_flash flash;
static struct hf_journal journal;
static struct hf_state state;

static struct hf_blackbox look(void)
{
	struct hf_blackbox b;

	assert_int_equal(hf_blackbox_look(&journal, &b), HF_OK);
	return b;
}

static void start(void)
{
	bool blank;

	sim_flash_power_on(&flash);
	flash.operation = 0;
	flash.cut_at = 0;
	assert_int_equal(hf_state_load(&journal, &flash.ops, &layout, &state, &blank), HF_OK);
	if (blank)
		assert_int_equal(hf_state_take_over(&journal, &state), HF_OK);
}

static int setup(void **ctx)
{
	(void)ctx;
	sim_flash_open(&flash, &layout);
	start();
	start();
	return 0;
}

static int teardown(void **ctx)
{
	(void)ctx;
	sim_flash_close(&flash);
	return 0;
}

static void append(uint8_t type, const char *data, size_t len)
{
	struct hf_record r = { .type = type };

	memcpy(r.data, data, len);
	assert_int_equal(hf_journal_append(&journal, &r), HF_OK);
	hf_state_apply(&state, &r);
}

static void erase(enum hf_record_type type, char slot, char sector)
{
	append((uint8_t)type, (char[]){ slot, sector }, 2);
}

static void image(enum hf_record_type type, unsigned place, unsigned component)
{
	static const uint8_t id[HF_ID_BYTES] = { 7 };
	struct hf_record r = hf_state_image_record(type, place, component, 5, id, 0);

	assert_int_equal(hf_journal_append(&journal, &r), HF_OK);
	hf_state_apply(&state, &r);
}

/* Does `work` until the operation `at` is cut; false: it came to its end before. */
static bool cut(unsigned long at, enum sim_cut how, void (*work)(void))
{
	static jmp_buf lost;
	volatile bool over = false;

	flash.operation = 0;
	flash.cut_at = at;
	flash.cut = how;
	flash.power_lost = &lost;
	if (setjmp(lost) == 0) {
		work();
		over = true;
	}
	flash.power_lost = NULL;
	return !over;
}

static void append_segment(void)
{
	append(HF_REC_SEGMENT, "\0\0\0\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xaa\x55", 26);
}

static void assert_nothing(const struct hf_blackbox *b)
{
	for (unsigned i = 0; i < HF_SLOTS; i++)
		assert_int_equal(b->slot[i].begun | b->slot[i].again | b->slot[i].starts, 0);
	for (unsigned i = 0; i < HF_LONGREC_KINDS; i++)
		assert_int_equal(b->content[i].copies | b->content[i].parts | b->content[i].cut, 0);
	assert_int_equal(b->torn + b->worn + b->last_slot + b->recovery_starts, 0);
	assert_false(b->dirty);
}

static void journal_that_came_to_its_end_tells_nothing(void **ctx)
{
	struct hf_blackbox b;

	(void)ctx;
	append_segment();
	start();
	b = look();
	assert_nothing(&b);
	assert_int_equal(journal.repairs.done, 0);
	assert_int_equal(journal.repairs.torn, 0);
}

/* The first append of a session zeroes a slot (8 words), and then writes its own. */
static void torn_record_is_told_by_its_words(void **ctx)
{
	(void)ctx;
	for (unsigned word = 0; word < WORDS; word++) {
		struct hf_blackbox b;
		unsigned slot;
		bool begun;

		teardown(NULL);
		setup(NULL);
		slot = journal.end + 1u;
		assert_true(cut(WORDS + word + 1, SIM_CUT_TORN, append_segment));
		begun = load_le32(flash.mem + slot * HF_RECORD_BYTES) != 0xffffffff;
		start();
		b = look();
		assert_int_equal(journal.repairs.torn, word > 0);
		assert_int_equal(journal.repairs.done, word == 0 && begun ? HF_REPAIR_ZEROED : 0);
		assert_int_equal(b.torn, word > 0);
		assert_int_equal(b.worn, 0);
		assert_int_equal(b.last_slot, word > 0 ? slot : 0);
		assert_int_equal(b.last_type, word > 0 ? HF_REC_SEGMENT : 0);
		/* The start after has nothing to do, and knows of it all the same. */
		append_segment();
		start();
		assert_int_equal(journal.repairs.torn + journal.repairs.done, 0);
		assert_int_equal(look().torn, word > 0);
		assert_int_equal(look().since, word > 0 ? 1 : 0);
	}
}

static void slot_that_does_not_program_is_no_power_loss(void **ctx)
{
	struct hf_blackbox b;

	(void)ctx;
	append_segment();
	sim_flash_stick(&flash, layout.journal[journal.live].addr + journal.end * HF_RECORD_BYTES + 8, 0xffffffff, 0);
	append_segment();
	b = look();
	assert_int_equal(b.torn, 0);
	assert_int_equal(b.worn, 1);
	assert_int_equal(b.last_type, HF_REC_SEGMENT);
	start();
	assert_int_equal(look().worn, 1);
	assert_int_equal(look().torn, 0);
}

static void take_over(void)
{
	assert_int_equal(hf_state_take_over(&journal, &state), HF_OK);
}

/* Once anything was changed in the other sector, and until it is erased, it is told; and undone or finished but once. */
static void take_over_cut_anywhere_is_told(void **ctx)
{
	unsigned long n = 0, undone = 0, finished = 0, silent = 0;
	bool more = true;

	(void)ctx;
	for (unsigned long at = 1; more; at++) {
		uint32_t epoch;
		struct hf_blackbox b;

		teardown(NULL);
		setup(NULL);
		epoch = journal.epoch;
		more = cut(at, SIM_CUT_TORN, take_over);
		start();
		b = look();
		n += more;
		if (!more) {
			assert_nothing(&b);
			assert_int_equal(journal.repairs.done, 0);
			break;
		}
		assert_true((journal.repairs.done & (HF_REPAIR_UNDONE | HF_REPAIR_FINISHED)) !=
			    (HF_REPAIR_UNDONE | HF_REPAIR_FINISHED));
		if (journal.repairs.done & HF_REPAIR_UNDONE)
			assert_int_equal(journal.epoch, epoch);
		if (journal.repairs.done & HF_REPAIR_FINISHED)
			assert_int_equal(journal.epoch, epoch + 1);
		undone += (journal.repairs.done & HF_REPAIR_UNDONE) != 0;
		finished += (journal.repairs.done & HF_REPAIR_FINISHED) != 0;
		silent += !b.dirty;
		assert_true(b.dirty || journal.repairs.done == 0);
		start();
		assert_int_equal(journal.repairs.done & (HF_REPAIR_UNDONE | HF_REPAIR_FINISHED), 0);
		assert_int_equal(look().dirty, b.dirty);
		take_over();
		assert_false(look().dirty);
	}
	print_message("# %lu cuts: %lu undone, %lu finished, %lu without a trace\n", n, undone, finished, silent);
	assert_true(undone > 0 && finished > 0);
	assert_true(silent < n / 2);
}

static void erase_without_an_end_is_told_until_it_is_done(void **ctx)
{
	(void)ctx;
	image(HF_REC_UPLOAD_BEGUN, 1, HF_COMPONENT_APP);
	erase(HF_REC_ERASE_BEGUN, 1, 5);
	erase(HF_REC_ERASE_DONE, 1, 5);
	erase(HF_REC_ERASE_BEGUN, 1, 6);
	assert_int_equal(look().slot[1].begun, 1u << 6);
	assert_int_equal(look().slot[1].again, 0);
	erase(HF_REC_ERASE_BEGUN, 1, 6);
	assert_int_equal(look().slot[1].begun, 1u << 6);
	assert_int_equal(look().slot[1].again, 1u << 6);
	erase(HF_REC_ERASE_DONE, 1, 6);
	assert_int_equal(look().slot[1].begun, 0);
	assert_int_equal(look().slot[1].again, 1u << 6);
	assert_int_equal(look().slot[0].again, 0);
	image(HF_REC_UPLOAD_BEGUN, 1, HF_COMPONENT_APP);
	assert_int_equal(look().slot[1].again, 0);
}

static void store(void)
{
	static uint8_t bytes[100];
	const struct hf_longrec_new content = { HF_LONGREC_CONFIGURATION, { bytes, sizeof bytes } };

	memset(bytes, 0x3c, sizeof bytes);
	assert_int_equal(hf_state_store(&journal, &state, &content), HF_OK);
}

/* What a cut leaves is: nothing, parts without an end, an end once, all. In this order. */
static void configuration_cut_anywhere_is_told(void **ctx)
{
	unsigned before = 0, seen[4] = { 0 };

	(void)ctx;
	for (unsigned long at = 1;; at++) {
		struct hf_blackbox_content c;
		struct hf_longrec rec;
		unsigned is;
		bool more, there;

		teardown(NULL);
		setup(NULL);
		more = cut(at, SIM_CUT_TORN, store);
		start();
		c = look().content[HF_LONGREC_CONFIGURATION - 1];
		is = c.copies == 2 ? 3 : c.copies == 1 ? 2 : c.parts ? 1 : 0;
		assert_true(is >= before);
		before = is;
		seen[is]++;
		there = hf_longrec_find(&journal, HF_LONGREC_CONFIGURATION, &rec) == HF_OK;
		assert_int_equal(there, is >= 2);
		if (!more)
			break;
		store();
		c = look().content[HF_LONGREC_CONFIGURATION - 1];
		assert_int_equal(c.copies, 2);
		assert_int_equal(c.parts, 0);
		assert_int_equal(c.cut, is == 1);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_true(seen[i] > 0);
}

static void recovery_on_its_way_is_told_until_it_is_there(void **ctx)
{
	(void)ctx;
	image(HF_REC_ACTIVATED, 1, HF_COMPONENT_RECOVERY);
	assert_int_equal(look().slot[1].starts, 0);
	image(HF_REC_ATTEMPT, 1, HF_COMPONENT_RECOVERY);
	image(HF_REC_ATTEMPT, 1, HF_COMPONENT_RECOVERY);
	assert_int_equal(look().slot[1].starts, 2);
	assert_int_equal(look().recovery_starts, 0);
	image(HF_REC_RECOVERY, 1, HF_COMPONENT_RECOVERY);
	image(HF_REC_RECOVERY, 1, HF_COMPONENT_RECOVERY);
	assert_int_equal(look().slot[1].starts, 0);
	assert_int_equal(look().recovery_starts, 2);
}

static void firmware_on_trial_is_no_recovery(void **ctx)
{
	(void)ctx;
	image(HF_REC_ATTEMPT, 0, HF_COMPONENT_APP);
	assert_int_equal(look().slot[0].starts, 0);
}

static void blank_journal_tells_nothing(void **ctx)
{
	struct hf_blackbox b;

	(void)ctx;
	memset(&journal, 0, sizeof journal);
	b = look();
	assert_nothing(&b);
}

static void start_word_holds_what_boot_hands_over(void **ctx)
{
	const struct hf_repairs r = { .done = HF_REPAIR_ZEROED | HF_REPAIR_FINISHED, .torn = 127 };
	uint32_t word = hf_start_repairs(&r);

	(void)ctx;
	assert_int_equal(HF_START_DONE(word), r.done);
	assert_int_equal(HF_START_TORN(word), 127);
	assert_int_equal(HF_START_CAUSE(word) | HF_START_REASON(word) | HF_START_PLACE(word) | HF_START_ROW(word), 0);
	assert_int_equal(word & (HF_START_BROWN_OUT | HF_START_NO_JOURNAL | HF_START_SETTLED | HF_START_TOLD), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(journal_that_came_to_its_end_tells_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(torn_record_is_told_by_its_words, setup, teardown),
		cmocka_unit_test_setup_teardown(slot_that_does_not_program_is_no_power_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(take_over_cut_anywhere_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(erase_without_an_end_is_told_until_it_is_done, setup, teardown),
		cmocka_unit_test_setup_teardown(configuration_cut_anywhere_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(recovery_on_its_way_is_told_until_it_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(firmware_on_trial_is_no_recovery, setup, teardown),
		cmocka_unit_test_setup_teardown(blank_journal_tells_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(start_word_holds_what_boot_hands_over, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

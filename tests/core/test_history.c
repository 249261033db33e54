/* SPDX-License-Identifier: MIT
 *
 * The history under every cut. The workload appends numbered records and begins anew when there is no room. After a cut at any
 * operation, in any of the ways flash can be left: whatever reads as a record is one that was written, those that were
 * acknowledged since the last erase are there, and appending goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "history.h"
#include "sim_flash.h"

#define RECORDS 40u
#define SLOTS   16u

#ifdef __SANITIZE_ADDRESS__
#define SHARE 5u
#else
#define SHARE 1u
#endif

static const struct hf_layout layout = {
	.name = "history",
	.sectors = 2,
	.sector = { { 0x08000000, 2048 }, { 0x08000800, SLOTS * HF_HISTORY_BYTES } },
	.data = { 0x08000800, SLOTS * HF_HISTORY_BYTES },
};

struct workload {
	struct sim_flash flash;
	struct hf_history h;
	uint32_t next;      /* of the workload's own numbers */
	uint32_t first;     /* acknowledged ones from here on must be there */
	uint32_t acknowledged;
};

static struct hf_history_record numbered(uint32_t n)
{
	struct hf_history_record r = { .type = (uint8_t)(1 + n % 7), .slot = (uint8_t)n, .detail = (uint16_t)(n * 257u),
				       .up_ms = n * 2654435761u };

	for (unsigned i = 0; i < sizeof r.data; i += 4)
		store_le32(r.data + i, n + i * 0x01010101u);
	return r;
}

/* Fails where a record is not, byte for byte, what the workload wrote under the number that it carries in its data. */
static uint32_t check_record(const struct hf_history_record *r, uint32_t next)
{
	uint32_t n = load_le32(r->data);
	struct hf_history_record want = numbered(n);

	assert_true(n >= 1 && n < next);
	assert_int_equal(r->type, want.type);
	assert_int_equal(r->slot, want.slot);
	assert_int_equal(r->detail, want.detail);
	assert_int_equal(r->up_ms, want.up_ms);
	assert_memory_equal(r->data, want.data, sizeof want.data);
	return n;
}

/* All records make sense, and those from `first` to `acknowledged` are among them, once each, in their order. */
static void check(const struct workload *w)
{
	struct hf_history_record r;
	uint32_t off = 0, wanted = w->first;
	enum hf_err err;

	while ((err = hf_history_next(&w->h, &off, &r)) == HF_OK) {
		if (check_record(&r, w->next + 1) == wanted)
			wanted++;
	}
	assert_int_equal(err, HF_ERR_NOT_FOUND);
	assert_true(wanted > w->acknowledged);
}

static void append_next(struct workload *w)
{
	struct hf_history_record r = numbered(w->next);
	enum hf_err err = hf_history_append(&w->h, &r);

	if (err == HF_ERR_FULL) {
		w->first = w->next;
		w->acknowledged = w->next - 1;
		err = hf_history_renew(&w->h);
		if (err == HF_OK)
			err = hf_history_append(&w->h, &r);
	}
	assert_int_equal(err, HF_OK);
	w->acknowledged = w->next;
	w->next++;
}

/* Goes on until `records` were appended; returns the operations that this took. */
static unsigned long run(struct workload *w, uint32_t records, unsigned long cut_at, enum sim_cut how)
{
	jmp_buf lost;

	w->next = 1;
	w->first = 1;
	w->acknowledged = 0;
	w->flash.power_lost = &lost;
	w->flash.cut_at = cut_at;
	w->flash.cut = how;
	if (setjmp(lost) != 0)
		w->next++; /* what was under way may be there, or not */
	for (unsigned starts = 0; starts < 3; starts++) {
		sim_flash_power_on(&w->flash);
		assert_int_equal(hf_history_open(&w->h, &w->flash.ops, &layout), HF_OK);
		check(w);
	}
	/* A record that is torn may stand between: what comes now is what has to be there from now on. */
	w->first = w->next;
	w->acknowledged = w->next - 1;
	while (w->next <= records)
		append_next(w);
	check(w);
	return w->flash.operation;
}

static void history_cut_anywhere_holds_only_what_was_written(void **state)
{
	struct workload w;
	unsigned long operations;

	(void)state;
	sim_flash_open(&w.flash, &layout);
	operations = run(&w, RECORDS, 0, SIM_CUT_NONE);
	sim_flash_close(&w.flash);
	assert_true(w.flash.erases >= 2);
	for (enum sim_cut how = SIM_CUT_BEFORE; how < SIM_CUTS; how++) {
		for (unsigned long at = 1 + how % SHARE; at <= operations; at += SHARE) {
			sim_flash_open(&w.flash, &layout);
			w.flash.random = (uint32_t)(at * 7 + how);
			run(&w, RECORDS, at, how);
			sim_flash_close(&w.flash);
		}
	}
}

static void record_that_is_stored_loads_the_same(void **state)
{
	struct hf_history_record r = numbered(77), back;
	uint8_t bytes[HF_HISTORY_BYTES];

	(void)state;
	r.number = 0x01020304;
	hf_history_store(bytes, &r);
	assert_true(hf_history_load(bytes, &back));
	assert_int_equal(back.number, r.number);
	check_record(&back, 78);
}

static void record_with_any_bit_wrong_is_none(void **state)
{
	struct hf_history_record r = numbered(5), back;
	uint8_t bytes[HF_HISTORY_BYTES];

	(void)state;
	hf_history_store(bytes, &r);
	for (unsigned bit = 0; bit < 8 * HF_HISTORY_BYTES; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(hf_history_load(bytes, &back));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	memset(bytes, 0, sizeof bytes);
	assert_false(hf_history_load(bytes, &back));
	memset(bytes, 0xff, sizeof bytes);
	assert_false(hf_history_load(bytes, &back));
}

static void numbers_go_on_over_restarts_and_erases(void **state)
{
	struct hf_history_record r = numbered(1);
	struct sim_flash flash;
	struct hf_history h;
	uint32_t off = 0;

	(void)state;
	sim_flash_open(&flash, &layout);
	assert_int_equal(hf_history_open(&h, &flash.ops, &layout), HF_OK);
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(hf_history_append(&h, &r), HF_OK);
	assert_int_equal(hf_history_append(&h, &r), HF_ERR_FULL);
	assert_int_equal(hf_history_open(&h, &flash.ops, &layout), HF_OK);
	assert_int_equal(hf_history_append(&h, &r), HF_ERR_FULL);
	assert_int_equal(hf_history_renew(&h), HF_OK);
	assert_int_equal(hf_history_append(&h, &r), HF_OK);
	assert_int_equal(hf_history_next(&h, &off, &r), HF_OK);
	assert_int_equal(r.number, SLOTS + 1);
	sim_flash_close(&flash);
}

/* Somebody else's bytes, or a sector that was never erased. */
static void sector_full_of_garbage_is_full_and_has_no_records(void **state)
{
	struct hf_history_record r = numbered(1);
	struct sim_flash flash;
	struct hf_history h;
	uint32_t off = 0, len;

	(void)state;
	sim_flash_open(&flash, &layout);
	memset(flash.mem + 2048, 0x5a, SLOTS * HF_HISTORY_BYTES);
	assert_int_equal(hf_history_open(&h, &flash.ops, &layout), HF_OK);
	assert_int_equal(hf_history_next(&h, &off, &r), HF_ERR_NOT_FOUND);
	assert_int_equal(hf_history_length(&flash.ops, h.span, &len), HF_OK);
	assert_int_equal(len, SLOTS * HF_HISTORY_BYTES);
	assert_int_equal(hf_history_append(&h, &r), HF_ERR_FULL);
	assert_int_equal(hf_history_renew(&h), HF_OK);
	assert_int_equal(hf_history_append(&h, &r), HF_OK);
	sim_flash_close(&flash);
}

static void words_that_do_not_program_are_gone_around(void **state)
{
	struct hf_history_record r = numbered(3), back;
	struct sim_flash flash;
	struct hf_history h;
	uint32_t off = 0;

	(void)state;
	sim_flash_open(&flash, &layout);
	sim_flash_stick(&flash, 0x08000800 + 4, 0xffffffff, 0);
	sim_flash_stick(&flash, 0x08000800 + 32 + 28, 0xffffffff, 0);
	assert_int_equal(hf_history_open(&h, &flash.ops, &layout), HF_OK);
	assert_int_equal(hf_history_append(&h, &r), HF_OK);
	assert_int_equal(hf_history_next(&h, &off, &back), HF_OK);
	assert_int_equal(off, 3 * HF_HISTORY_BYTES);
	check_record(&back, 4);
	sim_flash_close(&flash);
}

static void memory_that_programs_nothing_is_an_error_and_no_loop(void **state)
{
	struct hf_history_record r = numbered(3);
	struct sim_flash flash;
	struct hf_history h;

	(void)state;
	sim_flash_open(&flash, &layout);
	for (uint32_t at = 0; at < SLOTS * HF_HISTORY_BYTES; at += 4)
		sim_flash_stick(&flash, 0x08000800 + at, 0xffffffff, 0);
	assert_int_equal(hf_history_open(&h, &flash.ops, &layout), HF_OK);
	assert_int_equal(hf_history_append(&h, &r), HF_ERR_FLASH_PROGRAM);
	sim_flash_close(&flash);
}

static void board_without_a_data_partition_has_no_history(void **state)
{
	struct hf_layout bare = layout;
	struct sim_flash flash;
	struct hf_history h;
	uint32_t len;

	(void)state;
	bare.data = (struct hf_span){ 0, 0 };
	sim_flash_open(&flash, &bare);
	assert_int_equal(hf_history_span(&bare).size, 0);
	assert_int_equal(hf_history_open(&h, &flash.ops, &bare), HF_ERR_NOT_FOUND);
	assert_int_equal(hf_history_length(&flash.ops, hf_history_span(&bare), &len), HF_ERR_NOT_FOUND);
	sim_flash_close(&flash);
}

static void firmware_is_told_by_version_and_identity(void **state)
{
	static const int32_t version[] = { 1, 2, 65535, -1 };
	static const uint8_t id[32] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };
	static const uint8_t want[HF_HISTORY_DATA] = { 1, 0, 2, 0, 0xff, 0xff, 0, 0, 9, 8, 7, 6, 5, 4, 3, 2 };
	struct hf_history_record r;

	(void)state;
	hf_history_put_firmware(&r, version, 4, id);
	assert_memory_equal(r.data, want, sizeof want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_cut_anywhere_holds_only_what_was_written),
		cmocka_unit_test(record_that_is_stored_loads_the_same),
		cmocka_unit_test(record_with_any_bit_wrong_is_none),
		cmocka_unit_test(numbers_go_on_over_restarts_and_erases),
		cmocka_unit_test(sector_full_of_garbage_is_full_and_has_no_records),
		cmocka_unit_test(words_that_do_not_program_are_gone_around),
		cmocka_unit_test(memory_that_programs_nothing_is_an_error_and_no_loop),
		cmocka_unit_test(board_without_a_data_partition_has_no_history),
		cmocka_unit_test(firmware_is_told_by_version_and_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

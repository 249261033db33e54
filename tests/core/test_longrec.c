/* SPDX-License-Identifier: MIT
 *
 * Keyset and configuration in the journal, under every cut.
 *
 * The workload stores one version after the other of both, among ordinary records and take-overs. After a cut at any
 * operation, in any of the ways flash can be left, each of them is there whole, as acknowledged last or as attempted, is
 * the same at every later mount, and can be replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "keyset.h"
#include "policy.h"
#include "sim_flash.h"
#include "state.h"

/* The sanitizers' build takes a share of the cases. */
#ifdef __SANITIZE_ADDRESS__
#define SHARE 13u
#else
#define SHARE 1u
#endif

#define STEPS 10u

/* 128 slots a sector: room for two or three contents beside the spare. */
static const struct hf_layout small = {
	.name = "small",
	.sectors = 2,
	.sector = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
	.journal = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
};

/* The boards'. */
static const struct hf_layout large = {
	.name = "large",
	.sectors = 2,
	.sector = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
	.journal = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
};

struct workload {
	struct sim_flash flash;
	struct hf_journal j;
	struct hf_state state;
	uint32_t acknowledged[HF_LONGREC_KINDS + 1]; /* versions by kind; 0: nothing was stored */
	uint32_t attempted[HF_LONGREC_KINDS + 1];
	uint32_t step;
};

/* Version n of a kind: every fifth is a removal. */
static struct hf_bytes version(unsigned kind, uint32_t n, uint8_t buf[HF_CONFIGURATION_MAX])
{
	static const uint16_t len[] = { 0, 23, 4, 170, 24, 0, 116, 69, 47 };
	uint32_t random = n * 2654435761u + kind;
	size_t size = n == 0 || n % 5 == 0 ? 0 : len[n % 9] < 8 ? 8 : len[n % 9];

	for (size_t i = 0; i < size; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		buf[i] = (uint8_t)random;
	}
	return (struct hf_bytes){ buf, size };
}

static bool is_version(struct hf_journal *j, unsigned kind, uint32_t n)
{
	uint8_t want[HF_CONFIGURATION_MAX], got[HF_CONFIGURATION_MAX];
	struct hf_bytes content = version(kind, n, want);
	struct hf_longrec rec;
	enum hf_err err = hf_longrec_find(j, (enum hf_longrec_kind)kind, &rec);

	if (err) {
		assert_int_equal(err, HF_ERR_NOT_FOUND);
		return content.len == 0;
	}
	if (rec.len != content.len)
		return false;
	assert_int_equal(hf_longrec_read(j, &rec, 0, got, rec.len), HF_OK);
	return memcmp(got, want, rec.len) == 0;
}

static struct hf_longrec_new new_version(unsigned kind, uint32_t n, uint8_t buf[HF_CONFIGURATION_MAX])
{
	return (struct hf_longrec_new){ (enum hf_longrec_kind)kind, version(kind, n, buf) };
}

static void store_next(struct workload *w, unsigned kind)
{
	uint8_t buf[HF_CONFIGURATION_MAX];
	struct hf_longrec_new content = new_version(kind, w->acknowledged[kind] + 1, buf);

	w->attempted[kind] = w->acknowledged[kind] + 1;
	assert_int_equal(hf_state_store(&w->j, &w->state, &content), HF_OK);
	w->acknowledged[kind]++;
}

static void append_other(struct workload *w)
{
	struct hf_record r = { .type = HF_REC_SEGMENT };

	store_le16(r.data + 1, (uint16_t)w->step);
	if (hf_journal_free(&w->j) < HF_TWIN_DISTANCE + 1)
		assert_int_equal(hf_state_take_over(&w->j, &w->state), HF_OK);
	assert_int_equal(hf_journal_append(&w->j, &r), HF_OK);
	hf_state_apply(&w->state, &r);
}

static void step(struct workload *w)
{
	w->step++;
	append_other(w);
	store_next(w, 1 + w->step % 2);
	if (w->step % 6 == 0)
		assert_int_equal(hf_state_take_over(&w->j, &w->state), HF_OK);
}

/* Mounts, and learns which versions are there. */
static void look(struct workload *w, const struct hf_layout *layout)
{
	bool blank;

	assert_int_equal(hf_state_load(&w->j, &w->flash.ops, layout, &w->state, &blank), HF_OK);
	for (unsigned kind = 1; kind <= HF_LONGREC_KINDS; kind++) {
		bool new = is_version(&w->j, kind, w->attempted[kind]);

		if (!new && !is_version(&w->j, kind, w->acknowledged[kind]))
			fail_msg("kind %u: neither version %u nor %u is there", kind, w->acknowledged[kind],
				 w->attempted[kind]);
		if (w->j.stuck) /* settled by a take-over only */
			continue;
		w->acknowledged[kind] = new ? w->attempted[kind] : w->acknowledged[kind];
		w->attempted[kind] = w->acknowledged[kind];
	}
	if (blank || w->j.stuck)
		assert_int_equal(hf_state_take_over(&w->j, &w->state), HF_OK);
}

static void run(struct workload *w, unsigned steps, unsigned long cut_at, enum sim_cut cut)
{
	jmp_buf lost;

	sim_flash_power_on(&w->flash);
	w->flash.operation = 0;
	w->flash.cut_at = cut_at;
	w->flash.cut = cut;
	w->flash.power_lost = &lost;
	if (setjmp(lost) != 0)
		return;
	look(w, w->flash.layout);
	for (volatile unsigned i = 0; i < steps; i++)
		step(w);
}

static unsigned long operations_of_whole(void)
{
	struct workload w = { 0 };
	unsigned long n;

	sim_flash_open(&w.flash, &small);
	run(&w, STEPS, 0, SIM_CUT_NONE);
	n = w.flash.operation;
	sim_flash_close(&w.flash);
	return n;
}

static void recover(struct workload *w, unsigned long variant)
{
	for (unsigned i = 0; i < 4; i++)
		run(w, variant >> i & 1, 0, SIM_CUT_NONE);
	run(w, 8, 0, SIM_CUT_NONE);
	run(w, 0, 0, SIM_CUT_NONE);
}

static void contents_cut_at_every_operation_are_old_or_new(void **state)
{
	unsigned long n = operations_of_whole();
	unsigned long cases = 0;

	(void)state;
	for (unsigned long at = 1; at <= n; at += SHARE) {
		for (int cut = SIM_CUT_BEFORE; cut < SIM_CUTS; cut++) {
			struct workload w = { 0 };

			sim_flash_open(&w.flash, &small);
			w.flash.random += (uint32_t)at;
			run(&w, STEPS, at, (enum sim_cut)cut);
			recover(&w, at % 16);
			sim_flash_close(&w.flash);
			cases++;
		}
	}
	print_message("# %lu single cuts\n", cases);
}

/* A second cut in the session that recovers from the first, and a third in the next. */
static void contents_cut_again_while_recovering_are_old_or_new(void **state)
{
	unsigned long n = operations_of_whole();
	unsigned long cases = 0;

	(void)state;
	for (unsigned long at = 1; at <= n; at += 71 * SHARE) {
		for (unsigned long second = 1; second <= 120; second += at % 2 ? 5 : 11) {
			for (int cut = 0; cut < 36; cut++) {
				struct workload w = { 0 };

				sim_flash_open(&w.flash, &small);
				w.flash.random += (uint32_t)(at * 64 + second);
				run(&w, STEPS, at, (enum sim_cut)(1 + cut % 6));
				run(&w, STEPS, second, (enum sim_cut)(1 + cut / 6));
				run(&w, STEPS, 1 + (at + second) % 50, (enum sim_cut)(1 + cut % 6));
				recover(&w, cases % 16);
				sim_flash_close(&w.flash);
				cases++;
			}
		}
	}
	print_message("# %lu double and triple cuts\n", cases);
}

/* A keyset and a configuration that have been there for a while: by records, or by a take-over. */
static void settled(struct workload *w, const struct hf_layout *layout, bool carried)
{
	memset(w, 0, sizeof *w);
	sim_flash_open(&w->flash, layout);
	run(w, 0, 0, SIM_CUT_NONE);
	store_next(w, 1);
	append_other(w);
	store_next(w, 2);
	store_next(w, 2);
	store_next(w, 2);
	if (carried)
		assert_int_equal(hf_state_take_over(&w->j, &w->state), HF_OK);
}

/* Slots that hold a record of the kind. */
static unsigned slots_of(struct workload *w, unsigned kind, uint32_t addr[64])
{
	uint16_t at = 1;
	struct hf_record r;
	unsigned n = 0;

	while (hf_journal_next(&w->j, &at, &r) == HF_OK)
		if ((r.type == HF_REC_PART || r.type == HF_REC_END) && r.data[0] == kind)
			addr[n++] = (w->j.live * w->flash.layout->sector[0].size) + (at - 1u) * HF_RECORD_BYTES;
	return n;
}

static void content_survives_the_rot_of_one_word_anywhere(void **state)
{
	(void)state;
	for (unsigned carried = 0; carried < 2; carried++) {
		for (uint32_t word = 0; word < 2 * 4096; word += 4) {
			struct workload w;

			settled(&w, &small, carried != 0);
			store_le32(w.flash.mem + word, load_le32(w.flash.mem + word) ^ 0x00400000);
			run(&w, 0, 0, SIM_CUT_NONE);
			assert_int_equal(w.acknowledged[1], 1);
			assert_int_equal(w.acknowledged[2], 3);
			run(&w, 8, 0, SIM_CUT_NONE);
			run(&w, 0, 0, SIM_CUT_NONE);
			sim_flash_close(&w.flash);
		}
	}
}

static void content_survives_the_loss_of_its_second_or_first_copy(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind <= HF_LONGREC_KINDS; kind++) {
		for (unsigned which = 0; which < 2; which++) {
			struct workload w;
			uint32_t addr[64];
			unsigned n;

			settled(&w, &small, true);
			n = slots_of(&w, kind, addr);
			for (unsigned i = 0; i < n / 2; i++)
				memset(w.flash.mem + addr[which * (n / 2) + i], 0, HF_RECORD_BYTES);
			run(&w, 0, 0, SIM_CUT_NONE);
			run(&w, 8, 0, SIM_CUT_NONE);
			sim_flash_close(&w.flash);
		}
	}
}

/* Other slots rot in each copy: what is left of both is the whole. */
static void content_is_read_from_two_damaged_copies(void **state)
{
	struct workload w;
	uint32_t addr[64];
	unsigned n;

	(void)state;
	settled(&w, &small, true);
	n = slots_of(&w, HF_LONGREC_CONFIGURATION, addr);
	assert_true(n >= 16);
	for (unsigned i = 0; i < n / 2; i++)
		w.flash.mem[addr[i % 2 ? i : n / 2 + i] + 9] ^= 0x11;
	run(&w, 0, 0, SIM_CUT_NONE);
	assert_int_equal(w.acknowledged[HF_LONGREC_CONFIGURATION], 3);
	sim_flash_close(&w.flash);
}

/* Both copies of a part gone: what was there before is better than nothing, and the store works on. */
static void content_lost_in_both_copies_gives_the_one_before(void **state)
{
	struct workload w;
	uint32_t addr[64];
	unsigned n;

	(void)state;
	settled(&w, &large, false);
	n = slots_of(&w, HF_LONGREC_CONFIGURATION, addr);
	assert_int_equal(n, 2 * (2 + 2 + 9)); /* three versions, two copies each */
	w.flash.mem[addr[n - 9] + 9] ^= 0x11;
	w.flash.mem[addr[n - 18] + 9] ^= 0x11;
	sim_flash_power_on(&w.flash);
	assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, large.journal), HF_OK);
	assert_false(is_version(&w.j, HF_LONGREC_CONFIGURATION, 3));
	assert_true(is_version(&w.j, HF_LONGREC_CONFIGURATION, 2));
	sim_flash_close(&w.flash);
}

/* A record by hand: first bytes of its data. */
static void append_by_hand(struct workload *w, uint8_t type, const char *data, size_t len)
{
	struct hf_record r = { .type = type };

	memcpy(r.data, data, len);
	assert_int_equal(hf_journal_append(&w->j, &r), HF_OK);
}

/* Parts of two contents under one number, as lost ends may leave them: what the end says is not what is there. */
static void content_that_is_not_what_its_end_says_does_not_count(void **state)
{
	struct workload w;

	(void)state;
	settled(&w, &large, false);
	append_by_hand(&w, HF_REC_PART, "\x02\x04\x00mixed", 8);
	append_by_hand(&w, HF_REC_END, "\x02\x04\x05\x00\x01\x02\x03\x04", 8);
	assert_true(is_version(&w.j, HF_LONGREC_CONFIGURATION, 3));
	store_next(&w, HF_LONGREC_CONFIGURATION);
	assert_true(is_version(&w.j, HF_LONGREC_CONFIGURATION, 4));
	sim_flash_close(&w.flash);
}

/* No journal comes to the last number, but one may hold it. */
static void content_behind_the_last_number_begins_a_new_sector(void **state)
{
	struct workload w;
	unsigned live;

	(void)state;
	settled(&w, &large, false);
	live = w.j.live;
	append_by_hand(&w, HF_REC_PART, "\x02\xff\x00", 3);
	assert_true(is_version(&w.j, HF_LONGREC_CONFIGURATION, 3));
	store_next(&w, HF_LONGREC_CONFIGURATION);
	assert_int_not_equal(w.j.live, live);
	assert_true(is_version(&w.j, HF_LONGREC_CONFIGURATION, 4));
	sim_flash_close(&w.flash);
}

static void content_there_twice_is_not_written_again(void **state)
{
	struct workload w;
	uint8_t buf[HF_CONFIGURATION_MAX];
	struct hf_longrec_new content = new_version(HF_LONGREC_CONFIGURATION, 3, buf);
	struct hf_longrec_new nothing = { .kind = HF_LONGREC_CONFIGURATION };
	uint32_t addr[64];
	unsigned long before;
	unsigned n;

	(void)state;
	settled(&w, &small, true);
	before = w.flash.operation;
	assert_int_equal(hf_state_store(&w.j, &w.state, &content), HF_OK);
	assert_int_equal(w.flash.operation, before);
	/* One copy has rotted: storing again makes it two. */
	n = slots_of(&w, HF_LONGREC_CONFIGURATION, addr);
	w.flash.mem[addr[n - 1] + 9] ^= 0x11;
	assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, small.journal), HF_OK);
	before = w.flash.operation;
	assert_int_equal(hf_state_store(&w.j, &w.state, &content), HF_OK);
	assert_true(w.flash.operation > before + n);
	assert_int_equal(hf_state_store(&w.j, &w.state, &nothing), HF_OK);
	before = w.flash.operation;
	assert_int_equal(hf_state_store(&w.j, &w.state, &nothing), HF_OK);
	assert_int_equal(w.flash.operation, before);
	assert_true(is_version(&w.j, HF_LONGREC_CONFIGURATION, 0));
	sim_flash_close(&w.flash);
}

static void content_that_leaves_no_room_for_upgrades_is_refused(void **state)
{
	struct workload w;
	uint8_t buf[HF_CONFIGURATION_MAX] = { 1 };
	struct hf_longrec_new content = { HF_LONGREC_CONFIGURATION, { buf, 500 } };
	struct hf_longrec_new huge = { HF_LONGREC_CONFIGURATION, { buf, HF_CONFIGURATION_MAX + 1 } };

	(void)state;
	settled(&w, &small, true);
	assert_int_equal(hf_state_store(&w.j, &w.state, &content), HF_ERR_FULL);
	assert_int_equal(hf_state_store(&w.j, &w.state, &huge), HF_ERR_TOO_LARGE);
	run(&w, 0, 0, SIM_CUT_NONE);
	assert_int_equal(w.acknowledged[2], 3);
	run(&w, 8, 0, SIM_CUT_NONE);
	assert_true(hf_journal_free(&w.j) >= HF_STORE_SPARE_SLOTS || hf_state_take_over(&w.j, &w.state) == HF_OK);
	sim_flash_close(&w.flash);
}

static void keyset_record_of_an_unknown_kind_stops_changes(void **state)
{
	struct workload w;
	struct hf_record r = { .type = HF_REC_PART, .data = { HF_LONGREC_KINDS + 1 } };

	(void)state;
	settled(&w, &small, false);
	r.flags = HF_RECORD_MAY_IGNORE;
	hf_state_apply(&w.state, &r);
	assert_false(w.state.unknown);
	r.flags = 0;
	hf_state_apply(&w.state, &r);
	assert_true(w.state.unknown);
	sim_flash_close(&w.flash);
}

static void fill(uint8_t *buf, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
}

/* The largest keyset and configuration, and the longest snapshot. */
static void journal_with_the_largest_contents_has_room_for_uploads(void **state)
{
	static uint8_t keyset[HF_KEYSET_BYTES_MAX], configuration[HF_CONFIGURATION_MAX], got[HF_CONFIGURATION_MAX];
	struct workload w = { 0 };
	struct hf_longrec_new first = { HF_LONGREC_KEYSET, { keyset, sizeof keyset } };
	struct hf_longrec_new second = { HF_LONGREC_CONFIGURATION, { configuration, sizeof configuration } };
	struct hf_longrec rec;

	(void)state;
	sim_flash_open(&w.flash, &large);
	run(&w, 0, 0, SIM_CUT_NONE);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		w.state.slot[i].state = HF_SLOT_UPLOADING;
	for (unsigned i = 0; i < 5; i++) {
		fill(keyset, sizeof keyset, i);
		fill(configuration, sizeof configuration, i + 100);
		assert_int_equal(hf_state_store(&w.j, &w.state, &first), HF_OK);
		assert_true(hf_journal_free(&w.j) >= HF_STORE_SPARE_SLOTS);
		assert_int_equal(hf_state_store(&w.j, &w.state, &second), HF_OK);
		assert_true(hf_journal_free(&w.j) >= HF_STORE_SPARE_SLOTS);
		assert_int_equal(hf_state_take_over(&w.j, &w.state), HF_OK);
		assert_true(hf_journal_free(&w.j) >= HF_UPLOAD_FREE_SLOTS);
	}
	print_message("# %u slots are free beside the largest contents\n", hf_journal_free(&w.j));
	assert_int_equal(hf_longrec_find(&w.j, HF_LONGREC_KEYSET, &rec), HF_OK);
	assert_int_equal(hf_longrec_read(&w.j, &rec, 0, got, sizeof keyset), HF_OK);
	assert_memory_equal(got, keyset, sizeof keyset);
	assert_int_equal(hf_longrec_find(&w.j, HF_LONGREC_CONFIGURATION, &rec), HF_OK);
	for (uint32_t off = 0; off < sizeof configuration; off += 100) {
		uint32_t n = sizeof configuration - off < 100 ? (uint32_t)sizeof configuration - off : 100;

		assert_int_equal(hf_longrec_read(&w.j, &rec, off, got, n), HF_OK);
		assert_memory_equal(got, configuration + off, n);
	}
	assert_int_equal(hf_longrec_read(&w.j, &rec, sizeof configuration, got, 1), HF_ERR_RANGE);
	assert_int_equal(hf_longrec_read(&w.j, &rec, UINT32_MAX, got, 2), HF_ERR_RANGE);
	sim_flash_close(&w.flash);
}

/* Words and rows of cells fail one after the other; both contents go along, and uploads find room as long as can be. */
static void take_over_in_worn_memory_keeps_the_largest_contents(void **state)
{
	static uint8_t keyset[HF_KEYSET_BYTES_MAX], configuration[HF_CONFIGURATION_MAX], got[HF_CONFIGURATION_MAX];

	(void)state;
	fill(keyset, sizeof keyset, 1);
	fill(configuration, sizeof configuration, 2);
	for (uint32_t seed = 1; seed < 40; seed += SHARE) {
		struct workload w = { 0 };
		struct hf_longrec_new first = { HF_LONGREC_KEYSET, { keyset, sizeof keyset } };
		struct hf_longrec_new second = { HF_LONGREC_CONFIGURATION, { configuration, sizeof configuration } };
		struct hf_longrec rec;
		uint32_t random = seed * 2654435761u;
		bool blank;

		sim_flash_open(&w.flash, &large);
		run(&w, 0, 0, SIM_CUT_NONE);
		assert_int_equal(hf_state_store(&w.j, &w.state, &first), HF_OK);
		assert_int_equal(hf_state_store(&w.j, &w.state, &second), HF_OK);
		for (unsigned i = 0; i < 12; i++) {
			unsigned words = i == 3 ? 64 : 1; /* two rows side by side would be too much */
			uint32_t at;

			random = random * 1664525u + 1013904223u;
			at = random >> 8 & (i % 2 ? 0x7ffc : 0x3ffc) & ~(words * 4u - 1u);
			for (unsigned k = 0; k < words; k++) /* what does not erase, in the first sector only */
				sim_flash_stick(&w.flash, 0x08000000 + at + 4 * k, i % 2 ? 0xffffffff : 0,
						i % 2 ? 0 : 0x10101010);
			sim_flash_power_on(&w.flash);
			w.flash.power_lost = NULL;
			assert_int_equal(hf_state_load(&w.j, &w.flash.ops, &large, &w.state, &blank), HF_OK);
			assert_int_equal(hf_state_take_over(&w.j, &w.state), HF_OK);
			if (hf_journal_free(&w.j) < HF_STORE_SPARE_SLOTS)
				assert_int_equal(hf_state_take_over(&w.j, &w.state), HF_OK);
			assert_true(hf_journal_free(&w.j) >= HF_STORE_SPARE_SLOTS);
			sim_flash_power_on(&w.flash);
			assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, large.journal), HF_OK);
			assert_int_equal(hf_longrec_find(&w.j, HF_LONGREC_KEYSET, &rec), HF_OK);
			assert_int_equal(hf_longrec_read(&w.j, &rec, 0, got, sizeof keyset), HF_OK);
			assert_memory_equal(got, keyset, sizeof keyset);
			assert_int_equal(hf_longrec_find(&w.j, HF_LONGREC_CONFIGURATION, &rec), HF_OK);
			assert_int_equal(hf_longrec_read(&w.j, &rec, 0, got, sizeof configuration), HF_OK);
			assert_memory_equal(got, configuration, sizeof configuration);
		}
		sim_flash_close(&w.flash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_survives_the_rot_of_one_word_anywhere),
		cmocka_unit_test(content_survives_the_loss_of_its_second_or_first_copy),
		cmocka_unit_test(content_is_read_from_two_damaged_copies),
		cmocka_unit_test(content_lost_in_both_copies_gives_the_one_before),
		cmocka_unit_test(content_that_is_not_what_its_end_says_does_not_count),
		cmocka_unit_test(content_behind_the_last_number_begins_a_new_sector),
		cmocka_unit_test(content_there_twice_is_not_written_again),
		cmocka_unit_test(content_that_leaves_no_room_for_upgrades_is_refused),
		cmocka_unit_test(keyset_record_of_an_unknown_kind_stops_changes),
		cmocka_unit_test(journal_with_the_largest_contents_has_room_for_uploads),
		cmocka_unit_test(take_over_in_worn_memory_keeps_the_largest_contents),
		cmocka_unit_test(contents_cut_at_every_operation_are_old_or_new),
		cmocka_unit_test(contents_cut_again_while_recovering_are_old_or_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What an upload must refuse, and that a refusal before the payload has touched no flash; and that the way in which the
 * bytes come does not matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"

static const struct hf_layout layout = {
	.name = "input",
	.vendor_id = { 1 }, .class_id = { 2 },
	.sectors = 7,
	.sector = { { 0x08000000, 16384 }, { 0x08004000, 16384 }, { 0x08008000, 32768 }, { 0x08010000, 32768 },
		    { 0x08018000, 32768 }, { 0x08020000, 32768 }, { 0x08028000, 4096 } },
	.journal = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
	.slot = { { 0x08008000, 65536 }, { 0x08018000, 65536 } },
	.ram = { { 0x20000000, 131072 } },
};

struct bench {
	struct maker maker;
	struct package v0, v1;
	struct device d; /* runs 1.0.0, confirmed */
};

static int open_bench(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	maker_open(&b->maker, &layout);
	maker_pack(&b->maker, 0, 1, 512, &b->v0);
	maker_pack(&b->maker, 1, 1, 40000, &b->v1);
	device_open(&b->d, &b->maker);
	b->d.known[0] = &b->v0;
	b->d.known[1] = &b->v1;
	device_install_factory(&b->d, &b->v0);
	device_boot(&b->d);
	assert_int_equal(device_confirm(&b->d), HF_OK);
	b->d.flash.operation = 0;
	*state = b;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *b = *state;

	device_close(&b->d);
	hf_buffer_free(&b->v0.file);
	hf_buffer_free(&b->v1.file);
	free(b);
	return 0;
}

/* Sends a file as a tool does that believes in it. The journal's mount may program again what is there already. */
static enum hf_err send(struct bench *b, const uint8_t *file, size_t len, size_t packet)
{
	struct hf_update *u = &b->d.update;
	enum hf_err err = hf_update_begin(u, (uint32_t)len);

	for (unsigned i = 0; !err && u->phase != HF_UPDATE_DONE; i++) {
		size_t left = len - u->next;

		assert_true(i < 200000);
		if (left == 0)
			return HF_ERR_TRUNCATED; /* it wants more than there is */
		err = hf_update_write(u, u->next, file + u->next, left < packet ? left : packet);
	}
	return err;
}

static void refused_untouched(struct bench *b, const struct package *p, enum hf_err expected)
{
	b->d.flash.operation = 0;
	assert_int_equal(send(b, p->file.ptr, p->file.len, 400), expected);
	assert_int_equal(b->d.flash.operation, 0);
	assert_int_equal(b->d.update.phase, HF_UPDATE_IDLE);
}

static void refused_foreign_signature(void **state)
{
	struct bench *b = *state;
	struct maker other;
	struct package p;

	maker_open(&other, &layout);
	maker_pack(&other, 1, 1, 1024, &p);
	refused_untouched(b, &p, HF_ERR_SIGNATURE);
	hf_buffer_free(&p.file);
}

static void refused_other_class_and_vendor(void **state)
{
	struct bench *b = *state;
	struct hf_layout other = layout;
	struct maker m = b->maker;
	struct package p;

	m.layout = &other;
	other.class_id[3] ^= 1;
	maker_pack(&m, 1, 1, 1024, &p);
	refused_untouched(b, &p, HF_ERR_CLASS);
	hf_buffer_free(&p.file);
	other.vendor_id[3] ^= 1;
	maker_pack(&m, 1, 1, 1024, &p);
	refused_untouched(b, &p, HF_ERR_VENDOR);
	hf_buffer_free(&p.file);
}

static void refused_lower_security_version(void **state)
{
	struct bench *b = *state;
	struct package p;

	maker_pack(&b->maker, 1, 0, 1024, &p);
	refused_untouched(b, &p, HF_ERR_SECURITY_VERSION);
	hf_buffer_free(&p.file);
}

static void refused_same_sequence_with_other_content(void **state)
{
	struct bench *b = *state;
	struct package p;

	maker_pack(&b->maker, 0, 1, 2048, &p);
	refused_untouched(b, &p, HF_ERR_SAME_SEQUENCE);
	hf_buffer_free(&p.file);
}

static void refused_image_larger_than_the_slot(void **state)
{
	struct bench *b = *state;
	struct package p;

	maker_pack(&b->maker, 1, 1, 65536, &p);
	refused_untouched(b, &p, HF_ERR_TOO_LARGE);
	hf_buffer_free(&p.file);
}

static void refused_any_flipped_bit_of_the_head(void **state)
{
	struct bench *b = *state;
	struct hf_envelope env;
	uint8_t *copy = malloc(b->v1.file.len);

	assert_non_null(copy);
	assert_int_equal(hf_envelope_parse(hf_buffer_bytes(&b->v1.file), &env), HF_OK);
	for (size_t bit = 0; bit < 8 * env.payload_begin; bit += 3) {
		memcpy(copy, b->v1.file.ptr, b->v1.file.len);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		b->d.flash.operation = 0;
		assert_int_not_equal(send(b, copy, b->v1.file.len, 400), HF_OK);
		assert_int_equal(b->d.flash.operation, 0);
	}
	free(copy);
}

static void refused_file_cut_off_in_its_head(void **state)
{
	struct bench *b = *state;
	struct hf_envelope env;

	assert_int_equal(hf_envelope_parse(hf_buffer_bytes(&b->v1.file), &env), HF_OK);
	for (size_t len = 1; len < env.payload_begin + 8; len += 7) {
		b->d.flash.operation = 0;
		assert_int_not_equal(send(b, b->v1.file.ptr, len, 400), HF_OK);
		assert_int_equal(b->d.flash.operation, 0);
	}
}

static void refused_flipped_bit_of_the_payload_at_its_segment(void **state)
{
	struct bench *b = *state;
	uint8_t *copy = malloc(b->v1.file.len);
	size_t at = b->v1.file.len - 9000; /* in the last segment of three */

	assert_non_null(copy);
	memcpy(copy, b->v1.file.ptr, b->v1.file.len);
	copy[at] ^= 4;
	assert_int_equal(send(b, copy, b->v1.file.len, 400), HF_ERR_DIGEST);
	assert_int_equal(b->d.update.state.slot[1].segments, 2);
	/* The honest file continues where the lie began. */
	assert_int_equal(hf_update_begin(&b->d.update, (uint32_t)b->v1.file.len), HF_OK);
	assert_int_equal(hf_update_write(&b->d.update, 0, b->v1.file.ptr, 4000), HF_OK);
	assert_true(b->d.update.next > 2 * HF_SEGMENT_BYTES);
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	free(copy);
}

/* A segment is collected in the buffer of the one that is still programmed: none of its bytes may get along with those. */
static void segment_that_is_wrong_is_not_programmed_at_all(void **state)
{
	static const size_t packets[] = { 1, 300, 400, 512, 4096, 65536 };
	struct bench *b = *state;
	struct hf_update *u = &b->d.update;
	uint8_t *copy = malloc(b->v1.file.len);

	assert_non_null(copy);
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	assert_int_equal(hf_update_erase(u), HF_OK);
	for (unsigned i = 0; i < 3 * sizeof packets / sizeof packets[0]; i++) {
		uint32_t wrong = i % 3, begin = wrong * HF_SEGMENT_BYTES, end = begin + HF_SEGMENT_BYTES;
		const uint8_t *content;

		memcpy(copy, b->v1.file.ptr, b->v1.file.len);
		copy[b->v1.file.len - u->image.content_bytes + begin + 5000 + i] ^= 1;
		assert_int_equal(send(b, copy, b->v1.file.len, packets[i / 3]), HF_ERR_DIGEST);
		assert_int_equal(u->state.slot[1].segments, wrong);
		content = b->d.flash.mem + (u->image.content_addr - b->d.flash.base);
		end = end < u->image.content_bytes ? end : u->image.content_bytes;
		for (uint32_t at = begin; at < end; at++)
			assert_int_equal(content[at], 0xff);
		assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, packets[i / 3]), HF_OK);
		assert_int_equal(hf_update_erase(u), HF_OK);
	}
	free(copy);
}

/* What was collected waits for nothing but time: then it is committed. */
static void segment_that_is_whole_is_committed_when_nothing_comes(void **state)
{
	struct bench *b = *state;
	struct hf_update *u = &b->d.update;

	assert_int_equal(hf_update_begin(u, (uint32_t)b->v1.file.len), HF_OK);
	while (u->phase != HF_UPDATE_PAYLOAD || u->next < u->payload_at + HF_SEGMENT_BYTES)
		assert_int_equal(hf_update_write(u, u->next, b->v1.file.ptr + u->next, 64), HF_OK);
	assert_int_equal(u->state.slot[1].segments, 0);
	while (hf_update_ahead(u))
		;
	assert_int_equal(u->state.slot[1].segments, 1);
	device_boot(&b->d);
	assert_int_equal(device_open_update(&b->d), HF_OK);
	assert_int_equal(hf_update_begin(u, (uint32_t)b->v1.file.len), HF_OK);
	assert_int_equal(hf_update_write(u, 0, b->v1.file.ptr, 4000), HF_OK);
	assert_int_equal(u->next, u->payload_at + HF_SEGMENT_BYTES);
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
}

static void refused_while_the_running_firmware_is_on_trial(void **state)
{
	struct bench *b = *state;

	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	assert_int_equal(hf_update_activate(&b->d.update, b->v1.id), HF_OK);
	b->d.cause = HF_RESET_REQUEST;
	device_boot(&b->d);
	assert_ptr_equal(b->d.runs, &b->v1);
	assert_int_equal(device_upload(&b->d, &b->v0), HF_ERR_TRIAL);
}

static void activate_of_another_image_than_written_is_not_found(void **state)
{
	struct bench *b = *state;

	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	assert_int_equal(hf_update_activate(&b->d.update, b->v0.id), HF_ERR_NOT_FOUND);
	assert_int_equal(hf_update_activate(&b->d.update, b->v1.id), HF_OK);
	assert_int_equal(hf_update_activate(&b->d.update, b->v1.id), HF_OK);
}

static void upload_in_packets_of_any_size_gives_the_same(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 71, 72, 73, 128, 1000, 16384, 20000, 100000 };
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, sizes[i]), HF_OK);
		assert_int_equal(b->d.update.state.slot[1].state, HF_SLOT_WRITTEN);
		assert_int_equal(hf_update_erase(&b->d.update), HF_OK);
	}
}

/* Behind its last byte there is nothing that a digest taken ahead could go on with. */
static void upload_of_any_length_without_a_table_is_taken(void **state)
{
	static const uint32_t lengths[] = { 100, 600, 1020, 1024, 1028, 1536, 16384, 16388, 17000, 40000 };
	struct bench *b = *state;

	b->maker.fixed_at = layout.slot[1].addr + 0x400;
	for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct package p = { 0 };

		maker_pack(&b->maker, i + 2, 1, lengths[i], &p);
		assert_int_equal(device_upload(&b->d, &p), HF_OK);
		hf_buffer_free(&p.file);
	}
}

static void upload_again_of_what_is_there_writes_nothing(void **state)
{
	struct bench *b = *state;

	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	b->d.flash.operation = 0;
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	assert_int_equal(b->d.flash.operation, 0);
}

static void upload_data_out_of_turn_is_ignored(void **state)
{
	struct bench *b = *state;
	struct hf_update *u = &b->d.update;
	uint8_t junk[64] = { 0 };

	assert_int_equal(hf_update_write(u, 0, junk, sizeof junk), HF_ERR_ORDER);
	assert_int_equal(hf_update_begin(u, (uint32_t)b->v1.file.len), HF_OK);
	assert_int_equal(hf_update_write(u, 500, junk, sizeof junk), HF_OK);
	assert_int_equal(u->next, 0);
	assert_int_equal(hf_update_write(u, 0, b->v1.file.ptr, 100), HF_OK);
	assert_int_equal(u->next, 100);
	assert_int_equal(hf_update_write(u, 0, junk, sizeof junk), HF_OK); /* old bytes are not looked at */
	assert_int_equal(u->next, 100);
	assert_int_equal(hf_update_write(u, 90, b->v1.file.ptr + 90, 20), HF_OK);
	assert_int_equal(u->next, 110);
}

/* A word of the slot that no longer programs: reported, and the next upload begins with an erase. */
static void upload_onto_a_stuck_word_fails_and_erases_next_time(void **state)
{
	struct bench *b = *state;

	sim_flash_stick(&b->d.flash, 0x08018000 + 3000, 0xffffffff, 0);
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_ERR_FLASH_PROGRAM);
	sim_flash_stick(&b->d.flash, 0x08018000 + 3000, 0, 0);
	b->d.flash.erases = 0;
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	assert_int_equal(b->d.flash.erases, 2);
}

/* A bit that cannot be set any more, and reads so already. */
static void rot(struct bench *b, uint32_t addr)
{
	sim_flash_stick(&b->d.flash, addr, 0, 0x80);
	b->d.flash.mem[addr - b->d.flash.base] &= 0x7f;
}

/* Bits of the slot that no longer erase: of no matter behind the image, refused in it. */
static void upload_over_bits_that_do_not_erase_fails_only_where_it_needs_them(void **state)
{
	struct bench *b = *state;
	const uint32_t last = 0x08018000 + 65536 - 4;

	sim_flash_stick(&b->d.flash, last, 0, 0x80);
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
	assert_int_equal(b->d.update.worn, HF_ERR_FLASH_ERASE);
	assert_int_equal(hf_update_erase(&b->d.update), HF_ERR_FLASH_ERASE);
	sim_flash_stick(&b->d.flash, last, 0, 0);
	for (uint32_t at = 0; at < b->d.update.image.content_bytes; at += 4096) {
		rot(b, b->d.update.image.content_addr + at);
		assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_ERR_FLASH_ERASE);
		assert_int_equal(hf_update_activate(&b->d.update, b->v1.id), HF_ERR_NOT_FOUND);
		sim_flash_stick(&b->d.flash, b->d.update.image.content_addr + at, 0, 0);
	}
	rot(b, 0x08018000);
	assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_ERR_FLASH_ERASE);
}

/* The digest that is taken while flash is busy is the same, and misses nothing that had not been read before. */
static void damage_behind_what_was_hashed_is_found_at_the_end(void **state)
{
	struct bench *b = *state;
	struct hf_update *u = &b->d.update;
	void (*busy)(void *ctx) = b->d.flash.busy;

	for (unsigned ahead = 0; ahead < 2; ahead++) {
		uint32_t at;

		b->d.flash.busy = ahead ? busy : NULL;
		assert_int_equal(hf_update_begin(u, (uint32_t)b->v1.file.len), HF_OK);
		while (u->phase != HF_UPDATE_PAYLOAD || u->segment_index + (u->held > 0) < 2)
			assert_int_equal(hf_update_write(u, u->next, b->v1.file.ptr + u->next, 64), HF_OK);
		while (u->held > 0)
			assert_true(hf_update_ahead(u));
		assert_true(ahead ? u->ahead.done >= HF_SEGMENT_BYTES / 2 : u->ahead.done == 0);
		at = u->image.content_addr + u->ahead.done + u->ahead.fill + 16;
		assert_true(at < u->image.content_addr + 2 * HF_SEGMENT_BYTES);
		b->d.flash.mem[at - b->d.flash.base] ^= 4;
		while (u->next + 64 < b->v1.file.len)
			assert_int_equal(hf_update_write(u, u->next, b->v1.file.ptr + u->next, 64), HF_OK);
		assert_int_equal(hf_update_write(u, u->next, b->v1.file.ptr + u->next, b->v1.file.len - u->next), HF_ERR_DIGEST);
		assert_int_equal(hf_update_erase(u), HF_OK);
		assert_int_equal(send(b, b->v1.file.ptr, b->v1.file.len, 400), HF_OK);
		assert_int_equal(hf_update_erase(u), HF_OK);
	}
	b->d.flash.busy = busy;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(refused_foreign_signature),
		CASE(refused_other_class_and_vendor),
		CASE(refused_lower_security_version),
		CASE(refused_same_sequence_with_other_content),
		CASE(refused_image_larger_than_the_slot),
		CASE(refused_any_flipped_bit_of_the_head),
		CASE(refused_file_cut_off_in_its_head),
		CASE(refused_flipped_bit_of_the_payload_at_its_segment),
		CASE(segment_that_is_wrong_is_not_programmed_at_all),
		CASE(segment_that_is_whole_is_committed_when_nothing_comes),
		CASE(refused_while_the_running_firmware_is_on_trial),
		CASE(activate_of_another_image_than_written_is_not_found),
		CASE(upload_in_packets_of_any_size_gives_the_same),
		CASE(upload_of_any_length_without_a_table_is_taken),
		CASE(upload_again_of_what_is_there_writes_nothing),
		CASE(upload_data_out_of_turn_is_ignored),
		CASE(damage_behind_what_was_hashed_is_found_at_the_end),
		CASE(upload_over_bits_that_do_not_erase_fails_only_where_it_needs_them),
		CASE(upload_onto_a_stuck_word_fails_and_erases_next_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

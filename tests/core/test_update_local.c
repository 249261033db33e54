/* SPDX-License-Identifier: MIT
 *
 * What the other slot holds is not sent: which segments these are, that each is compared as if a stranger had sent it, and that
 * every cut gets there.
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
	.name = "local",
	.vendor_id = { 1 }, .class_id = { 2 },
	.sectors = 8,
	.sector = { { 0x08000000, 16384 }, { 0x08004000, 16384 }, { 0x08008000, 32768 }, { 0x08010000, 32768 },
		    { 0x08018000, 32768 }, { 0x08020000, 32768 }, { 0x08028000, 32768 }, { 0x08030000, 32768 } },
	.journal = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
	.slot = { { 0x08008000, 98304 }, { 0x08020000, 98304 } },
	.ram = { { 0x20000000, 131072 } },
};

#define IMAGE 80000u

#ifdef __SANITIZE_ADDRESS__
#define SHARE 13u
#else
#define SHARE 1u
#endif

/* Begin and end of 1.1.0 are 1.0.0's but for the image's first 6000 bytes; 1.2.0 has a longer table besides, 1.3.0 is in no word
 * like the others. */
struct world {
	struct maker maker;
	struct package v[4];
	struct device d; /* runs 1.0.0, confirmed, in slot A; slot B is blank, but nobody knows */
};

static void meet(const struct world *w, struct device *d)
{
	device_open(d, &w->maker);
	for (unsigned i = 0; i < 4; i++)
		d->known[i] = &w->v[i];
}

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	maker_open(&w->maker, &layout);
	w->maker.same_from = 6000;
	for (unsigned i = 0; i < 4; i++) {
		w->maker.same_from = i == 3 ? 0 : 6000;
		maker_pack(&w->maker, i, 1, i == 2 ? IMAGE + 280 : IMAGE, &w->v[i]);
	}
	meet(w, &w->d);
	device_install_factory(&w->d, &w->v[0]);
	device_boot(&w->d);
	assert_int_equal(device_confirm(&w->d), HF_OK);
	w->d.flash.erases = 0;
	w->d.sent = 0;
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	device_close(&w->d);
	for (unsigned i = 0; i < 4; i++)
		hf_buffer_free(&w->v[i].file);
	free(w);
	return 0;
}

/* All that the device wants, no more. The end is never wanted before all is done: who sends would take that for success. */
static void send(struct device *d, const struct package *p)
{
	struct hf_update *u = &d->update;
	uint32_t total = (uint32_t)p->file.len;

	while (u->phase != HF_UPDATE_DONE) {
		uint32_t left = hf_update_wanted_end(u) - u->next, len = left < 700 ? left : 700;

		assert_in_range(hf_update_wanted_end(u), u->next + 1, total);
		assert_int_equal(hf_update_write(u, u->next, p->file.ptr + u->next, len), HF_OK);
		d->sent += len;
	}
}

static void upload(struct device *d, const struct package *p)
{
	assert_int_equal(hf_update_begin(&d->update, (uint32_t)p->file.len), HF_OK);
	send(d, p);
}

static void assert_starts(struct world *w, const struct package *p)
{
	assert_int_equal(hf_update_activate(&w->d.update, p->id), HF_OK);
	w->d.cause = HF_RESET_REQUEST;
	device_boot(&w->d);
	assert_ptr_equal(w->d.runs, p);
}

/* Up to the payload. */
static void send_head(struct device *d, const struct package *p)
{
	struct hf_update *u = &d->update;

	assert_int_equal(hf_update_begin(u, (uint32_t)p->file.len), HF_OK);
	while (u->phase != HF_UPDATE_PAYLOAD)
		assert_int_equal(hf_update_write(u, u->next, p->file.ptr + u->next, 1), HF_OK);
}

/* A byte of what runs, in a segment of what is uploaded. */
static uint8_t *byte_there(struct device *d, uint32_t segment)
{
	return d->flash.mem + (d->update.running_image.content_addr - d->flash.base) + segment * HF_SEGMENT_BYTES + 5000;
}

static void segments_of_what_runs_are_not_sent(void **state)
{
	struct world *w = *state;

	upload(&w->d, &w->v[1]);
	assert_int_equal(w->d.flash.erases, 3);
	/* The head, and the one segment that has changed, and the last word. */
	assert_in_range(w->d.sent, HF_SEGMENT_BYTES, HF_SEGMENT_BYTES + 2000);
	assert_starts(w, &w->v[1]);
}

static void segments_behind_a_longer_table_are_not_sent(void **state)
{
	struct world *w = *state;

	upload(&w->d, &w->v[2]);
	assert_true(w->d.update.image.table_bytes > w->d.update.running_image.table_bytes);
	/* The last segment is longer than what runs. */
	assert_in_range(w->d.sent, HF_SEGMENT_BYTES, 2 * HF_SEGMENT_BYTES + 2000);
	assert_starts(w, &w->v[2]);
}

static void segments_that_are_all_new_are_sent(void **state)
{
	struct world *w = *state;

	upload(&w->d, &w->v[3]);
	assert_int_equal(w->d.sent, w->v[3].file.len);
	assert_starts(w, &w->v[3]);
}

static void recovery_takes_segments_of_what_is_confirmed(void **state)
{
	struct world *w = *state;
	struct hf_update *u = &w->d.update;

	u->running = HF_PLACE_RECOVERY;
	u->component = HF_COMPONENT_RECOVERY;
	assert_int_equal(hf_update_open(u), HF_OK);
	upload(&w->d, &w->v[1]);
	assert_int_equal(u->slot, 1);
	assert_in_range(w->d.sent, HF_SEGMENT_BYTES, HF_SEGMENT_BYTES + 2000);
	assert_starts(w, &w->v[1]);
}

/* Nobody would notice but the digest. */
/* Both slots hold it then; what was just uploaded is meant. The rotten one was looked at, and the digest did not match, for ever. */
static void recovery_installs_again_what_has_rotted_and_starts_it(void **state)
{
	struct world *w = *state;
	struct hf_update *u = &w->d.update;

	*byte_there(&w->d, 1) ^= 1;
	u->running = HF_PLACE_RECOVERY;
	u->component = HF_COMPONENT_RECOVERY;
	assert_int_equal(hf_update_open(u), HF_OK);
	upload(&w->d, &w->v[0]);
	assert_int_equal(u->slot, 1);
	assert_int_equal(hf_update_activate(u, w->v[0].id), HF_OK);
}

static void segment_that_has_rotted_there_is_sent(void **state)
{
	struct world *w = *state;

	*byte_there(&w->d, 2) ^= 4;
	upload(&w->d, &w->v[1]);
	assert_in_range(w->d.sent, 2 * HF_SEGMENT_BYTES, 2 * HF_SEGMENT_BYTES + 2000);
	assert_starts(w, &w->v[1]);
}

/* Found right, and read differently when it is taken. */
static void segment_that_rots_before_it_is_taken_is_asked_for(void **state)
{
	for (uint32_t segment = 1; segment < 6; segment++) {
		struct world *w = *state;
		uint32_t len;

		w->d.sent = 0;
		send_head(&w->d, &w->v[1]);
		len = hf_update_wanted_end(&w->d.update) - w->d.update.payload_at;
		assert_int_equal(len, HF_SEGMENT_BYTES);
		if (segment * HF_SEGMENT_BYTES + 5000 >= w->d.update.image.content_bytes)
			break;
		*byte_there(&w->d, segment) ^= 1;
		send(&w->d, &w->v[1]);
		assert_true(w->d.sent >= HF_SEGMENT_BYTES + 700);
		assert_int_equal(hf_update_erase(&w->d.update), HF_ERR_PROTECTED); /* what runs is rotten now */
		*byte_there(&w->d, segment) ^= 1;
		assert_int_equal(hf_update_erase(&w->d.update), HF_OK);
	}
}

static void segments_are_taken_while_no_data_waits(void **state)
{
	struct world *w = *state;
	struct hf_update *u = &w->d.update;
	uint32_t segments;

	send_head(&w->d, &w->v[1]);
	segments = u->image.content_bytes / HF_SEGMENT_BYTES;
	while (hf_update_ahead(u) && u->ahead_err == HF_OK)
		;
	while (u->next - u->payload_at < HF_SEGMENT_BYTES)
		assert_int_equal(hf_update_write(u, u->next, w->v[1].file.ptr + u->next, 512), HF_OK);
	assert_int_equal(u->next, u->total - 4);
	while (hf_update_ahead(u))
		;
	assert_int_equal(u->ahead_err, HF_OK);
	assert_int_equal(u->segment_index, segments);
	assert_int_equal(u->phase, HF_UPDATE_PAYLOAD);
	assert_int_equal(hf_update_write(u, u->total - 4, w->v[1].file.ptr + u->total - 4, 4), HF_OK);
	assert_int_equal(u->phase, HF_UPDATE_DONE);
	assert_starts(w, &w->v[1]);
}

/* A last word that is wrong shows in the digest: the segment is asked for as a whole, and nothing of it was written. */
static void last_word_that_is_wrong_is_found(void **state)
{
	struct world *w = *state;
	struct hf_update *u = &w->d.update;
	uint8_t wrong[4];

	send_head(&w->d, &w->v[1]);
	while (u->next != u->total - 4)
		assert_int_equal(hf_update_write(u, u->next, w->v[1].file.ptr + u->next, 512), HF_OK);
	memcpy(wrong, w->v[1].file.ptr + u->total - 4, 4);
	wrong[1] ^= 0x10;
	assert_int_equal(hf_update_write(u, u->next, wrong, 4), HF_OK);
	assert_int_equal(u->phase, HF_UPDATE_PAYLOAD);
	assert_int_equal(u->next, u->payload_at + u->image.content_bytes / HF_SEGMENT_BYTES * HF_SEGMENT_BYTES);
	send(&w->d, &w->v[1]);
	assert_starts(w, &w->v[1]);
}

static unsigned long one(const struct world *w, const struct package *goal, struct cuts cuts)
{
	struct device d;
	unsigned long n;

	meet(w, &d);
	sim_flash_copy(&d.flash, &w->d.flash);
	d.flash.random ^= (uint32_t)(cuts.at * 31 + cuts.second);
	d.packet_bytes = 1500;
	d.ahead = cuts.at % 2;
	n = device_reach(&d, goal, cuts);
	device_close(&d);
	return n;
}

static void upload_from_the_other_slot_cut_gets_there(void **state)
{
	const struct world *w = *state;

	for (unsigned i = 1; i < 3; i++) {
		unsigned long n = one(w, &w->v[i], (struct cuts){ 0 }), cases = 0;

		for (unsigned long at = 1; at <= n; at += 199 * SHARE)
			for (int how = SIM_CUT_BEFORE; how < SIM_CUTS; how++, cases++)
				one(w, &w->v[i], (struct cuts){ .at = at, .how = (enum sim_cut)how, .second = 1 + at * 7919 % 9000,
								.second_how = (enum sim_cut)(1 + at % (SIM_CUTS - 1)) });
		print_message("# 1.0.0 to 1.%u.0: %lu pairs of cuts\n", i, cases);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(segments_of_what_runs_are_not_sent),
		CASE(segments_behind_a_longer_table_are_not_sent),
		CASE(segments_that_are_all_new_are_sent),
		CASE(recovery_takes_segments_of_what_is_confirmed),
		CASE(recovery_installs_again_what_has_rotted_and_starts_it),
		CASE(segment_that_has_rotted_there_is_sent),
		CASE(segment_that_rots_before_it_is_taken_is_asked_for),
		CASE(segments_are_taken_while_no_data_waits),
		CASE(last_word_that_is_wrong_is_found),
		CASE(upload_from_the_other_slot_cut_gets_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

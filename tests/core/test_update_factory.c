/* SPDX-License-Identifier: MIT
 *
 * Back to factory state: what goes, what stays, and that every cut leaves a device that starts and can be asked again.
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
	.name = "factory",
	.vendor_id = { 1 }, .class_id = { 2 },
	.sectors = 7,
	.sector = { { 0x08000000, 8192 }, { 0x08002000, 8192 }, { 0x08004000, 16384 }, { 0x08008000, 16384 },
		    { 0x0800c000, 16384 }, { 0x08010000, 16384 }, { 0x08014000, 4096 } },
	.journal = { { 0x08000000, 8192 }, { 0x08002000, 8192 } },
	.slot = { { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
	.data = { 0x08014000, 4096 },
	.ram = { { 0x20000000, 131072 } },
};

static const uint8_t configuration[] = "slave 7, every 100 ms";

struct world {
	struct maker maker;
	struct package v0, v1;
	struct device begin; /* 1.1.0 runs in slot B, 1.0.0 is confirmed in slot A; a configuration, and a history */
};

static void meet(const struct world *w, struct device *d)
{
	device_open(d, &w->maker);
	d->known[0] = &w->v0;
	d->known[1] = &w->v1;
}

static void open_world(struct world *w)
{
	memset(w, 0, sizeof *w);
	maker_open(&w->maker, &layout);
	maker_pack(&w->maker, 0, 1, 2000, &w->v0);
	maker_pack(&w->maker, 1, 2, 2000, &w->v1);
	meet(w, &w->begin);
	device_install_factory(&w->begin, &w->v0);
	device_reach(&w->begin, &w->v1, (struct cuts){ 0 });
	assert_int_equal(hf_update_keep(&w->begin.update, HF_LONGREC_CONFIGURATION,
					(struct hf_bytes){ configuration, sizeof configuration }), HF_OK);
	assert_int_equal(w->begin.flash.ops.program(&w->begin.flash, layout.data.addr, configuration, 20), HF_OK);
}

static void close_world(struct world *w)
{
	device_close(&w->begin);
	hf_buffer_free(&w->v0.file);
	hf_buffer_free(&w->v1.file);
}

static bool blank(const struct device *d, struct hf_span span)
{
	for (uint32_t i = 0; i < span.size; i++)
		if (d->flash.mem[span.addr - d->flash.base + i] != 0xff)
			return false;
	return true;
}

static uint32_t configuration_bytes(struct device *d)
{
	uint32_t total = 0;
	uint8_t byte;
	size_t len;

	assert_int_equal(hf_update_kept(&d->update, HF_LONGREC_CONFIGURATION, 0, &byte, 1, &len, &total), HF_OK);
	return total;
}

static void check_factory_state(struct device *d, const struct world *w)
{
	assert_ptr_equal(d->runs, &w->v1);
	assert_true(blank(d, layout.slot[0]));
	assert_true(blank(d, layout.data));
	assert_int_equal(configuration_bytes(d), 0);
	assert_int_equal(d->update.state.newest >> 32, 2);
	assert_int_equal(d->update.state.floor, 2);
	assert_int_equal(d->update.state.slot[1].state, HF_SLOT_CONFIRMED);
}

/* A device that has confirmed its newest firmware. */
static void begin(struct world *w, struct device *d)
{
	open_world(w);
	meet(w, d);
	sim_flash_copy(&d->flash, &w->begin.flash);
	device_boot(d);
	assert_int_equal(device_confirm(d), HF_OK);
}

static void factory_reset_erases_all_but_what_must_stay(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	begin(&w, &d);
	assert_int_equal(configuration_bytes(&d), sizeof configuration);
	assert_int_equal(hf_update_factory(&d.update), HF_OK);
	check_factory_state(&d, &w);
	device_boot(&d);
	assert_int_equal(device_open_update(&d), HF_OK);
	check_factory_state(&d, &w);
	device_close(&d);
	close_world(&w);
}

/* A client asks again where the answer takes longer than its patience. */
static void factory_reset_again_at_once_erases_nothing(void **state)
{
	unsigned long erases;
	struct world w;
	struct device d;

	(void)state;
	begin(&w, &d);
	assert_int_equal(hf_update_factory(&d.update), HF_OK);
	erases = d.flash.erases;
	assert_int_equal(hf_update_factory(&d.update), HF_OK);
	assert_int_equal(d.flash.erases, erases);
	check_factory_state(&d, &w);
	device_close(&d);
	close_world(&w);
}

static void factory_reset_during_a_trial_is_refused_and_changes_nothing(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	begin(&w, &d);
	assert_int_equal(hf_update_rollback(&d.update), HF_OK);
	device_boot(&d);
	assert_ptr_equal(d.runs, &w.v0);
	assert_int_equal(device_open_update(&d), HF_OK);
	d.flash.operation = 0;
	assert_int_equal(hf_update_factory(&d.update), HF_ERR_TRIAL);
	assert_int_equal(d.flash.operation, 0);
	assert_int_equal(configuration_bytes(&d), sizeof configuration);
	device_close(&d);
	close_world(&w);
}

/* Asks until it is done; returns the operations. */
static unsigned long ask(const struct world *w, unsigned long at, enum sim_cut how)
{
	struct device d;
	jmp_buf lost;
	unsigned long n;

	meet(w, &d);
	sim_flash_copy(&d.flash, &w->begin.flash);
	d.flash.random ^= (uint32_t)(at * 31);
	d.flash.power_lost = &lost;
	d.flash.cut_at = at;
	d.flash.cut = how;
	d.flash.operation = 0;
	d.starts = 0;
	if (setjmp(lost) != 0)
		d.flash.cut_at = 0;
	device_boot(&d);
	assert_ptr_equal(d.runs, &w->v1);
	assert_int_equal(device_confirm(&d), HF_OK);
	assert_int_equal(hf_update_factory(&d.update), HF_OK);
	n = d.flash.operation;
	check_factory_state(&d, w);
	device_close(&d);
	return n;
}

static void factory_reset_cut_at_every_operation_gets_there(void **state)
{
	unsigned long n, cases = 0;
	struct world w;

	(void)state;
	open_world(&w);
	n = ask(&w, 0, SIM_CUT_NONE);
	for (unsigned long at = 1; at <= n; at++)
		for (int how = SIM_CUT_BEFORE; how < SIM_CUTS; how++, cases++)
			ask(&w, at, (enum sim_cut)how);
	print_message("# %lu cuts\n", cases);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(factory_reset_erases_all_but_what_must_stay),
		cmocka_unit_test(factory_reset_again_at_once_erases_nothing),
		cmocka_unit_test(factory_reset_during_a_trial_is_refused_and_changes_nothing),
		cmocka_unit_test(factory_reset_cut_at_every_operation_gets_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

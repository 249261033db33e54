/* SPDX-License-Identifier: MIT
 *
 * Burning one slot through the ROM loader: what boot starts afterwards, what was kept of the journal, what is refused before
 * anything changes, and every way to cut it in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rom_fixture.h"

static struct hf_board board;
static struct maker maker, stranger, other_class;
static struct hf_layout other_layout;
static struct package v1, v2, v3, hangs, old_security, foreign, wrong_class;
static struct fake_rom fake;
static struct hf_rom rom;
static struct hf_rom_slot_options options;
static struct hf_rom_slot_result result;
static struct hf_diag diag;
static struct hf_package package;
static char story[8192];
static const char *lines;   /* NULL: none */
static unsigned stop_after; /* events; 0: never */

static int make_packages(void **state)
{
	(void)state;
	make_board(&board);
	maker_open(&maker, &board.layout);
	maker_open(&stranger, &board.layout);
	other_layout = board.layout;
	other_layout.class_id[0] ^= 1;
	other_class = maker;
	other_class.layout = &other_layout;
	maker_pack(&maker, 1, 1, IMAGE_BYTES, &v1);
	maker_pack(&maker, 2, 1, IMAGE_BYTES, &v2);
	maker_pack(&maker, 3, 1, 3000, &v3);
	maker_pack(&maker, 4, 1, IMAGE_BYTES, &hangs);
	hangs.hangs = true;
	maker_pack(&maker, 5, 0, IMAGE_BYTES, &old_security);
	maker_pack(&stranger, 6, 1, IMAGE_BYTES, &foreign);
	maker_pack(&other_class, 7, 1, IMAGE_BYTES, &wrong_class);
	return 0;
}

static int drop_packages(void **state)
{
	struct package *all[] = {&v1, &v2, &v3, &hangs, &old_security, &foreign, &wrong_class};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		hf_buffer_free(&all[i]->file);
	return 0;
}

static void on_event(void *ctx, const struct hf_rom_event *e)
{
	size_t len = strlen(story);

	(void)ctx;
	assert_true(e->done <= e->total || e->total == 0);
	if (stop_after > 1)
		stop_after--;
	if (e->text)
		snprintf(story + len, sizeof(story) - len, "%s\n", e->text);
}

static bool on_stop(void *ctx)
{
	(void)ctx;
	return stop_after == 1;
}

static int setup(void **state)
{
	(void)state;
	fake_rom_open(&fake, &board.layout);
	put_boot(fake.flash.mem, &board, &maker);
	memset(&rom, 0, sizeof(rom));
	memset(&options, 0, sizeof(options));
	options.place = HF_ROM_ANY_SLOT;
	story[0] = 0;
	stop_after = 0;
	lines = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_rom_close(&fake);
	return 0;
}

/* The device has been in use: it runs `runs`, confirmed in slot A, or `then` in slot B. Boot is put beside. */
static void used_device(const struct package *runs, const struct package *then)
{
	static struct device d;

	device_open(&d, &maker);
	device_install_factory(&d, runs);
	d.known[0] = runs;
	d.known[1] = then;
	device_reach(&d, runs, (struct cuts){0});
	if (then && then->hangs) {
		assert_int_equal(device_upload(&d, then), HF_OK);
		assert_int_equal(hf_update_activate(&d.update, NULL), HF_OK);
	} else if (then) {
		device_reach(&d, then, (struct cuts){0});
	}
	sim_flash_copy(&fake.flash, &d.flash);
	put_boot(fake.flash.mem, &board, &maker);
	device_close(&d);
}

static enum hf_err burn(const struct package *p)
{
	enum hf_err err;

	rom = (struct hf_rom){.serial = &fake.serial, .board = &board, .event = on_event, .stop = on_stop, .wait_ms = 20000};
	if (lines)
		assert_true(hf_rom_lines_parse(lines, &rom.lines));
	assert_int_equal(hf_package_read(hf_buffer_bytes(&p->file), &package, &diag), HF_OK);
	options.package = &package;
	diag.text[0] = 0;
	err = hf_rom_connect(&rom, &diag);
	return err ? err : hf_rom_burn_slot(&rom, &options, &result, &diag);
}

static void assert_burned(const struct package *p)
{
	if (burn(p) != HF_OK)
		fail_msg("%s", diag.text);
}

static struct hf_state state_after;

static void assert_boots(const struct package *p, unsigned place)
{
	uint8_t id[HF_SHA256_BYTES];

	assert_int_equal(boot_starts(&fake, &maker, rom.device_id, id, &state_after), place);
	assert_memory_equal(id, p->id, sizeof(id));
}

static void assert_refused(const struct package *p, enum hf_err err, const char *sentence)
{
	uint8_t *before = malloc(fake.flash.size);

	memcpy(before, fake.flash.mem, fake.flash.size);
	assert_int_equal(burn(p), err);
	if (!strstr(diag.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", diag.text, sentence);
	assert_memory_equal(before, fake.flash.mem, fake.flash.size);
	assert_int_equal(fake.erases + fake.writes + fake.option_writes, 0);
	free(before);
}

/* ---- what boot does then ---- */

static void factory_new_device_gets_firmware_in_slot_a(void **state)
{
	(void)state;
	assert_burned(&v1);
	assert_int_equal(result.place, HF_PLACE_A);
	assert_false(result.journal_kept);
	assert_int_equal(result.keyset, 1);
	assert_boots(&v1, HF_PLACE_A);
	assert_int_equal(state_after.slot[0].state, HF_SLOT_TRIAL);
}

static void only_confirmed_firmware_is_left_alone(void **state)
{
	(void)state;
	used_device(&v1, NULL);
	assert_burned(&v2);
	assert_int_equal(result.place, HF_PLACE_B);
	assert_true(result.journal_kept);
	assert_true(result.records > 0);
	assert_boots(&v2, HF_PLACE_B);
	assert_int_equal(state_after.slot[0].state, HF_SLOT_CONFIRMED);
	assert_memory_equal(state_after.slot[0].id, v1.id, HF_ID_BYTES);
}

static void slot_that_is_named_is_written(void **state)
{
	(void)state;
	used_device(&v1, NULL);
	options.place = HF_PLACE_A;
	assert_burned(&v2);
	assert_boots(&v2, HF_PLACE_A);
	assert_true(state_after.newest > 0); /* what was confirmed once still counts */
}

static void rotten_slot_is_written_again(void **state)
{
	(void)state;
	used_device(&v1, &v2);
	memset(flash_at(&fake, SLOT_A + 0x400), 0, 64);
	memset(flash_at(&fake, SLOT_B + 0x400), 0, 64);
	assert_burned(&v2);
	assert_int_equal(result.place, HF_PLACE_A);
	assert_boots(&v2, HF_PLACE_A);
	assert_int_equal(result.floor, 1);
}

static void trial_of_the_other_slot_does_not_come_first(void **state)
{
	(void)state;
	used_device(&v1, &hangs);
	options.place = HF_PLACE_A;
	assert_burned(&v2);
	assert_boots(&v2, HF_PLACE_A);
	used_device(&v1, &hangs);
	options.place = HF_PLACE_B;
	assert_burned(&v2);
	assert_boots(&v2, HF_PLACE_B);
}

static void rejected_firmware_gets_a_new_chance(void **state)
{
	static struct device d;

	(void)state;
	device_open(&d, &maker);
	device_install_factory(&d, &v1);
	d.known[0] = &v1;
	d.known[1] = &hangs;
	device_reach(&d, &v1, (struct cuts){0});
	device_fall_back(&d, &hangs, (struct cuts){0});
	sim_flash_copy(&fake.flash, &d.flash);
	put_boot(fake.flash.mem, &board, &maker);
	device_close(&d);
	assert_burned(&hangs);
	assert_int_equal(result.place, HF_PLACE_B);
	for (unsigned i = 0; i < HF_TRIAL_STARTS; i++)
		assert_boots(&hangs, HF_PLACE_B);
	assert_boots(&v1, HF_PLACE_A); /* and no more than that */
}

static void older_release_may_be_burned(void **state)
{
	(void)state;
	used_device(&v2, NULL);
	assert_burned(&v1);
	assert_boots(&v1, HF_PLACE_B);
}

static void what_is_right_is_neither_erased_nor_written(void **state)
{
	(void)state;
	used_device(&v1, NULL);
	options.place = HF_PLACE_A;
	assert_burned(&v1);
	assert_int_equal(fake.erases + fake.writes, 0);
	assert_int_equal(rom.count.kept, 3);
	assert_boots(&v1, HF_PLACE_A);
	assert_int_equal(state_after.slot[0].state, HF_SLOT_CONFIRMED);
}

static void short_image_leaves_other_sectors_alone(void **state)
{
	(void)state;
	memset(flash_at(&fake, SLOT_A), 0x77, 49152);
	assert_burned(&v3);
	assert_int_equal(*flash_at(&fake, SLOT_A + 16384), 0x77);
	assert_int_equal(*flash_at(&fake, SLOT_A + 16383), 0xff);
	assert_boots(&v3, HF_PLACE_A);
}

static void board_may_want_the_whole_slot_erased(void **state)
{
	(void)state;
	board.erase = HF_ERASE_SLOT;
	memset(flash_at(&fake, SLOT_A), 0x77, 49152);
	assert_burned(&v3);
	board.erase = HF_ERASE_NEEDED;
	assert_int_equal(*flash_at(&fake, SLOT_A + 49151), 0xff);
	assert_boots(&v3, HF_PLACE_A);
}

static void configuration_and_floor_stay(void **state)
{
	static struct hf_journal j;
	static struct hf_state s;
	struct hf_longrec_new content = {HF_LONGREC_CONFIGURATION, {(const uint8_t *)"site = 7", 8}};
	struct hf_longrec rec;
	uint8_t back[8];
	bool none;

	(void)state;
	used_device(&v1, &v2);
	assert_int_equal(hf_state_load(&j, &fake.flash.ops, &board.layout, &s, &none), HF_OK);
	assert_int_equal(hf_state_store(&j, &s, &content), HF_OK);
	assert_burned(&v3);
	assert_int_equal(result.configuration, 8);
	assert_true(result.journal_kept);
	assert_boots(&v3, HF_PLACE_A);
	assert_int_equal(hf_state_load(&j, &fake.flash.ops, &board.layout, &s, &none), HF_OK);
	assert_int_equal(hf_longrec_find(&j, HF_LONGREC_CONFIGURATION, &rec), HF_OK);
	assert_int_equal(hf_longrec_read(&j, &rec, 0, back, 8), HF_OK);
	assert_memory_equal(back, "site = 7", 8);
}

/* ---- refused before anything changes ---- */

static void other_chip_is_refused(void **state)
{
	(void)state;
	fake.id = 0x419;
	assert_refused(&v1, HF_ERR_CLASS, "this chip is a 0x419");
}

static void other_board_is_refused(void **state)
{
	(void)state;
	*flash_at(&fake, BASE + 0x300) ^= 1;
	assert_refused(&v1, HF_ERR_CLASS, "no boot for class gw-test");
}

static void device_without_keyset_is_refused(void **state)
{
	(void)state;
	memset(flash_at(&fake, KEYSET_ADDR), 0xff, 2048);
	assert_refused(&v1, HF_ERR_KEYSET, "holdfast factory --port");
}

static void strange_packages_are_refused(void **state)
{
	(void)state;
	used_device(&v1, NULL);
	assert_refused(&foreign, HF_ERR_SIGNATURE, "not signed by a release key");
	assert_refused(&wrong_class, HF_ERR_CLASS, "this board is class");
	assert_refused(&old_security, HF_ERR_SECURITY_VERSION, "security version 0, and this device takes 1 or higher");
}

/* The journal's keyset counts, not the factory's: a key that it does not name is revoked. */
static void revoked_key_is_refused(void **state)
{
	static struct hf_journal j;
	static struct hf_state s;
	struct hf_keyset next = hf_keyset_of_one(HF_ROLE_RELEASE, 2, stranger.key.public_key);
	uint8_t bytes[256];
	struct hf_longrec_new content = {HF_LONGREC_KEYSET, {bytes, 0}};
	bool none;

	(void)state;
	used_device(&v1, NULL);
	assert_int_equal(hf_keyset_encode(&next, bytes, sizeof(bytes), &content.content.len), HF_OK);
	assert_int_equal(hf_state_load(&j, &fake.flash.ops, &board.layout, &s, &none), HF_OK);
	assert_int_equal(hf_state_store(&j, &s, &content), HF_OK);
	assert_refused(&v2, HF_ERR_SIGNATURE, "keyset (number 2)");
	assert_burned(&foreign);
	assert_int_equal(result.keyset, 2);
	assert_boots(&foreign, HF_PLACE_B);
}

static void closed_chip_is_refused(void **state)
{
	(void)state;
	fake.options[1] = 0x55;
	assert_refused(&v1, HF_ERR_DENIED, "--erase-everything");
	assert_int_equal(fake.mass_erases, 0);
}

static void write_protected_slot_is_refused(void **state)
{
	(void)state;
	fake.options[8] = 0xdf;
	assert_refused(&v1, HF_ERR_FLASH_LOCKED, "sector 5 is write-protected");
}

static void journal_of_later_format_is_given_up_only_when_asked(void **state)
{
	static struct hf_journal j;
	static struct hf_state s;
	const struct hf_record later = {.type = 0x60};
	bool none;

	(void)state;
	used_device(&v1, NULL);
	assert_int_equal(hf_state_load(&j, &fake.flash.ops, &board.layout, &s, &none), HF_OK);
	assert_int_equal(hf_journal_append(&j, &later), HF_OK);
	assert_refused(&v2, HF_ERR_PROTECTED, "--new-journal");
	options.new_journal = true;
	options.place = HF_PLACE_A;
	assert_burned(&v2);
	assert_false(result.journal_kept);
	assert_boots(&v2, HF_PLACE_A);
	assert_true(state_after.newest > 0);
	assert_false(state_after.unknown);
}

static void lost_journal_leaves_the_floor_that_is_signed(void **state)
{
	(void)state;
	used_device(&v1, &v2);
	memset(flash_at(&fake, JOURNAL), 0x55, 32768);
	assert_refused(&old_security, HF_ERR_SECURITY_VERSION, "takes 1 or higher");
	assert_burned(&v3);
	assert_false(result.journal_kept);
	assert_int_equal(result.floor, 1);
	assert_boots(&v3, HF_PLACE_A);
}

/* ---- who is there instead ---- */

static void text_on_the_line_is_no_loader(void **state)
{
	(void)state;
	fake.talks = "1.0.0 runs\r\n";
	assert_refused(&v1, HF_ERR_TIMEOUT, "something talks on this line");
}

static void silence_is_explained(void **state)
{
	(void)state;
	fake.absent = true;
	assert_refused(&v1, HF_ERR_TIMEOUT, "hold BOOT0 high");
}

static void loader_at_another_rate_is_used_there(void **state)
{
	(void)state;
	fake_rom_greeted(&fake, 57600);
	assert_burned(&v1);
	assert_non_null(strstr(story, "answers at 57600 baud, where an earlier session left it"));
	assert_boots(&v1, HF_PLACE_A);
}

static void wrong_parity_is_named(void **state)
{
	(void)state;
	fake.no_parity = true;
	assert_refused(&v1, HF_ERR_TIMEOUT, "does not carry even parity");
}

static void own_bytes_are_named(void **state)
{
	(void)state;
	fake.absent = true;
	fake.echo = true;
	assert_refused(&v1, HF_ERR_TIMEOUT, "only our own bytes come back");
}

/* A greeting that arrives damaged sets a wrong rate, for good; who has the reset line helps himself. */
static void loader_with_a_wrong_rate_is_reset_by_the_line(void **state)
{
	(void)state;
	fake.boot0_pin = HF_SERIAL_DTR;
	fake.reset_pin = HF_SERIAL_RTS;
	fake.flash.cut = SIM_CUT_TORN;
	fake.flash.cut_at = 500;
	fake.spoil_greeting = 2;
	lines = "boot0=dtr,reset=rts";
	assert_burned(&v1);
	assert_int_equal(fake.spoil_greeting, 0);
	assert_true(fake.resets >= 2);
	assert_boots(&v1, HF_PLACE_A);
}

static void device_is_reset_while_we_wait(void **state)
{
	(void)state;
	fake.absent = true;
	fake.press = true;
	fake.pressed_us = 9000000;
	assert_burned(&v1);
	assert_boots(&v1, HF_PLACE_A);
}

/* ---- cuts ---- */

static bool finish(const struct package *p)
{
	fake_rom_reset(&fake);
	fake.flash.cut_at = 0;
	fake.cable_on_us = fake.cable_off_us = FAKE_NEVER;
	fake.to_device_at = fake.to_host_at = 0;
	stop_after = 0;
	return burn(p) == HF_OK;
}

/* Power fails at every n-th operation, and comes back while the tool waits, or long after. */
static void cut_at(unsigned long step, bool comes_back, enum sim_cut how, void (*prepare)(void), const struct package *p,
		   unsigned place)
{
	static struct sim_flash begin;
	unsigned long operations, cases = 0;

	prepare();
	sim_flash_open(&begin, &board.layout);
	sim_flash_copy(&begin, &fake.flash);
	fake.flash.operation = 0;
	assert_burned(p);
	operations = fake.flash.operation;
	for (unsigned long n = 1; n <= operations; n += cases < 40 || n + 60 > operations ? 1 : step) {
		fake_rom_close(&fake);
		fake_rom_open(&fake, &board.layout);
		sim_flash_copy(&fake.flash, &begin);
		fake.flash.operation = 0;
		fake.flash.cut = how;
		fake.flash.cut_at = n;
		fake.back_after_us = comes_back ? 700000 : 3600000000u;
		if (comes_back)
			assert_burned(p);
		else if (burn(p) == HF_OK || !finish(p))
			fail_msg("cut before operation %lu: %s", n, diag.text);
		assert_int_equal(fake.power_cuts, 1);
		assert_boots(p, place);
		cases++;
	}
	sim_flash_close(&begin);
	printf("# %lu cuts of %lu operations\n", cases, operations);
}

static void prepare_used(void)
{
	used_device(&v1, &v2);
}

static void prepare_blank(void)
{
}

static void power_may_fail_and_come_back_at_any_operation(void **state)
{
	(void)state;
	cut_at(23, true, SIM_CUT_UNSTABLE, prepare_used, &v3, HF_PLACE_A);
	cut_at(83, true, SIM_CUT_TORN, prepare_blank, &v1, HF_PLACE_A);
}

static void power_may_fail_at_any_operation_and_the_tool_run_again(void **state)
{
	(void)state;
	cut_at(23, false, SIM_CUT_UNSTABLE, prepare_used, &v3, HF_PLACE_A);
	cut_at(83, false, SIM_CUT_NEW_OLD, prepare_blank, &v1, HF_PLACE_A);
}

static void cut_erase_of_another_upload_is_not_trusted(void **state)
{
	(void)state;
	used_device(&v1, &v2);
	assert_burned(&v3); /* A: v3 */
	assert_boots(&v3, HF_PLACE_A);
	fake_rom_reset(&fake);
	/* v1 over it, cut in an erase of slot A; then v3 again, whose sectors may read right and be worth nothing. */
	fake.flash.operation = 0;
	fake.flash.cut = SIM_CUT_OLD_NEW;
	fake.flash.cut_at = 20;
	fake.back_after_us = 3600000000u;
	assert_int_not_equal(burn(&v1), HF_OK);
	assert_true(finish(&v3));
	for (unsigned i = 0; i < 2; i++)
		assert_boots(&v3, HF_PLACE_A);
}

static void cable_may_be_pulled_for_long(void **state)
{
	static const bool usb[] = {false, true};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		teardown(NULL);
		setup(NULL);
		fake.cable_is_usb = usb[i];
		fake.cable_off_us = 15000000;
		fake.cable_on_us = 15000000 + 90000000;
		assert_int_not_equal(burn(&v1), HF_OK);
		assert_non_null(strstr(diag.text, "run the same command again"));
		fake.now_us = fake.cable_on_us;
		assert_true(finish(&v1));
		assert_boots(&v1, HF_PLACE_A);
	}
}

static void cable_may_be_pulled_for_a_moment(void **state)
{
	unsigned waits = 0;

	(void)state;
	for (uint64_t off_us = 1000000; off_us < 24000000; off_us += 1170001) {
		teardown(NULL);
		setup(NULL);
		fake.cable_off_us = off_us;
		fake.cable_on_us = off_us + 3000000;
		fake.cable_is_usb = off_us % 2;
		assert_burned(&v1);
		waits += rom.count.waits;
		assert_boots(&v1, HF_PLACE_A);
	}
	assert_true(waits > 3);
}

static void interrupted_burn_goes_on_where_it_was(void **state)
{
	unsigned long erases;

	(void)state;
	stop_after = 150;
	assert_int_equal(burn(&v1), HF_ERR_BUSY);
	assert_non_null(strstr(diag.text, "run the same command again to continue"));
	erases = fake.erases;
	assert_true(erases > 0);
	assert_true(finish(&v1));
	assert_true(rom.count.kept >= 1);
	assert_boots(&v1, HF_PLACE_A);
}

static void noise_is_survived(void **state)
{
	(void)state;
	fake.flip_ppm = 60;
	fake.drop_ppm = 30;
	assert_burned(&v1);
	assert_boots(&v1, HF_PLACE_A);
	assert_true(rom.link.count.resyncs > 0);
}

static void worn_sector_is_told(void **state)
{
	(void)state;
	sim_flash_stick(&fake.flash, SLOT_A + 0x5000, 0xff, 0);
	assert_int_equal(burn(&v1), HF_ERR_FLASH_PROGRAM);
	assert_non_null(strstr(diag.text, "worn"));
	sim_flash_stick(&fake.flash, SLOT_A + 0x5000, 0, 0);
	options.place = HF_PLACE_B;
	assert_true(finish(&v1));
	assert_boots(&v1, HF_PLACE_B);
}

static void journal_that_takes_nothing_does_not_stop_the_burn(void **state)
{
	(void)state;
	fake.flash.dead = 3u << 2;
	memset(flash_at(&fake, JOURNAL), 0, 32768);
	assert_burned(&v1);
	assert_non_null(strstr(story, "going on without"));
	assert_boots(&v1, HF_PLACE_A);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(factory_new_device_gets_firmware_in_slot_a),
		T(only_confirmed_firmware_is_left_alone),
		T(slot_that_is_named_is_written),
		T(rotten_slot_is_written_again),
		T(trial_of_the_other_slot_does_not_come_first),
		T(rejected_firmware_gets_a_new_chance),
		T(older_release_may_be_burned),
		T(what_is_right_is_neither_erased_nor_written),
		T(short_image_leaves_other_sectors_alone),
		T(board_may_want_the_whole_slot_erased),
		T(configuration_and_floor_stay),
		T(other_chip_is_refused),
		T(other_board_is_refused),
		T(device_without_keyset_is_refused),
		T(strange_packages_are_refused),
		T(revoked_key_is_refused),
		T(closed_chip_is_refused),
		T(write_protected_slot_is_refused),
		T(journal_of_later_format_is_given_up_only_when_asked),
		T(lost_journal_leaves_the_floor_that_is_signed),
		T(text_on_the_line_is_no_loader),
		T(silence_is_explained),
		T(loader_at_another_rate_is_used_there),
		T(wrong_parity_is_named),
		T(own_bytes_are_named),
		T(loader_with_a_wrong_rate_is_reset_by_the_line),
		T(device_is_reset_while_we_wait),
		T(power_may_fail_and_come_back_at_any_operation),
		T(power_may_fail_at_any_operation_and_the_tool_run_again),
		T(cut_erase_of_another_upload_is_not_trusted),
		T(cable_may_be_pulled_for_long),
		T(cable_may_be_pulled_for_a_moment),
		T(interrupted_burn_goes_on_where_it_was),
		T(noise_is_survived),
		T(worn_sector_is_told),
		T(journal_that_takes_nothing_does_not_stop_the_burn),
	};

	return cmocka_run_group_tests_name("rom_slot", tests, make_packages, drop_packages);
}

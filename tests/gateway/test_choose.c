/* SPDX-License-Identifier: MIT
 *
 * Boot's loop over the policy's decisions, with slots that verify or do not at the test's will: what is verified, what is
 * recorded, and that a journal that fails never keeps firmware from starting. The decisions themselves are tested with
 * core.
 */
#include "check.h"

#include "boot/choose.h"

#define SECTOR 1024u

static const struct hf_layout layout = { .journal = { { 0, SECTOR }, { SECTOR, SECTOR } } };

/* The flash has the journal alone; programs can be made to fail. */
static uint8_t memory[2 * SECTOR];
static bool broken;

static enum hf_err read_flash(void *ctx, uint32_t addr, void *buf, size_t len)
{
	(void)ctx;
	memcpy(buf, memory + addr, len);
	return HF_OK;
}

static enum hf_err program_flash(void *ctx, uint32_t addr, const void *data, size_t len)
{
	(void)ctx;
	if (broken)
		return HF_ERR_FLASH_LOCKED;
	for (size_t i = 0; i < len; i++)
		memory[addr + i] &= ((const uint8_t *)data)[i];
	return HF_OK;
}

static enum hf_err erase_flash(void *ctx, uint32_t addr)
{
	(void)ctx;
	memset(memory + addr, 0xff, SECTOR);
	return HF_OK;
}

static const struct hf_flash flash = { NULL, read_flash, program_flash, erase_flash };

/* Instead of core's: the slots as the test wants them. */
static enum hf_err verdict[HF_PLACES];
static unsigned verified[HF_PLACES];

enum hf_err hf_slot_verify(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work, struct hf_image *out)
{
	(void)env;
	(void)work;
	verified[place]++;
	memset(out, 0xee, sizeof *out);
	out->component = place == HF_PLACE_RECOVERY ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
	out->grandfathered = false;
	out->sequence = place + 1;
	memset(out->id, (int)place, sizeof out->id);
	return verdict[place];
}

static struct hf_choose choose;

/* Number 1, one release key of no bytes, ESP256 has to sign. */
static const uint8_t keyset[] = { 0xa4, 1, 1, 2, 1, 3, 0x81, 0xa3, 1, 1, 2, 0x28, 3, 0x40, 4, 0x81, 0x28 };

static int factory_new(void **state)
{
	(void)state;
	memset(memory, 0xff, sizeof memory);
	memset(verified, 0, sizeof verified);
	memset(&choose, 0xa5, sizeof choose); /* RAM holds anything */
	choose.env = (struct hf_slot_env){ .flash = &flash, .layout = &layout };
	choose.factory = (struct hf_bytes){ keyset, sizeof keyset };
	verdict[0] = HF_OK;
	verdict[1] = HF_ERR_NOT_FOUND;
	verdict[2] = HF_ERR_NOT_FOUND;
	broken = false;
	return 0;
}

/* Chooses. */
static enum hf_boot_action choose_place(enum hf_reset_cause cause, unsigned *place)
{
	struct hf_boot_decision d = hf_choose(&choose, cause, HF_WISH_NONE);

	*place = d.place;
	return (enum hf_boot_action)d.action;
}

static enum hf_err nothing(void *ctx, struct hf_journal *to)
{
	(void)ctx;
	(void)to;
	return HF_OK;
}

/* A journal that has these records. */
static void with_journal(const uint8_t *types, unsigned count, unsigned slot)
{
	struct hf_journal j;
	enum hf_err err = hf_journal_mount(&j, &flash, layout.journal);

	assert_int_equal(err, HF_ERR_NOT_FOUND);
	assert_int_equal(hf_journal_take_over(&j, nothing, NULL), HF_OK);
	for (unsigned i = 0; i < count; i++) {
		struct hf_record r = { .type = types[i] };

		r.data[0] = (uint8_t)slot;
		store_le64(r.data + 1, slot + 1);
		memset(r.data + 9, (int)slot, HF_ID_BYTES);
		assert_int_equal(hf_journal_append(&j, &r), HF_OK);
	}
}

static void device_from_the_factory_starts_what_verifies(void **state)
{
	unsigned slot = 99;

	(void)state;
	assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_START);
	assert_int_equal(slot, 0);
	assert_true(choose.blank);
	assert_int_equal(choose.image[0].sequence, 1);
	for (unsigned i = 0; i < sizeof memory; i++)
		assert_int_equal(memory[i], 0xff);
}

static void device_with_nothing_stays_and_knows_why(void **state)
{
	unsigned slot = 99;

	(void)state;
	verdict[0] = HF_ERR_SIGNATURE;
	assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_STAY);
	assert_int_equal(choose.fact[0].why, HF_ERR_SIGNATURE);
	assert_int_equal(choose.fact[1].why, HF_ERR_NOT_FOUND);
	assert_int_equal(verified[0], 1);
	assert_int_equal(verified[1], 1);
}

static void trial_is_recorded_before_it_starts(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_ACTIVATED };
	unsigned slot = 99;

	(void)state;
	with_journal(types, 2, 1);
	verdict[1] = HF_OK;
	for (unsigned starts = 1; starts <= HF_TRIAL_STARTS; starts++) {
		assert_int_equal(choose_place(HF_RESET_PIN, &slot), HF_BOOT_START);
		assert_int_equal(slot, 1);
		assert_int_equal(choose.state.slot[1].starts, starts);
	}
	assert_int_equal(verified[0], 0);
}

static void confirmed_slot_alone_is_verified_and_nothing_recorded(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_CONFIRMED };
	uint8_t before[sizeof memory];
	unsigned slot = 99;

	(void)state;
	with_journal(types, 2, 1);
	verdict[1] = HF_OK;
	assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_START);
	memcpy(before, memory, sizeof before);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_START);
	assert_int_equal(slot, 1);
	assert_int_equal(verified[0], 0);
	assert_memory_equal(memory, before, sizeof before);
}

static void confirmed_slot_that_fails_gives_way_to_the_other(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_CONFIRMED };
	unsigned slot = 99;

	(void)state;
	with_journal(types, 2, 1);
	verdict[1] = HF_ERR_DIGEST;
	assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_START);
	assert_int_equal(slot, 0);
}

static void journal_that_cannot_be_written_stops_no_start(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_ACTIVATED };
	unsigned slot = 99;

	(void)state;
	with_journal(types, 2, 1);
	broken = true;
	assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_START);
	assert_in_range(slot, 0, 1);
	assert_int_equal(verdict[slot], HF_OK);
}

static void rejected_firmware_is_the_last_resort(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_ACTIVATED, HF_REC_ATTEMPT, HF_REC_REJECTED };
	unsigned slot = 99;

	(void)state;
	with_journal(types, 4, 1);
	verdict[0] = HF_ERR_NOT_FOUND;
	verdict[1] = HF_OK;
	assert_int_equal(choose_place(HF_RESET_POWER, &slot), HF_BOOT_LAST_RESORT);
	assert_int_equal(slot, 1);
}

static void recovery_that_is_wished_comes_first_and_nothing_is_recorded(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_CONFIRMED };
	uint8_t before[sizeof memory];
	struct hf_boot_decision d;

	(void)state;
	with_journal(types, 2, 1);
	verdict[1] = HF_OK;
	verdict[HF_PLACE_RECOVERY] = HF_OK;
	(void)hf_choose(&choose, HF_RESET_POWER, HF_WISH_NONE); /* settles the journal */
	memset(verified, 0, sizeof verified);
	memcpy(before, memory, sizeof before);
	d = hf_choose(&choose, HF_RESET_PIN, HF_WISH_RECOVERY);
	assert_int_equal(d.action, HF_BOOT_RECOVERY);
	assert_int_equal(d.place, HF_PLACE_RECOVERY);
	assert_int_equal(verified[0] + verified[1], 0);
	assert_memory_equal(memory, before, sizeof before);
}

static void recovery_that_is_wished_and_damaged_stops_no_firmware(void **state)
{
	struct hf_boot_decision d;

	(void)state;
	verdict[HF_PLACE_RECOVERY] = HF_ERR_DIGEST;
	d = hf_choose(&choose, HF_RESET_PIN, HF_WISH_RECOVERY);
	assert_int_equal(d.action, HF_BOOT_START);
	assert_int_equal(d.place, 0);
	assert_int_equal(choose.fact[HF_PLACE_RECOVERY].why, HF_ERR_DIGEST);
}

static void recovery_starts_where_nothing_else_does_and_knows_of_the_last_resort(void **state)
{
	const uint8_t types[] = { HF_REC_WRITTEN, HF_REC_ACTIVATED, HF_REC_ATTEMPT, HF_REC_REJECTED };
	struct hf_boot_decision d;

	(void)state;
	with_journal(types, 4, 1);
	verdict[0] = HF_ERR_NOT_FOUND;
	verdict[1] = HF_OK;
	verdict[HF_PLACE_RECOVERY] = HF_OK;
	d = hf_choose(&choose, HF_RESET_POWER, HF_WISH_NONE);
	assert_int_equal(d.action, HF_BOOT_RECOVERY);
	assert_true(d.last_resort);
	d = hf_choose(&choose, HF_RESET_REQUEST, HF_WISH_LAST_RESORT);
	assert_int_equal(d.action, HF_BOOT_START);
	assert_int_equal(d.place, 1);
	assert_false(d.append);
}

static void damaged_keyset_starts_nothing_and_is_told(void **state)
{
	static const uint8_t blank[16] = { 0xff };

	(void)state;
	choose.factory = (struct hf_bytes){ blank, sizeof blank };
	assert_int_equal(hf_choose(&choose, HF_RESET_POWER, HF_WISH_RECOVERY).action, HF_BOOT_STAY);
	assert_int_equal(choose.keyset_err, HF_ERR_KEYSET);
	assert_int_equal(verified[0] + verified[1] + verified[2], 0);
}

static void keyset_in_the_journal_counts_once_its_number_is_higher(void **state)
{
	struct hf_journal j;
	uint8_t later[sizeof keyset];
	struct hf_longrec_new content = { HF_LONGREC_KEYSET, { later, sizeof later } };

	(void)state;
	memcpy(later, keyset, sizeof later);
	with_journal(NULL, 0, 0);
	for (uint8_t number = 1; number <= 2; number++) {
		later[4] = number;
		assert_int_equal(hf_journal_mount(&j, &flash, layout.journal), HF_OK);
		assert_int_equal(hf_longrec_append(&j, &content, 0), HF_OK);
		(void)hf_choose(&choose, HF_RESET_POWER, HF_WISH_NONE);
		assert_int_equal(choose.trust.replaced, number > 1);
		assert_int_equal(choose.env.keyset->number, number);
	}
}

#define WITH_DEVICE(test) cmocka_unit_test_setup(test, factory_new)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(device_from_the_factory_starts_what_verifies),
		WITH_DEVICE(device_with_nothing_stays_and_knows_why),
		WITH_DEVICE(trial_is_recorded_before_it_starts),
		WITH_DEVICE(confirmed_slot_alone_is_verified_and_nothing_recorded),
		WITH_DEVICE(confirmed_slot_that_fails_gives_way_to_the_other),
		WITH_DEVICE(journal_that_cannot_be_written_stops_no_start),
		WITH_DEVICE(rejected_firmware_is_the_last_resort),
		WITH_DEVICE(recovery_that_is_wished_comes_first_and_nothing_is_recorded),
		WITH_DEVICE(recovery_that_is_wished_and_damaged_stops_no_firmware),
		WITH_DEVICE(recovery_starts_where_nothing_else_does_and_knows_of_the_last_resort),
		WITH_DEVICE(damaged_keyset_starts_nothing_and_is_told),
		WITH_DEVICE(keyset_in_the_journal_counts_once_its_number_is_higher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

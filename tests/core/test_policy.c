/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "policy.h"
#include "sim_flash.h"

#define SEQ(security, release) ((uint64_t)(security) << 32 | (release))
#define ENOUGH 100u

static const uint8_t ids[4][HF_ID_BYTES] = { { 'o', 'l', 'd' }, { 'n', 'e', 'w' }, { 'o', 't', 'h' }, { 0 } };
enum { OLD, NEW, OTHER, NOBODY };

static struct hf_record record(uint8_t type, unsigned slot, uint64_t sequence, int id, uint8_t note)
{
	struct hf_record r = { .type = type };

	r.data[0] = (uint8_t)slot;
	store_le64(r.data + 1, sequence);
	memcpy(r.data + 9, ids[id], HF_ID_BYTES);
	r.data[25] = note;
	return r;
}

static void apply(struct hf_state *s, uint8_t type, unsigned slot, uint64_t sequence, int id, uint8_t note)
{
	struct hf_record r = record(type, slot, sequence, id, note);

	hf_state_apply(s, &r);
}

static void apply_erase(struct hf_state *s, unsigned slot, uint8_t sector)
{
	struct hf_record r = { .type = HF_REC_ERASE_BEGUN, .data = { (uint8_t)slot, sector } };

	hf_state_apply(s, &r);
}

static struct hf_slot_fact good(uint64_t sequence, int id)
{
	struct hf_slot_fact f = { .fact = HF_FACT_GOOD, .sequence = sequence };

	memcpy(f.id, ids[id], HF_ID_BYTES);
	return f;
}

static struct hf_slot_fact bad(enum hf_err why)
{
	return (struct hf_slot_fact){ .fact = HF_FACT_BAD, .why = why };
}

static enum hf_err install(const struct hf_state *s, unsigned slot, unsigned running, uint64_t sequence, int id)
{
	struct hf_slot_fact image = good(sequence, id);

	return hf_policy_install(s, slot, running, &image, NULL, false);
}

/* Slot A: 1.0 confirmed. Slot B: 1.1, written and activated. */
static struct hf_state trial_state(void)
{
	struct hf_state s;

	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	apply(&s, HF_REC_UPLOAD_BEGUN, 1, SEQ(1, 11), OTHER, 0);
	apply(&s, HF_REC_WRITTEN, 1, SEQ(1, 11), NEW, 0);
	apply(&s, HF_REC_ACTIVATED, 1, SEQ(1, 11), NEW, 0);
	return s;
}

/* Plays boot: appends and verifies as it is told, with the truth about the slots. Returns the last decision. */
static struct hf_boot_decision boot(struct hf_state *s, const struct hf_slot_fact truth[HF_PLACES], enum hf_reset_cause cause,
				    unsigned free_slots, unsigned *verified)
{
	struct hf_slot_fact fact[HF_PLACES] = { { 0 } };
	unsigned mask = 0;

	for (unsigned i = 0; i < 10; i++) {
		struct hf_boot_decision d = hf_policy_boot(s, fact, cause, HF_WISH_NONE, free_slots);

		if (d.append)
			hf_state_apply(s, &d.record);
		if (d.action != HF_BOOT_VERIFY) {
			if (verified)
				*verified = mask;
			return d;
		}
		if (d.place < HF_PLACES) {
			fact[d.place] = truth[d.place].fact == HF_FACT_UNKNOWN ? bad(HF_ERR_NOT_FOUND) : truth[d.place];
			mask |= 1u << d.place;
		}
	}
	fail_msg("no decision");
	return (struct hf_boot_decision){ 0 };
}

static void boot_factory_new_starts_highest_sequence_without_record(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(2, 9), NEW) };
	struct hf_boot_decision d;
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	d = boot(&s, truth, HF_RESET_POWER, 0, NULL);
	assert_int_equal(d.action, HF_BOOT_START);
	assert_int_equal(d.place, 1);
	assert_false(d.append);
}

static void boot_confirmed_verifies_one_slot_and_appends_nothing(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_boot_decision d;
	struct hf_state s;
	unsigned verified;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(1, 11), NEW, 0);
	d = boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, &verified);
	assert_int_equal(d.action, HF_BOOT_START);
	assert_int_equal(d.place, 1);
	assert_false(d.append);
	assert_int_equal(verified, 2);
}

static void boot_confirmed_damaged_starts_the_older_confirmed(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), bad(HF_ERR_DIGEST) };
	struct hf_boot_decision d;
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(1, 11), NEW, 0);
	d = boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL);
	assert_int_equal(d.action, HF_BOOT_START);
	assert_int_equal(d.place, 0);
}

static void boot_confirmed_last_wins_over_higher_sequence(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(1, 11), NEW, 0);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0); /* rolled back by hand */
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 0);
}

static void boot_image_that_the_journal_does_not_know_is_not_confirmed(void **state)
{
	/* Slot A was burned by a probe: another image than the confirmed one. Slot B is confirmed too. */
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 12), OTHER), good(SEQ(1, 11), NEW) };
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(1, 11), NEW, 0);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 1);
}

static void boot_trial_three_watchdogs_reject_and_fall_back(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();
	struct hf_boot_decision d;

	(void)state;
	for (unsigned i = 0; i < HF_TRIAL_STARTS; i++) {
		d = boot(&s, truth, i == 0 ? HF_RESET_REQUEST : HF_RESET_WATCHDOG, ENOUGH, NULL);
		assert_int_equal(d.action, HF_BOOT_START);
		assert_int_equal(d.place, 1);
		assert_true(d.append);
		assert_int_equal(d.record.type, HF_REC_ATTEMPT);
	}
	d = boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL);
	assert_int_equal(d.place, 0);
	assert_false(d.append);
	assert_int_equal(s.slot[1].state, HF_SLOT_REJECTED);
	assert_int_equal(s.slot[1].reason, HF_RESET_WATCHDOG);
}

static void boot_trial_power_losses_interrupt_and_do_not_reject(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();
	struct hf_record r;

	(void)state;
	for (unsigned i = 0; i < HF_TRIAL_STARTS; i++)
		assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 1);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_INTERRUPTED);
	assert_int_equal(hf_policy_activate(&s, 1, 0, &truth[1], &r), HF_OK);
	assert_int_equal(r.type, HF_REC_ACTIVATED);
}

static void boot_trial_failures_add_up_over_activations(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();
	struct hf_record r;

	(void)state;
	boot(&s, truth, HF_RESET_REQUEST, ENOUGH, NULL);
	boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL);
	boot(&s, truth, HF_RESET_FAULT, ENOUGH, NULL);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_INTERRUPTED);
	assert_int_equal(hf_policy_activate(&s, 1, 0, &truth[1], &r), HF_OK);
	hf_state_apply(&s, &r);
	assert_int_equal(boot(&s, truth, HF_RESET_REQUEST, ENOUGH, NULL).place, 1);
	assert_int_equal(boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_REJECTED);
	assert_int_equal(hf_policy_activate(&s, 1, 0, &truth[1], &r), HF_ERR_REJECTED);
}

/* The last failure of an activation is told by the record that ends it. */
static void boot_trial_last_failure_counts_in_the_next_activation(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();
	struct hf_record r;

	(void)state;
	boot(&s, truth, HF_RESET_REQUEST, ENOUGH, NULL);
	boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL);
	boot(&s, truth, HF_RESET_PIN, ENOUGH, NULL);
	assert_int_equal(boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_INTERRUPTED);
	assert_int_equal(hf_policy_activate(&s, 1, 0, &truth[1], &r), HF_OK);
	hf_state_apply(&s, &r);
	assert_int_equal(boot(&s, truth, HF_RESET_REQUEST, ENOUGH, NULL).place, 1);
	assert_int_equal(boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_REJECTED);
}

static void boot_trial_without_journal_room_does_not_begin(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();

	(void)state;
	assert_int_equal(boot(&s, truth, HF_RESET_REQUEST, HF_TRIAL_FREE_SLOTS - 1, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_TRIAL);
	assert_int_equal(boot(&s, truth, HF_RESET_REQUEST, HF_TRIAL_FREE_SLOTS, NULL).place, 1);
}

/* Without a journal that counts, firmware that hangs would do so for ever; where there is no recovery, it is all there is. */
static void boot_that_counts_nothing_goes_to_recovery_behind_a_failure(void **state)
{
	struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW), good(SEQ(1, 1), OTHER) };
	struct hf_boot_decision d;
	struct hf_state s;

	(void)state;
	truth[HF_PLACE_RECOVERY].component = HF_COMPONENT_RECOVERY;
	hf_state_init(&s);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, 0, NULL).place, 1);
	d = boot(&s, truth, HF_RESET_WATCHDOG, 0, NULL);
	assert_int_equal(d.action, HF_BOOT_RECOVERY);
	assert_int_equal(d.place, HF_PLACE_RECOVERY);
	assert_int_equal(boot(&s, truth, HF_RESET_FAULT, 0, NULL).action, HF_BOOT_RECOVERY);
	assert_int_equal(boot(&s, truth, HF_RESET_WATCHDOG, ENOUGH, NULL).place, 1);
	truth[HF_PLACE_RECOVERY] = bad(HF_ERR_DIGEST);
	hf_state_init(&s);
	d = boot(&s, truth, HF_RESET_WATCHDOG, 0, NULL);
	assert_int_equal(d.action, HF_BOOT_START);
	assert_int_equal(d.place, 1);
}

static void boot_trial_that_does_not_verify_is_rejected(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), bad(HF_ERR_DIGEST) };
	struct hf_state s = trial_state();

	(void)state;
	assert_int_equal(boot(&s, truth, HF_RESET_REQUEST, ENOUGH, NULL).place, 0);
	assert_int_equal(s.slot[1].state, HF_SLOT_REJECTED);
	assert_int_equal(s.slot[1].reason, HF_REASON_VERIFY);
}

static void boot_only_rejected_left_is_the_last_resort(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { bad(HF_ERR_DIGEST), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();
	struct hf_boot_decision d;

	(void)state;
	apply(&s, HF_REC_REJECTED, 1, SEQ(1, 11), NEW, HF_RESET_WATCHDOG);
	d = boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL);
	assert_int_equal(d.action, HF_BOOT_LAST_RESORT);
	assert_int_equal(d.place, 1);
}

/* A keyset took the confirmed firmware's key away, but names it; what came after it failed. */
static void boot_last_resort_is_what_was_confirmed_before_what_failed(void **state)
{
	struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();
	struct hf_boot_decision d;

	(void)state;
	truth[0].grandfathered = true;
	apply(&s, HF_REC_REJECTED, 1, SEQ(1, 11), NEW, HF_RESET_WATCHDOG);
	d = boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL);
	assert_int_equal(d.action, HF_BOOT_LAST_RESORT);
	assert_int_equal(d.place, 0);
	/* Wished back when its key was gone already: it did not verify, and did nothing wrong. */
	apply(&s, HF_REC_REJECTED, 0, SEQ(1, 10), OLD, HF_REASON_VERIFY);
	d = boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL);
	assert_int_equal(d.action, HF_BOOT_LAST_RESORT);
	assert_int_equal(d.place, 0);
}

static void boot_only_interrupted_left_is_tried_again_at_once(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { bad(HF_ERR_DIGEST), good(SEQ(1, 11), NEW) };
	struct hf_state s = trial_state();

	(void)state;
	for (unsigned i = 0; i < 5 * HF_TRIAL_STARTS; i++) {
		struct hf_boot_decision d = boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL);

		assert_int_equal(d.action, HF_BOOT_START);
		assert_int_equal(d.place, 1);
	}
}

static void boot_nothing_good_stays(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { bad(HF_ERR_DIGEST), bad(HF_ERR_NOT_FOUND) };
	struct hf_state s = trial_state();

	(void)state;
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).action, HF_BOOT_STAY);
}

static void boot_below_the_floor_never_starts(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), bad(HF_ERR_DIGEST) };
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(2, 11), NEW, 0);
	/* The older slot was not erased: it is an intact fallback. */
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 0);
	apply_erase(&s, 0, 5);
	assert_int_equal(s.floor, 2);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).action, HF_BOOT_STAY);
}

static void floor_follows_what_stays_when_the_newest_is_erased(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), bad(HF_ERR_DIGEST) };
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(2, 11), NEW, 0);
	/* The newest rotted, the older one runs and repairs it: it must stay startable meanwhile ... */
	apply_erase(&s, 1, 8);
	assert_int_equal(s.floor, 1);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 0);
	/* ... and what is installed must not be older than what was confirmed once. */
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	assert_int_equal(install(&s, 1, 0, SEQ(1, 12), OTHER), HF_ERR_SECURITY_VERSION);
	assert_int_equal(install(&s, 1, 0, SEQ(2, 12), OTHER), HF_OK);
}

static void install_refuses_each_for_its_reason(void **state)
{
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	assert_int_equal(install(&s, 1, 0, SEQ(3, 30), NEW), HF_ERR_TRIAL); /* nothing confirmed yet */
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(3, 30), OLD, 0);
	assert_int_equal(install(&s, 1, 0, SEQ(3, 30), OLD), HF_OK);
	assert_int_equal(install(&s, 1, 0, SEQ(3, 31), NEW), HF_OK);
	assert_int_equal(install(&s, 1, 0, SEQ(2, 31), NEW), HF_ERR_SECURITY_VERSION);
	assert_int_equal(install(&s, 1, 0, SEQ(3, 29), NEW), HF_ERR_RELEASE);
	assert_int_equal(install(&s, 1, 0, SEQ(4, 29), NEW), HF_ERR_RELEASE);
	assert_int_equal(install(&s, 1, 0, SEQ(3, 30), NEW), HF_ERR_SAME_SEQUENCE);
	assert_int_equal(install(&s, 0, 0, SEQ(3, 31), NEW), HF_ERR_PROTECTED);
	/* In recovery: not the only confirmed slot. */
	assert_int_equal(install(&s, 0, HF_SLOTS, SEQ(3, 31), NEW), HF_ERR_PROTECTED);
	assert_int_equal(install(&s, 1, HF_SLOTS, SEQ(3, 31), NEW), HF_OK);
}

/* A site key's holder goes back to an older release, never below the security version. */
static void install_by_a_site_keys_holder_waives_the_order_of_releases_alone(void **state)
{
	struct hf_slot_fact older = good(SEQ(3, 29), NEW), less_secure = good(SEQ(2, 31), NEW), same = good(SEQ(3, 30), NEW);
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	assert_int_equal(hf_policy_install(&s, 1, 0, &older, NULL, true), HF_ERR_TRIAL);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(3, 30), OLD, 0);
	assert_int_equal(hf_policy_install(&s, 1, 0, &older, NULL, true), HF_OK);
	assert_int_equal(hf_policy_install(&s, 1, 0, &less_secure, NULL, true), HF_ERR_SECURITY_VERSION);
	assert_int_equal(hf_policy_install(&s, 1, 0, &same, NULL, true), HF_ERR_SAME_SEQUENCE);
	assert_int_equal(hf_policy_install(&s, 0, 0, &older, NULL, true), HF_ERR_PROTECTED);
}

/* The newest firmware rotted, the older one runs and repairs it: an upload that was begun and cut must not open the door
 * for a release that was refused before. */
static void install_over_what_was_confirmed_last_keeps_the_order_of_releases(void **state)
{
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	apply(&s, HF_REC_CONFIRMED, 0, SEQ(1, 10), OLD, 0);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(1, 11), NEW, 0);
	assert_int_equal(install(&s, 1, 0, SEQ(1, 9), OTHER), HF_ERR_RELEASE);
	apply(&s, HF_REC_UPLOAD_BEGUN, 1, SEQ(1, 12), NEW, 0);
	assert_int_equal(install(&s, 1, 0, SEQ(1, 9), OTHER), HF_ERR_RELEASE);
	assert_int_equal(install(&s, 1, 0, SEQ(1, 10), OLD), HF_OK);
}

/* Rejected firmware runs only because nothing else starts: then an upload is the way out. */
static void install_while_rejected_firmware_is_the_last_resort_is_allowed(void **state)
{
	struct hf_state s = trial_state();
	struct hf_record r;

	(void)state;
	apply(&s, HF_REC_REJECTED, 1, SEQ(1, 11), NEW, HF_RESET_WATCHDOG);
	assert_int_equal(install(&s, 0, 1, SEQ(1, 12), OTHER), HF_OK);
	assert_int_equal(install(&s, 1, 1, SEQ(1, 12), OTHER), HF_ERR_PROTECTED);
	apply(&s, HF_REC_UPLOAD_BEGUN, 0, SEQ(1, 12), OTHER, 0);
	apply(&s, HF_REC_WRITTEN, 0, SEQ(1, 12), OTHER, 0);
	assert_int_equal(hf_policy_activate(&s, 0, 1, &(struct hf_slot_fact){ .fact = HF_FACT_GOOD, .sequence = SEQ(1, 12) }, &r),
			 HF_OK);
}

static void confirmation_that_stands_once_is_written_again(void **state)
{
	const struct hf_slot_fact running = good(SEQ(1, 10), OLD);
	struct hf_record r;
	struct hf_state s;

	(void)state;
	hf_state_init(&s);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(hf_policy_confirm(&s, 0, &running, &r), HF_OK);
		assert_int_equal(r.type, HF_REC_CONFIRMED);
		hf_state_apply(&s, &r);
	}
	assert_int_equal(hf_policy_confirm(&s, 0, &running, &r), HF_OK);
	assert_int_equal(r.type, HF_REC_VOID);
}

static void install_during_a_trial_is_refused(void **state)
{
	struct hf_state s = trial_state();

	(void)state;
	apply(&s, HF_REC_ATTEMPT, 1, SEQ(1, 11), NEW, HF_RESET_REQUEST);
	assert_int_equal(install(&s, 0, 1, SEQ(1, 12), OTHER), HF_ERR_TRIAL);
	apply(&s, HF_REC_CONFIRMED, 1, SEQ(1, 11), NEW, 0);
	assert_int_equal(install(&s, 0, 1, SEQ(1, 12), OTHER), HF_OK);
}

static void record_of_a_later_format_stops_changes(void **state)
{
	const struct hf_slot_fact truth[HF_PLACES] = { good(SEQ(1, 10), OLD), good(SEQ(1, 11), NEW) };
	struct hf_record later = { .type = 0x77, .flags = HF_RECORD_MAY_IGNORE };
	struct hf_state s = trial_state();

	(void)state;
	hf_state_apply(&s, &later);
	assert_false(s.unknown);
	later.flags = 0;
	hf_state_apply(&s, &later);
	assert_true(s.unknown);
	assert_int_equal(boot(&s, truth, HF_RESET_POWER, ENOUGH, NULL).place, 0);
	assert_int_equal(hf_policy_erase(&s, 1, 0), HF_ERR_PROTECTED);
	assert_int_equal(hf_policy_activate(&s, 1, 0, &truth[1], &later), HF_ERR_PROTECTED);
}

/* Two journal sectors of 2 KiB. */
static const struct hf_layout layout = {
	.name = "policy",
	.sectors = 2,
	.sector = { { 0x08000000, 2048 }, { 0x08000800, 2048 } },
	.journal = { { 0x08000000, 2048 }, { 0x08000800, 2048 } },
};

static void takeover_carries_every_state_over(void **state)
{
	struct sim_flash flash;
	struct hf_journal j;
	struct hf_state s, back;
	bool blank;

	(void)state;
	sim_flash_open(&flash, &layout);
	for (unsigned kind = 0; kind <= HF_SLOT_INTERRUPTED; kind++) {
		hf_state_init(&s);
		apply(&s, HF_REC_CONFIRMED, 0, SEQ(3, 30), OLD, 0);
		apply(&s, HF_REC_CONFIRMED, 0, SEQ(3, 30), OLD, 0);
		apply_erase(&s, 1, 8);
		apply(&s, HF_REC_WRITTEN, 1, SEQ(3, 31), NEW, 0);
		s.slot[1].state = (uint8_t)kind;
		s.slot[1].copies = kind == HF_SLOT_CONFIRMED ? 2 : 0;
		s.slot[1].starts = (uint8_t)(kind % 4);
		s.slot[1].failures = (uint8_t)(kind % 3);
		s.slot[1].reason = (uint8_t)(0x80 | kind);
		s.slot[1].segments = kind == HF_SLOT_UPLOADING ? 5 : 0;
		s.slot[1].settled = kind == HF_SLOT_UPLOADING ? 0x600 : 0;
		s.slot[1].erase_done = kind % 2 ? 0x100 : 0;
		s.newest = SEQ(7, 70);
		s.current = kind % 2;
		assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &back, &blank), HF_OK);
		assert_int_equal(hf_state_take_over(&j, &s), HF_OK);
		assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &back, &blank), HF_OK);
		assert_false(blank);
		s.records = back.records;
		assert_memory_equal(&s, &back, sizeof s);
	}
	sim_flash_close(&flash);
}

/* Any one record of a snapshot may rot: the other copy says the same. */
static void takeover_survives_the_loss_of_any_record(void **state)
{
	struct sim_flash flash;
	struct hf_journal j;
	struct hf_state s = trial_state(), back;
	uint16_t end;
	bool blank;

	(void)state;
	s.slot[0].copies = 2;
	sim_flash_open(&flash, &layout);
	assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &back, &blank), HF_OK);
	assert_int_equal(hf_state_take_over(&j, &s), HF_OK);
	end = j.end;
	for (unsigned slot = 1; slot < end; slot++) {
		uint8_t *byte = &flash.mem[j.sector[j.live].addr - flash.base + slot * 32u + 5];

		*byte ^= 0x20;
		assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &back, &blank), HF_OK);
		back.records = s.records;
		assert_memory_equal(&s, &back, sizeof s);
		*byte ^= 0x20;
	}
	sim_flash_close(&flash);
}

/* The snapshot would not hold it. */
static void takeover_never_drops_a_record_of_a_later_format(void **state)
{
	struct hf_record later = { .type = 0x77 };
	struct sim_flash flash;
	struct hf_journal j;
	struct hf_state s;
	bool blank;

	(void)state;
	sim_flash_open(&flash, &layout);
	assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &s, &blank), HF_OK);
	assert_int_equal(hf_state_take_over(&j, &s), HF_OK);
	assert_int_equal(hf_journal_append(&j, &later), HF_OK);
	assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &s, &blank), HF_OK);
	assert_int_equal(hf_state_take_over(&j, &s), HF_ERR_UNSUPPORTED);
	assert_int_equal(hf_state_load(&j, &flash.ops, &layout, &s, &blank), HF_OK);
	assert_true(s.unknown);
	sim_flash_close(&flash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot_factory_new_starts_highest_sequence_without_record),
		cmocka_unit_test(boot_confirmed_verifies_one_slot_and_appends_nothing),
		cmocka_unit_test(boot_confirmed_damaged_starts_the_older_confirmed),
		cmocka_unit_test(boot_confirmed_last_wins_over_higher_sequence),
		cmocka_unit_test(boot_image_that_the_journal_does_not_know_is_not_confirmed),
		cmocka_unit_test(boot_trial_three_watchdogs_reject_and_fall_back),
		cmocka_unit_test(boot_trial_power_losses_interrupt_and_do_not_reject),
		cmocka_unit_test(boot_trial_failures_add_up_over_activations),
		cmocka_unit_test(boot_trial_last_failure_counts_in_the_next_activation),
		cmocka_unit_test(boot_trial_without_journal_room_does_not_begin),
		cmocka_unit_test(boot_that_counts_nothing_goes_to_recovery_behind_a_failure),
		cmocka_unit_test(boot_trial_that_does_not_verify_is_rejected),
		cmocka_unit_test(boot_only_rejected_left_is_the_last_resort),
		cmocka_unit_test(boot_last_resort_is_what_was_confirmed_before_what_failed),
		cmocka_unit_test(boot_only_interrupted_left_is_tried_again_at_once),
		cmocka_unit_test(boot_nothing_good_stays),
		cmocka_unit_test(boot_below_the_floor_never_starts),
		cmocka_unit_test(floor_follows_what_stays_when_the_newest_is_erased),
		cmocka_unit_test(install_refuses_each_for_its_reason),
		cmocka_unit_test(install_by_a_site_keys_holder_waives_the_order_of_releases_alone),
		cmocka_unit_test(install_over_what_was_confirmed_last_keeps_the_order_of_releases),
		cmocka_unit_test(install_while_rejected_firmware_is_the_last_resort_is_allowed),
		cmocka_unit_test(confirmation_that_stands_once_is_written_again),
		cmocka_unit_test(install_during_a_trial_is_refused),
		cmocka_unit_test(record_of_a_later_format_stops_changes),
		cmocka_unit_test(takeover_carries_every_state_over),
		cmocka_unit_test(takeover_never_drops_a_record_of_a_later_format),
		cmocka_unit_test(takeover_survives_the_loss_of_any_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

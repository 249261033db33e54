/* SPDX-License-Identifier: MIT
 *
 * The policy where recovery has a say: every combination of what the journal says of the slots and what lies in the three
 * places is decided, and each decision is held against what must be true of it, written down here a second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "policy.h"
#include "suit.h"

#define SEQ(security, release) ((uint64_t)(security) << 32 | (release))
#define FLOOR  2u
#define ENOUGH 100u
#define STEPS  12u

enum content { NONE, APP, OTHER_APP, OLD_APP, GRAND_APP, STAGED, OLD_STAGED, GRAND_STAGED, CONTENTS };

static bool is_recovery(enum content c)
{
	return c >= STAGED;
}

/* The image in a place, as looking at it finds it. Its id is the one that the journal's record of a slot has, but for
 * OTHER_APP's. */
static struct hf_slot_fact fact_of(enum content c, unsigned place)
{
	struct hf_slot_fact f = { .fact = HF_FACT_BAD, .why = HF_ERR_DIGEST };
	unsigned security = c == OLD_APP || c == OLD_STAGED ? FLOOR - 1 : FLOOR;

	if (c == NONE)
		return f;
	f = (struct hf_slot_fact){ .fact = HF_FACT_GOOD, .sequence = SEQ(security, 10 + place) };
	f.component = is_recovery(c) ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
	f.grandfathered = c == GRAND_APP || c == GRAND_STAGED;
	memset(f.id, c == OTHER_APP ? 0x99 : (int)place + 1, sizeof f.id);
	return f;
}

/* What the journal says of a slot: that it holds this very content, in this state. */
static struct hf_slot_journal journal_of(enum content c, unsigned place, enum hf_slot_state state, unsigned starts,
					 unsigned failures)
{
	struct hf_slot_fact f = fact_of(c == NONE || c == OTHER_APP ? APP : c, place);
	struct hf_slot_journal s = { .state = (uint8_t)state, .starts = (uint8_t)starts, .failures = (uint8_t)failures };

	s.component = f.component;
	s.sequence = f.sequence;
	memset(s.id, (int)place + 1, sizeof s.id);
	s.copies = 2;
	return s;
}

struct world {
	struct hf_state state;
	enum content content[HF_PLACES];
	struct hf_slot_fact truth[HF_PLACES];
	enum hf_reset_cause cause;
	enum hf_boot_wish wish;
	unsigned free_slots;
};

/* Plays boot. *w's state gets the records. */
static struct hf_boot_decision boot(struct world *w)
{
	struct hf_slot_fact fact[HF_PLACES] = { { 0 } };

	for (unsigned i = 0; i < STEPS; i++) {
		struct hf_boot_decision d = hf_policy_boot(&w->state, fact, w->cause, w->wish, w->free_slots);

		if (d.append)
			hf_state_apply(&w->state, &d.record);
		if (d.action != HF_BOOT_VERIFY)
			return d;
		if (d.place < HF_PLACES) {
			assert_int_equal(fact[d.place].fact, HF_FACT_UNKNOWN); /* nothing is hashed twice */
			fact[d.place] = w->truth[d.place];
		} else {
			assert_true(d.append);
		}
	}
	fail_msg("no decision");
	return (struct hf_boot_decision){ 0 };
}

/* ---- what must be true, from the state before ---- */

static bool sound(const struct world *w, unsigned place)
{
	return w->truth[place].fact == HF_FACT_GOOD && hf_sequence_security(w->truth[place].sequence) >= FLOOR;
}

static bool known(const struct world *w, unsigned slot)
{
	return w->content[slot] != OTHER_APP && w->state.slot[slot].state != HF_SLOT_UNKNOWN &&
	       w->state.slot[slot].state != HF_SLOT_UPLOADING;
}

static bool failed_before(const struct world *w, unsigned slot)
{
	const struct hf_slot_journal *s = &w->state.slot[slot];

	return known(w, slot) && (s->state == HF_SLOT_REJECTED || (s->state == HF_SLOT_TRIAL && s->failures > 0));
}

/* Good enough not to be a last resort. */
static bool fresh(const struct world *w, unsigned place)
{
	return sound(w, place) && !w->truth[place].grandfathered && (place == HF_PLACE_RECOVERY || !failed_before(w, place));
}

static bool confirmed_starts(const struct world *w, unsigned slot)
{
	return w->state.slot[slot].state == HF_SLOT_CONFIRMED && known(w, slot) && sound(w, slot) &&
	       !w->truth[slot].grandfathered;
}

static bool any_recovery(const struct world *w, bool (*such)(const struct world *, unsigned))
{
	for (unsigned i = 0; i < HF_PLACES; i++)
		if (is_recovery(w->content[i]) && such(w, i))
			return true;
	return false;
}

static bool any_app(const struct world *w, bool (*such)(const struct world *, unsigned))
{
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (w->content[i] != NONE && !is_recovery(w->content[i]) && such(w, i))
			return true;
	return false;
}

/* `before` is the world, `after` its state with boot's records. */
static void check_start(const struct world *before, const struct world *after, const struct hf_boot_decision *d)
{
	const struct hf_slot_journal *s = &after->state.slot[d->place];

	assert_in_range(d->place, 0, HF_SLOTS - 1);
	assert_true(sound(before, d->place));
	if (before->truth[d->place].grandfathered)
		assert_int_equal(before->wish, HF_WISH_LAST_RESORT);
	if (is_recovery(before->content[d->place])) { /* a trial, and nothing else */
		assert_int_equal(s->state, HF_SLOT_TRIAL);
		assert_true(d->append);
		assert_int_equal(d->record.data[0] >> 7, HF_COMPONENT_RECOVERY);
	}
	if (d->append) {
		assert_int_equal(d->record.type, HF_REC_ATTEMPT);
		assert_true(before->free_slots >= HF_TRIAL_FREE_SLOTS);
		assert_in_range(s->starts, 1, HF_TRIAL_STARTS);
		assert_int_equal(s->state, HF_SLOT_TRIAL);
	}
	if (before->wish == HF_WISH_RECOVERY)
		assert_false(any_recovery(before, fresh));
}

static void check_recovery(const struct world *before, const struct world *after, const struct hf_boot_decision *d)
{
	assert_true(is_recovery(before->content[d->place]) && sound(before, d->place));
	assert_false(d->append);
	/* The partition's, unless it is no better than a last resort. */
	if (d->place != HF_PLACE_RECOVERY)
		assert_false(is_recovery(before->content[HF_PLACE_RECOVERY]) && fresh(after, HF_PLACE_RECOVERY));
	if (before->wish == HF_WISH_RECOVERY && fresh(before, d->place))
		return; /* it was wished */
	assert_false(any_app(after, fresh));
	assert_int_equal(d->last_resort, any_app(after, sound));
	if (before->wish == HF_WISH_LAST_RESORT)
		assert_false(d->last_resort);
}

static void check(const struct world *before)
{
	struct world after = *before;
	struct hf_boot_decision d = boot(&after);

	switch ((enum hf_boot_action)d.action) {
	case HF_BOOT_START:
		check_start(before, &after, &d);
		break;
	case HF_BOOT_RECOVERY:
		check_recovery(before, &after, &d);
		break;
	case HF_BOOT_LAST_RESORT:
		assert_true(sound(before, d.place) && !is_recovery(before->content[d.place]));
		assert_false(any_recovery(before, sound));
		assert_false(any_app(&after, fresh));
		break;
	case HF_BOOT_STAY:
		assert_false(any_recovery(before, sound));
		assert_false(any_app(before, sound));
		break;
	case HF_BOOT_VERIFY:
		fail();
	}
	/* Nobody waits for recovery while firmware is there that works. */
	if (before->wish != HF_WISH_RECOVERY && (confirmed_starts(before, 0) || confirmed_starts(before, 1)))
		assert_int_equal(d.action, HF_BOOT_START);
}

struct said {
	enum hf_slot_state state;
	uint8_t starts, failures;
};

static const struct said said[] = {
	{ HF_SLOT_UNKNOWN, 0, 0 },     { HF_SLOT_UPLOADING, 0, 0 }, { HF_SLOT_WRITTEN, 0, 0 },  { HF_SLOT_TRIAL, 0, 0 },
	{ HF_SLOT_TRIAL, 1, 0 },       { HF_SLOT_TRIAL, 3, 0 },     { HF_SLOT_TRIAL, 2, 2 },    { HF_SLOT_TRIAL, 0, 2 },
	{ HF_SLOT_CONFIRMED, 0, 0 },   { HF_SLOT_REJECTED, 3, 3 },  { HF_SLOT_INTERRUPTED, 3, 0 }, { HF_SLOT_INTERRUPTED, 3, 1 },
};
#define SAIDS (sizeof said / sizeof said[0])

static void put(struct world *w, unsigned place, enum content c, const struct said *s)
{
	w->content[place] = c;
	w->truth[place] = fact_of(c, place);
	if (place < HF_SLOTS)
		w->state.slot[place] = journal_of(c, place, s->state, s->starts, s->failures);
}

/* Only firmware is ever confirmed: hf_policy_confirm sees to that. */
static bool possible(enum content c, const struct said *s)
{
	return s->state != HF_SLOT_CONFIRMED || !is_recovery(c);
}

static unsigned long for_slots(struct world *w, void (*each)(struct world *w))
{
	unsigned long cases = 0;

	for (unsigned a = 0; a < CONTENTS * SAIDS; a++) {
		for (unsigned b = 0; b < CONTENTS * SAIDS; b++) {
			if (!possible(a / SAIDS, &said[a % SAIDS]) || !possible(b / SAIDS, &said[b % SAIDS]))
				continue;
			put(w, 0, a / SAIDS, &said[a % SAIDS]);
			put(w, 1, b / SAIDS, &said[b % SAIDS]);
			each(w);
			cases++;
		}
	}
	return cases;
}

static void check_moments(struct world *w)
{
	static const struct {
		uint8_t cause, free_slots;
	} moments[] = { { HF_RESET_POWER, ENOUGH }, { HF_RESET_WATCHDOG, ENOUGH }, { HF_RESET_REQUEST, 0 } };

	for (unsigned i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		w->cause = (enum hf_reset_cause)moments[i].cause;
		w->free_slots = moments[i].free_slots;
		for (unsigned wish = HF_WISH_NONE; wish <= HF_WISH_LAST_RESORT; wish++) {
			w->wish = (enum hf_boot_wish)wish;
			for (unsigned current = 0; current < HF_SLOTS; current++) {
				w->state.current = (uint8_t)current;
				check(w);
			}
		}
	}
}

static void every_world_gets_a_decision_that_holds(void **state)
{
	static const enum content in_partition[] = { NONE, APP, STAGED, OLD_STAGED, GRAND_STAGED };
	unsigned long cases = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof in_partition / sizeof in_partition[0]; i++) {
		struct world w = { .state.floor = FLOOR };

		w.state.recovery = (struct hf_recovery_journal){ .sequence = SEQ(FLOOR, 1), .copies = 2 };
		put(&w, HF_PLACE_RECOVERY, in_partition[i], &said[0]);
		if (in_partition[i] == APP) /* hf_slot_verify refuses that */
			w.truth[HF_PLACE_RECOVERY] = (struct hf_slot_fact){ .fact = HF_FACT_BAD, .why = HF_ERR_UNSUPPORTED };
		if (in_partition[i] == APP)
			w.content[HF_PLACE_RECOVERY] = NONE;
		cases += for_slots(&w, check_moments);
	}
	print_message("# %lu worlds\n", cases);
}

/* However often it is reset, and why: whatever fails is given up after three starts, and never comes back by itself. */
static void check_ends(struct world *w)
{
	static const enum hf_reset_cause causes[] = { HF_RESET_WATCHDOG, HF_RESET_POWER, HF_RESET_FAULT };

	for (unsigned c = 0; c < 3; c++) {
		struct world now = *w;
		unsigned trials = 0;

		now.cause = HF_RESET_POWER;
		now.wish = HF_WISH_NONE;
		now.free_slots = ENOUGH;
		for (unsigned i = 0; i < 16; i++) {
			struct hf_boot_decision d = boot(&now);

			trials = d.action == HF_BOOT_START && d.append ? trials + 1 : 0;
			now.cause = causes[c];
		}
		if (confirmed_starts(w, 0) || confirmed_starts(w, 1) || causes[c] != HF_RESET_POWER)
			assert_int_equal(trials, 0);
	}
}

static void trials_of_firmware_and_recovery_come_to_an_end(void **state)
{
	struct world w = { .state.floor = FLOOR };

	(void)state;
	put(&w, HF_PLACE_RECOVERY, STAGED, &said[0]);
	(void)for_slots(&w, check_ends);
}

/* What may be erased, and where an upload goes: never what alone is confirmed. */
static void check_erase(struct world *w)
{
	for (unsigned running = 0; running <= HF_PLACE_RECOVERY; running++) {
		unsigned target = hf_policy_target(&w->state, running);

		assert_in_range(target, 0, HF_SLOTS - 1);
		assert_int_not_equal(target, running);
		for (unsigned slot = 0; slot < HF_SLOTS; slot++) {
			const struct hf_slot_journal *other = &w->state.slot[!slot];

			if (hf_policy_erase(&w->state, slot, running))
				continue;
			assert_int_not_equal(slot, running);
			if (w->state.slot[slot].state != HF_SLOT_CONFIRMED || other->state == HF_SLOT_CONFIRMED)
				continue;
			/* The only confirmed one goes only while what failed before runs, because it did not start. */
			assert_int_equal(running, !slot);
			assert_int_equal(other->state, HF_SLOT_REJECTED);
		}
	}
	if (w->state.slot[0].state != w->state.slot[1].state)
		assert_int_not_equal(w->state.slot[hf_policy_target(&w->state, HF_PLACE_RECOVERY)].state, HF_SLOT_CONFIRMED);
}

static void nothing_erases_what_alone_is_confirmed(void **state)
{
	struct world w = { .state.floor = FLOOR };

	(void)state;
	(void)for_slots(&w, check_erase);
}

/* ---- installing and replacing recovery ---- */

static struct hf_slot_fact image(enum hf_component component, uint64_t sequence, int id)
{
	struct hf_slot_fact f = { .fact = HF_FACT_GOOD, .component = (uint8_t)component, .sequence = sequence };

	memset(f.id, id, sizeof f.id);
	return f;
}

static struct hf_state with_app(void)
{
	struct hf_state s;

	hf_state_init(&s);
	s.slot[0] = journal_of(APP, 0, HF_SLOT_CONFIRMED, 0, 0);
	s.newest = s.slot[0].sequence;
	s.floor = FLOOR;
	return s;
}

static enum hf_err install(const struct hf_state *s, unsigned running, struct hf_slot_fact f, const struct hf_slot_fact *there)
{
	return hf_policy_install(s, 1, running, &f, there, false);
}

static void sequences_count_within_their_component(void **state)
{
	struct hf_slot_fact there = image(HF_COMPONENT_RECOVERY, SEQ(1, 5), 'r');
	struct hf_state s = with_app();

	(void)state;
	/* Recovery is older than any firmware here, and that does not matter. */
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(1, 6), 'n'), &there), HF_OK);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(1, 5), 'r'), &there), HF_OK);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(1, 5), 'n'), &there), HF_ERR_SAME_SEQUENCE);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(1, 4), 'n'), &there), HF_ERR_RELEASE);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(0, 6), 'n'), &there), HF_ERR_SECURITY_VERSION);
	/* A number that the other component has is free. */
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(FLOOR, 10), 'n'), &there), HF_OK);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_APP, SEQ(FLOOR, 10), 'n'), NULL), HF_ERR_SAME_SEQUENCE);
	/* Of a partition that cannot be read the journal still knows. */
	s.recovery = (struct hf_recovery_journal){ .sequence = SEQ(3, 7), .copies = 1 };
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(2, 8), 'n'), NULL), HF_ERR_SECURITY_VERSION);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_RECOVERY, SEQ(3, 6), 'n'), NULL), HF_ERR_RELEASE);
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_APP, SEQ(2, 11), 'n'), NULL), HF_OK);
}

static void recovery_takes_older_releases_but_no_older_security_version(void **state)
{
	struct hf_state s = with_app();

	(void)state;
	assert_int_equal(install(&s, 0, image(HF_COMPONENT_APP, SEQ(2, 9), 'n'), NULL), HF_ERR_RELEASE);
	assert_int_equal(install(&s, HF_PLACE_RECOVERY, image(HF_COMPONENT_APP, SEQ(2, 9), 'n'), NULL), HF_OK);
	assert_int_equal(install(&s, HF_PLACE_RECOVERY, image(HF_COMPONENT_APP, SEQ(1, 99), 'n'), NULL),
			 HF_ERR_SECURITY_VERSION);
}

static void what_is_grandfathered_is_never_installed_nor_activated(void **state)
{
	struct hf_slot_fact f = image(HF_COMPONENT_APP, SEQ(9, 9), 'n');
	struct hf_state s = with_app();
	struct hf_record r;

	(void)state;
	f.grandfathered = true;
	assert_int_equal(install(&s, 0, f, NULL), HF_ERR_KEY);
	assert_int_equal(hf_policy_activate(&s, 1, 0, &f, &r), HF_ERR_KEY);
}

static void recovery_is_never_confirmed(void **state)
{
	struct hf_slot_fact f = image(HF_COMPONENT_RECOVERY, SEQ(9, 9), 'n');
	struct hf_state s = with_app();
	struct hf_record r;

	(void)state;
	assert_int_equal(hf_policy_confirm(&s, 1, &f, &r), HF_ERR_UNSUPPORTED);
	assert_int_equal(hf_policy_confirm(&s, HF_PLACE_RECOVERY, &f, &r), HF_ERR_NOT_FOUND);
}

static void replacement_is_recorded_twice_and_releases_the_slot(void **state)
{
	struct hf_slot_fact f = image(HF_COMPONENT_RECOVERY, SEQ(4, 4), 'n');
	struct hf_state s = with_app();
	struct hf_record r;

	(void)state;
	assert_int_equal(hf_policy_activate(&s, 1, 0, &f, &r), HF_OK);
	hf_state_apply(&s, &r);
	assert_int_equal(s.slot[1].component, HF_COMPONENT_RECOVERY);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_OK);
		assert_int_equal(r.type, HF_REC_RECOVERY);
		hf_state_apply(&s, &r);
		assert_int_equal(s.slot[1].state, HF_SLOT_UNKNOWN);
	}
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_OK);
	assert_int_equal(r.type, HF_REC_VOID);
	assert_true(s.recovery.sequence == SEQ(4, 4));
	/* Staged once more, it has to be released once more. */
	assert_int_equal(hf_policy_activate(&s, 1, 0, &f, &r), HF_OK);
	hf_state_apply(&s, &r);
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_OK);
	assert_int_equal(r.type, HF_REC_RECOVERY);
	/* Not by an older security version, by firmware, from nowhere. */
	f.sequence = SEQ(3, 9);
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_ERR_SECURITY_VERSION);
	f.component = HF_COMPONENT_APP;
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_ERR_UNSUPPORTED);
	assert_int_equal(hf_policy_replace(&s, HF_PLACE_RECOVERY, &f, &r), HF_ERR_NOT_FOUND);
	s.unknown = true;
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_ERR_PROTECTED);
}

/* Its upload was cut in its last word, which reads right today; boot started it, as the partition's has lost its key. */
static void replacement_by_what_was_not_written_to_its_end_is_refused(void **state)
{
	struct hf_slot_fact f = image(HF_COMPONENT_RECOVERY, SEQ(4, 4), 'n');
	struct hf_state s = with_app();
	struct hf_record r;

	(void)state;
	s.slot[1].state = HF_SLOT_UPLOADING;
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_ERR_ORDER);
	s.slot[1].state = HF_SLOT_WRITTEN;
	assert_int_equal(hf_policy_replace(&s, 1, &f, &r), HF_OK);
}

static void rollback_goes_to_the_other_confirmed_firmware(void **state)
{
	struct hf_state s = with_app();
	unsigned slot;

	(void)state;
	assert_int_equal(hf_policy_rollback(&s, 0, &slot), HF_ERR_NOT_FOUND);
	s.slot[1] = journal_of(APP, 1, HF_SLOT_CONFIRMED, 0, 0);
	s.current = 1;
	assert_int_equal(hf_policy_rollback(&s, 1, &slot), HF_OK);
	assert_int_equal(slot, 0);
	assert_int_equal(hf_policy_rollback(&s, HF_PLACE_RECOVERY, &slot), HF_OK);
	assert_int_equal(slot, 0);
	s.slot[0].state = HF_SLOT_INTERRUPTED;
	s.slot[0].copies = 0; /* never confirmed */
	assert_int_equal(hf_policy_rollback(&s, 1, &slot), HF_ERR_NOT_FOUND);
}

/* Three power losses in the starts that a roll-back began took the way back away for good: it said that there is none. */
static void rollback_that_power_losses_interrupted_can_be_wished_again(void **state)
{
	static const uint8_t types[] = { HF_REC_CONFIRMED, HF_REC_CONFIRMED, HF_REC_ACTIVATED,  HF_REC_ATTEMPT,
					 HF_REC_ATTEMPT,   HF_REC_ATTEMPT,   HF_REC_INTERRUPTED };
	struct hf_state s = with_app();
	unsigned slot;

	(void)state;
	s.slot[1] = journal_of(APP, 1, HF_SLOT_CONFIRMED, 0, 0);
	for (unsigned i = 0; i < sizeof types; i++) {
		struct hf_record r = hf_state_image_record((enum hf_record_type)types[i], 0, APP, s.slot[0].sequence, s.slot[0].id, 0);

		hf_state_apply(&s, &r);
	}
	s.current = 1;
	assert_int_equal(s.slot[0].state, HF_SLOT_INTERRUPTED);
	assert_int_equal(hf_policy_rollback(&s, 1, &slot), HF_OK);
	assert_int_equal(slot, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_world_gets_a_decision_that_holds),
		cmocka_unit_test(trials_of_firmware_and_recovery_come_to_an_end),
		cmocka_unit_test(nothing_erases_what_alone_is_confirmed),
		cmocka_unit_test(sequences_count_within_their_component),
		cmocka_unit_test(recovery_takes_older_releases_but_no_older_security_version),
		cmocka_unit_test(what_is_grandfathered_is_never_installed_nor_activated),
		cmocka_unit_test(recovery_is_never_confirmed),
		cmocka_unit_test(replacement_is_recorded_twice_and_releases_the_slot),
		cmocka_unit_test(replacement_by_what_was_not_written_to_its_end_is_refused),
		cmocka_unit_test(rollback_goes_to_the_other_confirmed_firmware),
		cmocka_unit_test(rollback_that_power_losses_interrupted_can_be_wished_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

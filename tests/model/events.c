/* SPDX-License-Identifier: MIT
 *
 * Each session of the engine is a new one, as after a start. What the programs around it do (when recovery leaves, what a
 * recovery from a slot does first) is theirs: recovery/main.c.
 */
#include "events.h"

#include <string.h>

#include "boot/choose.h"
#include "rules.h"
#include "update.h"

static struct hf_choose choose;
static struct hf_update update;
static struct hf_trust trust;

/* ---- starts ---- */

static void run(unsigned place, enum image image, enum hf_boot_wish wish, const struct hf_boot_decision *d)
{
	struct world *w = &model.w;
	bool recovery = image_specs[image].component == HF_COMPONENT_RECOVERY;

	w->mode = recovery ? MODE_RECOVERY : MODE_APP;
	w->place = (uint8_t)place;
	w->image = image;
	w->moving = recovery && place < HF_SLOTS;
	w->wished = recovery && (wish == HF_WISH_RECOVERY || d->action == HF_BOOT_START);
	w->last_resort = d->last_resort;
	w->request = REQUEST_NONE;
}

static void boot(enum hf_boot_wish wish)
{
	struct world *w = &model.w;
	struct world before = *w;
	struct hf_boot_decision d;

	choose.env = (struct hf_slot_env){ .flash = &model_flash, .layout = &model_layout, .crypto = &model_crypto };
	d = hf_choose(&choose, (enum hf_reset_cause)w->cause, wish);
	if (d.action == HF_BOOT_STAY) {
		w->mode = MODE_STAY;
		w->place = HF_PLACES;
	} else {
		run(d.place, world_image(w, d.place, model.course.torn_reads), wish, &d);
		if (d.append && d.place < HF_SLOTS)
			w->starts[d.place]++;
	}
	rules_start(&before, wish, &d, choose.fact,
		    !choose.journal_err && !choose.state.unknown && hf_journal_free(&choose.journal) >= HF_TRIAL_FREE_SLOTS);
}

static bool is_off(const struct world *w)
{
	return w->mode == MODE_OFF;
}

static bool is_off_unrequested(const struct world *w)
{
	return w->mode == MODE_OFF && w->request == REQUEST_NONE;
}

static bool is_app(const struct world *w)
{
	return w->mode == MODE_APP;
}

/* In recovery, and settled there. */
static bool is_recovery(const struct world *w)
{
	return w->mode == MODE_RECOVERY && !w->moving;
}

static bool is_moving(const struct world *w)
{
	return w->mode == MODE_RECOVERY && w->moving;
}

static bool serves(const struct world *w)
{
	return is_app(w) || is_recovery(w);
}

static bool runs(const struct world *w)
{
	return w->mode == MODE_APP || w->mode == MODE_RECOVERY;
}

static void start(const struct event *e)
{
	enum hf_boot_wish wish = model.w.request == REQUEST_LAST_RESORT ? HF_WISH_LAST_RESORT :
				 model.w.request == REQUEST_RECOVERY ? HF_WISH_RECOVERY : HF_WISH_NONE;

	boot(e->flag ? HF_WISH_RECOVERY : wish);
}

static void stop(const struct event *e)
{
	world_turn_off((enum hf_reset_cause)e->arg, (enum request)e->flag);
}

/* ---- the engine ---- */

/* False: it lets nothing be done. */
static bool open_engine(bool any_release)
{
	update.env = (struct hf_slot_env){ .flash = &model_flash, .layout = &model_layout, .crypto = &model_crypto };
	update.running = model.w.place;
	update.component = model.w.mode == MODE_RECOVERY ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
	update.trust = &trust;
	update.any_release = any_release;
	return hf_update_open(&update) == HF_OK;
}

/* How far an upload gets: all of it, only its head, or a payload that is not what was signed. */
enum { UPLOAD_WHOLE, UPLOAD_HEAD, UPLOAD_WRONG, UPLOAD_BY_SITE };

static void upload(const struct event *e)
{
	uint8_t package[13] = { e->arg, [9] = e->arg, 0xde, 0xc0, 0 };
	struct world before = model.w;

	if (e->flag == UPLOAD_WRONG)
		package[9] = NO_IMAGE;
	if (!open_engine(e->flag == UPLOAD_BY_SITE) || hf_update_begin(&update, sizeof package) != HF_OK)
		return;
	rules_upload_begins(&before, (enum image)e->arg);
	if (hf_update_write(&update, 0, package, e->flag == UPLOAD_HEAD ? 9 : sizeof package) == HF_OK)
		rules_upload_accepted(&before, (enum image)e->arg, e->flag == UPLOAD_BY_SITE, update.slot,
				      update.phase == HF_UPDATE_DONE);
}

static void ignore(enum hf_err err)
{
	(void)err;
}

static void activate(const struct event *e)
{
	uint8_t id[HF_SHA256_BYTES];

	memset(id, e->arg, sizeof id);
	if (open_engine(false))
		ignore(hf_update_activate(&update, e->arg ? id : NULL));
}

static void roll_back(const struct event *e)
{
	(void)e;
	if (open_engine(false))
		ignore(hf_update_rollback(&update));
}

static void confirm(const struct event *e)
{
	(void)e;
	if (open_engine(false) && hf_update_confirm(&update) == HF_OK)
		rules_confirmed();
}

static void erase(const struct event *e)
{
	(void)e;
	if (open_engine(false))
		ignore(hf_update_erase(&update));
}

static void replace_keyset(const struct event *e)
{
	(void)e;
	if (open_engine(false))
		ignore(hf_update_keep(&update, HF_LONGREC_KEYSET, (struct hf_bytes){ (const uint8_t *)"k", 1 }));
}

static void move(const struct event *e)
{
	(void)e;
	if (open_engine(false) && hf_update_install_recovery(&update) == HF_OK) {
		world_turn_off(HF_RESET_REQUEST, REQUEST_NONE);
		return;
	}
	model.w.moving = false;
}

/* recovery/main.c: may_leave() and leave(). */
static bool trial_waits(const struct world *w)
{
	return w->state.slot[0].state == HF_SLOT_TRIAL || w->state.slot[1].state == HF_SLOT_TRIAL;
}

static bool may_leave(const struct world *w)
{
	return is_recovery(w) && (w->wished || w->last_resort || trial_waits(w));
}

static void leave(const struct event *e)
{
	(void)e;
	world_turn_off(HF_RESET_REQUEST, model.w.wished || trial_waits(&model.w) ? REQUEST_NORMAL : REQUEST_LAST_RESORT);
}

/* ---- the rest of the world ---- */

static bool keyset_is_old(const struct world *w)
{
	return serves(w) && w->keyset == 0;
}

static bool nothing_starts(const struct world *w)
{
	return w->mode == MODE_STAY;
}

/* By the chip's own loader: a recovery whose keys count. */
static void burn_recovery(const struct event *e)
{
	struct world *w = &model.w;

	w->head[HF_PLACE_RECOVERY] = w->content[HF_PLACE_RECOVERY] = e->arg;
	world_turn_off(HF_RESET_POWER, REQUEST_NONE);
}

static void rot(const struct event *e)
{
	uint8_t *word = e->flag ? &model.w.head[e->arg] : &model.w.content[e->arg];

	*word = WORD_GARBAGE;
}

static bool lives(const struct world *w)
{
	return w->mode != MODE_STAY;
}

static bool journal_lives(const struct world *w)
{
	return lives(w) && !w->dead && !w->blank;
}

static void journal_dies(const struct event *e)
{
	(void)e;
	model.w.dead = true;
}

#define STOP(what, cause, request) { .name = what, .possible = runs, .happen = stop, .arg = cause, .flag = request, .help = true }
#define UPLOAD(what, image, how) \
	{ .name = "upload " what, .possible = serves, .happen = upload, .writes = true, .arg = image, .flag = how }
#define ROT(what, place, head) { .name = what " rots", .possible = lives, .happen = rot, .rots = true, .arg = place, .flag = head }

const struct event events[] = {
	{ .name = "start", .possible = is_off, .happen = start, .writes = true, .starts = true, .help = true },
	{ .name = "start, pin held", .possible = is_off_unrequested, .happen = start, .writes = true, .starts = true,
	  .help = true, .flag = 1 },
	STOP("power fails", HF_RESET_POWER, REQUEST_NONE),
	STOP("reset by pin", HF_RESET_PIN, REQUEST_NONE),
	STOP("reset by request", HF_RESET_REQUEST, REQUEST_NORMAL),
	STOP("recovery requested", HF_RESET_REQUEST, REQUEST_RECOVERY),
	STOP("watchdog", HF_RESET_WATCHDOG, REQUEST_NONE),
	STOP("self-test fails", HF_RESET_FAULT, REQUEST_NONE),
	{ .name = "confirm", .possible = is_app, .happen = confirm, .writes = true, .help = true },
	{ .name = "upload secure", .possible = serves, .happen = upload, .writes = true, .help = true, .arg = SECURE },
	UPLOAD("older", OLDER, UPLOAD_WHOLE),
	UPLOAD("older by site", OLDER, UPLOAD_BY_SITE),
	UPLOAD("first", FIRST, UPLOAD_WHOLE),
	UPLOAD("first by site", FIRST, UPLOAD_BY_SITE),
	UPLOAD("next", NEXT, UPLOAD_WHOLE),
	UPLOAD("next, head only", NEXT, UPLOAD_HEAD),
	UPLOAD("next, wrong payload", NEXT, UPLOAD_WRONG),
	UPLOAD("twin of next", NEXT_TWIN, UPLOAD_WHOLE),
	UPLOAD("recovery 1", RECOVERY_1, UPLOAD_WHOLE),
	UPLOAD("recovery 2", RECOVERY_2, UPLOAD_WHOLE),
	{ .name = "activate", .possible = serves, .happen = activate, .writes = true, .help = true },
	{ .name = "activate first", .possible = is_recovery, .happen = activate, .writes = true, .arg = FIRST },
	{ .name = "activate next", .possible = is_recovery, .happen = activate, .writes = true, .arg = NEXT },
	{ .name = "activate secure", .possible = is_recovery, .happen = activate, .writes = true, .help = true, .arg = SECURE },
	{ .name = "roll back", .possible = serves, .happen = roll_back, .writes = true },
	{ .name = "erase", .possible = serves, .happen = erase, .writes = true, .help = true },
	{ .name = "replace keyset", .possible = keyset_is_old, .happen = replace_keyset, .writes = true },
	{ .name = "recovery takes its place", .possible = is_moving, .happen = move, .writes = true, .help = true },
	{ .name = "recovery leaves", .possible = may_leave, .happen = leave, .help = true },
	{ .name = "burn recovery", .possible = nothing_starts, .happen = burn_recovery, .help = true, .arg = RECOVERY_2 },
	ROT("slot A's content", HF_PLACE_A, 0),
	ROT("slot A's head", HF_PLACE_A, 1),
	ROT("slot B's content", HF_PLACE_B, 0),
	ROT("slot B's head", HF_PLACE_B, 1),
	ROT("recovery's content", HF_PLACE_RECOVERY, 0),
	ROT("recovery's head", HF_PLACE_RECOVERY, 1),
	{ .name = "the journal's memory dies", .possible = journal_lives, .happen = journal_dies, .rots = true },
};
const unsigned event_count = sizeof events / sizeof events[0];

bool event_apply(const struct event *e)
{
	bool cut;

	model.operations = 0;
	memset(model.looks, 0, sizeof model.looks);
	model.records = 0;
	cut = setjmp(model.lost) != 0;
	if (!cut)
		e->happen(e);
	return !cut;
}

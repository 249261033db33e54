/* SPDX-License-Identifier: MIT
 *
 * A story is a list of findings, each with a kind for programs and one sentence for people: torn (what a cut has left, and
 * harms nobody), open (what it has left unfinished, and who will finish it), repaired (and by whom), attempt, fault, start,
 * error. What is told
 * comes from numbers that the device keeps; nothing is guessed beyond them.
 */
#include "blackbox_show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "history_text.h"
#include "out.h"
#include "uuid.h"
#include "version.h"

#define LAST_ERRORS  6u
#define SEGMENT_KIB  (HF_SEGMENT_BYTES / 1024u)
#define POLICY_STEPS 16u
#define NEXT_BYTES   160

static const char *const contents[HF_LONGREC_KINDS] = { "keyset", "configuration" };

__attribute__((format(printf, 3, 4))) static void find(json_t *findings, const char *kind, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_array_append_new(findings, json_pack("{s:s, s:s}", "kind", kind, "text", text));
}

static const char *place_text(unsigned place)
{
	return place == HF_PLACE_A ? "slot A" : place == HF_PLACE_B ? "slot B" : place == HF_PLACE_RECOVERY ? "recovery" : "nothing";
}

static const char *record_text(unsigned type)
{
	switch (type) {
	case HF_REC_UPLOAD_BEGUN:
		return "an upload's begin";
	case HF_REC_ERASE_BEGUN:
		return "an erase's begin";
	case HF_REC_ERASE_DONE:
		return "an erase's end";
	case HF_REC_SEGMENT:
		return "a segment's commit";
	case HF_REC_WRITTEN:
		return "an upload's end";
	case HF_REC_ACTIVATED:
		return "an activation";
	case HF_REC_ATTEMPT:
		return "a trial's start";
	case HF_REC_CONFIRMED:
		return "a confirmation";
	case HF_REC_REJECTED:
	case HF_REC_INTERRUPTED:
		return "a trial's end";
	case HF_REC_RECOVERY:
		return "recovery's replacement";
	case HF_REC_PART:
	case HF_REC_END:
		return "a keyset or configuration";
	}
	return "a record of the journal's own";
}

static void find_crash(const struct hf_story *s, json_t *findings)
{
	static const char *const kinds[] = { "", "an exception", "an interrupt that nobody handles", "a failed self-test",
					     "a fault before main" };
	const uint32_t *c = s->box.port.crash;

	if (c[0] == 0)
		return;
	if (c[0] >= sizeof kinds / sizeof kinds[0])
		find(findings, "fault", "the last crash is of a kind that this tool does not know (%u), at %08x", c[0], c[1]);
	else if (c[0] > 2)
		find(findings, "fault", "the last crash was %s", kinds[c[0]]);
	else
		find(findings, "fault", "the last crash was %s at %08x (LR %08x, CFSR %08x, address %08x)", kinds[c[0]], c[1],
		     c[2], c[3], c[4]);
}

/* The newest first. */
static void find_starts(const struct hf_story *s, json_t *findings)
{
	for (unsigned i = 0; i < s->box.starts; i++) {
		uint32_t w = s->box.port.start[i];
		unsigned place = HF_START_PLACE(w);
		char repairs[HF_REPAIRS_TEXT_BYTES], when[32];

		hf_repairs_text(w, repairs);
		snprintf(when, sizeof when, i == 0 ? "this start" : i == 1 ? "the start before" : "%u starts before", i);
		find(findings, "start", "%s: reset by %s, boot started %s%s", when, hf_start_cause_text(w),
		     place_text(place ? place - 1 : HF_PLACES),
		     w & HF_START_SETTLED ? "" : i ? ", which did not run 5 s" : ", which has not run 5 s yet");
		if (repairs[0])
			find(findings, "repaired", "%s: boot %s", when, repairs);
	}
}

static void find_journal(const struct hf_story *s, json_t *findings)
{
	const struct hf_smp_blackbox *b = &s->box;
	char repairs[HF_REPAIRS_TEXT_BYTES];

	if (!b->live)
		find(findings, "open", "there is no journal: it is new, or both copies are lost");
	if (b->stuck)
		find(findings, "open", "the journal can be read, but not written: %s", hf_err_text(b->stuck));
	if (b->unknown)
		find(findings, "open", "the journal holds what only later firmware understands: nothing is changed by this one");
	if (b->box.dirty)
		find(findings, "torn", "a journal take-over was cut, or its sector does not erase; the next take-over erases it first");
	if (b->box.torn)
		find(findings, "torn", "%u journal slot%s torn since the last take-over, and dead; nothing that was acknowledged is lost",
		     b->box.torn, b->box.torn == 1 ? " was" : "s were");
	if (b->box.worn)
		find(findings, "torn", "%u journal slot%s not program: memory wears out", b->box.worn, b->box.worn == 1 ? " does" : "s do");
	if (b->box.last_slot)
		find(findings, "torn", "the last such slot is number %u, which was to be %s; %u record%s been written since", b->box.last_slot,
		     record_text(b->box.last_type), b->box.since, b->box.since == 1 ? " has" : "s have");
	if (hf_repairs_text(hf_start_repairs(&b->now), repairs)[0])
		find(findings, "repaired", "this start: %s, behind boot, %s", s->status.running < HF_SLOTS ? "the firmware" : "recovery",
		     repairs);
}

static void find_sectors(const struct hf_story *s, unsigned i, json_t *findings)
{
	const struct hf_blackbox_slot *slot = &s->box.box.slot[i];

	for (unsigned n = 0; n < HF_MAX_SECTORS; n++) {
		if (slot->begun >> n & 1)
			find(findings, "open", "slot %c: the erase of sector %u was begun and is not done; it is erased again before it is "
			     "written", 'A' + (int)i, n);
		else if (slot->again >> n & 1)
			find(findings, "repaired", "slot %c: the erase of sector %u was cut; it was erased again", 'A' + (int)i, n);
	}
}

static bool moves(const struct hf_story *s, unsigned i)
{
	return s->status.phase != 0 && s->status.phase != 3 && s->status.target == i;
}

static bool for_nobody(const struct hf_slot_journal *slot)
{
	static const uint8_t nobody[HF_ID_BYTES];

	return memcmp(slot->id, nobody, sizeof nobody) == 0;
}

static void find_slot(const struct hf_story *s, unsigned i, json_t *findings)
{
	const struct hf_slot_journal *slot = &s->status.state.slot[i];
	char name = (char)('A' + i);

	if (slot->state == HF_SLOT_TRIAL)
		find(findings, "attempt", "slot %c: on trial, %u of %u starts used, %u of them failed", name, slot->starts, HF_TRIAL_STARTS,
		     slot->failures);
	else if (slot->state == HF_SLOT_REJECTED)
		find(findings, "attempt", "slot %c: given up after its trial: %s", name,
		     slot->reason == HF_REASON_VERIFY ? "it did not verify" : hf_smp_reset_cause_text(slot->reason));
	else if (slot->state == HF_SLOT_INTERRUPTED)
		find(findings, "attempt", "slot %c: its trial was used up by power losses; it may be activated again", name);
	if (!s->tells)
		return;
	find_sectors(s, i, findings);
	if (slot->state == HF_SLOT_UPLOADING && !for_nobody(slot) && !moves(s, i))
		find(findings, "open", "slot %c: an upload was cut; %u KiB are committed, and the same package sent again goes on there",
		     name, s->box.segments[i] * SEGMENT_KIB);
	if (slot->state == HF_SLOT_CONFIRMED && s->box.copies[i] == 1)
		find(findings, "open", "slot %c: its confirmation is written once only; the firmware writes it again", name);
	if (s->box.component[i] && s->box.box.slot[i].starts)
		find(findings, "open", "recovery is being replaced from slot %c, %u start%s used; it goes on at the next start", name,
		     s->box.box.slot[i].starts, s->box.box.slot[i].starts == 1 ? "" : "s");
}

static void find_recovery(const struct hf_story *s, json_t *findings)
{
	const struct hf_smp_blackbox *b = &s->box;

	if (b->recovery_err)
		find(findings, "open", "the recovery partition holds no recovery: %s", hf_err_text(b->recovery_err));
	if (b->recovery_copies == 1)
		find(findings, "open", "the record of recovery's replacement is written once only");
	if (b->box.recovery_starts > 1)
		find(findings, "repaired", "recovery's replacement was cut; it copied itself again, and was done at its start %u",
		     b->box.recovery_starts);
}

static void find_kept(const struct hf_story *s, json_t *findings)
{
	for (unsigned i = 0; i < HF_LONGREC_KINDS; i++) {
		const struct hf_blackbox_content *c = &s->box.box.content[i];

		if (c->parts)
			find(findings, "open", "a write of the %s was cut, %u part%s of it there; the one before counts: write it again",
			     contents[i], c->parts, c->parts == 1 ? " is" : "s are");
		else if (c->copies == 1)
			find(findings, "open", "the %s is written once only; the same one written again adds the second copy", contents[i]);
		if (c->cut)
			find(findings, "repaired", "%u write%s of the %s %s cut; a later one is whole", c->cut, c->cut == 1 ? "" : "s",
			     contents[i], c->cut == 1 ? "was" : "were");
	}
}

/* The newest first. */
static void find_errors(const struct hf_story *s, json_t *findings)
{
	struct hf_history_record record[LAST_ERRORS], r;
	char text[HF_HISTORY_TEXT_BYTES];
	unsigned n = 0;
	size_t off = 0;

	if (s->status.last_error)
		find(findings, "error", "the last refusal: %s", s->status.last_error_text);
	while (hf_history_each(s->history, &off, &r))
		if (hf_history_is_trouble(&r))
			record[n++ % LAST_ERRORS] = r;
	for (unsigned i = 0; i < n && i < LAST_ERRORS; i++)
		find(findings, "error", "history, record %u: %s", record[(n - 1 - i) % LAST_ERRORS].number,
		     hf_history_text(&record[(n - 1 - i) % LAST_ERRORS], text));
}

static json_t *findings_of(const struct hf_story *s)
{
	json_t *findings = json_array();

	if (s->tells) {
		find_starts(s, findings);
		find_crash(s, findings);
	}
	for (unsigned i = 0; i < HF_SLOTS; i++)
		find_slot(s, i, findings);
	if (s->tells) {
		find_recovery(s, findings);
		find_kept(s, findings);
		find_journal(s, findings);
	}
	find_errors(s, findings);
	return findings;
}

static struct hf_slot_fact fact_of(const struct hf_smp_place *p)
{
	struct hf_slot_fact f = { .fact = HF_FACT_BAD, .why = p->verdict };

	if (p->verdict)
		return f;
	f.fact = HF_FACT_GOOD;
	f.component = (uint8_t)p->component;
	f.sequence = p->sequence;
	memcpy(f.id, p->hash, sizeof f.id);
	return f;
}

bool hf_story_next(const struct hf_story *s, struct hf_boot_decision *next)
{
	struct hf_state state = s->status.state;
	struct hf_slot_fact fact[HF_PLACES];

	if (!s->tells || !s->verified)
		return false;
	for (unsigned i = 0; i < HF_PLACES; i++)
		fact[i] = fact_of(&s->place[i]);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		state.slot[i].component = s->box.component[i];
	state.recovery.sequence = s->box.recovery_sequence;
	state.unknown = s->box.unknown;
	for (unsigned i = 0; i < POLICY_STEPS; i++) {
		*next = hf_policy_boot(&state, fact, HF_RESET_REQUEST, HF_WISH_NONE, s->status.journal_free);
		if (next->append)
			hf_state_apply(&state, &next->record);
		if (next->action != HF_BOOT_VERIFY)
			return true;
	}
	return false;
}

static const char *next_text(const struct hf_story *s, const struct hf_boot_decision *d, char text[NEXT_BYTES])
{
	char version[HF_VERSION_TEXT_BYTES] = "";
	bool trial = d->append && d->record.type == HF_REC_ATTEMPT;

	if (d->place < HF_PLACES)
		hf_version_format(s->place[d->place].version, s->place[d->place].versions, version);
	if (d->action == HF_BOOT_STAY)
		snprintf(text, NEXT_BYTES, "boot finds nothing to start, and leaves to the chip's own loader: `holdfast recover` leads on");
	else if (d->action == HF_BOOT_LAST_RESORT)
		snprintf(text, NEXT_BYTES, "boot waits a minute, and starts %s in %s, which failed before: burn good firmware", version,
			 place_text(d->place));
	else if (d->action == HF_BOOT_RECOVERY)
		snprintf(text, NEXT_BYTES, "boot starts recovery %s, no firmware may start: burn some", version);
	else
		snprintf(text, NEXT_BYTES, "boot starts %s in %s%s", version, place_text(d->place), trial ? ", on trial" : "");
	return text;
}

static const char *advice(const struct hf_story *s, json_t *findings)
{
	const struct hf_boot_decision none = { .action = HF_BOOT_START };
	struct hf_boot_decision d = none;
	size_t i;
	json_t *f;

	if (hf_story_next(s, &d) && d.action != HF_BOOT_START)
		return "burn firmware: `holdfast burn PACKAGE`";
	if (s->tells && (s->box.stuck || s->box.box.worn))
		return "memory fails: plan to replace the device";
	json_array_foreach(findings, i, f) {
		if (strcmp(json_string_value(json_object_get(f, "kind")), "open") == 0)
			return "finish what was cut: send the same package or file again, or leave it; the device works either way";
	}
	return "nothing is to be done";
}

static uint32_t this_start(const struct hf_story *s)
{
	return s->tells && s->box.starts ? s->box.port.start[0] : s->status.reset_cause & 7;
}

void hf_story_print(const struct hf_story *s)
{
	const char *bold = hf_out_colour(stdout, HF_COLOUR_BOLD), *plain = hf_out_colour(stdout, HF_COLOUR_NONE);
	char device[HF_UUID_TEXT_BYTES], version[HF_VERSION_TEXT_BYTES], text[NEXT_BYTES];
	json_t *findings = findings_of(s), *f;
	struct hf_boot_decision next;
	size_t i;

	hf_uuid_format(s->status.device_id, device);
	hf_version_format(s->status.version, s->status.versions, version);
	printf("%s%s%s  %s\n", bold, s->status.board, plain, device);
	if (s->status.running < HF_SLOTS)
		printf("  runs      %s in slot %c, reset by: %s\n", version, 'A' + (int)s->status.running, hf_start_cause_text(this_start(s)));
	else
		printf("  runs      recovery, reset by: %s\n", hf_start_cause_text(this_start(s)));
	if (s->tells && s->box.starts)
		printf("  in a row  %u restart%s that did not come to rest; %u of them crashes\n", HF_START_ROW(this_start(s)) - 1,
		       HF_START_ROW(this_start(s)) == 2 ? "" : "s", s->box.port.crashes);
	json_array_foreach(findings, i, f)
		printf("  %-8s  %s\n", json_string_value(json_object_get(f, "kind")), json_string_value(json_object_get(f, "text")));
	if (!s->tells)
		printf("  unknown   this firmware is older than the black box: what was torn and repaired is not known\n");
	if (hf_story_next(s, &next))
		printf("  next      %s\n", next_text(s, &next, text));
	printf("  to do     %s\n", advice(s, findings));
	json_decref(findings);
}

static json_t *json_starts(const struct hf_story *s)
{
	json_t *starts = json_array();

	for (unsigned i = 0; i < s->box.starts; i++) {
		uint32_t w = s->box.port.start[i];
		unsigned place = HF_START_PLACE(w), done = HF_START_DONE(w);

		json_array_append_new(starts, json_pack("{s:s, s:s, s:b, s:i, s:i, s:b, s:b, s:b, s:b}", "cause", hf_start_cause_text(w),
							"started", place_text(place ? place - 1 : HF_PLACES), "settled",
							(w & HF_START_SETTLED) != 0, "row", (int)HF_START_ROW(w), "torn",
							(int)HF_START_TORN(w), "zeroed", (done & HF_REPAIR_ZEROED) != 0, "undone",
							(done & HF_REPAIR_UNDONE) != 0, "finished", (done & HF_REPAIR_FINISHED) != 0,
							"no_journal", (w & HF_START_NO_JOURNAL) != 0));
	}
	return starts;
}

static json_t *json_box(const struct hf_story *s)
{
	const struct hf_smp_blackbox *b = &s->box;
	json_t *slots = json_array(), *kept = json_object();
	const uint32_t *c = b->port.crash;
	json_t *all;

	for (unsigned i = 0; i < HF_SLOTS; i++)
		json_array_append_new(slots, json_pack("{s:I, s:I, s:i, s:i, s:i}", "erase_begun", (json_int_t)b->box.slot[i].begun,
						       "erased_again", (json_int_t)b->box.slot[i].again, "committed_kib",
						       (int)(b->segments[i] * SEGMENT_KIB), "confirmation_copies", b->copies[i],
						       "recovery_starts", b->box.slot[i].starts));
	for (unsigned i = 0; i < HF_LONGREC_KINDS; i++)
		json_object_set_new(kept, contents[i], json_pack("{s:i, s:i, s:i}", "copies", b->box.content[i].copies, "parts",
								 b->box.content[i].parts, "cut", b->box.content[i].cut));
	all = json_pack("{s:o, s:i, s:o, s:o}", "starts", json_starts(s), "crashes", b->port.crashes, "slots", slots, "kept", kept);
	json_object_set_new(all, "journal", json_pack("{s:b, s:i, s:i, s:i, s:b, s:i}", "live", b->live, "torn", b->box.torn, "worn",
						      b->box.worn, "last_slot", b->box.last_slot, "dirty", b->box.dirty, "stuck", b->stuck));
	json_object_set_new(all, "recovery", json_pack("{s:i, s:i, s:i}", "error", b->recovery_err, "copies", b->recovery_copies,
						       "starts", b->box.recovery_starts));
	json_object_set_new(all, "crash", c[0] == 0 ? json_null() :
			    json_pack("{s:I, s:I, s:I, s:I, s:I}", "kind", (json_int_t)c[0], "pc", (json_int_t)c[1], "lr",
				      (json_int_t)c[2], "cfsr", (json_int_t)c[3], "address", (json_int_t)c[4]));
	return all;
}

json_t *hf_story_json(const struct hf_story *s)
{
	static const char *const actions[] = { "verify", "start", "recovery", "last_resort", "stay" };
	char device[HF_UUID_TEXT_BYTES], text[NEXT_BYTES];
	json_t *findings = findings_of(s), *all;
	struct hf_boot_decision next;

	hf_uuid_format(s->status.device_id, device);
	all = json_pack("{s:s, s:s, s:s, s:s, s:o}", "board", s->status.board, "device_id", device, "reset_cause",
			hf_start_cause_text(this_start(s)), "to_do", advice(s, findings), "findings", findings);
	json_object_set_new(all, "black_box", s->tells ? json_box(s) : json_null());
	if (hf_story_next(s, &next))
		json_object_set_new(all, "next", json_pack("{s:s, s:s, s:b, s:s}", "action", actions[next.action], "place",
							   place_text(next.place), "trial",
							   next.append && next.record.type == HF_REC_ATTEMPT, "text",
							   next_text(s, &next, text)));
	else
		json_object_set_new(all, "next", json_null());
	return all;
}

/* SPDX-License-Identifier: MIT */
#include "way_show.h"

#include "rom_cli.h"
#include "version.h"

void hf_way_show_say(struct hf_burn_show *s, enum hf_way way, uint64_t now_ms, const char *text)
{
	json_t *event = json_pack("{s:s, s:s}", "way", hf_way_text(way), "text", text);

	hf_burn_show_say(s, "way", now_ms, text, event);
}

void hf_way_show_rom(struct hf_burn_show *s, const struct hf_rom_event *e)
{
	if (e->text)
		hf_burn_show_say(s, hf_rom_cli_stage_text(e->stage), e->now_ms, e->text, NULL);
	else if (e->stage == HF_ROM_WRITE)
		hf_burn_show_work(s, "write", e->done, e->total, e->skipped, e->now_ms);
	else
		hf_burn_show_wait(s, "waiting for the ROM loader", e->left_ms, e->now_ms);
}

/* ---- the result ---- */

static json_t *slot_facts(const struct hf_rom_slot_result *r)
{
	static const char *const places[HF_PLACES] = {"A", "B", "recovery"};

	return json_pack("{s:s, s:b, s:i, s:i, s:i}", "place", places[r->place], "journal_kept", r->journal_kept, "floor", (int)r->floor,
			 "keyset", (int)r->keyset, "configuration_bytes", (int)r->configuration);
}

static json_t *facts_of(const struct hf_flow_result *r)
{
	json_t *all = json_pack("{s:s, s:[]}", "way", hf_way_text(r->way), "ways");

	for (unsigned i = 0; i < r->attempts; i++)
		json_array_append_new(json_object_get(all, "ways"),
				      json_pack("{s:s, s:s}", "way", hf_way_text(r->attempt[i].way), "end",
						hf_way_end_text(r->attempt[i].end)));
	if (!r->rom_known)
		return all;
	json_object_set_new(all, "chip", hf_rom_cli_chip(&r->rom));
	json_object_update_new(all, json_pack("{s:I, s:I, s:I, s:I}", "sectors_kept", (json_int_t)r->rom.count.kept, "sectors_erased",
					      (json_int_t)r->rom.count.erased, "bytes_written", (json_int_t)r->rom.count.written,
					      "bytes_read", (json_int_t)r->rom.count.read));
	if (r->slot.place < HF_PLACES)
		json_object_update_new(all, slot_facts(&r->slot));
	return all;
}

static void print_slot(const struct hf_flow_result *r)
{
	static const char *const places[HF_PLACES] = {"slot A", "slot B", "the recovery partition"};
	const struct hf_rom_slot_result *s = &r->slot;
	char version[HF_VERSION_TEXT_BYTES];

	hf_version_format(s->image.version, s->image.versions, version);
	printf("  written  %s in %s, read back and right: %u sectors written, %u were right already\n", version, places[s->place],
	       r->rom.count.erased, r->rom.count.kept);
	if (s->journal_kept)
		printf("  kept     journal (%u records), keyset %u, floor %u, configuration (%u bytes)\n", s->records, s->keyset, s->floor,
		       s->configuration);
	else
		printf("  kept     the factory's keyset %u; the journal is new, with floor %u: there was none, it was lost, or it was given "
		       "up, and with it configuration and history\n", s->keyset, s->floor);
}

enum hf_exit hf_way_show_result(struct hf_burn_show *s, const struct hf_flow_result *r, enum hf_exit code, json_t *facts)
{
	json_t *all = facts_of(r);
	bool by_rom = r->slot.place < HF_PLACES;

	if (facts)
		json_object_update(all, facts);
	json_decref(facts);
	if (code == HF_EXIT_OK)
		code = hf_burn_exit(&r->burn);
	if (by_rom && r->burn.outcome == HF_BURN_UPLOADED)
		s->done = "written through the chip's ROM loader, read back and recorded";
	hf_burn_show_result(s, &r->burn, code, all);
	if (code == HF_EXIT_OK && by_rom && !s->json && !s->quiet)
		print_slot(r);
	return code;
}

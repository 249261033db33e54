/* SPDX-License-Identifier: MIT
 *
 * Journal sectors that hold anything at all. Whatever they hold: a mount ends, says the same the next time, boot's
 * policy comes to a decision, and where the journal is open, appending and taking over keep what was read.
 */
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "sim_flash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct hf_layout layout = {
	.name = "fuzz",
	.sectors = 2,
	.sector = { { 0x08000000, 1024 }, { 0x08000400, 1024 } },
	.journal = { { 0x08000000, 1024 }, { 0x08000400, 1024 } },
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void load(struct sim_flash *flash, struct hf_journal *j, struct hf_state *state)
{
	bool blank;

	must(hf_state_load(j, &flash->ops, &layout, state, &blank) == HF_OK);
}

static void decide(const struct hf_state *from, const uint8_t *data, size_t len, unsigned free_slots)
{
	struct hf_slot_fact fact[HF_PLACES] = { { 0 } };
	struct hf_state state = *from;

	for (unsigned i = 0; i < 10; i++) {
		struct hf_boot_decision d = hf_policy_boot(&state, fact, (enum hf_reset_cause)(len % 5),
							   (enum hf_boot_wish)(len % 3), free_slots);

		if (d.append)
			hf_state_apply(&state, &d.record);
		if (d.action != HF_BOOT_VERIFY)
			return;
		if (d.place < HF_PLACES) {
			struct hf_slot_fact *f = &fact[d.place];
			unsigned bits = len > d.place ? data[len - 1 - d.place] : 0;

			f->fact = bits & 1 ? HF_FACT_GOOD : HF_FACT_BAD;
			f->component = d.place == HF_PLACE_RECOVERY || bits & 2 ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
			f->grandfathered = (bits & 12) == 12;
			if (d.place < HF_SLOTS) {
				f->sequence = state.slot[d.place].sequence;
				memcpy(f->id, state.slot[d.place].id, HF_ID_BYTES);
			}
		}
	}
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_record r = { .type = HF_REC_ACTIVATED };
	struct sim_flash flash;
	struct hf_journal j;
	struct hf_state first, second;

	sim_flash_open(&flash, &layout);
	memcpy(flash.mem, data, len < flash.size ? len : flash.size);
	load(&flash, &j, &first);
	load(&flash, &j, &second);
	must(memcmp(&first, &second, sizeof first) == 0);
	decide(&first, data, len, hf_journal_free(&j));
	if (hf_journal_free(&j) > 0) {
		must(hf_journal_append(&j, &r) == HF_OK);
		hf_state_apply(&first, &r);
		load(&flash, &j, &second);
		must(memcmp(&first, &second, sizeof first) == 0);
	}
	must(hf_state_take_over(&j, &first) == HF_OK);
	load(&flash, &j, &second);
	must(hf_journal_free(&j) > 0);
	must(first.newest == second.newest && first.floor == second.floor && first.current == second.current);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		must(first.slot[i].state == second.slot[i].state && first.slot[i].sequence == second.slot[i].sequence);
	sim_flash_close(&flash);
	return 0;
}

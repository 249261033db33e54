/* SPDX-License-Identifier: MIT
 *
 * What must hold, written down independently of the policy. rule() (world.h) notes what does not.
 */
#ifndef HF_MODEL_RULES_H
#define HF_MODEL_RULES_H

#include "world.h"

/* Boot has decided, from `before`. counts: the journal could take a start of a trial. */
void rules_start(const struct world *before, enum hf_boot_wish wish, const struct hf_boot_decision *d,
		 const struct hf_slot_fact fact[HF_PLACES], bool counts);

void rules_upload_begins(const struct world *before, enum image image);
void rules_upload_accepted(const struct world *before, enum image image, bool any_release, unsigned slot, bool done);
void rules_confirmed(void);

/* Between any two states. */
struct event;
void rules_step(const struct world *before, const struct world *after, const struct event *e);

/* Firmware in this slot that was confirmed, is intact, and may start without anybody's wish. */
bool rules_confirmed_starts(const struct world *w, unsigned slot, bool torn_reads);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Flows that somebody hostile takes part in, or bad luck at a bad time: for the table in flows.c.
 */
#ifndef HF_CAMPAIGN_HOSTILE_H
#define HF_CAMPAIGN_HOSTILE_H

#include "campaign.h"

/* Everything that has to be refused is, and damaged firmware is not started; then a damaged upload is put right. */
const char *hostile_prepare(struct campaign *c);
const char *hostile_run(struct campaign *c);
const char *hostile_again(struct campaign *c);
const char *hostile_come_back(struct campaign *c);

/* An upload is given up for another package. */
const char *hostile_change_of_mind(struct campaign *c);
const char *hostile_to_small(struct campaign *c);
const char *hostile_back_to_small(struct campaign *c);

/* What was rejected must not be activated again; firmware on trial takes no orders. Both come back by hostile_come_back. */
const char *hostile_reject(struct campaign *c);
const char *hostile_order_in_trial(struct campaign *c);

/* Two starts of a trial end by power losses; the third one. Comes back by hostile_back_to_small. */
const char *hostile_brown_outs(struct campaign *c);
const char *hostile_third_start(struct campaign *c);

/* Firmware of a higher security version is confirmed; the older one is erased, and never starts again. */
const char *hostile_secure(struct campaign *c);
const char *hostile_erase_old(struct campaign *c);
const char *hostile_old_erased(struct campaign *c);

#endif

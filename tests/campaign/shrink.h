/* SPDX-License-Identifier: MIT
 *
 * The smallest case that fails like one that failed: fewer faults, milder ones, earlier ones.
 */
#ifndef HF_CAMPAIGN_SHRINK_H
#define HF_CAMPAIGN_SHRINK_H

#include "play.h"

/* Replaces *k, which fails; returns why it still does (static storage). Plays at most some hundred cases. */
const char *shrink(struct player *p, struct test_case *k);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HF_CAMPAIGN_STRIKE_H
#define HF_CAMPAIGN_STRIKE_H

#include "play.h"

/* How long a client waits that is cut or lied to. */
#define STRIKE_PATIENCE_MS 2500u

/* Follows the twin of this player from now on. */
void strike_listen(struct player *p);

/* Restores the twin, and strikes as the case says. Afterwards the device is off, on, or was just reset. NULL, or why it could
 * not strike; with clocks that are off, also why the flow did not end well; strike_refused: a chip whose memory is bad was not
 * burned, and that is the end of it. */
const char *strike(struct player *p, const struct test_case *k);

extern const char strike_refused[];

/* Until a sector was erased, then the power goes; false: none was within three seconds, or the power went before. */
bool strike_until_erase(struct player *p);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HF_CAMPAIGN_HARMED_H
#define HF_CAMPAIGN_HARMED_H

#include "campaign.h"

/* How a device without power comes back whose memory was harmed: whatever starts verifies and is one of ours; an upgrade
 * repairs what was stored; where memory is dead it is refused, and what there was goes on. Where nothing verifies any
 * more, nothing may start. NULL, or what went wrong. */
const char *harmed_comes_back(struct campaign *c);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What the flows share. Each function: NULL, or what went wrong, or campaign_same.
 */
#ifndef HF_CAMPAIGN_FLOWS_H
#define HF_CAMPAIGN_FLOWS_H

#include "campaign.h"
#include "smp_client.h"

/* Where campaign_known is asked. */
enum { PHASE_ACTIVATED = 1, PHASE_COMMITTED, PHASE_RESET, PHASE_BURNED };

/* From a device without power. */
const char *flow_start(struct campaign *c);

/* Does this image run? */
bool flow_runs(struct campaign *c, const uint8_t id[HF_SHA256_BYTES]);

/* NULL, or why a request failed. */
const char *flow_said(struct campaign *c, enum hf_err err, const struct hf_smp_answer *answer, const char *doing);

/* An upload by somebody who tries again: where it is long, the power goes once more behind its first segment, so that cases
 * share the rest. An upgrade of this kind, until the firmware is confirmed. */
const char *flow_upload(struct campaign *c, const struct lab_package *p);
const char *flow_upgrade(struct campaign *c, const struct lab_package *p);

/* What is written is activated, until it is confirmed. */
const char *flow_activate(struct campaign *c, const struct lab_package *p);

/* From a device without power: it starts, what hangs gives way, and an upgrade to `small` ends confirmed. */
const char *flow_back_to_small(struct campaign *c);

#define FLOW_CONFIRM_NS (30000 * LAB_MS)

/* flows_upgrade.c */
const char *first_start(struct campaign *c);
const char *first_started(struct campaign *c);
const char *upload(struct campaign *c);
const char *uploaded(struct campaign *c);
const char *activate(struct campaign *c);
const char *activate_before(struct campaign *c);
const char *confirm(struct campaign *c);
const char *confirm_before(struct campaign *c);
const char *upgrade(struct campaign *c);
const char *roll_back(struct campaign *c);
const char *upload_hang(struct campaign *c);
const char *take_over(struct campaign *c);
const char *fill_journal(struct campaign *c);
const char *upgrade_to_later(struct campaign *c);
const char *roll_back_by_hand(struct campaign *c);
const char *rolled_back_by_hand(struct campaign *c);

/* flows_keep.c */
const char *configure_before(struct campaign *c);
const char *configure(struct campaign *c);
const char *configured(struct campaign *c);
const char *replace_keyset(struct campaign *c);
const char *keyset_replaced(struct campaign *c);
const char *factory_reset(struct campaign *c);
const char *is_reset(struct campaign *c);
struct hf_bytes kept_configuration(const struct campaign *c, unsigned kind, unsigned which);
struct hf_bytes kept_keyset(const struct campaign *c, unsigned kind, unsigned which);
struct hf_bytes kept_reset(const struct campaign *c, unsigned kind, unsigned which);

/* flows_recovery.c */
const char *replace_recovery(struct campaign *c);
const char *recovery_replaced(struct campaign *c);
const char *by_recovery(struct campaign *c);
const char *erase_slots(struct campaign *c);
const char *revived(struct campaign *c);

/* flows_factory.c */
#define FLOW_REFUSED "burning: " /* so begins why burn() refuses a chip */
const char *blank_chip(struct campaign *c);
const char *burn(struct campaign *c);
const char *burned(struct campaign *c);

#endif

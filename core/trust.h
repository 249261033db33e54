/* SPDX-License-Identifier: MIT
 *
 * The keyset that a device trusts now: the newest of the factory's, in boot's last page, and the one in the journal.
 *
 * The journal's was checked against its predecessor when it was stored (hf_keyset_accept) and is taken as it is: a boot that
 * verified root signatures at each start would guard against code that could rewrite the journal anyway.
 */
#ifndef HF_TRUST_H
#define HF_TRUST_H

#include "longrec.h"
#include "slot.h"
#include "state.h"

struct hf_trust {
	struct hf_keyset keyset; /* what counts: hand it to struct hf_slot_env */
	bool replaced;           /* it lies in the journal, no longer the factory's */
	struct hf_bytes encoded; /* as it lies there, in bytes[] or at the factory's; len 0: there is none */
	uint8_t bytes[HF_KEYSET_BYTES_MAX];
};

/* Loads what counts. `factory` (kept) begins with the factory's keyset. j NULL, or a journal that was not found: the
 * factory's. Errors: hf_keyset_parse's for the factory's, where the journal has none either; the keyset is then empty, and
 * lets nothing in. */
HF_MUST_USE enum hf_err hf_trust_load(struct hf_trust *t, struct hf_journal *j, struct hf_bytes factory);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Who may change a device. The board's file says it, for the gateway and for recovery; the SMP server enforces it.
 *
 * Where the rule is `signed`, the peer opens a session first: it asks for a nonce, and answers with a site key's signature
 *   Sig_structure = ["Signature1", << {1: alg} >>, 'holdfast session', device id || nonce]    (RFC 9052)
 * Keys of other roles open none: who signs firmware need not be let near a line, and the other way round. A nonce is good
 * for one attempt, a session until the next reset, at most ten minutes.
 */
#ifndef HF_ACCESS_H
#define HF_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

enum hf_access {
	HF_ACCESS_OPEN = 0,   /* whoever is connected */
	HF_ACCESS_LOCAL = 1,  /* whoever is connected to the maintenance port, nobody from the network */
	HF_ACCESS_SIGNED = 2, /* only with a site key's signature */
};

#define HF_SESSION_AAD         "holdfast session" /* without the final 0 */
#define HF_SESSION_NONCE_BYTES 32
#define HF_SESSION_MS          600000u

struct hf_session {
	bool asked; /* the nonce was given out, and not yet answered */
	bool open;
	uint32_t opened_ms;
	uint32_t keyset; /* the number of the one whose key opened it: another keyset ends it */
	uint8_t nonce[HF_SESSION_NONCE_BYTES];
};

#endif

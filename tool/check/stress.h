/* SPDX-License-Identifier: MIT
 *
 * A short stress: requests of all kinds that change nothing, as many under way as the device takes.
 */
#ifndef HF_CHECK_STRESS_H
#define HF_CHECK_STRESS_H

#include "smp_device.h"

struct hf_stress {
	/* Set by the caller, the rest zero. */
	uint32_t requests;
	unsigned window; /* under way at once; 0: 1 */

	/* To be read. */
	uint32_t answered, lost, refused; /* refused ones are among the answered */
	uint32_t read_bytes;              /* of a slot, where the board allows that */
	uint32_t ms, longest_ms;
};

/* HF_OK, be there losses; HF_ERR_TIMEOUT, HF_ERR_IO: the device is lost, or it was stopped. */
HF_MUST_USE enum hf_err hf_stress_run(struct hf_smp_client *c, struct hf_stress *s);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The pilot's record: this package was burned on a device, confirmed there, and passed the tests after an upgrade. Written by
 * `burn --as-pilot` and `check --after --record-pilot`, demanded by the check "pilot".
 *
 * JSON: {"holdfast": "pilot", "format": 1, "device_id", "board", "digest", "version", "time", "by", "tests": [rows],
 * "sha256"}; the last is over all the rest (sealed.h).
 */
#ifndef HF_CHECK_PILOT_H
#define HF_CHECK_PILOT_H

#include <jansson.h>

#include "file.h"
#include "smp_device.h"

struct hf_pilot {
	char device_id[40], digest[65], version[64], by[64], time[32];
	unsigned passed, failed; /* of its tests */
};

/* Writes it. `status` is the pilot's, read after its upgrade; `digest` what runs there (32 bytes); `tests` the rows of the
 * tests (hf_row_json), borrowed; by NULL: the login name. HF_ERR_IO (a full disk), HF_ERR_TRIAL (it has not confirmed what
 * runs), HF_ERR_REJECTED (a test has failed). */
HF_MUST_USE enum hf_err hf_pilot_write(const char *path, const struct hf_smp_status *status, const uint8_t digest[32],
				       const json_t *tests, const char *by, struct hf_diag *diag);

/* Reads one and checks it. HF_ERR_IO, HF_ERR_ENCODING, HF_ERR_TYPE, HF_ERR_DIGEST (it was changed). */
HF_MUST_USE enum hf_err hf_pilot_read(const char *path, struct hf_pilot *out, struct hf_diag *diag);

#endif

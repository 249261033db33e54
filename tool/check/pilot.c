/* SPDX-License-Identifier: MIT */
#include "pilot.h"

#include <string.h>

#include "out.h"
#include "row.h"
#include "sealed.h"
#include "uuid.h"
#include "version.h"

static unsigned count(const json_t *tests, enum hf_row_state state)
{
	unsigned n = 0;
	size_t i;
	json_t *row;

	json_array_foreach(tests, i, row)
	{
		const char *text = json_string_value(json_object_get(row, "state"));

		n += text && strcmp(text, hf_row_state_text(state)) == 0;
	}
	return n;
}

static enum hf_err judge(const struct hf_smp_status *status, const json_t *tests, struct hf_diag *diag)
{
	if (status->running >= HF_SLOTS || status->state.slot[status->running].state != HF_SLOT_CONFIRMED) {
		hf_diag_set(diag, "this device is no pilot yet: it has not confirmed what it runs; burn the package first");
		return HF_ERR_TRIAL;
	}
	if (count(tests, HF_ROW_FAILED) > 0 || count(tests, HF_ROW_PASSED) == 0) {
		hf_diag_set(diag, "no pilot's record was written: %u of its tests failed, %u passed", count(tests, HF_ROW_FAILED),
			    count(tests, HF_ROW_PASSED));
		return HF_ERR_REJECTED;
	}
	return HF_OK;
}

enum hf_err hf_pilot_write(const char *path, const struct hf_smp_status *status, const uint8_t digest[32],
			   const json_t *tests, const char *by, struct hf_diag *diag)
{
	char device[HF_UUID_TEXT_BYTES], version[HF_VERSION_TEXT_BYTES], hex[65], login[64], now[HF_SEALED_NOW_BYTES];
	enum hf_err err = judge(status, tests, diag);

	if (err)
		return err;
	hf_uuid_format(status->device_id, device);
	hf_version_format(status->version, status->versions, version);
	hf_sealed_now(now);
	return hf_sealed_write(path,
			       json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "holdfast", "pilot", "format", 1, "device_id", device,
					 "board", status->board, "digest", hf_out_hex(digest, 32, hex), "version", version, "time", now, "by",
					 by ? by : hf_login_name(login, sizeof(login)), "tests", tests),
			       diag);
}

static bool copy(char *to, size_t room, const json_t *value, const char *key)
{
	const char *text = json_string_value(json_object_get(value, key));

	if (!text || strlen(text) >= room)
		return false;
	strcpy(to, text);
	return true;
}

enum hf_err hf_pilot_read(const char *path, struct hf_pilot *out, struct hf_diag *diag)
{
	json_t *value;
	enum hf_err err = hf_sealed_read(path, "pilot", &value, diag);
	const json_t *tests;

	memset(out, 0, sizeof(*out));
	if (err)
		return err;
	tests = json_object_get(value, "tests");
	out->passed = count(tests, HF_ROW_PASSED);
	out->failed = count(tests, HF_ROW_FAILED);
	if (!copy(out->device_id, sizeof(out->device_id), value, "device_id") ||
	    !copy(out->digest, sizeof(out->digest), value, "digest") || !copy(out->version, sizeof(out->version), value, "version") ||
	    !copy(out->by, sizeof(out->by), value, "by") || !copy(out->time, sizeof(out->time), value, "time")) {
		hf_diag_set(diag, "%s: the pilot's record lacks its device, digest, version, name or time", path);
		err = HF_ERR_TYPE;
	}
	json_decref(value);
	return err;
}

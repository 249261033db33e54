/* SPDX-License-Identifier: MIT */
#include "history_text.h"

#include <stdio.h>
#include <string.h>

#include "err.h"
#include "health.h"
#include "out.h"
#include "smp_blackbox.h"
#include "smp_device.h"

#define NOT_VERIFIED 128u
#define ID_OFFSET    8u
#define ID_BYTES     8u

static const char *const names[] = {
	[HF_HISTORY_START] = "start",         [HF_HISTORY_UPLOAD] = "upload",     [HF_HISTORY_UPLOADED] = "uploaded",
	[HF_HISTORY_CONFIRMED] = "confirmed", [HF_HISTORY_REJECTED] = "rejected", [HF_HISTORY_ALARM] = "alarm",
	[HF_HISTORY_HOUR] = "hour",           [HF_HISTORY_FOUND] = "found",
};

static const char *const alarms[] = {
	[HF_ALARM_SELF_TEST] = "self_test", [HF_ALARM_FLASH] = "flash",
	[HF_ALARM_SUPPLY] = "supply",       [HF_ALARM_CRASH] = "crash",
};

static const char *const crashes[] = { "", "an exception", "an unknown interrupt", "a failed self-test",
				       "a fault before main" };

#define NAME(table, i) ((i) < sizeof(table) / sizeof((table)[0]) && (table)[i] ? (table)[i] : "unknown")

bool hf_history_each(struct hf_bytes history, size_t *off, struct hf_history_record *record)
{
	while (history.len - *off >= HF_HISTORY_BYTES) {
		*off += HF_HISTORY_BYTES;
		if (hf_history_load(history.ptr + *off - HF_HISTORY_BYTES, record))
			return true;
	}
	return false;
}

bool hf_history_is_trouble(const struct hf_history_record *r)
{
	return r->type == HF_HISTORY_ALARM || r->type == HF_HISTORY_REJECTED || r->type == HF_HISTORY_FOUND ||
	       (r->type == HF_HISTORY_UPLOADED && r->detail != HF_OK);
}

static const char *cause_text(unsigned cause)
{
	return cause == NOT_VERIFIED ? "it did not verify" : hf_smp_reset_cause_text(cause);
}

/* "1.1.0", "firmware 8a1b2c3d" where only the identity is known, "unknown firmware". */
static const char *firmware_text(const struct hf_history_record *r, char text[48])
{
	unsigned major = load_le16(r->data), minor = load_le16(r->data + 2), patch = load_le16(r->data + 4);
	const uint8_t *id = r->data + ID_OFFSET;

	if (major || minor || patch)
		snprintf(text, 48, "%u.%u.%u", major, minor, patch);
	else if (load_le64(id))
		snprintf(text, 48, "firmware %02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
	else
		snprintf(text, 48, "unknown firmware");
	return text;
}

static const char *slot_text(const struct hf_history_record *r)
{
	return r->slot == 0 ? "slot A" : r->slot == 1 ? "slot B" : "no slot";
}

static void missing_text(unsigned failed, char *text, size_t room)
{
	snprintf(text, room, "%s%s%s%s", failed & HF_TEST_WORK ? ", its work" : "", failed & HF_TEST_JOURNAL ? ", the journal" : "",
		 failed & HF_TEST_HEAD ? ", its slot's head" : "", failed & HF_TEST_RAM ? ", RAM" : "");
}

static void alarm_text(const struct hf_history_record *r, char text[HF_HISTORY_TEXT_BYTES])
{
	unsigned value = r->detail >> 8;
	uint32_t figure = load_le32(r->data);
	char missing[64];

	switch (r->detail & 0xff) {
	case HF_ALARM_SELF_TEST:
		missing_text(value, missing, sizeof(missing));
		snprintf(text, HF_HISTORY_TEXT_BYTES, "alarm: the self-test failed%s%s", missing[0] ? ": missing " : "",
			 missing[0] ? missing + 2 : "");
		return;
	case HF_ALARM_FLASH:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "alarm: flash wears out: %s", hf_err_text((enum hf_err)value));
		return;
	case HF_ALARM_SUPPLY:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "alarm: the supply is low: %u.%02u V", figure / 1000, figure % 1000 / 10);
		return;
	case HF_ALARM_CRASH:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "alarm: the start before ended in %s, at %08x", NAME(crashes, value), figure);
		return;
	}
	snprintf(text, HF_HISTORY_TEXT_BYTES, "alarm %u, which this tool does not know", r->detail & 0xff);
}

static void hour_text(const struct hf_history_record *r, char text[HF_HISTORY_TEXT_BYTES])
{
	int temperature = (int16_t)load_le16(r->data + 12);
	int n = snprintf(text, HF_HISTORY_TEXT_BYTES, "an hour: %u polls answered, %u not, %u late, longest gap %u ms",
			 load_le32(r->data), load_le32(r->data + 4), load_le16(r->data + 8), load_le16(r->data + 10));

	if (r->detail)
		snprintf(text + n, HF_HISTORY_TEXT_BYTES - (size_t)n, "; %u.%02u V, %.1f C", r->detail / 1000u,
			 r->detail % 1000u / 10, temperature / 10.0);
}

static void found_text(const struct hf_history_record *r, char text[HF_HISTORY_TEXT_BYTES])
{
	char repairs[HF_REPAIRS_TEXT_BYTES];
	uint32_t start = load_le32(r->data);
	const char *what = hf_repairs_text(start, repairs);

	snprintf(text, HF_HISTORY_TEXT_BYTES, "boot, %u start%s before, after: %s%s%s", r->detail, r->detail == 1 ? "" : "s",
		 hf_start_cause_text(start), what[0] ? ": " : "", what);
}

const char *hf_history_text(const struct hf_history_record *r, char text[HF_HISTORY_TEXT_BYTES])
{
	char firmware[48];

	firmware_text(r, firmware);
	switch (r->type) {
	case HF_HISTORY_START:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "%s starts in %s after: %s", firmware, slot_text(r),
			 cause_text(r->detail & 0xff));
		if (r->detail >> 8)
			snprintf(text + strlen(text), HF_HISTORY_TEXT_BYTES - strlen(text), ", crash %u in a row", r->detail >> 8);
		break;
	case HF_HISTORY_UPLOAD:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "%s goes into %s, %u KiB", firmware, slot_text(r), r->detail);
		break;
	case HF_HISTORY_UPLOADED:
		snprintf(text, HF_HISTORY_TEXT_BYTES, r->detail ? "upload of %s into %s ends: %s" : "%s is complete and verified in %s%s",
			 firmware, slot_text(r), r->detail ? hf_err_text((enum hf_err)r->detail) : "");
		break;
	case HF_HISTORY_CONFIRMED:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "%s in %s confirms itself", firmware, slot_text(r));
		break;
	case HF_HISTORY_REJECTED:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "%s in %s was given up: %s", firmware, slot_text(r), cause_text(r->detail));
		break;
	case HF_HISTORY_ALARM:
		alarm_text(r, text);
		break;
	case HF_HISTORY_HOUR:
		hour_text(r, text);
		break;
	case HF_HISTORY_FOUND:
		found_text(r, text);
		break;
	default:
		snprintf(text, HF_HISTORY_TEXT_BYTES, "a record of type %u, which this tool does not know", r->type);
	}
	return text;
}

static void put_firmware(json_t *all, const struct hf_history_record *r)
{
	char id[2 * ID_BYTES + 1], version[24];

	snprintf(version, sizeof(version), "%u.%u.%u", load_le16(r->data), load_le16(r->data + 2), load_le16(r->data + 4));
	json_object_set_new(all, "slot", r->slot < HF_SLOTS ? json_integer(r->slot) : json_null());
	if (strcmp(version, "0.0.0") != 0)
		json_object_set_new(all, "version", json_string(version));
	json_object_set_new(all, "id", json_string(hf_out_hex(r->data + ID_OFFSET, ID_BYTES, id)));
}

static void put_number(json_t *all, const char *key, int64_t value)
{
	json_object_set_new(all, key, json_integer(value));
}

static void put_detail(json_t *all, const struct hf_history_record *r)
{
	switch (r->type) {
	case HF_HISTORY_START:
		json_object_set_new(all, "cause", json_string(cause_text(r->detail & 0xff)));
		put_number(all, "crashes", r->detail >> 8);
		break;
	case HF_HISTORY_UPLOAD:
		put_number(all, "kib", r->detail);
		break;
	case HF_HISTORY_UPLOADED:
		put_number(all, "error", r->detail);
		break;
	case HF_HISTORY_REJECTED:
		json_object_set_new(all, "why", json_string(cause_text(r->detail)));
		break;
	case HF_HISTORY_ALARM:
		json_object_set_new(all, "alarm", json_string(NAME(alarms, r->detail & 0xffu)));
		put_number(all, "value", r->detail >> 8);
		put_number(all, "figure", load_le32(r->data));
		break;
	case HF_HISTORY_FOUND:
		put_number(all, "starts_before", r->detail);
		put_number(all, "start", load_le32(r->data));
		json_object_set_new(all, "cause", json_string(hf_start_cause_text(load_le32(r->data))));
		break;
	case HF_HISTORY_HOUR:
		put_number(all, "good", load_le32(r->data));
		put_number(all, "bad", load_le32(r->data + 4));
		put_number(all, "late", load_le16(r->data + 8));
		put_number(all, "gap_ms", load_le16(r->data + 10));
		if (r->detail) {
			put_number(all, "supply_mv", r->detail);
			json_object_set_new(all, "temperature_c", json_real((int16_t)load_le16(r->data + 12) / 10.0));
		}
		break;
	}
}

json_t *hf_history_json(const struct hf_history_record *r)
{
	char text[HF_HISTORY_TEXT_BYTES];
	json_t *all = json_pack("{s:I, s:I, s:s}", "number", (json_int_t)r->number, "up_ms", (json_int_t)r->up_ms, "type",
				NAME(names, r->type));

	if (r->type >= HF_HISTORY_START && r->type <= HF_HISTORY_REJECTED)
		put_firmware(all, r);
	put_detail(all, r);
	json_object_set_new(all, "text", json_string(hf_history_text(r, text)));
	return all;
}

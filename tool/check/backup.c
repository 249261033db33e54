/* SPDX-License-Identifier: MIT */
#include "backup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "sealed.h"
#include "smp_maintain.h"
#include "uuid.h"
#include "version.h"

void hf_backup_free(struct hf_backup *b)
{
	free(b->history);
	b->history = NULL;
}

/* ---- out of a device ---- */

static enum hf_err lost(enum hf_err err, const struct hf_smp_answer *answer, const char *what, struct hf_diag *diag)
{
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		hf_diag_set(diag, err == HF_ERR_IO ? "the port is gone while its %s is read: check the cable"
						   : "the device does not answer while its %s is read: check cable and power", what);
	else if (err)
		hf_diag_set(diag, "the device's answers make no sense while its %s is read: %s", what, hf_err_text(err));
	else
		hf_diag_set(diag, "the device refuses to give its %s: %s", what, answer->reason);
	return err ? err : HF_ERR_DENIED;
}

static enum hf_err take_keyset(struct hf_smp_client *c, uint32_t patience_ms, struct hf_backup *out, struct hf_diag *diag)
{
	uint8_t bytes[HF_KEYSET_BYTES_MAX];
	struct hf_smp_answer answer;
	struct hf_keyset keyset;
	size_t len, used;
	enum hf_err err = hf_smp_get_kept(c, patience_ms, HF_LONGREC_KEYSET, bytes, sizeof(bytes), &len, &answer);

	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return lost(err, &answer, "keyset", diag);
	out->keyset_known = !err && !answer.refusal && hf_keyset_parse((struct hf_bytes){bytes, len}, &keyset, &used) == HF_OK;
	out->keyset = out->keyset_known ? keyset.number : 0;
	return HF_OK;
}

static enum hf_err take_history(struct hf_smp_client *c, uint32_t patience_ms, struct hf_backup *out, struct hf_diag *diag)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	out->history = malloc(HF_HISTORY_MAX);
	if (!out->history) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_TYPE;
	}
	err = hf_smp_get_history(c, patience_ms, out->history, HF_HISTORY_MAX, &out->history_len, &answer);
	if (!err && (answer.refusal == HF_ERR_UNSUPPORTED || answer.refusal == HF_ERR_NOT_FOUND))
		return HF_OK; /* older firmware, or a board without a place for it */
	out->history_known = !err && !answer.refusal;
	return out->history_known ? HF_OK : lost(err, &answer, "history", diag);
}

enum hf_err hf_backup_take(struct hf_smp_client *c, uint32_t patience_ms, const struct hf_smp_status *status,
			   struct hf_backup *out, struct hf_diag *diag)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	memset(out, 0, sizeof(*out));
	memcpy(out->device_id, status->device_id, sizeof(out->device_id));
	err = hf_smp_get_kept(c, patience_ms, HF_LONGREC_CONFIGURATION, out->configuration, sizeof(out->configuration),
			      &out->configuration_len, &answer);
	if (!err && answer.refusal == HF_ERR_UNSUPPORTED) { /* from before configurations: it has none */
		out->configuration_len = 0;
		err = HF_OK;
	} else if (err || answer.refusal) {
		return lost(err, &answer, "configuration", diag);
	}
	err = take_keyset(c, patience_ms, out, diag);
	return err ? err : take_history(c, patience_ms, out, diag);
}

/* ---- to and from a file ---- */

static json_t *bytes_json(const uint8_t *bytes, size_t len)
{
	char *hex = malloc(2 * len + 1);
	json_t *value = hex ? json_pack("{s:I, s:s}", "bytes", (json_int_t)len, "hex", hf_out_hex(bytes, len, hex)) : NULL;

	free(hex);
	return value;
}

static json_t *slots_json(const struct hf_smp_status *status)
{
	json_t *slots = json_array();

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *slot = &status->state.slot[i];
		char id[2 * HF_ID_BYTES + 1];

		json_array_append_new(slots, json_pack("{s:s, s:o, s:s}", "state", hf_smp_slot_state_text(slot->state), "sequence",
						       hf_json_u64(slot->sequence), "id", hf_out_hex(slot->id, HF_ID_BYTES, id)));
	}
	return slots;
}

static json_t *backup_json(const struct hf_backup *b, const struct hf_smp_status *status, const char *now)
{
	char device[HF_UUID_TEXT_BYTES], version[HF_VERSION_TEXT_BYTES];
	json_t *all;

	hf_uuid_format(status->device_id, device);
	hf_version_format(status->version, status->versions, version);
	all = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "holdfast", "backup", "format", 1, "time", now, "device_id", device, "board",
			status->board, "version", version);
	json_object_set_new(all, "slot", status->running < HF_SLOTS ? json_integer((json_int_t)status->running) : json_null());
	json_object_set_new(all, "newest", hf_json_u64(status->state.newest));
	json_object_set_new(all, "floor", json_integer((json_int_t)status->state.floor));
	json_object_set_new(all, "slots", slots_json(status));
	json_object_set_new(all, "keyset", b->keyset_known ? json_integer((json_int_t)b->keyset) : json_null());
	json_object_set_new(all, "configuration", bytes_json(b->configuration, b->configuration_len));
	json_object_set_new(all, "history", b->history_known ? bytes_json(b->history, b->history_len) : json_null());
	if (b->reference.taken)
		json_object_set_new(all, "measured", hf_after_reference_json(&b->reference));
	return all;
}

static enum hf_err choose_path(const char *where, const struct hf_smp_status *status, const char *now, char *path, size_t room,
			       struct hf_diag *diag)
{
	char usual[HF_CHECK_PATH_BYTES], device[HF_UUID_TEXT_BYTES], date[HF_SEALED_NOW_BYTES];
	struct stat info;
	size_t len, used = 0;
	int n;

	if (!where) {
		enum hf_err err = hf_check_path("backup", usual, diag);

		if (err)
			return err;
		if (mkdir(usual, 0777) != 0 && (stat(usual, &info) != 0 || !S_ISDIR(info.st_mode))) {
			hf_diag_set(diag, "%s: this directory for backups cannot be made: choose another with --backup", usual);
			return HF_ERR_IO;
		}
		where = usual;
	}
	len = strlen(where);
	for (const char *c = now; *c; c++) { /* without colons, which other systems' file names cannot have */
		if (*c != ':' && *c != '-')
			date[used++] = *c;
	}
	date[used] = 0;
	hf_uuid_format(status->device_id, device);
	if ((stat(where, &info) == 0 && S_ISDIR(info.st_mode)) || (len && where[len - 1] == '/'))
		n = snprintf(path, room, "%s%s%s-%s.json", where, where[len - 1] == '/' ? "" : "/", device, date);
	else
		n = snprintf(path, room, "%s", where);
	if (n >= 0 && (size_t)n < room)
		return HF_OK;
	hf_diag_set(diag, "%s: this name is too long for a backup's file", where);
	return HF_ERR_IO;
}

static bool same(const struct hf_backup *a, const struct hf_backup *b)
{
	return memcmp(a->device_id, b->device_id, sizeof(a->device_id)) == 0 && a->configuration_len == b->configuration_len &&
	       memcmp(a->configuration, b->configuration, a->configuration_len) == 0 && a->history_known == b->history_known &&
	       a->history_len == b->history_len && (a->history_len == 0 || memcmp(a->history, b->history, a->history_len) == 0);
}

enum hf_err hf_backup_write(const struct hf_backup *b, const struct hf_smp_status *status, const char *where, char *path,
			    size_t room, struct hf_diag *diag)
{
	char now[HF_SEALED_NOW_BYTES];
	struct hf_backup again;
	enum hf_err err;

	hf_sealed_now(now);
	err = choose_path(where, status, now, path, room, diag);
	if (!err)
		err = hf_sealed_write(path, backup_json(b, status, now), diag);
	if (err)
		return err;
	err = hf_backup_read(path, &again, diag);
	if (!err && !same(b, &again)) {
		hf_diag_set(diag, "%s: the backup does not read back as it was written: check that disk, or choose another with --backup", path);
		err = HF_ERR_DIGEST;
	}
	hf_backup_free(&again);
	return err;
}

static bool parse_bytes(const json_t *value, uint8_t *out, size_t room, size_t *len)
{
	const char *hex = json_string_value(json_object_get(value, "hex"));

	*len = room;
	return hex && hf_hex_parse(hex, out, len) &&
	       json_integer_value(json_object_get(value, "bytes")) == (json_int_t)*len;
}

static bool parse_device(const char *text, uint8_t id[16])
{
	char hex[HF_UUID_TEXT_BYTES];
	size_t used = 0, len = 16;

	if (!text || strlen(text) >= sizeof(hex))
		return false;
	for (; *text; text++) {
		if (*text != '-')
			hex[used++] = *text;
	}
	hex[used] = 0;
	return hf_hex_parse(hex, id, &len) && len == 16;
}

static void copy(char *to, size_t room, const json_t *value, const char *key)
{
	const char *text = json_string_value(json_object_get(value, key));

	snprintf(to, room, "%s", text ? text : "");
}

static bool parse(const json_t *value, struct hf_backup *out)
{
	const json_t *history = json_object_get(value, "history"), *keyset = json_object_get(value, "keyset");
	const json_t *measured = json_object_get(value, "measured");

	copy(out->board, sizeof(out->board), value, "board");
	copy(out->time, sizeof(out->time), value, "time");
	copy(out->version, sizeof(out->version), value, "version");
	out->keyset_known = json_is_integer(keyset);
	out->keyset = (uint32_t)json_integer_value(keyset);
	out->history_known = json_is_object(history);
	if (out->history_known) {
		out->history = malloc(HF_HISTORY_MAX);
		if (!out->history || !parse_bytes(history, out->history, HF_HISTORY_MAX, &out->history_len))
			return false;
	}
	return parse_device(json_string_value(json_object_get(value, "device_id")), out->device_id) &&
	       parse_bytes(json_object_get(value, "configuration"), out->configuration, sizeof(out->configuration),
			   &out->configuration_len) &&
	       (!measured || hf_after_reference_parse(measured, &out->reference));
}

enum hf_err hf_backup_read(const char *path, struct hf_backup *out, struct hf_diag *diag)
{
	json_t *value;
	enum hf_err err;

	memset(out, 0, sizeof(*out));
	err = hf_sealed_read(path, "backup", &value, diag);
	if (err)
		return err;
	if (!parse(value, out)) {
		hf_diag_set(diag, "%s: the backup's device id, configuration or history makes no sense", path);
		err = HF_ERR_TYPE;
	}
	json_decref(value);
	return err;
}

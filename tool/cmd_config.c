/* SPDX-License-Identifier: MIT
 *
 * `holdfast config`: a device's configuration out of it and into it. To the device's upgrade machinery it is bytes; what the
 * reference gateway reads is a map of CBOR, which is written here as JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "cbor_diag.h"
#include "check/backup.h"
#include "command.h"
#include "file.h"
#include "smp_maintain.h"
#include "upkeep.h"
#include "uuid.h"

#define JSON_DEPTH 8u

struct config {
	struct hf_upkeep u;
	const char *out, *backup_file;
	bool encode, merges, other_device;
	struct hf_backup backup; /* read from backup_file */
	struct hf_diag diag;
};

/* ---- JSON to CBOR ---- */

static bool put_json(struct hf_cbor_writer *w, const json_t *value, unsigned depth);

static bool put_members(struct hf_cbor_writer *w, json_t *object, unsigned depth)
{
	const char *key;
	json_t *value;

	hf_cbor_put_map(w, json_object_size(object));
	json_object_foreach(object, key, value)
	{
		hf_cbor_put_tstr(w, key);
		if (!put_json(w, value, depth))
			return false;
	}
	return true;
}

static bool put_json(struct hf_cbor_writer *w, const json_t *value, unsigned depth)
{
	if (depth == JSON_DEPTH)
		return false;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_members(w, (json_t *)value, depth + 1);
	case JSON_ARRAY:
		hf_cbor_put_array(w, json_array_size(value));
		for (size_t i = 0; i < json_array_size(value); i++)
			if (!put_json(w, json_array_get(value, i), depth + 1))
				return false;
		return true;
	case JSON_STRING:
		hf_cbor_put_tstr(w, json_string_value(value));
		return true;
	case JSON_INTEGER:
		hf_cbor_put_int(w, json_integer_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		hf_cbor_put_bool(w, json_is_true(value));
		return true;
	case JSON_NULL:
		hf_cbor_put_null(w);
		return true;
	default:
		return false; /* a real number: devices have no use for it */
	}
}

static enum hf_err encode(const char *path, struct hf_buffer *file, struct hf_diag *diag)
{
	json_error_t where;
	json_t *value = json_loadb((const char *)file->ptr, file->len, JSON_REJECT_DUPLICATES, &where);
	struct hf_cbor_writer w;
	uint8_t *buf;
	bool good;

	if (!value) {
		hf_diag_set(diag, "%s:%d: %s", path, where.line, where.text);
		return HF_ERR_ENCODING;
	}
	buf = malloc(HF_CONFIGURATION_MAX);
	if (!buf) {
		json_decref(value);
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	hf_cbor_begin(&w, buf, HF_CONFIGURATION_MAX);
	good = put_json(&w, value, 0);
	json_decref(value);
	hf_buffer_free(file);
	*file = (struct hf_buffer){buf, w.err ? 0 : w.len};
	if (good && !w.err)
		return HF_OK;
	hf_diag_set(diag, good ? "%s: as CBOR this is more than %u bytes" :
			  "%s: only objects, lists, texts, whole numbers, true, false and null can be sent", path,
		    HF_CONFIGURATION_MAX);
	return good ? HF_ERR_TOO_LARGE : HF_ERR_UNSUPPORTED;
}

/* ---- get ---- */

static void show(const struct config *c, struct hf_bytes content)
{
	char hex[2 * HF_CONFIGURATION_MAX + 1];

	if (c->u.json)
		hf_out_json(json_pack("{s:I, s:s}", "bytes", (json_int_t)content.len, "hex",
				      hf_out_hex(content.ptr, content.len, hex)));
	else if (content.len == 0)
		printf("the device has no configuration; its firmware's defaults hold\n");
	else if (c->out)
		printf("%s: %zu bytes\n", c->out, content.len);
	else if (hf_cbor_diag(content, SIZE_MAX, stdout) != HF_OK)
		printf("%zu bytes that are no CBOR: %s\n", content.len, hf_out_hex(content.ptr, content.len, hex));
}

static enum hf_exit get(struct config *c)
{
	uint8_t buf[HF_CONFIGURATION_MAX];
	struct hf_smp_answer answer;
	size_t len = 0;
	enum hf_err err = hf_smp_get_kept(&c->u.client, c->u.port.patience_ms, HF_LONGREC_CONFIGURATION, buf, sizeof(buf),
					  &len, &answer);
	enum hf_exit code = hf_upkeep_answer(&c->u, err, &answer, "reading the configuration");

	if (code != HF_EXIT_OK)
		return code;
	if (c->out && len > 0) {
		err = hf_file_write(c->out, (struct hf_bytes){buf, len}, 0, &c->diag);
		if (err)
			return hf_out_fail(err, &c->diag);
	}
	show(c, (struct hf_bytes){buf, len});
	return HF_EXIT_OK;
}

/* ---- set, clear ---- */

static enum hf_exit put(struct config *c, struct hf_bytes content)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_put_kept(&c->u.client, c->u.port.patience_ms, HF_LONGREC_CONFIGURATION, content, &answer);
	enum hf_exit code = hf_upkeep_answer(&c->u, err, &answer, "storing the configuration");

	if (code == HF_EXIT_OK && c->u.json)
		hf_out_json(json_pack("{s:I}", "bytes", (json_int_t)content.len));
	else if (code == HF_EXIT_OK && content.len > 0)
		printf("the device has stored %zu bytes; firmware reads them when it starts\n", content.len);
	else if (code == HF_EXIT_OK)
		printf("the device has no configuration any more\n");
	return code;
}

/* ---- merge ---- */

static enum hf_err read_kept(struct config *c, uint8_t buf[HF_CONFIGURATION_MAX], size_t *len, enum hf_exit *code)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_kept(&c->u.client, c->u.port.patience_ms, HF_LONGREC_CONFIGURATION, buf, HF_CONFIGURATION_MAX, len,
					  &answer);

	*code = hf_upkeep_answer(&c->u, err, &answer, "reading the configuration");
	return *code == HF_EXIT_OK ? HF_OK : HF_ERR_IO;
}

static bool has_key(struct hf_bytes map, struct hf_bytes key)
{
	struct hf_cbor_reader r;
	bool found = false;

	hf_cbor_open_final(&r, map);
	for (uint32_t pairs = hf_cbor_map(&r); pairs > 0 && !r.err; pairs--) {
		struct hf_bytes item = hf_cbor_skip(&r);

		found |= !r.err && item.len == key.len && memcmp(item.ptr, key.ptr, key.len) == 0;
		hf_cbor_skip(&r);
	}
	return found;
}

/* The pairs of a map whose keys `but` has not; w NULL: only counts them. */
static enum hf_err take_pairs(struct hf_bytes map, struct hf_bytes but, struct hf_cbor_writer *w, size_t *count)
{
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, map);
	for (uint32_t pairs = hf_cbor_map(&r); pairs > 0 && !r.err; pairs--) {
		struct hf_bytes key = hf_cbor_skip(&r), value = hf_cbor_skip(&r);

		if (r.err || (but.len && has_key(but, key)))
			continue;
		++*count;
		if (w) {
			hf_cbor_put_encoded(w, key);
			hf_cbor_put_encoded(w, value);
		}
	}
	return hf_cbor_close(&r);
}

/* What the device has, with the members of `more` in place of its own. */
static enum hf_err join(struct config *c, struct hf_bytes has, struct hf_bytes more, uint8_t buf[HF_CONFIGURATION_MAX], size_t *len)
{
	struct hf_cbor_writer w;
	size_t kept = 0, added = 0;

	if ((has.len && take_pairs(has, more, NULL, &kept)) || take_pairs(more, (struct hf_bytes){0}, NULL, &added)) {
		hf_diag_set(&c->diag, "the configuration %s is no map of CBOR, so that nothing can be merged; nothing was changed",
			    added ? "in the device" : "to be merged or in the device");
		return HF_ERR_TYPE;
	}
	hf_cbor_begin(&w, buf, HF_CONFIGURATION_MAX);
	hf_cbor_put_map(&w, kept + added);
	kept = added = 0;
	if ((has.len && take_pairs(has, more, &w, &kept)) || take_pairs(more, (struct hf_bytes){0}, &w, &added) || w.err) {
		hf_diag_set(&c->diag, "the configuration would have more than %u bytes; nothing was changed", HF_CONFIGURATION_MAX);
		return HF_ERR_TOO_LARGE;
	}
	*len = w.len;
	return HF_OK;
}

/* Read back at the end: this is how serial numbers get into devices. */
static enum hf_exit merge(struct config *c, struct hf_bytes more)
{
	uint8_t has[HF_CONFIGURATION_MAX], wanted[HF_CONFIGURATION_MAX];
	size_t len = 0, wanted_len = 0;
	enum hf_exit code;

	if (read_kept(c, has, &len, &code))
		return code;
	if (join(c, (struct hf_bytes){has, len}, more, wanted, &wanted_len)) {
		hf_out_error("%s", c->diag.text);
		return HF_EXIT_INPUT;
	}
	if (len != wanted_len || memcmp(has, wanted, len) != 0) {
		code = put(c, (struct hf_bytes){wanted, wanted_len});
		if (code != HF_EXIT_OK || read_kept(c, has, &len, &code))
			return code;
	} else if (c->u.json) {
		hf_out_json(json_pack("{s:I}", "bytes", (json_int_t)len));
	} else {
		printf("the device has this configuration already\n");
	}
	if (len == wanted_len && memcmp(has, wanted, len) == 0)
		return HF_EXIT_OK;
	hf_out_error("the device does not read back the configuration that it has stored; look at it with `holdfast config get`");
	return HF_EXIT_DEVICE;
}

static enum hf_err load(struct config *c, const char *path, struct hf_buffer *file)
{
	enum hf_err err = hf_file_read(path, 65536, file, &c->diag);

	if (!err && (c->encode || c->merges))
		err = encode(path, file, &c->diag);
	if (!err && (file->len == 0 || file->len > HF_CONFIGURATION_MAX)) {
		hf_diag_set(&c->diag, "%s: %zu bytes, and a configuration has 1 to %u; `holdfast config clear` removes it", path,
			    file->len, HF_CONFIGURATION_MAX);
		err = HF_ERR_TOO_LARGE;
	}
	return err;
}

/* ---- back from a backup ---- */

/* Another device's configuration has another line's slaves in it. */
static bool is_ours(struct config *c)
{
	char theirs[HF_UUID_TEXT_BYTES], ours[HF_UUID_TEXT_BYTES];

	if (c->other_device || memcmp(c->backup.device_id, c->u.status.device_id, sizeof(c->backup.device_id)) == 0)
		return true;
	hf_uuid_format(c->backup.device_id, theirs);
	hf_uuid_format(c->u.status.device_id, ours);
	hf_out_error("%s is the backup of %s, and this device is %s: take this one's backup, or say --other-device where it takes the "
		     "other's place", c->backup_file, theirs, ours);
	return false;
}

static enum hf_exit restore(struct config *c, const struct hf_usage *usage)
{
	enum hf_err err = hf_backup_read(c->backup_file, &c->backup, &c->diag);
	enum hf_exit code = HF_EXIT_OK;

	if (err) {
		hf_out_error("%s", c->diag.text);
		code = err == HF_ERR_IO ? HF_EXIT_INTERNAL : HF_EXIT_INPUT;
	} else if (hf_upkeep_begin(&c->u, usage, true, &code)) {
		code = is_ours(c) ? put(c, (struct hf_bytes){c->backup.configuration, c->backup.configuration_len}) : HF_EXIT_REFUSED;
	}
	hf_upkeep_end(&c->u);
	hf_backup_free(&c->backup);
	return code;
}

static enum hf_exit run(struct config *c, const struct hf_usage *usage, const struct hf_args_rest *rest)
{
	bool sets = strcmp(rest->item[0], "set") == 0, gets = strcmp(rest->item[0], "get") == 0;
	struct hf_buffer file = {0};
	enum hf_exit code = HF_EXIT_OK;

	if (c->backup_file)
		return restore(c, usage);
	if (sets || c->merges) {
		enum hf_err err = load(c, rest->item[1], &file);

		if (err) {
			hf_buffer_free(&file);
			hf_out_error("%s", c->diag.text);
			return err == HF_ERR_IO || err == HF_ERR_NOT_FOUND ? HF_EXIT_INTERNAL : HF_EXIT_INPUT;
		}
	}
	if (hf_upkeep_begin(&c->u, usage, !gets, &code))
		code = gets ? get(c) : c->merges ? merge(c, hf_buffer_bytes(&file)) : put(c, hf_buffer_bytes(&file));
	hf_upkeep_end(&c->u);
	hf_buffer_free(&file);
	return code;
}

enum hf_exit hf_command_config(int argc, char **argv)
{
	static struct config c;
	const struct hf_arg options[] = {
		HF_UPKEEP_ARGS(c.u),
		{"out", 'o', HF_ARG_TEXT, "FILE", "with get: where it goes, as it is", &c.out, NULL},
		{"encode", 0, HF_ARG_FLAG, NULL, "with set: FILE is JSON, and goes to the device as CBOR", &c.encode, NULL},
		{"from-backup", 0, HF_ARG_TEXT, "BACKUP", "with set, instead of FILE: what was saved before an upgrade (`holdfast check`)",
		 &c.backup_file, NULL},
		{"other-device", 0, HF_ARG_FLAG, NULL, "with --from-backup: although it is another device's", &c.other_device, NULL},
	};
	const struct hf_usage usage = {
		.command = "config",
		.summary = "reads, sets or clears a device's configuration",
		.synopsis = "get | set FILE | set --from-backup BACKUP | merge FILE | clear  [--port PORT | --device ID] [options]",
		.details = "At most 2048 bytes, which survive upgrades. What they mean is the firmware's affair; the reference gateway "
			   "wants a CBOR map: slaves, poll_ms, baud (docs/PROTOCOL.md). merge takes a FILE of JSON, - for standard input, puts its\n"
			   "members into the map that the device has, and reads it back.",
		.example = "holdfast config set --encode line-3.json --port /dev/ttyUSB0\n"
			   "  echo '{\"serial\": \"HF-000123\"}' | holdfast config merge - --port /dev/ttyUSB0",
		.exits = "3 FILE cannot be used, 4 the backup is another device's, 5 no device answers, 6 the device refuses, 7 interrupted",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 2,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	c.merges = strcmp(rest.item[0], "merge") == 0;
	if (c.backup_file && rest.count > 1)
		return hf_args_wrong(&usage, "set takes a FILE or --from-backup, not both");
	if ((strcmp(rest.item[0], "set") == 0 || c.merges) && rest.count < 2 && !c.backup_file)
		return hf_args_wrong(&usage, "%s wants a FILE", rest.item[0]);
	if (strcmp(rest.item[0], "set") != 0 && !c.merges &&
	    ((strcmp(rest.item[0], "get") != 0 && strcmp(rest.item[0], "clear") != 0) || rest.count != 1))
		return hf_args_wrong(&usage, "'%s' is none of get, set FILE, merge FILE, clear", rest.item[rest.count - 1]);
	if (c.encode && strcmp(rest.item[0], "set") != 0)
		return hf_args_wrong(&usage, "--encode goes with set");
	if ((c.backup_file && (c.encode || strcmp(rest.item[0], "set") != 0)) || (c.other_device && !c.backup_file))
		return hf_args_wrong(&usage, "--from-backup goes with set and without --encode, --other-device with --from-backup");
	if (c.out && strcmp(rest.item[0], "get") != 0)
		return hf_args_wrong(&usage, "--out goes with get");
	return run(&c, &usage, &rest);
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast config`: a device's configuration out of it and into it. To the device's upgrade machinery it is bytes; what the
 * reference gateway reads is a map of CBOR, which is written here as JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "cbor_diag.h"
#include "command.h"
#include "file.h"
#include "smp_maintain.h"
#include "upkeep.h"

#define JSON_DEPTH 8u

struct config {
	struct hf_upkeep u;
	const char *out;
	bool encode;
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

static enum hf_err load(struct config *c, const char *path, struct hf_buffer *file)
{
	enum hf_err err = hf_file_read(path, 65536, file, &c->diag);

	if (!err && c->encode)
		err = encode(path, file, &c->diag);
	if (!err && (file->len == 0 || file->len > HF_CONFIGURATION_MAX)) {
		hf_diag_set(&c->diag, "%s: %zu bytes, and a configuration has 1 to %u; `holdfast config clear` removes it", path,
			    file->len, HF_CONFIGURATION_MAX);
		err = HF_ERR_TOO_LARGE;
	}
	return err;
}

static enum hf_exit run(struct config *c, const struct hf_usage *usage, const struct hf_args_rest *rest)
{
	bool sets = strcmp(rest->item[0], "set") == 0, gets = strcmp(rest->item[0], "get") == 0;
	struct hf_buffer file = {0};
	enum hf_exit code = HF_EXIT_OK;

	if (sets) {
		enum hf_err err = load(c, rest->item[1], &file);

		if (err) {
			hf_buffer_free(&file);
			hf_out_error("%s", c->diag.text);
			return err == HF_ERR_IO || err == HF_ERR_NOT_FOUND ? HF_EXIT_INTERNAL : HF_EXIT_INPUT;
		}
	}
	if (hf_upkeep_begin(&c->u, usage, !gets, &code))
		code = gets ? get(c) : put(c, hf_buffer_bytes(&file));
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
	};
	const struct hf_usage usage = {
		.command = "config",
		.summary = "reads, sets or clears a device's configuration",
		.synopsis = "get | set FILE | clear  --port PORT [options]",
		.details = "At most 2048 bytes, which survive upgrades. What they mean is the firmware's affair; the reference gateway "
			   "wants a CBOR map: slaves, poll_ms, baud (docs/PROTOCOL.md).",
		.example = "holdfast config set --encode line-3.json --port /dev/ttyUSB0",
		.exits = "3 FILE cannot be used, 5 no device answers, 6 the device refuses, 7 interrupted",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 2,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (strcmp(rest.item[0], "set") == 0 && rest.count < 2)
		return hf_args_wrong(&usage, "set wants a FILE");
	if (strcmp(rest.item[0], "set") != 0 &&
	    ((strcmp(rest.item[0], "get") != 0 && strcmp(rest.item[0], "clear") != 0) || rest.count != 1))
		return hf_args_wrong(&usage, "'%s' is none of get, set FILE, clear", rest.item[rest.count - 1]);
	if (c.encode && strcmp(rest.item[0], "set") != 0)
		return hf_args_wrong(&usage, "--encode goes with set");
	if (c.out && strcmp(rest.item[0], "get") != 0)
		return hf_args_wrong(&usage, "--out goes with get");
	return run(&c, &usage, &rest);
}

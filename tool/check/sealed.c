/* SPDX-License-Identifier: MIT */
#include "sealed.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host_crypto.h"
#include "out.h"

#define FORMAT 1

static bool digest_of(const json_t *value, char hex[2 * HF_SHA256_BYTES + 1])
{
	uint8_t digest[HF_SHA256_BYTES];
	json_t *copy = json_copy((json_t *)value);
	char *text;

	json_object_del(copy, "sha256");
	text = json_dumps(copy, JSON_SORT_KEYS | JSON_COMPACT);
	json_decref(copy);
	if (!text)
		return false;
	hf_sha256_of((struct hf_bytes){(const uint8_t *)text, strlen(text)}, digest);
	hf_out_hex(digest, sizeof(digest), hex);
	free(text);
	return true;
}

enum hf_err hf_sealed_write(const char *path, json_t *value, struct hf_diag *diag)
{
	char hex[2 * HF_SHA256_BYTES + 1], *text = NULL;
	enum hf_err err = HF_ERR_IO;

	if (value && digest_of(value, hex) && json_object_set_new(value, "sha256", json_string(hex)) == 0)
		text = json_dumps(value, JSON_INDENT(1));
	if (text)
		err = hf_file_write(path, (struct hf_bytes){(const uint8_t *)text, strlen(text)}, 0, diag);
	else
		hf_diag_set(diag, "%s: out of memory", path);
	free(text);
	json_decref(value);
	return err;
}

static enum hf_err judge(const char *path, const char *kind, const json_t *value, struct hf_diag *diag)
{
	const char *is = json_string_value(json_object_get(value, "holdfast"));
	const char *seal = json_string_value(json_object_get(value, "sha256"));
	char hex[2 * HF_SHA256_BYTES + 1];

	if (!is || strcmp(is, kind) != 0) {
		hf_diag_set(diag, "%s: this is %s%s, and a %s is wanted here", path, is ? "a " : "nothing of holdfast's", is ? is : "", kind);
		return HF_ERR_TYPE;
	}
	if (json_integer_value(json_object_get(value, "format")) != FORMAT) {
		hf_diag_set(diag, "%s: a %s of another format than %d: a newer holdfast wrote it; use that", path, kind, FORMAT);
		return HF_ERR_UNSUPPORTED;
	}
	if (!seal || !digest_of(value, hex) || strcmp(seal, hex) != 0) {
		hf_diag_set(diag, "%s: the %s was damaged or edited (its SHA-256 does not match); use another copy", path, kind);
		return HF_ERR_DIGEST;
	}
	return HF_OK;
}

enum hf_err hf_sealed_read(const char *path, const char *kind, json_t **out, struct hf_diag *diag)
{
	struct hf_buffer file;
	json_error_t where;
	enum hf_err err = hf_file_read(path, HF_SEALED_FILE_MAX, &file, diag);

	*out = NULL;
	if (err)
		return err;
	*out = json_loadb((const char *)file.ptr, file.len, JSON_REJECT_DUPLICATES, &where);
	hf_buffer_free(&file);
	if (!json_is_object(*out)) {
		hf_diag_set(diag, "%s: no %s: %s", path, kind, *out ? "no object of JSON" : where.text);
		err = HF_ERR_ENCODING;
	} else {
		err = judge(path, kind, *out, diag);
	}
	if (err) {
		json_decref(*out);
		*out = NULL;
	}
	return err;
}

void hf_sealed_now(char text[HF_SEALED_NOW_BYTES])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, HF_SEALED_NOW_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

const char *hf_login_name(char *name, size_t room)
{
	const char *env = getenv("LOGNAME");
	struct passwd *entry;

	if (getlogin_r(name, room) == 0 && name[0])
		return name;
	entry = getpwuid(geteuid());
	snprintf(name, room, "%s", env && env[0] ? env : entry ? entry->pw_name : "unknown");
	return name;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hf_hex_parse(const char *text, uint8_t *out, size_t *len)
{
	size_t digits = strlen(text);

	if (digits % 2 || digits / 2 > *len)
		return false;
	*len = digits / 2;
	for (size_t i = 0; i < digits; i += 2) {
		int high = digit(text[i]), low = digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* SPDX-License-Identifier: MIT
 *
 * What is in the log counts as evidence, so nothing in it is ever rewritten: but for a line that a crash left half written at
 * its end, which nobody was told of yet.
 */
#include "waiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "check.h"
#include "file.h"
#include "host_crypto.h"
#include "sealed.h"

#define LOG_MAX    (16u << 20)
#define HEX_BYTES  (2 * HF_SHA256_BYTES + 1)

static const struct {
	const char *name;
	bool may;
} checks[] = {
	{"backup", true},       {"package", false},  {"compatibility", false}, {"pilot", true},    {"link quality", true},
	{"memory", false},      {"supply", false},   {"temperature", true},    {"recovery", false}, {"fallback", false},
	{"way-back packages", true},
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

/* Blanks, dashes and underscores are one. */
static bool same_name(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool gap = a[i] == '-' || a[i] == '_' || a[i] == ' ';

		if (!b[i] || (gap ? !strchr("-_ ", b[i]) : a[i] != b[i]))
			return false;
	}
	return b[len] == 0;
}

static enum hf_err check_one(const char *item, struct hf_diag *diag)
{
	const char *reason = strchr(item, '=');
	size_t len = reason ? (size_t)(reason - item) : 0;

	if (len == 0 || !reason[1 + strspn(reason + 1, " ")]) {
		hf_diag_set(diag, "--waive wants NAME=REASON, as in pilot='line 3 is the pilot itself', not '%s'", item);
		return HF_ERR_RANGE;
	}
	for (size_t i = 0; i < CHECKS; i++) {
		if (!same_name(item, checks[i].name, len))
			continue;
		if (checks[i].may)
			return HF_OK;
		hf_diag_set(diag, "the check '%s' protects from a brick and cannot be waived: mend what it complains of", checks[i].name);
		return HF_ERR_RANGE;
	}
	hf_diag_set(diag, "there is no check '%.*s'; these can be waived: backup, pilot, link-quality, temperature, way-back-packages",
		    (int)len, item);
	return HF_ERR_RANGE;
}

enum hf_err hf_waivers_check(struct hf_waivers *w, struct hf_diag *diag)
{
	for (unsigned i = 0; i < w->items.count; i++) {
		enum hf_err err = check_one(w->items.item[i], diag);

		if (err)
			return err;
	}
	if (w->by && !w->by[strspn(w->by, " ")]) {
		hf_diag_set(diag, "--by wants the name of who waives");
		return HF_ERR_RANGE;
	}
	if (!w->by)
		w->by = hf_login_name(w->name, sizeof(w->name));
	return HF_OK;
}

bool hf_waivers_may(const char *row)
{
	for (size_t i = 0; i < CHECKS; i++) {
		if (strcmp(row, checks[i].name) == 0)
			return checks[i].may;
	}
	return false;
}

const char *hf_waivers_reason(const struct hf_waivers *w, const char *row)
{
	for (unsigned i = 0; i < w->items.count; i++) {
		const char *reason = strchr(w->items.item[i], '=');

		if (reason && hf_waivers_may(row) && same_name(w->items.item[i], row, (size_t)(reason - w->items.item[i])))
			return reason + 1;
	}
	return NULL;
}

/* ---- the log ---- */

static void hash(const char *line, size_t len, char hex[HEX_BYTES])
{
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of((struct hf_bytes){(const uint8_t *)line, len}, digest);
	hf_out_hex(digest, sizeof(digest), hex);
}

/* One line against the one before, whose digest is in `prev`; which becomes this one's. */
static enum hf_err follow(const char *path, unsigned number, const char *line, size_t len, char prev[HEX_BYTES],
			  struct hf_diag *diag)
{
	json_t *value = json_loadb(line, len, 0, NULL);
	const char *claims = json_string_value(json_object_get(value, "prev"));
	enum hf_err err = !value ? HF_ERR_ENCODING : !claims || strcmp(claims, prev) != 0 ? HF_ERR_DIGEST : HF_OK;

	json_decref(value);
	if (err)
		hf_diag_set(diag, "%s:%u: this line does not follow from the one before: the log was changed; keep it, find out who "
				  "changed it, and begin another with --waiver-log", path, number);
	hash(line, len, prev);
	return err;
}

/* All whole lines; *end is behind the last. */
static enum hf_err walk(const char *path, struct hf_bytes text, unsigned *lines, size_t *end, char prev[HEX_BYTES],
			struct hf_diag *diag)
{
	memset(prev, '0', HEX_BYTES - 1);
	prev[HEX_BYTES - 1] = 0;
	*lines = 0;
	*end = 0;
	while (*end < text.len) {
		const char *line = (const char *)text.ptr + *end;
		const char *stop = memchr(line, '\n', text.len - *end);
		enum hf_err err;

		if (!stop)
			break;
		err = follow(path, ++*lines, line, (size_t)(stop - line), prev, diag);
		if (err)
			return err;
		*end += (size_t)(stop - line) + 1;
	}
	return HF_OK;
}

enum hf_err hf_waivers_verify_log(const char *path, unsigned *lines, struct hf_diag *diag)
{
	struct hf_buffer file;
	char prev[HEX_BYTES];
	size_t end;
	enum hf_err err = hf_file_read(path, LOG_MAX, &file, diag);

	if (err)
		return err;
	err = walk(path, hf_buffer_bytes(&file), lines, &end, prev, diag);
	hf_buffer_free(&file);
	return err;
}

static enum hf_err io_error(const char *path, const char *what, struct hf_diag *diag)
{
	hf_diag_set(diag, "%s: a waiver cannot be recorded: %s: %s", path, what, strerror(errno));
	return HF_ERR_IO;
}

/* Under the lock. What could not be written whole is taken back. */
static enum hf_err append(int fd, const char *path, json_t *entry, struct hf_diag *diag)
{
	struct hf_buffer file;
	char prev[HEX_BYTES], *text;
	unsigned lines;
	size_t end, len;
	bool good;
	enum hf_err err = hf_file_read(path, LOG_MAX, &file, diag);

	if (err)
		return err;
	err = walk(path, hf_buffer_bytes(&file), &lines, &end, prev, diag);
	hf_buffer_free(&file);
	if (err)
		return err;
	json_object_set_new(entry, "prev", json_string(prev));
	text = json_dumps(entry, JSON_COMPACT);
	if (!text) {
		errno = ENOMEM;
		return io_error(path, "memory", diag);
	}
	len = strlen(text);
	text[len++] = '\n'; /* in the place of the zero */
	good = ftruncate(fd, (off_t)end) == 0 && pwrite(fd, text, len, (off_t)end) == (ssize_t)len && fsync(fd) == 0;
	if (!good) {
		int why = errno ? errno : ENOSPC;

		if (ftruncate(fd, (off_t)end) != 0)
			why = errno;
		errno = why;
		err = io_error(path, "write", diag);
	}
	free(text);
	return err;
}

enum hf_err hf_waivers_log(const struct hf_waivers *w, const char *row, const char *finding, const char *device_id,
			   const char *digest, struct hf_diag *diag)
{
	char usual[HF_CHECK_PATH_BYTES], now[HF_SEALED_NOW_BYTES];
	const char *path = w->log;
	enum hf_err err = HF_OK;
	json_t *entry;
	int fd;

	if (!path) {
		err = hf_check_path("waivers.log", usual, diag);
		path = usual;
	}
	if (err)
		return err;
	hf_sealed_now(now);
	entry = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "time", now, "check", row, "reason", hf_waivers_reason(w, row), "by",
			  w->by, "finding", finding, "device_id", device_id, "digest", digest);
	errno = 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (!entry || fd < 0 || flock(fd, LOCK_EX) != 0)
		err = io_error(path, "open", diag);
	else
		err = append(fd, path, entry, diag);
	json_decref(entry);
	if (fd >= 0)
		close(fd);
	return err;
}

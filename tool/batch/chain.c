/* SPDX-License-Identifier: MIT */
#include "chain.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "host_crypto.h"
#include "out.h"

#define FILE_LIMIT (256u << 20)
#define HASH_KEY   ",\"hash\":\""
#define TAIL       (sizeof(HASH_KEY) - 1 + HF_CHAIN_HASH_TEXT - 1 + 2) /* what follows the hashed text: key, digits, "} */

static const char no_hash[HF_CHAIN_HASH_TEXT] = "0000000000000000000000000000000000000000000000000000000000000000";

const char *hf_chain_time(char text[HF_CHAIN_TIME])
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(text, HF_CHAIN_TIME, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return text;
}

static enum hf_err fail(struct hf_diag *diag, const char *path, const char *what)
{
	hf_diag_set(diag, "%s: cannot %s: %s", path, what, strerror(errno));
	return HF_ERR_IO;
}

static void hash_text(const char *text, size_t len, char hex[HF_CHAIN_HASH_TEXT])
{
	uint8_t digest[HF_SHA256_BYTES];
	struct hf_sha256 state;

	hf_host_crypto.sha256_start(&state);
	hf_host_crypto.sha256_update(&state, text, len);
	hf_host_crypto.sha256_finish(&state, digest);
	hf_out_hex(digest, sizeof(digest), hex);
}

/* ---- reading ---- */

/* Why the line is not the one that follows c's last; NULL: it is, and *out is it. */
static const char *check_line(const struct hf_chain *c, const char *line, size_t len, json_t **out)
{
	char hash[HF_CHAIN_HASH_TEXT];
	const char *tail = line + len - TAIL;
	json_error_t where;

	if (len <= TAIL || memcmp(tail, HASH_KEY, sizeof(HASH_KEY) - 1) != 0 || memcmp(line + len - 2, "\"}", 2) != 0)
		return "it does not end with a hash";
	hash_text(line, len - TAIL, hash);
	if (memcmp(tail + sizeof(HASH_KEY) - 1, hash, HF_CHAIN_HASH_TEXT - 1) != 0)
		return "its content is not what its hash says";
	*out = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(*out)) {
		json_decref(*out);
		return "it is no JSON object";
	}
	if (strcmp(json_string_value(json_object_get(*out, "prev")) ? json_string_value(json_object_get(*out, "prev")) : "",
		   c->head) == 0)
		return NULL;
	json_decref(*out);
	return "it does not follow the line before it: a line was taken away, put in or moved";
}

static enum hf_err take_line(struct hf_chain *c, const char *text, size_t len, hf_chain_line *line, void *ctx,
			     struct hf_diag *diag)
{
	json_t *object;
	const char *why = check_line(c, text, len, &object);
	bool taken;

	if (why) {
		hf_diag_set(diag, "%s:%u: this line is broken: %s", c->path, c->lines + 1, why);
		return HF_ERR_ENCODING;
	}
	taken = line(ctx, object, c->lines + 1);
	json_decref(object);
	if (!taken) {
		hf_diag_set(diag, "%s:%u: this line does not belong into such a file", c->path, c->lines + 1);
		return HF_ERR_TYPE;
	}
	memcpy(c->head, text + len - 2 - (HF_CHAIN_HASH_TEXT - 1), HF_CHAIN_HASH_TEXT - 1);
	c->lines++;
	c->len += (off_t)len + 1;
	return HF_OK;
}

/* A write that a power loss interrupted ends without a line end, or holds zeros where a block has not reached the disk. */
static bool is_torn(const char *text, size_t left)
{
	const char *end = memchr(text, '\n', left);

	return !end || (end + 1 == text + left && memchr(text, 0, left)) || (text[0] == 0 && memchr(text, 0, left));
}

static enum hf_err take_file(struct hf_chain *c, const struct hf_buffer *file, hf_chain_line *line, void *ctx,
			     struct hf_diag *diag)
{
	const char *text = (const char *)file->ptr;

	memcpy(c->head, no_hash, sizeof(no_hash));
	for (size_t at = 0; at < file->len;) {
		enum hf_err err;

		if (is_torn(text + at, file->len - at)) {
			c->torn = (unsigned)(file->len - at);
			return HF_OK;
		}
		err = take_line(c, text + at, (size_t)((const char *)memchr(text + at, '\n', file->len - at) - (text + at)), line,
				ctx, diag);
		if (err)
			return err;
		at = (size_t)c->len;
	}
	return HF_OK;
}

static enum hf_err start(struct hf_chain *c, const char *path, struct hf_diag *diag)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (strlen(path) < sizeof(c->path)) {
		strcpy(c->path, path);
		return HF_OK;
	}
	hf_diag_set(diag, "%s: the path is too long", path);
	return HF_ERR_TOO_LARGE;
}

enum hf_err hf_chain_read(struct hf_chain *c, const char *path, hf_chain_line *line, void *ctx, struct hf_diag *diag)
{
	struct hf_buffer file;
	struct stat info;
	enum hf_err err = start(c, path, diag);

	if (err)
		return err;
	if (stat(path, &info) != 0 && errno == ENOENT) {
		hf_diag_set(diag, "%s: there is no such file", path);
		return HF_ERR_NOT_FOUND;
	}
	err = hf_file_read(path, FILE_LIMIT, &file, diag);
	if (!err)
		err = take_file(c, &file, line, ctx, diag);
	hf_buffer_free(&file);
	return err;
}

/* ---- writing ---- */

static bool flush_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok;
}

static enum hf_err open_file(struct hf_chain *c, struct hf_diag *diag)
{
	c->fd = open(c->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (c->fd < 0)
		return fail(diag, c->path, "open");
	if (flock(c->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return fail(diag, c->path, "lock (this file system may know no locks; keep the file on a local disk)");
		hf_diag_set(diag, "%s: another process has this file; is another batch running with it?", c->path);
		return HF_ERR_BUSY;
	}
	return flush_directory(c->path) ? HF_OK : fail(diag, c->path, "flush the directory");
}

static bool cut_back(const struct hf_chain *c)
{
	return ftruncate(c->fd, c->len) == 0 && fsync(c->fd) == 0;
}

enum hf_err hf_chain_open(struct hf_chain *c, const char *path, hf_chain_line *line, void *ctx, struct hf_diag *diag)
{
	struct hf_buffer file = {0};
	enum hf_err err = start(c, path, diag);

	if (!err)
		err = open_file(c, diag);
	if (!err)
		err = hf_file_read(path, FILE_LIMIT, &file, diag);
	if (!err)
		err = take_file(c, &file, line, ctx, diag);
	if (!err && c->torn && !cut_back(c))
		err = fail(diag, path, "cut off the torn last line");
	hf_buffer_free(&file);
	if (err)
		hf_chain_close(c);
	return err;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* The line's text, with its end; on the heap. */
static char *make_line(const struct hf_chain *c, json_t *fields, char hash[HF_CHAIN_HASH_TEXT])
{
	char *text, *line = NULL;

	json_object_set_new(fields, "n", json_integer((json_int_t)c->lines + 1));
	json_object_set_new(fields, "prev", json_string(c->head));
	text = json_dumps(fields, JSON_COMPACT | JSON_REAL_PRECISION(10));
	if (!text)
		return NULL;
	text[strlen(text) - 1] = 0; /* its } */
	hash_text(text, strlen(text), hash);
	if (asprintf(&line, "%s" HASH_KEY "%s\"}\n", text, hash) < 0)
		line = NULL;
	free(text);
	return line;
}

enum hf_err hf_chain_append(struct hf_chain *c, json_t *fields, struct hf_diag *diag)
{
	char hash[HF_CHAIN_HASH_TEXT];
	char *line = fields ? make_line(c, fields, hash) : NULL;
	enum hf_err err = HF_OK;

	json_decref(fields);
	if (!line || strlen(line) > HF_CHAIN_LINE_MAX) {
		hf_diag_set(diag, "%s: a line of it cannot be made: %s", c->path, line ? "it is too long" : "out of memory");
		free(line);
		return HF_ERR_TOO_LARGE;
	}
	if (c->stuck) {
		errno = EIO;
		err = fail(diag, c->path, "write behind what could not be taken back");
	} else if (!write_all(c->fd, line, strlen(line)) || fsync(c->fd) != 0) {
		err = fail(diag, c->path, "write");
		c->stuck = !cut_back(c);
	} else {
		c->len += (off_t)strlen(line);
		c->lines++;
		memcpy(c->head, hash, sizeof(hash));
	}
	free(line);
	return err;
}

void hf_chain_close(struct hf_chain *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* SPDX-License-Identifier: MIT
 *
 * Not host/file.h's writer: there a directory that cannot be flushed is no error, because the old content would be as good.
 * Here nothing may leave before everything is on the disk; so every step counts, also the flush of the directory.
 *
 * Order: lock, read both, write the state, write the witness. Killed between the two, the state is one ahead of the witness,
 * which is harmless: only a state that is behind its witness has been seen before.
 */
#include "lms_state.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "out.h"

#define TEXT_MAX   1024
#define SUM_BYTES  8
#define LOCK_TRIES 1000 /* of 10 ms */

/* ---- text ---- */

static void put_sum(char *text, size_t room)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char hex[2 * SUM_BYTES + 1];
	size_t len = strlen(text);

	SHA256((const uint8_t *)text, len, digest);
	snprintf(text + len, room - len, "sum %s\n", hf_out_hex(digest, SUM_BYTES, hex));
}

static void format(const struct hf_lms_state *state, const char *kind, char text[TEXT_MAX])
{
	char id[2 * HF_LMS_ID_BYTES + 1];
	int len = snprintf(text, TEXT_MAX, "holdfast lms %s 1\nkey %s\nnext %u\n", kind,
			   hf_out_hex(state->id, sizeof(state->id), id), state->next);

	if (state->witness[0])
		snprintf(text + len, TEXT_MAX - (size_t)len, "witness %s\n", state->witness);
	put_sum(text, TEXT_MAX);
}

static bool read_id(const char *hex, uint8_t id[HF_LMS_ID_BYTES])
{
	unsigned byte;

	for (unsigned i = 0; i < HF_LMS_ID_BYTES; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		id[i] = (uint8_t)byte;
	}
	return true;
}

/* What format makes, and nothing else: the text is made again and compared. */
static bool parse(const char *text, const char *kind, struct hf_lms_state *out)
{
	char hex[2 * HF_LMS_ID_BYTES + 1] = "", again[TEXT_MAX];
	const char *witness = strstr(text, "\nwitness ");
	int at = 0;

	*out = (struct hf_lms_state){.next = 0};
	if (sscanf(text, "holdfast lms %*[a-z] 1 key %32[0-9a-f] next %u%n", hex, &out->next, &at) != 2 ||
	    strlen(hex) != 2 * HF_LMS_ID_BYTES || !read_id(hex, out->id) || out->next > HF_LMS_LEAVES)
		return false;
	if (witness) {
		size_t len = strcspn(witness + 9, "\n");

		if (len == 0 || len >= sizeof(out->witness))
			return false;
		memcpy(out->witness, witness + 9, len);
	}
	format(out, kind, again);
	return strcmp(text, again) == 0;
}

static enum hf_err read_text(const char *path, const char *kind, struct hf_lms_state *out, struct hf_diag *diag)
{
	struct hf_buffer file;
	struct stat info;
	enum hf_err err;
	bool good;

	if (stat(path, &info) != 0 && errno == ENOENT) {
		hf_diag_set(diag, "%s: there is no such file", path);
		return HF_ERR_NOT_FOUND;
	}
	err = hf_file_read(path, TEXT_MAX - 1, &file, diag);
	if (err)
		return err == HF_ERR_TOO_LARGE ? HF_ERR_ENCODING : err;
	good = strlen((const char *)file.ptr) == file.len && parse((const char *)file.ptr, kind, out);
	hf_buffer_free(&file);
	if (good)
		return HF_OK;
	hf_diag_set(diag, "%s: this is no %s of an LMS key, or it is damaged", path, kind);
	return HF_ERR_ENCODING;
}

enum hf_err hf_lms_state_read(const char *path, struct hf_lms_state *out, struct hf_diag *diag)
{
	return read_text(path, "state", out, diag);
}

enum hf_err hf_lms_witness_read(const char *path, const uint8_t id[HF_LMS_ID_BYTES], uint32_t *next,
				struct hf_diag *diag)
{
	struct hf_lms_state witness;
	enum hf_err err = read_text(path, "witness", &witness, diag);

	if (err)
		return err;
	*next = witness.next;
	if (memcmp(witness.id, id, HF_LMS_ID_BYTES) == 0)
		return HF_OK;
	hf_diag_set(diag, "%s: this is the witness of another key", path);
	return HF_ERR_KEY;
}

/* ---- writing ---- */

static enum hf_err io_error(struct hf_diag *diag, const char *path, const char *what)
{
	hf_diag_set(diag, "%s: cannot %s: %s; nothing was signed", path, what, strerror(errno));
	return HF_ERR_IO;
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

static bool write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write_all(fd, text, strlen(text)) && fsync(fd) == 0;

	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	return ok;
}

/* HF_OK: it is on the disk, under its name. */
static enum hf_err write_text(const char *path, const char *kind, const struct hf_lms_state *state, struct hf_diag *diag)
{
	char text[TEXT_MAX], *name;
	enum hf_err err = HF_OK;

	format(state, kind, text);
	if (asprintf(&name, "%s.new", path) < 0)
		return io_error(diag, path, "write");
	if (!write_file(name, text))
		err = io_error(diag, path, "write");
	else if (rename(name, path) != 0)
		err = io_error(diag, path, "replace");
	else if (!flush_directory(path))
		err = io_error(diag, path, "flush the directory");
	if (err)
		unlink(name);
	free(name);
	return err;
}

static enum hf_err write_state(const char *path, const struct hf_lms_state *state, struct hf_diag *diag)
{
	return write_text(path, "state", state, diag);
}

static enum hf_err write_witness(const struct hf_lms_state *state, struct hf_diag *diag)
{
	struct hf_lms_state witness = *state;

	if (!state->witness[0])
		return HF_OK;
	witness.witness[0] = 0;
	return write_text(state->witness, "witness", &witness, diag);
}

/* ---- the lock ---- */

/* The state's file is replaced, so a lock of its own. Closing it, or the process's end, lets it go. */
static enum hf_err lock(const char *path, int *fd, struct hf_diag *diag)
{
	char *name;

	if (asprintf(&name, "%s.lock", path) < 0)
		return io_error(diag, path, "lock");
	*fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(name);
	if (*fd < 0)
		return io_error(diag, path, "make the lock");
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		const struct timespec pause = {.tv_nsec = 10000000};

		if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
			return HF_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	enum hf_err err = errno == EWOULDBLOCK ? HF_ERR_BUSY : HF_ERR_IO;

	hf_diag_set(diag, err == HF_ERR_BUSY ? "%s: another process is signing with this key; try again"
					     : "%s: this file system cannot lock files; keep the state on a local disk", path);
	close(*fd);
	return err;
}

/* ---- a key's life ---- */

/* Beside the state it would be restored, and lost, together with it. */
static enum hf_err check_elsewhere(const char *path, const char *witness, struct hf_diag *diag)
{
	char *a = strdup(path), *b = strdup(witness);
	struct stat x, y;
	bool same = a && b && stat(dirname(a), &x) == 0 && stat(dirname(b), &y) == 0 && x.st_dev == y.st_dev &&
		    x.st_ino == y.st_ino;

	free(a);
	free(b);
	if (!same && strlen(witness) < HF_LMS_WITNESS_PATH && !strchr(witness, '\n'))
		return HF_OK;
	hf_diag_set(diag, same ? "%s: a witness in the state's own directory sees nothing; keep it elsewhere, on a medium that "
				 "is not backed up with the key"
			       : "%s: the witness's path is too long", witness);
	return HF_ERR_DENIED;
}

/* Remembered as an absolute path: the next signature may be made from another directory. */
static enum hf_err set_witness(struct hf_lms_state *state, const char *path, struct hf_diag *diag)
{
	char *copy = strdup(path), *name = strdup(path);
	char *dir = copy ? realpath(dirname(copy), NULL) : NULL;
	int len = dir && name ? snprintf(state->witness, sizeof(state->witness), "%s/%s", dir, basename(name)) : -1;

	if (len < 0 || (size_t)len >= sizeof(state->witness)) {
		hf_diag_set(diag, "%s: %s", path, dir ? "the witness's path is too long" : "the witness's directory is not there");
		len = -1;
	}
	free(dir);
	free(name);
	free(copy);
	return len < 0 ? HF_ERR_DENIED : HF_OK;
}

static enum hf_err check_absent(const char *path, struct hf_diag *diag)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return HF_OK;
	hf_diag_set(diag, "%s: the file exists already; it counts the one-time keys of a key, and is never replaced", path);
	return HF_ERR_DENIED;
}

enum hf_err hf_lms_state_create(const char *path, const uint8_t id[HF_LMS_ID_BYTES], const char *witness,
				struct hf_diag *diag)
{
	struct hf_lms_state state = {.next = 0};
	enum hf_err err = check_absent(path, diag);

	memcpy(state.id, id, HF_LMS_ID_BYTES);
	if (!err && witness) {
		err = check_absent(witness, diag);
		if (!err)
			err = check_elsewhere(path, witness, diag);
		if (!err)
			err = set_witness(&state, witness, diag);
	}
	if (!err)
		err = write_state(path, &state, diag);
	if (err)
		return err;
	err = write_witness(&state, diag);
	if (err)
		unlink(path); /* nothing was signed yet */
	return err;
}

static enum hf_err read_own(const char *path, const uint8_t *id, struct hf_lms_state *state, struct hf_diag *diag)
{
	enum hf_err err = hf_lms_state_read(path, state, diag);

	if (err == HF_ERR_NOT_FOUND)
		hf_diag_set(diag, "%s: the state of this LMS key is missing, so that nobody knows which one-time keys are used; "
				  "bring it back, or say where to go on with `holdfast key --skip-to N`", path);
	if (err || memcmp(state->id, id, HF_LMS_ID_BYTES) == 0)
		return err;
	hf_diag_set(diag, "%s: this is the state of another key", path);
	return HF_ERR_KEY;
}

static enum hf_err ask_witness(const struct hf_lms_reserve *r, const struct hf_lms_state *state, struct hf_diag *diag)
{
	uint32_t seen;
	enum hf_err err = hf_lms_witness_read(state->witness, r->id, &seen, diag);

	if (err == HF_ERR_NOT_FOUND)
		hf_diag_set(diag, "%s: the key's witness is not there; bring it, or sign without it, if the state is certainly "
				  "no old copy, with --no-witness", state->witness);
	if (err)
		return err == HF_ERR_IO ? err : HF_ERR_DENIED;
	if (seen <= state->next)
		return HF_OK;
	hf_diag_set(diag, "%s: this state is an old copy: it says that %u one-time keys are used, and the witness %s has seen %u; "
			  "bring the newest state back, or go on behind it with `holdfast key --skip-to %u`",
		    r->path, state->next, state->witness, seen, seen);
	return HF_ERR_DENIED;
}

static bool is_there(const char *path)
{
	struct stat info;

	return path[0] && stat(path, &info) == 0;
}

static enum hf_err reserve_locked(const struct hf_lms_reserve *r, uint32_t *number, bool *witnessed,
				  struct hf_diag *diag)
{
	struct hf_lms_state state;
	enum hf_err err = read_own(r->path, r->id, &state, diag);

	if (!err && r->witness)
		err = check_elsewhere(r->path, r->witness, diag);
	if (!err && r->witness && is_there(state.witness)) /* the remembered one knows what another may not */
		err = ask_witness(r, &state, diag);
	if (!err && r->witness)
		err = set_witness(&state, r->witness, diag);
	*witnessed = state.witness[0] && !r->no_witness;
	if (!err && *witnessed)
		err = ask_witness(r, &state, diag);
	if (!err && state.next >= HF_LMS_LEAVES) {
		hf_diag_set(diag, "%s: all %u one-time keys are used; make a new key, and a keyset that names it", r->path,
			    HF_LMS_LEAVES);
		err = HF_ERR_FULL;
	}
	if (err)
		return err;
	*number = state.next++;
	err = write_state(r->path, &state, diag);
	return err || !*witnessed ? err : write_witness(&state, diag);
}

enum hf_err hf_lms_reserve(const struct hf_lms_reserve *reserve, uint32_t *number, bool *witnessed,
			   struct hf_diag *diag)
{
	int fd;
	enum hf_err err = lock(reserve->path, &fd, diag);

	if (err)
		return err;
	err = reserve_locked(reserve, number, witnessed, diag);
	close(fd);
	return err;
}

/* The witness's count, where there is a witness; a missing one counts nothing. */
static enum hf_err seen_by_witness(const struct hf_lms_state *state, uint32_t *seen, struct hf_diag *diag)
{
	enum hf_err err;

	*seen = 0;
	if (!state->witness[0])
		return HF_OK;
	err = hf_lms_witness_read(state->witness, state->id, seen, diag);
	return err == HF_ERR_NOT_FOUND ? HF_OK : err;
}

static enum hf_err mend_locked(const char *path, const uint8_t *id, const char *witness, uint32_t next,
			       struct hf_lms_state *out, struct hf_diag *diag)
{
	enum hf_err err = read_own(path, id, out, diag);
	uint32_t seen = 0, seen_before = 0;

	if ((err == HF_ERR_NOT_FOUND || err == HF_ERR_ENCODING) && next) {
		*out = (struct hf_lms_state){.next = next};
		memcpy(out->id, id, HF_LMS_ID_BYTES);
		err = HF_OK;
	}
	if (!err && witness)
		err = check_elsewhere(path, witness, diag);
	if (!err)
		err = seen_by_witness(out, &seen_before, diag);
	if (!err && witness)
		err = set_witness(out, witness, diag);
	if (!err)
		err = seen_by_witness(out, &seen, diag);
	seen = seen > seen_before ? seen : seen_before;
	if (!err && ((next && next < out->next) || next > HF_LMS_LEAVES || (next ? next : out->next) < seen)) {
		hf_diag_set(diag, "%s: the state says %u and the witness %u: it can go on from there up to %u, never from %u",
			    path, out->next, seen, HF_LMS_LEAVES, next ? next : out->next);
		err = HF_ERR_DENIED;
	}
	if (err)
		return err;
	if (next)
		out->next = next;
	err = write_state(path, out, diag);
	return err ? err : write_witness(out, diag);
}

enum hf_err hf_lms_state_mend(const char *path, const uint8_t id[HF_LMS_ID_BYTES], const char *witness, uint32_t next,
			      struct hf_lms_state *out, struct hf_diag *diag)
{
	int fd;
	enum hf_err err = lock(path, &fd, diag);

	if (err)
		return err;
	err = mend_locked(path, id, witness, next, out, diag);
	close(fd);
	return err;
}

/* SPDX-License-Identifier: MIT
 *
 * A package or a key that is half written is worse than none. So nothing is ever written in place: the new content
 * goes to a temporary file in the same directory, is flushed, and takes the name in one step (rename, or link where
 * the name must be new). What is not a regular file (/dev/stdout, a pipe) has no old content to protect and is
 * written directly.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void hf_buffer_free(struct hf_buffer *buffer)
{
	free(buffer->ptr);
	*buffer = (struct hf_buffer){0};
}

static enum hf_err fail(struct hf_diag *diag, const char *path, const char *what)
{
	hf_diag_set(diag, "%s: cannot %s: %s", path, what, strerror(errno));
	return HF_ERR_IO;
}

static enum hf_err read_fd(int fd, const char *path, size_t limit, struct hf_buffer *out, struct hf_diag *diag)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (room - out->len < 2) {
			uint8_t *more = realloc(out->ptr, room = room ? room * 2 : 65536);

			if (!more)
				return fail(diag, path, "read");
			out->ptr = more;
		}
		n = read(fd, out->ptr + out->len, room - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(diag, path, "read");
		out->len += (size_t)n;
		if (out->len > limit) {
			hf_diag_set(diag, "%s: the file is larger than the %zu KiB that are plausible for it", path,
				    (limit + 1023) / 1024);
			return HF_ERR_TOO_LARGE;
		}
		if (n == 0) {
			out->ptr[out->len] = 0;
			return HF_OK;
		}
	}
}

enum hf_err hf_file_read(const char *path, size_t limit_bytes, struct hf_buffer *out, struct hf_diag *diag)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum hf_err err;

	*out = (struct hf_buffer){0};
	if (fd < 0)
		return fail(diag, path, "open");
	err = read_fd(fd, standard ? "standard input" : path, limit_bytes, out, diag);
	if (!standard)
		close(fd);
	if (err)
		hf_buffer_free(out);
	return err;
}

static bool write_all(int fd, struct hf_bytes content)
{
	while (content.len) {
		ssize_t n = write(fd, content.ptr, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		content.ptr += n;
		content.len -= (size_t)n;
	}
	return true;
}

static enum hf_err write_directly(const char *path, struct hf_bytes content, struct hf_diag *diag)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return fail(diag, path, "open");
	ok = write_all(fd, content);
	ok = (close(fd) == 0) && ok;
	return ok ? HF_OK : fail(diag, path, "write");
}

static void sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

/* Not mkstemp: its mode is 0600, and the umask cannot be asked for without changing it. */
static int open_temporary(const char *path, unsigned flags, char **name)
{
	for (unsigned attempt = 0; attempt < 100; attempt++) {
		int fd;

		if (asprintf(name, "%s.%ld-%u.tmp", path, (long)getpid(), attempt) < 0) {
			*name = NULL;
			return -1;
		}
		fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, flags & HF_FILE_PRIVATE ? 0600 : 0666);
		if (fd >= 0 || errno != EEXIST)
			return fd;
		free(*name);
	}
	*name = NULL;
	return -1;
}

/* Gives the file its name in one step. A name that must be new is never taken from another file: by rename where the
 * file system can do that (a FAT stick has no hard links), else by a link. */
static bool take_name(const char *from, const char *to, unsigned flags)
{
	if (!(flags & HF_FILE_NEW))
		return rename(from, to) == 0;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	if ((errno != EINVAL && errno != ENOSYS) || link(from, to) != 0)
		return false;
	unlink(from);
	return true;
}

static enum hf_err write_beside(const char *path, struct hf_bytes content, unsigned flags, struct hf_diag *diag)
{
	enum hf_err err = HF_OK;
	char *name = NULL;
	int fd = open_temporary(path, flags, &name);
	bool ok;

	if (fd < 0) {
		err = fail(diag, path, "create");
		free(name);
		return err;
	}
	ok = write_all(fd, content) && fsync(fd) == 0;
	ok = (close(fd) == 0) && ok;
	if (!ok)
		err = fail(diag, path, "write");
	else if (!take_name(name, path, flags))
		err = errno == EEXIST ? HF_ERR_DENIED : fail(diag, path, "replace");
	if (err)
		unlink(name);
	if (err == HF_ERR_DENIED)
		hf_diag_set(diag, "%s: the file exists already; choose another name, or replace it with --force",
			    path);
	if (!err)
		sync_directory(path);
	free(name);
	return err;
}

enum hf_err hf_file_write(const char *path, struct hf_bytes content, unsigned flags, struct hf_diag *diag)
{
	struct stat info;

	if (strcmp(path, "-") == 0)
		return write_directly(path, content, diag);
	if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
		if (S_ISDIR(info.st_mode)) {
			errno = EISDIR;
			return fail(diag, path, "write");
		}
		return write_directly(path, content, diag);
	}
	return write_beside(path, content, flags, diag);
}

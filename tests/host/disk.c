/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES  16
#define LENGTH 512

static struct {
	enum disk_end end;
	unsigned nth, calls;
	bool full;
	char dirty[NAMES][LENGTH];                 /* written, not flushed */
	off_t flushed[NAMES];                      /* their lengths before that */
	char moved[NAMES][LENGTH], old[NAMES][LENGTH]; /* renamed, directory not flushed; what was there before */
	unsigned dirties, moves;
} disk;

#define REAL(name, type, ...) ((type(*)(__VA_ARGS__))(uintptr_t)dlsym(RTLD_NEXT, #name))

static int real_rename(const char *from, const char *to)
{
	return REAL(rename, int, const char *, const char *)(from, to);
}

void disk_arm(enum disk_end end, unsigned nth)
{
	memset(&disk, 0, sizeof(disk));
	disk.end = end;
	disk.nth = nth;
}

/* What the disk did not hold is taken back. */
static void lose(bool moves)
{
	for (unsigned i = 0; i < disk.dirties; i++) {
		struct stat info = {.st_size = disk.flushed[i]};

		if (disk.end == DISK_CUT_TORN && stat(disk.dirty[i], &info) != 0)
			_exit(3);
		if (truncate(disk.dirty[i], (disk.flushed[i] + info.st_size) / 2) != 0)
			_exit(3);
	}
	for (unsigned i = moves ? disk.moves : 0; i-- > 0;) {
		if (disk.old[i][0])
			real_rename(disk.old[i], disk.moved[i]);
		else
			REAL(unlink, int, const char *)(disk.moved[i]);
	}
}

static void die(void)
{
	if (disk.end == DISK_CUT_BEFORE || disk.end == DISK_CUT_AFTER || disk.end == DISK_CUT_KEPT || disk.end == DISK_CUT_TORN)
		lose(disk.end != DISK_CUT_KEPT);
	_exit(DISK_DEAD);
}

/* True: the call is to fail. */
static bool before(void)
{
	if (disk.end == DISK_LIVES || ++disk.calls != disk.nth)
		return false;
	if (disk.end == DISK_KILL_BEFORE || disk.end == DISK_CUT_BEFORE)
		die();
	errno = EIO;
	return disk.end == DISK_ERROR;
}

static void after(void)
{
	if (disk.calls == disk.nth && (disk.end == DISK_KILL_AFTER || disk.end == DISK_CUT_AFTER || disk.end == DISK_CUT_KEPT ||
					disk.end == DISK_CUT_TORN))
		die();
}

static void name_of(int fd, char name[LENGTH])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, name, LENGTH - 1);
	name[len < 0 ? 0 : len] = 0;
}

static void is_clean(const char *name)
{
	for (unsigned i = 0; i < disk.dirties; i++)
		if (strcmp(disk.dirty[i], name) == 0) {
			memcpy(disk.dirty[i], disk.dirty[--disk.dirties], LENGTH);
			disk.flushed[i] = disk.flushed[disk.dirties];
			return;
		}
}

/* Everything that was renamed within this directory is there to stay. */
static void settle(const char *dir)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < disk.moves; i++) {
		size_t len = strlen(dir);

		if (strncmp(disk.moved[i], dir, len) == 0 && disk.moved[i][len] == '/' &&
		    !strchr(disk.moved[i] + len + 1, '/')) {
			if (disk.old[i][0])
				REAL(unlink, int, const char *)(disk.old[i]);
			continue;
		}
		memmove(disk.moved[kept], disk.moved[i], LENGTH);
		memmove(disk.old[kept++], disk.old[i], LENGTH);
	}
	disk.moves = kept;
}

static void note_rename(const char *from, const char *to)
{
	char *old = disk.old[disk.moves];

	for (unsigned i = 0; i < disk.dirties; i++)
		if (strcmp(disk.dirty[i], from) == 0)
			snprintf(disk.dirty[i], LENGTH, "%s", to);
	snprintf(disk.moved[disk.moves], LENGTH, "%s", to);
	snprintf(old, LENGTH, "%.480s.old%u", to, disk.moves);
	if (link(to, old) != 0)
		old[0] = 0;
	disk.moves++;
}

/* ---- what stands in front ---- */

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;
	int fd;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (before())
		return -1;
	fd = openat(AT_FDCWD, path, flags, mode);
	after();
	return fd;
}

static void is_dirty(int fd)
{
	char name[LENGTH];
	struct stat info;

	name_of(fd, name);
	for (unsigned i = 0; i < disk.dirties; i++)
		if (strcmp(disk.dirty[i], name) == 0)
			return;
	if (disk.dirties == NAMES || fstat(fd, &info) != 0)
		return;
	memcpy(disk.dirty[disk.dirties], name, LENGTH);
	disk.flushed[disk.dirties++] = info.st_size;
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t n;

	if (before())
		return -1;
	if (disk.end == DISK_FULL && disk.calls >= disk.nth) {
		if (!disk.full && len > 1)
			REAL(write, ssize_t, int, const void *, size_t)(fd, data, len / 2);
		disk.full = true;
		errno = ENOSPC;
		return -1;
	}
	if (disk.end != DISK_LIVES)
		is_dirty(fd);
	n = REAL(write, ssize_t, int, const void *, size_t)(fd, data, len);
	after();
	return n;
}

int fsync(int fd)
{
	char name[LENGTH];
	int rc;

	if (before())
		return -1;
	rc = fcntl(fd, F_GETFD) < 0 ? -1 : 0; /* what reaches this disk is decided here; the real one would take a minute */
	name_of(fd, name);
	is_clean(name);
	settle(name);
	after();
	return rc;
}

int rename(const char *from, const char *to)
{
	int rc;

	if (before())
		return -1;
	if (disk.end != DISK_LIVES && disk.moves < NAMES)
		note_rename(from, to);
	rc = real_rename(from, to);
	after();
	return rc;
}

int close(int fd)
{
	int rc;

	if (before()) {
		REAL(close, int, int)(fd);
		errno = EIO;
		return -1;
	}
	rc = REAL(close, int, int)(fd);
	after();
	return rc;
}

int unlink(const char *path)
{
	int rc;

	if (before())
		return -1;
	rc = REAL(unlink, int, const char *)(path);
	after();
	return rc;
}

int flock(int fd, int operation)
{
	int rc;

	if (before())
		return -1;
	rc = REAL(flock, int, int, int)(fd, operation);
	after();
	return rc;
}

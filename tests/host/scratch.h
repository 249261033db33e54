/* SPDX-License-Identifier: MIT
 *
 * A directory of a test's own, removed with what is in it.
 */
#ifndef HF_TESTS_SCRATCH_H
#define HF_TESTS_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/tmp.h"

static char scratch_dir[TMP_NAME_BYTES];

static inline int scratch_begin(void **state)
{
	(void)state;
	return mkdtemp(tmp_name(scratch_dir, "hf-test-XXXXXX")) ? 0 : -1;
}

/* A path in the directory; valid until the fourth call after it. */
static inline const char *scratch(const char *name)
{
	static char path[4][512];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", scratch_dir, name);
	return path[turn];
}

/* Entries in the directory, besides . and .. */
static inline unsigned scratch_count(void)
{
	DIR *dir = opendir(scratch_dir);
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2;
}

static inline int scratch_end(void **state)
{
	DIR *dir = opendir(scratch_dir);
	struct dirent *entry;

	(void)state;
	while (dir && (entry = readdir(dir)))
		unlink(scratch(entry->d_name));
	if (dir)
		closedir(dir);
	return rmdir(scratch_dir);
}

#endif

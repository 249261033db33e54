/* SPDX-License-Identifier: MIT
 *
 * Files of the shared test data: vectors and firmware that the project did not write. Programs that need them are skipped
 * without.
 */
#ifndef HF_TESTS_SHARED_H
#define HF_TESTS_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline const char *shared_dir(void)
{
	const char *dir = getenv("HF_SHARED");

	return dir && *dir ? dir : HF_SHARED_DEFAULT;
}

/* Reads a whole file of at most cap bytes. False if it is not there; larger ones end the test program. */
static inline bool shared_read(const char *name, uint8_t *buf, size_t cap, size_t *len)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", shared_dir(), name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	*len = fread(buf, 1, cap, f);
	if (fgetc(f) != EOF)
		abort();
	fclose(f);
	return true;
}

/*
 * For main(), before cmocka: false, and the plan of a program that is skipped, if the shared data is not there. (Single
 * tests cannot be skipped: cmocka says "not ok # SKIP" of them, which counts as failed.)
 */
static inline bool shared_present(const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", shared_dir(), name);
	if (access(path, R_OK) == 0)
		return true;
	printf("1..0 # SKIP there is no %s: set HF_SHARED to the directory that holds it\n", path);
	return false;
}

#endif

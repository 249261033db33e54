/* SPDX-License-Identifier: MIT
 *
 * Files of the shared test data: vectors and firmware that the project did not write. Tests are skipped without them.
 */
#ifndef HF_TESTS_SHARED_H
#define HF_TESTS_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Whether the shared data is there; otherwise says so, once a program. */
static inline bool shared_present(void)
{
	static bool told;
	char path[1024];

	snprintf(path, sizeof(path), "%s/vectors/README", shared_dir());
	FILE *f = fopen(path, "rb");
	if (f)
		fclose(f);
	else if (!told)
		fprintf(stderr, "no shared vectors in %s: set HF_SHARED to have them tested\n", shared_dir());
	told = true;
	return f != NULL;
}

#endif

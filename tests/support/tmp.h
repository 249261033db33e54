/* SPDX-License-Identifier: MIT
 *
 * Names of temporary files and directories: below TMPDIR, or /tmp if there is none, or one so long that a socket below it
 * would have no name (struct sockaddr_un has 108 bytes).
 */
#ifndef HF_TESTS_TMP_H
#define HF_TESTS_TMP_H

#include <stdlib.h>
#include <string.h>

#define TMP_NAME_BYTES 96

/* For mkstemp() and mkdtemp(): the tail, of at most 31 characters, ends with XXXXXX. */
static inline char *tmp_name(char name[TMP_NAME_BYTES], const char *tail)
{
	const char *dir = getenv("TMPDIR");

	strcpy(name, dir && *dir && strlen(dir) < 64 ? dir : "/tmp");
	strcat(name, "/");
	return strcat(name, tail);
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * Project files: any text is a project that keeps its promises, or refused with a sentence that names a line.
 */
#include <stdlib.h>
#include <string.h>

#include "../host/project.h"
#include "settings.h"

const char *__lsan_default_suppressions(void);

/* libconfig 1.5 keeps the buffer of a string that is not terminated. The tool reads one project file and ends. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void check(const struct hf_project *p)
{
	if (!p->product[0] || p->ports > HF_PROJECT_PORTS || p->bauds > HF_BOARD_BAUDS || strcmp(p->dir, "d/") != 0)
		abort();
	for (unsigned i = 0; i < p->ports; i++) {
		if (!p->port[i][0])
			abort();
	}
	/* Paths are relative to the file, unless they are absolute. */
	if (p->keyset[0] && p->keyset[0] != '/' && strncmp(p->keyset, "d/", 2) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct hf_diag diag = {""};
	struct hf_project project;

	memcpy(text, data, len);
	text[len] = 0;
	if (hf_project_parse(text, "d/f", &project, &diag) == HF_OK)
		check(&project);
	else if (strncmp(diag.text, "d/f:", 4) != 0)
		abort();
	free(text);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	static const char *const texts[] = {
		"a", "/a", "../a", "b/c.hfk", "115200", "tcp:host:1", "lockstep:/tmp/x", "open", "local", "swd", "rom", "serial", "auto",
		"1.2.3", ">=1.0", "", "<FILL IN>", NULL,
	};

	return settings_mutate_input(data, len, max, seed, texts);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return settings_cross_inputs((struct hf_bytes){data1, len1}, (struct hf_bytes){data2, len2}, out, max, seed);
}

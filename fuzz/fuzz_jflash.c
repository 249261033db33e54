/* SPDX-License-Identifier: MIT
 *
 * J-Flash projects: any text is taken, line by line told and counted, or refused with a sentence that names the file.
 */
#include <stdlib.h>
#include <string.h>

#include "../host/jflash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void tell(void *ctx, const struct hf_jflash_line *line)
{
	unsigned *told = ctx;

	if (!line->section || !line->key[0] || !line->value || (line->as && !line->as[0]))
		abort();
	told[line->as != NULL]++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct hf_diag diag = {""};
	unsigned told[2] = {0};
	struct hf_jflash j;
	enum hf_err err;

	memcpy(text, data, len);
	text[len] = 0;
	err = hf_jflash_parse(text, "f", tell, told, &j, &diag);
	if (err && strncmp(diag.text, "f:", 2) != 0)
		abort();
	if (!err && (told[0] != j.left || told[1] != j.taken || j.khz > 50000))
		abort();
	free(text);
	return 0;
}

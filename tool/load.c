/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <ctype.h>
#include <string.h>

#define KEYSET_FILE_MAX 65536u

enum hf_err hf_load_package(const char *path, struct hf_buffer *file, struct hf_package *package,
			    struct hf_diag *diag)
{
	enum hf_err err = hf_file_read(path, HF_PACKAGE_FILE_MAX, file, diag);

	if (err)
		return err;
	err = hf_package_read(hf_buffer_bytes(file), package, diag);
	if (!err)
		return HF_OK;
	hf_diag_prefix(diag, "%s: ", path);
	hf_buffer_free(file);
	return err;
}

enum hf_err hf_load_keyset_file(const char *path, struct hf_buffer *file, struct hf_keyset_file *keyset, struct hf_diag *diag)
{
	enum hf_err err = hf_file_read(path, KEYSET_FILE_MAX, file, diag);

	if (err)
		return err;
	err = hf_keyset_file_read(hf_buffer_bytes(file), keyset);
	if (!err)
		return HF_OK;
	hf_diag_set(diag, "%s: this is not a keyset: %s; `holdfast keyset make` or `holdfast keygen` makes one", path,
		    hf_err_text(err));
	hf_buffer_free(file);
	return HF_ERR_KEYSET;
}

enum hf_err hf_load_keyset(const char *path, struct hf_buffer *file, struct hf_keyset *keyset, struct hf_diag *diag)
{
	struct hf_keyset_file parts;
	size_t used;
	enum hf_err err = hf_load_keyset_file(path, file, &parts, diag);

	if (err)
		return err;
	memmove(file->ptr, parts.bytes.ptr, parts.bytes.len); /* without signatures, as a device keeps it */
	file->len = parts.bytes.len;
	return hf_keyset_parse(hf_buffer_bytes(file), keyset, &used);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hf_load_id(const char *text, uint8_t id[16])
{
	unsigned digits = 0;

	for (; *text; text++) {
		int value = digit(*text);

		if (*text == '-')
			continue;
		if (value < 0 || digits == 32)
			return false;
		if (digits % 2 == 0)
			id[digits / 2] = (uint8_t)(value << 4);
		else
			id[digits / 2] |= (uint8_t)value;
		digits++;
	}
	return digits == 32;
}

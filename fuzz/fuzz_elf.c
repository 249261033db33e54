/* SPDX-License-Identifier: MIT
 *
 * ELF files: whatever is read must pack or be refused with a sentence, and a table that comes out must be one that core reads
 * and that puts the image back as it was linked.
 */
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "image.h"
#include "reloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct hf_layout board = {
	.sector = {{0x08000000, 0x40000}},
	.sectors = 1,
	.ram = {{0x20000000, 0x20000}},
};

static enum hf_err memory_read(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct hf_image_content *content = ctx;

	if (!hf_range_ok(offset, len, content->table_bytes))
		abort();
	memcpy(buf, content->table + offset, len);
	return HF_OK;
}

static void check(struct hf_image_content *content, const struct hf_firmware *fw)
{
	struct hf_reloc reloc;

	if (hf_reloc_open(&reloc, memory_read, content, content->table_bytes, content->image_bytes) ||
	    hf_reloc_check(&reloc) || hf_reloc_apply(&reloc, content->image, 0, content->image_bytes, fw->addr) ||
	    memcmp(content->image, fw->bytes, fw->len) != 0)
		abort();
	hf_image_content_free(content);
}

static void must_say(enum hf_err err, const struct hf_diag *diag)
{
	if (err && strncmp(diag->text, "f: ", 3) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_diag diag = {""};
	struct hf_firmware fw, other;
	struct hf_image_content content;
	enum hf_err err = hf_firmware_parse(&fw, "f", (struct hf_bytes){data, len}, NULL, &board, &diag);

	must_say(err, &diag);
	if (err)
		return 0;
	err = hf_image_from_one(&content, &fw, &board, &diag);
	must_say(err, &diag);
	if (!err)
		check(&content, &fw);
	/* A second link whose words moved as if it were one: every word that looks like an address of the image. */
	if (hf_firmware_parse(&other, "g", (struct hf_bytes){data, len}, NULL, &board, &diag))
		abort();
	hf_elf_close(other.elf);
	other.elf = NULL;
	other.addr += 0x10200;
	for (uint32_t i = 0; i + 4 <= fw.len; i += 4)
		if (load_le32(fw.bytes + i) - fw.addr <= fw.len)
			store_le32(other.bytes + i, load_le32(fw.bytes + i) + 0x10200);
	if (!hf_image_from_two(&content, &fw, &other, &board, &diag))
		check(&content, &fw);
	hf_firmware_free(&other);
	hf_firmware_free(&fw);
	return 0;
}

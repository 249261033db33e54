/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a relocation table, for an image whose size the first byte scales. An image relocated at once, by
 * pieces, and taken back is what it was; a table that the check accepts can be applied.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "reloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE 0x08040200u

static void must(bool holds)
{
	if (!holds)
		abort();
}

static enum hf_err read_input(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct hf_bytes *input = ctx;

	must(hf_range_ok(offset, len, input->len));
	memcpy(buf, input->ptr + offset, len);
	return HF_OK;
}

static void relocate(const struct hf_reloc *reloc, uint32_t piece, bool checked)
{
	uint32_t size = reloc->image_bytes;
	uint8_t *whole = calloc(1, size + 1), *pieces = calloc(1, size + 1);
	enum hf_err err = hf_reloc_apply(reloc, whole, 0, size, BASE), err_pieces = HF_OK;

	must(!checked || err == HF_OK);
	for (uint32_t at = 0; at < size && !err_pieces; at += piece) {
		uint32_t n = size - at < piece ? size - at : piece;
		err_pieces = hf_reloc_apply(reloc, pieces + at, at, n, BASE);
	}
	must((err == HF_OK) == (err_pieces == HF_OK));
	if (err == HF_OK) {
		must(memcmp(whole, pieces, size) == 0);
		must(hf_reloc_apply(reloc, whole, 0, size, 0 - BASE) == HF_OK);
		for (uint32_t i = 0; i < size; i++)
			must(whole[i] == 0);
	}
	free(whole);
	free(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_reloc reloc;

	if (len < 2)
		return 0;
	/* Either what the table itself says, if that is not much, or a size of the input's choice. */
	uint32_t size = data[0] * 52u;
	struct hf_bytes table = { data + 2, len - 2 };
	if (data[0] == 0 && table.len >= 8 && load_le32(table.ptr + 4) < 65536)
		size = load_le32(table.ptr + 4);
	if (hf_reloc_open(&reloc, read_input, &table, (uint32_t)table.len, size) != HF_OK)
		return 0;
	relocate(&reloc, 4 + 4u * data[1] * data[1], hf_reloc_check(&reloc) == HF_OK);
	return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Firmware images on the host: read what a linker made, and turn it into a component's content.
 *
 * First a file (ELF, Intel HEX, Motorola SREC, raw) becomes a struct hf_firmware: the bytes of flash from the lowest to
 * the highest load address, gaps filled with FF. Then one of three ways makes the content:
 *   hf_image_from_two   two links of the same objects; what differs by the difference of the bases is an address. Exact.
 *   hf_image_from_one   one ELF with its relocations (ld --emit-relocs); classified, with refusals and warnings.
 *   hf_image_fixed      an image that stays where it was linked, one build a slot; no table.
 * Whatever cannot be relocated for certain is refused: a missed word jumps silently into the other slot, and dies only
 * when that slot is erased.
 *
 * `layout` is the board as far as an image must agree with it: every byte lies in its flash, the initial stack pointer
 * in its RAM. Every function that can fail leaves one sentence in *diag; its output is then zeroed, so that the free
 * function may be called on it. Ownership: results are the caller's, to be freed with the function named.
 */
#ifndef HF_IMAGE_H
#define HF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "diag.h"
#include "err.h"
#include "layout.h"

enum hf_image_format {
	HF_IMAGE_RAW,
	HF_IMAGE_ELF,
	HF_IMAGE_HEX,
	HF_IMAGE_SREC,
};

struct hf_elf; /* sections, symbols, relocations: elf_file.h */

struct hf_firmware {
	char *name; /* for sentences: the file's name */
	enum hf_image_format format;
	uint32_t addr; /* the lowest load address: where the vector table lies */
	uint8_t *bytes;
	uint32_t len;
	struct hf_elf *elf; /* NULL for the other formats */
};

/* The format's name: "ELF", "Intel HEX", "SREC", "raw binary". */
const char *hf_image_format_name(enum hf_image_format format);

/* Reads and recognises a file. raw_addr: NULL, or the address of a raw binary; a file that is none of the other formats
 * is refused without it, and one that is another format is refused with it. HF_ERR_IO (the file cannot be read),
 * HF_ERR_TRUNCATED, HF_ERR_ENCODING, HF_ERR_CRC (a record's checksum), HF_ERR_UNSUPPORTED (another machine or class),
 * HF_ERR_RANGE (outside flash, overlaps), HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_firmware_read(struct hf_firmware *fw, const char *path, const uint32_t *raw_addr,
					 const struct hf_layout *layout, struct hf_diag *diag);

/* The same from memory; `name` is used in sentences. name and file are borrowed. */
HF_MUST_USE enum hf_err hf_firmware_parse(struct hf_firmware *fw, const char *name, struct hf_bytes file,
					  const uint32_t *raw_addr, const struct hf_layout *layout,
					  struct hf_diag *diag);

void hf_firmware_free(struct hf_firmware *fw);

/* Something in the image that was not relocated, and perhaps ought to have been: for a person to judge. */
struct hf_image_warning {
	uint32_t addr;  /* of the word, as linked */
	uint32_t value; /* what it holds */
	bool code; /* the word lies among instructions (the ELF's mapping symbols say so): most likely no address */
	char text[200]; /* a sentence with address, value and nearest symbol */
};

struct hf_image_content {
	uint8_t *table; /* core/reloc.h's format; NULL for a fixed image */
	uint32_t table_bytes;
	uint32_t entries;     /* words that are relocated */
	uint8_t *image;       /* canonical: as if linked at 0; a fixed image as linked. Padded with FF */
	uint32_t image_bytes; /* a multiple of 4 */
	uint32_t link_addr;   /* the address of the image's first byte as linked; of the first link, if there are two */
	uint32_t stack_pointer;
	uint32_t reset_vector; /* as linked, odd */
	struct hf_image_warning *warnings;
	size_t warning_count;
};

/* Two links of the same firmware at different bases, which are both multiples of 512. The table is the aligned words
 * that differ by exactly the difference of the bases; any other difference is refused (HF_ERR_ENCODING), as are other
 * sizes. If they are ELFs with relocations, those are checked against the table; without them the bases must not be a
 * multiple of 64 KiB apart (HF_ERR_UNSUPPORTED). Both are borrowed. */
HF_MUST_USE enum hf_err hf_image_from_two(struct hf_image_content *content, const struct hf_firmware *a,
					  const struct hf_firmware *b, const struct hf_layout *layout,
					  struct hf_diag *diag);

/* One ELF that was linked with --emit-relocs. HF_ERR_UNSUPPORTED names the construct that cannot be relocated for
 * certain. */
HF_MUST_USE enum hf_err hf_image_from_one(struct hf_image_content *content, const struct hf_firmware *fw,
					  const struct hf_layout *layout, struct hf_diag *diag);

/* A build for one slot, linked a multiple of 512 bytes behind the beginning of `slot`: HF_ERR_SLOT if it was not. */
HF_MUST_USE enum hf_err hf_image_fixed(struct hf_image_content *content, const struct hf_firmware *fw,
				       struct hf_span slot, const struct hf_layout *layout, struct hf_diag *diag);

void hf_image_content_free(struct hf_image_content *content);

#endif

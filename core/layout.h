/* SPDX-License-Identifier: MIT
 *
 * Where things are in a device's flash, as data.
 *
 * core and port never name an address: they get this table, which is generated from the board's file (boards/) for the
 * firmware and read from the same file on a host. Addresses are the CPU's (0x08000000 is the first byte of flash).
 */
#ifndef HF_LAYOUT_H
#define HF_LAYOUT_H

#include <stdint.h>

#define HF_MAX_SECTORS 24
#define HF_SLOTS       2
#define HF_MAX_RAMS    2

/* Where firmware can lie; the first HF_SLOTS places are the slots. */
enum { HF_PLACE_A = 0, HF_PLACE_B = 1, HF_PLACE_RECOVERY = 2 };
#define HF_PLACES 3

/* What firmware can be. A slot takes both (recovery there is staged), the recovery partition only its own. */
enum hf_component { HF_COMPONENT_APP = 0, HF_COMPONENT_RECOVERY = 1 };

struct hf_span {
	uint32_t addr;
	uint32_t size; /* bytes; 0: the board has no such partition */
};

/* Partitions begin and end with sectors, but `keyset`, which is the end of boot's. */
struct hf_layout {
	const char *name;
	uint8_t vendor_id[16]; /* UUID, version 5 of the vendor's domain, as SUIT derives it */
	uint8_t class_id[16];  /* UUID, version 5 in vendor_id's name space */
	struct hf_span sector[HF_MAX_SECTORS]; /* ascending, without gaps */
	uint8_t sectors;
	struct hf_span boot;
	struct hf_span keyset;
	struct hf_span journal[2]; /* one sector each */
	struct hf_span recovery;
	struct hf_span slot[HF_SLOTS];
	struct hf_span data;
	struct hf_span ram[HF_MAX_RAMS]; /* where an image's initial stack pointer may point to (its end included) */
};

static inline const struct hf_span *hf_layout_place(const struct hf_layout *layout, unsigned place)
{
	return place < HF_SLOTS ? &layout->slot[place] : &layout->recovery;
}

#endif

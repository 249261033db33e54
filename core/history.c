/* SPDX-License-Identifier: MIT
 *
 * The end is the first slot that reads blank, looked for from the beginning: a history is short most of the time, and one that
 * was half erased may hold anything behind. Before a slot is programmed it has to read blank; after it flash's own read-back
 * has to agree. A slot where it does not is left behind as it is.
 */
#include "history.h"

#include <string.h>

#include "bytes.h"
#include "crc32.h"

#define CRC_OFFSET   28u
#define DATA_OFFSET  12u
#define BAD_IN_A_ROW 16u
#define ID_BYTES     8u

_Static_assert(DATA_OFFSET + HF_HISTORY_DATA == CRC_OFFSET, "a record fills its slot");

void hf_history_store(uint8_t bytes[HF_HISTORY_BYTES], const struct hf_history_record *record)
{
	bytes[0] = record->type;
	bytes[1] = record->slot;
	store_le16(bytes + 2, record->detail);
	store_le32(bytes + 4, record->number);
	store_le32(bytes + 8, record->up_ms);
	memcpy(bytes + DATA_OFFSET, record->data, HF_HISTORY_DATA);
	store_le32(bytes + CRC_OFFSET, hf_crc32(0, bytes, CRC_OFFSET));
}

bool hf_history_load(const uint8_t bytes[HF_HISTORY_BYTES], struct hf_history_record *record)
{
	if (bytes[0] == 0x00 || bytes[0] == 0xff || hf_crc32(0, bytes, CRC_OFFSET) != load_le32(bytes + CRC_OFFSET))
		return false;
	record->type = bytes[0];
	record->slot = bytes[1];
	record->detail = load_le16(bytes + 2);
	record->number = load_le32(bytes + 4);
	record->up_ms = load_le32(bytes + 8);
	memcpy(record->data, bytes + DATA_OFFSET, HF_HISTORY_DATA);
	return true;
}

void hf_history_put_firmware(struct hf_history_record *r, const int32_t *version, unsigned versions, const uint8_t *id)
{
	memset(r->data, 0, sizeof r->data);
	for (unsigned i = 0; i < 3 && i < versions; i++)
		store_le16(r->data + 2 * i, (uint16_t)version[i]);
	memcpy(r->data + HF_HISTORY_DATA - ID_BYTES, id, ID_BYTES);
}

struct hf_span hf_history_span(const struct hf_layout *layout)
{
	for (unsigned i = 0; i < layout->sectors; i++) {
		if (layout->data.size != 0 && layout->sector[i].addr == layout->data.addr)
			return layout->sector[i];
	}
	return (struct hf_span){ 0, 0 };
}

static bool blank(const uint8_t bytes[HF_HISTORY_BYTES])
{
	for (unsigned i = 0; i < HF_HISTORY_BYTES; i++) {
		if (bytes[i] != 0xff)
			return false;
	}
	return true;
}

static enum hf_err read_slot(const struct hf_flash *flash, struct hf_span span, uint32_t off,
			     uint8_t bytes[HF_HISTORY_BYTES])
{
	return flash->read(flash->ctx, span.addr + off, bytes, HF_HISTORY_BYTES);
}

enum hf_err hf_history_length(const struct hf_flash *flash, struct hf_span span, uint32_t *len)
{
	uint8_t bytes[HF_HISTORY_BYTES];

	if (span.size == 0)
		return HF_ERR_NOT_FOUND;
	for (*len = 0; *len < span.size; *len += HF_HISTORY_BYTES) {
		enum hf_err err = read_slot(flash, span, *len, bytes);

		if (err)
			return err;
		if (blank(bytes))
			break;
	}
	return HF_OK;
}

enum hf_err hf_history_next(const struct hf_history *h, uint32_t *off, struct hf_history_record *record)
{
	uint8_t bytes[HF_HISTORY_BYTES];

	while (*off < h->end) {
		enum hf_err err = read_slot(h->flash, h->span, *off, bytes);

		if (err)
			return err;
		*off += HF_HISTORY_BYTES;
		if (hf_history_load(bytes, record))
			return HF_OK;
	}
	return HF_ERR_NOT_FOUND;
}

enum hf_err hf_history_open(struct hf_history *h, const struct hf_flash *flash, const struct hf_layout *layout)
{
	struct hf_history_record record;
	uint32_t off = 0;
	enum hf_err err;

	*h = (struct hf_history){ .flash = flash, .span = hf_history_span(layout), .number = 1 };
	err = hf_history_length(flash, h->span, &h->end);
	while (!err) {
		err = hf_history_next(h, &off, &record);
		if (!err)
			h->number = record.number + 1;
	}
	return err == HF_ERR_NOT_FOUND && h->span.size != 0 ? HF_OK : err;
}

enum hf_err hf_history_append(struct hf_history *h, const struct hf_history_record *record)
{
	struct hf_history_record numbered = *record;
	uint8_t bytes[HF_HISTORY_BYTES];
	enum hf_err err = HF_ERR_FULL;
	unsigned bad = 0;

	numbered.number = h->number;
	for (; h->end < h->span.size && bad < BAD_IN_A_ROW; h->end += HF_HISTORY_BYTES) {
		err = read_slot(h->flash, h->span, h->end, bytes);
		if (err)
			return err;
		err = HF_ERR_FULL;
		if (!blank(bytes))
			continue;
		hf_history_store(bytes, &numbered);
		err = h->flash->program(h->flash->ctx, h->span.addr + h->end, bytes, sizeof bytes);
		if (!err) {
			h->end += HF_HISTORY_BYTES;
			h->number++;
			return HF_OK;
		}
		bad++;
	}
	return err;
}

enum hf_err hf_history_renew(struct hf_history *h)
{
	enum hf_err err = h->flash->erase(h->flash->ctx, h->span.addr);

	h->end = 0;
	return err;
}

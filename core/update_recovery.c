/* SPDX-License-Identifier: MIT
 *
 * Recovery replaces itself. Its successor was uploaded into a slot, activated, and started there by boot as a trial; it
 * runs, so it is worth to be kept. It copies itself over the old one, head last, and says in the journal that it did.
 *
 * There is a recovery at every instant: the one in the slot, which boot starts again as long as the record is missing. The
 * partition is always erased first, also where it reads right already: what a cut left may read right today only.
 */
#include "update_private.h"

#include <string.h>

#define RECORD_SLOTS (HF_TWIN_DISTANCE + 1)

struct copy {
	struct hf_update *u;
	struct hf_image from;
	uint32_t base;       /* of the slot */
	uint32_t to;         /* the partition's */
	uint32_t head_bytes;
};

static enum hf_err erase_partition(struct hf_update *u)
{
	const struct hf_layout *layout = u->env.layout;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < layout->sectors && !err; i++) {
		if (layout->sector[i].addr - layout->recovery.addr >= layout->recovery.size)
			continue;
		err = u->env.flash->erase(u->env.flash->ctx, layout->sector[i].addr);
		hf_update_alive(u);
	}
	return err;
}

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct copy *c = ctx;

	return c->u->env.flash->read(c->u->env.flash->ctx, c->from.content_addr + offset, buf, len);
}

/* Copies [off, off + len) of the slot, moving what the table lists, where there is one for it. */
static enum hf_err copy_range(struct copy *c, uint32_t off, uint32_t len, const struct hf_reloc *reloc)
{
	const struct hf_flash *flash = c->u->env.flash;
	uint8_t *page = c->u->work.page;
	enum hf_err err = HF_OK;

	for (uint32_t done = 0; done < len && !err; done += sizeof c->u->work.page) {
		uint32_t n = len - done < sizeof c->u->work.page ? len - done : sizeof c->u->work.page;

		err = flash->read(flash->ctx, c->base + off + done, page, n);
		if (!err && reloc)
			err = hf_reloc_apply(reloc, page, done, n, c->to - c->base);
		if (!err)
			err = flash->program(flash->ctx, c->to + off + done, page, n);
		hf_update_alive(c->u);
	}
	return err;
}

static enum hf_err copy_all(struct copy *c)
{
	const struct hf_image *from = &c->from;
	struct hf_reloc reloc;
	enum hf_err err = hf_reloc_open(&reloc, read_table, c, from->table_bytes, from->image_bytes);

	if (!err)
		err = copy_range(c, from->content_addr - c->base, from->table_bytes, NULL);
	if (!err)
		err = copy_range(c, from->image_addr - c->base, from->image_bytes, &reloc);
	return err ? err : copy_range(c, 0, c->head_bytes, NULL);
}

/* Verifies the slot, and makes sure that its copy would do. */
static enum hf_err open_copy(struct hf_update *u, struct copy *c)
{
	const struct hf_span *to = &u->env.layout->recovery;
	struct hf_envelope envelope;
	enum hf_err err = hf_slot_verify(&u->env, u->running, &u->work, &c->from);

	if (!err)
		err = hf_envelope_parse((struct hf_bytes){ u->work.head, sizeof u->work.head }, &envelope);
	if (err)
		return err;
	c->u = u;
	c->base = u->env.layout->slot[u->running].addr;
	c->to = to->addr;
	c->head_bytes = (uint32_t)(HF_SLOT_PREFIX_BYTES + envelope.head.len + HF_FLASH_WORD - 1) / HF_FLASH_WORD * HF_FLASH_WORD;
	if (c->from.table_bytes == 0)
		return HF_ERR_SLOT;
	return hf_range_ok(c->from.content_addr - c->base, c->from.content_bytes, to->size) ? HF_OK : HF_ERR_TOO_LARGE;
}

static bool verifies(struct hf_update *u, const struct hf_image *from)
{
	struct hf_image there;

	return hf_slot_verify(&u->env, HF_PLACE_RECOVERY, &u->work, &there) == HF_OK &&
	       memcmp(there.id, from->id, sizeof there.id) == 0;
}

enum hf_err hf_update_install_recovery(struct hf_update *u)
{
	struct hf_slot_fact fact;
	struct hf_record record;
	struct copy c;
	enum hf_err err;

	if (u->component != HF_COMPONENT_RECOVERY || u->running >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	err = open_copy(u, &c);
	if (err)
		return err;
	fact = hf_update_fact(&c.from);
	err = hf_policy_replace(&u->state, u->running, &fact, &record);
	if (err || (record.type == HF_REC_VOID && verifies(u, &c.from)))
		return err;
	err = hf_update_make_room(u, 2 * HF_TWIN_DISTANCE, RECORD_SLOTS);
	if (!err)
		err = erase_partition(u);
	if (!err)
		err = copy_all(&c);
	if (err)
		return err;
	if (!verifies(u, &c.from))
		return HF_ERR_DIGEST;
	return record.type == HF_REC_VOID ? HF_OK : hf_update_append_twice(u, &record);
}

/* SPDX-License-Identifier: MIT
 *
 * A place's reader. The head is copied to RAM in one go, and only the copy is looked at: flash that reads differently
 * the second time cannot make firmware run that was not verified. Table and image are hashed as they lie, the image
 * page by page with its own address taken off again.
 */
#include "slot.h"

#include <string.h>

#define ERASED_WORD 0xffffffffu
#define VECTORS_MIN 8u /* initial stack pointer and reset vector */

const uint8_t hf_component_app[5] = { 0x81, 0x43, 'a', 'p', 'p' };
const uint8_t hf_component_recovery[10] = { 0x81, 0x48, 'r', 'e', 'c', 'o', 'v', 'e', 'r', 'y' };

static const uint8_t prefix[HF_SLOT_PREFIX_BYTES] = { 0xd8, 0x6b, 0xa2 };

static bool is(struct hf_bytes component, const uint8_t *id, size_t len)
{
	return component.len == len && memcmp(component.ptr, id, len) == 0;
}

enum hf_err hf_image_from_params(const struct hf_manifest *manifest, const struct hf_params *params,
				 struct hf_span span, struct hf_image *out)
{
	bool recovery = is(manifest->component, hf_component_recovery, sizeof(hf_component_recovery));
	const uint32_t needed = 1u << HF_SET_SIZE | 1u << HF_SET_IMAGE_OFFSET;
	uint32_t table = params->set & 1u << HF_SET_TABLE_BYTES ? params->table_bytes : 0;
	uint32_t offset = params->image_offset;

	if (!recovery && !is(manifest->component, hf_component_app, sizeof(hf_component_app)))
		return HF_ERR_UNSUPPORTED;
	if ((params->set & needed) != needed || params->digest.len != HF_SHA256_BYTES)
		return HF_ERR_UNSUPPORTED;
	if (offset % HF_IMAGE_ALIGN != 0 || table % 4 != 0 || params->size % 4 != 0)
		return HF_ERR_RANGE;
	if (!hf_range_ok(table, VECTORS_MIN, params->size) || !hf_range_ok(manifest->head_bytes, table, offset))
		return HF_ERR_RANGE;
	if (!hf_range_ok(offset, params->size - table, span.size))
		return HF_ERR_TOO_LARGE;

	memset(out, 0, sizeof(*out));
	out->component = recovery ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
	out->sequence = manifest->sequence;
	out->versions = manifest->versions;
	memcpy(out->version, manifest->version, sizeof(out->version));
	memcpy(out->digest, params->digest.ptr, sizeof(out->digest));
	out->content_addr = span.addr + offset - table;
	out->content_bytes = params->size;
	out->table_bytes = table;
	out->image_addr = span.addr + offset;
	out->image_bytes = params->size - table;
	return HF_OK;
}

/* What the validate sequence says of the slot; image-match is not asked, as hf_slot_verify does it. */
static enum hf_err run_validate(const struct hf_slot_env *env, unsigned place, const struct hf_manifest *manifest,
				struct hf_image *out)
{
	const struct hf_suit_device device = { .vendor_id = env->layout->vendor_id, .class_id = env->layout->class_id,
					       .device_id = env->device_id, .slot = place };
	const struct hf_suit_ops ops = { .ctx = NULL };
	struct hf_params params;
	enum hf_err err = hf_suit_run(manifest, manifest->validate, &device, &ops, &params);

	return err ? err : hf_image_from_params(manifest, &params, *hf_layout_place(env->layout, place), out);
}

enum hf_err hf_slot_read_head(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work,
			      struct hf_image *out)
{
	const struct hf_span span = *hf_layout_place(env->layout, place);
	struct hf_bytes head = { work->head, span.size < sizeof(work->head) ? span.size : sizeof(work->head) };
	struct hf_envelope envelope;
	struct hf_manifest manifest;
	uint8_t id[HF_SHA256_BYTES];
	bool grandfathered = false;

	if (head.len < HF_FLASH_WORD)
		return HF_ERR_NOT_FOUND;
	enum hf_err err = env->flash->read(env->flash->ctx, span.addr, work->head, head.len);
	if (err)
		return err;
	if (load_le32(head.ptr) == ERASED_WORD)
		return HF_ERR_NOT_FOUND;
	if (memcmp(head.ptr, prefix, sizeof(prefix)) != 0)
		return HF_ERR_ENCODING;
	err = hf_envelope_parse_slot(head, &envelope);
	if (!err)
		err = hf_envelope_trust(&envelope, env->keyset, HF_ROLE_RELEASE, env->crypto, id, &grandfathered);
	if (!err)
		err = hf_manifest_parse(&envelope, &manifest);
	if (err)
		return err;
	err = run_validate(env, place, &manifest, out);
	if (err)
		return err;
	memcpy(out->id, id, sizeof(id));
	out->grandfathered = grandfathered;
	return place == HF_PLACE_RECOVERY && out->component != HF_COMPONENT_RECOVERY ? HF_ERR_UNSUPPORTED : HF_OK;
}

struct table_place {
	const struct hf_flash *flash;
	uint32_t addr;
};

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct table_place *place = ctx;

	return place->flash->read(place->flash->ctx, place->addr + offset, buf, len);
}

/* Hashes [addr, addr + len), taking `base` off the words that the table lists. */
static enum hf_err hash_range(const struct hf_slot_env *env, struct hf_slot_work *work, uint32_t addr, uint32_t len,
			      const struct hf_reloc *reloc, uint32_t base)
{
	for (uint32_t done = 0; done < len;) {
		uint32_t n = len - done < sizeof(work->page) ? len - done : sizeof(work->page);
		enum hf_err err = env->flash->read(env->flash->ctx, addr + done, work->page, n);
		if (!err && reloc)
			err = hf_reloc_apply(reloc, work->page, done, n, 0 - base);
		if (err)
			return err;
		env->crypto->sha256_update(&work->hash, work->page, n);
		done += n;
	}
	return HF_OK;
}

static enum hf_err check_digest(const struct hf_slot_env *env, struct hf_slot_work *work, const struct hf_image *image)
{
	struct table_place place = { env->flash, image->content_addr };
	struct hf_reloc reloc;
	uint8_t digest[HF_SHA256_BYTES];
	enum hf_err err = hf_reloc_open(&reloc, read_table, &place, image->table_bytes, image->image_bytes);

	env->crypto->sha256_start(&work->hash);
	if (!err)
		err = hash_range(env, work, image->content_addr, image->table_bytes, NULL, 0);
	if (!err)
		err = hash_range(env, work, image->image_addr, image->image_bytes, &reloc, image->image_addr);
	if (err) /* a table that makes no sense is not the one that was signed */
		return err <= HF_ERR_CRC ? HF_ERR_DIGEST : err;
	env->crypto->sha256_finish(&work->hash, digest);
	return memcmp(digest, image->digest, sizeof(digest)) == 0 ? HF_OK : HF_ERR_DIGEST;
}

static bool in_ram(const struct hf_layout *layout, uint32_t addr)
{
	for (unsigned i = 0; i < HF_MAX_RAMS; i++) {
		uint32_t in = addr - layout->ram[i].addr;
		if (in > 0 && in <= layout->ram[i].size) /* a stack may begin at the very end */
			return true;
	}
	return false;
}

enum hf_err hf_slot_check_vectors(const struct hf_slot_env *env, const struct hf_image *image)
{
	uint8_t vectors[VECTORS_MIN];
	enum hf_err err = env->flash->read(env->flash->ctx, image->image_addr, vectors, sizeof(vectors));

	if (err)
		return err;
	uint32_t stack = load_le32(vectors), reset = load_le32(vectors + 4);
	bool thumb = reset & 1;
	if (stack % 4 != 0 || !in_ram(env->layout, stack) || !thumb || reset - image->image_addr >= image->image_bytes)
		return HF_ERR_RANGE;
	return HF_OK;
}

enum hf_err hf_slot_verify(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work,
			   struct hf_image *out)
{
	enum hf_err err = hf_slot_read_head(env, place, work, out);

	if (!err)
		err = check_digest(env, work, out);
	return err ? err : hf_slot_check_vectors(env, out);
}

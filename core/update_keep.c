/* SPDX-License-Identifier: MIT
 *
 * What a device keeps beside its firmware: keyset and configuration.
 *
 * A keyset takes keys away at once, so it is asked first what it would leave: firmware or recovery that still verifies, or
 * that it names. The whole content is looked at, not the signature alone: what has rotted in flash starts under no keyset.
 * After a store, whatever came of it, the journal is asked what counts, as boot will ask it.
 */
#include "update_private.h"

#include <string.h>

static bool starts(struct hf_update *u, const struct hf_keyset *keyset, unsigned place)
{
	struct hf_slot_env env = u->env;
	struct hf_image image;
	bool good;

	env.keyset = keyset;
	good = hf_slot_verify(&env, place, &u->work, &image) == HF_OK;
	hf_update_alive(u);
	return good;
}

/* Firmware that runs or is confirmed, and recovery: what a device falls back to. */
static bool relied_on(const struct hf_update *u, unsigned place)
{
	return place >= HF_SLOTS || place == u->running || u->state.slot[place].state == HF_SLOT_CONFIRMED;
}

static enum hf_err check_lockout(struct hf_update *u, const struct hf_keyset *next)
{
	bool started = false;

	for (unsigned place = 0; place < HF_PLACES; place++) {
		if (!relied_on(u, place))
			continue;
		if (starts(u, next, place))
			return HF_OK;
		started = started || starts(u, u->env.keyset, place);
	}
	return started ? HF_ERR_LOCKOUT : HF_OK;
}

static enum hf_err keep_keyset(struct hf_update *u, struct hf_bytes file)
{
	struct hf_trust *t = u->trust;
	struct hf_keyset_file next;
	struct hf_longrec_new content = { .kind = HF_LONGREC_KEYSET };
	enum hf_err err, reloaded;

	if (!t)
		return HF_ERR_UNSUPPORTED;
	if (u->phase == HF_UPDATE_HEAD || u->phase == HF_UPDATE_PAYLOAD)
		return HF_ERR_BUSY;
	err = hf_keyset_file_parse(file, &next);
	if (err)
		return err;
	bool there = next.bytes.len == t->encoded.len && memcmp(next.bytes.ptr, t->encoded.ptr, t->encoded.len) == 0;
	if (there && !t->replaced)
		return HF_OK;
	if (!there)
		err = hf_keyset_accept(&t->keyset, file, u->env.crypto, &next);
	hf_update_alive(u);
	if (!err && !there)
		err = check_lockout(u, &next.keyset);
	if (err)
		return err;
	content.content = next.bytes;
	err = hf_state_store(&u->journal, &u->state, &content); /* there already: once more, if it stands once only */
	reloaded = hf_trust_load(t, &u->journal, u->factory_keyset);
	return err ? err : reloaded;
}

enum hf_err hf_update_keep(struct hf_update *u, enum hf_longrec_kind kind, struct hf_bytes content)
{
	const struct hf_longrec_new configuration = { kind, content };
	enum hf_err err;

	hf_update_alive(u);
	err = kind == HF_LONGREC_KEYSET ? keep_keyset(u, content) :
					  hf_state_store(&u->journal, &u->state, &configuration);
	hf_update_alive(u);
	return err;
}

static enum hf_err kept_configuration(struct hf_update *u, uint32_t off, uint8_t *buf, size_t cap, size_t *len,
				      uint32_t *total)
{
	struct hf_longrec rec;
	enum hf_err err = hf_longrec_find(&u->journal, HF_LONGREC_CONFIGURATION, &rec);

	if (err == HF_ERR_NOT_FOUND)
		rec.len = 0;
	else if (err)
		return err;
	*total = rec.len;
	if (off > rec.len)
		return HF_ERR_RANGE;
	*len = rec.len - off < cap ? rec.len - off : cap;
	return *len > 0 ? hf_longrec_read(&u->journal, &rec, off, buf, *len) : HF_OK;
}

enum hf_err hf_update_kept(struct hf_update *u, enum hf_longrec_kind kind, uint32_t off, uint8_t *buf, size_t cap,
			   size_t *len, uint32_t *total)
{
	struct hf_bytes keyset = u->trust ? u->trust->encoded : (struct hf_bytes){ 0 };

	*len = 0;
	if (kind != HF_LONGREC_KEYSET)
		return kept_configuration(u, off, buf, cap, len, total);
	*total = (uint32_t)keyset.len;
	if (off > keyset.len)
		return HF_ERR_RANGE;
	*len = keyset.len - off < cap ? keyset.len - off : cap;
	if (*len > 0)
		memcpy(buf, keyset.ptr + off, *len);
	return HF_OK;
}

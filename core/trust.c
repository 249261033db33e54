/* SPDX-License-Identifier: MIT
 *
 * A keyset in the journal counts only while its number is higher than the factory's: a probe may have burned a newer
 * factory page beside an old journal. One that does not parse counts for nothing, and the factory's keys are back: they
 * are revoked by absence from what is there, and nothing is there.
 */
#include "trust.h"

#include <string.h>

static enum hf_err load_newest(struct hf_trust *t, struct hf_journal *j)
{
	struct hf_longrec rec;
	size_t used;
	enum hf_err err = hf_longrec_find(j, HF_LONGREC_KEYSET, &rec);

	if (err)
		return err;
	if (rec.len > sizeof t->bytes)
		return HF_ERR_TOO_LARGE;
	err = hf_longrec_read(j, &rec, 0, t->bytes, rec.len);
	t->encoded = (struct hf_bytes){ t->bytes, rec.len };
	return err ? err : hf_keyset_parse(t->encoded, &t->keyset, &used);
}

enum hf_err hf_trust_load(struct hf_trust *t, struct hf_journal *j, struct hf_bytes factory)
{
	struct hf_keyset burned;
	size_t used;
	enum hf_err err = hf_keyset_parse(factory, &burned, &used);

	t->replaced = j && j->epoch != 0 && load_newest(t, j) == HF_OK && (err || t->keyset.number > burned.number);
	if (t->replaced)
		return HF_OK;
	t->keyset = err ? (struct hf_keyset){ 0 } : burned;
	t->encoded = (struct hf_bytes){ factory.ptr, err ? 0 : used };
	return err;
}

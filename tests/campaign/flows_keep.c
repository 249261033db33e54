/* SPDX-License-Identifier: MIT
 *
 * What the device keeps beside firmware: configuration, keyset. Whatever is cut, the old content or the new one is there, whole.
 */
#include "flows.h"

#include <string.h>

#include "longrec.h"
#include "smp_maintain.h"

static const struct hf_bytes none = { (const uint8_t *)"", 0 };

static const char *put(struct campaign *c, enum hf_longrec_kind kind, struct hf_bytes content)
{
	struct hf_smp_answer answer;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	return flow_said(c, hf_smp_put_kept(&c->lab.client, c->lab.patience_ms, kind, content, &answer), &answer, "storing");
}

static const char *get(struct campaign *c, enum hf_longrec_kind kind, uint8_t *buf, size_t cap, size_t *len)
{
	struct hf_smp_answer answer;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	return flow_said(c, hf_smp_get_kept(&c->lab.client, c->lab.patience_ms, kind, buf, cap, len, &answer), &answer,
			 "reading back");
}

static bool same(struct hf_bytes a, const uint8_t *b, size_t len)
{
	return a.len == len && memcmp(a.ptr, b, len) == 0;
}

/* Of the kind, the old content or the new one is there, whole; the new one is taken then. */
static const char *kept_comes_back(struct campaign *c, enum hf_longrec_kind kind, struct hf_bytes before,
				   struct hf_bytes after, struct hf_bytes file)
{
	uint8_t there[HF_CONFIGURATION_MAX];
	const char *why = flow_start(c);
	size_t len;

	if (why)
		return why;
	if (!lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS))
		return "the firmware does not come back";
	why = get(c, kind, there, sizeof there, &len);
	if (!why && !same(before, there, len) && !same(after, there, len))
		why = "neither the old content nor the new one is there";
	if (!why)
		why = put(c, kind, file);
	if (!why)
		why = get(c, kind, there, sizeof there, &len);
	return why || same(after, there, len) ? why : "what was stored is not what is read back";
}

/* ---- configuration ---- */

#define BEFORE_BYTES 50u
#define AFTER_BYTES  700u

static struct hf_bytes configuration(bool after)
{
	static uint8_t content[2][AFTER_BYTES];
	size_t len = after ? AFTER_BYTES : BEFORE_BYTES;

	for (size_t i = 0; i < len; i++)
		content[after][i] = (uint8_t)(i * 11 + len);
	return (struct hf_bytes){ content[after], len };
}

const char *configure_before(struct campaign *c)
{
	return put(c, HF_LONGREC_CONFIGURATION, configuration(false));
}

const char *configure(struct campaign *c)
{
	return put(c, HF_LONGREC_CONFIGURATION, configuration(true));
}

const char *configured(struct campaign *c)
{
	return kept_comes_back(c, HF_LONGREC_CONFIGURATION, configuration(false), configuration(true), configuration(true));
}

struct hf_bytes kept_configuration(const struct campaign *c, unsigned kind, unsigned which)
{
	(void)c;
	if (kind != HF_LONGREC_CONFIGURATION)
		return which == 0 ? none : (struct hf_bytes){ NULL, 0 };
	return which < 2 ? configuration(which) : (struct hf_bytes){ NULL, 0 };
}

/* ---- keyset ---- */

const char *replace_keyset(struct campaign *c)
{
	return put(c, HF_LONGREC_KEYSET, hf_buffer_bytes(&c->next_keyset));
}

/* Before it was replaced, the factory's counts: from the page, so the device keeps none of its own. */
const char *keyset_replaced(struct campaign *c)
{
	const struct hf_bytes factory = { c->lab.keyset_bytes.ptr, c->lab.keyset_bytes.len };

	return kept_comes_back(c, HF_LONGREC_KEYSET, factory, c->next.bytes, hf_buffer_bytes(&c->next_keyset));
}

struct hf_bytes kept_keyset(const struct campaign *c, unsigned kind, unsigned which)
{
	if (which == 0)
		return none;
	return kind == HF_LONGREC_KEYSET && which == 1 ? c->next.bytes : (struct hf_bytes){ NULL, 0 };
}

/* ---- factory reset: what ran stays, and nothing is left of the rest once it was done again ---- */

const char *factory_reset(struct campaign *c)
{
	struct hf_smp_answer answer;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	return flow_said(c, hf_smp_factory_reset(&c->lab.client, c->lab.patience_ms, &answer), &answer, "erasing");
}

const char *is_reset(struct campaign *c)
{
	uint8_t there[HF_CONFIGURATION_MAX];
	const char *why = flow_start(c);
	size_t len;

	if (why)
		return why;
	if (!lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS))
		return "the firmware does not come back";
	why = factory_reset(c);
	if (!why)
		why = get(c, HF_LONGREC_CONFIGURATION, there, sizeof there, &len);
	return why || len == 0 ? why : "there is a configuration still";
}

struct hf_bytes kept_reset(const struct campaign *c, unsigned kind, unsigned which)
{
	(void)c;
	if (which == 0)
		return none;
	return kind == HF_LONGREC_CONFIGURATION && which == 1 ? configuration(false) : (struct hf_bytes){ NULL, 0 };
}

/* SPDX-License-Identifier: MIT
 *
 * Command sequences: one machine walks them (hf_suit_walk: everything is read, nothing done) and runs them.
 *
 * So a run cannot meet what the walk has not read. The stack is explicit: a frame is a sequence with what is left of
 * it, and `choices` are the alternatives of the try-each that it stands in. Each byte of a sequence is executed at most
 * once, so that a run ends.
 *
 * Failure (the draft's section on soft-failure): a failed condition ends its sequence. Is that sequence soft (default
 * in try-each), the next alternative is tried, or what follows a run-sequence is continued with; otherwise the run
 * ends with the condition's error. All else that fails ends the run, and so does a try-each without alternatives
 * left.
 */
#include <string.h>

#include "suit_private.h"

enum {
	COND_VENDOR = 1,
	COND_CLASS = 2,
	COND_IMAGE_MATCH = 3,
	COND_SLOT = 5,
	COND_ABORT = 14,
	COND_DEVICE = 24,
	COND_VERSION = 28,
	DIR_COMPONENT_INDEX = 12,
	DIR_TRY_EACH = 15,
	DIR_PARAMETERS = 20,
	DIR_FETCH = 21,
	DIR_INVOKE = 23,
	DIR_RUN_SEQUENCE = 32,
};

#define REPORT_BITS 15u /* a condition's argument: when to report, which is the caller's anyway */
#define ID_BYTES    16u

/* The codes that stand in every section, by their bit; those above 31 are compared. */
#define BIT(code)  (UINT32_C(1) << (code))
#define EVERYWHERE (BIT(COND_VENDOR) | BIT(COND_CLASS) | BIT(COND_IMAGE_MATCH) | BIT(COND_SLOT) | BIT(COND_ABORT) | \
		    BIT(COND_DEVICE) | BIT(COND_VERSION) | BIT(DIR_COMPONENT_INDEX) | BIT(DIR_TRY_EACH) | \
		    BIT(DIR_PARAMETERS))

/* Inlined, the parts of the machine multiply its code by their ways out. */
#define OUT_OF_LINE __attribute__((noinline))

struct frame {
	struct hf_cbor_reader r;
	uint32_t left;    /* commands */
	uint32_t choices; /* elements left of the try-each that is being executed */
	bool nil_allowed; /* as the last of them */
	bool alternative; /* this sequence is one of a try-each */
	bool soft;
};

struct machine {
	const struct hf_suit_device *device; /* NULL: walk */
	const struct hf_suit_ops *ops;
	struct hf_params *params;
	unsigned section;  /* enum hf_suit_section; a run has them all, as the walk has checked them */
	struct frame *top; /* the frame that is executed */
	struct frame frame[HF_SUIT_NESTING + 1];
};

OUT_OF_LINE static void open_frame(struct frame *f, struct hf_bytes sequence, bool alternative)
{
	hf_cbor_open_final(&f->r, sequence);
	uint32_t items = hf_cbor_array(&f->r);
	if (items == 0 || items % 2 != 0)
		hf_cbor_fail(&f->r, HF_ERR_ENCODING);
	f->left = items / 2;
	f->choices = 0;
	f->alternative = alternative;
	f->soft = alternative;
}

/* Goes into the sequence that comes next. */
OUT_OF_LINE static void push(struct machine *m, bool alternative)
{
	struct frame *from = m->top;
	struct hf_bytes sequence;

	hf_cbor_view(&from->r, HF_CBOR_BSTR, &sequence);
	if (from == &m->frame[HF_SUIT_NESTING])
		hf_cbor_fail(&from->r, HF_ERR_UNSUPPORTED);
	if (!from->r.err)
		open_frame(++m->top, sequence, alternative);
}

/* The conditions whose failure may be soft are those that have an error of their own. */
static bool is_condition(enum hf_err err)
{
	return err == HF_ERR_DIGEST || (err >= HF_ERR_VENDOR && err <= HF_ERR_ABORT);
}

OUT_OF_LINE static enum hf_err match_id(const uint8_t *mine, struct hf_bytes wanted, enum hf_err mismatch)
{
	return mine && wanted.len == ID_BYTES && memcmp(mine, wanted.ptr, ID_BYTES) == 0 ? HF_OK : mismatch;
}

/* Parts that are missing count as 0: 1.2 is 1.2.0. */
OUT_OF_LINE static enum hf_err match_version(const struct hf_suit_device *device, const struct hf_params *params)
{
	/* What each comparison allows: bit 0 mine is lower, 1 equal, 2 higher. */
	static const uint8_t allowed[] = { 0, 4, 6, 2, 3, 1 };
	unsigned order = 1;

	for (unsigned i = 0; i < HF_VERSION_PARTS && order == 1; i++) {
		int32_t mine = i < device->versions ? device->version[i] : 0;
		int32_t wanted = i < params->version_parts ? params->version[i] : 0;
		order = mine < wanted ? 0 : mine > wanted ? 2 : 1;
	}
	if (device->versions == 0 || !(params->set & 1u << HF_SET_VERSION))
		return HF_ERR_VERSION;
	return allowed[params->version_op] >> order & 1 ? HF_OK : HF_ERR_VERSION;
}

static enum hf_err call(enum hf_err (*op)(void *ctx, const struct hf_params *params), const struct machine *m)
{
	return op ? op(m->ops->ctx, m->params) : HF_OK;
}

/* Conditions, and directives without an argument of their own. */
OUT_OF_LINE static enum hf_err act(const struct machine *m, int32_t code)
{
	const struct hf_params *p = m->params;

	switch (code) {
	case COND_VENDOR:
		return match_id(m->device->vendor_id, p->vendor, HF_ERR_VENDOR);
	case COND_CLASS:
		return match_id(m->device->class_id, p->class_id, HF_ERR_CLASS);
	case COND_DEVICE:
		return match_id(m->device->device_id, p->device, HF_ERR_DEVICE);
	case COND_SLOT:
		return p->set & 1u << HF_SET_SLOT && p->slot == m->device->slot ? HF_OK : HF_ERR_SLOT;
	case COND_VERSION:
		return match_version(m->device, p);
	case COND_IMAGE_MATCH:
		return p->digest.len ? call(m->ops->image_match, m) : HF_ERR_DIGEST;
	case DIR_FETCH:
		return p->uri.len ? call(m->ops->fetch, m) : HF_ERR_UNSUPPORTED;
	case DIR_INVOKE:
		return call(m->ops->invoke, m);
	default:
		return HF_ERR_ABORT;
	}
}

/* The one component: index 0, or true for all. */
static void component_index(struct hf_cbor_reader *r)
{
	if (hf_cbor_peek(r) == HF_CBOR_UINT)
		hf_cbor_expect(r, HF_CBOR_UINT, 0);
	else if (!hf_cbor_bool(r))
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
}

static void begin_try(struct frame *f)
{
	f->choices = hf_cbor_array(&f->r);
	f->nil_allowed = f->choices > 2;
	if (f->choices < 2)
		hf_cbor_fail(&f->r, HF_ERR_ENCODING);
}

static bool may_stand_in(unsigned section, int32_t code)
{
	uint32_t codes = EVERYWHERE;

	if (section & (HF_SECTION_FETCH | HF_SECTION_INSTALL))
		codes |= BIT(DIR_FETCH);
	if (section & HF_SECTION_INVOKE)
		codes |= BIT(DIR_INVOKE);
	return code == DIR_RUN_SEQUENCE || (code >= 0 && code < 32 && codes >> code & 1);
}

OUT_OF_LINE static enum hf_err command(struct machine *m)
{
	struct frame *f = m->top;
	int32_t code = hf_cbor_int(&f->r);

	f->left--;
	if (!may_stand_in(m->section, code))
		hf_cbor_fail(&f->r, HF_ERR_UNSUPPORTED);
	switch (code) {
	case DIR_COMPONENT_INDEX:
		component_index(&f->r);
		break;
	case DIR_TRY_EACH:
		begin_try(f);
		break;
	case DIR_PARAMETERS:
		hf_suit_read_params(&f->r, m->section, m->params, &f->soft);
		if (f->soft && f == m->frame) /* nothing would be there to go on with */
			hf_cbor_fail(&f->r, HF_ERR_UNSUPPORTED);
		break;
	case DIR_RUN_SEQUENCE:
		push(m, false);
		break;
	default:
		(void)hf_cbor_uint(&f->r, REPORT_BITS);
		if (code == DIR_FETCH || code == DIR_INVOKE)
			f->soft = false; /* whatever error it gives, it is not a condition's */
		if (m->device && !f->r.err)
			return act(m, code);
	}
	return f->r.err;
}

/* The next alternative, or the nil behind the last, which always holds. */
static void next_choice(struct machine *m)
{
	struct frame *f = m->top;

	f->choices--;
	if (f->choices == 0 && f->nil_allowed && hf_cbor_peek(&f->r) == HF_CBOR_SIMPLE)
		hf_cbor_null(&f->r);
	else
		push(m, true);
}

/* A sequence has come to its end: the alternatives behind it are not needed any more. They were walked, so that only
 * the last may be something else than a byte string. */
static void succeed(struct machine *m)
{
	struct frame *f = --m->top;

	for (; m->device && f->choices > 0; f->choices--) {
		if (hf_cbor_peek(&f->r) == HF_CBOR_BSTR)
			(void)hf_cbor_bstr(&f->r);
		else
			hf_cbor_null(&f->r);
	}
}

/* A condition has failed: where a soft sequence lets the run go on, that is prepared. */
static enum hf_err fail(struct machine *m, enum hf_err err)
{
	const struct frame *f = m->top;

	if (f == m->frame || !f->soft || !is_condition(err))
		return err;
	m->top--;
	return f->alternative && m->top->choices == 0 ? err : HF_OK;
}

static enum hf_err execute(struct machine *m, struct hf_bytes sequence)
{
	m->top = m->frame;
	open_frame(m->top, sequence, false);
	for (;;) {
		struct frame *f = m->top;
		enum hf_err err;

		if (f->choices > 0) {
			next_choice(m);
			err = f->r.err;
		} else if (f->left > 0) {
			err = command(m);
		} else {
			err = hf_cbor_close(&f->r);
			if (f == m->frame)
				return err;
			if (!err)
				succeed(m);
		}
		if (err)
			err = fail(m, err);
		if (err)
			return err;
	}
}

enum hf_err hf_suit_walk(struct hf_bytes sequence, enum hf_suit_section section)
{
	struct hf_params params;
	struct machine m;

	memset(&params, 0, sizeof(params));
	m.device = NULL;
	m.params = &params;
	m.section = section;
	return execute(&m, sequence);
}

enum hf_err hf_suit_run(const struct hf_manifest *manifest, struct hf_bytes sequence,
			const struct hf_suit_device *device, const struct hf_suit_ops *ops, struct hf_params *params)
{
	struct machine m;
	enum hf_err err = HF_OK;

	memset(params, 0, sizeof(*params));
	m.device = device;
	m.ops = ops;
	m.params = params;
	m.section = ~0u;
	if (manifest->shared.len)
		err = execute(&m, manifest->shared);
	if (!err && sequence.len)
		err = execute(&m, sequence);
	return err;
}

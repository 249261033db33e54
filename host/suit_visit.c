/* SPDX-License-Identifier: MIT
 *
 * Recursion is bounded: hf_manifest_parse refuses sequences that are nested deeper than HF_SUIT_NESTING, and the same
 * bound is held here.
 */
#include "suit_visit.h"

#include <stddef.h>

#include "cbor.h"

static void visit(struct hf_bytes sequence, unsigned depth, unsigned choice, hf_suit_visitor *visitor, void *ctx);

static void visit_choices(struct hf_bytes argument, unsigned depth, hf_suit_visitor *visitor, void *ctx)
{
	struct hf_cbor_reader r;
	uint32_t choices;

	hf_cbor_open_final(&r, argument);
	choices = hf_cbor_array(&r);
	for (uint32_t i = 0; i < choices && hf_cbor_peek(&r) == HF_CBOR_BSTR; i++)
		visit(hf_cbor_bstr(&r), depth, i + 1, visitor, ctx);
}

static void visit_nested(struct hf_bytes argument, unsigned depth, hf_suit_visitor *visitor, void *ctx)
{
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, argument);
	visit(hf_cbor_bstr(&r), depth, 0, visitor, ctx);
}

static void visit(struct hf_bytes sequence, unsigned depth, unsigned choice, hf_suit_visitor *visitor, void *ctx)
{
	struct hf_cbor_reader r;
	uint32_t items;

	hf_cbor_open_final(&r, sequence);
	items = hf_cbor_array(&r);
	for (uint32_t i = 0; i + 1 < items && !r.err; i += 2) {
		struct hf_suit_command command = {.code = hf_cbor_int(&r), .depth = depth, .choice = choice};

		command.argument = hf_cbor_skip(&r);
		if (r.err)
			return;
		visitor(ctx, &command);
		if (depth == HF_SUIT_NESTING)
			continue;
		if (command.code == HF_SUIT_TRY_EACH)
			visit_choices(command.argument, depth + 1, visitor, ctx);
		if (command.code == HF_SUIT_RUN_SEQUENCE)
			visit_nested(command.argument, depth + 1, visitor, ctx);
	}
}

void hf_suit_visit(struct hf_bytes sequence, hf_suit_visitor *visitor, void *ctx)
{
	if (sequence.len)
		visit(sequence, 0, 0, visitor, ctx);
}

bool hf_suit_next_parameter(struct hf_cbor_reader *r, int *left, int32_t *key, struct hf_bytes *value)
{
	if (*left < 0)
		*left = (int)hf_cbor_map(r);
	if (*left == 0 || r->err)
		return false;
	*key = hf_cbor_int(r);
	*value = hf_cbor_skip(r);
	(*left)--;
	return r->err == HF_OK;
}

const char *hf_suit_command_name(int32_t code)
{
	static const struct {
		int32_t code;
		const char *name;
	} names[] = {
		{1, "condition vendor-identifier"},
		{2, "condition class-identifier"},
		{3, "condition image-match"},
		{5, "condition component-slot"},
		{14, "condition abort"},
		{24, "condition device-identifier"},
		{28, "condition version"},
		{12, "set-component-index"},
		{15, "try-each"},
		{20, "override-parameters"},
		{21, "fetch"},
		{23, "invoke"},
		{32, "run-sequence"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].code == code)
			return names[i].name;
	}
	return NULL;
}

const char *hf_suit_parameter_name(int32_t parameter)
{
	switch (parameter) {
	case HF_PARAM_VENDOR:
		return "vendor-id";
	case HF_PARAM_CLASS:
		return "class-id";
	case HF_PARAM_DIGEST:
		return "image-digest";
	case HF_PARAM_SLOT:
		return "component-slot";
	case HF_PARAM_SOFT_FAILURE:
		return "soft-failure";
	case HF_PARAM_SIZE:
		return "image-size";
	case HF_PARAM_URI:
		return "uri";
	case HF_PARAM_DEVICE:
		return "device-id";
	case HF_PARAM_VERSION:
		return "version";
	case HF_PARAM_TABLE_BYTES:
		return "table-bytes";
	case HF_PARAM_IMAGE_OFFSET:
		return "image-offset";
	case HF_PARAM_SEGMENTS:
		return "segments";
	default:
		return NULL;
	}
}

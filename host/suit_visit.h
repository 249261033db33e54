/* SPDX-License-Identifier: MIT
 *
 * A look at a manifest's sequences without running them: for people, and for what a package demands.
 */
#ifndef HF_SUIT_VISIT_H
#define HF_SUIT_VISIT_H

#include "suit.h"

/* One command: its code, its argument (an encoded item), and how deep it stands in try-each and run-sequence. For
 * those two a visitor is called before what they hold; `choice` counts try-each's alternatives from 1 (0: not in
 * one). */
struct hf_suit_command {
	int32_t code;
	struct hf_bytes argument;
	unsigned depth;
	unsigned choice;
};

typedef void hf_suit_visitor(void *ctx, const struct hf_suit_command *command);

/* Visits every command of a sequence that hf_manifest_parse has accepted. */
void hf_suit_visit(struct hf_bytes sequence, hf_suit_visitor *visitor, void *ctx);

/* One parameter of an override-parameters' argument at a time; false: there is none left. Start with a reader opened
 * on the argument and *left = -1. */
struct hf_cbor_reader;
bool hf_suit_next_parameter(struct hf_cbor_reader *r, int *left, int32_t *key, struct hf_bytes *value);

/* "vendor-identifier", "override-parameters", ...; NULL: unknown. */
const char *hf_suit_command_name(int32_t code);
const char *hf_suit_parameter_name(int32_t parameter);

enum {
	HF_SUIT_CONDITION_VENDOR = 1,
	HF_SUIT_CONDITION_CLASS = 2,
	HF_SUIT_CONDITION_DEVICE = 24,
	HF_SUIT_CONDITION_VERSION = 28,
	HF_SUIT_TRY_EACH = 15,
	HF_SUIT_OVERRIDE = 20,
	HF_SUIT_RUN_SEQUENCE = 32,
};

#endif

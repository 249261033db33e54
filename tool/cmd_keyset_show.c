/* SPDX-License-Identifier: MIT
 *
 * `holdfast keyset show`: what a keyset says, who has signed it, and what it changes.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "host_crypto.h"
#include "load.h"

struct show {
	const char *against_file;
	bool json;
	struct hf_buffer bytes, against_bytes;
	struct hf_keyset_file file;
	struct hf_keyset against;
	uint32_t signers, old_signers; /* root keys of either that have signed */
	struct hf_diag diag;
};

static void fingerprint(const struct hf_key *key, char text[2 * HF_SHA256_BYTES + 1])
{
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of(key->public_key, digest);
	hf_out_hex(digest, sizeof(digest), text);
}

static json_t *json_of_key(const struct hf_key *key, bool has_signed)
{
	char id[HF_KEY_ID_TEXT], text[2 * HF_SHA256_BYTES + 1];

	fingerprint(key, text);
	return json_pack("{s:s, s:s, s:s, s:s, s:b}", "id", hf_key_id(key->public_key, id), "role", hf_role_name(key->role),
			 "algorithm", hf_alg_name(key->alg), "fingerprint", text, "signed", has_signed);
}

/* The keys of one that the other does not have. */
static json_t *difference(const struct hf_keyset *one, const struct hf_keyset *other)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < one->keys; i++)
		if (!hf_keyset_names(other, &one->key[i]))
			json_array_append_new(list, json_of_key(&one->key[i], false));
	return list;
}

static void put_json(const struct show *s, const char *path)
{
	const struct hf_keyset *k = &s->file.keyset;
	json_t *keys = json_array(), *algs = json_array(), *digests = json_array(), *all;
	char hex[2 * HF_SHA256_BYTES + 1];

	for (unsigned i = 0; i < k->keys; i++)
		json_array_append_new(keys, json_of_key(&k->key[i], s->signers >> i & 1));
	for (unsigned i = 0; i < k->algs; i++)
		json_array_append_new(algs, json_string(hf_alg_name(k->alg[i])));
	for (unsigned i = 0; i < k->digests; i++)
		json_array_append_new(digests, json_string(hf_out_hex(k->digest[i], HF_SHA256_BYTES, hex)));
	all = json_pack("{s:s, s:I, s:i, s:o, s:o, s:o, s:i, s:i}", "keyset", path, "number", (json_int_t)k->number, "threshold",
			(int)k->threshold, "keys", keys, "demands", algs, "grandfathered", digests, "signatures",
			(int)s->file.count, "signers", (int)hf_mask_bits(s->signers));
	if (s->against_file) {
		json_object_set_new(all, "added", difference(k, &s->against));
		json_object_set_new(all, "revoked", difference(&s->against, k));
		json_object_set_new(all, "against", json_pack("{s:s, s:I, s:i, s:i}", "keyset", s->against_file, "number",
							      (json_int_t)s->against.number, "threshold",
							      (int)s->against.threshold, "signers",
							      (int)hf_mask_bits(s->old_signers)));
	}
	hf_out_json(all);
}

static void print_key(const struct hf_key *key, const char *mark, const char *more)
{
	char id[HF_KEY_ID_TEXT], text[2 * HF_SHA256_BYTES + 1];

	fingerprint(key, text);
	printf("  %s%-8s %s  %-8s%s\n           %s\n", mark, hf_role_name(key->role), hf_key_id(key->public_key, id),
	       hf_alg_name(key->alg), more, text);
}

static void print_difference(const struct show *s)
{
	const struct hf_keyset *k = &s->file.keyset;
	unsigned changes = 0;

	printf("against %s, keyset %u:\n", s->against_file, s->against.number);
	for (unsigned i = 0; i < k->keys; i++) {
		if (hf_keyset_names(&s->against, &k->key[i]))
			continue;
		print_key(&k->key[i], "+ ", "");
		changes++;
	}
	for (unsigned i = 0; i < s->against.keys; i++) {
		if (hf_keyset_names(k, &s->against.key[i]))
			continue;
		print_key(&s->against.key[i], "- ", "  revoked");
		changes++;
	}
	if (!changes)
		printf("  the same keys\n");
	if (k->threshold != s->against.threshold)
		printf("  threshold %u instead of %u\n", k->threshold, s->against.threshold);
	printf("  signed by %u of its %u root keys that have to\n", hf_mask_bits(s->old_signers), s->against.threshold);
}

static void print(const struct show *s, const char *path)
{
	const struct hf_keyset *k = &s->file.keyset;
	char hex[2 * HF_SHA256_BYTES + 1];

	printf("%s%s%s: keyset %u, %zu bytes, %s\n", hf_out_colour(stdout, HF_COLOUR_BOLD), path,
	       hf_out_colour(stdout, HF_COLOUR_NONE), k->number, s->file.bytes.len, s->file.count ? "signed" : "not signed");
	for (unsigned i = 0; i < k->keys; i++)
		print_key(&k->key[i], "", s->signers >> i & 1 ? "  has signed" : "");
	printf("  demands ");
	for (unsigned i = 0; i < k->algs; i++)
		printf("%s%s", i ? " and " : "", hf_alg_name(k->alg[i]));
	printf(" of every package; %u root key%s to sign its successor\n", k->threshold, k->threshold == 1 ? " has" : "s have");
	for (unsigned i = 0; i < k->digests; i++)
		printf("  last resort %s\n", hf_out_hex(k->digest[i], HF_SHA256_BYTES, hex));
	if (s->file.count)
		printf("  signed by %u of its %u root keys that have to\n", hf_mask_bits(s->signers), k->threshold);
	if (s->against_file)
		print_difference(s);
}

static enum hf_err load(struct show *s, const char *path)
{
	enum hf_err err = hf_load_keyset_file(path, &s->bytes, &s->file, &s->diag);

	if (!err && s->against_file)
		err = hf_load_keyset(s->against_file, &s->against_bytes, &s->against, &s->diag);
	if (err || !s->file.count)
		return err;
	err = hf_keyset_signers(&s->file, &s->file.keyset, &hf_host_crypto, &s->signers);
	if (!err && s->against_file)
		err = hf_keyset_signers(&s->file, &s->against, &hf_host_crypto, &s->old_signers);
	if (err)
		hf_diag_set(&s->diag, "%s: its signatures cannot be read: %s", path, hf_err_text(err));
	return err;
}

enum hf_exit hf_command_keyset_show(int argc, char **argv)
{
	struct show s = {0};
	const struct hf_arg options[] = {
		{"against", 0, HF_ARG_TEXT, "FILE", "another keyset: what is added, what is revoked", &s.against_file, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "everything, as JSON", &s.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "keyset show",
		.summary = "shows a keyset, and what differs from another",
		.synopsis = "FILE [options]",
		.details = "A fingerprint is the SHA-256 of the public key; compare it with what the key's holder reads out.",
		.example = "holdfast keyset show next.keyset --against now.keyset",
		.exits = "3 a file is no keyset",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	err = load(&s, rest.item[0]);
	code = err ? hf_out_fail(err, &s.diag) : HF_EXIT_OK;
	if (!err && s.json)
		put_json(&s, rest.item[0]);
	else if (!err)
		print(&s, rest.item[0]);
	hf_buffer_free(&s.bytes);
	hf_buffer_free(&s.against_bytes);
	return code;
}

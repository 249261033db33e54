/* SPDX-License-Identifier: MIT
 *
 * `holdfast sign`: another holder's signature on a package that exists.
 */
#include "args.h"
#include "command.h"
#include "keys.h"
#include "load.h"
#include "package_sign.h"

struct sign {
	const char *out, *keyset_file;
	bool json;
	struct hf_keys keys;
	struct hf_buffer file, keyset_bytes, result;
	struct hf_keyset keyset;
	struct hf_package package;
	struct hf_diag diag;
};

/* Firmware is signed by release keys: what says that it is something else is refused. */
static enum hf_err check_role(struct sign *s, const struct hf_signer *signer)
{
	const struct hf_public_key *key = hf_signer_key(signer);
	int role = hf_keyset_role_of(s->keyset_file ? &s->keyset : NULL, key);

	if (role == HF_ROLE_RELEASE || role == HF_ROLE_UNKNOWN)
		return HF_OK;
	hf_diag_set(&s->diag, "%s: this is a %s key; firmware is signed by a release key", hf_signer_name(signer),
		    hf_role_name((unsigned)role));
	return HF_ERR_KEY;
}

static enum hf_err sign(struct sign *s, const char *path)
{
	enum hf_err err = hf_load_package(path, &s->file, &s->package, &s->diag);

	if (!err && s->keyset_file)
		err = hf_load_keyset(s->keyset_file, &s->keyset_bytes, &s->keyset, &s->diag);
	if (!err)
		err = hf_keys_open(&s->keys, &s->diag);
	for (unsigned i = 0; i < s->keys.count && !err; i++)
		err = check_role(s, s->keys.signer[i]);
	if (!err)
		err = hf_package_add_signatures(&s->package, s->keys.signer, s->keys.count, &s->result, &s->diag);
	if (!err)
		err = hf_file_write(s->out ? s->out : path, hf_buffer_bytes(&s->result), 0, &s->diag);
	return err;
}

static void report(const struct sign *s, const char *path)
{
	char id[2 * HF_SHA256_BYTES + 1];
	unsigned all = s->package.signatures + s->keys.count;

	hf_out_hex(s->package.id, sizeof(s->package.id), id);
	if (s->json)
		hf_out_json(json_pack("{s:s, s:s, s:i, s:i}", "package", s->out ? s->out : path, "id", id, "added",
				      (int)s->keys.count, "signatures", (int)all));
	else
		printf("%s: %u signature%s added, %u now\n  id %s\n", s->out ? s->out : path, s->keys.count,
		       s->keys.count == 1 ? "" : "s", all, id);
}

enum hf_exit hf_command_sign(int argc, char **argv)
{
	struct sign s = {0};
	const struct hf_arg options[] = {
		HF_KEYS_ARGS(s.keys, "a release key that signs (a file or a pkcs11: URI); may be given several times"),
		{"keyset", 0, HF_ARG_TEXT, "FILE", "the keyset that devices trust: says which keys may sign", &s.keyset_file, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the signed package (default: replaces PACKAGE)", &s.out, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &s.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "sign",
		.summary = "adds another key's signature to a package",
		.synopsis = "PACKAGE --key KEY [options]",
		.details = "The package must have been packed with room for it: `holdfast pack --room-for ALG`.",
		.example = "holdfast sign gateway-1.1.0.suit --key other.pem",
		.exits = "3 a file or key is wrong, 4 the key is not for firmware, or has signed already",
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
	if (!s.keys.names.count)
		return hf_args_wrong(&usage, "--key is missing");
	err = sign(&s, rest.item[0]);
	code = err ? hf_keys_fail(err, &s.diag) : HF_EXIT_OK;
	if (!err)
		report(&s, rest.item[0]);
	hf_keys_close(&s.keys);
	hf_buffer_free(&s.result);
	hf_buffer_free(&s.keyset_bytes);
	hf_buffer_free(&s.file);
	return code;
}

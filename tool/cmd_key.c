/* SPDX-License-Identifier: MIT
 *
 * `holdfast key`: what a key is, and the care of an HSS-LMS key's state.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "keys.h"
#include "lms_state.h"

struct key {
	const char *witness;
	uint32_t skip_to;
	bool skip_given, json;
	struct hf_keys keys;
	struct hf_lms_state state;
	bool state_known;
	struct hf_diag diag;
};

/* The state of an LMS key, mended as was asked. */
static enum hf_err care(struct key *k, const char *name, const struct hf_public_key *public_key)
{
	const uint8_t *id = public_key->bytes + HF_LMS_PUBLIC_ID;
	char *path = hf_lms_state_path(name);
	enum hf_err err;

	if (!path) {
		hf_diag_set(&k->diag, "out of memory");
		return HF_ERR_IO;
	}
	if (k->witness || k->skip_given)
		err = hf_lms_state_mend(path, id, k->witness, k->skip_to, &k->state, &k->diag);
	else
		err = hf_lms_state_read(path, &k->state, &k->diag);
	k->state_known = !err;
	free(path);
	return err;
}

static void report_state(const struct key *k, json_t *json)
{
	uint32_t left = HF_LMS_LEAVES - k->state.next;

	if (json) {
		json_object_set_new(json, "signatures_used", json_integer(k->state.next));
		json_object_set_new(json, "signatures_left", json_integer(left));
		json_object_set_new(json, "witness", k->state.witness[0] ? json_string(k->state.witness) : json_null());
		return;
	}
	printf("  %u signatures made, %u left\n", k->state.next, left);
	if (k->state.witness[0])
		printf("  witness %s\n", k->state.witness);
	else
		printf("  no witness: an old copy of the state would not be noticed; --witness FILE makes one\n");
	if (left < HF_LMS_FEW_LEFT)
		hf_out_warning("%u signatures are left; make its successor now, and a keyset that names it", left);
}

static void report(const struct key *k, const struct hf_public_key *public_key, const char *name)
{
	char id[HF_KEY_ID_TEXT];
	const char *role = public_key->role == HF_ROLE_UNKNOWN ? NULL : hf_role_name((unsigned)public_key->role);
	json_t *json = NULL;

	hf_key_id(hf_public_key_bytes(public_key), id);
	if (k->json)
		json = json_pack("{s:s, s:s, s:s, s:s?}", "key", name, "id", id, "algorithm", hf_alg_name(public_key->alg), "role",
				 role);
	else
		printf("%s: %s%skey %s, %s\n", name, role ? role : "", role ? " " : "", id, hf_alg_name(public_key->alg));
	if (k->state_known)
		report_state(k, json);
	if (json)
		hf_out_json(json);
}

static enum hf_exit run(struct key *k, const char *name)
{
	struct hf_public_key public_key;
	enum hf_err err = hf_keys_public(&k->keys, name, &public_key, &k->diag);
	bool private_lms = !err && public_key.alg == HF_ALG_HSS_LMS && k->keys.names.count > 0;

	if (err)
		return hf_out_fail(err, &k->diag);
	if ((k->witness || k->skip_given) && !private_lms) {
		hf_out_error("%s: only a private HSS-LMS key has a state that could be mended", name);
		return HF_EXIT_INPUT;
	}
	if (private_lms)
		err = care(k, name, &public_key);
	if (err)
		return hf_keys_fail(err, &k->diag);
	report(k, &public_key, name);
	return HF_EXIT_OK;
}

enum hf_exit hf_command_key(int argc, char **argv)
{
	struct key k = {0};
	const struct hf_arg options[] = {
		{"witness", 0, HF_ARG_TEXT, "FILE", "hss-lms: keep a second count there, on a medium kept elsewhere", &k.witness, NULL},
		{"skip-to", 0, HF_ARG_U32, "N", "hss-lms: no one-time key below N is ever used again", &k.skip_to, &k.skip_given},
		{"password-file", 0, HF_ARG_LIST, "FILE", "its first line is the key's password or PIN (else " HF_PASSWORD_ENV ", "
		 HF_PIN_ENV ", or asked for)", &k.keys.password_files, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &k.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "key",
		.summary = "says what a key is; cares for an HSS-LMS key's state",
		.synopsis = "KEY [options]",
		.details = "KEY is a public or private key's file, or a pkcs11: URI. --skip-to is for a state that was lost or\n"
			   "restored from a backup: N must be more than any signature's number that was ever made, and the\n"
			   "witness's count is that number.",
		.example = "holdfast key keys/lms.pem --witness /media/safe/lms.witness",
		.exits = "3 the key or its state is wrong, 4 the witness knows better",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	k.keys.quiet = k.json;
	return run(&k, rest.item[0]);
}

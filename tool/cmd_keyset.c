/* SPDX-License-Identifier: MIT
 *
 * `holdfast keyset`: its parts; and `keyset sign`, by which files travel from one root key's holder to the next.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "args_man.h"
#include "command.h"
#include "keys.h"
#include "load.h"

static const struct {
	const char *name;
	enum hf_exit (*run)(int argc, char **argv);
} parts[] = {
	{"make", hf_command_keyset_make},
	{"sign", hf_command_keyset_sign},
	{"show", hf_command_keyset_show},
	{"burn", hf_command_keyset_burn},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

enum hf_exit hf_command_keyset(int argc, char **argv)
{
	const struct hf_usage usage = {
		.command = "keyset",
		.summary = "makes, signs, shows and burns keysets: which keys devices trust",
		.synopsis = "make|sign|show|burn [arguments]",
		.details = "  make   makes a keyset of public keys, or the successor of one\n"
			   "  sign   adds a root key's signature, and those of other files\n"
			   "  show   shows a keyset, and what differs from another\n"
			   "  burn   gives a device the next keyset\n\n"
			   "`holdfast keyset PART --help` explains a part.",
		.example = "holdfast keyset make --root root.pub.pem --release release.pub.pem --out first.keyset",
		.exits = "3 a file or key is wrong, 4 refused, 5 no device answers, 6 it refuses",
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	for (size_t i = 0; i < PARTS && argc == 2 && hf_args_is_completion(argv[1]); i++) {
		char *with[] = {argv[0], argv[1], NULL};

		parts[i].run(2, with);
	}
	for (size_t i = 0; i < PARTS && argc > 1; i++)
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].run(argc - 1, argv + 1);
	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	return hf_args_wrong(&usage, "it wants make, sign, show or burn");
}

/* ---- sign ---- */

#define FILES 8

struct sign {
	const char *previous_file, *out;
	bool json;
	struct hf_keys keys;
	struct hf_buffer bytes[FILES], previous_bytes, result;
	struct hf_keyset_file file[FILES], done;
	struct hf_keyset previous;
	struct hf_keyset_count count;
	struct hf_diag diag;
};

static enum hf_err sign(struct sign *s, const struct hf_args_rest *rest)
{
	struct hf_keyset_signing signing = {.file = &s->file[0], .more = &s->file[1], .mores = rest->count - 1};
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < rest->count && !err; i++)
		err = hf_load_keyset_file(rest->item[i], &s->bytes[i], &s->file[i], &s->diag);
	if (!err && s->previous_file) {
		err = hf_load_keyset(s->previous_file, &s->previous_bytes, &s->previous, &s->diag);
		signing.previous = &s->previous;
	}
	if (!err)
		err = hf_keys_open(&s->keys, &s->diag);
	signing.signer = s->keys.signer;
	signing.signers = s->keys.count;
	if (!err)
		err = hf_keyset_sign(&signing, &s->result, &s->diag);
	if (!err)
		err = hf_keyset_file_parse(hf_buffer_bytes(&s->result), &s->done);
	if (!err)
		err = hf_keyset_count(&s->done, signing.previous, &s->count);
	return err ? err : hf_file_write(s->out ? s->out : rest->item[0], hf_buffer_bytes(&s->result), 0, &s->diag);
}

static void print_share(const char *whose, unsigned have, unsigned wanted)
{
	printf("  %s: %u of the %u root keys that have to sign", whose, have, wanted);
	if (have < wanted)
		printf("; %u %s missing\n", wanted - have, wanted - have == 1 ? "is" : "are");
	else
		printf("\n");
}

static void report(const struct sign *s, const char *path)
{
	const struct hf_keyset_count *c = &s->count;
	bool known = c->old_wanted > 0;

	if (s->json) {
		hf_out_json(json_pack("{s:s, s:I, s:i, s:i, s:i, s:o, s:o, s:b}", "keyset", path, "number",
				      (json_int_t)s->done.keyset.number, "signatures", (int)s->done.count, "own_signed",
				      (int)c->own, "own_threshold", (int)c->own_wanted, "previous_signed",
				      known ? json_integer(c->old) : json_null(), "previous_threshold",
				      known ? json_integer(c->old_wanted) : json_null(), "complete",
				      known && c->own >= c->own_wanted && c->old >= c->old_wanted));
		return;
	}
	printf("%s: keyset %u, %u signature%s\n", path, s->done.keyset.number, s->done.count, s->done.count == 1 ? "" : "s");
	print_share("its own", c->own, c->own_wanted);
	if (known)
		print_share("its predecessor's", c->old, c->old_wanted);
	else
		printf("  its predecessor's: not known; --previous FILE counts them\n");
	if (known && c->own >= c->own_wanted && c->old >= c->old_wanted)
		printf("  complete: devices with keyset %u take it\n", s->previous.number);
}

enum hf_exit hf_command_keyset_sign(int argc, char **argv)
{
	struct sign s = {0};
	const struct hf_arg options[] = {
		HF_KEYS_ARGS(s.keys, "a root key (a file or a pkcs11: URI), of this keyset or of its predecessor"),
		{"previous", 0, HF_ARG_TEXT, "FILE", "the keyset that devices have now", &s.previous_file, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the signed keyset (default: replaces the first FILE)", &s.out, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &s.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "keyset sign",
		.summary = "adds a root key's signature to a keyset, and those of other files",
		.synopsis = "FILE [FILE...] [--key KEY] [options]",
		.details = "Each holder of a root key signs where the key is, offline; the file travels on, or every holder signs a\n"
			   "copy, and one joins the copies. The result says how many signatures are missing.",
		.example = "holdfast keyset sign next.keyset --key pkcs11:object=root1 --previous now.keyset",
		.exits = "3 a file or key is wrong, 4 the key may not sign this, or has signed already",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = FILES,
	};
	struct hf_args_rest rest;
	enum hf_exit code;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!s.keys.names.count && rest.count < 2)
		return hf_args_wrong(&usage, "--key is missing, or a second file to join");
	err = sign(&s, &rest);
	code = err ? hf_keys_fail(err, &s.diag) : HF_EXIT_OK;
	if (!err)
		report(&s, s.out ? s.out : rest.item[0]);
	hf_keys_close(&s.keys);
	hf_buffer_free(&s.result);
	hf_buffer_free(&s.previous_bytes);
	for (unsigned i = 0; i < FILES; i++)
		hf_buffer_free(&s.bytes[i]);
	return code;
}

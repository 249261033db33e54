/* SPDX-License-Identifier: MIT
 *
 * `holdfast keygen`: a private key, its public key, and a keyset that trusts it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "file.h"
#include "host_crypto.h"
#include "key.h"
#include "password.h"

struct keygen {
	const char *name, *dir, *password_file, *role;
	bool ask, force, json;
	struct hf_private_key key;
	struct hf_password password;
	char *private_path, *public_path, *keyset_path;
};

static bool find_role(const char *text, enum hf_role *role)
{
	for (unsigned i = HF_ROLE_ROOT; i <= HF_ROLE_SITE; i++) {
		if (strcmp(text, hf_role_name(i)) == 0) {
			*role = (enum hf_role)i;
			return true;
		}
	}
	return false;
}

static enum hf_err get_password(struct keygen *k, struct hf_diag *diag)
{
	if (k->password_file)
		return hf_password_read(k->password_file, &k->password, diag);
	if (k->ask)
		return hf_password_ask("password for the new key: ", true, &k->password, diag);
	return HF_OK;
}

static enum hf_err check_absent(const char *path, struct hf_diag *diag)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return HF_OK;
	hf_diag_set(diag, "%s: the file exists already; choose another name, or replace it with --force", path);
	return HF_ERR_DENIED;
}

static enum hf_err make_directory(const char *path, struct hf_diag *diag)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return HF_OK; /* what exists and is no directory shows when the first file is made */
	hf_diag_set(diag, "%s: the directory cannot be made: %s", path, strerror(errno));
	return HF_ERR_IO;
}

static enum hf_err write_public(struct keygen *k, enum hf_role role, struct hf_diag *diag)
{
	const struct hf_public_key public_key = hf_key_public_of(k->key.public_key, HF_ALG_ESP256, (int)role);
	struct hf_keyset keyset = hf_keyset_of_one(role, 1, k->key.public_key);
	unsigned flags = k->force ? 0 : HF_FILE_NEW;
	uint8_t encoded[256];
	size_t len = 0;
	enum hf_err err = hf_keyset_encode(&keyset, encoded, sizeof(encoded), &len);

	if (!err)
		err = hf_key_write_public(k->public_path, &public_key, k->force, diag);
	if (err)
		return err;
	err = hf_file_write(k->keyset_path, (struct hf_bytes){encoded, len}, flags, diag);
	if (err && !k->force)
		unlink(k->public_path);
	return err;
}

/* All three or none; with --force, what was replaced stays replaced. */
static enum hf_err write_files(struct keygen *k, enum hf_role role, struct hf_diag *diag)
{
	const char *password = k->password.text[0] ? k->password.text : NULL;
	enum hf_err err = HF_OK;

	if (!k->force)
		err = check_absent(k->public_path, diag);
	if (!err && !k->force)
		err = check_absent(k->keyset_path, diag);
	if (!err)
		err = make_directory(k->dir, diag);
	if (!err)
		err = hf_key_write_private(k->private_path, &k->key, (int)role, password, k->force, diag);
	if (err)
		return err;
	err = write_public(k, role, diag);
	if (err && !k->force)
		unlink(k->private_path);
	return err;
}

static void report(const struct keygen *k)
{
	uint8_t digest[HF_SHA256_BYTES];
	char id[17];

	hf_sha256_of((struct hf_bytes){k->key.public_key, sizeof(k->key.public_key)}, digest);
	for (unsigned i = 0; i < 8; i++)
		snprintf(id + 2 * i, 3, "%02x", digest[i]);
	if (k->json) {
		hf_out_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "private_key", k->private_path,
				      "public_key", k->public_path, "keyset", k->keyset_path, "algorithm", "ESP256",
				      "role", k->role, "id", id, "encrypted", k->password.text[0] != 0));
		return;
	}
	printf("%s: %s key %s, P-256%s; keep it secret and keep a copy\n", k->private_path, k->role, id,
	       k->password.text[0] ? ", encrypted" : "");
	printf("%s: its public key\n%s: a keyset that trusts this key alone\n", k->public_path, k->keyset_path);
}

static bool make_paths(struct keygen *k)
{
	return asprintf(&k->private_path, "%s/%s.pem", k->dir, k->name) >= 0 &&
	       asprintf(&k->public_path, "%s/%s.pub.pem", k->dir, k->name) >= 0 &&
	       asprintf(&k->keyset_path, "%s/%s.keyset", k->dir, k->name) >= 0;
}

static enum hf_exit keygen(struct keygen *k, enum hf_role role)
{
	struct hf_diag diag;
	enum hf_err err;

	if (!make_paths(k)) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	err = get_password(k, &diag);
	if (!err)
		err = hf_key_generate(&k->key, &diag);
	if (!err)
		err = write_files(k, role, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	report(k);
	return HF_EXIT_OK;
}

enum hf_exit hf_command_keygen(int argc, char **argv)
{
	struct keygen k = {.dir = ".", .role = "release"};
	const struct hf_arg options[] = {
		{"out", 'o', HF_ARG_TEXT, "DIR", "directory for the files, made if it is missing (default: here)", &k.dir, NULL},
		{"role", 0, HF_ARG_TEXT, "ROLE", "release (signs firmware), site, or root", &k.role, NULL},
		{"password", 'p', HF_ARG_FLAG, NULL, "ask for a password and encrypt the key with it", &k.ask, NULL},
		{"password-file", 0, HF_ARG_TEXT, "FILE", "encrypt the key with the file's first line",
		 &k.password_file, NULL},
		{"force", 'f', HF_ARG_FLAG, NULL, "replace existing files", &k.force, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &k.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "keygen",
		.summary = "makes a key that signs firmware, and the keyset that trusts it",
		.synopsis = "NAME [options]",
		.details = "Writes NAME.pem (the private key, mode 0600), NAME.pub.pem and NAME.keyset.",
		.example = "holdfast keygen release --out keys",
		.exits = NULL,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit exit_code;
	enum hf_role role;

	if (!hf_args_parse(&usage, argc, argv, &rest, &exit_code))
		return exit_code;
	k.name = rest.item[0];
	if (strchr(k.name, '/') || !k.name[0])
		return hf_args_wrong(&usage, "'%s' is no name; give the directory with --out", k.name);
	if (!find_role(k.role, &role))
		return hf_args_wrong(&usage, "--role wants release, site or root, not '%s'", k.role);
	exit_code = keygen(&k, role);
	hf_key_wipe(&k.key);
	hf_password_wipe(&k.password);
	free(k.private_path);
	free(k.public_path);
	free(k.keyset_path);
	return exit_code;
}

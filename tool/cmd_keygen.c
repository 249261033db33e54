/* SPDX-License-Identifier: MIT
 *
 * `holdfast keygen`: a private key, its public key, and a keyset that trusts it.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "file.h"
#include "lms_state.h"
#include "password.h"
#include "progress.h"
#include "signer.h"

struct keygen {
	const char *name, *dir, *password_file, *role_name, *alg_name, *witness;
	bool ask, force, json;
	int role, alg;
	struct hf_private_key key;
	struct hf_lms_key lms;
	struct hf_public_key public_key;
	struct hf_password password;
	struct hf_progress progress;
	bool drawing;
	char *private_path, *public_path, *keyset_path, *state_path, *leaves_path;
};

static enum hf_err get_password(struct keygen *k, struct hf_diag *diag)
{
	if (k->password_file)
		return hf_password_read(k->password_file, &k->password, diag);
	if (k->ask)
		return hf_password_ask("password for the new key: ", true, &k->password, diag);
	return HF_OK;
}

/* ---- making it ---- */

static void draw(void *ctx, uint32_t done, uint32_t total)
{
	struct keygen *k = ctx;
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (!k->drawing)
		hf_progress_begin(&k->progress, "making the LMS tree", 0, total, now_ns, k->json || !isatty(STDERR_FILENO));
	k->drawing = true;
	hf_progress_update(&k->progress, done, now_ns);
	if (done == total)
		hf_progress_end(&k->progress, now_ns);
}

static enum hf_err make_lms(struct keygen *k, struct hf_diag *diag)
{
	uint8_t seed[HF_LMS_SEED_BYTES];
	enum hf_err err = RAND_priv_bytes(seed, sizeof(seed)) == 1 ? HF_OK : HF_ERR_IO;

	if (err)
		hf_diag_set(diag, "no key could be made: the system gives no random numbers");
	else if (hf_lms_key_derive(&k->lms, seed, draw, k) != HF_OK)
		hf_diag_set(diag, "out of memory");
	else
		k->public_key = hf_key_public_of(k->lms.public_key, HF_ALG_HSS_LMS, k->role);
	OPENSSL_cleanse(seed, sizeof(seed));
	return k->public_key.len ? HF_OK : HF_ERR_IO;
}

static enum hf_err make_key(struct keygen *k, struct hf_diag *diag)
{
	enum hf_err err;

	if (k->alg == HF_ALG_HSS_LMS)
		return make_lms(k, diag);
	err = hf_key_generate(&k->key, diag);
	if (!err)
		k->public_key = hf_key_public_of(k->key.public_key, HF_ALG_ESP256, k->role);
	return err;
}

/* ---- its files ---- */

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

/* A keyset that trusts this key alone. With an LMS key alone none is made: LMS stands beside ESP256, not in its place. */
static enum hf_err write_keyset(struct keygen *k, struct hf_diag *diag)
{
	struct hf_keyset keyset = hf_keyset_of_one((enum hf_role)k->role, 1, k->key.public_key);
	uint8_t encoded[256];
	size_t len = 0;
	enum hf_err err = hf_keyset_encode(&keyset, encoded, sizeof(encoded), &len);

	return err ? err : hf_file_write(k->keyset_path, (struct hf_bytes){encoded, len}, k->force ? 0 : HF_FILE_NEW, diag);
}

/* The count of one-time keys is never replaced: beside the old key it would say that none is used. */
static enum hf_err write_lms(struct keygen *k, const char *password, struct hf_diag *diag)
{
	enum hf_err err = hf_key_write_lms(k->private_path, &k->lms, k->role, password, k->force, diag);

	if (err)
		return err;
	err = hf_lms_state_create(k->state_path, k->lms.public_key + HF_LMS_PUBLIC_ID, k->witness, diag);
	if (!err)
		err = hf_file_write(k->leaves_path, (struct hf_bytes){k->lms.leaf[0], HF_LMS_NODES_BYTES}, 0, diag);
	if (err)
		unlink(k->private_path);
	return err;
}

static enum hf_err write_private(struct keygen *k, struct hf_diag *diag)
{
	const char *password = k->password.text[0] ? k->password.text : NULL;

	return k->alg == HF_ALG_HSS_LMS
		       ? write_lms(k, password, diag)
		       : hf_key_write_private(k->private_path, &k->key, k->role, password, k->force, diag);
}

/* With --force an ESP256 key's files are replaced. An LMS key's never are: its state must go by hand, knowingly. */
static enum hf_err check_names(struct keygen *k, struct hf_diag *diag)
{
	enum hf_err err = HF_OK;

	if (k->alg == HF_ALG_HSS_LMS) {
		struct stat info;

		if (stat(k->state_path, &info) == 0) {
			hf_diag_set(diag, "%s: an LMS key of this name counts its signatures there; choose another name", k->state_path);
			return HF_ERR_DENIED;
		}
	}
	if (!k->force)
		err = check_absent(k->public_path, diag);
	if (!err && !k->force && k->alg == HF_ALG_ESP256)
		err = check_absent(k->keyset_path, diag);
	return err;
}

/* All or none; with --force, what was replaced stays replaced. */
static enum hf_err write_files(struct keygen *k, struct hf_diag *diag)
{
	enum hf_err err = check_names(k, diag);

	if (!err)
		err = make_directory(k->dir, diag);
	if (!err)
		err = write_private(k, diag);
	if (err)
		return err;
	err = hf_key_write_public(k->public_path, &k->public_key, k->force, diag);
	if (!err && k->alg == HF_ALG_ESP256) {
		err = write_keyset(k, diag);
		if (err && !k->force)
			unlink(k->public_path);
	}
	if (err && !k->force) {
		unlink(k->private_path);
		if (k->alg == HF_ALG_HSS_LMS) { /* it has signed nothing */
			unlink(k->state_path);
			unlink(k->leaves_path);
		}
	}
	return err;
}

static void report_json(const struct keygen *k, const char *id)
{
	json_t *report = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "private_key", k->private_path, "public_key", k->public_path,
				   "algorithm", hf_alg_name(k->alg), "role", k->role_name, "id", id, "encrypted",
				   k->password.text[0] != 0);

	if (k->alg == HF_ALG_ESP256) {
		json_object_set_new(report, "keyset", json_string(k->keyset_path));
	} else {
		json_object_set_new(report, "state", json_string(k->state_path));
		json_object_set_new(report, "signatures_left", json_integer(HF_LMS_LEAVES));
		json_object_set_new(report, "witness", k->witness ? json_string(k->witness) : json_null());
	}
	hf_out_json(report);
}

static void report(const struct keygen *k)
{
	char id[HF_KEY_ID_TEXT];

	hf_key_id(hf_public_key_bytes(&k->public_key), id);
	if (k->json) {
		report_json(k, id);
		return;
	}
	printf("%s: %s key %s, %s%s; keep it secret and keep a copy\n", k->private_path, k->role_name, id,
	       k->alg == HF_ALG_ESP256 ? "P-256" : "HSS-LMS", k->password.text[0] ? ", encrypted" : "");
	printf("%s: its public key\n", k->public_path);
	if (k->alg == HF_ALG_ESP256) {
		printf("%s: a keyset that trusts this key alone\n", k->keyset_path);
		return;
	}
	printf("%s: counts its %u signatures; there must be one only, never an old copy\n", k->state_path, HF_LMS_LEAVES);
	if (k->witness)
		printf("%s: its witness\n", k->witness);
	else
		printf("no witness: nothing will notice if an old copy of the state signs again; `holdfast key %s --witness FILE` "
		       "makes one\n", k->private_path);
}

static bool make_paths(struct keygen *k)
{
	if (asprintf(&k->private_path, "%s/%s.pem", k->dir, k->name) < 0 ||
	    asprintf(&k->public_path, "%s/%s.pub.pem", k->dir, k->name) < 0 ||
	    asprintf(&k->keyset_path, "%s/%s.keyset", k->dir, k->name) < 0)
		return false;
	k->state_path = hf_lms_state_path(k->private_path);
	k->leaves_path = hf_lms_leaves_path(k->private_path);
	return k->state_path && k->leaves_path;
}

static enum hf_exit keygen(struct keygen *k)
{
	struct hf_diag diag;
	enum hf_err err;

	if (!make_paths(k)) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	err = get_password(k, &diag);
	if (!err)
		err = check_names(k, &diag);
	if (!err)
		err = make_key(k, &diag);
	if (!err)
		err = write_files(k, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	report(k);
	return HF_EXIT_OK;
}

enum hf_exit hf_command_keygen(int argc, char **argv)
{
	struct keygen k = {.dir = ".", .role_name = "release", .alg_name = "esp256"};
	const struct hf_arg options[] = {
		{"out", 'o', HF_ARG_TEXT, "DIR", "directory for the files, made if it is missing (default: here)", &k.dir, NULL},
		{"role", 0, HF_ARG_TEXT, "ROLE", "release (signs firmware), site, or root", &k.role_name, NULL},
		{"alg", 0, HF_ARG_TEXT, "ALG", "esp256 (default), or hss-lms: post-quantum, 1024 signatures", &k.alg_name, NULL},
		{"witness", 0, HF_ARG_TEXT, "FILE", "hss-lms: a second count, on a medium kept elsewhere", &k.witness, NULL},
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
		.details = "Writes NAME.pem (the private key, mode 0600), NAME.pub.pem and NAME.keyset. An HSS-LMS key comes\n"
			   "with NAME.pem.state instead of a keyset, which counts its one-time keys: `holdfast keyset make`\n"
			   "joins it with an ESP256 key.",
		.example = "holdfast keygen release --out keys",
		.exits = NULL,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit exit_code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &exit_code))
		return exit_code;
	k.name = rest.item[0];
	if (strchr(k.name, '/') || !k.name[0])
		return hf_args_wrong(&usage, "'%s' is no name; give the directory with --out", k.name);
	k.role = hf_role_parse(k.role_name);
	if (k.role == HF_ROLE_UNKNOWN)
		return hf_args_wrong(&usage, "--role wants release, site or root, not '%s'", k.role_name);
	k.alg = hf_alg_parse(k.alg_name);
	if (!k.alg)
		return hf_args_wrong(&usage, "--alg wants esp256 or hss-lms, not '%s'", k.alg_name);
	if (k.witness && k.alg != HF_ALG_HSS_LMS)
		return hf_args_wrong(&usage, "--witness is for hss-lms: an ESP256 key counts nothing");
	exit_code = keygen(&k);
	hf_key_wipe(&k.key);
	hf_lms_key_wipe(&k.lms);
	free(k.state_path);
	free(k.leaves_path);
	hf_password_wipe(&k.password);
	free(k.private_path);
	free(k.public_path);
	free(k.keyset_path);
	return exit_code;
}

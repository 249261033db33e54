/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "out.h"
#include "password.h"

static enum hf_err ask(const char *prompt, char *text, size_t room, struct hf_diag *diag)
{
	struct hf_password password = {""};
	char question[600];
	enum hf_err err;

	snprintf(question, sizeof(question), "%s: ", prompt);
	err = hf_password_ask(question, false, &password, diag);
	if (!err)
		snprintf(text, room, "%s", password.text);
	hf_password_wipe(&password);
	return err;
}

static enum hf_err read_file(const char *path, char *text, size_t room, struct hf_diag *diag)
{
	struct hf_password password = {""};
	enum hf_err err = hf_password_read(path, &password, diag);

	if (!err)
		snprintf(text, room, "%s", password.text);
	hf_password_wipe(&password);
	return err;
}

/* From a file, the environment, or the terminal; never from the command line, which everybody can read. */
static enum hf_err give_secret(void *ctx, const char *prompt, char *text, size_t room, struct hf_diag *diag)
{
	const struct hf_keys *keys = ctx;
	const struct hf_args_list *files = &keys->password_files;
	bool pin = strncmp(keys->names.item[keys->opening], HF_PKCS11_PREFIX, strlen(HF_PKCS11_PREFIX)) == 0;
	const char *name = pin ? HF_PIN_ENV : HF_PASSWORD_ENV, *value = getenv(name);

	if (files->count == 1)
		return read_file(files->item[0], text, room, diag);
	if (keys->opening < files->count)
		return read_file(files->item[keys->opening], text, room, diag);
	if (value && strlen(value) < room) {
		strcpy(text, value);
		return HF_OK;
	}
	if (isatty(STDIN_FILENO))
		return ask(prompt, text, room, diag);
	hf_diag_set(diag, "%s: the %s is needed; give it with --password-file, in %s, or at a terminal",
		    keys->names.item[keys->opening], pin ? "PIN" : "password", name);
	return HF_ERR_DENIED;
}

static void warn(void *ctx, const char *sentence)
{
	(void)ctx;
	hf_out_warning("%s", sentence);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void draw(void *ctx, uint32_t done, uint32_t total)
{
	struct hf_keys *keys = ctx;

	if (!keys->drawing)
		hf_progress_begin(&keys->progress, "making the LMS tree", 0, total, now_ns(), keys->quiet || !isatty(STDERR_FILENO));
	keys->drawing = done < total;
	hf_progress_update(&keys->progress, done, now_ns());
	if (done == total)
		hf_progress_end(&keys->progress, now_ns());
}

/* All of them mean that the key that was given cannot be used. */
static enum hf_err as_input(enum hf_err err)
{
	switch (err) {
	case HF_ERR_DENIED:
	case HF_ERR_NOT_FOUND:
	case HF_ERR_KEY:
	case HF_ERR_TYPE:
		return HF_ERR_ENCODING;
	default:
		return err;
	}
}

/* The last one is none of those before it. */
static enum hf_err check_new(struct hf_keys *keys, struct hf_diag *diag)
{
	const struct hf_public_key *last = hf_signer_key(keys->signer[keys->count]);

	for (unsigned i = 0; i < keys->count; i++) {
		const struct hf_public_key *key = hf_signer_key(keys->signer[i]);

		if (key->alg != last->alg || key->len != last->len || memcmp(key->bytes, last->bytes, key->len) != 0)
			continue;
		hf_diag_set(diag, "%s: this is the same key as %s", keys->names.item[keys->count], keys->names.item[i]);
		hf_signer_close(keys->signer[keys->count]);
		return HF_ERR_RANGE;
	}
	return HF_OK;
}

enum hf_err hf_keys_open(struct hf_keys *keys, struct hf_diag *diag)
{
	const struct hf_signer_options options = {.secret = give_secret,
						  .warn = warn,
						  .progress = draw,
						  .ctx = keys,
						  .witness = keys->witness,
						  .no_witness = keys->no_witness};

	if (keys->names.count > HF_SIGNERS_MAX) {
		hf_diag_set(diag, "there are %u keys, and %d can sign at once", keys->names.count, HF_SIGNERS_MAX);
		return HF_ERR_RANGE;
	}
	for (; keys->count < keys->names.count; keys->count++) {
		enum hf_err err;

		keys->opening = keys->count;
		err = hf_signer_open(keys->names.item[keys->count], &options, &keys->signer[keys->count], diag);
		if (!err)
			err = check_new(keys, diag);
		if (err)
			return as_input(err);
	}
	return HF_OK;
}

enum hf_err hf_keys_public(struct hf_keys *keys, const char *name, struct hf_public_key *out, struct hf_diag *diag)
{
	struct hf_diag ignored;
	enum hf_err err;

	if (strncmp(name, HF_PKCS11_PREFIX, strlen(HF_PKCS11_PREFIX)) != 0 &&
	    hf_key_read_any_public(name, out, &ignored) == HF_OK)
		return HF_OK;
	keys->names = (struct hf_args_list){{name}, 1};
	err = hf_keys_open(keys, diag);
	if (!err)
		*out = *hf_signer_key(keys->signer[0]);
	hf_keys_close(keys);
	return err;
}

enum hf_exit hf_keys_fail(enum hf_err err, const struct hf_diag *diag)
{
	enum hf_exit code = hf_out_fail(err, diag);

	switch (err) {
	case HF_ERR_DENIED:
	case HF_ERR_FULL:
		return HF_EXIT_REFUSED;
	case HF_ERR_NOT_FOUND:
		return HF_EXIT_INPUT;
	case HF_ERR_BUSY:
		return HF_EXIT_INTERNAL;
	default:
		return code;
	}
}

void hf_keys_close(struct hf_keys *keys)
{
	while (keys->count > 0)
		hf_signer_close(keys->signer[--keys->count]);
}

char *hf_keys_text(const struct hf_signer *signer)
{
	const struct hf_public_key *key = hf_signer_key(signer);
	char id[HF_KEY_ID_TEXT], *text;

	hf_key_id(hf_public_key_bytes(key), id);
	return asprintf(&text, "%s: %s%skey %s, %s", hf_signer_name(signer),
			key->role == HF_ROLE_UNKNOWN ? "" : hf_role_name((unsigned)key->role),
			key->role == HF_ROLE_UNKNOWN ? "" : " ", id, hf_alg_name(key->alg)) < 0 ? NULL : text;
}

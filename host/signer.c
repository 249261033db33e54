/* SPDX-License-Identifier: MIT
 *
 * Every signature is verified before it is handed out: a token's, because it is another program's; our own, because memory
 * fails too, and a wrong LMS signature is as revealing as a second one.
 */
#include "signer.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_crypto.h"
#include "lms_state.h"

struct hf_signer {
	const char *name;
	struct hf_signer_options options;
	struct hf_public_key public_key;
	struct hf_private_key p256;
	struct hf_lms_key lms;
	struct hf_pkcs11_key *token;
	char *state_path;
};

char *hf_lms_state_path(const char *key_path)
{
	char *path;

	return asprintf(&path, "%s.state", key_path) < 0 ? NULL : path;
}

char *hf_lms_leaves_path(const char *key_path)
{
	char *path;

	return asprintf(&path, "%s.leaves", key_path) < 0 ? NULL : path;
}

size_t hf_signature_bytes(int alg)
{
	return alg == HF_ALG_ESP256 ? HF_P256_SIGNATURE_BYTES : alg == HF_ALG_HSS_LMS ? HF_LMS_SIGNATURE_BYTES : 0;
}

static enum hf_err no_memory(struct hf_diag *diag)
{
	hf_diag_set(diag, "out of memory");
	return HF_ERR_IO;
}

/* ---- opening ---- */

static void warn(const struct hf_signer *s, const char *sentence)
{
	if (s->options.warn)
		s->options.warn(s->options.ctx, sentence);
}

/* Keeps the leaves for the next time. Where that fails, the next time takes longer. */
static void keep_leaves(const struct hf_signer *s, const char *path)
{
	struct hf_diag diag;

	if (hf_file_write(path, (struct hf_bytes){s->lms.leaf[0], HF_LMS_NODES_BYTES}, 0, &diag) != HF_OK)
		warn(s, diag.text);
}

static enum hf_err load_leaves(struct hf_signer *s, struct hf_diag *diag)
{
	char *path = hf_lms_leaves_path(s->name);
	struct hf_buffer stored = {0};
	bool fresh;
	enum hf_err err;

	if (!path)
		return no_memory(diag);
	if (hf_file_read(path, HF_LMS_NODES_BYTES, &stored, NULL) != HF_OK)
		stored = (struct hf_buffer){0};
	err = hf_lms_key_load(&s->lms, hf_buffer_bytes(&stored), s->options.progress, s->options.ctx, &fresh);
	if (!err && fresh)
		keep_leaves(s, path);
	if (err == HF_ERR_KEY)
		hf_diag_set(diag, "%s: the file is damaged: its public key is not its secret's", s->name);
	else if (err)
		err = no_memory(diag);
	hf_buffer_free(&stored);
	free(path);
	return err;
}

/* HF_ERR_TYPE: no LMS key. */
static enum hf_err open_lms(struct hf_signer *s, const char *password, struct hf_diag *diag)
{
	enum hf_err err = hf_key_read_lms(s->name, password, &s->lms, diag);

	if (err)
		return err;
	s->public_key = hf_key_public_of(s->lms.public_key, HF_ALG_HSS_LMS, HF_ROLE_UNKNOWN);
	s->state_path = hf_lms_state_path(s->name);
	return s->state_path ? load_leaves(s, diag) : no_memory(diag);
}

static enum hf_err open_file(struct hf_signer *s, const char *password, struct hf_diag *diag)
{
	enum hf_err err = open_lms(s, password, diag);

	if (err != HF_ERR_TYPE)
		return err;
	err = hf_key_read_private(s->name, password, &s->p256, diag);
	if (!err)
		s->public_key = hf_key_public_of(s->p256.public_key, HF_ALG_ESP256, HF_ROLE_UNKNOWN);
	return err;
}

static enum hf_err open_with_password(struct hf_signer *s, struct hf_diag *diag)
{
	char prompt[512], password[HF_PKCS11_SECRET] = "";
	enum hf_err err;

	snprintf(prompt, sizeof(prompt), "password of %s", s->name);
	err = s->options.secret(s->options.ctx, prompt, password, sizeof(password), diag);
	if (!err)
		err = open_file(s, password, diag);
	OPENSSL_cleanse(password, sizeof(password));
	return err;
}

enum hf_err hf_signer_open(const char *name, const struct hf_signer_options *options, struct hf_signer **out,
			   struct hf_diag *diag)
{
	struct hf_signer *s = calloc(1, sizeof(*s));
	enum hf_err err;

	*out = NULL;
	if (!s)
		return no_memory(diag);
	s->name = name;
	s->options = *options;
	if (strncmp(name, HF_PKCS11_PREFIX, strlen(HF_PKCS11_PREFIX)) == 0) {
		err = hf_pkcs11_open(name, options->secret, options->ctx, &s->token, &s->public_key, diag);
	} else {
		err = open_file(s, NULL, diag);
		if (err == HF_ERR_DENIED && options->secret)
			err = open_with_password(s, diag);
		s->public_key.role = hf_key_file_role(name);
	}
	if (err) {
		hf_signer_close(s);
		return err;
	}
	*out = s;
	return HF_OK;
}

struct hf_signer *hf_signer_of_key(const struct hf_private_key *key)
{
	struct hf_signer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->name = "key";
	s->p256 = *key;
	s->public_key = hf_key_public_of(key->public_key, HF_ALG_ESP256, HF_ROLE_UNKNOWN);
	return s;
}

const struct hf_public_key *hf_signer_key(const struct hf_signer *signer)
{
	return &signer->public_key;
}

const char *hf_signer_name(const struct hf_signer *signer)
{
	return signer->name;
}

/* ---- signing ---- */

static void warn_of_state(const struct hf_signer *s, uint32_t number, bool witnessed)
{
	char text[768];
	uint32_t left = HF_LMS_LEAVES - 1 - number;

	if (!witnessed) {
		snprintf(text, sizeof(text), "%s: no witness: if this machine's state is an old copy (a restored backup, a clone), "
			 "one-time key %u may have signed before, which would let others forge; nothing here can know that. "
			 "Keep a witness elsewhere: `holdfast key %s --witness FILE`", s->name, number, s->name);
		warn(s, text);
	}
	if (left < HF_LMS_FEW_LEFT) {
		snprintf(text, sizeof(text), "%s: %u signatures are left; make its successor now, and a keyset that names it",
			 s->name, left);
		warn(s, text);
	}
}

static enum hf_err sign_lms(struct hf_signer *s, struct hf_bytes message, uint8_t *signature, struct hf_diag *diag)
{
	const struct hf_lms_reserve reserve = {.path = s->state_path,
					       .id = s->lms.public_key + HF_LMS_PUBLIC_ID,
					       .witness = s->options.witness,
					       .no_witness = s->options.no_witness};
	bool witnessed;
	uint32_t number;
	enum hf_err err = hf_lms_reserve(&reserve, &number, &witnessed, diag);

	if (err)
		return err;
	warn_of_state(s, number, witnessed);
	err = hf_lms_key_sign(&s->lms, number, message, signature);
	if (err)
		hf_diag_set(diag, "%s: signing failed: %s", s->name, hf_err_text(err));
	return err;
}

static enum hf_err sign_p256(struct hf_signer *s, struct hf_bytes message, uint8_t *signature, struct hf_diag *diag)
{
	enum hf_err err;

	if (s->token)
		return hf_pkcs11_sign(s->token, message, signature, diag);
	err = hf_sign_p256(s->p256.secret, message, signature);
	if (err)
		hf_diag_set(diag, "%s: signing failed: %s", s->name,
			    err == HF_ERR_IO ? "the system gives no random numbers" : "the key is no private key of P-256");
	return err;
}

enum hf_err hf_signer_sign(struct hf_signer *signer, struct hf_bytes message, uint8_t *signature, struct hf_diag *diag)
{
	uint8_t made[HF_SIGNATURE_MAX];
	const struct hf_public_key *key = &signer->public_key;
	size_t len = hf_signature_bytes(key->alg);
	enum hf_err err = key->alg == HF_ALG_HSS_LMS ? sign_lms(signer, message, made, diag)
						     : sign_p256(signer, message, made, diag);

	if (err)
		return err;
	if (hf_host_crypto.verify(key->alg, hf_public_key_bytes(key), message, (struct hf_bytes){made, len}) != HF_OK) {
		hf_diag_set(diag, "%s: what it made is no valid signature; the %s is broken", signer->name,
			    signer->token ? "token" : "machine");
		return HF_ERR_SIGNATURE;
	}
	memcpy(signature, made, len);
	return HF_OK;
}

void hf_signer_close(struct hf_signer *signer)
{
	if (!signer)
		return;
	hf_pkcs11_close(signer->token);
	hf_lms_key_wipe(&signer->lms);
	hf_key_wipe(&signer->p256);
	free(signer->state_path);
	OPENSSL_cleanse(signer, sizeof(*signer));
	free(signer);
}

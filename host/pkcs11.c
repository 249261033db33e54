/* SPDX-License-Identifier: MIT
 *
 * Through libp11, which hides the modules' loading and sessions. A wrong PIN is never tried twice: three of them lock many
 * a token, for good.
 */
#include "pkcs11.h"

#include <libp11.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

/* What p11-kit offers is whatever the machine has configured. */
#define DEFAULT_MODULE "p11-kit-proxy.so"

/* PKCS #11's results, as libp11 hands them on. */
enum {
	CKR_PIN_INCORRECT = 0xa0,
	CKR_PIN_INVALID = 0xa1,
	CKR_PIN_LEN_RANGE = 0xa2,
	CKR_PIN_EXPIRED = 0xa3,
	CKR_PIN_LOCKED = 0xa4,
};

struct hf_pkcs11_key {
	struct hf_pkcs11_uri uri;
	PKCS11_CTX *ctx;
	PKCS11_SLOT *slots;
	unsigned slot_count;
	bool loaded;
	EVP_PKEY *pkey;
	struct hf_public_key public_key;
	char name[HF_PKCS11_FIELD]; /* the token's, for messages */
};

static const char *last_error(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "no reason was given";
}

static enum hf_err load(struct hf_pkcs11_key *k, struct hf_diag *diag)
{
	const char *module = k->uri.module[0] ? k->uri.module : getenv(HF_PKCS11_MODULE_ENV);

	if (!module || !module[0])
		module = DEFAULT_MODULE;
	k->ctx = PKCS11_CTX_new();
	/* libp11 says itself, on standard error, that a file is missing. */
	k->loaded = k->ctx && (!strchr(module, '/') || access(module, R_OK) == 0) && PKCS11_CTX_load(k->ctx, module) == 0;
	if (k->loaded)
		return HF_OK;
	hf_diag_set(diag, "%s: this PKCS#11 module cannot be loaded; name the token's own with module-path= in the URI or in "
			  HF_PKCS11_MODULE_ENV, module);
	return HF_ERR_NOT_FOUND;
}

static bool is_wanted(const struct hf_pkcs11_uri *uri, const PKCS11_TOKEN *token)
{
	return token && token->initialized && (!uri->token[0] || (token->label && strcmp(uri->token, token->label) == 0)) &&
	       (!uri->serial[0] || (token->serialnr && strcmp(uri->serial, token->serialnr) == 0));
}

static enum hf_err find_slot(struct hf_pkcs11_key *k, PKCS11_SLOT **found, struct hf_diag *diag)
{
	unsigned matches = 0;

	if (PKCS11_enumerate_slots(k->ctx, &k->slots, &k->slot_count) != 0)
		k->slot_count = 0;
	for (unsigned i = 0; i < k->slot_count; i++) {
		if (is_wanted(&k->uri, k->slots[i].token) && matches++ == 0)
			*found = &k->slots[i];
	}
	if (matches == 0)
		hf_diag_set(diag, "there is no PKCS#11 token%s%s%s; plug it in, or look for its label with `pkcs11-tool "
				  "--list-slots`", k->uri.token[0] ? " '" : "", k->uri.token, k->uri.token[0] ? "'" : "");
	else if (matches > 1)
		hf_diag_set(diag, "%u PKCS#11 tokens match the URI; say which one is meant with token= or serial=", matches);
	if (matches != 1)
		return HF_ERR_NOT_FOUND;
	snprintf(k->name, sizeof(k->name), "%s", (*found)->token->label ? (*found)->token->label : "?");
	return HF_OK;
}

/* ---- the PIN ---- */

static enum hf_err read_pin(const char *path, char *pin, size_t room, struct hf_diag *diag)
{
	struct hf_buffer file;
	enum hf_err err = hf_file_read(path, HF_KEY_FILE_MAX, &file, diag);
	size_t len;

	if (err)
		return err;
	len = strcspn((const char *)file.ptr, "\r\n");
	if (len == 0 || len >= room) {
		hf_diag_set(diag, "%s: the first line has to be the PIN", path);
		err = HF_ERR_DENIED;
	} else {
		memcpy(pin, file.ptr, len);
		pin[len] = 0;
	}
	OPENSSL_cleanse(file.ptr, file.len);
	hf_buffer_free(&file);
	return err;
}

static enum hf_err get_pin(struct hf_pkcs11_key *k, hf_secret_fn *secret, void *ctx, char *pin, size_t room,
			   struct hf_diag *diag)
{
	char prompt[HF_PKCS11_FIELD + 32];

	if (k->uri.pin_source[0])
		return read_pin(k->uri.pin_source, pin, room, diag);
	snprintf(prompt, sizeof(prompt), "PIN of token '%s'", k->name);
	if (secret)
		return secret(ctx, prompt, pin, room, diag);
	hf_diag_set(diag, "token '%s' wants a PIN; give it with pin-source=FILE in the URI", k->name);
	return HF_ERR_DENIED;
}

static enum hf_err login_error(const struct hf_pkcs11_key *k, const PKCS11_TOKEN *token, struct hf_diag *diag)
{
	unsigned reason = (unsigned)ERR_GET_REASON(ERR_peek_last_error());

	if (reason == CKR_PIN_LOCKED)
		hf_diag_set(diag, "the PIN of token '%s' is locked after too many wrong tries; its security officer can unlock it",
			    k->name);
	else if (reason == CKR_PIN_INCORRECT || reason == CKR_PIN_INVALID || reason == CKR_PIN_LEN_RANGE)
		hf_diag_set(diag, "the PIN of token '%s' is wrong%s", k->name,
			    token->userPinFinalTry || token->userPinCountLow ? "; few tries are left before it locks" : "");
	else if (reason == CKR_PIN_EXPIRED)
		hf_diag_set(diag, "the PIN of token '%s' has expired; set a new one", k->name);
	else
		hf_diag_set(diag, "token '%s' does not let us in: %s", k->name, last_error());
	return HF_ERR_DENIED;
}

static enum hf_err login(struct hf_pkcs11_key *k, PKCS11_SLOT *slot, hf_secret_fn *secret, void *ctx,
			 struct hf_diag *diag)
{
	char pin[HF_PKCS11_SECRET] = "";
	enum hf_err err;

	if (!slot->token->loginRequired)
		return HF_OK;
	if (slot->token->userPinLocked) {
		hf_diag_set(diag, "the PIN of token '%s' is locked after too many wrong tries; its security officer can unlock it",
			    k->name);
		return HF_ERR_DENIED;
	}
	err = get_pin(k, secret, ctx, pin, sizeof(pin), diag);
	if (!err && PKCS11_login(slot, 0, pin) != 0)
		err = login_error(k, slot->token, diag);
	OPENSSL_cleanse(pin, sizeof(pin));
	return err;
}

/* ---- the key ---- */

static bool key_matches(const struct hf_pkcs11_uri *uri, const PKCS11_KEY *key)
{
	return (!uri->object[0] || (key->label && strcmp(uri->object, key->label) == 0)) &&
	       (!uri->id_len || (key->id_len == uri->id_len && memcmp(key->id, uri->id, uri->id_len) == 0));
}

static enum hf_err find_key(struct hf_pkcs11_key *k, PKCS11_TOKEN *token, PKCS11_KEY **found, struct hf_diag *diag)
{
	PKCS11_KEY *keys = NULL;
	unsigned count = 0, matches = 0;

	if (PKCS11_enumerate_keys(token, &keys, &count) != 0) {
		hf_diag_set(diag, "token '%s' does not list its keys: %s", k->name, last_error());
		return HF_ERR_IO;
	}
	for (unsigned i = 0; i < count; i++) {
		if (key_matches(&k->uri, &keys[i]) && matches++ == 0)
			*found = &keys[i];
	}
	if (matches == 1)
		return HF_OK;
	hf_diag_set(diag, matches ? "token '%s' has %u private keys that match the URI; say which one is meant with object= or id="
				  : "token '%s' has no such private key (of %u)", k->name, matches ? matches : count);
	return HF_ERR_NOT_FOUND;
}

/* Out of the DER form: 04 || X || Y at the end of SubjectPublicKeyInfo for P-256, which nothing else has. */
static bool get_public(EVP_PKEY *pkey, uint8_t out[HF_P256_PUBLIC_BYTES])
{
	static const uint8_t prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
					 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	bool ok = len == (int)sizeof(prefix) + HF_P256_PUBLIC_BYTES && memcmp(der, prefix, sizeof(prefix)) == 0;

	if (ok)
		memcpy(out, der + sizeof(prefix), HF_P256_PUBLIC_BYTES);
	OPENSSL_free(der);
	return ok;
}

static enum hf_err take_key(struct hf_pkcs11_key *k, PKCS11_KEY *key, struct hf_diag *diag)
{
	EVP_PKEY *half = PKCS11_get_public_key(key);
	bool ok;

	k->pkey = PKCS11_get_private_key(key);
	k->public_key = (struct hf_public_key){.alg = HF_ALG_ESP256, .role = HF_ROLE_UNKNOWN, .len = HF_P256_PUBLIC_BYTES};
	ok = k->pkey && get_public(half ? half : k->pkey, k->public_key.bytes);
	EVP_PKEY_free(half);
	if (ok)
		return HF_OK;
	hf_diag_set(diag, "the key '%s' of token '%s' is not one of P-256, or its public half is not on the token",
		    key->label ? key->label : "", k->name);
	return HF_ERR_UNSUPPORTED;
}

enum hf_err hf_pkcs11_open(const char *uri, hf_secret_fn *secret, void *ctx, struct hf_pkcs11_key **out,
			   struct hf_public_key *public_key, struct hf_diag *diag)
{
	struct hf_pkcs11_key *k = calloc(1, sizeof(*k));
	PKCS11_SLOT *slot = NULL;
	PKCS11_KEY *key = NULL;
	enum hf_err err;

	*out = NULL;
	if (!k) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	ERR_clear_error();
	err = hf_pkcs11_uri_parse(uri, &k->uri, diag);
	if (!err)
		err = load(k, diag);
	if (!err)
		err = find_slot(k, &slot, diag);
	if (!err)
		err = login(k, slot, secret, ctx, diag);
	if (!err)
		err = find_key(k, slot->token, &key, diag);
	if (!err)
		err = take_key(k, key, diag);
	ERR_clear_error();
	if (err) {
		hf_pkcs11_close(k);
		return err;
	}
	*public_key = k->public_key;
	*out = k;
	return HF_OK;
}

/* ---- signing ---- */

/* DER's SEQUENCE of two numbers -> r || s. */
static bool unpack(const uint8_t *der, size_t len, uint8_t signature[HF_P256_SIGNATURE_BYTES])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 32) == 32 &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 32, 32) == 32;

	ECDSA_SIG_free(sig);
	return ok;
}

enum hf_err hf_pkcs11_sign(struct hf_pkcs11_key *key, struct hf_bytes message,
			   uint8_t signature[HF_P256_SIGNATURE_BYTES], struct hf_diag *diag)
{
	uint8_t digest[SHA256_DIGEST_LENGTH], der[128];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
	size_t len = sizeof(der);
	bool ok;

	SHA256(message.ptr, message.len, digest);
	ERR_clear_error();
	ok = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, der, &len, digest, sizeof(digest)) == 1 &&
	     unpack(der, len, signature);
	if (!ok)
		hf_diag_set(diag, "token '%s' did not sign: %s", key->name, last_error());
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? HF_OK : HF_ERR_IO;
}

void hf_pkcs11_close(struct hf_pkcs11_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	if (key->slots)
		PKCS11_release_all_slots(key->ctx, key->slots, key->slot_count);
	if (key->loaded)
		PKCS11_CTX_unload(key->ctx);
	if (key->ctx)
		PKCS11_CTX_free(key->ctx);
	free(key);
}

/* SPDX-License-Identifier: MIT */
#include "key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cbor.h"
#include "file.h"
#include "host_crypto.h"
#include "key_pem.h"
#include "out.h"

void hf_key_wipe(struct hf_private_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

/* The number `name` of an EC key as 32 bytes. */
static bool get_number(const EVP_PKEY *pkey, const char *name, uint8_t out[32])
{
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_bn2binpad(n, out, 32) == 32;

	BN_clear_free(n);
	return ok;
}

static bool is_p256(const EVP_PKEY *pkey)
{
	char group[32] = "";

	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static bool get_public(const EVP_PKEY *pkey, uint8_t public_key[HF_P256_PUBLIC_BYTES])
{
	public_key[0] = 4;
	return get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, public_key + 1) &&
	       get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, public_key + 33);
}

enum hf_err hf_key_generate(struct hf_private_key *key, struct hf_diag *diag)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	bool ok =
		pkey && get_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, key->secret) && get_public(pkey, key->public_key);

	EVP_PKEY_free(pkey);
	if (ok)
		return HF_OK;
	hf_diag_set(diag, "no key could be made: the system gives no random numbers");
	return HF_ERR_IO;
}

/* ---- reading ---- */

static int give_password(char *buf, int size, int for_writing, void *ctx)
{
	struct hf_pem_password *password = ctx;
	size_t len;

	(void)for_writing;
	password->asked = true;
	if (!password->text)
		return -1;
	len = strlen(password->text);
	if (len > (size_t)size)
		return -1;
	memcpy(buf, password->text, len);
	return (int)len;
}

typedef EVP_PKEY *pem_read(BIO *bio, EVP_PKEY **out, pem_password_cb *callback, void *ctx);

static EVP_PKEY *read_pem(const char *path, pem_read *read, struct hf_pem_password *password, enum hf_err *err,
			  struct hf_diag *diag)
{
	struct hf_buffer file;
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	*err = hf_file_read(path, HF_KEY_FILE_MAX, &file, diag);
	if (*err)
		return NULL;
	bio = BIO_new_mem_buf(file.ptr, (int)file.len);
	if (bio)
		pkey = read(bio, NULL, give_password, password);
	ERR_clear_error();
	BIO_free(bio);
	OPENSSL_cleanse(file.ptr, file.len);
	hf_buffer_free(&file);
	if (pkey)
		return pkey;
	*err = password->asked ? HF_ERR_DENIED : HF_ERR_ENCODING;
	return NULL;
}

enum hf_err hf_key_read_private(const char *path, const char *password_text, struct hf_private_key *key,
				struct hf_diag *diag)
{
	struct hf_pem_password password = {password_text, false};
	enum hf_err err;
	EVP_PKEY *pkey = read_pem(path, PEM_read_bio_PrivateKey, &password, &err, diag);

	if (err == HF_ERR_DENIED)
		hf_pem_denied(path, password_text, diag);
	if (err == HF_ERR_ENCODING)
		hf_diag_set(diag, "%s: this is not a private key in PEM form; `holdfast keygen` makes one", path);
	if (!pkey)
		return err;
	if (!is_p256(pkey)) {
		hf_diag_set(diag, "%s: the key is not one of P-256; `holdfast keygen` makes such a key", path);
		err = HF_ERR_UNSUPPORTED;
	} else if (!get_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, key->secret) || !get_public(pkey, key->public_key)) {
		hf_diag_set(diag, "%s: the private key is incomplete", path);
		err = HF_ERR_ENCODING;
	}
	EVP_PKEY_free(pkey);
	return err;
}

enum hf_err hf_key_read_public(const char *path, uint8_t public_key[HF_P256_PUBLIC_BYTES], struct hf_diag *diag)
{
	struct hf_pem_password none = {NULL, false};
	enum hf_err err;
	EVP_PKEY *pkey = read_pem(path, PEM_read_bio_PUBKEY, &none, &err, diag);

	if (err == HF_ERR_ENCODING)
		hf_diag_set(diag, "%s: this is not a public key in PEM form (\"BEGIN PUBLIC KEY\")", path);
	if (!pkey)
		return err;
	if (!is_p256(pkey) || !get_public(pkey, public_key)) {
		hf_diag_set(diag, "%s: the key is not one of P-256", path);
		err = HF_ERR_UNSUPPORTED;
	}
	EVP_PKEY_free(pkey);
	return err;
}

/* ---- writing ---- */

/* secret NULL: a public key only. */
static EVP_PKEY *make_pkey(const uint8_t *secret, const uint8_t public_key[HF_P256_PUBLIC_BYTES])
{
	BIGNUM *n = secret ? BN_bin2bn(secret, HF_P256_SECRET_BYTES, NULL) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (ctx && build && (n || !secret) &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public_key, HF_P256_PUBLIC_BYTES) &&
	    (!n || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, n)))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pkey, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_clear_free(n);
	return pkey;
}

enum hf_err hf_key_write_private(const char *path, const struct hf_private_key *key, int role, const char *password,
				 bool replace, struct hf_diag *diag)
{
	const struct hf_public_key public_key = hf_key_public_of(key->public_key, HF_ALG_ESP256, role);
	EVP_PKEY *pkey = make_pkey(key->secret, key->public_key);
	BIO *bio = hf_pem_begin(&public_key, true);
	PKCS8_PRIV_KEY_INFO *info = pkey ? EVP_PKEY2PKCS8(pkey) : NULL;
	bool written = info && bio && hf_pem_put_private(bio, info, password);
	enum hf_err err = hf_pem_finish(path, bio, written, HF_FILE_PRIVATE | (replace ? 0 : HF_FILE_NEW), diag);

	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
	return err;
}

enum hf_err hf_key_write_public(const char *path, const struct hf_public_key *key, bool replace, struct hf_diag *diag)
{
	EVP_PKEY *pkey = key->alg == HF_ALG_ESP256 ? make_pkey(NULL, key->bytes) : NULL;
	BIO *bio = hf_pem_begin(key, false);
	bool written = bio && (key->alg == HF_ALG_HSS_LMS ? hf_pem_put_lms_public(bio, hf_public_key_bytes(key))
							  : pkey && PEM_write_bio_PUBKEY(bio, pkey) == 1);
	enum hf_err err = hf_pem_finish(path, bio, written, replace ? 0 : HF_FILE_NEW, diag);

	EVP_PKEY_free(pkey);
	return err;
}

enum hf_err hf_key_read_any_public(const char *path, struct hf_public_key *key, struct hf_diag *diag)
{
	enum hf_err err = hf_pem_read_lms_public(path, key, diag);

	if (err == HF_ERR_TYPE) {
		*key = (struct hf_public_key){.alg = HF_ALG_ESP256, .len = HF_P256_PUBLIC_BYTES};
		err = hf_key_read_public(path, key->bytes, diag);
	}
	if (!err)
		key->role = hf_key_file_role(path);
	return err;
}

struct hf_public_key hf_key_public_of(const uint8_t *bytes, int alg, int role)
{
	struct hf_public_key key = {.alg = (int16_t)alg, .role = role,
				    .len = alg == HF_ALG_HSS_LMS ? HF_LMS_PUBLIC_BYTES : HF_P256_PUBLIC_BYTES};

	memcpy(key.bytes, bytes, key.len);
	return key;
}

const char *hf_key_id(struct hf_bytes public_key, char text[HF_KEY_ID_TEXT])
{
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of(public_key, digest);
	return hf_out_hex(digest, (HF_KEY_ID_TEXT - 1) / 2, text);
}

/* ---- keysets ---- */

enum hf_err hf_keyset_encode(const struct hf_keyset *keyset, uint8_t *buf, size_t cap, size_t *len)
{
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, buf, cap);
	hf_cbor_put_map(&w, 4 + (keyset->threshold > 1) + (keyset->digests > 0));
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_uint(&w, HF_KEYSET_FORMAT);
	hf_cbor_put_uint(&w, 2);
	hf_cbor_put_uint(&w, keyset->number);
	hf_cbor_put_uint(&w, 3);
	hf_cbor_put_array(&w, keyset->keys);
	for (unsigned i = 0; i < keyset->keys; i++) {
		const struct hf_key *key = &keyset->key[i];

		hf_cbor_put_map(&w, 3);
		hf_cbor_put_uint(&w, 1);
		hf_cbor_put_uint(&w, key->role);
		hf_cbor_put_uint(&w, 2);
		hf_cbor_put_int(&w, key->alg);
		hf_cbor_put_uint(&w, 3);
		hf_cbor_put_bstr(&w, key->public_key.ptr, key->public_key.len);
	}
	hf_cbor_put_uint(&w, 4);
	hf_cbor_put_array(&w, keyset->algs);
	for (unsigned i = 0; i < keyset->algs; i++)
		hf_cbor_put_int(&w, keyset->alg[i]);
	if (keyset->threshold > 1) {
		hf_cbor_put_uint(&w, 5);
		hf_cbor_put_uint(&w, keyset->threshold);
	}
	if (keyset->digests > 0) {
		hf_cbor_put_uint(&w, 6);
		hf_cbor_put_array(&w, keyset->digests);
	}
	for (unsigned i = 0; i < keyset->digests; i++)
		hf_cbor_put_bstr(&w, keyset->digest[i], HF_SHA256_BYTES);
	*len = w.len;
	return w.err;
}

struct hf_keyset hf_keyset_of_one(enum hf_role role, uint32_t number, const uint8_t public_key[HF_P256_PUBLIC_BYTES])
{
	struct hf_keyset keyset = {.number = number, .keys = 1, .algs = 1, .threshold = 1};

	keyset.key[0] = (struct hf_key){(uint8_t)role, HF_ALG_ESP256, {public_key, HF_P256_PUBLIC_BYTES}};
	keyset.alg[0] = HF_ALG_ESP256;
	return keyset;
}

int hf_keyset_role_of(const struct hf_keyset *keyset, const struct hf_public_key *key)
{
	for (unsigned i = 0; keyset && i < keyset->keys; i++) {
		const struct hf_key *k = &keyset->key[i];

		if (k->alg == key->alg && k->public_key.len == key->len && memcmp(k->public_key.ptr, key->bytes, key->len) == 0)
			return k->role;
	}
	return key->role;
}

const char *hf_role_name(unsigned role)
{
	static const char *const names[] = {"root", "release", "site"};

	return role < sizeof(names) / sizeof(names[0]) ? names[role] : "?";
}

const char *hf_alg_name(int alg)
{
	switch (alg) {
	case HF_ALG_SHA256:
		return "SHA-256";
	case HF_ALG_ES256:
		return "ES256";
	case HF_ALG_EDDSA:
		return "EdDSA";
	case HF_ALG_ESP256:
		return "ESP256";
	case HF_ALG_HSS_LMS:
		return "HSS-LMS";
	default:
		return "?";
	}
}

int hf_alg_parse(const char *text)
{
	static const int algs[] = {HF_ALG_ESP256, HF_ALG_HSS_LMS};

	for (unsigned i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (strcasecmp(text, hf_alg_name(algs[i])) == 0)
			return algs[i];
	return 0;
}

int hf_role_parse(const char *text)
{
	for (int i = HF_ROLE_ROOT; i <= HF_ROLE_SITE; i++)
		if (strcmp(text, hf_role_name((unsigned)i)) == 0)
			return i;
	return HF_ROLE_UNKNOWN;
}

/* SPDX-License-Identifier: MIT
 *
 * core's hash state is plain memory that is never released, so OpenSSL's low-level SHA-256 is used, which keeps all
 * it has in a struct; EVP would leave a context on the heap whenever a caller gives up in the middle.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "host_crypto.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include "lms.h"
#include "sign.h"

#define ED25519_PUBLIC_BYTES    32
#define ED25519_SIGNATURE_BYTES 64

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hf_sha256), "OpenSSL's SHA-256 state has to fit core's");

static void sha256_start(struct hf_sha256 *state)
{
	SHA256_Init((SHA256_CTX *)(void *)state->opaque);
}

static void sha256_update(struct hf_sha256 *state, const void *data, size_t len)
{
	SHA256_Update((SHA256_CTX *)(void *)state->opaque, data, len);
}

static void sha256_finish(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES])
{
	SHA256_Final(digest, (SHA256_CTX *)(void *)state->opaque);
}

void hf_sha256_of(struct hf_bytes data, uint8_t digest[HF_SHA256_BYTES])
{
	SHA256(data.ptr, data.len, digest);
}

static EVP_PKEY *p256_key(struct hf_bytes key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"}, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)key.ptr, key.len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static bool verifies(EVP_PKEY *pkey, const EVP_MD *md, struct hf_bytes message, const uint8_t *signature, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature, len, message.ptr, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

static enum hf_err verify_p256(struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = NULL, *s = NULL;
	EVP_PKEY *pkey = NULL;
	uint8_t *der = NULL;
	bool good = false;
	int len;

	if (!sig || key.len != HF_P256_PUBLIC_BYTES || signature.len != HF_P256_SIGNATURE_BYTES)
		goto out;
	r = BN_bin2bn(signature.ptr, 32, NULL);
	s = BN_bin2bn(signature.ptr + 32, 32, NULL);
	if (!r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		goto out;
	}
	len = i2d_ECDSA_SIG(sig, &der);
	pkey = p256_key(key);
	good = len > 0 && pkey && verifies(pkey, EVP_sha256(), message, der, (size_t)len);
out:
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	ECDSA_SIG_free(sig);
	return good ? HF_OK : HF_ERR_SIGNATURE;
}

static enum hf_err verify_ed25519(struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	EVP_PKEY *pkey;
	bool good;

	if (key.len != ED25519_PUBLIC_BYTES || signature.len != ED25519_SIGNATURE_BYTES)
		return HF_ERR_SIGNATURE;
	pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key.ptr, key.len);
	good = pkey && verifies(pkey, NULL, message, signature.ptr, signature.len);
	EVP_PKEY_free(pkey);
	return good ? HF_OK : HF_ERR_SIGNATURE;
}

static enum hf_err verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	switch (alg) {
	case HF_ALG_ES256:
	case HF_ALG_ESP256:
		return verify_p256(key, message, signature);
	case HF_ALG_EDDSA:
		return verify_ed25519(key, message, signature);
	case HF_ALG_HSS_LMS:
		return hf_lms_verify(&hf_host_crypto, key, message, signature);
	default:
		return HF_ERR_UNSUPPORTED;
	}
}

const struct hf_crypto hf_host_crypto = {sha256_start, sha256_update, sha256_finish, verify};

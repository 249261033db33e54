/* SPDX-License-Identifier: MIT
 *
 * The private half of an HSS-LMS key in PKCS#8: algorithm id-alg-hss-lms-hashsig, and as its octets seed || public key. What
 * changes with each signature is not in it (lms_state.h), so that it can lie on a read-only medium.
 */
#include "key_pem.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

#include "file.h"

#define LMS_OID          "1.2.840.113549.1.9.16.3.17" /* id-alg-hss-lms-hashsig (RFC 9708) */
#define LMS_SECRET_BYTES (HF_LMS_SEED_BYTES + HF_LMS_PUBLIC_BYTES)
#define PBKDF2_ROUNDS    600000
#define ROLE_LINE        "Holdfast "

void hf_pem_denied(const char *path, const char *password, struct hf_diag *diag)
{
	hf_diag_set(diag, password ? "%s: the password is wrong"
				   : "%s: the key is encrypted; give its password with --password-file", path);
}

/* ---- the line of text ---- */

BIO *hf_pem_begin(const struct hf_public_key *key, bool secret)
{
	BIO *bio = BIO_new(secret ? BIO_s_secmem() : BIO_s_mem());
	char id[HF_KEY_ID_TEXT];

	if (bio && key->role != HF_ROLE_UNKNOWN &&
	    BIO_printf(bio, ROLE_LINE "%s key, %s, id %s\n", hf_role_name((unsigned)key->role), hf_alg_name(key->alg),
		       hf_key_id(hf_public_key_bytes(key), id)) > 0)
		return bio;
	if (bio && key->role == HF_ROLE_UNKNOWN)
		return bio;
	BIO_free(bio);
	return NULL;
}

enum hf_err hf_pem_finish(const char *path, BIO *bio, bool written, unsigned flags, struct hf_diag *diag)
{
	char *pem = NULL;
	long len = bio ? BIO_get_mem_data(bio, &pem) : 0;
	enum hf_err err = HF_ERR_RANGE;

	if (written && len > 0)
		err = hf_file_write(path, (struct hf_bytes){(uint8_t *)pem, (size_t)len}, flags, diag);
	else
		hf_diag_set(diag, "%s: the key cannot be encoded", path);
	BIO_free(bio);
	return err;
}

int hf_key_file_role(const char *path)
{
	struct hf_buffer file;
	int role = HF_ROLE_UNKNOWN;

	if (hf_file_read(path, HF_KEY_FILE_MAX, &file, NULL) != HF_OK)
		return role;
	for (int i = HF_ROLE_ROOT; i <= HF_ROLE_SITE; i++) {
		const char *name = hf_role_name((unsigned)i), *text = (const char *)file.ptr;

		if (strncmp(text, ROLE_LINE, strlen(ROLE_LINE)) == 0 &&
		    strncmp(text + strlen(ROLE_LINE), name, strlen(name)) == 0 &&
		    text[strlen(ROLE_LINE) + strlen(name)] == ' ')
			role = i;
	}
	OPENSSL_cleanse(file.ptr, file.len);
	hf_buffer_free(&file);
	return role;
}

/* ---- reading ---- */

static bool is_lms(const ASN1_OBJECT *object)
{
	char text[64];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 && strcmp(text, LMS_OID) == 0;
}

/* The first PEM block: its name and content, both to be freed. */
static bool read_block(const char *path, char **name, uint8_t **data, long *len, enum hf_err *err, struct hf_diag *diag)
{
	struct hf_buffer file;
	char *header = NULL;
	BIO *bio;
	bool ok;

	*err = hf_file_read(path, HF_KEY_FILE_MAX, &file, diag);
	if (*err)
		return false;
	bio = BIO_new_mem_buf(file.ptr, (int)file.len);
	ok = bio && PEM_read_bio(bio, name, &header, data, len) == 1;
	BIO_free(bio);
	OPENSSL_free(header);
	OPENSSL_cleanse(file.ptr, file.len);
	hf_buffer_free(&file);
	ERR_clear_error();
	if (!ok)
		*err = HF_ERR_TYPE;
	return ok;
}

static PKCS8_PRIV_KEY_INFO *decrypt(const uint8_t *der, long len, const char *password)
{
	X509_SIG *sig = d2i_X509_SIG(NULL, &der, len);
	PKCS8_PRIV_KEY_INFO *info =
		sig && password ? PKCS8_decrypt(sig, password, (int)strlen(password)) : NULL;

	X509_SIG_free(sig);
	return info;
}

static enum hf_err take_secret(const PKCS8_PRIV_KEY_INFO *info, struct hf_lms_key *key)
{
	const ASN1_OBJECT *object = NULL;
	const uint8_t *bytes = NULL;
	int len = 0;

	if (PKCS8_pkey_get0(&object, &bytes, &len, NULL, info) != 1 || !is_lms(object))
		return HF_ERR_TYPE;
	if (len != LMS_SECRET_BYTES)
		return HF_ERR_ENCODING;
	*key = (struct hf_lms_key){.leaf = NULL};
	memcpy(key->seed, bytes, sizeof(key->seed));
	memcpy(key->public_key, bytes + sizeof(key->seed), sizeof(key->public_key));
	return HF_OK;
}

enum hf_err hf_key_read_lms(const char *path, const char *password, struct hf_lms_key *key, struct hf_diag *diag)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	uint8_t *der = NULL;
	char *name = NULL;
	bool encrypted;
	enum hf_err err;
	long len;

	if (!read_block(path, &name, &der, &len, &err, diag))
		return err;
	encrypted = strcmp(name, PEM_STRING_PKCS8) == 0;
	if (encrypted) {
		info = decrypt(der, len, password);
	} else if (strcmp(name, PEM_STRING_PKCS8INF) == 0) {
		const uint8_t *at = der;

		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, len);
	}
	err = info ? take_secret(info, key) : encrypted ? HF_ERR_DENIED : HF_ERR_TYPE;
	if (err == HF_ERR_DENIED)
		hf_pem_denied(path, password, diag);
	if (err == HF_ERR_ENCODING)
		hf_diag_set(diag, "%s: the LMS key is incomplete", path);
	PKCS8_PRIV_KEY_INFO_free(info);
	OPENSSL_clear_free(der, (size_t)len);
	OPENSSL_free(name);
	ERR_clear_error();
	return err;
}

enum hf_err hf_pem_read_lms_public(const char *path, struct hf_public_key *key, struct hf_diag *diag)
{
	ASN1_OBJECT *object = NULL;
	const uint8_t *bytes = NULL, *at;
	X509_PUBKEY *info = NULL;
	uint8_t *der = NULL;
	char *name = NULL;
	enum hf_err err;
	int bytes_len = 0;
	long len;

	if (!read_block(path, &name, &der, &len, &err, diag))
		return err;
	at = der;
	if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		info = d2i_X509_PUBKEY(NULL, &at, len);
	err = HF_ERR_TYPE;
	if (info && X509_PUBKEY_get0_param(&object, &bytes, &bytes_len, NULL, info) == 1 && is_lms(object))
		err = bytes_len == HF_LMS_PUBLIC_BYTES ? HF_OK : HF_ERR_UNSUPPORTED;
	if (!err)
		*key = hf_key_public_of(bytes, HF_ALG_HSS_LMS, HF_ROLE_UNKNOWN);
	if (err == HF_ERR_UNSUPPORTED)
		hf_diag_set(diag, "%s: this LMS key has other parameters than height 10, w = 8, one level", path);
	X509_PUBKEY_free(info);
	OPENSSL_free(der);
	OPENSSL_free(name);
	ERR_clear_error();
	return err;
}

/* ---- writing ---- */

bool hf_pem_put_lms_public(BIO *bio, struct hf_bytes public_key)
{
	X509_PUBKEY *info = X509_PUBKEY_new();
	uint8_t *copy = OPENSSL_memdup(public_key.ptr, public_key.len);
	bool ok = info && copy &&
		  X509_PUBKEY_set0_param(info, OBJ_txt2obj(LMS_OID, 1), V_ASN1_UNDEF, NULL, copy, (int)public_key.len) == 1;

	if (!ok)
		OPENSSL_free(copy);
	ok = ok && PEM_write_bio_X509_PUBKEY(bio, info) == 1;
	X509_PUBKEY_free(info);
	return ok;
}

static PKCS8_PRIV_KEY_INFO *make_info(const struct hf_lms_key *key)
{
	PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
	uint8_t *secret = OPENSSL_malloc(LMS_SECRET_BYTES);

	if (info && secret) {
		memcpy(secret, key->seed, sizeof(key->seed));
		memcpy(secret + sizeof(key->seed), key->public_key, sizeof(key->public_key));
		if (PKCS8_pkey_set0(info, OBJ_txt2obj(LMS_OID, 1), 0, V_ASN1_UNDEF, NULL, secret, LMS_SECRET_BYTES) == 1)
			return info; /* which owns secret now, and cleanses it when it is freed */
	}
	OPENSSL_clear_free(secret, LMS_SECRET_BYTES);
	PKCS8_PRIV_KEY_INFO_free(info);
	return NULL;
}

bool hf_pem_put_private(BIO *bio, PKCS8_PRIV_KEY_INFO *info, const char *password)
{
	X509_SIG *sig;
	bool ok;

	if (!password)
		return PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
	sig = PKCS8_encrypt(-1, EVP_aes_256_cbc(), password, (int)strlen(password), NULL, 0, PBKDF2_ROUNDS, info);
	ok = sig && PEM_write_bio_PKCS8(bio, sig) == 1;
	X509_SIG_free(sig);
	return ok;
}

enum hf_err hf_key_write_lms(const char *path, const struct hf_lms_key *key, int role, const char *password, bool replace,
			     struct hf_diag *diag)
{
	const struct hf_public_key public_key = hf_key_public_of(key->public_key, HF_ALG_HSS_LMS, role);
	PKCS8_PRIV_KEY_INFO *info = make_info(key);
	BIO *bio = hf_pem_begin(&public_key, true);
	bool written = info && bio && hf_pem_put_private(bio, info, password);
	enum hf_err err = hf_pem_finish(path, bio, written, HF_FILE_PRIVATE | (replace ? 0 : HF_FILE_NEW), diag);

	PKCS8_PRIV_KEY_INFO_free(info);
	return err;
}

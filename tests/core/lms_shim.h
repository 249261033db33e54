/* SPDX-License-Identifier: MIT
 *
 * What stands in front of Mbed TLS's lms.c and lmots.c (compiled with -include): their LMS on our SHA-256, without PSA,
 * to compare core's with.
 *
 * They ask PSA's core for four things, psa_hash_setup, _update, _finish and _abort, which are given here; PSA's own headers
 * are kept out by their include guards. MBEDTLS_LMS_C is defined behind build_info.h, whose check of the configuration
 * would demand PSA for it.
 */
#ifndef HF_LMS_SHIM_H
#define HF_LMS_SHIM_H

#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* as their own sources do */
#include <mbedtls/build_info.h>
#include <stddef.h>

typedef int mbedtls_f_rng_t(void *ctx, unsigned char *out, size_t len); /* psa_util.h's */

#define MBEDTLS_LMS_C
#define MBEDTLS_LMS_PRIVATE
#include <mbedtls/lms.h>

#include "crypto_mbed.h"

#define MBEDTLS_DEPRECATED_REMOVED
#define PSA_CRYPTO_H
#define MBEDTLS_PSA_UTIL_INTERNAL_H

typedef int psa_status_t;
typedef struct hf_sha256 psa_hash_operation_t;

#define PSA_SUCCESS                   0
#define PSA_ERROR_CORRUPTION_DETECTED 1
#define PSA_ALG_SHA_256               0
#define PSA_HASH_OPERATION_INIT       psa_hash_operation_init()

#define psa_status_to_mbedtls(status, table, entries, otherwise) \
	((status) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_LMS_VERIFY_FAILED)

static inline psa_hash_operation_t psa_hash_operation_init(void)
{
	psa_hash_operation_t unset;

	return unset; /* each is set up before it is used */
}

static inline psa_status_t psa_hash_setup(psa_hash_operation_t *op, int alg)
{
	(void)alg;
	hf_mbed_sha256_start(op);
	return PSA_SUCCESS;
}

static inline psa_status_t psa_hash_update(psa_hash_operation_t *op, const void *data, size_t len)
{
	hf_mbed_sha256_update(op, data, len);
	return PSA_SUCCESS;
}

static inline psa_status_t psa_hash_finish(psa_hash_operation_t *op, uint8_t *digest, size_t room, size_t *len)
{
	(void)room; /* every caller has 32 bytes */
	hf_mbed_sha256_finish(op, digest);
	*len = HF_SHA256_BYTES;
	return PSA_SUCCESS;
}

static inline psa_status_t psa_hash_abort(psa_hash_operation_t *op)
{
	(void)op;
	return PSA_SUCCESS;
}

#endif

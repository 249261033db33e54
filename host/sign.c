/* SPDX-License-Identifier: MIT */
#include "sign.h"

#include <mbedtls/ecdsa.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

static int blinding(void *ctx, unsigned char *out, size_t len)
{
	(void)ctx;
	return RAND_bytes(out, (int)len) == 1 ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

enum hf_err hf_sign_p256(const uint8_t secret[HF_P256_SECRET_BYTES], struct hf_bytes message,
			 uint8_t signature[HF_P256_SIGNATURE_BYTES])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	mbedtls_ecp_group group;
	mbedtls_mpi d, r, s;
	int rc;

	SHA256(message.ptr, message.len, digest);
	mbedtls_ecp_group_init(&group);
	mbedtls_mpi_init(&d);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);

	rc = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
	if (rc == 0)
		rc = mbedtls_mpi_read_binary(&d, secret, HF_P256_SECRET_BYTES);
	if (rc == 0)
		rc = mbedtls_ecp_check_privkey(&group, &d);
	if (rc == 0)
		rc = mbedtls_ecdsa_sign_det_ext(&group, &r, &s, &d, digest, sizeof(digest), MBEDTLS_MD_SHA256,
						blinding, NULL);
	if (rc == 0)
		rc = mbedtls_mpi_write_binary(&r, signature, 32);
	if (rc == 0)
		rc = mbedtls_mpi_write_binary(&s, signature + 32, 32);

	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_mpi_free(&d);
	mbedtls_ecp_group_free(&group);
	if (rc == 0)
		return HF_OK;
	return rc == MBEDTLS_ERR_ECP_INVALID_KEY ? HF_ERR_RANGE : HF_ERR_IO;
}

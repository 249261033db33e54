/* SPDX-License-Identifier: MIT
 *
 * What of Mbed TLS 3.6 is compiled for the host: deterministic ECDSA (RFC 6979) on P-256 with SHA-256, which
 * OpenSSL 3.0 lacks. Everything else on the host is OpenSSL's.
 */
#ifndef HF_HOST_MBEDTLS_CONFIG_H
#define HF_HOST_MBEDTLS_CONFIG_H

#define MBEDTLS_HAVE_ASM
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_HMAC_DRBG_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C

#endif

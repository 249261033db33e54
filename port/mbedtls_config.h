/* SPDX-License-Identifier: MIT
 *
 * What of Mbed TLS 3.6 is compiled: SHA-256 and p256-m, for verification only.
 *
 * Linked names get our prefix, so that a program that also links a whole Mbed TLS has nothing twice. Zeroing is left
 * out (hf_mbed_zeroize does nothing): all that is hashed and verified here is public, and clearing SHA-256's work
 * after each block of 64 bytes would cost a fifth of its time.
 */
#ifndef HF_MBEDTLS_CONFIG_H
#define HF_MBEDTLS_CONFIG_H

#define MBEDTLS_SHA256_C
#define MBEDTLS_PLATFORM_ZEROIZE_ALT
#define MBEDTLS_PSA_P256M_DRIVER_ENABLED

#define mbedtls_platform_zeroize         hf_mbed_zeroize
#define psa_generate_random              hf_mbed_no_random
#define mbedtls_sha256                   hf_mbed_lib_sha256
#define mbedtls_sha256_init              hf_mbed_lib_sha256_init
#define mbedtls_sha256_free              hf_mbed_lib_sha256_free
#define mbedtls_sha256_clone             hf_mbed_lib_sha256_clone
#define mbedtls_sha256_starts            hf_mbed_lib_sha256_starts
#define mbedtls_sha256_update            hf_mbed_lib_sha256_update
#define mbedtls_sha256_finish            hf_mbed_lib_sha256_finish
#define mbedtls_internal_sha256_process  hf_mbed_lib_sha256_process

#endif

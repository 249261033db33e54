/* SPDX-License-Identifier: MIT
 *
 * Version 5 is by definition made with SHA-1. Nothing rests on its collision resistance: an identifier is a name, and
 * what it stands in is signed with other means.
 */
#include "uuid.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

const uint8_t hf_uuid_namespace_dns[HF_UUID_BYTES] = {
	0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
};

void hf_uuid_v5(const uint8_t name_space[HF_UUID_BYTES], const char *name, uint8_t out[HF_UUID_BYTES])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) && EVP_DigestUpdate(ctx, name_space, HF_UUID_BYTES) &&
	     EVP_DigestUpdate(ctx, name, strlen(name)) && EVP_DigestFinal_ex(ctx, digest, NULL);
	assert(ok);
	(void)ok;
	EVP_MD_CTX_free(ctx);
	memcpy(out, digest, HF_UUID_BYTES);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void hf_uuid_of_chip(const uint8_t uid[HF_CHIP_UID_BYTES], uint8_t out[HF_UUID_BYTES])
{
	static const uint8_t middle[4] = {0x80, 0x68, 0x80, 0x66};

	memcpy(out, uid, 6);
	memcpy(out + 6, middle, sizeof(middle));
	memcpy(out + 10, uid + 6, 6);
}

void hf_uuid_format(const uint8_t uuid[HF_UUID_BYTES], char text[HF_UUID_TEXT_BYTES])
{
	char *at = text;

	for (unsigned i = 0; i < HF_UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += sprintf(at, "%02x", uuid[i]);
	}
}

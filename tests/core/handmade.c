/* SPDX-License-Identifier: MIT */
#include "handmade.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "host_crypto.h"
#include "sign.h"
#include "table.h"

const uint8_t package_vendor[16] = { 0xfa, 0x6b, 1 };
const uint8_t package_class[16] = { 0x14, 0x92, 2 };
const uint8_t package_device[16] = { 0x11, 0x22, 3 };

/* The private key 1 has the generator of P-256 as its public key, the private key 2 the double of it. */
static const uint8_t release_secret[HF_P256_SECRET_BYTES] = { [31] = 1 };
static const uint8_t other_secret[HF_P256_SECRET_BYTES] = { [31] = 2 };
static const uint8_t release_public[HF_P256_PUBLIC_BYTES] = {
	0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

const struct hf_keyset package_keyset = {
	.number = 1, .keys = 1, .algs = 1, .alg = { HF_ALG_ESP256 },
	.key = { { HF_ROLE_RELEASE, HF_ALG_ESP256, { release_public, sizeof(release_public) } } },
};

void package_make_content(struct package *p, uint32_t image_bytes)
{
	uint32_t words[PACKAGE_CONTENT_MAX / 32], n = 0;
	uint8_t *image;

	words[n++] = 1; /* the reset vector */
	for (uint32_t w = 8; w < image_bytes / 4; w += 8)
		words[n++] = w;
	p->image_bytes = image_bytes;
	p->table_bytes = make_table(p->content, words, n, image_bytes);
	p->content_bytes = p->table_bytes + image_bytes;
	assert(p->content_bytes <= PACKAGE_CONTENT_MAX);
	image = p->content + p->table_bytes;
	for (uint32_t i = 0; i < image_bytes; i++)
		image[i] = (uint8_t)(i * 31 + i / 256);
	store_le32(image, 0x20001000);
	store_le32(image + 4, 0x41);
	for (uint32_t i = 1; i < n; i++)
		store_le32(image + 4 * words[i], 4 * i % image_bytes);
}

static void put_digest(struct hf_cbor_writer *w, const uint8_t digest[HF_SHA256_BYTES])
{
	hf_cbor_put_array(w, 2);
	hf_cbor_put_int(w, HF_ALG_SHA256);
	hf_cbor_put_bstr(w, digest, HF_SHA256_BYTES);
}

static void put_pair(struct hf_cbor_writer *w, unsigned code, unsigned argument)
{
	hf_cbor_put_uint(w, code);
	hf_cbor_put_uint(w, argument);
}

static void put_id(struct hf_cbor_writer *w, unsigned key, const uint8_t id[16], bool wrong)
{
	uint8_t copy[16];

	memcpy(copy, id, sizeof(copy));
	copy[15] ^= wrong;
	hf_cbor_put_uint(w, key);
	hf_cbor_put_bstr(w, copy, sizeof(copy));
}

static void put_shared(struct hf_cbor_writer *w, const struct package *p)
{
	bool digest = p->flaw != FLAW_NO_DIGEST, size = p->flaw != FLAW_NO_SIZE;
	uint8_t hash[HF_SHA256_BYTES];

	hf_sha256_of((struct hf_bytes){ p->content, p->content_bytes }, hash);
	hash[31] ^= p->flaw == FLAW_OTHER_DIGEST;
	hf_cbor_put_array(w, p->for_device ? 8 : 6);
	hf_cbor_put_uint(w, 20);
	hf_cbor_put_map(w, 2 + digest + size + p->for_device);
	put_id(w, 1, package_vendor, p->flaw == FLAW_VENDOR);
	put_id(w, 2, package_class, p->flaw == FLAW_CLASS);
	if (digest) {
		hf_cbor_put_uint(w, 3);
		size_t mark = hf_cbor_wrap(w);
		put_digest(w, hash);
		hf_cbor_unwrap(w, mark);
	}
	if (size)
		put_pair(w, 14, p->content_bytes);
	if (p->for_device)
		put_id(w, 24, package_device, p->flaw == FLAW_DEVICE);
	put_pair(w, 1, 15);
	put_pair(w, 2, 15);
	if (p->for_device)
		put_pair(w, 24, 15);
}

static void put_validate(struct hf_cbor_writer *w, const struct package *p)
{
	bool offset = p->flaw != FLAW_NO_OFFSET;

	hf_cbor_put_array(w, 4);
	hf_cbor_put_uint(w, 20);
	hf_cbor_put_map(w, 1u + offset);
	hf_cbor_put_int(w, HF_PARAM_TABLE_BYTES);
	hf_cbor_put_uint(w, p->table_bytes);
	if (offset) {
		hf_cbor_put_int(w, HF_PARAM_IMAGE_OFFSET);
		hf_cbor_put_uint(w, p->image_offset);
	}
	put_pair(w, 3, 15);
}

static void put_manifest(struct hf_cbor_writer *w, const struct package *p)
{
	size_t outer, inner;

	hf_cbor_put_map(w, 6);
	put_pair(w, 1, 1);
	hf_cbor_put_uint(w, 2);
	hf_cbor_put_uint(w, p->sequence);
	hf_cbor_put_uint(w, 3);
	outer = hf_cbor_wrap(w);
	hf_cbor_put_map(w, 2);
	hf_cbor_put_uint(w, 2);
	hf_cbor_put_array(w, 1);
	hf_cbor_put_array(w, 1);
	hf_cbor_put_bstr(w, p->component, strlen(p->component));
	hf_cbor_put_uint(w, 4);
	inner = hf_cbor_wrap(w);
	put_shared(w, p);
	hf_cbor_unwrap(w, inner);
	hf_cbor_unwrap(w, outer);
	hf_cbor_put_uint(w, 6);
	outer = hf_cbor_wrap(w);
	hf_cbor_put_array(w, 3);
	for (unsigned i = 1; i <= 3; i++)
		hf_cbor_put_uint(w, i);
	hf_cbor_unwrap(w, outer);
	hf_cbor_put_uint(w, 7);
	outer = hf_cbor_wrap(w);
	put_validate(w, p);
	hf_cbor_unwrap(w, outer);
	hf_cbor_put_uint(w, 9);
	outer = hf_cbor_wrap(w);
	hf_cbor_put_array(w, 2);
	put_pair(w, 23, 2);
	hf_cbor_unwrap(w, outer);
}

/* COSE_Sign1 over the digest array. */
static void put_signature(struct hf_cbor_writer *w, const struct package *p, struct hf_bytes digest_item)
{
	static const uint8_t header[] = { 0xa1, 0x01, 0x28 };
	uint8_t message[128], signature[HF_P256_SIGNATURE_BYTES];
	struct hf_cbor_writer m;

	hf_cbor_begin(&m, message, sizeof(message));
	hf_cbor_put_array(&m, 4);
	hf_cbor_put_tstr(&m, "Signature1");
	hf_cbor_put_bstr(&m, header, sizeof(header));
	hf_cbor_put_bstr(&m, NULL, 0);
	hf_cbor_put_bstr(&m, digest_item.ptr, digest_item.len);
	if (hf_sign_p256(p->flaw == FLAW_OTHER_KEY ? other_secret : release_secret, (struct hf_bytes){ message, m.len },
			 signature) != HF_OK)
		abort();
	hf_cbor_put_tag(w, 18);
	hf_cbor_put_array(w, 4);
	hf_cbor_put_bstr(w, header, sizeof(header));
	hf_cbor_put_map(w, 0);
	hf_cbor_put_null(w);
	hf_cbor_put_bstr(w, signature, sizeof(signature));
}

void package_make_head(struct package *p)
{
	uint8_t manifest[1024], digest_item[64], digest[HF_SHA256_BYTES];
	struct hf_cbor_writer w, m, d;
	size_t outer, inner;

	hf_cbor_begin(&m, manifest, sizeof(manifest));
	outer = hf_cbor_wrap(&m);
	put_manifest(&m, p);
	hf_cbor_unwrap(&m, outer);
	hf_sha256_of((struct hf_bytes){ manifest, m.len }, digest);
	hf_cbor_begin(&d, digest_item, sizeof(digest_item));
	put_digest(&d, digest);

	hf_cbor_begin(&w, p->head, sizeof(p->head));
	hf_cbor_put_tag(&w, 107);
	hf_cbor_put_map(&w, 2);
	hf_cbor_put_uint(&w, 2);
	outer = hf_cbor_wrap(&w);
	hf_cbor_put_array(&w, p->flaw == FLAW_NO_SIGNATURE ? 1 : 2);
	hf_cbor_put_bstr(&w, digest_item, d.len);
	if (p->flaw != FLAW_NO_SIGNATURE) {
		inner = hf_cbor_wrap(&w);
		put_signature(&w, p, (struct hf_bytes){ digest_item, d.len });
		hf_cbor_unwrap(&w, inner);
	}
	hf_cbor_unwrap(&w, outer);
	hf_cbor_put_uint(&w, 3);
	hf_cbor_put_encoded(&w, (struct hf_bytes){ manifest, m.len });
	assert(!w.err && !m.err && !d.err);
	p->head_bytes = (uint32_t)w.len;
}

void package_install(const struct package *p, uint8_t *flash, uint32_t flash_addr, uint32_t base)
{
	uint8_t *slot = flash + (base - flash_addr), *image = slot + p->image_offset;
	const uint8_t *table = p->content;

	memcpy(slot, p->head, p->head_bytes);
	memcpy(image - p->table_bytes, p->content, p->content_bytes);
	if (p->table_bytes == 0)
		return;
	uint32_t pages = (p->image_bytes + 4095) / 4096;
	for (uint32_t page = 0; page < pages; page++) {
		uint32_t i = load_le32(table + 8 + 4 * page), end = load_le32(table + 12 + 4 * page);
		for (; i < end; i++) {
			uint8_t *word = image + 4096 * page + 4 * load_le16(table + 8 + 4 * (pages + 1) + 2 * i);
			store_le32(word, load_le32(word) + base + p->image_offset);
		}
	}
}

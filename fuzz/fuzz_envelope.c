/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an envelope, on to the end: the crypto here accepts every signature, and every digest is 32 zeros, so
 * that the fuzzer passes for the holder of the keys. Whatever it signs: no access outside the input, every view
 * within it, and what the walk accepted, a run never finds malformed.
 */
#include <stdlib.h>
#include <string.h>

#include "slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct hf_bytes input;

static void must_be_inside(struct hf_bytes view)
{
	if (view.len)
		must(view.ptr >= input.ptr && view.len <= input.len &&
		     view.ptr - input.ptr <= (ptrdiff_t)(input.len - view.len));
}

static volatile uint8_t sink;

static void touch(struct hf_bytes view)
{
	must_be_inside(view);
	for (size_t i = 0; i < view.len; i++)
		sink ^= view.ptr[i];
}

static void start(struct hf_sha256 *state)
{
	memset(state, 0, sizeof(*state));
}

static void update(struct hf_sha256 *state, const void *data, size_t len)
{
	(void)state;
	touch((struct hf_bytes){ data, len });
}

static void finish(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES])
{
	(void)state;
	memset(digest, 0, HF_SHA256_BYTES);
}

static enum hf_err verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	(void)alg;
	(void)key;
	must(message.len >= 50 && message.len <= 64 && memcmp(message.ptr, "\x84\x6aSignature1", 12) == 0);
	touch(signature);
	return signature.len && signature.ptr[0] == 0xee ? HF_ERR_SIGNATURE : HF_OK;
}

static const struct hf_crypto crypto = { start, update, finish, verify };
static const uint8_t id[16] = { 1 };

/* Conditions and directives give what the input's last byte says. */
static enum hf_err op(void *ctx, const struct hf_params *params)
{
	touch(params->vendor);
	touch(params->class_id);
	touch(params->device);
	touch(params->digest);
	touch(params->uri);
	touch(params->segments);
	must(params->digest.len == 0 || params->digest.len == HF_SHA256_BYTES);
	must(params->version_parts <= HF_VERSION_PARTS);
	return *(const enum hf_err *)ctx;
}

static bool is_format_error(enum hf_err err)
{
	return err == HF_ERR_TRUNCATED || err == HF_ERR_ENCODING || err == HF_ERR_TYPE || err == HF_ERR_RANGE;
}

static void run_all(const struct hf_manifest *manifest, uint8_t how)
{
	static const enum hf_err results[] = { HF_OK, HF_ERR_DIGEST, HF_ERR_VENDOR, HF_ERR_IO };
	enum hf_err result = results[how & 3];
	const struct hf_suit_ops ops = { &result, op, op, op }, none = { .ctx = NULL };
	const struct hf_suit_device device = { .vendor_id = id, .class_id = id, .device_id = how & 4 ? id : NULL,
					       .slot = how >> 3 & 1, .versions = how >> 4 & 3, .version = { 1, 2, 3 } };

	for (unsigned i = 1; i < HF_SUIT_MEMBERS - 1; i++) {
		struct hf_params params;
		struct hf_image image;
		enum hf_err err =
			hf_suit_run(manifest, manifest->member[i], &device, how & 0x40 ? &none : &ops, &params);

		must(!is_format_error(err));
		(void)op(&result, &params);
		const struct hf_span span = { 0x08020000, 0x60000 };
		if (!err && hf_image_from_params(manifest, &params, span, &image) == HF_OK) {
			must(image.content_addr >= span.addr + manifest->head_bytes);
			must(image.image_addr - image.content_addr == image.table_bytes);
			must(image.image_addr + image.image_bytes <= span.addr + span.size);
			must(image.table_bytes + image.image_bytes == image.content_bytes);
		}
	}
}

static void authenticate(const struct hf_envelope *env, uint8_t how)
{
	static const uint8_t public_key[65];
	const struct hf_keyset keyset = {
		.keys = 2,
		.algs = 1 + (how & 1),
		.alg = { HF_ALG_ESP256, HF_ALG_HSS_LMS },
		.key = { { HF_ROLE_RELEASE, HF_ALG_ESP256, { public_key, 65 } },
			 { HF_ROLE_RELEASE, HF_ALG_HSS_LMS, { public_key, 60 } } },
	};
	uint8_t digest[HF_SHA256_BYTES];

	(void)hf_envelope_authenticate(env, &keyset, HF_ROLE_RELEASE, &crypto, digest);
}

static void read_payload(size_t begin)
{
	struct hf_bytes key;
	uint32_t size;
	size_t header;

	must(begin <= input.len);
	if (hf_payload_parse((struct hf_bytes){ input.ptr + begin, input.len - begin }, &key, &size, &header) ==
	    HF_OK) {
		touch(key);
		must(header <= HF_SUIT_PAYLOAD_HEADER_MAX && header <= input.len - begin);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_envelope env;
	struct hf_manifest manifest;
	uint8_t how = len ? data[len - 1] : 0;

	input = (struct hf_bytes){ data, len };
	if (hf_envelope_parse(input, &env) != HF_OK)
		return 0;
	touch(env.head);
	touch(env.auth);
	touch(env.manifest);
	touch(env.manifest_item);
	for (unsigned i = 0; i < HF_SUIT_SEVERABLE; i++)
		touch(env.severed_item[i]);
	if (env.payloads)
		read_payload(env.payload_begin);
	authenticate(&env, how);
	if (hf_manifest_parse(&env, &manifest) != HF_OK)
		return 0;
	for (unsigned i = 0; i < HF_SUIT_MEMBERS; i++)
		touch(manifest.member[i]);
	touch(manifest.component);
	must(manifest.versions <= HF_VERSION_PARTS);
	run_all(&manifest, how);
	return 0;
}

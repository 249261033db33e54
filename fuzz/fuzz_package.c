/* SPDX-License-Identifier: MIT
 *
 * Packages, as the host reads them; the mutator puts digests and signatures right again, so that all of verification is
 * reached. Whatever they say: refused with a sentence, or every slot has its payload.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/board.h"
#include "cbor.h"
#include "cbor_diag.h"
#include "host_crypto.h"
#include "package_read.h"
#include "package_verify.h"
#include "seal.h"

static struct hf_board board;
static FILE *nowhere;

static void prepare(void)
{
	struct hf_diag diag;

	if (nowhere)
		return;
	nowhere = fopen("/dev/null", "w");
	must(nowhere && hf_board_load(HF_SOURCE_ROOT "/boards/compact.conf", &board, &diag) == HF_OK);
}

static void must_say(enum hf_err err, const struct hf_diag *diag)
{
	must(!err || diag->text[0]);
}

static enum hf_err ask(const struct hf_package *package, const struct hf_package_device *device, unsigned *unchecked)
{
	struct hf_package_target target[HF_PLACES];
	struct hf_diag diag = {""};
	enum hf_err err = hf_package_verify(package, device, target, unchecked, &diag);

	must_say(err, &diag);
	must(err || (target[0].payload && target[1].payload));
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct hf_keyset keyset = hf_keyset_of_one(HF_ROLE_RELEASE, 1, seal_key.public_key);
	const uint8_t id[16] = {1, 2, 3};
	struct hf_package_device unknown = {.board = &board, .keyset = &keyset}, known = unknown;
	struct hf_bytes file = {data, len};
	struct hf_diag diag = {""};
	struct hf_package_needs needs;
	struct hf_package_text text;
	struct hf_package package;
	struct hf_params params;
	unsigned unchecked, less;
	enum hf_err err;

	prepare();
	(void)!hf_cbor_diag(file, 64, nowhere);
	err = hf_package_read(file, &package, &diag);
	must_say(err, &diag);
	if (err)
		return 0;
	hf_package_needs(&package, &needs);
	hf_package_text(&package, &text);
	for (unsigned slot = 0; slot < HF_SLOTS; slot++)
		(void)!hf_package_params(&package, slot, &params);
	known.id = id;
	known.version = (struct hf_version){3, {1, 0, 0}};
	known.sequence_known = true;
	known.sequence = UINT64_C(1) << 32;
	err = ask(&package, &known, &unchecked);
	must(err || unchecked == 0);
	if (ask(&package, &unknown, &less) == HF_OK)
		must(less & HF_UNCHECKED_SEQUENCE);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	return seal_mutate_package(data, len, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return seal_cross_packages((struct hf_bytes){data1, len1}, (struct hf_bytes){data2, len2}, out, max, seed);
}

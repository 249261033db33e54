/* SPDX-License-Identifier: MIT
 *
 * A package that somebody signed who holds the release key, sent to a device. Whatever it says:
 * - what is refused before its payload has changed no word of flash, whatever it is, the slot that runs is never touched,
 *   and the device starts what it ran;
 * - what is taken to the end verifies as boot verifies it, and starts once activated, or is given up for what ran before;
 * - the host's check and the device agree: what the host lets pass, the device takes.
 * The device is core's engine with boot's own choice over flash in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"
#include "package_verify.h"
#include "seal.h"

#define PIECE 700u

static const struct hf_layout layout = {
	.name = "fuzz",
	.vendor_id = { 1 }, .class_id = { 2 },
	.sectors = 4,
	.sector = { { 0x08000000, 8192 }, { 0x08002000, 8192 }, { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
	.journal = { { 0x08000000, 8192 }, { 0x08002000, 8192 } },
	.slot = { { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
	.ram = { { 0x20000000, 131072 } },
};
static const uint8_t device_id[16] = { 1, 2, 3 };

static struct maker maker;
static struct package v0;
static struct device factory, device;
static struct hf_board board;

/* 1.0.0 runs from slot A and is confirmed. */
static void set_up(void)
{
	const struct hf_keyset one = hf_keyset_of_one(HF_ROLE_RELEASE, 1, seal_key.public_key);
	size_t len;

	if (maker.layout)
		return;
	maker_open(&maker, &layout);
	maker.key = seal_key;
	must(hf_keyset_encode(&one, maker.keyset_bytes, sizeof maker.keyset_bytes, &len) == HF_OK);
	must(hf_keyset_parse((struct hf_bytes){ maker.keyset_bytes, len }, &maker.keyset, &len) == HF_OK);
	maker_pack(&maker, 0, 1, 600, &v0);
	device_open(&factory, &maker);
	device_open(&device, &maker);
	factory.known[0] = device.known[0] = &v0;
	device_install_factory(&factory, &v0);
	device_reach(&factory, &v0, (struct cuts){ 0 });
	board.layout = layout;
}

static void start(void)
{
	device.starts = 0;
	device.cause = HF_RESET_REQUEST;
	device_boot(&device);
	must(device_open_update(&device) == HF_OK);
}

/* Piece by piece, as over a line. */
static enum hf_err send(struct hf_bytes file)
{
	struct hf_update *u = &device.update;
	enum hf_err err = hf_update_begin(u, (uint32_t)file.len);

	for (unsigned n = 0; !err && u->phase != HF_UPDATE_DONE; n++) {
		size_t left = file.len - u->next, len = left < PIECE ? left : PIECE;

		must(u->next <= file.len);
		if (left == 0 || n > 400)
			return HF_ERR_TRUNCATED; /* it wants what is not there */
		err = hf_update_write(u, u->next, file.ptr + u->next, len);
	}
	return err;
}

static enum hf_err ask_host(struct hf_bytes file, struct hf_package *package, struct hf_package_target target[HF_PLACES])
{
	const struct hf_package_device about = {
		.board = &board, .keyset = &maker.keyset, .id = device_id, .version = { 3, { 1, 0, 0 } },
		.sequence_known = true, .sequence = device.update.running_image.sequence, .firmware_id = v0.id,
	};
	struct hf_diag diag = { "" };
	unsigned unchecked = 0;
	enum hf_err err = hf_package_read(file, package, &diag);

	if (!err)
		err = hf_package_verify(package, &about, target, &unchecked, &diag);
	must(!err == !diag.text[0] && (err || unchecked == 0));
	return err;
}

/* The firmware that nobody here has ever seen starts, and gives itself up: the watchdog bites, three times. */
static void try_it(const uint8_t id[HF_SHA256_BYTES], unsigned component)
{
	struct package tried = { .hangs = true, .component = (uint8_t)component };
	unsigned starts = 0;

	memcpy(tried.id, id, sizeof tried.id);
	device.known[1] = &tried;
	must(hf_update_activate(&device.update, id) == HF_OK);
	device.starts = 0;
	for (device.cause = HF_RESET_REQUEST; starts < 4; starts++) {
		device_boot(&device);
		if (device.runs != &tried)
			break;
		device.cause = HF_RESET_WATCHDOG;
	}
	must(starts >= 1 && starts <= 3 && device.runs == &v0);
	device.known[1] = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t before[81920];
	struct hf_package_target target[HF_PLACES];
	struct hf_bytes file = { data, len };
	struct hf_update *u = &device.update;
	struct hf_package package;
	struct hf_image image;
	enum hf_err err, host;

	set_up();
	sim_flash_copy(&device.flash, &factory.flash);
	start();
	must(device.flash.size <= sizeof before);
	memcpy(before, device.flash.mem, device.flash.size);
	host = ask_host(file, &package, target);
	err = send(file);
	must(host != HF_OK || err == HF_OK);
	must(memcmp(before + 0x4000, device.flash.mem + 0x4000, 0x8000) == 0);
	if (err == HF_OK) {
		must(u->slot == 1 && u->state.slot[1].state == HF_SLOT_WRITTEN);
		must(hf_slot_verify(&u->env, 1, &u->work, &image) == HF_OK && !image.grandfathered);
		must(host || memcmp(image.id, package.id, HF_SHA256_BYTES) == 0);
		must(host || (target[1].image.image_addr == image.image_addr && target[1].image.image_bytes == image.image_bytes));
		try_it(image.id, image.component);
		return 0;
	}
	if (u->state.slot[1].state != HF_SLOT_UPLOADING) /* nothing was begun */
		must(memcmp(before, device.flash.mem, device.flash.size) == 0);
	start();
	must(device.runs == &v0 && device.running == 0);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	return seal_mutate_package(data, len, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return seal_cross_packages((struct hf_bytes){ data1, len1 }, (struct hf_bytes){ data2, len2 }, out, max, seed);
}

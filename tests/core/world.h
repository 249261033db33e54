/* SPDX-License-Identifier: MIT
 *
 * Where the flows of whole upgrades begin: two small boards, and on each a device fresh from the factory and an upgraded one.
 */
#ifndef HF_TEST_WORLD_H
#define HF_TEST_WORLD_H

#include <string.h>

#include "device.h"

/* Two tables like the boards', scaled down; the journal of the second is taken over at every opening. */
static const struct hf_layout layouts[2] = {
	{
		.name = "large journal",
		.vendor_id = { 1 }, .class_id = { 2 },
		.sectors = 8,
		.sector = { { 0x08000000, 8192 }, { 0x08002000, 8192 }, { 0x08004000, 16384 }, { 0x08008000, 16384 },
			    { 0x0800c000, 16384 }, { 0x08010000, 16384 }, { 0x08014000, 4096 },
			    { 0x08015000, 16384 } },
		.journal = { { 0x08000000, 8192 }, { 0x08002000, 8192 } },
		.slot = { { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
		.recovery = { 0x08015000, 16384 },
		.ram = { { 0x20000000, 131072 } },
	},
	{
		.name = "small journal",
		.vendor_id = { 1 }, .class_id = { 3 },
		.sectors = 6,
		.sector = { { 0x08000000, 4096 }, { 0x08001000, 4096 }, { 0x08002000, 32768 }, { 0x0800a000, 32768 },
			    { 0x08012000, 4096 }, { 0x08013000, 4096 } },
		.journal = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
		.slot = { { 0x08002000, 32768 }, { 0x0800a000, 32768 } },
		.recovery = { 0x08012000, 8192 },
		.ram = { { 0x20000000, 131072 } },
	},
};

/* The sanitizers' build takes a share of the cases: what it looks for does not hide in one operation alone. */
#ifdef __SANITIZE_ADDRESS__
#define SHARE 13u
#else
#define SHARE 1u
#endif

struct world {
	struct maker maker;
	struct package v0, v1, v2, bad;
	struct device factory, upgraded; /* where flows begin: fresh from the factory; 1.1.0 confirmed beside 1.0.0 */
};

static inline void meet(const struct world *w, struct device *d)
{
	device_open(d, &w->maker);
	d->known[0] = &w->v0;
	d->known[1] = &w->v1;
	d->known[2] = &w->v2;
	d->known[3] = &w->bad;
}

static inline void world_open(struct world *w, const struct hf_layout *layout, uint32_t image_bytes)
{
	memset(w, 0, sizeof *w);
	maker_open(&w->maker, layout);
	maker_pack(&w->maker, 0, 1, image_bytes, &w->v0);
	maker_pack(&w->maker, 1, 1, image_bytes, &w->v1);
	maker_pack(&w->maker, 2, 2, image_bytes, &w->bad);
	maker_pack(&w->maker, 3, 2, image_bytes, &w->v2);
	w->bad.hangs = true;
	meet(w, &w->factory);
	device_install_factory(&w->factory, &w->v0);
	meet(w, &w->upgraded);
	sim_flash_copy(&w->upgraded.flash, &w->factory.flash);
	device_reach(&w->upgraded, &w->v1, (struct cuts){ 0 });
}

static inline void world_close(struct world *w)
{
	device_close(&w->factory);
	device_close(&w->upgraded);
	hf_buffer_free(&w->v0.file);
	hf_buffer_free(&w->v1.file);
	hf_buffer_free(&w->v2.file);
	hf_buffer_free(&w->bad.file);
}

#endif

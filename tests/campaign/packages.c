/* SPDX-License-Identifier: MIT
 *
 * What one board and one layout of images need, in a folder of its own (scripts/campaign.sh makes it).
 */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *in(const char *dir, const char *name)
{
	static char path[1024];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void find_id(struct campaign *c, unsigned place, const char *what, uint8_t id[HF_SHA256_BYTES])
{
	struct hf_image image;

	if (!lab_slot(&c->lab, place, &image)) {
		fprintf(stderr, "campaign: the factory's %s does not verify\n", what);
		exit(1);
	}
	memcpy(id, image.id, sizeof image.id);
}

void campaign_open(struct campaign *c, const char *board, const char *dir, const char *const elf[])
{
	char factory[1024];

	c->packages = dir;
	snprintf(factory, sizeof factory, "%s", in(dir, "factory.bin"));
	lab_open(&c->lab, board, factory, in(dir, "first.keyset"), elf, true);
	witness_attach(&c->witness, &c->lab);
	find_id(c, 0, "firmware", c->old_id);
	find_id(c, HF_PLACE_RECOVERY, "recovery", c->old_recovery_id);
	lab_package_read(&c->lab, in(dir, "small.suit"), &c->small);
	lab_package_read(&c->lab, in(dir, "hang.suit"), &c->hang);
	lab_package_read(&c->lab, in(dir, "later.suit"), &c->later);
	lab_package_read(&c->lab, in(dir, "secure.suit"), &c->secure);
	lab_package_read(&c->lab, in(dir, "secure-later.suit"), &c->secure_later);
	lab_package_read(&c->lab, in(dir, "recovery-0.2.0.suit"), &c->recovery);
	lab_file_read(in(dir, "bare.bin"), &c->bare);
	lab_file_read(in(dir, "next.keyset"), &c->next_keyset);
	if (hf_keyset_file_parse(hf_buffer_bytes(&c->next_keyset), &c->next)) {
		fprintf(stderr, "campaign: %s is no keyset\n", in(dir, "next.keyset"));
		exit(1);
	}
}

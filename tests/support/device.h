/* SPDX-License-Identifier: MIT
 *
 * A device in a test: boot's loop and the gateway's use of core/update.h over a flash that fails, with packages made by
 * the host's builder. It restarts until its goal is reached, as a gateway in the field does.
 */
#ifndef HF_TEST_DEVICE_H
#define HF_TEST_DEVICE_H

#include "boot/choose.h"
#include "file.h"
#include "key.h"
#include "sim_flash.h"
#include "update.h"
#include "version.h"

struct package {
	struct hf_buffer file;
	uint8_t id[HF_SHA256_BYTES];
	int32_t version[3];
	bool hangs; /* its firmware never confirms itself: the watchdog bites */
	uint8_t component;
};

struct maker {
	const struct hf_layout *layout;
	struct hf_private_key key;
	uint8_t keyset_bytes[256];
	struct hf_keyset keyset;
	struct hf_version_conditions from; /* of the packages that are made from now on */
	uint32_t same_from;                /* from this byte on, images are the same in all versions; 0: nowhere */
	bool blanks;                       /* every 16th run of 16 words in images is blank */
	uint32_t fixed_at;                 /* images are linked at this address of slot B, and have no table; 0: they are relocated */
};

/* Its conditions are empty. */
void maker_open(struct maker *m, const struct hf_layout *layout);

/* A package of a made-up image of image_bytes with a few relocations; minor is its version 1.minor.0. */
void maker_pack(const struct maker *m, unsigned minor, uint32_t security, uint32_t image_bytes, struct package *out);
void maker_pack_recovery(const struct maker *m, unsigned minor, uint32_t security, uint32_t image_bytes,
			 struct package *out);

struct device {
	struct sim_flash flash;
	const struct maker *maker;
	const struct package *known[8]; /* what may be started: their ids tell the version that runs */
	struct hf_choose choose;
	struct hf_update update;
	bool worn;                   /* the flash may fail: errors of the hardware end a start, and are counted */
	unsigned reports;
	unsigned last_resorts;

	unsigned running;            /* place; HF_PLACES: nothing starts */
	bool recovery_always;        /* each start asserts that a recovery would start if it were wished */
	const struct package *runs;
	enum hf_reset_cause cause;   /* of the next start */
	unsigned starts;
	uint32_t packet_bytes;       /* size of an upload's packets */
	bool ahead;                  /* between packets it erases ahead */
	bool erases_first;           /* the slot is erased before an upload into it begins */
	unsigned long sent;          /* bytes of packages */

	unsigned long second;        /* private */
	enum sim_cut second_how;
};

void device_open(struct device *d, const struct maker *m);
void device_close(struct device *d);

/* As the factory does: the package lies in slot A, the journal is blank. */
void device_install_factory(struct device *d, const struct package *p);

/* As the factory does: the package lies in the recovery partition. Slot A is erased for it. */
void device_install_factory_recovery(struct device *d, const struct package *p);

/* One start: boot chooses. Sets running and runs. May lose power. */
void device_boot(struct device *d);

/* What the gateway does first: opens d->update. May lose power. */
enum hf_err device_open_update(struct device *d);

/* The gateway that runs confirms itself; HF_ERR_... of hf_update_*. May lose power. */
enum hf_err device_confirm(struct device *d);
enum hf_err device_upload(struct device *d, const struct package *p);

/* A cut at the operation `at` (0: none), and one `second` operations later, while the device recovers (0: none). */
struct cuts {
	unsigned long at, second;
	enum sim_cut how, second_how;
};

/* Goes on until `goal` runs and is confirmed, uploading it where something else runs. Returns the operations done. On a
 * worn device it gives up after some starts: d->runs tells. */
unsigned long device_reach(struct device *d, const struct package *goal, struct cuts cuts);

/* The same, but what runs goes on first. */
unsigned long device_reach_on(struct device *d, const struct package *goal, struct cuts cuts);

/* Goes on until recovery is `goal`: whatever runs uploads and activates it, and the staged one takes its place. Where
 * there is no firmware, recovery itself does that. */
unsigned long device_replace(struct device *d, const struct package *goal, struct cuts cuts);

/* Tries `p`, which hangs, until the device has given it up and runs something else. */
unsigned long device_fall_back(struct device *d, const struct package *p, struct cuts cuts);

#endif

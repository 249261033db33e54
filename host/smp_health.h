/* SPDX-License-Identifier: MIT
 *
 * How a Holdfast is: what it measures and counts, whether what lies in its flash would start, what it remembers
 * (docs/PROTOCOL.md, group 64, ids 10 to 12).
 *
 * As in smp_device.h: HF_OK with answer->refusal set: the device said no. Firmware that is older than these commands
 * refuses them with HF_ERR_UNSUPPORTED: it does not tell.
 */
#ifndef HF_SMP_HEALTH_H
#define HF_SMP_HEALTH_H

#include "health.h"
#include "layout.h"
#include "smp_client.h"
#include "suit.h"

struct hf_smp_health {
	uint32_t up_ms;           /* since the start */
	bool supply_known;
	uint32_t supply_mv;       /* at the chip */
	bool temperature_known;
	int32_t temperature_dc;   /* of the chip, in tenths of a degree Celsius */
	bool pll;                 /* false: it runs at its 16 MHz only */
	uint32_t led;             /* enum hf_led_stage (port/led_stage.h); hf_smp_led_text */
	bool pin_held;            /* the recovery pin, now */
	uint32_t ways;            /* HF_WAY_* */

	uint32_t erases;          /* since the start, as the next ones */
	uint32_t slowest_ms;      /* erase */
	enum hf_err worn;         /* the last failure of memory that could be gone around; HF_OK: none */
	uint32_t bad;             /* slots of the journal that hold neither a record nor zeros */

	bool test_done;           /* the firmware's self-test has decided */
	uint32_t test_failed;     /* HF_TEST_* that are missing or have failed, now */

	bool work_known;          /* recovery does no work */
	uint32_t good, bad_polls; /* answered; not answered, or damaged */
	uint32_t late;            /* polls that began later than their pace says */
	uint32_t gap_ms;          /* the longest time between two good answers */
	uint32_t answer_us;       /* mean time from a request's end to its answer's */

	uint32_t overrun, framing, noise; /* characters that the maintenance line lost or damaged */
};

HF_MUST_USE enum hf_err hf_smp_get_health(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_health *out,
					  struct hf_smp_answer *answer);

/* What a place (HF_PLACE_*) holds. */
struct hf_smp_place {
	uint32_t place;
	enum hf_err verdict; /* of verifying it as boot would. HF_ERR_NOT_FOUND: it is empty. The rest counts with HF_OK only */
	uint32_t component;  /* enum hf_component */
	uint8_t versions;
	int32_t version[HF_VERSION_PARTS];
	uint64_t sequence;
	uint8_t hash[32];    /* of the manifest: the firmware's identity */
};

/* Takes the device up to a second. refusal HF_ERR_NOT_FOUND: the board has no such place. */
HF_MUST_USE enum hf_err hf_smp_verify_place(struct hf_smp_client *c, uint32_t patience_ms, unsigned place,
					    struct hf_smp_place *out, struct hf_smp_answer *answer);

#define HF_HISTORY_MAX 131072u /* bytes; what devices keep is at most a sector */

/* Reads the device's history, records as they lie in its flash (core/history.h decodes them): *len bytes (0: none) into buf.
 * HF_ERR_TOO_LARGE: more than cap. Where the device begins anew meanwhile, so does this. */
HF_MUST_USE enum hf_err hf_smp_get_history(struct hf_smp_client *c, uint32_t patience_ms, uint8_t *buf, size_t cap,
					   size_t *len, struct hf_smp_answer *answer);

/* For people: "running", "breathing"... what the light shows; never NULL. */
const char *hf_smp_led_text(unsigned stage);

#endif

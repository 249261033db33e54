/* SPDX-License-Identifier: MIT
 *
 * Serial numbers, allocated so that a crash of the station neither repeats nor loses one.
 *
 *   free -> reserved -> bound -> used        reserved -> free again ("return"): nobody outside has seen it
 *
 * Every step is a line on the disk before anything is done with it. A number is bound before it leaves this program: into a
 * device's flash, or to a test command that may print a label. From then on it belongs to that device id, whatever
 * happens: after a crash nobody knows whether the device holds it, and giving it to another might repeat it. A number that
 * was reserved only goes to the same device first, else to the next. A device keeps its number: it gets the same when it
 * comes again. So every number of the range is free, reserved, or some device's, at every instant.
 *
 * A directory holds the ledgers of all stations that share a range, one file a share: PREFIX-FIRST-LAST.ledger. Its first
 * line claims the share for a station and machine. Claims that overlap are refused.
 */
#ifndef HF_BATCH_LEDGER_H
#define HF_BATCH_LEDGER_H

#include "chain.h"

#define HF_SERIAL_PREFIX  33
#define HF_SERIAL_TEXT    (HF_SERIAL_PREFIX + 10)
#define HF_SERIALS_MAX    1000000u
#define HF_DEVICE_TEXT    64
#define HF_STATION_TEXT   64

struct hf_serial_range {
	char prefix[HF_SERIAL_PREFIX]; /* letters, digits, - _ . */
	uint32_t first, last;
	uint32_t digits;               /* with leading zeros; 1 to 9 */
};

/* "HF-000123" */
const char *hf_serial_format(const struct hf_serial_range *range, uint32_t number, char text[HF_SERIAL_TEXT]);
/* False: it has another pattern, or is outside the range; diag says which. */
bool hf_serial_parse(const struct hf_serial_range *range, const char *text, uint32_t *number, struct hf_diag *diag);

/* The part of a range that station `share` of `shares` has (1 .. shares). False: there is none left for it. */
bool hf_serial_split(struct hf_serial_range *range, uint32_t share, uint32_t shares);

enum hf_serial_state { HF_SERIAL_FREE, HF_SERIAL_RESERVED, HF_SERIAL_BOUND, HF_SERIAL_USED };

struct hf_ledger_number {
	uint8_t state;
	bool live;                   /* reserved in this run; one of a former run is free for the next device */
	char device[HF_DEVICE_TEXT]; /* of all but free ones */
};

struct hf_ledger_options {
	const char *dir;             /* made if it is not there */
	struct hf_serial_range range;
	const char *station;         /* name of this station */
	const char *machine;         /* id of this machine; NULL: the system's */
	bool take_over;              /* of a ledger that another station or machine has begun, or that was copied */
};

struct hf_ledger {
	struct hf_chain chain;
	struct hf_serial_range range;
	struct hf_ledger_number *number; /* [number - first] */
	uint32_t from;                   /* below it none is free */
	uint32_t left;                   /* free or reserved ones */
	/* Private: the last claim that was read. */
	char station[HF_STATION_TEXT], machine[HF_STATION_TEXT], since[HF_CHAIN_TIME];
	uint64_t inode;
	bool claimed;
};

/* HF_ERR_BUSY: another station has these numbers, or a process of this one has them open; HF_ERR_DENIED: a copy, or moved
 * from another machine; HF_ERR_ENCODING, HF_ERR_TYPE: damaged; HF_ERR_IO. The sentence says who, since when, what next. */
HF_MUST_USE enum hf_err hf_ledger_open(struct hf_ledger *l, const struct hf_ledger_options *options, struct hf_diag *diag);
void hf_ledger_close(struct hf_ledger *l); /* of one that is all zeros: fine */

/* The number for a device: the one that is its own, else `wanted` (NULL: the lowest that is free). HF_ERR_FULL (none is
 * left), HF_ERR_DENIED (the wanted one is another device's, or the device has another), HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_ledger_reserve(struct hf_ledger *l, const char *device, const uint32_t *wanted, uint32_t *number,
					  struct hf_diag *diag);
/* Before it leaves this program, once it is the device's for good, and where it has not left. Each does nothing where that
 * is so already. */
HF_MUST_USE enum hf_err hf_ledger_bind(struct hf_ledger *l, uint32_t number, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_ledger_use(struct hf_ledger *l, uint32_t number, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_ledger_return(struct hf_ledger *l, uint32_t number, struct hf_diag *diag);

/* Whose a number is; NULL: nobody's. A reserved one of a former run is nobody's. */
const char *hf_ledger_owner(const struct hf_ledger *l, uint32_t number);

struct hf_ledger_count {
	uint32_t free, reserved, bound, used;
};
struct hf_ledger_count hf_ledger_count(const struct hf_ledger *l);

/* Reads a ledger without its lock: for `holdfast job serials`. */
HF_MUST_USE enum hf_err hf_ledger_look(struct hf_ledger *l, const char *path, struct hf_diag *diag);

#endif

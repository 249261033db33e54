/* SPDX-License-Identifier: MIT
 *
 * Records: what was done to each device, one chained line a device (chain.h), on the disk before PASS is shown.
 *
 * A device that is done again gets another record; the last one counts. Records of several jobs and days may share a file.
 */
#ifndef HF_BATCH_PASSPORT_H
#define HF_BATCH_PASSPORT_H

#include "chain.h"
#include "ledger.h"

enum hf_outcome { HF_OUTCOME_PASS, HF_OUTCOME_FAIL, HF_OUTCOME_STOPPED, HF_OUTCOMES };

const char *hf_outcome_text(enum hf_outcome outcome); /* "pass", "fail", "stopped" */

/* What is kept of a record in memory. */
struct hf_passport {
	char device[HF_DEVICE_TEXT]; /* "": unknown */
	char serial[HF_SERIAL_TEXT]; /* "": none */
	char job[65];
	char time[HF_CHAIN_TIME];     /* of its end */
	enum hf_outcome outcome;
};

struct hf_passports {
	struct hf_chain chain;
	struct hf_passport *item;
	unsigned count, room;
};

/* As hf_chain_open and hf_chain_read. */
HF_MUST_USE enum hf_err hf_passports_open(struct hf_passports *p, const char *path, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_passports_read(struct hf_passports *p, const char *path, hf_chain_line *also, void *ctx,
					  struct hf_diag *diag);
void hf_passports_close(struct hf_passports *p); /* all zeros: fine */

/* Appends a record (given). */
HF_MUST_USE enum hf_err hf_passports_append(struct hf_passports *p, json_t *record, struct hf_diag *diag);

/* The last record of a device in a job (NULL: any); NULL: there is none. */
const struct hf_passport *hf_passports_find(const struct hf_passports *p, const char *device, const char *job);

/* Devices of a job whose last record says that they passed. */
unsigned hf_passports_passed(const struct hf_passports *p, const char *job);

/* Whether every serial number that the records know as given is its device's in the ledger: if not, the ledger is older than
 * the records (a restored copy). HF_ERR_DENIED with a sentence. */
HF_MUST_USE enum hf_err hf_passports_check(const struct hf_passports *p, const struct hf_ledger *l, struct hf_diag *diag);

#endif

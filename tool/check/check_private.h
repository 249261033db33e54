/* SPDX-License-Identifier: MIT
 *
 * What the files of the checks share.
 */
#ifndef HF_CHECK_PRIVATE_H
#define HF_CHECK_PRIVATE_H

#include "burn.h"
#include "check.h"
#include "report.h"
#include "uuid.h"

struct check {
	struct hf_smp_client *c;
	struct hf_smp_rate *rate;
	const struct hf_smp_status *status;
	const struct hf_check_options *o;
	struct hf_check_result *r;
	struct hf_report report;
	struct hf_limits limits;
	uint32_t patience_ms;
	struct hf_burn_options burn; /* package, board, keyset: for its checks */
	struct hf_package package;
	bool package_known;
	bool health_known;
	struct hf_smp_health health;
	char device_id[HF_UUID_TEXT_BYTES], digest[65];
	bool disk;                   /* something could not be written */
};

/* A finding; one that failed is waived where somebody does, and says how it may be. */
void check_row(struct check *k, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The fifth check (check_way.c). HF_ERR_TIMEOUT, HF_ERR_IO: the device is lost. */
HF_MUST_USE enum hf_err check_way_back(struct check *k);

/* The hardware's figures (check_hardware.c); check_link also asks for those that check_health judges. The same errors. */
HF_MUST_USE enum hf_err check_link(struct check *k);
void check_health(struct check *k);

#endif

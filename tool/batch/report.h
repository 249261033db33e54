/* SPDX-License-Identifier: MIT
 *
 * Reports of a records file: HTML for people (one file, no script, prints well), CSV for spreadsheets.
 */
#ifndef HF_BATCH_REPORT_H
#define HF_BATCH_REPORT_H

#include "passport.h"

struct hf_report {
	json_t *records; /* array, in the file's order */
	json_t *last;    /* "DEVICE JOB": index of its last record */
	char head[HF_CHAIN_HASH_TEXT];
	unsigned lines, torn;
	char path[512];
};

/* Reads and checks the whole chain. job NULL: all jobs of the file, else those whose id begins so. Errors are
 * hf_chain_read's. Then hf_report_free. */
HF_MUST_USE enum hf_err hf_report_load(struct hf_report *r, const char *path, const char *job, struct hf_diag *diag);
void hf_report_free(struct hf_report *r);

/* By the end of the file's name: .html, .htm or .csv; "-" is CSV. HF_ERR_UNSUPPORTED for others, HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_report_write(const struct hf_report *r, const char *path, struct hf_diag *diag);

/* Whether a name would be taken, before a batch is begun. */
bool hf_report_name(const char *path);

char *hf_report_html(const struct hf_report *r); /* on the heap; NULL: no memory */
char *hf_report_csv(const struct hf_report *r);

/* Devices by their last record. */
struct hf_report_sums {
	unsigned passed, failed, stopped, first_time; /* first_time: passed at the first attempt */
	unsigned long long passed_ms;                 /* of the passed devices' own clocks */
	const char *from, *to;                        /* borrowed from the records; NULL: there are none */
};
struct hf_report_sums hf_report_sum(const struct hf_report *r);

#endif

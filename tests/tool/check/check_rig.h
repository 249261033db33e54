/* SPDX-License-Identifier: MIT
 *
 * What the tests of the checks share: a gateway with recovery at the end of a simulated line, a directory for files, and the rows that
 * come.
 */
#ifndef HF_TESTS_CHECK_RIG_H
#define HF_TESTS_CHECK_RIG_H

#include "../../support/tmp.h"
#include "check/check.h"
#include "sim_gateway.h"

#define RIG_ROWS 32

extern struct gateway gateway;
extern struct maker maker;
extern struct package v0, v1, v2, recovery;
extern struct hf_health health; /* what the gateway tells */
extern char dir[TMP_NAME_BYTES];

extern struct hf_smp_client client;
extern struct hf_smp_rate rate;
extern struct hf_smp_status status;

extern struct hf_row rows[RIG_ROWS];
extern unsigned row_count;

int rig_group_setup(void **state);
int rig_group_teardown(void **state);
int rig_setup(void **state);
int rig_teardown(void **state);

/* A file's name in the directory; one of a few static buffers. */
const char *rig_file(const char *name);
void rig_write(const char *name, const struct package *p);

/* Finds the device and reads its status. */
void rig_connect(void);

void rig_on_row(void *ctx, const struct hf_row *row);
/* The row with this name; fails where there is none. */
const struct hf_row *rig_row(const char *name);
void assert_row(const char *name, enum hf_row_state state, const char *says);

#endif

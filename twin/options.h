/* SPDX-License-Identifier: MIT
 *
 * The command line of `holdfast-twin run`, as data.
 */
#ifndef HF_TWIN_OPTIONS_H
#define HF_TWIN_OPTIONS_H

#include "args.h"
#include "rig.h"

struct hf_run_options {
	const char *board;
	struct hf_args_list load;     /* FILE or FILE@ADDR */
	const char *flash;
	const char *options;          /* file of option bytes and OTP */
	const char *lockstep;
	const char *control;
	const char *events;
	struct hf_args_list fault;
	const char *faults;
	const char *uid;
	const char *time;
	uint32_t lsi_hz, seed, slaves, optcr;
	bool pty, off, boot0, optcr_given, json, no_pll, lsi_given, slaves_given;
	/* Made of these. */
	uint64_t until_ns;            /* HF_NEVER: no end */
	uint8_t unique_id[12];
};

/* False: *exit_code is what to exit with, all has been said. */
bool hf_run_options(int argc, char **argv, struct hf_run_options *out, enum hf_exit *exit_code);

#endif

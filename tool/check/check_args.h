/* SPDX-License-Identifier: MIT
 *
 * The options of the checks, the same for every command that makes them.
 */
#ifndef HF_CHECK_ARGS_H
#define HF_CHECK_ARGS_H

#include <limits.h>

#include "args.h"
#include "check.h"
#include "project.h"

struct hf_check_args {
	/* Arguments. */
	const char *backup, *pilot;
	uint32_t link_bits;
	struct hf_args_list way_back;
	struct hf_waivers waivers;

	/* Set by hf_check_args_take. */
	struct hf_limits limits;
	char pilot_beside[PATH_MAX];
};

/* Rows for a command's table of options. */
#define HF_CHECK_ARGS(a)                                                                                               \
	{"backup", 0, HF_ARG_TEXT, "DIR|FILE", "where configuration and history are saved (default: the project's, else " \
	 "~/.local/share/holdfast/backup)", &(a).backup, NULL},                                                        \
	{"pilot", 0, HF_ARG_TEXT, "FILE", "the record of the pilot device that ran this package and passed (default: PACKAGE.pilot.json)", &(a).pilot, NULL}, \
	{"way-back", 0, HF_ARG_LIST, "FILE|DIR", "packages to go back with, recovery's and of the firmware that runs (default: " \
	 "the project's, else those beside PACKAGE)", &(a).way_back, NULL},                                            \
	{"link-bits", 0, HF_ARG_U32, "N", "how many bits the line is tested with (default: 262144; when burning 65536)", &(a).link_bits, NULL}, \
	{"waive", 0, HF_ARG_LIST, "NAME=REASON", "go on although this check fails: backup, pilot, link-quality, temperature, " \
	 "way-back-packages; the others prevent a brick and cannot be waived", &(a).waivers.items, NULL},              \
	{"by", 0, HF_ARG_TEXT, "NAME", "who waives (default: the login name)", &(a).waivers.by, NULL},                  \
	{"waiver-log", 0, HF_ARG_TEXT, "FILE", "where waivers are recorded (default: ~/.local/share/holdfast/waivers.log)", \
	 &(a).waivers.log, NULL}

/* Checks them, fills in what the project file says (NULL: none) and what lies beside the package (NULL: none; as_pilot: the pilot's
 * record will), and sets those members of `options` that come from here; what else
 * is in it is left alone. False: *code is what to exit with, all has been said. `args` and `project` stay as long as the options
 * are used. */
bool hf_check_args_take(struct hf_check_args *args, const struct hf_project *project, const char *package, bool as_pilot,
			const struct hf_usage *usage, struct hf_check_options *options, enum hf_exit *code);

#endif

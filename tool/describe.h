/* SPDX-License-Identifier: MIT
 *
 * `holdfast help --man|--bash|--zsh|--udev`: the commands' own tables as manual pages and completion, and the udev rule, for the build
 * and for packagers.
 */
#ifndef HF_TOOL_DESCRIBE_H
#define HF_TOOL_DESCRIBE_H

#include <stddef.h>

#include "out.h"

struct hf_command {
	const char *name;
	const char *line;
	enum hf_exit (*run)(int argc, char **argv);
	bool events; /* with --json it tells events (docs/EVENTS.md) */
};

/* `how` is the word behind `help`; argv: the command that is meant, and its part ("keyset make"); none: the program as a whole. */
enum hf_exit hf_describe(const struct hf_command *commands, size_t count, const char *how, int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The commands of holdfast-twin. argv[0] is the command's name.
 */
#ifndef HF_TWIN_COMMANDS_H
#define HF_TWIN_COMMANDS_H

#include <stdbool.h>

#include "out.h"

/* stop: kept while it runs; a signal's handler sets it. */
enum hf_exit hf_twin_command_run(int argc, char **argv, const volatile bool *stop);
enum hf_exit hf_twin_command_ctl(int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Parts of `holdfast project`.
 */
#ifndef HF_CMD_PROJECT_H
#define HF_CMD_PROJECT_H

#include <stdbool.h>

#include "out.h"

/* Makes holdfast.conf and board.conf in dir from a J-Flash project, and says what was taken and what was not. Nothing that is there
 * already is overwritten. */
enum hf_exit hf_project_import(const char *file, const char *dir, bool json);

#endif

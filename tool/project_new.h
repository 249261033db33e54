/* SPDX-License-Identifier: MIT
 *
 * New project and board files, as text: whatever is not known stands there as <FILL IN>, which no reader accepts.
 */
#ifndef HF_PROJECT_NEW_H
#define HF_PROJECT_NEW_H

#include <stdio.h>

#include "jflash.h"

/* product: letters, digits and " ._+-"; board_file: the board file's name beside the project; source: what it was made from. */
void hf_project_new_write(FILE *to, const struct hf_jflash *j, const char *product, const char *board_file, const char *source);
void hf_project_new_write_board(FILE *to, const struct hf_jflash *j, const char *source);

#endif

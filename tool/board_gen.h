/* SPDX-License-Identifier: MIT
 *
 * What the firmware's build takes from a board file: a header of macros, the layout as C, symbols for linker scripts.
 */
#ifndef HF_BOARD_GEN_H
#define HF_BOARD_GEN_H

#include <stdio.h>

#include "board.h"

void hf_board_write_header(const struct hf_board *board, FILE *to);
void hf_board_write_source(const struct hf_board *board, FILE *to);
void hf_board_write_linker(const struct hf_board *board, FILE *to);

#endif

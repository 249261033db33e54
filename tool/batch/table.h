/* SPDX-License-Identifier: MIT
 *
 * The batch on a terminal, redrawn: a line a port, sums, and for each port's last finished device PASS or FAIL so big that
 * it is seen from two metres. Plain ANSI; copes with narrow and low terminals.
 */
#ifndef HF_BATCH_TABLE_H
#define HF_BATCH_TABLE_H

#include <stdio.h>

#include "batch.h"

struct hf_table_size {
	unsigned columns, rows;
};

/* One picture: `rows` lines at most, none wider than `columns`, each cleared to its end. colour: escape sequences for
 * colours as well. message: the last thing that was said; NULL: nothing. */
void hf_table_draw(FILE *to, const struct hf_batch *b, struct hf_table_size size, bool colour, const char *message);

/* A word of P, A, S, F, I, L and spaces in block letters, line 0 to HF_TABLE_BIG - 1; returns its width. text has room
 * for HF_TABLE_BIG_TEXT. */
#define HF_TABLE_BIG      5
#define HF_TABLE_BIG_TEXT 64
unsigned hf_table_big(const char *word, unsigned line, char *text);

#endif

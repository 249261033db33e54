/* SPDX-License-Identifier: MIT
 *
 * Ctrl-C, for commands that have something to finish: the first one is noticed, the second ends the program.
 */
#ifndef HF_INTERRUPT_H
#define HF_INTERRUPT_H

#include <stdbool.h>

void hf_interrupt_catch(void);
bool hf_interrupted(void *unused);

/* For what has more than one way to stop: every Ctrl-C is counted, and none ends the program. */
void hf_interrupt_count(void);
unsigned hf_interrupt_counted(void);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Ctrl-C, for commands that have something to finish: the first one is noticed, the second ends the program.
 */
#ifndef HF_INTERRUPT_H
#define HF_INTERRUPT_H

#include <stdbool.h>

void hf_interrupt_catch(void);
bool hf_interrupted(void *unused);

#endif

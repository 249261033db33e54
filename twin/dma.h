/* SPDX-License-Identifier: MIT
 *
 * DMA1 and DMA2 (RM0090, 10), as far as USARTs need them: direct mode between a peripheral and memory, normal and
 * circular, half, complete and error interrupts. A transfer takes no time of its own. Not modelled, and reported as
 * misuse: FIFO mode, double buffers, memory to memory, the peripheral as flow controller.
 */
#ifndef HF_TWIN_DMA_H
#define HF_TWIN_DMA_H

#include "machine.h"

void hf_dma_add(struct hf_machine *machine);

/* The request line of a USART's direction rose: serves it for as long as it stays high. */
void hf_dma_request(struct hf_machine *machine, unsigned usart, bool transmit);

#endif

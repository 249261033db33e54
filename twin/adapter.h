/* SPDX-License-Identifier: MIT
 *
 * A USB-serial adapter between the device's UART and a tool, as far as it costs time.
 *
 * What the device sends is collected and handed over when a USB packet is full (62 bytes of data, as FTDI's chips do
 * it), or when the latency timer has run since the first byte of the packet: 16 ms on an adapter that nobody has told
 * otherwise. What the tool writes is on its way at once. Latency 0 is a UART without an adapter. Pure, no machine.
 */
#ifndef HF_TWIN_ADAPTER_H
#define HF_TWIN_ADAPTER_H

#include <stddef.h>
#include <stdint.h>

#define HF_ADAPTER_PACKET 62
#define HF_ADAPTER_NEVER  UINT64_MAX

struct hf_adapter {
	uint64_t due_ns; /* when the packet is handed over at the latest; HF_ADAPTER_NEVER: there is none */
	size_t len;
	uint8_t packet[HF_ADAPTER_PACKET];
};

typedef void hf_adapter_fn(void *ctx, uint8_t byte);

void hf_adapter_init(struct hf_adapter *adapter);
/* A byte of the device whose stop bit ended at at_ns. What is to be handed over by then goes to fn. */
void hf_adapter_hear(struct hf_adapter *adapter, uint64_t latency_ns, uint8_t byte, uint64_t at_ns, hf_adapter_fn *fn,
		     void *ctx);
/* Hands over what is due. */
void hf_adapter_release(struct hf_adapter *adapter, uint64_t now_ns, hf_adapter_fn *fn, void *ctx);

#endif

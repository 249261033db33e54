/* SPDX-License-Identifier: MIT */
#include "adapter.h"

void hf_adapter_init(struct hf_adapter *adapter)
{
	adapter->due_ns = HF_ADAPTER_NEVER;
	adapter->len = 0;
}

static void hand_over(struct hf_adapter *adapter, hf_adapter_fn *fn, void *ctx)
{
	for (size_t i = 0; i < adapter->len; i++)
		fn(ctx, adapter->packet[i]);
	hf_adapter_init(adapter);
}

void hf_adapter_release(struct hf_adapter *adapter, uint64_t now_ns, hf_adapter_fn *fn, void *ctx)
{
	if (now_ns >= adapter->due_ns)
		hand_over(adapter, fn, ctx);
}

void hf_adapter_hear(struct hf_adapter *adapter, uint64_t latency_ns, uint8_t byte, uint64_t at_ns, hf_adapter_fn *fn,
		     void *ctx)
{
	hf_adapter_release(adapter, at_ns, fn, ctx);
	if (adapter->len == 0)
		adapter->due_ns = at_ns + latency_ns;
	adapter->packet[adapter->len++] = byte;
	if (adapter->len == HF_ADAPTER_PACKET || latency_ns == 0)
		hand_over(adapter, fn, ctx);
}

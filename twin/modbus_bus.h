/* SPDX-License-Identifier: MIT
 *
 * Joins the bench of Modbus slaves (modbus_slave.h) to a USART's line. A model without registers: what the slaves saw
 * and owe is part of a snapshot.
 */
#ifndef HF_TWIN_MODBUS_BUS_H
#define HF_TWIN_MODBUS_BUS_H

#include "machine.h"
#include "modbus_slave.h"

void hf_modbus_bus_add(struct hf_machine *machine);

/* A reading ended a gap that is longer than any before; start_ns is when it began. */
typedef void hf_modbus_gap_fn(void *ctx, uint64_t gap_ns, uint64_t start_ns);

/* Connects `slaves` slaves to a USART, at its far end's present line settings; takes that USART's peer. fn may be NULL.
 * slaves = 0 leaves the bus empty. */
void hf_modbus_bus_attach(struct hf_machine *machine, unsigned usart, uint8_t slaves, uint64_t delay_ns,
			  hf_modbus_gap_fn *fn, void *ctx);

/* The bench, to read its counts or to set a slave's mode. */
struct hf_modbus_bench *hf_modbus_bus_bench(struct hf_machine *machine);

#endif

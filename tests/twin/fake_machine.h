/* SPDX-License-Identifier: MIT
 *
 * A machine without a CPU, for tests of single models: it keeps time, due times, interrupt lines and a piece of RAM,
 * and the test itself reads and writes the registers.
 */
#ifndef HF_TESTS_TWIN_FAKE_MACHINE_H
#define HF_TESTS_TWIN_FAKE_MACHINE_H

#include "machine.h"

#define FAKE_EVENTS 256

/* Adds the models that `add` names, in order; NULL ends the list. */
void fake_open(void (*const *add)(struct hf_machine *machine));
void fake_close(void);
struct hf_twin *fake_twin(void);
struct hf_machine *fake_machine(void);

void fake_reset(bool power_on);
void fake_power_off(void);
/* Lets time pass to until_ns; due times come in order, each at its time. */
void fake_run(uint64_t until_ns);
uint64_t fake_now(void);

uint32_t fake_read(uint32_t addr);
void fake_write(uint32_t addr, uint32_t value);
void fake_write_sized(uint32_t addr, unsigned size, uint32_t value);
uint8_t *fake_ram(uint32_t addr); /* 0x20000000, 64 KiB */
bool fake_irq(unsigned irq);
void fake_clock(enum hf_clock clock, uint32_t hz);

unsigned fake_events(enum hf_twin_event_kind kind);
/* The last event of this kind; fails the test if there was none. */
const struct hf_twin_event *fake_event(enum hf_twin_event_kind kind);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Inside the twin: what a peripheral's model gets from the machine, and what it must give.
 *
 * A model is a row of functions (struct hf_dev_ops) and one plain struct of state. The state has no pointers and lives
 * in the machine's arena, so that a snapshot is one copy, whatever the models are; what does point out of the machine
 * (a peer's callback) is kept in `host`, which no snapshot touches. Due times are kept by the machine as (model, event
 * number) for the same reason.
 *
 * Time within one basic block does not move: an access to a register happens at the end of the block that makes it.
 * Callbacks run inside hf_twin_run(), or inside the public function that caused them; they may schedule, pend
 * interrupts and tell events, and must not run the machine.
 */
#ifndef HF_TWIN_MACHINE_H
#define HF_TWIN_MACHINE_H

#include "twin.h"

#define HF_DEV_MAX        48
#define HF_DEV_EVENTS     8     /* due times a model can have at once */
#define HF_DEV_ARENA      65536 /* bytes of all models' states */
#define HF_DEV_UNITS      16    /* of one kind, counted from 0 */
#define HF_MACHINE_IRQS   82
#define HF_NEVER          UINT64_MAX

struct hf_machine;
struct hf_dev;

/* Models that others look up while the machine runs. */
enum hf_dev_kind {
	HF_DEV_PRIVATE, /* nobody does */
	HF_DEV_ADC,
	HF_DEV_DMA,
	HF_DEV_GPIO,
	HF_DEV_LED,
	HF_DEV_MODBUS,
	HF_DEV_PWR,
	HF_DEV_RTC,
	HF_DEV_TIM,
	HF_DEV_USART,
	HF_DEV_KINDS
};

struct hf_dev_ops {
	const char *name;
	enum hf_dev_kind kind;
	size_t state_bytes;

	/* An access of 1, 2 or 4 bytes at base + offset; naturally aligned. NULL: reads 0, writes are ignored. */
	uint32_t (*read)(struct hf_dev *dev, uint32_t offset, unsigned size);
	void (*write)(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value);

	/* A system reset, or the model's bit in an RCC reset register. power_on: the power was off, nothing survives.
	 * The model's due times are cancelled before the call. At a system reset all interrupt lines are low; after
	 * one by RCC the model lowers its own. */
	void (*reset)(struct hf_dev *dev, bool power_on);
	void (*due)(struct hf_dev *dev, unsigned event); /* a scheduled time has come; it is no longer scheduled */
	void (*clock_changed)(struct hf_dev *dev);       /* some frequency of enum hf_clock changed just now */
	void (*power_off)(struct hf_dev *dev);           /* the supply went away just now */
	void (*restored)(struct hf_dev *dev);            /* from a snapshot, into state: renew what host caches */
	void (*close)(struct hf_dev *dev);               /* free host */
};

struct hf_dev {
	const struct hf_dev_ops *ops;
	struct hf_machine *machine;
	void *state;   /* ops->state_bytes, zero at first; saved and restored */
	void *host;    /* the model's own, not saved */
	uint32_t base;
	uint32_t size; /* 0: no registers */
	unsigned index;
	unsigned unit; /* which of several alike: USART 1..6, port 0..8, ... */

	/* The clock gate: offset in RCC of the enable register (0x30 AHB1ENR .. 0x44 APB2ENR) and bit; enable_reg = 0:
	 * always clocked. Without its clock a model reads 0 and ignores writes (EV_LOG once). */
	uint8_t enable_reg;
	uint8_t enable_bit;
};

/* While the machine is opened: adds a model with its registers at [base, base + size). Never fails: too many, or too
 * much state, is an error of this source and asserts. Fill in unit, host and the clock gate in the result. */
struct hf_dev *hf_machine_add(struct hf_machine *machine, const struct hf_dev_ops *ops, uint32_t base, uint32_t size);
/* The model of this kind and unit; NULL if none. The models that were added before it have their
 * units by then. */
struct hf_dev *hf_machine_find(struct hf_machine *machine, enum hf_dev_kind kind, unsigned unit);

/* ---- time ---- */

uint64_t hf_machine_now_ns(const struct hf_machine *machine);
/* ops->due(dev, event) will be called at at_ns, or as soon as possible if that is past; replaces an earlier time. */
void hf_machine_schedule(struct hf_dev *dev, unsigned event, uint64_t at_ns);
void hf_machine_cancel(struct hf_dev *dev, unsigned event);
uint64_t hf_machine_due_ns(const struct hf_dev *dev, unsigned event); /* HF_NEVER when not scheduled */

/* ---- interrupts ---- */

/* The level of a peripheral interrupt's line (0..81, as in the vector table behind 16). The NVIC latches it as pending,
 * and again at the handler's return while it is high. */
void hf_machine_irq(struct hf_machine *machine, unsigned irq, bool high);

/* ---- clocks ---- */

enum hf_clock {
	HF_CLOCK_SYSCLK,
	HF_CLOCK_HCLK,
	HF_CLOCK_PCLK1,
	HF_CLOCK_PCLK2,
	HF_CLOCK_TIM1, /* of the timers on APB1: PCLK1, doubled when APB1 is divided */
	HF_CLOCK_TIM2, /* of the timers on APB2 */
	HF_CLOCK_LSI,  /* 0 while off */
	HF_CLOCKS
};

/* Hz as they really are (drift included), never 0 but for the LSI. */
uint32_t hf_machine_clock_hz(const struct hf_machine *machine, enum hf_clock clock);

/* ---- memory, as another bus master sees it ---- */

/* DMA: SRAM, flash (waits for a busy flash: not charged to the core) and peripheral registers; not CCM. size is 1, 2
 * or 4. false: a bus error, nothing happened. */
HF_MUST_USE bool hf_machine_bus_read(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t *value);
HF_MUST_USE bool hf_machine_bus_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value);

/* ---- what a model tells ---- */

void hf_machine_event(struct hf_machine *machine, enum hf_twin_event_kind kind, uint32_t a, uint32_t b,
		      const char *text);
/* The board, and what the configuration says about it; layout may be NULL. */
const struct hf_twin_config *hf_machine_config(const struct hf_machine *machine);
const struct hf_layout *hf_machine_layout(const struct hf_machine *machine);
/* Deterministic random numbers from the machine's seed (state is saved in snapshots). */
uint64_t hf_machine_random(struct hf_machine *machine);

struct hf_machine *hf_twin_machine(struct hf_twin *twin);

/* ---- the models: devices.c calls each once while opening; a new model is a line here and one there ---- */

void hf_devices_add(struct hf_machine *machine);
void hf_rcc_add(struct hf_machine *machine);
void hf_pwr_add(struct hf_machine *machine);
void hf_syscfg_add(struct hf_machine *machine);
void hf_rng_add(struct hf_machine *machine);
void hf_iwdg_add(struct hf_machine *machine);
void hf_flash_add(struct hf_machine *machine);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The machine's own parts, which know each other: time and devices (machine.c), the run loop (run.c), the CPU's engine
 * (cpu.c), exceptions (nvic.c), system registers (scs.c), cycle costs (cost.c), the flash controller (flash.c), faults
 * (fault*.c), and snapshots (snapshot.c).
 *
 * struct hf_core holds all that a snapshot must bring back and that is not memory, a model's state or the CPU engine's
 * registers; it is plain, and copied as a whole. What is outside of it is either fixed while the twin lives or can be
 * made anew from it.
 */
#ifndef HF_TWIN_INTERNAL_H
#define HF_TWIN_INTERNAL_H

#include <unicorn/unicorn.h>

#include "cost.h"
#include "machine.h"

#define PAGE_BYTES   1024u /* the unit in which code is tracked */
#define SYSMEM_ADDR  0x1fff0000u
#define SYSMEM_SIZE  0x00010000u
#define NO_CYCLE     UINT64_MAX
#define CPU_REGISTERS 19

/* The core's registers but PC, which is in hf_core. */
struct hf_cpu_registers {
	uint32_t r[13];
	uint32_t lr, msp, psp, xpsr, control, primask, basepri, faultmask;
};

/* Exception numbers. */
enum {
	EXC_RESET = 1,
	EXC_NMI = 2,
	EXC_HARD_FAULT = 3,
	EXC_MEM_FAULT = 4,
	EXC_BUS_FAULT = 5,
	EXC_USAGE_FAULT = 6,
	EXC_SVCALL = 11,
	EXC_PENDSV = 14,
	EXC_SYSTICK = 15,
	EXC_IRQ0 = 16,
	EXC_COUNT = EXC_IRQ0 + HF_MACHINE_IRQS,
};

struct hf_nvic {
	uint32_t enabled[3], pending[3], active[3], level[3];
	uint32_t sys_pending, sys_active; /* bit n: exception n */
	uint8_t priority[EXC_COUNT];
	uint32_t vtor, prigroup, scr, ccr, shcsr, cfsr, hfsr, mmfar, bfar, cpacr;
	uint32_t demcr, dwt_ctrl;
	uint64_t cyccnt;       /* the counter while it stands; the cycle at which it was 0 while it runs */
	uint32_t systick_ctrl, systick_load, systick_value;
	uint64_t systick_at;   /* the cycle at which it reaches 0; NO_CYCLE while it stands */
	bool event;            /* WFE's event register */
};

#define HF_FAULT_DISTURBS 8

struct hf_worn {
	enum hf_twin_worn kind;
	uint32_t left; /* erases that it still takes */
	uint64_t seed;
};

struct hf_disturb {
	uint32_t addr, bits, left;
};

struct hf_core {
	/* Time: now = base_ns + (cycles - base_cycles) / hclk. Cycles go on while the core sleeps. */
	uint64_t cycles;
	uint64_t base_cycles, base_ns;
	uint64_t seen_cycles, last_due; /* the latest times that the CPU, and a model, were told */
	uint64_t slept;   /* cycles that the core did not count */
	uint32_t hclk_hz;
	uint32_t clock[HF_CLOCKS];

	struct hf_twin_counts counts; /* cycles is filled in when asked for */
	uint64_t due[HF_DEV_MAX][HF_DEV_EVENTS];
	uint64_t due_of[HF_DEV_MAX]; /* the earliest of each model's */
	uint64_t next_due;           /* and of all */

	/* The core. */
	bool on, asleep, locked, stalled;
	bool reset_low;      /* somebody holds the reset pin */
	uint64_t held_until; /* reset's temporisation */
	uint32_t pc;
	uint32_t fallthrough;   /* where the last block ends */
	uint32_t refill;        /* what it costs not to go on there */
	enum hf_twin_reset reset_cause;
	struct hf_nvic nvic;
	struct hf_art art;

	struct {
		uint32_t pc, sp;  /* a call that is answered natively and is not over; pc 0: none */
		uint64_t left;    /* cycles that it has still to take */
	} native;
	uint32_t entered;       /* bit n: partition n was entered since the reset */

	uint64_t random;
	uint32_t stuck_count;
	struct {
		uint32_t addr, bits;
	} stuck[32];
	uint32_t wear[HF_TWIN_SECTORS];
	uint32_t worn_sectors, disturbs;
	struct hf_worn worn[HF_TWIN_SECTORS];
	struct hf_disturb disturb[HF_FAULT_DISTURBS];
	uint32_t lsi_hz, flash_permille;
	int32_t hsi_ppm;
	uint32_t unstable[HF_TWIN_SECTORS]; /* words of the sector that read differently each time */
};

/* A loop that looks for SysTick's flag: where, and how long its last turn was. Not in snapshots. */
struct hf_poll {
	uint32_t pc;
	unsigned turns;
	uint64_t writes;
	uint64_t insns, at;
};

struct hf_machine {
	struct hf_core st;
	uint64_t check_at;    /* the block hook looks around when st.cycles gets here; 0: at once */
	uint8_t block_stops;  /* kinds of blocks (BLOCK_*) that the block hook does not just charge */

	struct hf_cost cost;
	uc_engine *uc;
	uc_context *pristine;
	void *engine_cpu;     /* tlb.c; NULL: not known yet */
	uintptr_t translations; /* where the first one is; 0: there is none */
	uint32_t translations_room; /* when they have taken more than this they are dropped */
	bool translations_full;
	uint32_t translations_dropped;
	uint32_t cpu_page;    /* of the engine's TLB; blocks do not cross it */
	uint8_t *flash, *sram, *ccm, *sysmem;
	uint32_t *unstable;   /* per word of flash: the bits that are; NULL until there are any */
	uint8_t code[HF_TWIN_FLASH_SIZE / PAGE_BYTES];       /* pages from which blocks were executed */
	uint8_t code_sram[HF_TWIN_SRAM_SIZE / PAGE_BYTES];

	/* Why the CPU was stopped, or will be. */
	bool leave;           /* return to run() at the next block */
	bool stop_requested;
	bool reset_requested;
	bool cut_now;
	bool in_cpu;          /* inside uc_emu_start() */
	uint64_t until_ns;
	struct {
		bool hit;
		uc_mem_type type;
		uint32_t addr;
	} bad_access;
	bool bad_instruction;
	bool bus_error;       /* imprecise: raised at the end of the block */
	uint32_t trap;        /* the engine's number of an exception that no handler of its own takes; 0: none */
	const char *error;

	/* A store to flash that the engine carries out behind our back: put right before anything else happens. */
	struct {
		bool set;
		uint32_t offset;  /* into flash, multiple of 4 */
		uint8_t bytes[8]; /* what must be there */
	} settle;
	struct hf_coverage *coverage; /* NULL: off */
	uint64_t rearm_at;    /* when a page whose reads matter may be watched again; NO_CYCLE */
	uint8_t page_read[HF_TWIN_FLASH_SIZE / PAGE_BYTES]; /* since reads are watched again; by the engine's pages */
	uint32_t stale;       /* bit n: sector n changed under the engine's translations */

	/* Armed, watched, forbidden: not in snapshots. */
	bool cut_armed;
	struct hf_twin_cut cut;
	struct {
		uint32_t addr;
		bool erase;
	} operation;          /* the last one that began, or that a cut forestalled */
	uint64_t cut_at_ns;   /* of a cut that was scheduled; HF_NEVER */
	uint32_t watch[8];
	unsigned watches;
	struct hf_span no_stall[8];
	unsigned no_stalls;
	bool no_stall_in_handlers;
	uint32_t block_pc, block_size; /* the block that is executed */
	uint64_t writes;               /* to registers of any kind */
	struct hf_poll poll;
	uint32_t home, home_size;      /* the partition that code was last executed in */
	struct hf_native *native;

	hf_twin_event_fn *on_event;
	void *on_event_ctx;

	struct hf_twin_config config;
	struct hf_layout layout;
	bool has_layout;
	uint64_t due_now;     /* while a model is called because it is due: its time; else HF_NEVER */
	uint64_t unclocked;   /* bit n: device n's misuse was told */
	struct hf_dev dev[HF_DEV_MAX];
	unsigned devs;
	struct hf_dev *by_kind[HF_DEV_KINDS][HF_DEV_UNITS];
	unsigned indexed; /* models that are in by_kind */
	uint8_t dev_at[2][512]; /* by KiB from 0x40000000 and from 0x50000000; 0xff: none */
	uint8_t missing[2][512 / 8];
	_Alignas(16) uint8_t arena[HF_DEV_ARENA];
	size_t arena_used;
	struct hf_dev *flash_dev, *rcc_dev, *rom_dev;
	struct hf_snapshot_cache *pages; /* of the last snapshot, to be shared with the next; what is known of them */
};

struct hf_twin {
	struct hf_machine machine;
};

/* ---- machine.c ---- */

uint64_t hf_machine_cycle_of(const struct hf_machine *machine, uint64_t ns); /* the first cycle not before ns */
void hf_machine_look(struct hf_machine *machine);                            /* the block hook looks around soon */
void hf_machine_forget_due(struct hf_machine *machine, unsigned index); /* all due times of a model */
void hf_machine_run_due(struct hf_machine *machine);
void hf_machine_clocks_set(struct hf_machine *machine, const uint32_t hz[HF_CLOCKS]);
void hf_machine_clocks_stop(struct hf_machine *machine);
uint32_t hf_machine_mmio_read(struct hf_machine *machine, uint32_t addr, unsigned size);
void hf_machine_mmio_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value);
uint8_t *hf_machine_memory(struct hf_machine *machine, uint32_t addr, size_t len); /* NULL if not all is memory */
void hf_machine_log(struct hf_machine *machine, uint32_t a, uint32_t b, const char *text);

/* ---- run.c ---- */

/* At the start of a block at pc: whatever is due. true: the block must not be executed now. */
bool hf_run_attention(struct hf_machine *machine, uint32_t pc);
void hf_run_reset(struct hf_machine *machine, enum hf_twin_reset cause);
void hf_run_release(struct hf_machine *machine);            /* the reset pin is let go */
void hf_run_enter(struct hf_machine *machine, uint32_t pc); /* code in another partition than home */
void hf_run_power_off(struct hf_machine *machine);
void hf_run_request_reset(struct hf_machine *machine, enum hf_twin_reset cause);

/* ---- cpu.c ---- */

HF_MUST_USE enum hf_err hf_cpu_open(struct hf_machine *machine);
void hf_cpu_close(struct hf_machine *machine);
void hf_cpu_reset(struct hf_machine *machine, uint32_t sp, uint32_t pc);
/* Outside of a run. The engine's own contexts have pointers in them, and belong to one engine. */
void hf_cpu_save(const struct hf_machine *machine, struct hf_cpu_registers *registers);
void hf_cpu_load(struct hf_machine *machine, const struct hf_cpu_registers *registers);
void hf_cpu_run(struct hf_machine *machine); /* from st.pc until something needs run()'s care */
uint32_t hf_cpu_get(const struct hf_machine *machine, int uc_register);
void hf_cpu_set(struct hf_machine *machine, int uc_register, uint32_t value);
void hf_cpu_jump(struct hf_machine *machine, uint32_t pc);
/* Memory at addr was changed from outside the CPU: forget translations. */
void hf_cpu_code_changed(struct hf_machine *machine, uint32_t addr, uint32_t len);
/* After a reset nothing of what was executed in RAM is: stores there need not look for it until code is copied there again. */
void hf_cpu_forget_ram_code(struct hf_machine *machine);
/* Reads of [addr, addr + len), whole sectors, call hf_flash_was_read(): the first one of each page after a
 * hf_cpu_rearm_reads(). */
void hf_cpu_watch_reads(struct hf_machine *machine, uint32_t addr, uint32_t len, bool watch);
void hf_cpu_rearm_reads(struct hf_machine *machine);

/* ---- nvic.c ---- */

enum hf_nvic_pick { PICK_NONE, PICK_MASKED, PICK_TAKE };

void hf_nvic_reset(struct hf_machine *machine);
enum hf_nvic_pick hf_nvic_pick(struct hf_machine *machine, unsigned *exception);
bool hf_nvic_wakes(struct hf_machine *machine);
void hf_nvic_pend(struct hf_machine *machine, unsigned exception);
/* Stacks and jumps to the handler; return_pc is where the handler will return to. */
void hf_nvic_enter(struct hf_machine *machine, unsigned exception, uint32_t return_pc);
void hf_nvic_return(struct hf_machine *machine, uint32_t exc_return);
/* A synchronous fault of kind exception with these CFSR bits; escalates, or locks the core up. */
void hf_nvic_fault(struct hf_machine *machine, unsigned exception, uint32_t cfsr, uint32_t pc);
unsigned hf_nvic_active(const struct hf_machine *machine); /* exceptions under way; 0: thread mode */
void hf_nvic_systick_due(struct hf_machine *machine);

/* ---- scs.c: 0xE0000000.. ---- */

uint32_t hf_scs_read(struct hf_machine *machine, uint32_t addr, unsigned size);
void hf_scs_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value);

/* ---- flash.c ---- */

void hf_flash_store(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value);
void hf_flash_settle(struct hf_machine *machine);
bool hf_flash_busy(const struct hf_machine *machine);
/* The core stalls until the flash is idle; unless it must be the whole time, only until the run's end. addr: what is
 * accessed, pc: by whom. */
void hf_flash_wait(struct hf_machine *machine, uint32_t addr, uint32_t pc, bool whole);
void hf_flash_was_read(struct hf_machine *machine, uint32_t addr);         /* a watched read */
void hf_flash_watch(struct hf_machine *machine);                           /* the reads that matter from now on */
uint16_t hf_flash_progress(const struct hf_machine *machine);              /* of 65536, while busy */
void hf_flash_tear(struct hf_machine *machine, uint16_t fraction);         /* the operation ends in between */
uint32_t hf_flash_options(const struct hf_machine *machine);               /* OPTCR as stored */
void hf_flash_options_set(struct hf_machine *machine, uint32_t optcr);     /* off the clock */
unsigned hf_flash_protection(const struct hf_machine *machine);            /* level of the read protection: 0 to 2 */
uint64_t hf_flash_end_ns(const struct hf_machine *machine);                /* of the operation under way */
int hf_flash_sector(uint32_t addr);                                        /* -1: not in flash */
uint32_t hf_flash_sector_addr(unsigned sector);
uint32_t hf_flash_sector_size(unsigned sector);

/* ---- fault.c ---- */

uint64_t hf_fault_random(uint64_t *state);
/* Operation number counts.flash_ops begins now: true if a cut must come before it. May schedule a cut in it. */
bool hf_fault_operation(struct hf_machine *machine, uint32_t addr, bool erase, uint64_t begin_ns, uint64_t end_ns);
uint16_t hf_fault_fraction(const struct hf_machine *machine); /* how far the operation got that ends now */
void hf_fault_tear_word(struct hf_machine *machine, uint32_t offset, uint32_t old, uint32_t new, uint16_t fraction);
void hf_fault_tear_sector(struct hf_machine *machine, unsigned sector, uint16_t fraction);

/* ---- fault_unstable.c ---- */

#define HF_FAULT_REARM_CYCLES 1000

uint32_t hf_fault_unstable(const struct hf_machine *machine, uint32_t offset); /* the bits that are */
void hf_fault_set_unstable(struct hf_machine *machine, uint32_t offset, uint32_t bits);
void hf_fault_randomise(struct hf_machine *machine, uint32_t page); /* its unstable bits; offset of a page */
void hf_fault_forget_unstable(struct hf_machine *machine, unsigned sector);

/* ---- fault_wear.c ---- */

enum { HF_FAULT_WRPERR = 1 << 4, HF_FAULT_PGSERR = 1 << 7 }; /* of FLASH_SR */

/* What the word at offset, which holds old, holds after an operation that would make it value. */
uint32_t hf_fault_becomes(const struct hf_machine *machine, uint32_t offset, uint32_t old, uint32_t value);
void hf_fault_write_word(struct hf_machine *machine, uint32_t offset, uint32_t value);
bool hf_fault_blank(struct hf_machine *machine, unsigned sector);  /* as far as it goes; true: it is blank */
void hf_fault_erased(struct hf_machine *machine, unsigned sector); /* counts, completed or torn */
/* The flag of SR that an operation ends with which did not do all of its work there; 0: none. */
uint32_t hf_fault_flag(const struct hf_machine *machine, unsigned sector);
bool hf_fault_reads_matter(const struct hf_machine *machine, unsigned sector); /* hf_fault_read() must be called */
void hf_fault_read(struct hf_machine *machine, uint32_t page);    /* a page is read by whomever; its offset */
void hf_fault_rearm(struct hf_machine *machine);                  /* reads are watched again soon */
void hf_fault_reads_anew(struct hf_machine *machine);                    /* the next read of each page counts */
void hf_fault_drop_stale(struct hf_machine *machine);             /* outside of the engine */
uint64_t hf_fault_hash(const struct hf_machine *machine);         /* of all that is here; 0: no faults */

/* ---- fault_clock.c ---- */

uint64_t hf_fault_flash_ns(const struct hf_machine *machine, uint64_t ns); /* what an operation takes */

/* ---- rcc.c ---- */

bool hf_rcc_enabled(const struct hf_dev *dev, uint8_t reg, uint8_t bit);
void hf_rcc_force_lsi(struct hf_machine *machine, bool on);
void hf_rcc_drifted(struct hf_machine *machine); /* st.lsi_hz or st.hsi_ppm changed */

/* ---- native.c ---- */

/* The block at pc is a function that may be answered natively: true if it was. */
bool hf_native_call(struct hf_machine *machine, uint32_t pc);
bool hf_native_is_entry(const struct hf_machine *machine, uint32_t pc);
void hf_native_abandon(struct hf_machine *machine); /* a call that is under way: the core is reset, or restored */
void hf_native_close(struct hf_machine *machine);

/* ---- coverage.c: the first two while it is on, the others at any time ---- */

void hf_coverage_see(struct hf_machine *machine, uint32_t pc);                     /* a block begins */
void hf_coverage_end(struct hf_machine *machine, const struct hf_block *block); /* and will be executed */
void hf_coverage_jump(struct hf_machine *machine);                                 /* no branch led to what comes next */
void hf_coverage_forget(struct hf_machine *machine, uint32_t addr, uint32_t len);  /* memory changed */
void hf_coverage_close(struct hf_machine *machine);

/* ---- snapshot.c ---- */

HF_MUST_USE enum hf_err hf_snapshot_open(struct hf_machine *machine);
void hf_snapshot_close(struct hf_machine *machine);
/* Bytes of flash were changed. hf_cpu_code_changed() says it, too. */
void hf_snapshot_touch(struct hf_machine *machine, uint32_t offset, uint32_t len);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Exceptions: which is taken, its entry and return, faults.
 *
 * The CPU's engine knows handler mode, the two stack pointers and the mask registers, but takes no exception by itself:
 * frames are pushed and popped here. Late arrival is left out, because exceptions are only looked at between blocks;
 * tail-chaining is in. A stack that is no RAM locks the core up, where the chip would first try a fault handler on it.
 */
#include "internal.h"

#define PRIORITY_NONE  256
#define FRAME_BYTES    32
#define XPSR_THUMB     0x01000000u
#define XPSR_IT        0x0600fc00u
#define XPSR_ALIGNED   0x00000200u
#define XPSR_EXCEPTION 0x000001ffu
#define RETURN_HANDLER 0xfffffff1u
#define RETURN_MSP     0xfffffff9u
#define RETURN_PSP     0xfffffffdu
#define CONTROL_SPSEL  2u
#define SCR_SLEEPONEXIT 2u
#define CCR_STKALIGN   0x200u

#define CFSR_INVPC     (1u << 18)
#define CFSR_INVSTATE  (1u << 17)
#define CFSR_UNSTKERR  (1u << 11)
#define HFSR_FORCED    (1u << 30)
#define HFSR_VECTTBL   (1u << 1)

#define ENTRY_CYCLES   12
#define RETURN_CYCLES  10
#define CHAIN_CYCLES   6

void hf_nvic_reset(struct hf_machine *machine)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t level[3];

	memcpy(level, nvic->level, sizeof(level));
	memset(nvic, 0, sizeof(*nvic));
	memcpy(nvic->level, level, sizeof(level));
	nvic->ccr = CCR_STKALIGN;
	nvic->systick_at = NO_CYCLE;
	machine->block_stops &= (uint8_t)~BLOCK_FLASH;
}

/* ---- priorities ---- */

static int group_priority(const struct hf_nvic *nvic, unsigned exception)
{
	if (exception <= EXC_HARD_FAULT)
		return (int)exception - 4; /* reset -3, NMI -2, HardFault -1 */
	return nvic->priority[exception] & ~((2u << nvic->prigroup) - 1);
}

static int active_priority(const struct hf_nvic *nvic)
{
	int best = PRIORITY_NONE;

	for (uint32_t bits = nvic->sys_active; bits; bits &= bits - 1) {
		int p = group_priority(nvic, (unsigned)__builtin_ctz(bits));

		best = p < best ? p : best;
	}
	for (unsigned w = 0; w < 3; w++)
		for (uint32_t bits = nvic->active[w]; bits; bits &= bits - 1) {
			int p = group_priority(nvic, EXC_IRQ0 + w * 32 + (unsigned)__builtin_ctz(bits));

			best = p < best ? p : best;
		}
	return best;
}

static int masked_priority(struct hf_machine *machine, int priority, bool with_primask)
{
	uint32_t basepri = hf_cpu_get(machine, UC_ARM_REG_BASEPRI);

	if (basepri) {
		int p = (int)(basepri & ~((2u << machine->st.nvic.prigroup) - 1));

		priority = p < priority ? p : priority;
	}
	if (with_primask && hf_cpu_get(machine, UC_ARM_REG_PRIMASK) & 1 && priority > 0)
		priority = 0;
	if (hf_cpu_get(machine, UC_ARM_REG_FAULTMASK) & 1 && priority > -1)
		priority = -1;
	return priority;
}

/* The most urgent pending and enabled exception; 0: none. */
static unsigned most_urgent(const struct hf_nvic *nvic, int *priority)
{
	unsigned found = 0;
	int best = PRIORITY_NONE;

	for (uint32_t bits = nvic->sys_pending; bits; bits &= bits - 1) {
		unsigned n = (unsigned)__builtin_ctz(bits);
		int p = n <= EXC_HARD_FAULT ? (int)n - 4 : nvic->priority[n];

		if (p < best) {
			best = p;
			found = n;
		}
	}
	for (unsigned w = 0; w < 3; w++)
		for (uint32_t bits = nvic->pending[w] & nvic->enabled[w]; bits; bits &= bits - 1) {
			unsigned n = EXC_IRQ0 + w * 32 + (unsigned)__builtin_ctz(bits);

			if (nvic->priority[n] < best) {
				best = nvic->priority[n];
				found = n;
			}
		}
	*priority = found ? group_priority(nvic, found) : PRIORITY_NONE;
	return found;
}

enum hf_nvic_pick hf_nvic_pick(struct hf_machine *machine, unsigned *exception)
{
	const struct hf_nvic *nvic = &machine->st.nvic;
	int priority, active;

	*exception = most_urgent(nvic, &priority);
	if (!*exception)
		return PICK_NONE;
	active = active_priority(nvic);
	if (priority >= active)
		return PICK_NONE; /* until a handler returns */
	return priority < masked_priority(machine, active, true) ? PICK_TAKE : PICK_MASKED;
}

/* PRIMASK does not keep a sleeping core from waking up. */
bool hf_nvic_wakes(struct hf_machine *machine)
{
	int priority;

	if (!most_urgent(&machine->st.nvic, &priority))
		return false;
	return priority < masked_priority(machine, active_priority(&machine->st.nvic), false);
}

unsigned hf_nvic_active(const struct hf_machine *machine)
{
	const struct hf_nvic *nvic = &machine->st.nvic;
	unsigned count = (unsigned)__builtin_popcount(nvic->sys_active);

	for (unsigned w = 0; w < 3; w++)
		count += (unsigned)__builtin_popcount(nvic->active[w]);
	return count;
}

void hf_nvic_pend(struct hf_machine *machine, unsigned exception)
{
	struct hf_nvic *nvic = &machine->st.nvic;

	if (exception < EXC_IRQ0)
		nvic->sys_pending |= 1u << exception;
	else
		nvic->pending[(exception - EXC_IRQ0) / 32] |= 1u << (exception - EXC_IRQ0) % 32;
	hf_machine_look(machine);
}

void hf_machine_irq(struct hf_machine *machine, unsigned irq, bool high)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t bit = 1u << irq % 32;

	if (high && !(nvic->level[irq / 32] & bit)) {
		nvic->level[irq / 32] |= bit;
		hf_nvic_pend(machine, EXC_IRQ0 + irq);
	} else if (!high) {
		nvic->level[irq / 32] &= ~bit;
	}
}

void hf_nvic_systick_due(struct hf_machine *machine)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint64_t period = ((uint64_t)nvic->systick_load + 1) * (nvic->systick_ctrl & 4 ? 1 : 8);

	nvic->systick_ctrl |= 1u << 16;
	if (nvic->systick_ctrl & 2)
		hf_nvic_pend(machine, EXC_SYSTICK);
	nvic->systick_at = nvic->systick_load ? nvic->systick_at + period : NO_CYCLE;
}

static void set_active(struct hf_nvic *nvic, unsigned exception, bool active)
{
	uint32_t *word = exception < EXC_IRQ0 ? &nvic->sys_active : &nvic->active[(exception - EXC_IRQ0) / 32];
	uint32_t bit = 1u << (exception < EXC_IRQ0 ? exception : (exception - EXC_IRQ0) % 32);

	if (active)
		*word |= bit;
	else
		*word &= ~bit;
}

static void clear_pending(struct hf_nvic *nvic, unsigned exception)
{
	if (exception < EXC_IRQ0)
		nvic->sys_pending &= ~(1u << exception);
	else
		nvic->pending[(exception - EXC_IRQ0) / 32] &= ~(1u << (exception - EXC_IRQ0) % 32);
}

/* ---- entry and return ---- */

static void lock_up(struct hf_machine *machine, uint32_t pc)
{
	machine->st.locked = true;
	machine->leave = true;
	hf_machine_look(machine);
	hf_machine_event(machine, HF_TWIN_EV_LOCKUP, pc, machine->st.nvic.cfsr, NULL);
}

static bool read_words(struct hf_machine *machine, uint32_t addr, uint32_t *words, unsigned count)
{
	const uint8_t *mem = hf_machine_memory(machine, addr, count * 4);

	if (!mem || addr & 3)
		return false;
	memcpy(words, mem, count * 4);
	return true;
}

static bool push_frame(struct hf_machine *machine, uint32_t addr, const uint32_t frame[8])
{
	uint8_t *mem = hf_machine_memory(machine, addr, FRAME_BYTES);

	if (!mem || addr & 3 || (addr - HF_TWIN_SRAM_ADDR >= HF_TWIN_SRAM_SIZE &&
				 addr - HF_TWIN_CCM_ADDR >= HF_TWIN_CCM_SIZE))
		return false;
	memcpy(mem, frame, FRAME_BYTES);
	hf_cpu_code_changed(machine, addr, FRAME_BYTES);
	return true;
}

/* Jumps to the handler, in handler mode on the main stack. */
static void begin_handler(struct hf_machine *machine, unsigned exception, uint32_t exc_return, uint32_t xpsr)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t vector, addr = nvic->vtor + exception * 4;

	if (hf_flash_busy(machine) && hf_flash_sector(addr) >= 0)
		hf_flash_wait(machine, addr, addr, true);
	clear_pending(nvic, exception);
	set_active(nvic, exception, true);
	hf_cpu_set(machine, UC_ARM_REG_XPSR, (xpsr & ~(XPSR_EXCEPTION | XPSR_IT)) | XPSR_THUMB | exception);
	hf_cpu_set(machine, UC_ARM_REG_LR, exc_return);
	machine->st.counts.exceptions++;
	nvic->event = true;
	if (!read_words(machine, addr, &vector, 1)) {
		nvic->hfsr |= HFSR_VECTTBL;
		lock_up(machine, addr);
		return;
	}
	if (!(vector & 1)) {
		nvic->cfsr |= CFSR_INVSTATE;
		lock_up(machine, vector);
		return;
	}
	hf_cpu_jump(machine, vector);
}

void hf_nvic_enter(struct hf_machine *machine, unsigned exception, uint32_t return_pc)
{
	uint32_t sp = hf_cpu_get(machine, UC_ARM_REG_SP), xpsr = hf_cpu_get(machine, UC_ARM_REG_XPSR);
	uint32_t control = hf_cpu_get(machine, UC_ARM_REG_CONTROL);
	bool handler = xpsr & XPSR_EXCEPTION, psp = !handler && control & CONTROL_SPSEL;
	uint32_t frame_at = (sp - FRAME_BYTES) & ~7u;
	uint32_t frame[8] = { hf_cpu_get(machine, UC_ARM_REG_R0), hf_cpu_get(machine, UC_ARM_REG_R1),
			      hf_cpu_get(machine, UC_ARM_REG_R2), hf_cpu_get(machine, UC_ARM_REG_R3),
			      hf_cpu_get(machine, UC_ARM_REG_R12), hf_cpu_get(machine, UC_ARM_REG_LR), return_pc,
			      (xpsr & ~XPSR_ALIGNED) | XPSR_THUMB };

	machine->st.asleep = false;
	if (sp & 4)
		frame[7] |= XPSR_ALIGNED;
	if (!push_frame(machine, frame_at, frame)) {
		lock_up(machine, return_pc);
		return;
	}
	hf_cpu_set(machine, UC_ARM_REG_SP, frame_at);
	if (psp)
		hf_cpu_set(machine, UC_ARM_REG_CONTROL, control & ~CONTROL_SPSEL);
	machine->st.cycles += ENTRY_CYCLES + machine->st.art.wait;
	begin_handler(machine, exception, handler ? RETURN_HANDLER : psp ? RETURN_PSP : RETURN_MSP, xpsr);
}

static void pop_frame(struct hf_machine *machine, const uint32_t frame[8], uint32_t sp, bool psp)
{
	sp += FRAME_BYTES + (frame[7] & XPSR_ALIGNED ? 4 : 0);
	if (!psp)
		hf_cpu_set(machine, UC_ARM_REG_SP, sp);
	hf_cpu_set(machine, UC_ARM_REG_XPSR_NZCVQG, frame[7] & ~XPSR_ALIGNED);
	if (psp) {
		hf_cpu_set(machine, UC_ARM_REG_PSP, sp);
		hf_cpu_set(machine, UC_ARM_REG_CONTROL, hf_cpu_get(machine, UC_ARM_REG_CONTROL) | CONTROL_SPSEL);
	}
	for (int r = 0; r < 4; r++)
		hf_cpu_set(machine, UC_ARM_REG_R0 + r, frame[r]);
	hf_cpu_set(machine, UC_ARM_REG_R12, frame[4]);
	hf_cpu_set(machine, UC_ARM_REG_LR, frame[5]);
	hf_cpu_jump(machine, frame[6] | 1);
}

void hf_nvic_return(struct hf_machine *machine, uint32_t exc_return)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t xpsr = hf_cpu_get(machine, UC_ARM_REG_XPSR), sp, frame[8];
	unsigned exception = xpsr & XPSR_EXCEPTION, next;
	bool psp = exc_return == RETURN_PSP;

	if (exc_return != RETURN_HANDLER && exc_return != RETURN_MSP && !psp) {
		hf_nvic_fault(machine, EXC_USAGE_FAULT, CFSR_INVPC, exc_return);
		return;
	}
	set_active(nvic, exception, false);
	if (exception != EXC_NMI)
		hf_cpu_set(machine, UC_ARM_REG_FAULTMASK, 0);
	if (exception >= EXC_IRQ0 && nvic->level[(exception - EXC_IRQ0) / 32] >> (exception - EXC_IRQ0) % 32 & 1)
		hf_nvic_pend(machine, exception);
	nvic->event = true;
	if (hf_nvic_pick(machine, &next) == PICK_TAKE) {
		machine->st.cycles += CHAIN_CYCLES + machine->st.art.wait;
		begin_handler(machine, next, exc_return, xpsr);
		return;
	}
	sp = hf_cpu_get(machine, psp ? UC_ARM_REG_PSP : UC_ARM_REG_SP);
	if (!read_words(machine, sp, frame, 8)) {
		hf_nvic_fault(machine, EXC_BUS_FAULT, CFSR_UNSTKERR, exc_return);
		return;
	}
	machine->st.cycles += RETURN_CYCLES;
	pop_frame(machine, frame, sp, psp);
	if (exc_return != RETURN_HANDLER && nvic->scr & SCR_SLEEPONEXIT) {
		machine->st.asleep = true;
		machine->leave = true;
	}
	hf_machine_look(machine);
}

void hf_nvic_fault(struct hf_machine *machine, unsigned exception, uint32_t cfsr, uint32_t pc)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	int current = masked_priority(machine, active_priority(nvic), true);
	bool enabled = exception == EXC_SVCALL || (exception >= EXC_MEM_FAULT && exception <= EXC_USAGE_FAULT &&
						   nvic->shcsr >> (exception + 12) & 1);

	nvic->cfsr |= cfsr;
	if (exception != EXC_SVCALL)
		hf_machine_event(machine, HF_TWIN_EV_FAULT, pc, nvic->cfsr, NULL);
	if (!enabled || group_priority(nvic, exception) >= current) {
		if (exception != EXC_HARD_FAULT)
			nvic->hfsr |= HFSR_FORCED;
		exception = EXC_HARD_FAULT;
	}
	if (exception == EXC_HARD_FAULT && current <= -1) {
		lock_up(machine, pc);
		return;
	}
	hf_nvic_enter(machine, exception, pc);
}

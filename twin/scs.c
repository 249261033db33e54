/* SPDX-License-Identifier: MIT
 *
 * The private peripheral bus: SysTick, NVIC, system control block, DWT's cycle counter, the debug unit's identity.
 *
 * Registers are read and written as words; an access to a part of one reads the word and writes it back merged, which
 * is what the byte-wide priority registers need and harms nobody else. There is no MPU: its TYPE reads 0.
 */
#include "internal.h"

#define SCS       0xe000e000u
#define DWT       0xe0001000u
#define IDCODE    0xe0042000u
#define IDCODE_F407 0x10076413u /* revision Y */
#define PRIORITY_BITS 0xf0f0f0f0u

enum {
	ICTR = 0x004, ACTLR = 0x008, SYST_CSR = 0x010, SYST_RVR = 0x014, SYST_CVR = 0x018, SYST_CALIB = 0x01c,
	ISER = 0x100, ICER = 0x180, ISPR = 0x200, ICPR = 0x280, IABR = 0x300, IPR = 0x400,
	CPUID = 0xd00, ICSR = 0xd04, VTOR = 0xd08, AIRCR = 0xd0c, SCR = 0xd10, CCR = 0xd14, SHPR1 = 0xd18,
	SHPR3 = 0xd20, SHCSR = 0xd24, CFSR = 0xd28, HFSR = 0xd2c, MMFAR = 0xd34, BFAR = 0xd38, CPACR = 0xd88,
	DEMCR = 0xdfc, STIR = 0xf00,
	CYCCNT_ENABLE = 1, DEMCR_TRACE = 1 << 24,
	TICK_ENABLE = 1, TICK_INT = 2, TICK_FLAG = 1 << 16,
};

/* ---- SysTick ---- */

static uint32_t tick_divider(const struct hf_nvic *nvic)
{
	return nvic->systick_ctrl & 4 ? 1 : 8;
}

static uint32_t tick_value(const struct hf_machine *machine)
{
	const struct hf_nvic *nvic = &machine->st.nvic;
	uint64_t left;

	if (nvic->systick_at == NO_CYCLE)
		return nvic->systick_value;
	left = nvic->systick_at > machine->st.cycles ? nvic->systick_at - machine->st.cycles : 0;
	left /= tick_divider(nvic);
	return left > nvic->systick_load ? 0 : (uint32_t)left;
}

static void tick_start(struct hf_machine *machine, uint32_t value)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint64_t ticks = value ? value : (uint64_t)nvic->systick_load + 1;

	if (nvic->systick_ctrl & TICK_ENABLE && (nvic->systick_load || value))
		nvic->systick_at = machine->st.cycles + ticks * tick_divider(nvic);
	else
		nvic->systick_at = NO_CYCLE;
	hf_machine_look(machine);
}

static void tick_control(struct hf_machine *machine, uint32_t value)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t now = tick_value(machine);

	nvic->systick_ctrl = (nvic->systick_ctrl & TICK_FLAG) | (value & 7);
	nvic->systick_value = now;
	tick_start(machine, now);
}

#define POLL_TURNS 3u
#define POLL_INSNS 128u

/* The same block looks again and again for the flag, the turns are short and alike, and nothing is written: until the next
 * thing is due, each turn would see what this one sees. */
static void skip_polls(struct hf_machine *machine)
{
	struct hf_core *st = &machine->st;
	struct hf_poll *poll = &machine->poll;
	uint64_t insns = st->counts.instructions - poll->at;

	if (poll->pc != machine->block_pc || poll->writes != machine->writes || poll->insns != insns ||
	    insns > POLL_INSNS)
		poll->turns = 0;
	else if (++poll->turns >= POLL_TURNS && machine->check_at != NO_CYCLE && st->cycles < machine->check_at)
		st->cycles = machine->check_at;
	poll->pc = machine->block_pc;
	poll->writes = machine->writes;
	poll->insns = insns;
	poll->at = st->counts.instructions;
}

/* ---- DWT ---- */

static uint64_t core_cycles(const struct hf_machine *machine)
{
	return machine->st.cycles - machine->st.slept;
}

static bool counting(const struct hf_nvic *nvic)
{
	return nvic->dwt_ctrl & CYCCNT_ENABLE && nvic->demcr & DEMCR_TRACE;
}

static uint32_t cyccnt(const struct hf_machine *machine)
{
	const struct hf_nvic *nvic = &machine->st.nvic;

	return (uint32_t)(counting(nvic) ? core_cycles(machine) - nvic->cyccnt : nvic->cyccnt);
}

/* cyccnt is the value while it stands, and the cycle at which it was 0 while it runs. */
static void set_cyccnt(struct hf_machine *machine, uint32_t value)
{
	struct hf_nvic *nvic = &machine->st.nvic;

	nvic->cyccnt = counting(nvic) ? core_cycles(machine) - value : value;
}

static void change_trace(struct hf_machine *machine, uint32_t demcr, uint32_t dwt_ctrl)
{
	uint32_t value = cyccnt(machine);

	machine->st.nvic.demcr = demcr;
	machine->st.nvic.dwt_ctrl = dwt_ctrl;
	set_cyccnt(machine, value);
}

/* ---- system control block ---- */

static uint32_t icsr(struct hf_machine *machine)
{
	const struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t value = hf_cpu_get(machine, UC_ARM_REG_XPSR) & 0x1ff;

	for (unsigned w = 0; w < 3; w++)
		if (nvic->pending[w] & nvic->enabled[w])
			value |= 1u << 22;
	if (nvic->sys_pending >> EXC_SYSTICK & 1)
		value |= 1u << 26;
	if (nvic->sys_pending >> EXC_PENDSV & 1)
		value |= 1u << 28;
	if (hf_nvic_active(machine) <= 1)
		value |= 1u << 11;
	return value;
}

static void write_icsr(struct hf_machine *machine, uint32_t value)
{
	struct hf_nvic *nvic = &machine->st.nvic;

	if (value >> 25 & 1)
		nvic->sys_pending &= ~(1u << EXC_SYSTICK);
	if (value >> 27 & 1)
		nvic->sys_pending &= ~(1u << EXC_PENDSV);
	if (value >> 26 & 1)
		hf_nvic_pend(machine, EXC_SYSTICK);
	if (value >> 28 & 1)
		hf_nvic_pend(machine, EXC_PENDSV);
	if (value >> 31 & 1)
		hf_nvic_pend(machine, EXC_NMI);
}

static void write_aircr(struct hf_machine *machine, uint32_t value)
{
	if (value >> 16 != 0x05fa)
		return;
	machine->st.nvic.prigroup = value >> 8 & 7;
	if (value & 4)
		hf_run_request_reset(machine, HF_TWIN_RESET_SOFTWARE);
	hf_machine_look(machine);
}

static uint32_t priorities(const struct hf_nvic *nvic, unsigned first)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		if (first + i < EXC_COUNT)
			value |= (uint32_t)nvic->priority[first + i] << 8 * i;
	return value;
}

static void set_priorities(struct hf_machine *machine, unsigned first, uint32_t value)
{
	value &= PRIORITY_BITS;
	for (unsigned i = 0; i < 4; i++)
		if (first + i < EXC_COUNT)
			machine->st.nvic.priority[first + i] = (uint8_t)(value >> 8 * i);
	hf_machine_look(machine);
}

/* ---- NVIC ---- */

static uint32_t read_nvic(const struct hf_nvic *nvic, uint32_t reg)
{
	unsigned w = reg >> 2 & 0x1f;

	if (reg >= IPR)
		return priorities(nvic, EXC_IRQ0 + (reg - IPR));
	if (w >= 3)
		return 0;
	switch (reg & 0x380) {
	case ISER: case ICER:
		return nvic->enabled[w];
	case ISPR: case ICPR:
		return nvic->pending[w];
	default:
		return nvic->active[w];
	}
}

static void write_nvic(struct hf_machine *machine, uint32_t reg, uint32_t value)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	unsigned w = reg >> 2 & 0x1f;

	hf_machine_look(machine);
	if (reg >= IPR) {
		set_priorities(machine, EXC_IRQ0 + (reg - IPR), value);
		return;
	}
	if (w >= 3)
		return;
	if (w == 2)
		value &= (1u << (HF_MACHINE_IRQS - 64)) - 1;
	switch (reg & 0x380) {
	case ISER:
		nvic->enabled[w] |= value;
		break;
	case ICER:
		nvic->enabled[w] &= ~value;
		break;
	case ISPR:
		nvic->pending[w] |= value;
		break;
	case ICPR:
		nvic->pending[w] &= ~value;
		nvic->pending[w] |= nvic->level[w] & ~nvic->active[w];
		break;
	default:
		break;
	}
}

/* ---- access ---- */

static uint32_t read_scs(struct hf_machine *machine, uint32_t reg)
{
	struct hf_nvic *nvic = &machine->st.nvic;
	uint32_t value;

	if (reg >= ISER && reg < CPUID)
		return read_nvic(nvic, reg);
	if (reg >= SHPR1 && reg <= SHPR3)
		return priorities(nvic, 4 + (reg - SHPR1));
	switch (reg) {
	case ICTR: return (HF_MACHINE_IRQS - 1) / 32;
	case SYST_CSR:
		value = nvic->systick_ctrl;
		if (machine->config.coarse && (value & (TICK_ENABLE | TICK_INT | TICK_FLAG)) == TICK_ENABLE)
			skip_polls(machine);
		nvic->systick_ctrl &= ~(uint32_t)TICK_FLAG;
		return value;
	case SYST_RVR: return nvic->systick_load;
	case SYST_CVR: return tick_value(machine);
	case SYST_CALIB: return 0x40000000 | 18749;
	case CPUID: return 0x410fc241;
	case ICSR: return icsr(machine);
	case VTOR: return nvic->vtor;
	case AIRCR: return 0xfa050000 | nvic->prigroup << 8;
	case SCR: return nvic->scr;
	case CCR: return nvic->ccr;
	case SHCSR: return nvic->shcsr;
	case CFSR: return nvic->cfsr;
	case HFSR: return nvic->hfsr;
	case MMFAR: return nvic->mmfar;
	case BFAR: return nvic->bfar;
	case CPACR: return nvic->cpacr;
	case DEMCR: return nvic->demcr;
	default: return 0;
	}
}

static void write_scs(struct hf_machine *machine, uint32_t reg, uint32_t value)
{
	struct hf_nvic *nvic = &machine->st.nvic;

	if (reg >= ISER && reg < CPUID) {
		write_nvic(machine, reg, value);
		return;
	}
	if (reg >= SHPR1 && reg <= SHPR3) {
		set_priorities(machine, 4 + (reg - SHPR1), value);
		return;
	}
	switch (reg) {
	case SYST_CSR: tick_control(machine, value); break;
	case SYST_RVR: nvic->systick_load = value & 0xffffff; break;
	case SYST_CVR:
		nvic->systick_value = 0;
		nvic->systick_ctrl &= ~(uint32_t)TICK_FLAG;
		tick_start(machine, 0);
		break;
	case ICSR: write_icsr(machine, value); break;
	case VTOR: nvic->vtor = value & 0x3fffff80; break;
	case AIRCR: write_aircr(machine, value); break;
	case SCR: nvic->scr = value & 0x16; break;
	case CCR: nvic->ccr = value & 0x31b; break;
	case SHCSR: nvic->shcsr = value & 0x70000; break;
	case CFSR: nvic->cfsr &= ~value; break;
	case HFSR: nvic->hfsr &= ~value; break;
	case MMFAR: nvic->mmfar = value; break;
	case BFAR: nvic->bfar = value; break;
	case CPACR: nvic->cpacr = value; break;
	case DEMCR: change_trace(machine, value, nvic->dwt_ctrl); break;
	case STIR:
		if ((value & 0x1ff) < HF_MACHINE_IRQS)
			hf_nvic_pend(machine, EXC_IRQ0 + (value & 0x1ff));
		break;
	default: break;
	}
}

static uint32_t read_word(struct hf_machine *machine, uint32_t addr)
{
	if (addr >= SCS && addr < SCS + 0x1000)
		return read_scs(machine, addr - SCS);
	if (addr == DWT)
		return 0x40000000 | machine->st.nvic.dwt_ctrl;
	if (addr == DWT + 4)
		return cyccnt(machine);
	return addr == IDCODE ? IDCODE_F407 : 0;
}

uint32_t hf_scs_read(struct hf_machine *machine, uint32_t addr, unsigned size)
{
	uint32_t value;

	machine->st.seen_cycles = machine->st.cycles;
	value = read_word(machine, addr & ~3u) >> 8 * (addr & 3);
	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

static bool write_one_clears(uint32_t addr)
{
	return addr == SCS + CFSR || addr == SCS + HFSR;
}

void hf_scs_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value)
{
	uint32_t word = addr & ~3u;

	machine->st.seen_cycles = machine->st.cycles;
	machine->writes++;
	if (size < 4) {
		uint32_t mask = ((1u << 8 * size) - 1) << 8 * (addr & 3);
		uint32_t rest = write_one_clears(word) ? 0 : read_word(machine, word) & ~mask;

		value = (value << 8 * (addr & 3) & mask) | rest;
	}
	if (word >= SCS && word < SCS + 0x1000)
		write_scs(machine, word - SCS, value);
	else if (word == DWT)
		change_trace(machine, machine->st.nvic.demcr, value & CYCCNT_ENABLE);
	else if (word == DWT + 4)
		set_cyccnt(machine, value);
}

/* SPDX-License-Identifier: MIT
 *
 * Questions about the core: clocks, SysTick, exceptions, faults, cycles.
 */
#include "fw.h"

bool fw_clock_168(void)
{
	uint32_t tries = 4000; /* of some 8 cycles of 16 MHz */

	FLASH_ACR = 5 | 1 << 8 | 1 << 9 | 1 << 10;
	RCC_PLLCFGR = 16 | 336u << 6 | 0 << 16 | 7 << 24;
	RCC_CR |= 1u << 24;
	while (!(RCC_CR & 1u << 25))
		if (--tries == 0)
			return false;
	RCC_CFGR = 5 << 10 | 4 << 13 | 2;
	while ((RCC_CFGR & 0xc) != 8)
		;
	return true;
}

void fw_clock(void)
{
	answer(RCC_CSR);
	RCC_CSR = 1u << 24;
	answer(RCC_CSR);
	answer(fw_clock_168());
	answer(RCC_CFGR & 0xc);
	RCC_CR |= 1u << 16; /* HSE */
	for (uint32_t i = 0; i < 300000 && !(RCC_CR & 1u << 17); i++)
		;
	answer(RCC_CR >> 17 & 1);
	answer(REG(0x1fff7a10));
	answer(REG(0x1fff7a22) & 0xffff);
	answer(REG(0xe0042000) & 0xfff);
}

static volatile uint32_t ticks;

static void tick(void)
{
	ticks = ticks + 1;
}

void fw_systick(void)
{
	uint32_t first;

	fw_clock_168();
	DEMCR = 1 << 24;
	DWT_CTRL = 1;
	fw_on_systick = tick;
	SYST_RVR = 168000 - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	wait_for_interrupt();
	first = DWT_CYCCNT;
	answer(ticks);
	while (ticks < 11)
		wait_for_interrupt();
	answer(ticks);
	answer(DWT_CYCCNT - first); /* awake only */
	SYST_CSR = 0;
	answer(SYST_CVR <= 168000 - 1);
}

/* ---- exceptions ---- */

static void low(void)
{
	answer('C');
}

static void high(void)
{
	answer('B');
	answer(SCB_ICSR & 0x1ff);
	answer('b');
}

static void middle(void)
{
	answer('A');
	NVIC_ISPR = 1 << 8; /* lower: waits for our end */
	NVIC_ISPR = 1 << 7; /* higher: now */
	__asm volatile("dsb\nisb" ::: "memory");
	answer('a');
}

void fw_nesting(void)
{
	fw_on_irq[0] = middle;
	fw_on_irq[1] = high;
	fw_on_irq[2] = low;
	NVIC_IPR(6) = 0x40;
	NVIC_IPR(7) = 0x20;
	NVIC_IPR(8) = 0x60;
	NVIC_ISER = 7 << 6;
	NVIC_ISPR = 1 << 6;
	__asm volatile("dsb\nisb" ::: "memory");
	answer('.');
}

static void pendsv(void)
{
	answer('P');
}

void fw_masks(void)
{
	uint32_t basepri = 0x40;

	fw_on_irq[0] = low;
	fw_on_pendsv = pendsv;
	NVIC_IPR(6) = 0x40;
	SCB_SHPR(14) = 0xf0;
	NVIC_ISER = 1 << 6;
	interrupts(false);
	NVIC_ISPR = 1 << 6;
	SCB_ICSR = 1u << 28;
	__asm volatile("dsb\nisb" ::: "memory");
	answer(1);
	interrupts(true); /* C, then P */
	answer(2);
	__asm volatile("msr basepri, %0\nisb" ::"r"(basepri) : "memory");
	NVIC_ISPR = 1 << 6;
	__asm volatile("dsb\nisb" ::: "memory");
	answer(3);
	basepri = 0x50;
	__asm volatile("msr basepri, %0\nisb" ::"r"(basepri) : "memory"); /* C */
	answer(4);
	interrupts(false);
	NVIC_ISPR = 1 << 6;
	wait_for_interrupt(); /* wakes up in spite of PRIMASK */
	answer(5);
	interrupts(true); /* C */
	answer(6);
}

static uint32_t process_stack[64] __attribute__((aligned(8)));

/* What is measured on the process stack: r0 after SVC, CONTROL, the stack pointer. */
static uint32_t seen[3];

__attribute__((naked)) static void on_process_stack(uint32_t *top, uint32_t *out)
{
	(void)top;
	(void)out;
	__asm volatile("push {r4, r5, r6, lr}\n"
		       "mov r4, r1\n"
		       "msr psp, r0\n"
		       "movs r5, #2\n"
		       "msr control, r5\n"
		       "isb\n"
		       "push {r1}\n" /* a stack pointer that is only a multiple of four */
		       "movs r0, #50\n"
		       "cmp r0, r0\n"
		       "svc #3\n"
		       "ite eq\n"
		       "addeq r0, #100\n"
		       "addne r0, #200\n"
		       "str r0, [r4]\n"
		       "mrs r5, control\n"
		       "str r5, [r4, #4]\n"
		       "mov r5, sp\n"
		       "str r5, [r4, #8]\n"
		       "movs r5, #0\n"
		       "msr control, r5\n"
		       "isb\n"
		       "pop {r4, r5, r6, pc}\n");
}

void fw_svc_psp(void)
{
	register uint32_t r0 __asm("r0") = 40;

	__asm volatile("svc #2" : "+r"(r0)::"r1", "r2", "r3", "r12", "lr", "memory");
	answer(r0);
	on_process_stack(process_stack + 64, seen);
	answer(seen[0]);
	answer(seen[1]);
	answer((uint32_t)(process_stack + 63) - seen[2]);
}

static void skip(uint32_t *frame, uint32_t ipsr)
{
	answer(ipsr & 0x1ff);
	answer(SCB_CFSR);
	answer(SCB_HFSR);
	answer(SCB_BFAR);
	answer(frame[6] - (uint32_t)fw_faults);
	frame[6] = frame[5] & ~1u; /* to where the culprit would have returned */
	SCB_CFSR = 0xffffffff;
	SCB_HFSR = 0xffffffff;
}

__attribute__((naked)) static void bad_load(void)
{
	__asm volatile("movs r0, #0x60\n"
		       "lsls r0, r0, #24\n"
		       "movs r1, #1\n"
		       "ldr r2, [r0, #4]\n"
		       "movs r1, #2\n"
		       "bx lr\n");
}

__attribute__((naked)) static void undefined(void)
{
	__asm volatile("nop\n"
		       "udf #1\n"
		       "bx lr\n");
}

static void call(uint32_t addr)
{
	__asm volatile("blx %0" ::"r"(addr) : "r0", "r1", "r2", "r3", "r12", "lr", "memory");
}

void fw_faults(void)
{
	fw_on_fault = skip;
	call((uint32_t)bad_load);
	answer((uint32_t)bad_load - (uint32_t)fw_faults - 1);
	SCB_SHCSR = 7 << 16;
	call((uint32_t)undefined);
	answer((uint32_t)undefined - (uint32_t)fw_faults - 1);
	call(0x10000001); /* the CCM cannot be executed */
	call(0x20000100); /* no Thumb bit */
	call(0x30000001); /* nothing there */
}

static void fault_again(uint32_t *frame, uint32_t ipsr)
{
	(void)frame;
	(void)ipsr;
	answer(1);
	(void)REG(0x60000000);
}

void fw_lockup(void)
{
	fw_on_fault = fault_again;
	(void)REG(0x60000000);
}

/* ---- cycles ---- */

static uint32_t measure(void (*loop)(uint32_t), uint32_t times)
{
	uint32_t begin = DWT_CYCCNT;

	loop(times);
	return DWT_CYCCNT - begin;
}

/* Aligned so that the accelerator's lines do not depend on where the linker puts them. */
#define LOOP(name, body) \
	__attribute__((naked, aligned(16))) static void name(uint32_t times) \
	{ \
		(void)times; \
		__asm volatile("push {r4, lr}\n" \
			       "movs r1, #1\n" \
			       "ldr r2, =0x20010100\n" \
			       "1:\n" body "subs r0, #1\n" \
			       "bne 1b\n" \
			       "pop {r4, pc}\n" \
			       ".ltorg\n"); \
	}

LOOP(loop_empty, "")
LOOP(loop_add, "add r3, r1, r1\nadd r3, r1, r1\n")
LOOP(loop_load, "ldr r3, [r2]\nnop\n")
LOOP(loop_loads, "ldr r3, [r2]\nldr r4, [r2, #4]\nnop\n")
LOOP(loop_store, "str r3, [r2]\nnop\n")
LOOP(loop_multiply, "umull r3, r4, r1, r1\nmla r3, r1, r1, r1\n")
LOOP(loop_divide, "udiv r3, r0, r1\n")
LOOP(loop_push, "push {r0-r3}\npop {r0-r3}\n")
LOOP(loop_long, ".rept 600\nadds r3, r1, r1\n.endr\n") /* longer than 64 lines of 16 bytes */

static void (*const loops[])(uint32_t) = {
	loop_empty, loop_add, loop_load, loop_loads, loop_store, loop_multiply, loop_divide, loop_push,
	loop_long,
};

void fw_loops(void)
{
	DEMCR = 1 << 24;
	DWT_CTRL = 1;
	FLASH_ACR = argument(1);
	for (unsigned i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		measure(loops[i], 10);
		answer(measure(loops[i], 1001) - measure(loops[i], 1));
	}
}

void fw_busy(void)
{
	uint32_t x = argument(1);

	fw_clock_168();
	for (uint32_t i = 0; i < argument(2); i++)
		x = x * 1664525 + 1013904223;
	answer(x);
}

void fw_reset_itself(void)
{
	answer(RCC_CSR >> 24);
	REG(0x20008000) = REG(0x20008000) + 1;
	answer(REG(0x20008000));
	if (RCC_CSR & 1u << 28)
		return;
	SCB_AIRCR = 0x05fa0004;
	for (;;)
		;
}

/* All registers and flags survive an interrupt at any place. */
void fw_registers(void)
{
	uint32_t wrong;

	fw_on_systick = tick;
	SYST_RVR = 97;
	SYST_CVR = 0;
	SYST_CSR = 7;
	__asm volatile("movs %0, #0\n"
		       "ldr r12, =30000\n"
		       "movs r0, #10\nmovs r1, #11\nmovs r2, #12\nmovs r3, #13\nmovs r4, #14\nmovs r5, #15\n"
		       "1:\n"
		       "cmp r0, #10\nit ne\naddne %0, #1\n"
		       "cmp r1, #11\nit ne\naddne %0, #1\n"
		       "cmp r2, #12\nit ne\naddne %0, #1\n"
		       "cmp r3, #13\nit ne\naddne %0, #1\n"
		       "cmp r4, #14\nit ne\naddne %0, #1\n"
		       "cmp r5, #15\nit ne\naddne %0, #1\n"
		       "subs r12, #1\n"
		       "bne 1b\n"
		       : "=&l"(wrong)::"r0", "r1", "r2", "r3", "r4", "r5", "r12", "cc", "memory");
	SYST_CSR = 0;
	answer(wrong);
	answer(ticks);
}

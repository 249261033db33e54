/* SPDX-License-Identifier: MIT */
#include "fw.h"

#define STACK_TOP 0x20020000u

extern uint32_t fw_data[], fw_data_end[], fw_data_load[], fw_bss[], fw_bss_end[];

void (*volatile fw_on_systick)(void);
void (*volatile fw_on_irq[3])(void);
void (*volatile fw_on_pendsv)(void);
void (*volatile fw_on_fault)(uint32_t *frame, uint32_t ipsr);
uint32_t fw_fault[8];

void fw_start(void);
void fw_take_fault(uint32_t *frame, uint32_t ipsr);

static void (*const programs[])(void) = {
	fw_nothing, fw_clock, fw_systick, fw_nesting, fw_masks, fw_svc_psp, fw_faults, fw_lockup, fw_program,
	fw_flash_errors, fw_wrong_key, fw_erase, fw_erase_stalled, fw_watchdog, fw_backup, fw_write_words,
	fw_read_word, fw_new_code, fw_loops, fw_busy, fw_erase_all_ways, fw_reset_itself, fw_registers, fw_data_stall,
	fw_worn, fw_call,
};

__attribute__((noinline)) void fw_done(void)
{
	for (;;)
		wait_for_interrupt();
}

void fw_nothing(void)
{
}

/* By hand, and volatile so that it is not turned into a call: no library comes with it. */
static void copy(uint32_t *to, const uint32_t *from, const uint32_t *end)
{
	volatile uint32_t *out = to;

	while (to != end) {
		*out++ = *from++;
		to++;
	}
}

void fw_start(void)
{
	volatile uint32_t *bss = fw_bss;

	copy(fw_data, fw_data_load, fw_data_end);
	while (bss != fw_bss_end)
		*bss++ = 0;
	REG(FW_ANSWERS) = 0;
	programs[argument(0)]();
	fw_done();
}

void fw_take_fault(uint32_t *frame, uint32_t ipsr)
{
	for (unsigned i = 0; i < 8; i++)
		fw_fault[i] = frame[i];
	if (fw_on_fault)
		fw_on_fault(frame, ipsr);
	else
		fw_done();
}

/* The stack that the exception used, and its number. */
__attribute__((naked)) static void on_fault(void)
{
	__asm volatile("tst lr, #4\n"
		       "ite eq\n"
		       "mrseq r0, msp\n"
		       "mrsne r0, psp\n"
		       "mrs r1, ipsr\n"
		       "b fw_take_fault\n");
}

static void on_systick(void)
{
	if (fw_on_systick)
		fw_on_systick();
}

static void on_pendsv(void)
{
	if (fw_on_pendsv)
		fw_on_pendsv();
}

static void on_irq6(void)
{
	fw_on_irq[0]();
}

static void on_irq7(void)
{
	fw_on_irq[1]();
}

static void on_irq8(void)
{
	fw_on_irq[2]();
}

/* SVC n: r0 becomes r0 + n, through the stacked frame. */
__attribute__((naked)) static void on_svc(void)
{
	__asm volatile("tst lr, #4\n"
		       "ite eq\n"
		       "mrseq r0, msp\n"
		       "mrsne r0, psp\n"
		       "ldr r1, [r0, #24]\n"
		       "ldrb r1, [r1, #-2]\n"
		       "ldr r2, [r0]\n"
		       "add r2, r1\n"
		       "str r2, [r0]\n"
		       "bx lr\n");
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
	(void (*)(void))STACK_TOP, fw_start, on_fault, on_fault, on_fault, on_fault, on_fault, 0, 0, 0, 0,
	on_svc, 0, 0, on_pendsv, on_systick,
	0, 0, 0, 0, 0, 0, on_irq6, on_irq7, on_irq8,
};

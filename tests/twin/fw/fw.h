/* SPDX-License-Identifier: MIT
 *
 * Small programs that ask the machine questions. The test writes which one, and its arguments, into the last words of
 * flash; the program leaves its answers at a fixed place in RAM and goes to fw_done().
 */
#ifndef FW_H
#define FW_H

#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"

#define REG(addr) (*(volatile uint32_t *)(addr))

#define RCC_CR      REG(0x40023800)
#define RCC_PLLCFGR REG(0x40023804)
#define RCC_CFGR    REG(0x40023808)
#define RCC_APB1ENR REG(0x40023840)
#define RCC_CSR     REG(0x40023874)
#define FLASH_ACR   REG(0x40023c00)
#define FLASH_KEYR  REG(0x40023c04)
#define FLASH_OPTKEYR REG(0x40023c08)
#define FLASH_SR    REG(0x40023c0c)
#define FLASH_CR    REG(0x40023c10)
#define FLASH_OPTCR REG(0x40023c14)
#define PWR_CR      REG(0x40007000)
#define RTC_BKP(n)  REG(0x40002850 + 4 * (n))
#define IWDG_KR     REG(0x40003000)
#define IWDG_PR     REG(0x40003004)
#define IWDG_RLR    REG(0x40003008)
#define IWDG_SR     REG(0x4000300c)
#define SYST_CSR    REG(0xe000e010)
#define SYST_RVR    REG(0xe000e014)
#define SYST_CVR    REG(0xe000e018)
#define NVIC_ISER   REG(0xe000e100)
#define NVIC_ISPR   REG(0xe000e200)
#define NVIC_IPR(n) (*(volatile uint8_t *)(0xe000e400 + (n)))
#define SCB_ICSR    REG(0xe000ed04)
#define SCB_VTOR    REG(0xe000ed08)
#define SCB_AIRCR   REG(0xe000ed0c)
#define SCB_SHPR(n) (*(volatile uint8_t *)(0xe000ed18 + (n) - 4))
#define SCB_SHCSR   REG(0xe000ed24)
#define SCB_CFSR    REG(0xe000ed28)
#define SCB_HFSR    REG(0xe000ed2c)
#define SCB_BFAR    REG(0xe000ed38)
#define DEMCR       REG(0xe000edfc)
#define DWT_CTRL    REG(0xe0001000)
#define DWT_CYCCNT  REG(0xe0001004)

#define RAMFUNC __attribute__((section(".ramcode"), noinline, long_call))

struct fw_answers {
	uint32_t count;
	uint32_t value[63];
};

static inline void answer(uint32_t value)
{
	volatile struct fw_answers *a = (volatile struct fw_answers *)FW_ANSWERS;

	a->value[a->count] = value;
	a->count = a->count + 1;
}

static inline uint32_t argument(unsigned n)
{
	return REG(FW_ARGS + 4 * n);
}

static inline void wait_for_interrupt(void)
{
	__asm volatile("wfi" ::: "memory");
}

static inline void interrupts(bool on)
{
	if (on)
		__asm volatile("cpsie i" ::: "memory");
	else
		__asm volatile("cpsid i" ::: "memory");
}

void fw_done(void); /* never returns; the test stops here */
bool fw_clock_168(void); /* PLL from HSI, 5 wait states, accelerator on; false: it did not lock within 2 ms */
extern void (*volatile fw_on_systick)(void);
extern void (*volatile fw_on_irq[3])(void); /* interrupts 6, 7, 8 */
extern void (*volatile fw_on_pendsv)(void);
extern uint32_t fw_fault[8]; /* the frame of the last fault */
/* Called by the fault handlers with the stacked frame; may change its PC. */
extern void (*volatile fw_on_fault)(uint32_t *frame, uint32_t ipsr);

void flash_unlock(void);
void flash_wait(void);
void flash_wait_ram(void);

/* The programs, in the order of their numbers. */
void fw_nothing(void);
void fw_clock(void);
void fw_systick(void);
void fw_nesting(void);
void fw_masks(void);
void fw_svc_psp(void);
void fw_faults(void);
void fw_lockup(void);
void fw_program(void);
void fw_flash_errors(void);
void fw_wrong_key(void);
void fw_erase(void);
void fw_erase_stalled(void);
void fw_watchdog(void);
void fw_backup(void);
void fw_write_words(void);
void fw_read_word(void);
void fw_new_code(void);
void fw_loops(void);
void fw_busy(void);
void fw_erase_all_ways(void);
void fw_reset_itself(void);
void fw_registers(void);
void fw_data_stall(void);
void fw_worn(void);
void fw_call(void);

#endif

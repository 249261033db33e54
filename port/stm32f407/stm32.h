/* SPDX-License-Identifier: MIT
 *
 * The registers of the STM32F407 that Holdfast touches, by the names of ST's RM0090, and nothing else of them.
 *
 * Addresses are macros and not structs of volatile members: the chip's reserved holes then need no padding fields, and
 * a driver that serves several instances of a peripheral (USART, DMA stream, timer) takes a base address. Code that
 * runs while flash is busy may use all of it: nothing here is a constant in memory.
 */
#ifndef HF_STM32_H
#define HF_STM32_H

#include <stdint.h>

#define HF_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Flash memory, which the chip fixes; partitions are the board's. */
#define FLASH_BASE 0x08000000u
#define FLASH_SIZE 0x00100000u
#define UID_BASE   0x1fff7a10u

/* What the factory measured at 3.3 V (DS8626, 5.3.21 and 5.3.24): the reference at 30 C, the sensor at 30 C and 110 C. */
#define CAL_VREFINT (*(const volatile uint16_t *)(uintptr_t)0x1fff7a2au)
#define CAL_TS_30   (*(const volatile uint16_t *)(uintptr_t)0x1fff7a2cu)
#define CAL_TS_110  (*(const volatile uint16_t *)(uintptr_t)0x1fff7a2eu)

/* The chip's own loader, and what lies at address 0. */
#define ROM_BASE       0x1fff0000u
#define SYSCFG_MEMRMP  HF_REG(0x40013800u)
#define SYSCFG_MEM_ROM 1u

/* Debug unit: which chip this is. */
#define DBGMCU_IDCODE HF_REG(0xe0042000u)

/* Flash controller. */
#define FLASH_ACR         HF_REG(0x40023c00u)
#define FLASH_KEYR        HF_REG(0x40023c04u)
#define FLASH_SR          HF_REG(0x40023c0cu)
#define FLASH_CR          HF_REG(0x40023c10u)
#define FLASH_ACR_PRFTEN  (1u << 8)
#define FLASH_ACR_ICEN    (1u << 9)
#define FLASH_ACR_DCEN    (1u << 10)
#define FLASH_ACR_ICRST   (1u << 11)
#define FLASH_ACR_DCRST   (1u << 12)
#define FLASH_KEY1        0x45670123u
#define FLASH_KEY2        0xcdef89abu
#define FLASH_SR_EOP      (1u << 0)
#define FLASH_SR_OPERR    (1u << 1)
#define FLASH_SR_WRPERR   (1u << 4)
#define FLASH_SR_PGAERR   (1u << 5)
#define FLASH_SR_PGPERR   (1u << 6)
#define FLASH_SR_PGSERR   (1u << 7)
#define FLASH_SR_BSY      (1u << 16)
#define FLASH_SR_ERRORS   (FLASH_SR_OPERR | FLASH_SR_WRPERR | FLASH_SR_PGAERR | FLASH_SR_PGPERR | FLASH_SR_PGSERR)
#define FLASH_CR_PG       (1u << 0)
#define FLASH_CR_SER      (1u << 1)
#define FLASH_CR_SNB(n)   ((uint32_t)(n) << 3)
#define FLASH_CR_PSIZE_32 (2u << 8)
#define FLASH_CR_STRT     (1u << 16)
#define FLASH_CR_LOCK     (1u << 31)

/* Reset and clock control. */
#define RCC_CR              HF_REG(0x40023800u)
#define RCC_PLLCFGR         HF_REG(0x40023804u)
#define RCC_CFGR            HF_REG(0x40023808u)
#define RCC_AHB1RSTR        HF_REG(0x40023810u)
#define RCC_APB1RSTR        HF_REG(0x40023820u)
#define RCC_APB2RSTR        HF_REG(0x40023824u)
#define RCC_AHB1ENR         HF_REG(0x40023830u)
#define RCC_AHB2ENR         HF_REG(0x40023834u)
#define RCC_AHB2_RNG        (1u << 6)
#define RCC_APB1ENR         HF_REG(0x40023840u)
#define RCC_APB2ENR         HF_REG(0x40023844u)
#define RCC_CSR             HF_REG(0x40023874u)
#define RCC_CR_HSION        (1u << 0)
#define RCC_CR_HSIRDY       (1u << 1)
#define RCC_CR_PLLON        (1u << 24)
#define RCC_CR_PLLRDY       (1u << 25)
#define RCC_PLLCFGR_RESET   0x24003010u
#define RCC_CFGR_SW_PLL     2u
#define RCC_CFGR_SWS        (3u << 2)
#define RCC_CFGR_SWS_PLL    (2u << 2)
#define RCC_CFGR_PPRE1_DIV4 (5u << 10)
#define RCC_CFGR_PPRE2_DIV2 (4u << 13)
#define RCC_AHB1ENR_RESET   0x00100000u /* the CCM's clock */
#define RCC_AHB1_DMA1       (1u << 21)
#define RCC_AHB1_DMA2       (1u << 22)
#define RCC_APB1_PWR        (1u << 28)
#define RCC_APB2_ADC1       (1u << 8)
#define RCC_APB2_SYSCFG     (1u << 14)
#define RCC_CSR_RMVF        (1u << 24)
#define RCC_CSR_BORRSTF     (1u << 25)
#define RCC_CSR_PINRSTF     (1u << 26)
#define RCC_CSR_PORRSTF     (1u << 27)
#define RCC_CSR_SFTRSTF     (1u << 28)
#define RCC_CSR_IWDGRSTF    (1u << 29)
#define RCC_CSR_WWDGRSTF    (1u << 30)
#define RCC_CSR_LPWRRSTF    (1u << 31)

/* Power control, backup registers 0 to 19. */
#define PWR_CR      HF_REG(0x40007000u)
#define PWR_CR_DBP  (1u << 8)
#define RTC_BKPR(n) HF_REG(0x40002850u + 4u * (n))

/* Independent watchdog. */
#define IWDG_KR         HF_REG(0x40003000u)
#define IWDG_PR         HF_REG(0x40003004u)
#define IWDG_RLR        HF_REG(0x40003008u)
#define IWDG_SR         HF_REG(0x4000300cu)
#define IWDG_KEY_UNLOCK 0x5555u
#define IWDG_KEY_FEED   0xaaaau
#define IWDG_KEY_START  0xccccu

/* GPIO; port A is 0. */
#define GPIO_BASE(port)     (0x40020000u + 0x400u * (port))
#define GPIO_MODER(port)    HF_REG(GPIO_BASE(port) + 0x00u)
#define GPIO_OSPEEDR(port)  HF_REG(GPIO_BASE(port) + 0x08u)
#define GPIO_PUPDR(port)    HF_REG(GPIO_BASE(port) + 0x0cu)
#define GPIO_IDR(port)      HF_REG(GPIO_BASE(port) + 0x10u)
#define GPIO_BSRR(port)     HF_REG(GPIO_BASE(port) + 0x18u)
#define GPIO_AFR(port, pin) HF_REG(GPIO_BASE(port) + 0x20u + 4u * ((pin) / 8u))

/* USART n of 1 to 6. */
#define USART_BASE(n)    ((n) == 1u ? 0x40011000u : (n) == 6u ? 0x40011400u : 0x40004400u + 0x400u * ((n) - 2u))
#define USART_IRQ(n)     ((n) == 6u ? 71u : (n) >= 4u ? 48u + (n) : 36u + (n))
#define USART_SR(base)   HF_REG((base) + 0x00u)
#define USART_DR(base)   HF_REG((base) + 0x04u)
#define USART_BRR(base)  HF_REG((base) + 0x08u)
#define USART_CR1(base)  HF_REG((base) + 0x0cu)
#define USART_CR2(base)  HF_REG((base) + 0x10u)
#define USART_CR3(base)  HF_REG((base) + 0x14u)
#define USART_SR_PE      (1u << 0)
#define USART_SR_FE      (1u << 1)
#define USART_SR_NE      (1u << 2)
#define USART_SR_ORE     (1u << 3)
#define USART_SR_IDLE    (1u << 4)
#define USART_SR_RXNE    (1u << 5)
#define USART_SR_TC      (1u << 6)
#define USART_SR_TXE     (1u << 7)
#define USART_CR1_RE     (1u << 2)
#define USART_CR1_TE     (1u << 3)
#define USART_CR1_IDLEIE (1u << 4)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_TCIE   (1u << 6)
#define USART_CR1_TXEIE  (1u << 7)
#define USART_CR1_PCE    (1u << 10)
#define USART_CR1_M      (1u << 12)
#define USART_CR1_UE     (1u << 13)
#define USART_CR3_EIE    (1u << 0)
#define USART_CR3_DMAR   (1u << 6)

/* DMA controller's base, stream s of 0 to 7. */
#define DMA1_BASE          0x40026000u
#define DMA2_BASE          0x40026400u
#define DMA_IFCR(base, s)  HF_REG((base) + ((s) < 4u ? 0x08u : 0x0cu))
#define DMA_SCR(base, s)   HF_REG((base) + 0x10u + 0x18u * (s))
#define DMA_SNDTR(base, s) HF_REG((base) + 0x14u + 0x18u * (s))
#define DMA_SPAR(base, s)  HF_REG((base) + 0x18u + 0x18u * (s))
#define DMA_SM0AR(base, s) HF_REG((base) + 0x1cu + 0x18u * (s))
#define DMA_SCR_EN         (1u << 0)
#define DMA_SCR_CIRC       (1u << 8)
#define DMA_SCR_MINC       (1u << 10)
#define DMA_SCR_PL_HIGH    (2u << 16)
#define DMA_SCR_CHSEL(n)   ((uint32_t)(n) << 25)

/* Random numbers. */
#define RNG_CR        HF_REG(0x50060800u)
#define RNG_SR        HF_REG(0x50060804u)
#define RNG_DR        HF_REG(0x50060808u)
#define RNG_CR_RNGEN  (1u << 2)
#define RNG_SR_DRDY   (1u << 0)
#define RNG_SR_CEIS   (1u << 5)
#define RNG_SR_SEIS   (1u << 6)

/* The converter, as far as the chip measures itself with it; channels by number, those from 10 on sampled by SMPR1. */
#define ADC1_SR         HF_REG(0x40012000u)
#define ADC1_CR2        HF_REG(0x40012008u)
#define ADC1_SMPR1      HF_REG(0x4001200cu)
#define ADC1_SQR1       HF_REG(0x4001202cu)
#define ADC1_SQR3       HF_REG(0x40012034u)
#define ADC1_DR         HF_REG(0x4001204cu)
#define ADC_CCR         HF_REG(0x40012304u)
#define ADC_SR_EOC      (1u << 1)
#define ADC_CR2_ADON    (1u << 0)
#define ADC_CR2_SWSTART (1u << 30)
#define ADC_SMP_480(n)  (7u << 3u * ((n) - 10u))
#define ADC_CCR_DIV_8   (3u << 16)
#define ADC_CCR_TSVREFE (1u << 23)
#define ADC_TEMPERATURE 16u
#define ADC_VREFINT     17u

/* Timers, as far as PWM needs them; channel 1 to 4. */
#define TIM_CR1(base)           HF_REG((base) + 0x00u)
#define TIM_EGR(base)           HF_REG((base) + 0x14u)
#define TIM_CCMR(base, channel) HF_REG((base) + ((channel) <= 2u ? 0x18u : 0x1cu))
#define TIM_CCER(base)          HF_REG((base) + 0x20u)
#define TIM_PSC(base)           HF_REG((base) + 0x28u)
#define TIM_ARR(base)           HF_REG((base) + 0x2cu)
#define TIM_CCR(base, channel)  HF_REG((base) + 0x30u + 4u * (channel))
#define TIM_BDTR(base)          HF_REG((base) + 0x44u)

/* The core's own: SysTick, NVIC, system control block. */
#define SYST_CSR           HF_REG(0xe000e010u)
#define SYST_RVR           HF_REG(0xe000e014u)
#define SYST_CVR           HF_REG(0xe000e018u)
#define SYST_CSR_ENABLE    (1u << 0)
#define SYST_CSR_TICKINT   (1u << 1)
#define SYST_CSR_CORE      (1u << 2)
#define SYST_CSR_COUNTFLAG (1u << 16)
#define NVIC_ISER(i)       HF_REG(0xe000e100u + 4u * (i))
#define NVIC_ICER(i)       HF_REG(0xe000e180u + 4u * (i))
#define NVIC_ICPR(i)       HF_REG(0xe000e280u + 4u * (i))
#define SCB_ICSR           HF_REG(0xe000ed04u)
#define SCB_VTOR           HF_REG(0xe000ed08u)
#define SCB_AIRCR          HF_REG(0xe000ed0cu)
#define SCB_CFSR           HF_REG(0xe000ed28u)
#define SCB_BFAR           HF_REG(0xe000ed38u)
#define SCB_ICSR_PENDSTCLR (1u << 25)
#define SCB_ICSR_PENDSVCLR (1u << 27)
#define SCB_AIRCR_RESET    0x05fa0004u

static inline void hf_barrier(void)
{
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

#endif

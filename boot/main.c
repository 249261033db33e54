/* SPDX-License-Identifier: MIT
 *
 * Boot: choose, verify, jump.
 *
 * Invariant: no code of a slot runs but what was verified in this very start, and never without the watchdog. Boot writes
 * by the journal only, erases nothing, waits for nothing without a limit, and expects nothing of RAM. It is frozen when
 * the first device ships; so it stays small enough to be read in an evening.
 */
#include "board.h"
#include "choose.h"
#include "report.h"

#include "port/crypto_mbed.h"
#include "port/led_stage.h"
#include "port/stm32f407/chip.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/iwdg.h"
#include "port/stm32f407/led.h"
#include "port/stm32f407/reset.h"
#include "port/stm32f407/start.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"
#include "port/stm32f407/usart.h"

static const struct hf_usart_config maintenance = {
	.number = HF_BOARD_MAINT_USART,
	.alternate = HF_BOARD_MAINT_AF,
	.tx_port = HF_BOARD_MAINT_TX_PORT,
	.tx_pin = HF_BOARD_MAINT_TX_PIN,
	.rx_port = HF_BOARD_MAINT_RX_PORT,
	.rx_pin = HF_BOARD_MAINT_RX_PIN,
	.baud = HF_BOARD_MAINT_BAUD,
};
static const struct hf_led_config light = {
	.port = HF_BOARD_LED_PORT,
	.pin = HF_BOARD_LED_PIN,
	.alternate = HF_BOARD_LED_AF,
	.timer = HF_BOARD_LED_TIM,
	.channel = HF_BOARD_LED_CHANNEL,
	.active_low = HF_BOARD_LED_ACTIVE_LOW,
};

_Static_assert(HF_CLOCK_CAN(HF_BOARD_SYSCLK_HZ), "the board file's sysclk_hz");

static struct hf_clock clock;
static struct hf_report report;
static struct hf_led led;
static struct hf_flash flash;
static struct hf_keyset keyset;
static struct hf_choose choose;
static uint8_t device_id[HF_DEVICE_ID_BYTES];

/* Shows `no firmware` for a time; 0: for ever. Without the watchdog: there is nothing that could hang. The core sleeps; a
 * pending interrupt wakes it, and is never taken. */
static void stay(uint32_t time_ms)
{
	__asm__ volatile("cpsid i" ::: "memory");
	hf_systick_start(clock.core_hz, true);
	for (uint32_t ms = 0; time_ms == 0 || ms < time_ms; ms++) {
		__asm__ volatile("wfi" ::: "memory");
		SCB_ICSR = SCB_ICSR_PENDSTCLR;
		hf_led_set(&led, hf_led_stage_level(HF_STAGE_NO_FIRMWARE, ms));
	}
	hf_systick_start(clock.core_hz, false);
}

/* The application finds the chip as a reset leaves it, but for the watchdog and the backup registers. */
static _Noreturn void start(const struct hf_handover *handover)
{
	hf_usart_drain(report.usart);
	hf_reset_hand_over(handover);
	hf_iwdg_start();
	hf_reset_close();
	hf_systick_stop();
	hf_clock_reset();
	hf_start_jump(choose.image[handover->place].image_addr);
}

static uint8_t reason_of(const struct hf_boot_decision *d)
{
	if (choose.fact[d->place].component != HF_COMPONENT_RECOVERY)
		return HF_RECOVERY_NONE;
	return d->action == HF_BOOT_START ? HF_RECOVERY_STAGED : HF_RECOVERY_NOTHING;
}

int main(void)
{
	const struct hf_layout *layout = &hf_board_layout;
	struct hf_bytes page = { (const uint8_t *)(uintptr_t)layout->keyset.addr, layout->keyset.size };
	struct hf_boot_decision d;
	enum hf_reset_cause cause;
	enum hf_err err;
	size_t used;

	hf_reset_open();
	cause = hf_reset_take_cause();
	hf_clock_start(&clock, HF_BOARD_SYSCLK_HZ);
	hf_led_open(&led, &light, &clock);
	report.usart = hf_usart_open(&maintenance, &clock);
	hf_report_banner(&report, cause, &clock);

	hf_flash_f4_open_append(&flash, layout);
	hf_chip_device_id(device_id);
	err = hf_keyset_parse(page, &keyset, &used);
	if (err) {
		hf_report_no_keyset(&report, err);
		stay(0);
	}
	choose.env = (struct hf_slot_env){ &flash, layout, &hf_mbed_crypto, &keyset, device_id };
	d = hf_choose(&choose, cause, HF_WISH_NONE);
	hf_report_findings(&report, &choose, d.place);
	if (d.action == HF_BOOT_STAY) {
		hf_report_stay(&report);
		stay(0);
	}
	hf_report_start(&report, &choose, d.place, d.action == HF_BOOT_LAST_RESORT);
	if (d.action == HF_BOOT_LAST_RESORT)
		stay(HF_LAST_RESORT_MS);
	start(&(struct hf_handover){ .cause = (uint8_t)cause,
				     .place = d.place,
				     .reason = reason_of(&d),
				     .last_resort = d.last_resort });
}

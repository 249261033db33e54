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
#include "entry.h"
#include "report.h"

#include "port/crypto_mbed.h"
#include "port/led_stage.h"
#include "port/stm32f407/chip.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/iwdg.h"
#include "port/stm32f407/led.h"
#include "port/stm32f407/parts.h"
#include "port/stm32f407/reset.h"
#include "port/stm32f407/start.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"
#include "port/stm32f407/usart.h"

static const struct hf_usart_config maintenance = HF_PARTS_MAINTENANCE;
static const struct hf_led_config light = HF_PARTS_LIGHT;

#define ROM_DELAY_MS 4500u /* long enough to tell the light's pattern */

_Static_assert(HF_CLOCK_CAN(HF_BOARD_SYSCLK_HZ), "the board file's sysclk_hz");

static struct hf_clock clock;
static struct hf_report report;
static struct hf_led led;
static struct hf_flash flash;
static struct hf_choose choose;
static uint8_t device_id[HF_DEVICE_ID_BYTES];

/* Shows `no firmware` for a time. Without the watchdog: there is nothing that could hang. The core sleeps; a pending
 * interrupt wakes it, and is never taken. */
static void show_nothing(uint32_t time_ms)
{
	__asm__ volatile("cpsid i" ::: "memory");
	hf_systick_start(clock.core_hz, true);
	for (uint32_t ms = 0; ms < time_ms; ms++) {
		__asm__ volatile("wfi" ::: "memory");
		SCB_ICSR = SCB_ICSR_PENDSTCLR;
		hf_led_set(&led, hf_led_stage_level(HF_STAGE_NO_FIRMWARE, ms));
	}
	hf_systick_start(clock.core_hz, false);
}

/* What we start finds the chip as a reset leaves it, but for the watchdog and the backup registers. */
static _Noreturn void start(unsigned place)
{
	hf_usart_drain(report.usart);
	hf_iwdg_start();
	hf_reset_close();
	hf_systick_stop();
	hf_clock_reset();
	hf_start_jump(choose.image[place].image_addr);
}

/* The chip's own loader waits for a host, and feeds no watchdog: it is started right behind a reset. It expects its
 * vectors at address 0, as after a start with the BOOT0 strap. */
static _Noreturn void start_rom(void)
{
	hf_reset_close();
	RCC_APB2ENR |= RCC_APB2_SYSCFG;
	(void)RCC_APB2ENR;
	SYSCFG_MEMRMP = SYSCFG_MEM_ROM;
	hf_start_jump(ROM_BASE);
}

/* Nothing may be started. Where backup registers keep nothing (no chip of ours does that) we come back here. */
static _Noreturn void leave_to_rom(void)
{
	hf_report_stay(&report);
	hf_usart_drain(report.usart);
	show_nothing(ROM_DELAY_MS);
	hf_reset_request(HF_REQUEST_ROM);
}

static uint8_t reason_of(const struct hf_boot_decision *d, const struct hf_entry *entry)
{
	if (choose.fact[d->place].component != HF_COMPONENT_RECOVERY)
		return HF_RECOVERY_NONE;
	if (d->action == HF_BOOT_START)
		return HF_RECOVERY_STAGED;
	return entry->reason ? entry->reason : HF_RECOVERY_NOTHING;
}

static _Noreturn void choose_and_start(enum hf_reset_cause cause, const struct hf_entry *entry)
{
	struct hf_boot_decision d = hf_choose(&choose, cause, (enum hf_boot_wish)entry->wish);
	struct hf_handover handover = { .cause = (uint8_t)cause, .place = d.place, .last_resort = d.last_resort };

	hf_report_findings(&report, &choose, d.place);
	if (d.action != HF_BOOT_STAY)
		handover.reason = reason_of(&d, entry);
	hf_reset_hand_over(&handover, hf_start_repairs(&choose.journal.repairs) |
					      (choose.journal_err ? HF_START_NO_JOURNAL : 0));
	if (d.action == HF_BOOT_STAY)
		leave_to_rom();
	hf_report_start(&report, &choose, &handover, d.action == HF_BOOT_LAST_RESORT);
	if (d.action == HF_BOOT_LAST_RESORT)
		show_nothing(HF_LAST_RESORT_MS);
	start(d.place);
}

int main(void)
{
	const struct hf_layout *layout = &hf_board_layout;
	enum hf_request request;
	enum hf_reset_cause cause;
	struct hf_entry entry;

	hf_clock_reset(); /* the chip's loader may have started us, without a reset */
	hf_reset_open();
	request = hf_reset_take_request();
	if (request == HF_REQUEST_ROM)
		start_rom();
	cause = hf_reset_take_cause();
	hf_clock_start(&clock, HF_BOARD_SYSCLK_HZ);
	hf_led_open(&led, &light, &clock);
	report.usart = hf_usart_open(&maintenance, &clock);
	hf_report_banner(&report, cause, &clock);
	entry = hf_entry_take(request, cause, report.usart);

	hf_flash_f4_open_append(&flash, layout);
	hf_chip_device_id(device_id);
	choose.env = (struct hf_slot_env){ &flash, layout, &hf_mbed_crypto, NULL, device_id };
	choose.factory = (struct hf_bytes){ (const uint8_t *)(uintptr_t)layout->keyset.addr, layout->keyset.size };
	choose_and_start(cause, &entry);
}

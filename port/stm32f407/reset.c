/* SPDX-License-Identifier: MIT
 *
 * hf_reset_now and hf_reset_fault run from RAM in the gateway, whatever state flash is in; so does what they call.
 */
#include "reset.h"

#include "stm32.h"

#define CRASH_WORDS 5u
#define CRASH_TOLD  0x80000000u /* of the first: a program has taken it, and it is kept for who asks later */

void hf_reset_open(void)
{
	RCC_APB1ENR |= RCC_APB1_PWR;
	(void)RCC_APB1ENR;
	PWR_CR |= PWR_CR_DBP;
}

void hf_reset_close(void)
{
	PWR_CR &= ~PWR_CR_DBP;
}

static bool tagged(unsigned number, uint32_t tag, uint32_t *value)
{
	uint32_t word = RTC_BKPR(number);

	*value = word & 0xffff;
	return word >> 16 == tag;
}

/* A power loss clears the other flags in hardware; a watchdog's or software's reset sets the pin's flag too. */
static enum hf_reset_cause cause_of(uint32_t csr, bool marked)
{
	if (csr & (RCC_CSR_IWDGRSTF | RCC_CSR_WWDGRSTF))
		return HF_RESET_WATCHDOG;
	if (csr & RCC_CSR_LPWRRSTF) /* stop or standby was entered where the option bytes forbid it */
		return HF_RESET_FAULT;
	if (csr & RCC_CSR_SFTRSTF)
		return marked ? HF_RESET_FAULT : HF_RESET_REQUEST;
	if (csr & (RCC_CSR_PORRSTF | RCC_CSR_BORRSTF))
		return HF_RESET_POWER;
	return csr & RCC_CSR_PINRSTF ? HF_RESET_PIN : HF_RESET_POWER;
}

/* A power-on sets the brown-out's flag, too. */
static void begin_start(enum hf_reset_cause cause, uint32_t csr)
{
	uint32_t before = RTC_BKPR(HF_BKP_STARTS), word = cause;
	uint32_t row = before & HF_START_SETTLED ? 0 : HF_START_ROW(before);

	if ((csr & (RCC_CSR_PORRSTF | RCC_CSR_BORRSTF)) == RCC_CSR_BORRSTF)
		word |= HF_START_BROWN_OUT;
#pragma GCC unroll 1
	for (unsigned i = HF_STARTS - 1; i > 0; i--)
		RTC_BKPR(HF_BKP_STARTS + i) = RTC_BKPR(HF_BKP_STARTS + i - 1);
	RTC_BKPR(HF_BKP_STARTS) = word | (row + (row < 255)) << 24;
}

enum hf_reset_cause hf_reset_take_cause(void)
{
	uint32_t ignored, crashes, csr = RCC_CSR;
	bool marked = tagged(HF_BKP_MARKER, HF_TAG_MARKER, &ignored);
	enum hf_reset_cause cause = cause_of(csr, marked);

	RCC_CSR |= RCC_CSR_RMVF;
	begin_start(cause, csr);
	RTC_BKPR(HF_BKP_MARKER) = 0;
	if (!tagged(HF_BKP_CRASHES, HF_TAG_CRASHES, &crashes) || cause == HF_RESET_POWER)
		crashes = 0;
	if ((cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT) && crashes < 0xffff)
		crashes++;
	RTC_BKPR(HF_BKP_CRASHES) = HF_TAG_CRASHES << 16 | crashes;
	return cause;
}

enum hf_request hf_reset_take_request(void)
{
	uint32_t request;
	bool there = tagged(HF_BKP_REQUEST, HF_TAG_REQUEST, &request);

	RTC_BKPR(HF_BKP_REQUEST) = 0;
	return there ? (enum hf_request)request : HF_REQUEST_NONE;
}

bool hf_reset_take_pattern(enum hf_reset_cause cause)
{
	uint32_t presses;
	bool complete;

	if (!tagged(HF_BKP_PRESSES, HF_TAG_PRESSES, &presses) || cause != HF_RESET_PIN)
		presses = 0;
	presses += cause == HF_RESET_PIN;
	complete = presses >= HF_PATTERN_PRESSES;
	RTC_BKPR(HF_BKP_PRESSES) = HF_TAG_PRESSES << 16 | (complete ? 0 : presses);
	return complete;
}

void hf_reset_hand_over(const struct hf_handover *h, uint32_t found)
{
	RTC_BKPR(HF_BKP_STARTS) |= found | ((h->place + 1u) & 3u) << 8 | (uint32_t)h->reason << 4;
	RTC_BKPR(HF_BKP_HANDOVER) = HF_TAG_HANDOVER << 16 | (uint32_t)h->cause << 8 | (uint32_t)h->last_resort << 7 |
				    (uint32_t)h->reason << 4 | h->place;
}

bool hf_reset_handover(struct hf_handover *h)
{
	uint32_t value;
	bool there = tagged(HF_BKP_HANDOVER, HF_TAG_HANDOVER, &value) && value >> 8 <= HF_RESET_FAULT;

	if (!there)
		value = HF_RESET_POWER << 8;
	h->cause = (uint8_t)(value >> 8);
	h->last_resort = value >> 7 & 1;
	h->reason = value >> 4 & 7;
	h->place = value & 0xf;
	return there;
}

enum hf_reset_cause hf_reset_cause(void)
{
	struct hf_handover h;

	(void)hf_reset_handover(&h);
	return (enum hf_reset_cause)h.cause;
}

bool hf_reset_take_crash(struct hf_crash *crash)
{
	uint32_t word[CRASH_WORDS];

	for (unsigned i = 0; i < CRASH_WORDS; i++)
		word[i] = RTC_BKPR(HF_BKP_CRASH + i);
	if (word[0] & CRASH_TOLD)
		word[0] = HF_FAULT_NONE;
	else if (word[0] != HF_FAULT_NONE)
		RTC_BKPR(HF_BKP_CRASH) |= CRASH_TOLD;
	*crash = (struct hf_crash){word[0], word[1], word[2], word[3], word[4]};
	return crash->kind != HF_FAULT_NONE && hf_reset_cause() == HF_RESET_FAULT;
}

unsigned hf_reset_crashes(void)
{
	uint32_t crashes;

	return tagged(HF_BKP_CRASHES, HF_TAG_CRASHES, &crashes) ? crashes : 0;
}

void hf_reset_healthy(void)
{
	RTC_BKPR(HF_BKP_CRASHES) = HF_TAG_CRASHES << 16;
}

void hf_reset_settled(void)
{
	RTC_BKPR(HF_BKP_PRESSES) = 0;
	if (RTC_BKPR(HF_BKP_STARTS))
		RTC_BKPR(HF_BKP_STARTS) |= HF_START_SETTLED;
}

void hf_reset_look(struct hf_blackbox_port *out)
{
	for (unsigned i = 0; i < HF_STARTS; i++)
		out->start[i] = RTC_BKPR(HF_BKP_STARTS + i);
	for (unsigned i = 0; i < CRASH_WORDS; i++)
		out->crash[i] = RTC_BKPR(HF_BKP_CRASH + i);
	out->crash[0] &= ~CRASH_TOLD;
	out->crashes = (uint16_t)hf_reset_crashes();
}

void hf_reset_told(void)
{
	for (unsigned i = 0; i < HF_STARTS; i++)
		if (RTC_BKPR(HF_BKP_STARTS + i))
			RTC_BKPR(HF_BKP_STARTS + i) |= HF_START_TOLD;
}

_Noreturn void hf_reset_request(enum hf_request request)
{
	RTC_BKPR(HF_BKP_REQUEST) = HF_TAG_REQUEST << 16 | (uint32_t)request;
	hf_reset_now();
}

_Noreturn void hf_reset_now(void)
{
	hf_barrier();
	SCB_AIRCR = SCB_AIRCR_RESET;
	hf_barrier();
	for (;;)
		;
}

_Noreturn void hf_reset_fault(const struct hf_crash *crash)
{
	RTC_BKPR(HF_BKP_CRASH + 0) = crash->kind;
	RTC_BKPR(HF_BKP_CRASH + 1) = crash->pc;
	RTC_BKPR(HF_BKP_CRASH + 2) = crash->lr;
	RTC_BKPR(HF_BKP_CRASH + 3) = crash->cfsr;
	RTC_BKPR(HF_BKP_CRASH + 4) = crash->bfar;
	RTC_BKPR(HF_BKP_MARKER) = HF_TAG_MARKER << 16 | (crash->kind & 0xffff);
	hf_reset_now();
}

const char *hf_reset_cause_text(enum hf_reset_cause cause)
{
	switch (cause) {
	case HF_RESET_POWER:
		return "power";
	case HF_RESET_PIN:
		return "pin";
	case HF_RESET_REQUEST:
		return "request";
	case HF_RESET_WATCHDOG:
		return "watchdog";
	case HF_RESET_FAULT:
		return "fault";
	}
	return "unknown";
}

const char *hf_recovery_reason_text(enum hf_recovery_reason reason)
{
	switch (reason) {
	case HF_RECOVERY_NONE:
		return "";
	case HF_RECOVERY_PIN:
		return "pin";
	case HF_RECOVERY_PATTERN:
		return "reset pattern";
	case HF_RECOVERY_LINE:
		return "line";
	case HF_RECOVERY_REQUEST:
		return "request";
	case HF_RECOVERY_NOTHING:
		return "no firmware";
	case HF_RECOVERY_STAGED:
		return "staged";
	}
	return "unknown";
}

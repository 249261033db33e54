/* SPDX-License-Identifier: MIT
 *
 * Text goes straight to the UART, a piece at a time: a buffer for lines would cost more code than all the words.
 */
#include "report.h"

#include "board.h"
#include "port/stm32f407/usart.h"

static void put(const struct hf_report *r, const char *text)
{
	while (*text)
		hf_usart_send(r->usart, text++, 1);
}

static void put_number(const struct hf_report *r, uint32_t value)
{
	char digits[11];
	char *p = &digits[sizeof digits - 1];

	*p = 0;
	do
		*--p = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put(r, p);
}

/* 1.2.3, or 1.2.3-rc.1: pre-releases are negative parts (-1 rc, -2 beta, -3 alpha). */
static void put_version(const struct hf_report *r, const struct hf_image *image)
{
	for (unsigned i = 0; i < image->versions; i++) {
		int32_t part = image->version[i];

		if (part < 0) {
			put(r, part == -1 ? "-rc" : part == -2 ? "-beta" : "-alpha");
			continue;
		}
		if (i > 0)
			put(r, ".");
		put_number(r, (uint32_t)part);
	}
}

static void end(const struct hf_report *r)
{
	put(r, "\r\n");
}

/* The first number that is not below err gives the word. */
static const char *word(enum hf_err err)
{
	static const struct {
		uint8_t up_to;
		char text[11];
	} words[] = {
		{ HF_ERR_CRC, "damaged" },
		{ HF_ERR_DIGEST, "digest" },
		{ HF_ERR_SIGNATURE, "signature" },
		{ HF_ERR_KEY, "key" },
		{ HF_ERR_KEYSET, "keyset" },
		{ HF_ERR_DEVICE, "not for us" },
		{ HF_ERR_SLOT, "version" },
		{ HF_ERR_REJECTED, "rejected" },
		{ HF_ERR_NOT_FOUND, "empty" },
	};

	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (err <= words[i].up_to)
			return words[i].text;
	}
	return "flash";
}

void hf_report_banner(const struct hf_report *r, enum hf_reset_cause cause, const struct hf_clock *clock)
{
	put(r, "boot: holdfast " HF_VERSION " on " HF_BOARD_FILE ", reset: ");
	put(r, hf_reset_cause_text(cause));
	if (!clock->pll)
		put(r, ", no PLL");
	end(r);
}

static void put_error(const struct hf_report *r, const char *what, enum hf_err err)
{
	put(r, what);
	put(r, word(err));
	if (err != HF_ERR_NOT_FOUND) {
		put(r, ", error ");
		put_number(r, err);
	}
	end(r);
}

static const char place_name[HF_PLACES][16] = {
	[HF_PLACE_A] = "boot: slot A ",
	[HF_PLACE_B] = "boot: slot B ",
	[HF_PLACE_RECOVERY] = "boot: recovery ",
};

void hf_report_findings(const struct hf_report *r, const struct hf_choose *c, unsigned chosen)
{
	enum hf_err err = c->blank ? HF_ERR_NOT_FOUND : c->journal_err;

	if (err)
		put_error(r, "boot: journal ", err);
	if (c->keyset_err)
		put_error(r, "boot: ", c->keyset_err);
	for (unsigned i = 0; i < HF_PLACES; i++) {
		err = c->fact[i].why;
		if (!err && i < HF_SLOTS && c->state.slot[i].state == HF_SLOT_REJECTED)
			err = HF_ERR_REJECTED;
		if (err && i != chosen)
			put_error(r, place_name[i], err);
	}
}

#define TEXT(macro)   TEXT_OF(macro)
#define TEXT_OF(text) #text

void hf_report_start(const struct hf_report *r, const struct hf_choose *c, const struct hf_handover *handover, bool later)
{
	unsigned place = handover->place;
	const struct hf_slot_journal *s = place < HF_SLOTS ? &c->state.slot[place] : NULL;

	put(r, place_name[place]);
	put_version(r, &c->image[place]);
	put(r, " verified, starting");
	if (later) {
		put(r, " in 60 s: nothing else is left");
	} else if (handover->reason) {
		put(r, " recovery: ");
		put(r, hf_recovery_reason_text((enum hf_recovery_reason)handover->reason));
	} else if (s && s->state == HF_SLOT_TRIAL) {
		put(r, " (trial ");
		put_number(r, s->starts);
		put(r, " of " TEXT(HF_TRIAL_STARTS) ")");
	}
	end(r);
}

void hf_report_stay(const struct hf_report *r)
{
	put(r, "boot: nothing to start, leaving to the ROM\r\n");
}

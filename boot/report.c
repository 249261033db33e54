/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "board.h"
#include "port/stm32f407/reset.h"
#include "port/stm32f407/usart.h"
#include "port/text.h"

#define LINE_MAX 128

static void send(const struct hf_report *r, struct hf_text *t)
{
	hf_usart_send(r->usart, t->buf, t->len);
	hf_usart_send(r->usart, "\r\n", 2);
}

static struct hf_text begin(char line[LINE_MAX])
{
	struct hf_text t = hf_text_begin(line, LINE_MAX);

	hf_text_add(&t, "boot: ");
	return t;
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

static void add_error(struct hf_text *t, enum hf_err err)
{
	hf_text_add(t, word(err));
	hf_text_add(t, ", error ");
	hf_text_add_number(t, err);
}

void hf_report_banner(const struct hf_report *r, enum hf_reset_cause cause, const struct hf_clock *clock)
{
	char line[LINE_MAX];
	struct hf_text t = begin(line);

	hf_text_add(&t, "holdfast " HF_VERSION " on " HF_BOARD_FILE ", reset: ");
	hf_text_add(&t, hf_reset_cause_text(cause));
	if (!clock->pll)
		hf_text_add(&t, ", no PLL");
	send(r, &t);
}

static void say_error(const struct hf_report *r, const char *what, enum hf_err err)
{
	char line[LINE_MAX];
	struct hf_text t = begin(line);

	hf_text_add(&t, what);
	add_error(&t, err);
	send(r, &t);
}

void hf_report_no_keyset(const struct hf_report *r, enum hf_err err)
{
	say_error(r, "", err);
	hf_report_stay(r);
}

static const char *slot_name(unsigned slot)
{
	return slot == 0 ? "slot A: " : "slot B: ";
}

void hf_report_findings(const struct hf_report *r, const struct hf_choose *c, unsigned chosen)
{
	if (c->blank || c->journal_err)
		say_error(r, "journal: ", c->journal_err ? c->journal_err : HF_ERR_NOT_FOUND);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (i != chosen && c->fact[i].fact == HF_FACT_BAD)
			say_error(r, slot_name(i), c->fact[i].why);
		else if (i != chosen && c->state.slot[i].state == HF_SLOT_REJECTED)
			say_error(r, slot_name(i), HF_ERR_REJECTED);
	}
}

void hf_report_start(const struct hf_report *r, const struct hf_choose *c, unsigned slot, bool later)
{
	const struct hf_slot_journal *s = &c->state.slot[slot];
	char line[LINE_MAX];
	struct hf_text t = begin(line);

	hf_text_add(&t, slot == 0 ? "slot A " : "slot B ");
	hf_text_add_version(&t, c->image[slot].version, c->image[slot].versions);
	hf_text_add(&t, " verified, starting");
	if (later) {
		hf_text_add(&t, " in 60 s: nothing else is left");
	} else if (s->state == HF_SLOT_TRIAL) {
		hf_text_add(&t, " (trial ");
		hf_text_add_number(&t, s->starts);
		hf_text_add(&t, " of ");
		hf_text_add_number(&t, HF_TRIAL_STARTS);
		hf_text_add(&t, ")");
	}
	send(r, &t);
}

void hf_report_stay(const struct hf_report *r)
{
	char line[LINE_MAX];
	struct hf_text t = begin(line);

	hf_text_add(&t, "nothing to start");
	send(r, &t);
}

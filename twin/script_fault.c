/* SPDX-License-Identifier: MIT
 *
 * The commands that make memory, clocks and lines fail. What a fault does is said in twin.h; here are its numbers only, and
 * those that make no sense are refused by the twin.
 */
#include "script_words.h"

#include <stdlib.h>

/* "WORD N", in any order, each at most once; what is not given stays 0. */
struct option {
	const char *word;
	uint64_t *value;
};

static enum hf_err take_options(struct hf_words *w, struct option *option, unsigned options)
{
	for (unsigned i = 0; i < options; i++) {
		if (option[i].value == NULL || !hf_words_accept(w, option[i].word))
			continue;
		enum hf_err err = hf_words_number(w, option[i].value);
		if (err != HF_OK)
			return err;
		option[i].value = NULL;
		i = UINT32_MAX; /* from the first again */
	}
	return HF_OK;
}

enum hf_err hf_script_unstable(struct hf_words *w, struct hf_command *c)
{
	struct option option[] = { { "seed", &c->fault.seed } };
	enum hf_err err = hf_words_word32(w, &c->addr);
	if (err == HF_OK)
		err = hf_words_word32(w, &c->fault.size);
	if (err == HF_OK)
		err = hf_words_share(w, &c->rate);
	return err == HF_OK ? take_options(w, option, 1) : err;
}

enum hf_err hf_script_worn(struct hf_words *w, struct hf_command *c)
{
	struct option option[] = { { "after", &c->fault.at }, { "seed", &c->fault.seed } };
	static const char *const kinds[] = { "healed", "flagged", "silent" }; /* as enum hf_twin_worn */
	enum hf_err err = hf_words_word32(w, &c->fault.sector);
	if (err != HF_OK)
		return err;
	for (c->fault.kind = 0; c->fault.kind < 3; c->fault.kind++)
		if (hf_words_accept(w, kinds[c->fault.kind]))
			return take_options(w, option, 2);
	return hf_words_wrong(w, "'flagged', 'silent' or 'healed'");
}

enum hf_err hf_script_disturb(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = hf_words_word32(w, &c->addr);
	if (err == HF_OK)
		err = hf_words_word32(w, &c->bits);
	if (err == HF_OK && !hf_words_accept(w, "after"))
		err = hf_words_wrong(w, "'after' and a number of reads");
	return err == HF_OK ? hf_words_number(w, &c->fault.at) : err;
}

enum hf_err hf_script_flash_speed(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = hf_words_word32(w, &c->fault.permille);
	if (err == HF_OK && (c->fault.permille < 1 || c->fault.permille > 100000)) {
		w->at--;
		return hf_words_wrong(w, "thousandths of the usual time, from 1 to 100000");
	}
	return err;
}

enum hf_err hf_script_lsi(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = hf_words_word32(w, &c->fault.lsi_hz);
	if (err == HF_OK && (c->fault.lsi_hz < 17000 || c->fault.lsi_hz > 47000)) {
		w->at--;
		return hf_words_wrong(w, "17000 to 47000 Hz, which is what the chip's oscillator may have,");
	}
	return err;
}

static enum hf_err take_ppm(struct hf_words *w, int32_t limit, int32_t *ppm)
{
	const char *text = hf_words_peek(w);
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end != 0 || value < -limit || value > limit)
		return hf_words_wrong(w, limit == 100000 ? "millionths from -100000 to 100000" : "millionths");
	*ppm = (int32_t)value;
	w->at++;
	return HF_OK;
}

enum hf_err hf_script_hsi(struct hf_words *w, struct hf_command *c)
{
	c->fault.of_hsi = true;
	return take_ppm(w, 100000, &c->fault.ppm);
}

enum hf_err hf_script_line(struct hf_words *w, struct hf_command *c)
{
	/* As enum hf_twin_line_kind, from 1. */
	static const char *const kinds[] = { "flip", "burst", "lost", "repeat", "noise", "drift", "stall" };
	struct option option[] = { { "at", &c->fault.at }, { "count", &c->fault.count }, { "seed", &c->fault.seed } };
	enum hf_err err = HF_OK;
	if (hf_words_accept(w, "heal"))
		return HF_OK;
	c->fault.to_device = hf_words_accept(w, "in");
	if (!c->fault.to_device && !hf_words_accept(w, "out"))
		return hf_words_wrong(w, "'in' (to the device), 'out' or 'heal'");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && c->fault.kind == 0; i++)
		if (hf_words_accept(w, kinds[i]))
			c->fault.kind = (unsigned)i + 1;
	if (c->fault.kind == 0)
		return hf_words_wrong(w, "'flip', 'burst', 'lost', 'repeat', 'noise', 'drift' or 'stall'");
	if (hf_words_accept(w, "ppm"))
		err = take_ppm(w, 1000000, &c->fault.ppm);
	return err == HF_OK ? take_options(w, option, 3) : err;
}

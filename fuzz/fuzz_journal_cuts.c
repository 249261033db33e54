/* SPDX-License-Identifier: MIT
 *
 * A journal in use, with the power cut wherever the input says, and a model beside it: a list. After each mount the journal
 * says what the model says, with what was under way there as a whole or not at all, and it says the same at every later mount;
 * but where it comes up without room (journal.h), that is open until it has some.
 *
 * Input: steps of 4 bytes: u8 what (append, append twice, take over, arm a cut, restart), u8 how, u16 when.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "mutate.h"
#include "sim_flash.h"

#define STEP  4u
#define STEPS 96u
#define LIST  256u
#define TYPE  0x50 /* none that state.h knows: the journal does not care */

static const struct hf_layout layout = {
	.name = "cuts",
	.sectors = 2,
	.sector = { { 0x08000000, 1024 }, { 0x08000400, 1024 } },
	.journal = { { 0x08000000, 1024 }, { 0x08000400, 1024 } },
};

struct list {
	uint32_t item[LIST];
	unsigned count;
};

/* What outlives a power loss: static, as it is read behind a longjmp. */
static struct sim_flash flash;
static struct hf_journal journal;
static struct list model;
static struct list goal;       /* ... once the operation under way is done */
static struct list other[16];  /* what the journal may say instead, as an operation was begun or done in part */
static unsigned others;
static uint32_t counter;
static bool mounted;

static void push(struct list *l, uint32_t item)
{
	must(l->count < LIST);
	l->item[l->count++] = item;
}

static bool equal(const struct list *a, const struct list *b)
{
	return a->count == b->count && memcmp(a->item, b->item, a->count * sizeof a->item[0]) == 0;
}

static struct hf_record record_of(uint32_t item)
{
	struct hf_record r = { .type = TYPE };

	store_le32(r.data, item);
	return r;
}

static void read_all(struct list *l)
{
	struct hf_record r;
	uint16_t slot = 1;

	l->count = 0;
	while (hf_journal_next(&journal, &slot, &r) == HF_OK) {
		must(r.type == TYPE && r.flags == 0);
		push(l, load_le32(r.data));
	}
}

static enum hf_err write_list(void *ctx, struct hf_journal *to)
{
	const struct list *l = ctx;

	for (unsigned i = 0; i < l->count; i++) {
		struct hf_record r = record_of(l->item[i]);
		enum hf_err err = hf_journal_append(to, &r);

		if (err)
			return err;
	}
	return HF_OK;
}

static void may_say(const struct list *l)
{
	for (unsigned i = 0; i < others; i++)
		if (equal(&other[i], l))
			return;
	must(others < sizeof other / sizeof other[0]);
	other[others++] = *l;
}

/* The operation is done: what it promised is so. */
static void settle(void)
{
	model = goal;
	others = 0;
}

/* Keeps the last few records. */
static void take_over(unsigned keep)
{
	keep = keep < model.count ? keep : model.count;
	goal.count = 0;
	for (unsigned i = model.count - keep; i < model.count; i++)
		push(&goal, model.item[i]);
	may_say(&goal);
	must(hf_journal_take_over(&journal, write_list, &goal) == HF_OK);
	settle();
}

static void append(bool twice)
{
	struct hf_record r = record_of(++counter);
	unsigned before = others;
	enum hf_err err;

	goal = model;
	for (unsigned i = 0; i < (twice ? 2 : 1); i++) {
		push(&goal, counter);
		may_say(&goal);
	}
	err = twice ? hf_journal_append_twice(&journal, &r) : hf_journal_append(&journal, &r);
	must(err == HF_OK || err == HF_ERR_FULL);
	if (err == HF_OK) {
		settle();
		return;
	}
	others = before;
	take_over(4);
}

static void check(void)
{
	bool same, known = false;
	struct list is;

	read_all(&is);
	same = equal(&is, &model);
	for (unsigned i = 0; i < others; i++)
		known |= equal(&is, &other[i]);
	must(same || known);
	model = is;
	if (!same || hf_journal_free(&journal) > 0)
		others = 0;
	mounted = true;
}

/* Cut before it was ever made, it may not be there. */
static void mount(void)
{
	enum hf_err err = hf_journal_mount(&journal, &flash.ops, layout.journal);

	must(err == HF_OK || (err == HF_ERR_NOT_FOUND && model.count == 0));
	check();
	if (err)
		take_over(0);
}

static void step(const uint8_t *s)
{
	unsigned when = load_le16(s + 2);

	switch (s[0] % 8) {
	case 0:
		take_over(s[1] % 8);
		break;
	case 1:
		append(true);
		break;
	case 2:
	case 3:
		flash.cut_at = flash.operation + 1 + when % 80;
		flash.cut = (enum sim_cut)(s[1] % SIM_CUTS);
		flash.random ^= when * 2654435761u;
		break;
	case 4:
		sim_flash_power_on(&flash);
		mount();
		break;
	default:
		append(false);
	}
	if (flash.cut == SIM_CUT_NONE)
		flash.cut_at = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static size_t at;
	static jmp_buf lost;

	sim_flash_open(&flash, &layout);
	model.count = others = 0;
	counter = 0;
	mounted = false;
	at = 0;
	flash.power_lost = &lost;
	if (setjmp(lost) != 0) {
		sim_flash_power_on(&flash);
		mounted = false;
	}
	if (!mounted)
		mount();
	while (len - at >= STEP && at < STEP * STEPS) {
		at += STEP;
		step(data + at - STEP);
	}
	/* And for good. */
	flash.cut_at = 0;
	for (unsigned i = 0; i < 4; i++) {
		sim_flash_power_on(&flash);
		mount();
	}
	append(false);
	sim_flash_power_on(&flash);
	mount();
	sim_flash_close(&flash);
	return 0;
}

static size_t measure(const uint8_t *s, size_t len)
{
	(void)s;
	return len < STEP ? len : STEP;
}

static size_t make(struct chance *c, uint8_t *s, size_t max)
{
	(void)max;
	s[0] = (uint8_t)chance_below(c, 8);
	s[1] = (uint8_t)chance_below(c, 256);
	store_le16(s + 2, (uint16_t)chance_below(c, chance_one_in(c, 2) ? 12 : 80));
	return STEP;
}

static size_t alter(struct chance *c, uint8_t *s, size_t len, size_t max)
{
	if (len < STEP)
		return make(c, s, max);
	if (chance_one_in(c, 2))
		s[1] = (uint8_t)chance_below(c, 256);
	else
		store_le16(s + 2, (uint16_t)(load_le16(s + 2) + chance_below(c, 7) - 3));
	return len;
}

const struct steps fuzz_steps = { measure, alter, make, .bytes_one_in = 16, .most = 4 };

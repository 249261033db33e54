/* SPDX-License-Identifier: MIT
 *
 * The journal over all that can happen to it, to a stated depth: journal_model [DEPTH].
 *
 * Two sectors of twenty slots. A state is what lies in flash, power off. From each, every session is played: a mount, and a few
 * appends and take-overs; it ends by itself, or is cut at each of its flash operations, in each way in which flash can be left.
 * A word that a cut left between two values has three: at each read it may be as it was, as it was to be, or between, and every
 * such sequence of readings is played (next_choice). The states that sessions leave are told apart, and
 * sessions are played from them in turn, to the depth: depth 2 is a second cut in the recovery from the first.
 *
 * The rule: what a mount finds is the records from the first to one that was at least acknowledged and at most begun; the next
 * mount, whatever it reads, finds the same, but where the journal says that it is closed.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "journal.h"

#define SLOTS   20u
#define SECTOR  (SLOTS * HF_RECORD_BYTES)
#define BASE    0x08000000u
#define WORDS   (2 * SECTOR / 4)
#define NUMBER  0x42
#define CHOICES 24u
#define ERASED  0xffffffffu

static const struct hf_span sectors[2] = { { BASE, SECTOR }, { BASE + SECTOR, SECTOR } };

/* Flash without power. A word whose `open` bits are not 0 reads as it likes there. */
struct flash {
	uint32_t word[WORDS];
	uint32_t open[WORDS];
	uint32_t acknowledged; /* the last record that surely stands */
	uint32_t begun;        /* the last one that may stand */
	uint8_t life;          /* sessions so far: records of different sessions differ */
};

enum cut { CUT_NONE, CUT_BEFORE, CUT_TORN, CUT_OPEN, CUT_HALF, CUT_STALE, CUTS };

static const char *const cut_names[CUTS] = {
	"not cut", "cut before it", "torn", "left open", "half erased, the rest as before", "half erased, the rest first"
};

/* The session that is played. */
static struct {
	struct flash f;
	unsigned operation, cut_at;
	enum cut cut;
	uint8_t choice[CHOICES];   /* what an open word reads as, one after the other */
	unsigned choices;
	jmp_buf lost;
	uint32_t found;
	bool closed;               /* the journal said that it cannot settle */
	const char *broken;
} s;

static void rule(bool holds, const char *text)
{
	if (!holds && !s.broken)
		s.broken = text;
}

static uint32_t read_word(uint32_t index)
{
	static const uint32_t reads[] = { 0xffffffff, 0, 0x0ff0c33c };
	uint32_t open = s.f.open[index];

	if (open == 0)
		return s.f.word[index];
	if (s.choices == CHOICES) {
		rule(false, "no more readings of open words than the model tries");
		return s.f.word[index];
	}
	return (s.f.word[index] & ~open) | (reads[s.choice[s.choices++]] & open);
}

static enum hf_err flash_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
	uint8_t *out = buf;

	(void)ctx;
	for (size_t i = 0; i < len; i += 4)
		store_le32(out + i, read_word((uint32_t)(addr - BASE + i) / 4));
	return HF_OK;
}

static void lose_power(void)
{
	longjmp(s.lost, 1);
}

static enum hf_err program_word(uint32_t index, uint32_t data)
{
	uint32_t clears = (s.f.word[index] | s.f.open[index]) & ~data;

	if (++s.operation == s.cut_at) {
		if (s.cut == CUT_TORN) {
			s.f.word[index] &= ~(clears & 0x5a5a3c3c);
			s.f.open[index] &= ~(clears & 0x5a5a3c3c);
		} else if (s.cut == CUT_OPEN) {
			s.f.open[index] |= clears;
		}
		lose_power();
	}
	s.f.word[index] &= data;
	s.f.open[index] &= data;
	return read_word(index) == data ? HF_OK : HF_ERR_FLASH_PROGRAM;
}

static enum hf_err flash_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	enum hf_err err = HF_OK;

	(void)ctx;
	for (size_t i = 0; i < len && !err; i += 4)
		err = program_word((uint32_t)(addr - BASE + i) / 4, load_le32((const uint8_t *)data + i));
	return err;
}

/* Torn: some bits are set, for good. Half: the first words are blank, and the rest is as before, or the other way round. */
static void tear_sector(uint32_t first)
{
	uint32_t half = SECTOR / 8;

	for (uint32_t i = 0; i < SECTOR / 4; i++) {
		bool blank = s.cut == CUT_HALF ? i < half : s.cut == CUT_STALE && i >= half;
		uint32_t *word = &s.f.word[first + i];

		if (s.cut == CUT_TORN && *word != ERASED)
			*word |= 0x33cc0ff0;
		if (blank || (s.cut == CUT_OPEN && i % 8 != 0))
			*word = ERASED;
		else if (s.cut == CUT_OPEN && i / 8 % (SLOTS - 1) == 0) /* the headers may read as before */
			s.f.open[first + i] |= ~*word;
		if (blank)
			s.f.open[first + i] = 0;
	}
}

static enum hf_err flash_erase(void *ctx, uint32_t addr)
{
	uint32_t first = (addr - BASE) / 4;

	(void)ctx;
	if (++s.operation == s.cut_at) {
		if (s.cut != CUT_BEFORE)
			tear_sector(first);
		lose_power();
	}
	for (uint32_t i = 0; i < SECTOR / 4; i++) {
		s.f.word[first + i] = ERASED;
		s.f.open[first + i] = 0;
	}
	return HF_OK;
}

static const struct hf_flash flash = { NULL, flash_read, flash_program, flash_erase };

/* ---- sessions ---- */

static struct hf_record numbered(uint32_t n)
{
	struct hf_record r = { .type = NUMBER };

	r.data[0] = s.f.life;
	store_le32(r.data + 2, n);
	store_le16(r.data + 24, (uint16_t)~(n * 251u + s.f.life));
	return r;
}

/* A snapshot says all up to the last record. */
static enum hf_err write_snapshot(void *ctx, struct hf_journal *to)
{
	struct hf_record r = numbered(*(const uint32_t *)ctx);

	return hf_journal_append(to, &r);
}

/* Each record is the successor of the one before it: none is missing, none comes twice. */
static uint32_t last_record(struct hf_journal *j)
{
	struct hf_record r;
	uint16_t slot = 1;
	uint32_t last = 0;
	bool first = true;

	while (hf_journal_next(j, &slot, &r) == HF_OK) {
		uint32_t n = load_le32(r.data + 2);

		rule(r.type == NUMBER && (first || n == last + 1), "the records follow each other");
		last = n;
		first = false;
	}
	return last;
}

static void take_over(struct hf_journal *j)
{
	uint32_t n = s.f.acknowledged;

	rule(hf_journal_take_over(j, write_snapshot, &n) == HF_OK, "a take-over succeeds where memory works");
}

static void append(struct hf_journal *j)
{
	struct hf_record r;

	if (hf_journal_free(j) == 0)
		take_over(j);
	r = numbered(s.f.acknowledged + 1);
	s.f.begun = s.f.acknowledged + 1;
	rule(hf_journal_append(j, &r) == HF_OK, "an append succeeds where there is room");
	s.f.acknowledged = s.f.begun;
}

static const char *const scripts[] = { "", "a", "t", "aa", "at", "ta" };
#define SCRIPTS (sizeof scripts / sizeof scripts[0])

static void session(const char *script)
{
	struct hf_journal j;
	enum hf_err err = hf_journal_mount(&j, &flash, sectors);

	s.f.life++;
	rule(err == HF_OK || (err == HF_ERR_NOT_FOUND && s.f.acknowledged == 0), "a journal that is there is found");
	s.found = err ? 0 : last_record(&j);
	s.closed = err || j.stuck;
	rule(s.found >= s.f.acknowledged && s.found <= s.f.begun, "all that was acknowledged is there, and nothing that was not begun");
	if (s.closed && *script && !err) { /* what it says counts once it is taken over */
		s.f.acknowledged = s.found;
		take_over(&j);
		s.f.begun = s.found;
	} else if (!s.closed) {
		s.f.acknowledged = s.f.begun = s.found;
	}
	if (err)
		take_over(&j);
	for (; *script && !s.broken; script++) {
		if (*script == 'a')
			append(&j);
		else
			take_over(&j);
	}
}

/* Plays one session on this flash; the choices are set. True: it was not cut. */
static bool play(const struct flash *f, const char *script, unsigned cut_at, enum cut cut)
{
	s.f = *f;
	s.operation = 0;
	s.cut_at = cut_at;
	s.cut = cut;
	s.choices = 0;
	s.broken = NULL;
	if (setjmp(s.lost) != 0)
		return false;
	session(script);
	return true;
}

/* The next sequence of readings, as an odometer turns; false: there are no more. */
static bool next_choice(void)
{
	for (unsigned i = s.choices; i-- > 0;) {
		if (++s.choice[i] < 3) {
			memset(s.choice + i + 1, 0, CHOICES - i - 1);
			return true;
		}
		s.choice[i] = 0;
	}
	memset(s.choice, 0, sizeof s.choice);
	return false;
}

/* ---- the search ---- */

struct node {
	struct flash f;
	uint32_t from;
	uint8_t script, cut;
	uint16_t cut_at;
};

static struct node *nodes;
static uint32_t *table;
static uint32_t count, limit, mask;
static unsigned long played;
static bool failed;

static uint64_t hash(const struct flash *f)
{
	uint64_t h = f->acknowledged * 31u + f->begun;

	for (unsigned i = 0; i < WORDS; i++) {
		h = (h ^ f->word[i]) * 0xff51afd7ed558ccdu;
		h = (h ^ (h >> 29) ^ f->open[i]) * 0xc4ceb9fe1a85ec53u;
		h ^= h >> 32;
	}
	return h;
}

static bool same(const struct flash *a, const struct flash *b)
{
	return memcmp(a->word, b->word, sizeof a->word) == 0 && memcmp(a->open, b->open, sizeof a->open) == 0 &&
	       a->acknowledged == b->acknowledged && a->begun == b->begun;
}

static void remember(uint32_t from, unsigned script, unsigned cut_at, enum cut cut)
{
	uint32_t i = (uint32_t)hash(&s.f) & mask;

	for (; table[i] != 0; i = (i + 1) & mask)
		if (same(&nodes[table[i] - 1].f, &s.f))
			return;
	if (count == limit) {
		rule(false, "the model has room for its states");
		return;
	}
	nodes[count] = (struct node){ s.f, from, (uint8_t)script, (uint8_t)cut, (uint16_t)cut_at };
	table[i] = ++count;
}

static void tell(uint32_t at)
{
	if (nodes[at].from != UINT32_MAX) {
		tell(nodes[at].from);
		printf("#    mount, then \"%s\": operation %u %s\n", scripts[nodes[at].script], nodes[at].cut_at, cut_names[nodes[at].cut]);
	}
}

static void broken(uint32_t at, const char *script, unsigned cut_at, enum cut cut)
{
	if (!failed) {
		printf("# BROKEN: %s\n", s.broken);
		tell(at);
		printf("#    mount, then \"%s\": operation %u %s; readings", script, cut_at, cut_names[cut]);
		for (unsigned i = 0; i < s.choices; i++)
			printf(" %u", s.choice[i]);
		printf("; acknowledged %u, begun %u, found %u\n", (unsigned)nodes[at].f.acknowledged, (unsigned)nodes[at].f.begun,
		       (unsigned)s.found);
	}
	failed = true;
}

/* Whatever is read next time: the same records. */
static void check_again(uint32_t at, const struct flash *settled, uint32_t found)
{
	uint8_t choice[CHOICES];
	unsigned choices = s.choices;

	memcpy(choice, s.choice, sizeof choice);
	memset(s.choice, 0, sizeof s.choice);
	do {
		(void)play(settled, "", 0, CUT_NONE);
		played++;
		rule(s.found == found, "what one mount has found the next one finds");
		if (s.broken)
			broken(at, "(again)", 0, CUT_NONE);
	} while (next_choice() && !failed);
	memcpy(s.choice, choice, sizeof choice);
	s.choices = choices;
}

/* One session, cut there or not, in all readings. `keep`: what it leaves is for the next depth. Returns its operations. */
static unsigned all_readings(uint32_t at, unsigned script, unsigned cut_at, enum cut cut, bool keep)
{
	unsigned operations = 0;

	memset(s.choice, 0, sizeof s.choice);
	do {
		bool whole = play(&nodes[at].f, scripts[script], cut_at, cut);

		played++;
		if (s.broken) {
			broken(at, scripts[script], cut_at, cut);
			return 0;
		}
		if (s.operation > operations)
			operations = s.operation;
		if (whole && !s.closed && *scripts[script] == 0) {
			const struct flash settled = s.f;

			check_again(at, &settled, s.found);
		}
		if (keep && !failed && (!whole || *scripts[script] != 0))
			remember(at, script, cut_at, cut);
	} while (next_choice() && !failed);
	return operations;
}

static void expand(uint32_t at, bool keep)
{
	for (unsigned script = 0; script < SCRIPTS && !failed; script++) {
		unsigned operations = all_readings(at, script, 0, CUT_NONE, keep);

		for (unsigned n = 1; keep && n <= operations && !failed; n++)
			for (unsigned cut = CUT_BEFORE; cut < CUTS && !failed; cut++)
				(void)all_readings(at, script, n, (enum cut)cut, true);
	}
}

/* A journal that has worked for so many sessions. */
static void begin(unsigned records)
{
	struct flash f = { .life = 0 };

	memset(f.word, 0xff, sizeof f.word);
	(void)play(&f, "", 0, CUT_NONE);
	for (unsigned i = 0; i < records; i++) {
		f = s.f;
		(void)play(&f, "a", 0, CUT_NONE);
	}
	remember(UINT32_MAX, 0, 0, CUT_NONE);
}

int main(int argc, char **argv)
{
	unsigned depth = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2;
	uint32_t from = 0;

	limit = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 400000;
	mask = (1u << 22) - 1;
	nodes = malloc(limit * sizeof *nodes);
	table = calloc(mask + 1u, sizeof *table);
	if (!nodes || !table)
		return 2;
	printf("1..1\n");
	begin(0);
	begin(5);
	for (unsigned d = 1; d <= depth + 1 && !failed; d++) {
		uint32_t end = count;

		for (; from < end && !failed; from++)
			expand(from, d <= depth);
		if (d <= depth && !failed)
			printf("# %u cuts: %u states, %lu sessions\n", d, count, played);
		fflush(stdout);
	}
	printf("# %u states of flash, all that %u cut sessions lead to, and the sessions behind them; %lu sessions\n", count, depth, played);
	printf("%sok 1 - the journal keeps all that was acknowledged, and says the same at each mount\n", failed ? "not " : "");
	free(nodes);
	free(table);
	return failed;
}

/* SPDX-License-Identifier: MIT
 *
 * Two forms, by the room there is: where all finished ports fit as blocks of five lines, they are drawn as letters;
 * else each finished port's line is green or red over its whole width.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define WIDE        512
#define BLOCK_WIDTH 32u /* a word of four letters, and a gap */
#define LINE_MIN    40u

/* ---- block letters ---- */

static const struct {
	char letter;
	const char *line[HF_TABLE_BIG];
} letters[] = {
	{'P', {"##### ", "##  ##", "##### ", "##    ", "##    "}}, {'A', {" #### ", "##  ##", "######", "##  ##", "##  ##"}},
	{'S', {" #####", "##    ", " #### ", "    ##", "##### "}}, {'F', {"######", "##    ", "##### ", "##    ", "##    "}},
	{'I', {"######", "  ##  ", "  ##  ", "  ##  ", "######"}}, {'L', {"##    ", "##    ", "##    ", "##    ", "######"}},
};

unsigned hf_table_big(const char *word, unsigned line, char *text)
{
	unsigned n = 0;

	for (; *word && n < HF_TABLE_BIG_TEXT - 8; word++) {
		const char *shape = "      ";

		for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
			if (letters[i].letter == *word)
				shape = letters[i].line[line];
		n += (unsigned)snprintf(text + n, HF_TABLE_BIG_TEXT - n, "%s%s", n ? " " : "", shape);
	}
	return n;
}

/* ---- a line of the picture ---- */

struct canvas {
	FILE *to;
	unsigned columns, rows, used;
	bool colour;
};

/* One line, cut at the width. sgr: "1;32" and the like; "": none. fill: the colour reaches the end of the line. */
static void put_line(struct canvas *c, const char *sgr, bool fill, const char *text)
{
	if (c->used == c->rows)
		return;
	c->used++;
	if (c->colour && sgr[0])
		fprintf(c->to, "\033[%sm", sgr);
	if (fill && c->colour)
		fprintf(c->to, "%-*.*s", (int)c->columns, (int)c->columns, text);
	else
		fprintf(c->to, "%.*s", (int)c->columns, text);
	fprintf(c->to, "%s\033[K\n", c->colour && sgr[0] ? "\033[0m" : "");
}

/* ---- times ---- */

static const char *duration(uint64_t ms, char text[16])
{
	unsigned s = (unsigned)((ms + 500) / 1000);

	if (s < 3600)
		snprintf(text, 16, "%u:%02u", s / 60 % 60, s % 60);
	else
		snprintf(text, 16, "%u:%02u h", s / 3600 % 10000, s / 60 % 60);
	return text;
}

static void bar(unsigned percent, unsigned width, char *text)
{
	unsigned full = percent * width / 100;

	for (unsigned i = 0; i < width; i++)
		text[i] = i < full ? '#' : '-';
	text[width] = 0;
}

/* ---- rows ---- */

static const char *short_port(const char *port)
{
	const char *slash = strrchr(port, '/');

	return slash && slash[1] ? slash + 1 : port;
}

static void serial_of(const struct hf_lane *lane, char text[HF_SERIAL_TEXT])
{
	text[0] = 0;
	if ((lane->has_serial || lane->scanned) && lane->batch->ledger)
		hf_serial_format(&lane->batch->ledger->range, lane->number, text);
}

static const char *state_text(const struct hf_lane *lane)
{
	static const char *const verdicts[] = {"", "PASS", "FAIL", "stopped", "skipped"};

	switch (lane->state) {
	case HF_LANE_EMPTY:
		return lane->running ? "looking" : "-";
	case HF_LANE_SCAN:
		return "SCAN its label";
	case HF_LANE_PAUSE:
		return "tries again";
	case HF_LANE_WORK:
		return lane->stage;
	default:
		return verdicts[lane->verdict][0] ? verdicts[lane->verdict] : "-";
	}
}

static const char *row_colour(const struct hf_lane *lane)
{
	if (hf_lane_busy(lane) || lane->state == HF_LANE_SCAN)
		return lane->state == HF_LANE_SCAN ? "1" : "";
	return lane->verdict == HF_VERDICT_PASS ? "1;30;42" : lane->verdict == HF_VERDICT_FAIL ? "1;97;41" :
	       lane->verdict == HF_VERDICT_NONE ? "2" : "30;43";
}

/* What is behind the state: progress of one under way, the reason of one that failed. */
static void tail_text(const struct hf_lane *lane, bool wide, char *text, size_t room)
{
	char left[16] = "", blocks[24];
	unsigned percent = hf_lane_percent(lane);
	uint64_t left_ms = hf_lane_left_ms(lane);

	text[0] = 0;
	if (lane->state == HF_LANE_WORK) {
		bar(percent, wide ? 20 : 8, blocks);
		snprintf(text, room, "[%s] %3u %%  %6s  %s%u%s", lane->total ? blocks : wide ? "                    " : "        ",
			 percent, left_ms ? duration(left_ms, left) : "", lane->attempts > 1 ? "attempt " : "",
			 lane->attempts > 1 ? lane->attempts : 0, "");
		if (lane->attempts <= 1)
			text[strlen(text) - 1] = 0;
	} else if (lane->state == HF_LANE_PAUSE) {
		snprintf(text, room, "attempt %u", lane->attempts);
	} else if (lane->verdict == HF_VERDICT_FAIL || lane->verdict == HF_VERDICT_SKIPPED || lane->verdict == HF_VERDICT_STOPPED) {
		snprintf(text, room, "%s", lane->reason);
	}
}

static void put_row(struct canvas *c, const struct hf_lane *lane)
{
	char line[WIDE + HF_CHILD_WORDS], serial[HF_SERIAL_TEXT], tail[HF_CHILD_WORDS];
	bool wide = c->columns >= 100, narrow = c->columns < 64;

	serial_of(lane, serial);
	tail_text(lane, wide, tail, sizeof(tail));
	if (narrow)
		snprintf(line, sizeof(line), "%2u %-10.10s %-8.8s %s", lane->index + 1, serial[0] ? serial : lane->device, state_text(lane),
			 tail);
	else
		snprintf(line, sizeof(line), "%2u %-12.12s %-*.*s %-12.12s %-15.15s %s", lane->index + 1, short_port(lane->port),
			 wide ? 36 : 13, wide ? 36 : 13, lane->device[0] ? lane->device : "-", serial, state_text(lane), tail);
	put_line(c, row_colour(lane), !hf_lane_busy(lane) && lane->state != HF_LANE_SCAN && lane->verdict != HF_VERDICT_NONE, line);
}

/* ---- sums ---- */

static void put_sums(struct canvas *c, const struct hf_batch *b)
{
	char line[WIDE], took[16], left[16] = "?", an_hour[16] = "?";
	uint64_t ms = hf_child_now_ms() - b->begin_ms;
	unsigned done = b->passed + b->failed, to_do = b->o->job->quota - b->passed_before;
	double rate = ms > 5000 && done ? 3600000.0 * done / (double)ms : 0;

	if (!b->o->continuous)
		to_do = b->lanes < to_do ? b->lanes : to_do;
	to_do = to_do > done ? to_do - done : 0;
	if (rate > 0)
		snprintf(an_hour, sizeof(an_hour), "%.0f", rate);
	if (rate > 0)
		duration((uint64_t)(3600000.0 * to_do / rate), left);
	snprintf(line, sizeof(line), "passed %u   failed %u%s   to do %u   %s an hour   %s so far   %s to go", b->passed, b->failed,
		 b->skipped ? "   some skipped" : "", to_do, an_hour, duration(ms, took), to_do ? left : "0:00");
	put_line(c, b->failed ? "1;31" : "1", false, line);
}

/* ---- blocks ---- */

static bool has_block(const struct hf_lane *lane)
{
	return !hf_lane_busy(lane) && lane->state != HF_LANE_SCAN &&
	       (lane->verdict == HF_VERDICT_PASS || lane->verdict == HF_VERDICT_FAIL);
}

/* With colours the strokes are painted solid. */
static void put_strokes(struct canvas *c, const char *text, const char *background)
{
	bool painting = false;

	for (unsigned i = 0; i < BLOCK_WIDTH - 3; i++) {
		char shape = i < strlen(text) ? text[i] : ' ';

		if (c->colour && painting != (shape == '#')) {
			painting = shape == '#';
			fputs(painting ? background : "\033[0m", c->to);
		}
		fputc(c->colour && shape == '#' ? ' ' : shape, c->to);
	}
	fputs(painting ? "\033[0m  " : "  ", c->to);
}

static void put_block_line(struct canvas *c, const struct hf_lane *const *lane, unsigned count, unsigned line)
{
	if (c->used == c->rows)
		return;
	c->used++;
	for (unsigned i = 0; i < count; i++) {
		bool pass = lane[i]->verdict == HF_VERDICT_PASS;
		char text[HF_TABLE_BIG_TEXT], serial[HF_SERIAL_TEXT];

		if (line < HF_TABLE_BIG) {
			hf_table_big(pass ? "PASS" : "FAIL", line, text);
			put_strokes(c, text, pass ? "\033[42m" : "\033[41m");
			continue;
		}
		serial_of(lane[i], serial);
		snprintf(text, sizeof(text), "%u %.20s", lane[i]->index + 1, serial[0] ? serial : short_port(lane[i]->port));
		fprintf(c->to, "%s%-*.*s%s  ", !c->colour ? "" : pass ? "\033[1;32m" : "\033[1;31m", (int)BLOCK_WIDTH - 3,
			(int)BLOCK_WIDTH - 3, text, c->colour ? "\033[0m" : "");
	}
	fprintf(c->to, "\033[K\n");
}

/* Those that fit; the newest first is not tried: a port keeps its place, so that eyes find it. */
static void put_blocks(struct canvas *c, const struct hf_batch *b)
{
	const struct hf_lane *lane[HF_BATCH_PORTS];
	unsigned count = 0, across = c->columns / BLOCK_WIDTH;

	for (unsigned i = 0; i < b->lanes; i++)
		if (has_block(&b->lane[i]))
			lane[count++] = &b->lane[i];
	if (!across || c->rows - c->used < (count + across - 1) / across * (HF_TABLE_BIG + 2))
		return; /* the rows' colours have to do */
	for (unsigned at = 0; at < count; at += across) {
		unsigned here = count - at < across ? count - at : across;

		put_line(c, "", false, "");
		for (unsigned line = 0; line <= HF_TABLE_BIG; line++)
			put_block_line(c, lane + at, here, line);
	}
}

/* Where not all ports have a line: those under way and failed first. */
static bool is_shown(const struct hf_lane *lane, unsigned turn)
{
	bool first = hf_lane_busy(lane) || lane->state == HF_LANE_SCAN || lane->verdict == HF_VERDICT_FAIL;

	return turn == 0 ? first : !first;
}

static void put_rows(struct canvas *c, const struct hf_batch *b)
{
	unsigned room = c->rows - c->used - 1, shown = 0;
	char line[WIDE];

	if (b->lanes <= room) {
		for (unsigned i = 0; i < b->lanes; i++)
			put_row(c, &b->lane[i]);
		return;
	}
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < b->lanes && shown + 1 < room; i++) {
			if (!is_shown(&b->lane[i], turn))
				continue;
			put_row(c, &b->lane[i]);
			shown++;
		}
	}
	snprintf(line, sizeof(line), "   ... and %u more ports", b->lanes - shown);
	put_line(c, "2", false, line);
}

void hf_table_draw(FILE *to, const struct hf_batch *b, struct hf_table_size size, bool colour, const char *message)
{
	struct canvas c = {.to = to, .columns = size.columns < WIDE ? size.columns : WIDE - 1, .rows = size.rows, .colour = colour};
	char line[WIDE];

	if (c.columns < LINE_MIN / 2 || c.rows < 4)
		return;
	snprintf(line, sizeof(line), "%s  (%s, %s)", b->o->job->name, hf_job_operation_text(b->o->job->operation), b->o->station);
	put_line(&c, "1", false, line);
	put_sums(&c, b);
	c.rows -= 1; /* the message's */
	put_rows(&c, b);
	put_blocks(&c, b);
	c.rows += 1;
	put_line(&c, "33", false, message ? message : "");
}

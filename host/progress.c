/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR_CELLS     24
#define REDRAW_NS     UINT64_C(100000000)
#define LINE_NS       UINT64_C(5000000000) /* between lines in a log */
#define RATE_NS       UINT64_C(500000000)  /* a rate over less is a guess */
#define NS_PER_SECOND UINT64_C(1000000000)

static unsigned percent(const struct hf_progress *p)
{
	if (p->done >= p->total)
		return 100;
	return (unsigned)((double)p->done * 100.0 / (double)p->total);
}

static void time_left(const struct hf_progress *p, double rate, char *text, size_t room)
{
	double seconds = p->left_ms ? p->left_ms / 1000.0 : rate > 0 ? (double)(p->total - p->done) / rate : 360000;

	if (p->done >= p->total && !p->left_ms)
		text[0] = 0;
	else if (seconds >= 60 && seconds < 360000)
		snprintf(text, room, ", %u min %02u s left", (unsigned)seconds / 60, (unsigned)seconds % 60);
	else if (seconds < 60)
		snprintf(text, room, ", %u s left", (unsigned)(seconds + 0.999));
	else
		text[0] = 0;
}

void hf_progress_line(const struct hf_progress *p, uint64_t now_ns, char *text, unsigned room)
{
	double elapsed = now_ns > p->begin_ns ? (double)(now_ns - p->begin_ns) / (double)NS_PER_SECOND : 0;
	double rate = now_ns >= p->begin_ns + RATE_NS && p->done > p->base ? (double)(p->done - p->base) / elapsed : 0;
	unsigned filled = percent(p) * BAR_CELLS / 100;
	char bar[BAR_CELLS + 1], left[40] = "", speed[40] = "";

	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', filled);
	bar[BAR_CELLS] = 0;
	if (rate > 0)
		snprintf(speed, sizeof(speed), "  %.1f KiB/s", rate / 1024);
	time_left(p, rate, left, sizeof(left));
	snprintf(text, room, "%s [%s] %3u %%  %" PRIu64 " of %" PRIu64 " KiB%s%s", p->what, bar, percent(p),
		 (p->done + 1023) / 1024, (p->total + 1023) / 1024, speed, left);
}

static void draw(struct hf_progress *p, uint64_t now_ns)
{
	char text[160];

	hf_progress_line(p, now_ns, text, sizeof(text));
	p->drawn_ns = now_ns;
	if (p->terminal)
		fprintf(stderr, "\r%s\033[K", text);
	else
		fprintf(stderr, "%s\n", text);
	fflush(stderr);
}

void hf_progress_begin(struct hf_progress *p, const char *what, uint64_t done, uint64_t total, uint64_t now_ns,
		       bool quiet)
{
	const char *term = getenv("TERM");

	*p = (struct hf_progress){.what = what, .total = total, .base = done, .done = done, .begin_ns = now_ns};
	p->quiet = quiet;
	p->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	p->drawn_ns = now_ns;
	if (!quiet && p->terminal)
		draw(p, now_ns);
}

void hf_progress_update(struct hf_progress *p, uint64_t done, uint64_t now_ns)
{
	p->done = done;
	if (p->done < p->base)
		p->base = p->done;
	if (p->quiet)
		return;
	if (now_ns - p->drawn_ns >= (p->terminal ? REDRAW_NS : LINE_NS))
		draw(p, now_ns);
}

void hf_progress_left(struct hf_progress *p, uint32_t left_ms)
{
	bool first = p->left_ms == 0;

	p->left_ms = left_ms;
	if (first && !p->quiet && p->terminal)
		draw(p, p->drawn_ns);
}

void hf_progress_skip(struct hf_progress *p, uint64_t bytes)
{
	p->base += bytes;
}

void hf_progress_end(struct hf_progress *p, uint64_t now_ns)
{
	if (p->quiet || !p->terminal)
		return;
	draw(p, now_ns);
	fputc('\n', stderr);
}

/* SPDX-License-Identifier: MIT
 *
 * Firmware that fills slot A, burned through recovery on the twin, over lines and adapters of several kinds.
 *
 *   bench_burn BOARD FACTORY.BIN KEYSET PACKAGE [TWIN SHIM]
 *
 * With the twin's program and the shim for foreign tools, stm32flash burns as many bytes on the same line.
 *
 * FACTORY.BIN holds boot and recovery. Slot A holds stale bytes that have to be erased, so recovery starts by itself. Time
 * is virtual, from the tool's first byte to the device's answer that all is written and verified as boot would: finding the
 * device, negotiation and proof of the line included.
 *
 * The physical limit is the greater of two times: the package's bytes on the line (8N1), and slot A's erases and its
 * words' programming, as long as the twin takes for them (typical values of the datasheet).
 */
#include <stdlib.h>
#include <string.h>

#include "burn.h"
#include "burn_line.h"
#include "file.h"
#include "rom_burn.h"
#include "row.h"

#define CUTS      20u
#define CUT_TEXT  "power off for 200ms"
#define PULL_TEXT "cable off for 200ms"

struct inputs {
	const char *board_file, *program, *shim;
	struct hf_board board;
	struct hf_buffer factory, keyset_bytes, package;
	struct hf_keyset keyset;
	struct hf_twin_config twin;
};

struct bench {
	const struct inputs *in;
	struct burn_line line;
	unsigned latency_ms;
	unsigned cuts, cuts_wanted;
	struct hf_burn_result result;
};

/* ---- a run ---- */

/* Spread over the upload, power and cable in turn. */
static void on_event(void *ctx, const struct hf_burn_event *e)
{
	struct bench *b = ctx;

	if (getenv("HF_BENCH_STORY") && e->text)
		fprintf(stderr, "%8.3f %s\n", (double)e->now_ms / 1000, e->text);
	if (getenv("HF_BENCH_STORY") && *getenv("HF_BENCH_STORY") == 0x32 && !e->text)
		fprintf(stderr, "%8.3f off %u\n", (double)e->now_ms / 1000, e->off);
	if (e->stage != HF_BURN_UPLOAD || e->text || b->cuts == b->cuts_wanted)
		return;
	if ((uint64_t)e->off * (b->cuts_wanted + 1) < (uint64_t)e->total * (b->cuts + 1))
		return;
	burn_line_command(&b->line, b->cuts++ % 2 ? PULL_TEXT : CUT_TEXT);
}

static void open_bench(struct bench *b, const struct inputs *in, unsigned latency_ms)
{
	const struct hf_span *slot = &in->board.layout.slot[0];
	uint8_t *stale = malloc(slot->size);
	uint32_t x = 1;

	memset(b, 0, sizeof(*b));
	b->in = in;
	b->latency_ms = latency_ms;
	burn_line_open(&b->line, &in->board, &in->twin, hf_buffer_bytes(&in->factory), latency_ms);
	for (uint32_t i = 0; stale && i < slot->size; i++)
		stale[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
	if (!stale || hf_twin_load(hf_rig_twin(b->line.rig), slot->addr, stale, slot->size))
		burn_line_die("flash", "cannot be loaded");
	free(stale);
	burn_line_command(&b->line, "power on");
	burn_line_wait(&b->line, 2000); /* recovery waits for a download */
}

/* Seconds from the first byte to the end of the upload. */
static double burn(struct bench *b, uint32_t baud, bool console)
{
	const struct hf_burn_options o = {
		.package = hf_buffer_bytes(&b->in->package),
		.board = &b->in->board,
		.keyset = &b->in->keyset,
		.baud = b->in->board.maintenance.baud,
		.bauds = b->in->board.maintenance.bauds,
		.upload_baud = console ? 0 : baud,
		.console_only = console,
		.no_activate = true,
		.event = on_event,
		.ctx = b,
	};
	const struct hf_serial serial = burn_line_serial(&b->line);
	const struct hf_burn_result *r = &b->result;

	if (hf_burn(&serial, &o, &b->result) != HF_BURN_UPLOADED)
		burn_line_die("burning", r->diag.text);
	if (!console && (r->upload_baud != baud || !r->binary))
		burn_line_die("burning", "the line did not get to the rate and framing that were asked for");
	if (getenv("HF_BENCH_STORY"))
		fprintf(stderr, "%u baud, %llu ms latency: %llu ms, of it upload %llu; sent %llu, %u packets, %u losses, %u "
			"restarts, %u timeouts, %u found again\n", baud, (unsigned long long)b->latency_ms,
			(unsigned long long)(r->uploaded_ms - r->begin_ms), (unsigned long long)(r->uploaded_ms - r->upload_ms),
			(unsigned long long)r->upload.bytes_sent, r->upload.packets_sent, r->upload.resent,
			r->upload.restarts, r->timeouts, r->rate.finds);
	return (double)(r->uploaded_ms - r->begin_ms) / 1000;
}

static double limit_s(const struct inputs *in, uint32_t baud)
{
	const struct hf_layout *l = &in->board.layout;
	double wire = (double)in->package.len * 10 / baud;
	double flash = (double)((in->package.len + 3) / 4) * in->twin.program_ns / 1e9;

	for (unsigned i = 0; i < l->sectors; i++) {
		uint64_t ns = l->sector[i].size <= 16384   ? in->twin.erase_16k_ns
			      : l->sector[i].size <= 65536 ? in->twin.erase_64k_ns
							   : in->twin.erase_128k_ns;

		if (l->sector[i].addr - l->slot[0].addr < l->slot[0].size)
			flash += (double)ns / 1e9;
	}
	return wire > flash ? wire : flash;
}

/* ---- figures ---- */

static double measure(const struct inputs *in, uint32_t baud, unsigned latency_ms)
{
	static struct bench b;
	char name[64];
	double seconds;

	open_bench(&b, in, latency_ms);
	seconds = burn(&b, baud, false);
	burn_line_close(&b.line);
	snprintf(name, sizeof(name), "burn.upload_%u_%ums_s", baud, latency_ms);
	row(name, seconds, "s", LOWER, NULL, "firmware that fills slot A through recovery: line, erase, write, verify; "
	    "virtual time");
	return seconds;
}

/* stm32flash on the same line, erase and verification included, over `ours`. It is left out where it is not installed. */
static void compare(const struct inputs *in, unsigned latency_ms, double goal, double ours)
{
	const struct hf_span *slot = &in->board.layout.slot[0];
	const struct rom_burn peer = {in->program, in->shim, in->board_file, 921600, latency_ms, slot->addr, slot->size};
	struct rom_burn_times times;
	struct hf_diag diag;
	char name[64];

	if (!in->program)
		return;
	if (!rom_burn(&peer, &times, &diag)) {
		fprintf(stderr, "bench_burn: no comparison with stm32flash: %s\n", diag.text);
		return;
	}
	snprintf(name, sizeof(name), "burn.speedup_vs_stm32flash_%ums", latency_ms);
	row(name, (double)times.whole_ns / 1e9 / ours, "x", HIGHER, &goal,
	    "stm32flash's erase, write and verify of slot A over our upload, 921600 baud, same twin and line");
}

static void measure_limits(const struct inputs *in)
{
	static const struct {
		unsigned latency_ms;
		double speedup; /* that is to be reached */
	} line[] = {{0, 0}, {1, 3}, {16, 8}};
	const double goal = 1.10;
	double worst = 0, slow = 0;

	for (unsigned i = 0; i < 3; i++) {
		double seconds = measure(in, 921600, line[i].latency_ms), over = seconds / limit_s(in, 921600);

		if (line[i].speedup > 0)
			compare(in, line[i].latency_ms, line[i].speedup, seconds);
		worst = over > worst ? over : worst;
		over = measure(in, 115200, line[i].latency_ms) / limit_s(in, 115200);
		slow = over > slow ? over : slow;
	}
	row("burn.limit_921600_s", limit_s(in, 921600), "s", LOWER, NULL,
	    "the greater of the package's time on the line, and slot A's erases and programming");
	row("burn.over_limit", worst, "x", LOWER, &goal,
	    "921600 baud, the worst of 0, 1 and 16 ms of adapter latency, over the physical limit");
	row("burn.over_limit_115200", slow, "x", LOWER, &goal, "the same at 115200 baud");
}

static void measure_resume(const struct inputs *in)
{
	static struct bench b;
	double whole, cut;

	open_bench(&b, in, 1);
	whole = burn(&b, 921600, false);
	burn_line_close(&b.line);
	open_bench(&b, in, 1);
	b.cuts_wanted = CUTS;
	cut = burn(&b, 921600, false);
	if (b.cuts != CUTS)
		burn_line_die("the cut upload", "was over before all cuts were made");
	burn_line_close(&b.line);
	row("burn.resume_overhead", cut / whole, "x", LOWER, NULL,
	    "20 cuts of 200 ms, power and cable in turn, 921600 baud, 1 ms: total over the uninterrupted upload");
	row("burn.resume_per_cut_s", (cut - whole) / CUTS, "s", LOWER, NULL, "the same: what a cut costs");
}

static void measure_console(const struct inputs *in)
{
	static struct bench b;

	open_bench(&b, in, 1);
	row("burn.upload_console_s", burn(&b, 921600, true), "s", LOWER, NULL,
	    "the same in the console framing, 921600 baud, 1 ms: what any mcumgr client could reach");
	burn_line_close(&b.line);
}

int main(int argc, char **argv)
{
	static struct inputs in;
	struct hf_diag diag;
	size_t used;

	if (argc != 5 && argc != 7)
		burn_line_die("usage", "bench_burn BOARD FACTORY.BIN KEYSET PACKAGE [TWIN SHIM]");
	in.board_file = argv[1];
	in.program = argc == 7 ? argv[5] : NULL;
	in.shim = argc == 7 ? argv[6] : NULL;
	if (hf_board_load(argv[1], &in.board, &diag) || hf_file_read(argv[2], 4u << 20, &in.factory, &diag) ||
	    hf_file_read(argv[3], 4u << 20, &in.keyset_bytes, &diag) ||
	    hf_file_read(argv[4], 4u << 20, &in.package, &diag))
		burn_line_die("input", diag.text);
	if (hf_keyset_parse(hf_buffer_bytes(&in.keyset_bytes), &in.keyset, &used))
		burn_line_die(argv[3], "is no keyset");
	hf_twin_config_default(&in.twin);
	measure_limits(&in);
	measure_resume(&in);
	measure_console(&in);
	return 0;
}

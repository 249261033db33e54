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

#include "adapter.h"
#include "burn.h"
#include "file.h"
#include "rig.h"
#include "rom_burn.h"
#include "row.h"
#include "usart.h"

#define MS        1000000ull
#define IN_BYTES  65536u
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
	struct hf_rig *rig;
	struct hf_adapter adapter;
	uint64_t latency_ns;
	uint8_t heard[IN_BYTES]; /* a ring: what the adapter has handed over */
	unsigned begin, end;
	unsigned cuts, cuts_wanted;
	struct hf_burn_result result;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_burn: %s: %s\n", what, why);
	exit(1);
}

static void command(struct bench *b, const char *text)
{
	char answer[HF_RIG_ANSWER];
	struct hf_command c;
	struct hf_diag diag;

	if (hf_script_command(text, &c, &diag) || hf_rig_command(b->rig, &c, answer, &diag))
		die(text, diag.text);
}

/* ---- the line ---- */

static void hand_over(void *ctx, uint8_t byte)
{
	struct bench *b = ctx;

	b->heard[b->end++ % IN_BYTES] = byte;
}

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct bench *b = ctx;

	hf_adapter_hear(&b->adapter, b->latency_ns, byte, at_ns, hand_over, b);
	hf_rig_wake(b->rig); /* there is something to read, or a time at which there will be */
}

static uint64_t now_ns(const struct bench *b)
{
	return hf_rig_now_ns(b->rig);
}

static void run_until(struct bench *b, uint64_t until_ns)
{
	if (b->adapter.due_ns < until_ns)
		until_ns = b->adapter.due_ns;
	if (hf_rig_run(b->rig, until_ns) == HF_RIG_BROKEN)
		die("twin", hf_twin_error(hf_rig_twin(b->rig)));
	hf_adapter_release(&b->adapter, now_ns(b), hand_over, b);
}

static enum hf_err line_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct bench *b = ctx;
	uint64_t until = now_ns(b) + timeout_ms * MS;

	while (b->begin == b->end && now_ns(b) < until)
		run_until(b, until);
	for (*len = 0; *len < cap && b->begin != b->end; (*len)++)
		((uint8_t *)buf)[*len] = b->heard[b->begin++ % IN_BYTES];
	return *len ? HF_OK : HF_ERR_TIMEOUT;
}

/* What the line has no room for makes its writer wait, as a driver does. */
static enum hf_err line_write(void *ctx, const void *data, size_t len)
{
	struct bench *b = ctx;
	const uint8_t *p = data;

	while (len > 0) {
		size_t part = len < 1024 ? len : 1024;
		enum hf_err err = hf_twin_uart_send(hf_rig_twin(b->rig), hf_rig_usart(b->rig, HF_RIG_MAINTENANCE), p, part);

		if (err == HF_ERR_FULL) {
			run_until(b, now_ns(b) + MS);
			continue;
		}
		if (err)
			return err;
		p += part;
		len -= part;
	}
	return HF_OK;
}

static enum hf_err line_set(void *ctx, const struct hf_serial_line *line)
{
	struct bench *b = ctx;
	const struct hf_twin_line far = {line->baud, line->data_bits, line->parity, line->stop_bits};

	hf_twin_uart_line(hf_rig_twin(b->rig), hf_rig_usart(b->rig, HF_RIG_MAINTENANCE), &far);
	return HF_OK;
}

static enum hf_err line_reopen(void *ctx)
{
	(void)ctx;
	return HF_OK;
}

static uint64_t line_now_ms(void *ctx)
{
	return now_ns(ctx) / MS;
}

static void line_sleep_ms(void *ctx, uint32_t ms)
{
	struct bench *b = ctx;
	uint64_t until = now_ns(b) + ms * MS;

	while (now_ns(b) < until)
		run_until(b, until);
}

static const struct hf_serial_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.set_line = line_set,
	.reopen = line_reopen,
	.now_ms = line_now_ms,
	.sleep_ms = line_sleep_ms,
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
	command(b, b->cuts++ % 2 ? PULL_TEXT : CUT_TEXT);
}

static void open_bench(struct bench *b, const struct inputs *in, uint64_t latency_ns)
{
	const struct hf_span *slot = &in->board.layout.slot[0];
	struct hf_rig_config config;
	uint8_t *stale = malloc(slot->size);
	uint32_t x = 1;
	struct hf_diag diag;

	memset(b, 0, sizeof(*b));
	b->in = in;
	b->latency_ns = latency_ns;
	hf_adapter_init(&b->adapter);
	hf_rig_config_default(&config, &in->board);
	config.twin = in->twin;
	if (hf_rig_open(&b->rig, &config, &diag))
		die("twin", diag.text);
	for (uint32_t i = 0; stale && i < slot->size; i++)
		stale[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
	if (!stale || hf_twin_load(hf_rig_twin(b->rig), in->board.layout.sector[0].addr, in->factory.ptr, in->factory.len) ||
	    hf_twin_load(hf_rig_twin(b->rig), slot->addr, stale, slot->size))
		die("flash", "cannot be loaded");
	free(stale);
	hf_twin_must_not_stall_in_handlers(hf_rig_twin(b->rig), true);
	hf_rig_listen(b->rig, HF_RIG_MAINTENANCE, hear, b);
	command(b, "power on");
	line_sleep_ms(b, 2000); /* recovery waits for a download */
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
	const struct hf_serial serial = {&line_ops, b};
	const struct hf_burn_result *r = &b->result;

	if (hf_burn(&serial, &o, &b->result) != HF_BURN_UPLOADED)
		die("burning", r->diag.text);
	if (!console && (r->upload_baud != baud || !r->binary))
		die("burning", "the line did not get to the rate and framing that were asked for");
	if (getenv("HF_BENCH_STORY"))
		fprintf(stderr, "%u baud, %llu ms latency: %llu ms, of it upload %llu; sent %llu, %u packets, %u losses, %u "
			"restarts, %u timeouts, %u found again\n", baud, (unsigned long long)(b->latency_ns / MS),
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

	open_bench(&b, in, latency_ms * MS);
	seconds = burn(&b, baud, false);
	hf_rig_close(b.rig);
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

	open_bench(&b, in, MS);
	whole = burn(&b, 921600, false);
	hf_rig_close(b.rig);
	open_bench(&b, in, MS);
	b.cuts_wanted = CUTS;
	cut = burn(&b, 921600, false);
	if (b.cuts != CUTS)
		die("the cut upload", "was over before all cuts were made");
	hf_rig_close(b.rig);
	row("burn.resume_overhead", cut / whole, "x", LOWER, NULL,
	    "20 cuts of 200 ms, power and cable in turn, 921600 baud, 1 ms: total over the uninterrupted upload");
	row("burn.resume_per_cut_s", (cut - whole) / CUTS, "s", LOWER, NULL, "the same: what a cut costs");
}

static void measure_console(const struct inputs *in)
{
	static struct bench b;

	open_bench(&b, in, MS);
	row("burn.upload_console_s", burn(&b, 921600, true), "s", LOWER, NULL,
	    "the same in the console framing, 921600 baud, 1 ms: what any mcumgr client could reach");
	hf_rig_close(b.rig);
}

int main(int argc, char **argv)
{
	static struct inputs in;
	struct hf_diag diag;
	size_t used;

	if (argc != 5 && argc != 7)
		die("usage", "bench_burn BOARD FACTORY.BIN KEYSET PACKAGE [TWIN SHIM]");
	in.board_file = argv[1];
	in.program = argc == 7 ? argv[5] : NULL;
	in.shim = argc == 7 ? argv[6] : NULL;
	if (hf_board_load(argv[1], &in.board, &diag) || hf_file_read(argv[2], 4u << 20, &in.factory, &diag) ||
	    hf_file_read(argv[3], 4u << 20, &in.keyset_bytes, &diag) ||
	    hf_file_read(argv[4], 4u << 20, &in.package, &diag))
		die("input", diag.text);
	if (hf_keyset_parse(hf_buffer_bytes(&in.keyset_bytes), &in.keyset, &used))
		die(argv[3], "is no keyset");
	hf_twin_config_default(&in.twin);
	measure_limits(&in);
	measure_resume(&in);
	measure_console(&in);
	return 0;
}

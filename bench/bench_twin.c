/* SPDX-License-Identifier: MIT
 *
 * How fast the twin itself is, on one core of this machine (CPU time, not the wall clock).
 *
 *   bench_twin BOARD FACTORY.BIN BOOT.ELF
 *
 * The factory image's slot A is full. What is executed is a start of it: reset, boot's verification of 384 KiB by
 * SHA-256 and ESP256, the jump to the application.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "file.h"
#include "row.h"
#include "twin.h"

#define INSTANCES 16
#define RESTARTS  4000
#define BOOTS     8
#define S         1000000000ull

struct start {
	struct hf_twin *twin;
	uint32_t slot;
	bool entered;
};

struct inputs {
	struct hf_board board;
	struct hf_buffer factory, boot;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_twin: %s\n", what);
	exit(1);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(void)
{
	long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2)
		die("the resident memory cannot be read");
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void on_event(void *ctx, const struct hf_twin_event *event)
{
	struct start *s = ctx;

	if (event->kind != HF_TWIN_EV_ENTER || event->b != s->slot)
		return;
	s->entered = true;
	hf_twin_stop(s->twin);
}

static void open_twin(struct start *s, const struct inputs *in)
{
	struct hf_twin_config config;

	hf_twin_config_default(&config);
	s->slot = in->board.layout.slot[0].addr;
	if (hf_twin_open(&s->twin, &in->board.layout, &config) ||
	    hf_twin_load(s->twin, in->board.layout.sector[0].addr, in->factory.ptr, in->factory.len))
		die("no twin");
	hf_twin_on_event(s->twin, on_event, s);
}

/* From where it is to the application's first instruction. */
static void boot(struct start *s)
{
	s->entered = false;
	hf_twin_power_on(s->twin);
	(void)hf_twin_run(s->twin, hf_twin_now_ns(s->twin) + 60 * S);
	if (!s->entered)
		die("boot does not start the firmware");
}

static struct hf_twin_snapshot *save(struct start *s)
{
	struct hf_twin_snapshot *snapshot;

	if (hf_twin_save(s->twin, &snapshot))
		die("no snapshot");
	return snapshot;
}

/* The first start of a factory image writes the journal: it is done once before anything is measured. */
static struct hf_twin_snapshot *prepare(struct start *s, const struct inputs *in)
{
	open_twin(s, in);
	boot(s);
	hf_twin_power_off(s->twin);
	return save(s);
}

static double boots_per_s(struct start *s, const struct hf_twin_snapshot *off, unsigned count)
{
	double begin = cpu_s();

	for (unsigned i = 0; i < count; i++) {
		hf_twin_restore(s->twin, off);
		boot(s);
	}
	return count / (cpu_s() - begin);
}

static void measure_speed(struct start *s, const struct hf_twin_snapshot *off)
{
	const double goal = 1;
	struct hf_twin_counts before, after;
	double begin, cycles;

	hf_twin_restore(s->twin, off);
	hf_twin_counts(s->twin, &before);
	begin = cpu_s();
	boot(s);
	begin = cpu_s() - begin;
	hf_twin_counts(s->twin, &after);
	cycles = (double)(after.cycles - before.cycles);
	row("twin.realtime_factor", cycles / 168e6 / begin, "x", HIGHER, &goal,
	    "boot verifies 384 KiB, all executed: core cycles at 168 MHz per CPU time");
	row("twin.mips", (double)(after.instructions - before.instructions) / begin / 1e6, "MIPS", HIGHER, NULL,
	    "the same, instructions per CPU time");
}

static void measure_boots(struct start *s, const struct hf_twin_snapshot *off, const struct inputs *in)
{
	row("twin.boots_per_s_executed", boots_per_s(s, off, BOOTS), "1/s", HIGHER, NULL,
	    "restore, power on, boot verifies 384 KiB, application entered; CPU time");
	if (hf_twin_native_symbols(s->twin, in->boot.ptr, in->boot.len, 0))
		die("boot's crypto is not found in its ELF");
	hf_twin_native(s->twin, HF_TWIN_NATIVE_ON, 0);
	row("twin.boots_per_s_native", boots_per_s(s, off, 20 * BOOTS), "1/s", HIGHER, NULL,
	    "the same with SHA-256 and ESP256 answered by the host; CPU time");
	hf_twin_native(s->twin, HF_TWIN_NATIVE_OFF, 0);
}

/* A snapshot early in a start, restored after a millisecond of execution behind it. */
static void measure_restarts(struct start *s, const struct hf_twin_snapshot *off)
{
	const double goal = 1000;
	struct hf_twin_snapshot *early;
	uint64_t at;
	double begin, spent = 0;

	hf_twin_restore(s->twin, off);
	hf_twin_power_on(s->twin);
	(void)hf_twin_run(s->twin, hf_twin_now_ns(s->twin) + S / 500);
	at = hf_twin_now_ns(s->twin);
	early = save(s);
	for (unsigned i = 0; i < RESTARTS; i++) {
		(void)hf_twin_run(s->twin, at + S / 1000);
		begin = cpu_s();
		hf_twin_restore(s->twin, early);
		(void)hf_twin_run(s->twin, at + 1000);
		spent += cpu_s() - begin;
	}
	row("twin.restarts_per_s", RESTARTS / spent, "1/s", HIGHER, &goal,
	    "restore a snapshot after 1 ms of execution, and execute its first microsecond; CPU time");
	hf_twin_snapshot_free(early);
}

static void measure_memory(const struct inputs *in)
{
	const double goal = 8;
	static struct start s[INSTANCES];
	double before = resident_mib();

	for (unsigned i = 0; i < INSTANCES; i++) {
		open_twin(&s[i], in);
		boot(&s[i]);
	}
	row("twin.instance_mib", (resident_mib() - before) / INSTANCES, "MiB", LOWER, &goal,
	    "resident memory of a twin that has executed a start");
	for (unsigned i = 0; i < INSTANCES; i++)
		hf_twin_close(s[i].twin);
}

int main(int argc, char **argv)
{
	static struct inputs in;
	struct hf_twin_snapshot *off;
	struct start s;
	struct hf_diag diag;

	if (argc != 4)
		die("usage: bench_twin BOARD FACTORY.BIN BOOT.ELF");
	if (hf_board_load(argv[1], &in.board, &diag) || hf_file_read(argv[2], 4u << 20, &in.factory, &diag) ||
	    hf_file_read(argv[3], 4u << 20, &in.boot, &diag))
		die(diag.text);
	measure_memory(&in);
	off = prepare(&s, &in);
	measure_speed(&s, off);
	measure_boots(&s, off, &in);
	measure_restarts(&s, off);
	hf_twin_snapshot_free(off);
	hf_twin_close(s.twin);
	hf_buffer_free(&in.factory);
	hf_buffer_free(&in.boot);
	return 0;
}

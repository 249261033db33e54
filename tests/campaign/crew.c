/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"
#include "shrink.h"

#define WORKERS 16u
#define CASES_A_WORKER 4096u /* what a process keeps for itself does not grow for ever */

/* What all processes see. */
struct common {
	atomic_size_t next;
	atomic_ulong done;
	atomic_uint told;
	atomic_bool stop;
	struct {
		atomic_ulong tried, survived, shared, failed, bricked, us;
	} row[CREW_ROWS];
	struct {
		atomic_size_t playing; /* case + 1; 0: none */
	} worker[WORKERS];
};

struct crew {
	struct player *player;
	const struct plan *plan;
	struct crew_options *options;
	struct common *common;
	pid_t pid[WORKERS];
};

static void count(struct common *m, unsigned row, enum verdict verdict)
{
	atomic_fetch_add(&m->row[row].tried, 1);
	atomic_fetch_add(verdict >= FAILED ? &m->row[row].failed : &m->row[row].survived, 1);
	if (verdict == SHARED)
		atomic_fetch_add(&m->row[row].shared, 1);
	if (verdict == BRICKED)
		atomic_fetch_add(&m->row[row].bricked, 1);
	atomic_fetch_add(&m->done, 1);
}

/* One write a failure, so that lines of two workers do not mix. */
static void tell(struct crew *crew, struct test_case *k, const char *why)
{
	char text[CASE_TEXT], smallest[CASE_TEXT], line[2 * CASE_TEXT + 512];
	const char *place = crew->options->place, *flow = crew->player->flow->name;
	ssize_t n;
	int len;

	if (atomic_fetch_add(&crew->common->told, 1) >= crew->options->told)
		return;
	case_print(k, text);
	len = snprintf(line, sizeof line, "# FAILED %s/%s %s: %s\n", place, flow, text, why);
	why = shrink(crew->player, k);
	case_print(k, smallest);
	if (!why)
		len += snprintf(line + len, sizeof line - (size_t)len, "#   alone, without what other cases have shown, it does not fail\n");
	else if (strcmp(text, smallest) != 0)
		len += snprintf(line + len, sizeof line - (size_t)len, "#   the smallest: %s/%s %s: %s\n", place, flow, smallest, why);
	n = write(STDOUT_FILENO, line, (size_t)len);
	(void)n;
	if (getenv("HF_CAMPAIGN_LOG"))
		lab_print_log(&crew->player->c->lab);
}

static uint64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void work(struct crew *crew, unsigned number)
{
	struct common *m = crew->common;

	for (unsigned i = 0; i < CASES_A_WORKER && !atomic_load(&m->stop); i++) {
		size_t next = atomic_fetch_add(&m->next, 1);
		const struct planned *planned = &crew->plan->of[next];
		struct test_case k;
		enum verdict verdict;
		const char *why;
		uint64_t began;

		if (next >= crew->plan->count)
			return;
		atomic_store(&m->worker[number].playing, next + 1);
		case_expand(&k, planned->row, planned->instant, planned->seed, &crew->player->tape);
		began = cpu_us();
		verdict = player_play(crew->player, &k, &why);
		atomic_fetch_add(&m->row[planned->row].us, cpu_us() - began);
		if (verdict >= FAILED) {
			tell(crew, &k, why);
			if (crew->options->first)
				atomic_store(&m->stop, true);
		}
		count(m, planned->row, verdict);
		atomic_store(&m->worker[number].playing, 0);
	}
}

static bool begin_worker(struct crew *crew, unsigned number)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		work(crew, number);
		lab_coverage_write(&crew->player->c->lab);
		fflush(stdout);
		_exit(0);
	}
	crew->pid[number] = pid;
	return true;
}

static void bury(struct crew *crew, unsigned number, int status)
{
	struct common *m = crew->common;
	size_t playing = atomic_exchange(&m->worker[number].playing, 0);
	const struct planned *planned;

	crew->pid[number] = 0;
	if (status == 0 || playing == 0)
		return;
	planned = &crew->plan->of[playing - 1];
	printf("# FAILED %s/%s %s@%u#%x: the process that played it died, status 0x%x\n", crew->options->place,
	       crew->player->flow->name, fault_table[planned->row].name, planned->instant, planned->seed, (unsigned)status);
	count(m, planned->row, FAILED);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t children_ns(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return ((uint64_t)r.ru_utime.tv_sec + (uint64_t)r.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)r.ru_utime.tv_usec + (uint64_t)r.ru_stime.tv_usec) * 1000u;
}

static bool more_to_do(const struct crew *crew)
{
	return !atomic_load(&crew->common->stop) && atomic_load(&crew->common->next) < crew->plan->count;
}

/* Until no worker is left and nothing to do. */
static bool oversee(struct crew *crew)
{
	struct hf_progress bar;
	bool ok = true;
	unsigned alive = 0;

	hf_progress_begin(&bar, crew->player->flow->name, 0, crew->plan->count, now_ns(), crew->options->quiet);
	do {
		int status;
		pid_t pid;

		for (unsigned i = 0; ok && i < crew->options->jobs && more_to_do(crew); i++)
			if (crew->pid[i] == 0 && (ok = begin_worker(crew, i)))
				alive++;
		hf_progress_update(&bar, atomic_load(&crew->common->done), now_ns());
		pid = waitpid(-1, &status, WNOHANG);
		if (pid == 0) {
			nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
			continue;
		}
		for (unsigned i = 0; pid > 0 && i < crew->options->jobs; i++)
			if (crew->pid[i] == pid) {
				bury(crew, i, status);
				alive--;
			}
	} while (alive > 0 || (ok && more_to_do(crew)));
	hf_progress_end(&bar, now_ns());
	return ok;
}

static void sum(struct crew_result *result, const struct common *m)
{
	for (unsigned i = 0; i < CREW_ROWS; i++) {
		struct tally *t = &result->row[i];

		*t = (struct tally){ atomic_load(&m->row[i].tried), atomic_load(&m->row[i].survived), atomic_load(&m->row[i].shared),
				     atomic_load(&m->row[i].failed), atomic_load(&m->row[i].bricked), atomic_load(&m->row[i].us) };
		result->all.tried += t->tried;
		result->all.survived += t->survived;
		result->all.shared += t->shared;
		result->all.failed += t->failed;
		result->all.bricked += t->bricked;
		result->all.us += t->us;
	}
}

bool crew_play(struct player *p, const struct plan *plan, struct crew_options *options, struct crew_result *result)
{
	struct crew crew = { .player = p, .plan = plan, .options = options };
	uint64_t before = children_ns();
	bool ok;

	*result = (struct crew_result){ 0 };
	crew.common = mmap(NULL, sizeof *crew.common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew.common == MAP_FAILED)
		return false;
	memset(crew.common, 0, sizeof *crew.common);
	ok = oversee(&crew);
	sum(result, crew.common);
	result->cpu_ns = children_ns() - before;
	options->told -= atomic_load(&crew.common->told) < options->told ? atomic_load(&crew.common->told) : options->told;
	munmap(crew.common, sizeof *crew.common);
	return ok;
}

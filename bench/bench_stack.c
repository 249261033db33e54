/* SPDX-License-Identifier: MIT
 *
 * How much stack boot and the gateway take, measured: the stack is painted, the twin executes, and what is still painted
 * was not used.
 *
 *   bench_stack BOARD FACTORY.BIN KEYSET PACKAGE BOOT-BEGIN BOOT-END APP-BEGIN APP-END    (addresses of the stacks)
 *
 * Boot is measured over a start, the gateway over its start, self-test, confirmation and a whole upload. Prints two
 * numbers: bytes used by boot, by the gateway.
 */
#include <stdlib.h>

#include "lab.h"

#define PAINT 0x5ac35ac3u

struct stack {
	struct lab *lab;
	uint32_t begin, end;
	uint32_t used;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_stack: %s\n", what);
	exit(1);
}

static void paint(const struct stack *s)
{
	const uint32_t word = PAINT;

	for (uint32_t at = s->begin; at < s->end; at += 4)
		if (hf_twin_poke(s->lab->twin, at, &word, sizeof word) != HF_OK)
			die("there is no RAM at the stack's address");
}

/* Called at every moment of the upload, since boot paints over it after the reset. */
static void look(void *ctx, bool sent)
{
	struct stack *s = ctx;
	uint32_t at = s->begin, word;

	(void)sent;
	if (s->lab->entered != 0)
		return;
	for (; at < s->end; at += 4)
		if (hf_twin_peek(s->lab->twin, at, &word, sizeof word) != HF_OK || word != PAINT)
			break;
	if (s->end - at > s->used)
		s->used = s->end - at;
}

int main(int argc, char **argv)
{
	static struct lab lab;
	static const char *const no_native[] = { NULL };
	struct stack boot = { .lab = &lab }, app = { .lab = &lab };
	struct lab_package next;
	struct hf_image image;
	const char *why;

	if (argc != 9)
		die("usage: bench_stack BOARD FACTORY.BIN KEYSET PACKAGE BOOT-BEGIN BOOT-END APP-BEGIN APP-END");
	lab_open(&lab, argv[1], argv[2], argv[3], no_native, false);
	lab_package_read(&lab, argv[4], &next);
	boot.begin = (uint32_t)strtoul(argv[5], NULL, 16);
	boot.end = (uint32_t)strtoul(argv[6], NULL, 16);
	app.begin = (uint32_t)strtoul(argv[7], NULL, 16);
	app.end = (uint32_t)strtoul(argv[8], NULL, 16);

	if (!lab_slot(&lab, 0, &image) || !lab_start(&lab))
		die("the gateway does not start");
	paint(&boot);
	lab.entered = HF_PLACES;
	lab.stop_on_enter = true;
	hf_twin_reset(lab.twin, HF_TWIN_RESET_PIN);
	if (!lab_run(&lab, 5000 * LAB_MS) || lab.entered != 0)
		die("the gateway does not start again");
	look(&boot, false);
	lab.stop_on_enter = false;

	paint(&app);
	lab.moment = look;
	lab.moment_ctx = &app;
	if (!lab_confirmed(&lab, image.id, 60000 * LAB_MS))
		die("the gateway does not confirm itself");
	look(&app, false);
	why = lab_upgrade(&lab, &next);
	if (why)
		die(why);
	if (lab.errors)
		die(lab.error);
	printf("%u %u\n", boot.used, app.used);
	lab_close(&lab);
	return 0;
}

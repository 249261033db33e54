/* SPDX-License-Identifier: MIT
 *
 * From reset to the application's first instruction, in virtual time: every instruction of boot is executed.
 *
 *   bench_boot BOARD NAME FACTORY.BIN [NAME FACTORY.BIN]...
 *
 * Each factory image holds firmware of the named size ("64k") in slot A; "384k" is a full slot, "384k_lms" the same with a
 * second signature. Its first start there has no journal, and boot looks
 * into both slots; so the journal is made first, with slot A confirmed, as it is in the field.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "file.h"
#include "host_crypto.h"
#include "row.h"
#include "state.h"
#include "suit.h"
#include "twin.h"

struct start {
	struct hf_twin *twin;
	const struct hf_layout *layout;
	bool entered;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_boot: %s\n", what);
	exit(1);
}

static void on_event(void *ctx, const struct hf_twin_event *e)
{
	struct start *s = ctx;

	if (e->kind != HF_TWIN_EV_ENTER || e->b != s->layout->slot[0].addr)
		return;
	s->entered = true;
	hf_twin_stop(s->twin);
}

static enum hf_err read_flash(void *ctx, uint32_t addr, void *buf, size_t len)
{
	return hf_twin_peek(ctx, addr, buf, len);
}

static enum hf_err program_flash(void *ctx, uint32_t addr, const void *data, size_t len)
{
	return hf_twin_poke(ctx, addr, data, len);
}

static enum hf_err erase_flash(void *ctx, uint32_t addr)
{
	(void)ctx;
	(void)addr; /* the journal is blank to begin with */
	return HF_OK;
}

/* The journal that a gateway has once its firmware confirmed itself. */
static void confirm(struct hf_twin *twin, const struct hf_layout *layout, uint64_t sequence, const uint8_t *id)
{
	const struct hf_flash flash = { twin, read_flash, program_flash, erase_flash };
	struct hf_record confirmed = { .type = HF_REC_CONFIRMED };
	struct hf_journal j;
	struct hf_state state;
	bool blank;

	store_le64(confirmed.data + 1, sequence);
	memcpy(confirmed.data + 9, id, HF_ID_BYTES);
	if (hf_state_load(&j, &flash, layout, &state, &blank) || hf_state_take_over(&j, &state) ||
	    hf_journal_append_twice(&j, &confirmed))
		die("the journal cannot be made");
}

static void identify(const struct hf_buffer *factory, const struct hf_board *board,
		     uint64_t *sequence, uint8_t id[HF_SHA256_BYTES])
{
	uint32_t at = board->layout.slot[0].addr - board->layout.sector[0].addr;
	struct hf_envelope env;
	struct hf_manifest manifest;
	struct hf_sha256 hash;

	if (hf_envelope_parse((struct hf_bytes){ factory->ptr + at, HF_SUIT_HEAD_MAX }, &env) ||
	    hf_manifest_parse(&env, &manifest))
		die("slot A holds no firmware");
	*sequence = manifest.sequence;
	hf_host_crypto.sha256_start(&hash);
	hf_host_crypto.sha256_update(&hash, env.manifest_item.ptr, env.manifest_item.len);
	hf_host_crypto.sha256_finish(&hash, id);
}


static void measure(const struct hf_board *board, const char *size, const char *path)
{
	const double goal = 350;
	struct start s = { .layout = &board->layout };
	struct hf_twin_config config;
	struct hf_twin_counts counts;
	struct hf_buffer factory;
	struct hf_diag diag;
	char name[64];
	uint8_t id[HF_SHA256_BYTES];
	uint64_t sequence, begin;

	if (hf_file_read(path, 4u << 20, &factory, &diag))
		die(diag.text);
	identify(&factory, board, &sequence, id);
	hf_twin_config_default(&config);
	if (hf_twin_open(&s.twin, &board->layout, &config) ||
	    hf_twin_load(s.twin, board->layout.sector[0].addr, factory.ptr, factory.len))
		die("no twin");
	confirm(s.twin, &board->layout, sequence, id);
	hf_twin_on_event(s.twin, on_event, &s);
	begin = hf_twin_now_ns(s.twin);
	hf_twin_power_on(s.twin);
	hf_twin_run(s.twin, begin + 20000000000ull);
	if (!s.entered)
		die("boot does not start the firmware");
	hf_twin_counts(s.twin, &counts);
	snprintf(name, sizeof name, "boot.time_%s_ms", size);
	row(name, (double)(hf_twin_now_ns(s.twin) - begin) / 1e6, "ms", LOWER, strcmp(size, "384k") == 0 ? &goal : NULL,
	    strstr(size, "lms") ? "reset to the application's first instruction, ESP256 and HSS-LMS, virtual time"
				: "reset to the application's first instruction, ESP256, virtual time");
	snprintf(name, sizeof name, "boot.instructions_%s", size);
	row(name, (double)counts.instructions, "instructions", LOWER, NULL, "the same, executed instructions");
	hf_twin_close(s.twin);
	hf_buffer_free(&factory);
}

int main(int argc, char **argv)
{
	struct hf_board board;
	struct hf_diag diag;

	if (argc < 4)
		die("usage: bench_boot BOARD NAME FACTORY.BIN ...");
	if (hf_board_load(argv[1], &board, &diag))
		die(diag.text);
	for (int i = 2; i + 1 < argc; i += 2)
		measure(&board, argv[i], argv[i + 1]);
	return 0;
}

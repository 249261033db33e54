/* SPDX-License-Identifier: MIT
 *
 * What a small fix costs: bytes on the line and time, where the device runs the firmware before it.
 *
 *   bench_fix NAME BOARD FACTORY.BIN KEYSET PACKAGE           from the firmware that runs
 *   bench_fix NAME BOARD FACTORY.BIN KEYSET PACKAGE RUNS      through recovery, beside RUNS, a package: in slot A, confirmed
 *
 * The second form is for firmware that does nothing on this board: only what the journal and the slot say of it counts, and
 * the recovery pin is held. 921600 baud, 1 ms of adapter latency. Time is virtual, from the tool's first byte to the device's
 * answer that all is written and verified.
 */
#include <stdlib.h>
#include <string.h>

#include "burn.h"
#include "burn_line.h"
#include "file.h"
#include "flash_image.h"
#include "row.h"
#include "state.h"

#define BAUD       921600u
#define SETTLED_MS 20000u /* the firmware that runs has confirmed itself */

static struct {
	struct hf_board board;
	struct hf_buffer factory, keyset_bytes, package, runs;
	struct hf_keyset keyset;
} in;

static void load(const char *path, struct hf_buffer *out)
{
	struct hf_diag diag;

	if (hf_file_read(path, 4u << 20, out, &diag))
		burn_line_die("input", diag.text);
}

/* As if the package in slot A had run and confirmed itself. */
static void confirm(void)
{
	struct hf_flash_image image;
	struct hf_package runs;
	struct hf_journal journal;
	struct hf_state state;
	struct hf_record r;
	struct hf_diag diag;
	bool blank;

	if (hf_package_read(hf_buffer_bytes(&in.runs), &runs, &diag) || hf_flash_image_open(&image, &in.board.layout, &diag))
		burn_line_die("what runs", diag.text);
	memcpy(image.bytes, in.factory.ptr, in.factory.len < image.size ? in.factory.len : image.size);
	r = hf_state_image_record(HF_REC_CONFIRMED, 0, HF_COMPONENT_APP, runs.manifest.sequence, runs.id, 0);
	if (hf_state_load(&journal, &image.flash, &in.board.layout, &state, &blank) ||
	    (blank && hf_state_take_over(&journal, &state)) || hf_journal_append_twice(&journal, &r))
		burn_line_die("journal", "cannot be written");
	memcpy(in.factory.ptr, image.bytes, in.factory.len < image.size ? in.factory.len : image.size);
	hf_flash_image_close(&image);
}

static void figure(const char *name, const struct hf_burn_result *r)
{
	double share = (double)r->upload.bytes_sent / (double)in.package.len;
	char text[64];

	snprintf(text, sizeof(text), "burn.%s_wire_bytes", name);
	row(text, (double)r->upload.bytes_sent, "bytes", LOWER, NULL, "of the package that went over the line, repetitions included");
	snprintf(text, sizeof(text), "burn.%s_wire_share", name);
	row(text, share, "of package", LOWER, NULL, "the same over the package's length");
	snprintf(text, sizeof(text), "burn.%s_time_ms", name);
	row(text, (double)(r->uploaded_ms - r->begin_ms), "ms", LOWER, NULL,
	    "921600 baud, 1 ms of adapter latency: line, erase, write, verify; virtual time");
}

int main(int argc, char **argv)
{
	static struct burn_line line;
	static struct hf_burn_result result;
	struct hf_burn_options o = {.upload_baud = BAUD, .no_activate = true};
	struct hf_twin_config twin;
	struct hf_serial serial;
	struct hf_diag diag;
	size_t used;

	if (argc != 6 && argc != 7)
		burn_line_die("usage", "bench_fix NAME BOARD FACTORY.BIN KEYSET PACKAGE [RUNS]");
	if (hf_board_load(argv[2], &in.board, &diag))
		burn_line_die(argv[2], diag.text);
	load(argv[3], &in.factory);
	load(argv[4], &in.keyset_bytes);
	load(argv[5], &in.package);
	if (hf_keyset_parse(hf_buffer_bytes(&in.keyset_bytes), &in.keyset, &used))
		burn_line_die(argv[4], "is no keyset");
	if (argc == 7) {
		load(argv[6], &in.runs);
		confirm();
	}
	hf_twin_config_default(&twin);
	burn_line_open(&line, &in.board, &twin, hf_buffer_bytes(&in.factory), 1);
	if (argc == 7)
		burn_line_command(&line, "press recovery");
	burn_line_command(&line, "power on");
	burn_line_wait(&line, argc == 7 ? 2000 : SETTLED_MS);
	o.package = hf_buffer_bytes(&in.package);
	o.board = &in.board;
	o.keyset = &in.keyset;
	o.baud = in.board.maintenance.baud;
	o.bauds = in.board.maintenance.bauds;
	serial = burn_line_serial(&line);
	if (hf_burn(&serial, &o, &result) != HF_BURN_UPLOADED)
		burn_line_die("burning", result.diag.text);
	if ((result.status.running < HF_SLOTS) != (argc == 6))
		burn_line_die("burning", "was not what was to be measured: another program answered");
	figure(argv[1], &result);
	burn_line_close(&line);
	return 0;
}

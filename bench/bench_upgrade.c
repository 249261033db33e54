/* SPDX-License-Identifier: MIT
 *
 * A whole upgrade on the twin, in lockstep: what the gateway's Modbus bus notices of it.
 *
 *   bench_upgrade BOARD FACTORY.BIN KEYSET PACKAGE
 *
 * The client of the tests uploads, activates and resets. The bench of slaves counts readings; the largest gap between
 * two of them is told for the upload by itself, and with the restart.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "modbus_slave.h"
#include "row.h"

static void die(const char *what)
{
	fprintf(stderr, "bench_upgrade: %s\n", what);
	exit(1);
}

static double gap_ms(struct lab *lab)
{
	return (double)lab_modbus(lab)->gap_ns / 1e6;
}

int main(int argc, char **argv)
{
	static struct lab lab;
	static const char *const no_native[] = { NULL };
	struct lab_package next;
	struct hf_image image;
	const char *why;
	uint64_t begin, reset, polled;
	double upload;

	if (argc != 5)
		die("usage: bench_upgrade BOARD FACTORY.BIN KEYSET PACKAGE");
	lab_open(&lab, argv[1], argv[2], argv[3], no_native, false);
	lab_package_read(&lab, argv[4], &next);
	if (!lab_slot(&lab, 0, &image) || !lab_start(&lab) || !lab_confirmed(&lab, image.id, 60000 * LAB_MS))
		die("the gateway does not confirm itself");
	hf_modbus_slave_clear(lab_modbus(&lab));
	begin = hf_twin_now_ns(lab.twin);
	why = lab_upload(&lab, &next);
	if (why)
		die(why);
	upload = gap_ms(&lab);
	row("upgrade.upload_ms", (double)(hf_twin_now_ns(lab.twin) - begin) / 1e6, "ms", LOWER, NULL,
	    "upload and verification at the board's baud rate, console framing, virtual time");
	row("upgrade.upload_modbus_gap_ms", upload, "ms", LOWER, NULL,
	    "largest gap between two Modbus readings during the upload, erases included");
	why = lab_activate(&lab, &next);
	if (why)
		die(why);
	if (!lab_run(&lab, 50 * LAB_MS))
		die("the power went");
	reset = lab.reset_ns;
	if (!lab_confirmed(&lab, next.id, 60000 * LAB_MS))
		die("the new firmware does not confirm itself");
	polled = lab_modbus(&lab)->gap_start_ns + lab_modbus(&lab)->gap_ns;
	row("activation.time_ms", (double)(polled - reset) / 1e6, "ms", LOWER, NULL,
	    "reset to the new firmware's first Modbus reading");
	row("upgrade.modbus_gap_ms", gap_ms(&lab), "ms", LOWER, NULL,
	    "largest gap in the whole upgrade: the reboot (boot's verification, start, first poll)");
	if (lab.errors)
		die(lab.error);
	lab_close(&lab);
	return 0;
}

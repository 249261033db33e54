/* SPDX-License-Identifier: MIT
 *
 * `holdfast board`: a board file as people read it, as JSON, and as the files that the firmware's build takes from
 * it.
 */
#include <stdlib.h>

#include "args.h"
#include "board.h"
#include "board_gen.h"
#include "command.h"
#include "file.h"
#include "uuid.h"

static const char *pin_text(struct hf_pin pin, char text[8])
{
	snprintf(text, 8, "P%c%u", 'A' + pin.port, pin.pin & 15u);
	return text;
}

/* ---- for people ---- */

static void print_range(const char *name, struct hf_board_partition p, struct hf_span span, const char *note)
{
	char sectors[16];

	if (p.first > p.last)
		return;
	snprintf(sectors, sizeof(sectors), p.first == p.last ? "%u" : "%u-%u", p.first, p.last);
	printf("  %-10s %-8s 0x%08x  %5u KiB%s%s\n", name, sectors, span.addr, span.size / 1024, note[0] ? "  " : "",
	       note);
}

static void print_partitions(const struct hf_board *b)
{
	char note[64];

	printf("  %-10s %-8s %-10s  %9s\n", "partition", "sectors", "address", "size");
	for (unsigned s = 0; s < b->layout.sectors; s++) {
		for (unsigned i = 0; i < HF_PARTITIONS; i++) {
			note[0] = 0;
			if (i == HF_PART_BOOT)
				snprintf(note, sizeof(note), "program at most %u KiB, keyset at 0x%08x",
					 b->boot_limit / 1024, b->layout.keyset.addr);
			if (b->partition[i].first == s)
				print_range(hf_board_partition_name((enum hf_board_partition_id)i), b->partition[i],
					    hf_board_span(b, b->partition[i]), note);
		}
		for (unsigned i = 0; i < b->unuseds; i++) {
			if (b->unused[i].first == s)
				print_range("unused", b->unused[i], hf_board_span(b, b->unused[i]), "");
		}
	}
}

static void print_uart(const char *name, const struct hf_board_uart *u)
{
	char tx[8], rx[8], de[8];

	printf("  %-11s USART%u, tx %s, rx %s, AF%u", name, u->usart, pin_text(u->tx, tx), pin_text(u->rx, rx),
	       u->af);
	if (u->has_de)
		printf(", direction %s", pin_text(u->de, de));
	for (unsigned i = 0; i < u->bauds; i++)
		printf("%s%u", i ? ", else " : ", ", u->baud[i]);
	printf(" baud\n");
}

static void print_board(const struct hf_board *b)
{
	char vendor[HF_UUID_TEXT_BYTES], class_id[HF_UUID_TEXT_BYTES], pin[8];
	const char *bold = hf_out_colour(stdout, HF_COLOUR_BOLD), *plain = hf_out_colour(stdout, HF_COLOUR_NONE);

	hf_uuid_format(b->layout.vendor_id, vendor);
	hf_uuid_format(b->layout.class_id, class_id);
	printf("%s%s%s: class %s of %s, %s at %u MHz\n", bold, b->name, plain, b->class_name, b->vendor_domain,
	       b->chip->name, b->sysclk_hz / 1000000);
	printf("  vendor id   %s\n  class id    %s\n\n", vendor, class_id);
	print_partitions(b);
	printf("\n  RAM         0x%08x  %u KiB\n", b->ram.addr, b->ram.size / 1024);
	if (b->ccm.size)
		printf("  CCM         0x%08x  %u KiB\n", b->ccm.addr, b->ccm.size / 1024);
	print_uart("maintenance", &b->maintenance);
	print_uart("Modbus", &b->modbus);
	printf("  LED         %s, timer %u channel %u, AF%u, on when %s\n", pin_text(b->led.pin, pin), b->led.timer,
	       b->led.channel, b->led.af, b->led.active_low ? "low" : "high");
	printf("  recovery    %s, when held %s\n", pin_text(b->recovery_pin.pin, pin),
	       b->recovery_pin.active_low ? "low" : "high");
	printf("  access      gateway: %s, recovery: %s, images %s be read out\n", hf_board_access_name(b->gateway_access),
	       hf_board_access_name(b->recovery_access), b->readback ? "can" : "cannot");
	printf("  burning     %s at %u kHz, %s, erases: %s\n", b->interface, b->interface_khz, b->checksum,
	       hf_board_erase_name(b->erase));
	printf("  protection  readout level %u, brown-out level %u, boot %swrite-protected\n", b->protect.rdp,
	       b->protect.bor, b->protect.boot ? "" : "not ");
}

/* ---- as JSON ---- */

static json_t *json_uart(const struct hf_board_uart *u)
{
	char tx[8], rx[8], de[8];
	json_t *bauds = json_array();
	json_t *uart = json_pack("{s:i, s:s, s:s, s:i}", "usart", u->usart, "tx", pin_text(u->tx, tx), "rx",
				 pin_text(u->rx, rx), "af", u->af);

	for (unsigned i = 0; i < u->bauds; i++)
		json_array_append_new(bauds, json_integer(u->baud[i]));
	json_object_set_new(uart, "de", u->has_de ? json_string(pin_text(u->de, de)) : json_null());
	json_object_set_new(uart, "baud", bauds);
	return uart;
}

static json_t *json_span(struct hf_span span)
{
	return json_pack("{s:I, s:I}", "addr", (json_int_t)span.addr, "bytes", (json_int_t)span.size);
}

static json_t *json_range(const struct hf_board *b, struct hf_board_partition p)
{
	json_t *range = json_span(hf_board_span(b, p));

	json_object_set_new(range, "first_sector", json_integer(p.first));
	json_object_set_new(range, "last_sector", json_integer(p.last));
	return range;
}

static json_t *json_partitions(const struct hf_board *b)
{
	json_t *all = json_object();
	json_t *unused = json_array();

	for (unsigned i = 0; i < HF_PARTITIONS; i++) {
		if (b->partition[i].first <= b->partition[i].last)
			json_object_set_new(all, hf_board_partition_name((enum hf_board_partition_id)i),
					    json_range(b, b->partition[i]));
	}
	for (unsigned i = 0; i < b->unuseds; i++)
		json_array_append_new(unused, json_range(b, b->unused[i]));
	json_object_set_new(all, "unused", unused);
	return all;
}

static json_t *json_board(const struct hf_board *b)
{
	char vendor[HF_UUID_TEXT_BYTES], class_id[HF_UUID_TEXT_BYTES], led[8], recovery[8];
	json_t *sectors = json_array();
	json_t *all;

	hf_uuid_format(b->layout.vendor_id, vendor);
	hf_uuid_format(b->layout.class_id, class_id);
	for (unsigned i = 0; i < b->layout.sectors; i++)
		json_array_append_new(sectors, json_span(b->layout.sector[i]));
	all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "name", b->name, "vendor",
			b->vendor_domain, "class", b->class_name, "vendor_id", vendor, "class_id", class_id, "chip",
			b->chip->name, "sysclk_hz", (json_int_t)b->sysclk_hz, "ram", json_span(b->ram), "ccm",
			b->ccm.size ? json_span(b->ccm) : json_null(), "sectors", sectors, "partitions",
			json_partitions(b));
	json_object_set_new(all, "boot_limit_bytes", json_integer(b->boot_limit));
	json_object_set_new(all, "keyset", json_span(b->layout.keyset));
	json_object_set_new(all, "maintenance", json_uart(&b->maintenance));
	json_object_set_new(all, "modbus", json_uart(&b->modbus));
	json_object_set_new(all, "led",
			    json_pack("{s:s, s:i, s:i, s:i, s:b}", "pin", pin_text(b->led.pin, led), "timer",
				      b->led.timer, "channel", b->led.channel, "af", b->led.af, "active_low",
				      b->led.active_low));
	json_object_set_new(all, "recovery",
			    json_pack("{s:s, s:b}", "pin", pin_text(b->recovery_pin.pin, recovery), "active_low",
				      b->recovery_pin.active_low));
	json_object_set_new(all, "access",
			    json_pack("{s:s, s:s, s:b}", "gateway", hf_board_access_name(b->gateway_access), "recovery",
				      hf_board_access_name(b->recovery_access), "readback", b->readback));
	json_object_set_new(all, "burn",
			    json_pack("{s:s, s:i, s:s, s:s}", "interface", b->interface, "khz", (int)b->interface_khz,
				      "checksum", b->checksum, "erase", hf_board_erase_name(b->erase)));
	json_object_set_new(all, "protect", json_pack("{s:i, s:i, s:b}", "rdp", b->protect.rdp, "bor", b->protect.bor,
						      "boot", b->protect.boot));
	return all;
}

/* ---- the command ---- */

static enum hf_exit generate(const struct hf_board *board, void (*write)(const struct hf_board *, FILE *),
			     const char *out)
{
	struct hf_diag diag;
	char *text = NULL;
	size_t len = 0;
	enum hf_err err;
	FILE *to = open_memstream(&text, &len);

	if (!to || (write(board, to), fclose(to) != 0)) {
		hf_out_error("out of memory");
		free(text);
		return HF_EXIT_INTERNAL;
	}
	err = hf_file_write(out ? out : "-", (struct hf_bytes){(uint8_t *)text, len}, 0, &diag);
	free(text);
	return err ? hf_out_fail(err, &diag) : HF_EXIT_OK;
}

enum hf_exit hf_command_board(int argc, char **argv)
{
	bool json = false, header = false, source = false, linker = false;
	const char *out = NULL;
	const struct hf_arg options[] = {
		{"json", 0, HF_ARG_FLAG, NULL, "everything, as JSON", &json, NULL},
		{"header", 0, HF_ARG_FLAG, NULL, "board.h: macros for the firmware", &header, NULL},
		{"source", 0, HF_ARG_FLAG, NULL, "board.c: the flash layout", &source, NULL},
		{"linker", 0, HF_ARG_FLAG, NULL, "board.ld: symbols for linker scripts", &linker, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "write the generated file here instead of to standard output", &out,
		 NULL},
	};
	const struct hf_usage usage = {
		.command = "board",
		.summary = "shows a board file, and generates the firmware's headers from it",
		.synopsis = "FILE [--json | --header | --source | --linker]",
		.example = "holdfast board boards/reference.conf",
		.exits = "3 the board file is wrong",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit exit_code;
	struct hf_board board;
	struct hf_diag diag;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &exit_code))
		return exit_code;
	if (json + header + source + linker > 1)
		return hf_args_wrong(&usage, "one of --json, --header, --source and --linker at a time");
	err = hf_board_load(rest.item[0], &board, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	if (header)
		return generate(&board, hf_board_write_header, out);
	if (source)
		return generate(&board, hf_board_write_source, out);
	if (linker)
		return generate(&board, hf_board_write_linker, out);
	if (out)
		return hf_args_wrong(&usage, "--out is for --header, --source and --linker");
	if (json)
		hf_out_json(json_board(&board));
	else
		print_board(&board);
	return HF_EXIT_OK;
}

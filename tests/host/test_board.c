/* SPDX-License-Identifier: MIT
 *
 * Board files: the three that ship, and one change at a time to the reference board's, each of which has to be
 * refused with its own sentence, at its own line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "board.h"
#include "file.h"
#include "uuid.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hf_buffer load(const char *name)
{
	char path[1024];
	struct hf_buffer text;
	struct hf_diag diag;

	snprintf(path, sizeof(path), "%s/boards/%s.conf", HF_SOURCE_ROOT, name);
	if (hf_file_read(path, HF_BOARD_FILE_MAX, &text, &diag))
		fail_msg("%s", diag.text);
	return text;
}

static void read_board(const char *name, struct hf_board *board)
{
	struct hf_buffer text = load(name);
	struct hf_diag diag;

	if (hf_board_parse((const char *)text.ptr, name, board, &diag))
		fail_msg("%s", diag.text);
	hf_buffer_free(&text);
}

static void assert_span(struct hf_span span, uint32_t addr, uint32_t kib)
{
	assert_int_equal(span.addr, addr);
	assert_int_equal(span.size, kib * 1024);
}

static void reference_board_has_the_design_s_table(void **state)
{
	struct hf_board b;

	(void)state;
	read_board("reference", &b);
	assert_int_equal(b.layout.sectors, 12);
	assert_span(b.layout.sector[3], 0x0800c000, 16);
	assert_span(b.layout.sector[4], 0x08010000, 64);
	assert_span(b.layout.sector[11], 0x080e0000, 128);
	assert_span(b.layout.boot, 0x08000000, 32);
	assert_span(b.layout.keyset, 0x08007800, 2);
	assert_span(b.layout.journal[0], 0x08008000, 16);
	assert_span(b.layout.journal[1], 0x0800c000, 16);
	assert_span(b.layout.recovery, 0x08010000, 64);
	assert_span(b.layout.slot[0], 0x08020000, 384);
	assert_span(b.layout.slot[1], 0x08080000, 384);
	assert_span(b.layout.data, 0x080e0000, 128);
	assert_span(b.layout.ram[0], 0x20000000, 128);
	assert_span(b.layout.ram[1], 0x10000000, 64);
	assert_string_equal(b.layout.name, "gw-f407");
	assert_int_equal(b.maintenance.usart, 1);
	assert_int_equal(b.maintenance.af, 7);
	assert_int_equal(b.maintenance.bauds, 2);
	assert_int_equal(b.maintenance.baud[0], 921600);
	assert_true(b.modbus.has_de);
	assert_int_equal(b.led.channel, 1);
	assert_int_equal(b.led.af, 2);
	assert_int_equal(b.boot_limit, 18432);
}

static void compact_board_has_another_table_and_other_pins(void **state)
{
	struct hf_board b;

	(void)state;
	read_board("compact", &b);
	assert_span(b.layout.recovery, 0x08020000, 128);
	assert_span(b.layout.slot[0], 0x08040000, 256);
	assert_span(b.layout.slot[1], 0x08080000, 256);
	assert_span(b.layout.data, 0x080c0000, 256);
	assert_int_equal(b.unuseds, 1);
	assert_int_equal(b.unused[0].first, 4);
	assert_int_equal(b.maintenance.usart, 3);
	assert_int_equal(b.maintenance.tx.port, 1);
	assert_int_equal(b.maintenance.tx.pin, 10);
	assert_int_equal(b.modbus.usart, 6);
	assert_int_equal(b.modbus.af, 8);
	assert_int_equal(b.led.timer, 3);
	assert_int_equal(b.led.channel, 3);
	assert_true(b.led.active_low);
}

static void corpus_board_has_ram_in_one_piece(void **state)
{
	struct hf_board b;

	(void)state;
	read_board("corpus", &b);
	assert_span(b.layout.ram[0], 0x20000000, 192);
	assert_int_equal(b.layout.ram[1].size, 0);
	assert_span(b.layout.slot[0], 0x08020000, 384);
	assert_false(b.modbus.has_de);
}

/* Python's uuid module says the same. */
static void ids_are_uuids_of_version_5(void **state)
{
	char text[HF_UUID_TEXT_BYTES];
	uint8_t vendor[16];
	struct hf_board b;

	(void)state;
	hf_uuid_v5(hf_uuid_namespace_dns, "www.example.com", vendor);
	hf_uuid_format(vendor, text);
	assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	hf_uuid_v5(hf_uuid_namespace_dns, "arm.com", vendor); /* the draft's examples have it */
	hf_uuid_format(vendor, text);
	assert_string_equal(text, "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe");
	read_board("reference", &b);
	hf_uuid_format(b.layout.vendor_id, text);
	assert_string_equal(text, "c9287ba4-2dce-5b99-8592-12e278d51492");
	hf_uuid_format(b.layout.class_id, text);
	assert_string_equal(text, "15b10ed2-92ce-5710-8de6-cc4880b4c73b");
}

/* ---- refusals ---- */

struct change {
	const char *from, *to; /* the first occurrence is replaced; to NULL: the text ends there */
	const char *line_of;   /* the changed file's first line with this text is named; NULL: any line */
	const char *sentence;  /* part of it */
};

static char *apply(const char *text, const struct change *change)
{
	const char *at = strstr(text, change->from);
	const char *to = change->to ? change->to : "";
	char *out = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(out);
	if (!at)
		fail_msg("the board file does not hold \"%s\"", change->from);
	sprintf(out, "%.*s%s%s", (int)(at - text), text, to, change->to ? at + strlen(change->from) : "");
	return out;
}

static unsigned line_of(const char *text, const char *what)
{
	const char *at = strstr(text, what);
	unsigned line = 1;

	assert_non_null(at);
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static void assert_refused(const char *base, const struct change *change)
{
	char *text = apply(base, change);
	struct hf_board board;
	struct hf_diag diag = {""};
	char place[32];

	if (hf_board_parse(text, "x.conf", &board, &diag) == HF_OK)
		fail_msg("accepted with \"%s\" for \"%s\"", change->to ? change->to : "(end)", change->from);
	if (!strstr(diag.text, change->sentence))
		fail_msg("\"%s\" does not say \"%s\"", diag.text, change->sentence);
	if (strncmp(diag.text, "x.conf:", 7) != 0)
		fail_msg("\"%s\" names no file and line", diag.text);
	if (change->line_of) {
		snprintf(place, sizeof(place), "x.conf:%u: ", line_of(text, change->line_of));
		if (strncmp(diag.text, place, strlen(place)) != 0)
			fail_msg("\"%s\" does not name %s", diag.text, place);
	}
	free(text);
}

static void refuse_all(const struct change *changes, size_t count)
{
	struct hf_buffer base = load("reference");

	for (size_t i = 0; i < count; i++)
		assert_refused((const char *)base.ptr, &changes[i]);
	hf_buffer_free(&base);
}

static void text_that_is_no_board_file_is_refused(void **state)
{
	static const struct change changes[] = {
		{"format = 1;", "format 1;", "format 1", "syntax error"},
		{"format = 1;", NULL, NULL, "'format' is missing"},
		{"# SPDX", "@include \"/etc/passwd\"\n# SPDX", "@include", "@include is not allowed"},
		{"format = 1;", "format = 1;\n   @include \"other.conf\"", "@include", "@include is not allowed"},
		{"format = 1;", "format = 1;\nformat = 1;", NULL, "duplicate"},
		{"format = 1;", "format = 2;", "format = 2;", "'format' is 2"},
		{"partitions = {", NULL, NULL, "'partitions' is missing"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

static void keys_that_are_unknown_are_refused(void **state)
{
	static const struct change changes[] = {
		{"format = 1;", "format = 1;\nspeed = 3;", "speed = 3", "unknown key 'speed' in the file"},
		{"boot     = [0, 1];", "boot = [0, 1]; bootloader = [0, 1];", "bootloader",
		 "unknown key 'bootloader' in partitions"},
		{"usart = 1;", "usart = 1; bauds = [1];", "bauds", "unknown key 'bauds' in maintenance"},
		{"pin = \"PD12\";", "pin = \"PD12\"; colour = 3;", "colour", "unknown key 'colour' in led"},
		{"count = 4;", "count = 4; size = 3;", "size = 3", "unknown key 'size'"},
		{"kib = 128; };", "kib = 128; dma = true; };", "dma", "unknown key 'dma' in ram"},
		{"khz = 4000;", "khz = 4000; verify = true;", "verify", "unknown key 'verify' in burn"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

static void values_of_another_type_or_range_are_refused(void **state)
{
	static const struct change changes[] = {
		{"format = 1;", "format = \"1\";", "format =", "'format' has to be a whole number"},
		{"sysclk_hz = 168000000;", "sysclk_hz = 200000000;", "sysclk_hz", "'sysclk_hz' is 200000000"},
		{"sysclk_hz = 168000000;", "sysclk_hz = 168.0;", "sysclk_hz", "has to be a whole number"},
		{"sysclk_hz = 168000000;", "sysclk_hz = -1;", "sysclk_hz", "'sysclk_hz' is -1"},
		{"sysclk_hz = 168000000;", "sysclk_hz = 99999999999999L;", "sysclk_hz",
		 "'sysclk_hz' is 99999999999999"},
		{"\"Reference gateway\"", "\"\"", "name ", "not an empty one"},
		{"\"Reference gateway\"", "\"a\\\"b\"", "name ", "holds a character"},
		{"\"Reference gateway\"", "\"a\\nb\"", "name ", "holds a character"},
		{"\"gw-f407\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
		 "class  =", "at most 63 are allowed"},
		{"\"gw-f407\"", "7", "class  =", "has to be a text in quotes"},
		{"\"holdfast.example\"", "\"holdfast\"", "vendor ", "has to be a domain"},
		{"\"STM32F407VGT6\"", "\"STM32F103\"", "chip ",
		 "the chip 'STM32F103' is not known; known are STM32F405RGT6"},
		{"\"PA9\"", "\"A9\"", "tx    = \"A9\"", "'tx' has to be a pin"},
		{"\"PA9\"", "\"PA16\"", "PA16", "the pins 0 to 15"},
		{"\"PA9\"", "\"PA009\"", "PA009", "has to be a pin"},
		{"\"PA9\"", "\"PA9 \"", "PA9 ", "has to be a pin"},
		{"active_low = false;", "active_low = 0;", "led ", "'active_low' has to be true or false"},
		{"\"local\"", "\"everybody\"", "access ", "'gateway' has to be \"open\" or \"local\" or \"signed\""},
		{"readback = true", "readback = 1", "access ", "'readback' has to be true or false"},
		{"rdp = 1", "rdp = 2", "protect =", "level 2 closes debug port and ROM loader for ever"},
		{"rdp = 1", "rdp = 3", "protect =", "'rdp' is 3"},
		{"bor = 3", "bor = 4", "protect =", "'bor' is 4"},
		{"boot = true", "boot = 1", "protect =", "'boot' has to be"},
		{"\"swd\"", "\"usb\"", "burn ", "'interface' has to be \"swd\" or \"jtag\""},
		{"\"crc32\"", "\"md5\"", "burn ", "'checksum' has to be \"crc32\""},
		{"\"needed\"", "\"chip\"", "burn ", "'erase' has to be"},
		{"khz = 4000", "khz = 0", "burn ", "'khz' is 0"},
		{"ram = { addr = 0x20000000; kib = 128; };", "ram = 128;", "ram = 128", "'ram' has to be a group"},
		{"[921600, 115200]", "115200", "baud  = 115200", "'baud' has to be a list"},
		{"[921600, 115200]", "[]", "baud  = []", "'baud' has to be a list of 1 to 4"},
		{"[921600, 115200]", "[1, 2, 3, 4, 5]", "baud  = [1", "'baud' has to be a list of 1 to 4"},
		{"[921600, 115200]", "[300]", NULL, "'baud' is 300"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

static void keys_that_are_missing_are_refused(void **state)
{
	static const struct change changes[] = {
		{"chip      = \"STM32F407VGT6\";", "", NULL, "'chip' is missing"},
		{"slot_b   = [8, 10];", "unused = ([8, 10]);", "partitions", "'slot_b' is missing in partitions"},
		{"timer = 4;", "", "led ", "'timer' is missing in led"},
		{"boot_limit_kib = 18;", "", NULL, "'boot_limit_kib' is missing"},
		{"gateway = \"local\";", "", "access ", "'gateway' is missing in access"},
		{" readback = true;", "", "access ", "'readback' is missing in access"},
		{"usart = 1;", "", "maintenance = ", "'usart' is missing in maintenance"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

static void memory_that_the_chip_has_not_is_refused(void **state)
{
	static const struct change changes[] = {
		{"kib = 128; };\nccm", "kib = 192; };\nccm", "ram = ", "'ram' is 192 KiB at 0x20000000"},
		{"addr = 0x20000000;", "addr = 0x20000400;", "ram = ", "at 0x20000400"},
		{"0x10000000; kib = 64;", "0x10000000; kib = 65;", "ccm = ", "'ccm' is 65 KiB"},
		{"count = 7; kib = 128;", "count = 6; kib = 128;", "sectors = ", "the sectors are 896 KiB together"},
		{"count = 7; kib = 128;", "count = 24; kib = 128;", NULL, "more than 24 flash sectors"},
		{"count = 7; kib = 128;", "count = 0; kib = 128;", NULL, "'count' is 0"},
		{"addr    = 0x08000000;", "addr = 0x08000004;", NULL, "'addr' is 134217732"},
		{"{ count = 4; kib = 16; },", "16,", NULL, "'sectors' has to be a list of groups"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

static void partitions_that_collide_or_leave_gaps_are_refused(void **state)
{
	static const struct change changes[] = {
		{"journal  = [2, 3];", "journal  = [1, 2];", "journal  = [1",
		 "'journal' overlaps 'boot': both have sector 1"},
		{"slot_b   = [8, 10];", "slot_b   = [7, 10];",
		 "slot_b   =", "'slot_b' overlaps 'slot_a': both have sector 7"},
		{"data     = [11, 11];", "data     = [11, 12];", NULL,
		 "'data' is 12, but has to be between 0 and 11"},
		{"data     = [11, 11];", "", "partitions", "sector 11 belongs to no partition"},
		{"data     = [11, 11];", "unused = ([11, 11], [4, 4]);", NULL,
		 "'unused' overlaps 'recovery': both have sector 4"},
		{"data     = [11, 11];", "unused = [11, 11];", "unused = [11", "'unused' has to be a list"},
		{"recovery = [4, 4];", "recovery = [4];", "recovery = [4]", "has to be its first and last sector"},
		{"recovery = [4, 4];", "recovery = 4;", "recovery = 4", "has to be its first and last sector"},
		{"recovery = [4, 4];", "recovery = [\"a\", \"b\"];", NULL, "has to be a whole number"},
		{"slot_a   = [5, 7];", "slot_a   = [7, 5];", "slot_a", "begins with sector 7 behind its last one, 5"},
		{"boot     = [0, 1];", "boot     = [11, 11];", NULL, "overlaps"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

/* Several changes at once: made on a partition table of its own. */
static void assert_table_refused(const char *table, const char *sentence)
{
	struct hf_buffer base = load("reference");
	const char *begin = strstr((const char *)base.ptr, "\tboot     =");
	const char *end = strstr((const char *)base.ptr, "boot_limit_kib");
	char *whole = malloc(base.len + strlen(table) + 8);
	struct hf_board board;
	struct hf_diag diag = {""};

	assert_true(begin && end && whole);
	sprintf(whole, "%.*s%s};\n%s", (int)(begin - (const char *)base.ptr), (const char *)base.ptr, table, end);
	assert_int_equal(hf_board_parse(whole, "x.conf", &board, &diag), HF_ERR_RANGE);
	if (!strstr(diag.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", diag.text, sentence);
	free(whole);
	hf_buffer_free(&base);
}

static void partitions_of_the_wrong_shape_are_refused(void **state)
{
	(void)state;
	assert_table_refused("boot=[1,1]; journal=[2,3]; unused=([0,0]); recovery=[4,4]; slot_a=[5,7]; "
			     "slot_b=[8,10]; data=[11,11];",
			     "'boot' has to begin with sector 0");
	assert_table_refused("boot=[0,1]; journal=[2,2]; data=[3,3]; recovery=[4,4]; slot_a=[5,7]; slot_b=[8,10]; "
			     "unused=([11,11]);",
			     "'journal' has to be two sectors of equal size");
	assert_table_refused("boot=[0,2]; journal=[3,4]; slot_a=[5,7]; slot_b=[8,10]; data=[11,11];",
			     "'journal' has to be two sectors of equal size");
	assert_table_refused("boot=[0,1]; journal=[2,3]; recovery=[4,4]; slot_a=[5,7]; slot_b=[8,9]; data=[10,11];",
			     "'slot_b' has 256 KiB and 'slot_a' 384");
	assert_table_refused("boot=[0,0]; unused=([1,1]); journal=[2,3]; recovery=[4,4]; slot_a=[5,7]; "
			     "slot_b=[8,10]; data=[11,11];",
			     "boot may take 18 KiB, but its partition has 14 KiB besides the keyset");
}

static void pins_that_cannot_do_it_are_refused(void **state)
{
	static const struct change changes[] = {
		{"tx    = \"PA9\";", "tx    = \"PA8\";", "PA8", "PA8 cannot be the tx of USART1"},
		{"rx    = \"PA10\";", "rx    = \"PA9\";", "rx    = \"PA9\"", "PA9 cannot be the rx of USART1"},
		{"usart = 1;", "usart = 4;", NULL, "cannot be the tx of USART4"},
		{"timer = 4;", "timer = 3;", "led ", "no channel of timer 3 reaches PD12"},
		{"timer = 4;", "timer = 1;", "led ", "no channel of timer 1 reaches PD12"},
		{"pin = \"PE2\";", "pin = \"PA9\";", "recovery = { pin",
		 "PA9 is used twice: as maintenance.tx and as recovery.pin"},
		{"de    = \"PA1\";", "de    = \"PD12\";", "led ", "PD12 is used twice: as modbus.de and as led.pin"},
		{"usart = 2;\n\ttx    = \"PA2\";\n\trx    = \"PA3\";",
		 "usart = 1;\n\ttx    = \"PB6\";\n\trx    = \"PB7\";",
		 "modbus = ", "'maintenance' and 'modbus' both use USART1"},
		{"[19200]", "[1953488]", NULL, "1953488 baud cannot be made from USART2's clock of 42000000 Hz"},
		{"sysclk_hz = 168000000;", "sysclk_hz = 16000000;", NULL, "921600 baud is too fast for USART1"},
		{"[19200]", "[2000001]", NULL, "'baud' is 2000001"},
	};

	(void)state;
	refuse_all(changes, COUNT(changes));
}

static void optional_partitions_may_be_absent(void **state)
{
	static const struct change change = {"recovery = [4, 4];", "unused = ([4, 4]);", NULL, NULL};
	struct hf_buffer base = load("reference");
	char *text = apply((const char *)base.ptr, &change);
	struct hf_board board;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_board_parse(text, "x.conf", &board, &diag), HF_OK);
	assert_int_equal(board.layout.recovery.size, 0);
	free(text);
	hf_buffer_free(&base);
}

static void every_truncation_is_refused_or_whole(void **state)
{
	struct hf_buffer base = load("compact");
	size_t accepted = 0;

	(void)state;
	for (size_t len = 0; len < base.len; len++) {
		char *text = strndup((const char *)base.ptr, len);
		struct hf_board board;
		struct hf_diag diag;

		accepted += hf_board_parse(text, "x.conf", &board, &diag) == HF_OK;
		free(text);
	}
	/* Whole as soon as the last group is: with its brace, with its semicolon. */
	assert_int_equal(accepted, 2);
	hf_buffer_free(&base);
}

static void file_that_cannot_be_a_board_is_refused_by_load(void **state)
{
	struct hf_board board;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_board_load("/nonexistent/board.conf", &board, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "No such file"));
	assert_int_equal(hf_board_load("/dev/zero", &board, &diag), HF_ERR_TOO_LARGE);
	assert_int_equal(hf_board_load(HF_SOURCE_ROOT, &board, &diag), HF_ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_board_has_the_design_s_table),
		cmocka_unit_test(compact_board_has_another_table_and_other_pins),
		cmocka_unit_test(corpus_board_has_ram_in_one_piece),
		cmocka_unit_test(ids_are_uuids_of_version_5),
		cmocka_unit_test(text_that_is_no_board_file_is_refused),
		cmocka_unit_test(keys_that_are_unknown_are_refused),
		cmocka_unit_test(values_of_another_type_or_range_are_refused),
		cmocka_unit_test(keys_that_are_missing_are_refused),
		cmocka_unit_test(memory_that_the_chip_has_not_is_refused),
		cmocka_unit_test(partitions_that_collide_or_leave_gaps_are_refused),
		cmocka_unit_test(partitions_of_the_wrong_shape_are_refused),
		cmocka_unit_test(pins_that_cannot_do_it_are_refused),
		cmocka_unit_test(optional_partitions_may_be_absent),
		cmocka_unit_test(every_truncation_is_refused_or_whole),
		cmocka_unit_test(file_that_cannot_be_a_board_is_refused_by_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

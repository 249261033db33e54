/* SPDX-License-Identifier: MIT
 *
 * The twin's command language.
 */
#include "check.h"
#include "modbus_slave.h"
#include "script.h"

static struct hf_command parse(const char *text)
{
	struct hf_command c;
	struct hf_diag diag = { "" };
	enum hf_err err = hf_script_command(text, &c, &diag);
	if (err != HF_OK)
		print_error("%s: %s\n", text, diag.text);
	assert_int_equal(err, HF_OK);
	return c;
}

static void refuse(const char *text, const char *sentence)
{
	struct hf_command c;
	struct hf_diag diag = { "" };
	assert_int_equal(hf_script_command(text, &c, &diag), HF_ERR_ENCODING);
	assert_string_equal(diag.text, sentence);
}

static void time_units_are_exact(void **state)
{
	(void)state;
	uint64_t ns;
	assert_true(hf_script_time("0s", &ns) && ns == 0);
	assert_true(hf_script_time("17ns", &ns) && ns == 17);
	assert_true(hf_script_time("1.5us", &ns) && ns == 1500);
	assert_true(hf_script_time("500ms", &ns) && ns == 500 * MS);
	assert_true(hf_script_time("0.123456s", &ns) && ns == 123456000);
	assert_true(hf_script_time("2min", &ns) && ns == 120 * S);
}

static void time_nonsense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "s", "5", ".s", "-1s", "1e3s", "1..5s", "5 s", "5h", "1s1s",
					   "99999999999999s", "0.0000000001s" };
	uint64_t ns = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hf_script_time(bad[i], &ns));
	assert_int_equal(ns, 42);
}

static void cut_forms_are_understood(void **state)
{
	(void)state;
	struct hf_command c = parse("cut before 12");
	assert_int_equal(c.kind, HF_CMD_CUT);
	assert_true(c.cut.numbered && c.cut.number == 12 && c.cut.fraction == 0);
	assert_int_equal(c.cut.off_ns, HF_SCRIPT_OFF_NS);
	c = parse("cut op 7 at 0.5 unstable");
	assert_true(c.cut.numbered && c.cut.number == 7 && c.cut.fraction == 32768 && c.cut.unstable);
	c = parse("cut next program in slot-b after 100 at 0.25 unstable off for 2s");
	assert_true(!c.cut.numbered && c.cut.what == HF_CUT_PROGRAM && c.cut.in == HF_PARTITION_SLOT_B);
	assert_true(c.cut.number == 100 && c.cut.fraction == 16384 && c.cut.unstable && c.cut.off_ns == 2 * S);
	c = parse("cut next erase stay off");
	assert_true(c.cut.what == HF_CUT_ERASE && c.cut.in == HF_PARTITION_ANY && c.cut.stay_off);
	c = parse("cut next at 1");
	assert_true(c.cut.what == HF_CUT_ANY && c.cut.fraction == 65535);
	assert_int_equal(parse("cut cancel").kind, HF_CMD_CUT_CANCEL);
}

static void other_commands_are_understood(void **state)
{
	(void)state;
	struct hf_command c = parse("at 1.5s power off for 300ms");
	assert_true(c.kind == HF_CMD_POWER && !c.on && c.timed && c.at_ns == 1500 * MS && c.duration_ns == 300 * MS);
	c = parse("  cable\toff for 3s ");
	assert_true(c.kind == HF_CMD_CABLE && !c.on && c.duration_ns == 3 * S && !c.timed);
	assert_int_equal(parse("advance 20s").duration_ns, 20 * S);
	assert_true(parse("noise 0.001").rate == 0.001);
	c = parse("latency 16ms");
	assert_true(c.kind == HF_CMD_LATENCY && c.duration_ns == 16 * MS);
	assert_true(parse("supply 2600").kind == HF_CMD_SUPPLY && parse("supply 2600").mv == 2600);
	assert_true(parse("temperature -20").kind == HF_CMD_TEMPERATURE && parse("temperature -20").celsius == -20);
	c = parse("break on for 2s");
	assert_true(c.kind == HF_CMD_BREAK && c.on && c.duration_ns == 2 * S);
	c = parse("boot0 1 for 1s");
	assert_true(c.kind == HF_CMD_BOOT0 && c.on && c.duration_ns == S);
	assert_false(parse("boot0 0").on);
	assert_int_equal(parse("parity even").parity, 'E');
	c = parse("wire reset rts inverted");
	assert_true(c.kind == HF_CMD_WIRE && c.wire == HF_WIRE_RESET && c.wired.signal == 1 && c.wired.inverted);
	c = parse("wire boot0 dtr");
	assert_true(c.wire == HF_WIRE_BOOT0 && c.wired.signal == 2 && !c.wired.inverted);
	assert_int_equal(parse("wire boot0 none").wired.signal, 0);
	c = parse("reset pin for 100ms");
	assert_true(c.kind == HF_CMD_RESET && c.duration_ns == 100 * MS);
	c = parse("slave 2 bad-crc");
	assert_true(c.slave == 2 && c.mode == HF_MODBUS_BAD_CRC);
	assert_true(parse("press recovery").on);
	assert_false(parse("release recovery").on);
	c = parse("flip 0x08020000 0x10");
	assert_true(c.addr == 0x08020000 && c.bits == 16);
	assert_string_equal(parse("flash dump a.bin").path, "a.bin");
	assert_int_equal(parse("modbus clear").kind, HF_CMD_MODBUS_CLEAR);
	assert_int_equal(parse("reset pin").kind, HF_CMD_RESET);
}

static void cut_that_is_a_reset_is_understood(void **state)
{
	(void)state;
	assert_int_equal(parse("cut before 3").cut.how, HF_CUT_POWER);
	assert_int_equal(parse("cut next erase at 0.5 unstable brown-out").cut.how, HF_CUT_BROWN_OUT);
	assert_int_equal(parse("cut op 3 at 0.5 watchdog").cut.how, HF_CUT_WATCHDOG);
	assert_int_equal(parse("at 3s cut next pin").cut.how, HF_CUT_PIN);
	refuse("cut next pin off for 3s", "'off' was given where nothing more belongs");
	assert_int_equal(parse("brown-out").kind, HF_CMD_BROWN_OUT);
}

static void memory_faults_are_understood(void **state)
{
	(void)state;
	struct hf_command c = parse("unstable 0x08020000 0x20000 0.25 seed 7");
	assert_true(c.kind == HF_CMD_UNSTABLE && c.addr == 0x08020000 && c.fault.size == 0x20000 && c.rate == 0.25);
	assert_int_equal(c.fault.seed, 7);
	c = parse("worn 5 flagged seed 3 after 2");
	assert_true(c.kind == HF_CMD_WORN && c.fault.sector == 5 && c.fault.kind == 1 && c.fault.at == 2);
	assert_int_equal(c.fault.seed, 3);
	assert_int_equal(parse("worn 5 silent").fault.kind, 2);
	assert_int_equal(parse("worn 5 healed").fault.kind, 0);
	c = parse("disturb 0x08020010 0x80 after 1000");
	assert_true(c.kind == HF_CMD_DISTURB && c.addr == 0x08020010 && c.bits == 0x80 && c.fault.at == 1000);
	c = parse("flash speed 4000");
	assert_true(c.kind == HF_CMD_FLASH_SPEED && c.fault.permille == 4000);
	refuse("worn 5", "after '5' 'flagged', 'silent' or 'healed' is missing");
	refuse("worn 5 silent after 2 after 3", "'after' was given where nothing more belongs");
	refuse("disturb 0x08020010 1", "after '1' 'after' and a number of reads is missing");
	refuse("flash speed 0", "'0' was given where thousandths of the usual time, from 1 to 100000 belongs");
}

static void clocks_and_lines_are_understood(void **state)
{
	(void)state;
	struct hf_command c = parse("lsi 17000");
	assert_true(c.kind == HF_CMD_CLOCKS && c.fault.lsi_hz == 17000 && !c.fault.of_hsi);
	c = parse("at 2s hsi -80000");
	assert_true(c.kind == HF_CMD_CLOCKS && c.fault.lsi_hz == 0 && c.fault.of_hsi && c.fault.ppm == -80000);
	c = parse("line in drift ppm -30000 at 100 count 50 seed 1");
	assert_true(c.kind == HF_CMD_LINE && c.fault.to_device && c.fault.kind == 6 && c.fault.ppm == -30000);
	assert_true(c.fault.at == 100 && c.fault.count == 50 && c.fault.seed == 1);
	c = parse("line out noise ppm 500");
	assert_true(!c.fault.to_device && c.fault.kind == 5 && c.fault.ppm == 500);
	assert_int_equal(parse("line heal").fault.kind, 0);
	refuse("lsi 48000", "'48000' was given where 17000 to 47000 Hz, which is what the chip's oscillator may have, belongs");
	refuse("hsi fast", "'fast' was given where millionths from -100000 to 100000 belongs");
	refuse("line in", "after 'in' 'flip', 'burst', 'lost', 'repeat', 'noise', 'drift' or 'stall' is missing");
	refuse("line flip", "'flip' was given where 'in' (to the device), 'out' or 'heal' belongs");
}

static void wrong_commands_get_a_sentence(void **state)
{
	(void)state;
	refuse("", "a command is missing");
	refuse("power", "after 'power' 'on' or 'off' is missing");
	refuse("cut next program in slot-c",
	       "'slot-c' was given where a partition (boot, journal, recovery, slot-a, slot-b, data) belongs");
	refuse("cut next program at 1.5", "'1.5' was given where a share from 0 to 1 belongs");
	refuse("cut next program at 0.5 unstabel", "'unstabel' was given where nothing more belongs");
	refuse("cut before 3 unstable", "'unstable' was given where nothing more belongs");
	refuse("cut op 3", "after '3' 'at' and a share from 0 to 1 is missing");
	refuse("advance 20", "'20' was given where a time such as 500ms or 1.5s belongs");
	refuse("power on for 3s", "'for' was given where nothing more (only 'power off' can have a duration) belongs");
	refuse("slave 33 ok", "'33' was given where the number of a slave (from 1) belongs");
	refuse("noise nan", "'nan' was given where a share from 0 to 1 belongs");
	refuse("flip 0x108020000 1", "'0x108020000' was given where a number of 32 bits belongs");
}

static void script_gives_its_commands_in_order(void **state)
{
	(void)state;
	const char *text = "# two cuts\nat 1s power off; at 2s power on # again\n\n;;cut next erase\n";
	struct hf_command c;
	struct hf_diag diag;
	unsigned line = 1;
	assert_int_equal(hf_script_next(&text, &line, &c, &diag), HF_OK);
	assert_true(c.kind == HF_CMD_POWER && c.at_ns == S);
	assert_int_equal(hf_script_next(&text, &line, &c, &diag), HF_OK);
	assert_true(c.kind == HF_CMD_POWER && c.on && c.at_ns == 2 * S);
	assert_int_equal(hf_script_next(&text, &line, &c, &diag), HF_OK);
	assert_int_equal(c.kind, HF_CMD_CUT);
	assert_int_equal(hf_script_next(&text, &line, &c, &diag), HF_ERR_NOT_FOUND);
	assert_int_equal(line, 5);
}

static void script_error_names_its_line(void **state)
{
	(void)state;
	const char *text = "power on\n# nothing\ncable away\n";
	struct hf_command c;
	struct hf_diag diag;
	unsigned line = 1;
	assert_int_equal(hf_script_next(&text, &line, &c, &diag), HF_OK);
	assert_int_equal(hf_script_next(&text, &line, &c, &diag), HF_ERR_ENCODING);
	assert_string_equal(diag.text, "line 3: 'away' was given where 'on' or 'off' belongs");
}

static void overlong_commands_are_refused(void **state)
{
	(void)state;
	char text[2 * HF_SCRIPT_LINE_MAX];
	struct hf_command c;
	struct hf_diag diag;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(hf_script_command(text, &c, &diag), HF_ERR_ENCODING);
	const char *script = text;
	unsigned line = 1;
	assert_int_equal(hf_script_next(&script, &line, &c, &diag), HF_ERR_ENCODING);
	for (size_t i = 0; i + 1 < 200; i++)
		text[i] = i % 2 != 0 ? ' ' : 'x';
	text[199] = 0;
	assert_int_equal(hf_script_command(text, &c, &diag), HF_ERR_ENCODING);
	assert_string_equal(diag.text, "a command has more than 24 words");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_units_are_exact),
		cmocka_unit_test(time_nonsense_is_refused),
		cmocka_unit_test(cut_forms_are_understood),
		cmocka_unit_test(other_commands_are_understood),
		cmocka_unit_test(cut_that_is_a_reset_is_understood),
		cmocka_unit_test(memory_faults_are_understood),
		cmocka_unit_test(clocks_and_lines_are_understood),
		cmocka_unit_test(wrong_commands_get_a_sentence),
		cmocka_unit_test(script_gives_its_commands_in_order),
		cmocka_unit_test(script_error_names_its_line),
		cmocka_unit_test(overlong_commands_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The whole board in process: real firmware (fw/bench.c) on the machine, with peripherals, slaves, light, faults.
 */
#include <stdlib.h>

#include "../support/tmp.h"
#include "check.h"
#include "file.h"
#include "led_pin.h"
#include "modbus_bus.h"
#include "rig.h"
#include "usart.h"

#define SECTOR8 0x08080000u

static struct hf_board board;
static struct hf_rig *rig;
static FILE *events;
static char *told;
static size_t told_len;

/* What the device said. */
static char heard[65536];
static unsigned heard_len;
static uint64_t heard_at;

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	(void)ctx;
	assert_true(heard_len < sizeof(heard) - 1);
	heard[heard_len++] = (char)byte;
	heard[heard_len] = 0;
	heard_at = at_ns;
}

static void load_firmware(void)
{
	struct hf_buffer elf;
	struct hf_diag diag;
	assert_int_equal(hf_file_read(HF_BENCH_ELF, 1 << 20, &elf, &diag), HF_OK);
	assert_int_equal(hf_twin_load_elf(hf_rig_twin(rig), elf.ptr, elf.len, 0, NULL), HF_OK);
	hf_buffer_free(&elf);
}

static int set_up(void **state)
{
	(void)state;
	struct hf_rig_config config;
	struct hf_diag diag = { "" };
	const struct hf_twin_line line = { 115200, 8, 'N', 1 };
	if (hf_board_load(HF_BOARD_FILE, &board, &diag) != HF_OK)
		fail_msg("%s", diag.text);
	hf_rig_config_default(&config, &board);
	events = open_memstream(&told, &told_len);
	config.events = events;
	assert_int_equal(hf_rig_open(&rig, &config, &diag), HF_OK);
	load_firmware();
	hf_rig_listen(rig, HF_RIG_MAINTENANCE, hear, NULL);
	hf_twin_uart_line(hf_rig_twin(rig), 1, &line);
	heard_len = 0;
	heard[0] = 0;
	hf_twin_power_on(hf_rig_twin(rig));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hf_rig_close(rig);
	fclose(events);
	free(told);
	return 0;
}

/* ---- helpers ---- */

static void run_for(uint64_t ns)
{
	assert_int_equal(hf_rig_run(rig, hf_rig_now_ns(rig) + ns), HF_RIG_TIME);
}

static void type(const void *bytes, size_t len)
{
	assert_int_equal(hf_twin_uart_send(hf_rig_twin(rig), 1, bytes, len), HF_OK);
}

static void command(const char *text)
{
	struct hf_command c;
	struct hf_diag diag = { "" };
	char answer[HF_RIG_ANSWER];
	enum hf_err err = hf_script_command(text, &c, &diag);
	if (err == HF_OK)
		err = hf_rig_command(rig, &c, answer, &diag);
	if (err != HF_OK)
		fail_msg("%s: %s", text, diag.text);
}

/* Runs until the device has said this line, at most a while; returns when it ended. */
static uint64_t await(const char *line, uint64_t limit_ns)
{
	uint64_t end = hf_rig_now_ns(rig) + limit_ns;
	while (strstr(heard, line) == NULL) {
		if (hf_rig_now_ns(rig) >= end)
			fail_msg("'%s' was not said in %llu ms; said was: %s", line,
				 (unsigned long long)(limit_ns / MS), heard);
		run_for(MS);
	}
	heard_len = 0;
	heard[0] = 0;
	return heard_at;
}

/* How often an event was told, with this text in its line (NULL: any). */
static unsigned count_events(const char *event, const char *with)
{
	char name[64];
	unsigned n = 0;
	(void)hf_events_flush(hf_rig_events(rig));
	snprintf(name, sizeof(name), "\"event\":\"%s\"", event);
	for (const char *line = told; *line != 0;) {
		const char *end = strchr(line, '\n');
		const char *at = strstr(line, name), *text = with != NULL ? strstr(line, with) : line;
		n += at != NULL && at < end && text != NULL && text < end;
		line = end + 1;
	}
	return n;
}

static uint32_t word(uint32_t addr)
{
	uint8_t bytes[4];
	assert_int_equal(hf_twin_peek(hf_rig_twin(rig), addr, bytes, 4), HF_OK);
	return load_le32(bytes);
}

/* ---- tests ---- */

static void firmware_says_hello_and_echoes(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	type("hello", 5);
	await("HELLO", 100 * MS);
	assert_int_equal(count_events("uart", "\"line\":\"bench power\""), 1);
	assert_int_equal(count_events("start", "\"what\":\"boot\""), 1);
	assert_int_equal(count_events("misuse", NULL), 0);
}

static void dma_receives_while_flash_is_erased(void **state)
{
	(void)state;
	uint8_t data[4000];
	struct hf_usart_counts counts;
	uint32_t sum = 'E' + 'S';
	char expected[64];
	await("bench power\r\n", 100 * MS);
	assert_int_equal(hf_twin_must_not_stall(hf_rig_twin(rig), HF_TWIN_SRAM_ADDR, HF_TWIN_SRAM_SIZE), HF_OK);
	for (unsigned i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(0x80 | i);
		sum += data[i];
	}
	type("E", 1);
	type(data, sizeof(data)); /* 347 ms of line, the erase takes a second */
	run_for(500 * MS);
	assert_int_equal(hf_twin_uart_queued(hf_rig_twin(rig), 1), 0);
	assert_int_equal(heard_len, 0);
	await("erased\r\n", 2 * S);
	type("S", 1);
	snprintf(expected, sizeof(expected), "%zu %u\r\n", sizeof(data) + 2, sum);
	await(expected, 100 * MS);
	hf_usart_counts(hf_twin_machine(hf_rig_twin(rig)), 1, &counts);
	assert_true(counts.overruns == 0 && counts.damaged == 0 && counts.unheard == 0);
	assert_int_equal(count_events("stall_error", NULL), 0);
	assert_int_equal(count_events("erase", "slot-b"), 1);
}

static void handler_that_waits_for_flash_is_an_error(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	type("T", 1);
	run_for(100 * MS);
	assert_int_equal(count_events("stall_error", NULL), 0);
	type("E", 1);
	await("erased\r\n", 2 * S);
	assert_in_range(count_events("stall_error", NULL), 1, 2); /* it waits for the whole erase, once */
	json_t *status = hf_rig_status(rig);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "trouble"), "stall_errors")),
			 count_events("stall_error", NULL));
	json_decref(status);
}

static void modbus_gap_is_that_of_the_erase(void **state)
{
	(void)state;
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(hf_twin_machine(hf_rig_twin(rig)));
	await("bench power\r\n", 100 * MS);
	run_for(3 * S);
	assert_in_range(bench->readings, 29, 31);
	assert_in_range(bench->gap_ns, 99 * MS, 101 * MS);
	assert_int_equal(bench->crc_errors + bench->early + bench->lost, 0);
	type("E", 1);
	await("erased\r\n", 2 * S);
	run_for(S);
	/* The main loop stands for the erase of a second: polls come at multiples of 100 ms. */
	assert_in_range(bench->gap_ns, 1000 * MS, 1201 * MS);
	assert_true(count_events("modbus", "\"gap_ms\":") >= 1);
}

static void unplugged_slave_is_told_by_the_gap(void **state)
{
	(void)state;
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(hf_twin_machine(hf_rig_twin(rig)));
	run_for(2 * S);
	command("slave 1 silent");
	run_for(3 * S);
	command("slave 1 ok");
	run_for(S);
	assert_in_range(bench->gap_ns, 2900 * MS, 3200 * MS);
	command("modbus clear");
	run_for(S);
	assert_in_range(bench->gap_ns, 99 * MS, 101 * MS);
}

static void breathing_light_is_recognised(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	type("B", 1);
	run_for(8 * S);
	assert_int_equal(hf_twin_led(hf_rig_twin(rig))->state, HF_LED_BREATHING);
	assert_in_range(hf_twin_led(hf_rig_twin(rig))->period_ms, 1990, 2010);
	type("L", 1);
	run_for(4 * S);
	assert_int_equal(hf_twin_led(hf_rig_twin(rig))->state, HF_LED_SOLID);
	assert_int_equal(count_events("led", "breathing"), 1);
	assert_true(count_events("led", "solid") >= 1);
}

static void hang_is_ended_by_the_watchdog(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	type("H", 1);
	await("bench watchdog\r\n", S);
	assert_int_equal(count_events("watchdog", NULL), 1);
	assert_int_equal(count_events("reset", "\"cause\":\"watchdog\""), 1);
	assert_int_equal(count_events("start", "boot"), 2);
	type("R", 1);
	await("bench software\r\n", S);
	command("reset pin");
	await("bench pin\r\n", S);
}

static void first_instruction_in_a_slot_is_told(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	assert_int_equal(count_events("start", "slot-a"), 0);
	type("J", 1);
	run_for(10 * MS);
	assert_int_equal(count_events("start", "slot-a"), 1);
	type("J", 1);
	run_for(10 * MS);
	assert_int_equal(count_events("start", "slot-a"), 1);
}

static void recovery_button_reaches_its_pin(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	type("K", 1);
	await("up\r\n", 100 * MS);
	command("press recovery for 1s");
	type("K", 1);
	await("down\r\n", 100 * MS);
	run_for(S);
	type("K", 1);
	await("up\r\n", 100 * MS);
}

static void cut_by_place_tears_that_word(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	command("cut next program in slot-b after 10 at 0.5 off for 200ms");
	type("P", 1);
	uint64_t back = await("bench power\r\n", S);
	assert_true(back > 200 * MS);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(word(SECTOR8 + 4 * i), 0x01010101u * i);
	uint32_t torn = word(SECTOR8 + 40);
	assert_int_equal(torn & 0x0a0a0a0au, 0x0a0a0a0au);
	assert_int_not_equal(torn, 0x0a0a0a0au);
	assert_int_equal(word(SECTOR8 + 44), UINT32_MAX);
	assert_int_equal(count_events("cut", "\"kind\":\"program\""), 1);
	assert_int_equal(count_events("cut", "\"partition\":\"slot-b\""), 1);
}

static void cuts_are_armed_one_after_the_other(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	command("cut next erase in slot-b at 0.5");
	command("cut next program after 3");
	type("E", 1);
	await("bench power\r\n", 3 * S);
	type("P", 1);
	await("bench power\r\n", 3 * S);
	assert_int_equal(count_events("cut", NULL), 2);
	assert_int_equal(count_events("cut", "\"kind\":\"erase\""), 1);
	run_for(S);
	assert_int_equal(count_events("power", "true"), 3);
}

static void cut_that_stays_off_waits_for_power(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	command("cut next program stay off");
	type("P", 1);
	run_for(2 * S);
	assert_false(hf_twin_is_on(hf_rig_twin(rig)));
	command("power on");
	await("bench power\r\n", 100 * MS);
}

/* Reset, erase cut, reset: the second cut waits for the first, and no power is lost. */
static void cuts_that_are_resets_start_the_chip_again(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	command("cut next erase in slot-b at 0.5 brown-out");
	command("cut next program after 3 watchdog");
	type("E", 1);
	run_for(3 * S);
	assert_int_equal(count_events("reset", "brown-out"), 1);
	assert_int_equal(count_events("reset", "\"watchdog\""), 0);
	type("P", 1);
	run_for(S);
	assert_int_equal(count_events("cut", NULL), 2);
	assert_int_equal(count_events("reset", "\"watchdog\""), 1);
	assert_int_equal(count_events("power", "false"), 0);
	assert_true(hf_twin_is_on(hf_rig_twin(rig)));
}

static void faults_of_memory_line_and_clock_reach_the_twin(void **state)
{
	(void)state;
	struct hf_command c;
	struct hf_diag diag;
	char answer[HF_RIG_ANSWER];
	await("bench power\r\n", 100 * MS);
	command("line in lost at 1");
	type("abc", 3);
	await("AC", 100 * MS);
	command("line out lost at 1");
	type("abc", 3);
	await("AC", 100 * MS);
	command("unstable 0x08080000 0x1000 1");
	assert_int_equal(hf_twin_unstable_words(hf_rig_twin(rig)), 1024);
	command("flash speed 3000");
	type("E", 1);
	run_for(2500 * MS);
	assert_int_equal(heard_len, 0);
	await("erased\r\n", S);
	command("flash speed 1000");
	command("hsi 60000"); /* too fast for the far end's 115200 */
	type("hello", 5);
	run_for(100 * MS);
	assert_null(strstr(heard, "HELLO"));
	command("hsi 0");
	command("brown-out");
	run_for(10 * MS);
	assert_int_equal(count_events("reset", "brown-out"), 1);
	assert_int_equal(hf_script_command("unstable 0x20000000 4 1", &c, &diag), HF_OK);
	assert_int_equal(hf_rig_command(rig, &c, answer, &diag), HF_ERR_RANGE);
}

static void timed_commands_happen_at_their_time(void **state)
{
	(void)state;
	command("at 2s power off for 250ms");
	command("at 1s cable off for 300ms");
	run_for(2100 * MS);
	/* Time stops at the end of a basic block: within a microsecond. */
	assert_int_equal(count_events("power", "\"t_ns\":200000"), 1);
	run_for(S);
	assert_int_equal(count_events("power", "\"t_ns\":225000"), 1);
}

static void pulled_cable_loses_what_is_typed(void **state)
{
	(void)state;
	await("bench power\r\n", 100 * MS);
	command("cable off");
	type("lost", 4);
	run_for(100 * MS);
	assert_int_equal(heard_len, 0);
	command("cable on");
	type("there", 5);
	await("THERE", 100 * MS);
}

static void bytes_sent_to_a_device_without_power_are_lost(void **state)
{
	(void)state;
	struct hf_usart_counts counts;
	await("bench power\r\n", 100 * MS);
	command("power off");
	type("lost", 4);
	run_for(100 * MS);
	assert_int_equal(hf_twin_uart_queued(hf_rig_twin(rig), 1), 0);
	command("power on");
	await("bench power\r\n", 100 * MS);
	run_for(100 * MS);
	assert_int_equal(heard_len, 0);
	hf_usart_counts(hf_twin_machine(hf_rig_twin(rig)), 1, &counts);
	assert_true(counts.taken == 0 && counts.unheard == 4);
}

static void wrong_baud_rate_is_garbage_both_ways(void **state)
{
	(void)state;
	const struct hf_twin_line slow = { 57600, 8, 'N', 1 };
	hf_twin_uart_line(hf_rig_twin(rig), 1, &slow);
	run_for(100 * MS);
	assert_true(heard_len > 0);
	assert_null(strstr(heard, "bench"));
	assert_int_equal(count_events("uart", "bench"), 0);
}

static void snapshot_holds_bytes_in_flight(void **state)
{
	(void)state;
	struct hf_twin_snapshot *snapshot;
	char first[256];
	uint64_t end[2];
	await("bench power\r\n", 100 * MS);
	type("abcdefghij", 10);
	run_for(400000); /* four bytes are through, one is on the wire */
	assert_int_equal(hf_twin_save(hf_rig_twin(rig), &snapshot), HF_OK);
	heard_len = 0;
	run_for(S);
	end[0] = heard_at;
	strcpy(first, heard);
	assert_non_null(strstr(first, "J"));
	hf_twin_restore(hf_rig_twin(rig), snapshot);
	heard_len = 0;
	run_for(S);
	end[1] = heard_at;
	assert_string_equal(heard, first);
	assert_int_equal(end[0], end[1]);
	hf_twin_snapshot_free(snapshot);
}

static void flash_file_is_kept_and_read_back(void **state)
{
	(void)state;
	char name[TMP_NAME_BYTES];
	struct hf_diag diag;
	int fd = mkstemp(tmp_name(name, "hf-flash-XXXXXX"));
	assert_true(fd >= 0);
	fclose(fdopen(fd, "w"));
	await("bench power\r\n", 100 * MS);
	type("P", 1);
	await("programmed\r\n", S);
	assert_int_equal(hf_rig_flash_save(rig, name, &diag), HF_OK);
	type("E", 1);
	await("erased\r\n", 2 * S);
	assert_int_equal(word(SECTOR8 + 4), UINT32_MAX);
	assert_int_equal(hf_rig_flash_load(rig, name, &diag), HF_OK);
	assert_int_equal(word(SECTOR8 + 4), 0x01010101);
	remove(name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(firmware_says_hello_and_echoes),
		TEST(dma_receives_while_flash_is_erased),
		TEST(handler_that_waits_for_flash_is_an_error),
		TEST(modbus_gap_is_that_of_the_erase),
		TEST(unplugged_slave_is_told_by_the_gap),
		TEST(breathing_light_is_recognised),
		TEST(hang_is_ended_by_the_watchdog),
		TEST(first_instruction_in_a_slot_is_told),
		TEST(recovery_button_reaches_its_pin),
		TEST(cut_by_place_tears_that_word),
		TEST(cuts_are_armed_one_after_the_other),
		TEST(cut_that_stays_off_waits_for_power),
		TEST(cuts_that_are_resets_start_the_chip_again),
		TEST(faults_of_memory_line_and_clock_reach_the_twin),
		TEST(timed_commands_happen_at_their_time),
		TEST(pulled_cable_loses_what_is_typed),
		TEST(bytes_sent_to_a_device_without_power_are_lost),
		TEST(wrong_baud_rate_is_garbage_both_ways),
		TEST(snapshot_holds_bytes_in_flight),
		TEST(flash_file_is_kept_and_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What doctor finds: on made-up computers (ports as host/ports tells them, trees of files), in recorded logs, and at
 * gateways of core's own code behind lines that are good, bad, and bad only when they are fast. The firmware that ships is
 * looked at by scripts/test-doctor.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "doctor/doctor.h"
#include "doctor/laptop.h"
#include "doctor/restarts.h"
#include "doctor/udev.h"
#include "sim_gateway.h"

/* ---- what was found ---- */

static char found[32768];

static void on_row(void *ctx, const struct hf_row *row)
{
	size_t len = strlen(found);

	(void)ctx;
	snprintf(found + len, sizeof(found) - len, "%s|%s|%s|%s\n", hf_row_state_text(row->state), row->name, row->text, row->next);
}

static struct hf_findings findings(void)
{
	found[0] = 0;
	return (struct hf_findings){.row = on_row};
}

/* A row of this state and name that holds these texts, in its text or its next step. */
static void assert_row(const char *state, const char *name, const char *text, const char *next)
{
	char head[64];
	const char *at = found;

	snprintf(head, sizeof(head), "%s|%s|", state, name);
	while ((at = strstr(at, head)) != NULL) {
		const char *end = strchr(at, '\n'), *t = strstr(at, text), *n = strstr(at, next);

		if ((at == found || at[-1] == '\n') && t && t < end && n && n < end)
			return;
		at = end;
	}
	fail_msg("no row '%s' with '%s' and '%s' in:\n%s", head, text, next, found);
}

static void assert_no_row(const char *name)
{
	char part[64];

	snprintf(part, sizeof(part), "|%s|", name);
	if (strstr(found, part))
		fail_msg("there is a row '%s' in:\n%s", name, found);
}

/* ---- the computer ---- */

static char root[TMP_NAME_BYTES];

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(tmp_name(root, "hf-doctor-XXXXXX")) ? 0 : -1;
}

static int drop_root(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void make_directory(const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), "mkdir -p '%s%s'", root, path);
	assert_int_equal(system(command), 0);
}

static void make_file(const char *path, const char *content)
{
	char name[256];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, path);
	f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct hf_port_info adapter(const char *path, const char *serial, const char *location)
{
	struct hf_port_info p = {.driver = "ftdi_sio", .usb = true, .vid = 0x0403, .pid = 0x6001, .latency_ms = 1, .may_use = true};

	snprintf(p.path, sizeof(p.path), "%s", path);
	snprintf(p.serial, sizeof(p.serial), "%s", serial);
	snprintf(p.location, sizeof(p.location), "%s", location);
	return p;
}

static struct hf_findings look(struct hf_port_info *item, size_t count, const char *port)
{
	const struct hf_ports ports = {item, count};
	struct hf_laptop l = {.root = root, .ports = &ports, .port = port, .path = "/nowhere:/nor-here"};
	struct hf_findings f = findings();

	hf_doctor_laptop(&f, &l);
	return f;
}

static void computer_without_ports_is_told_to_plug_one_in(void **state)
{
	struct hf_findings f = look(NULL, 0, NULL);

	(void)state;
	assert_row("warning", "serial ports", "none", "plug the USB adapter in");
	assert_no_row("permission");
	assert_int_equal(f.count[HF_ROW_FAILED], 0);
}

static void good_adapter_passes_everywhere(void **state)
{
	struct hf_port_info p = adapter("/dev/ttyUSB0", "FT1", "1-1");
	struct hf_findings f = look(&p, 1, "/dev/ttyUSB0");

	(void)state;
	assert_row("passed", "serial ports", "/dev/ttyUSB0", "");
	assert_row("passed", "permission", "may open it", "");
	assert_row("passed", "port holders", "", "");
	assert_row("passed", "ModemManager", "", "");
	assert_row("passed", "adapter latency", "within 1 ms", "");
	assert_row("note", "other tools", "not installed: stm32flash", "");
	assert_int_equal(f.count[HF_ROW_FAILED] + f.count[HF_ROW_WARNING], 0);
}

static void missing_permission_names_group_and_command(void **state)
{
	struct hf_port_info p[2] = {adapter("/dev/ttyUSB0", "FT1", "1-1"), adapter("/dev/ttyUSB1", "FT2", "1-2")};

	(void)state;
	p[0].may_use = false;
	strcpy(p[0].group, "dialout");
	look(p, 2, NULL);
	assert_row("failed", "permission", "/dev/ttyUSB0", "sudo usermod -a -G dialout");
	assert_row("failed", "permission", "/dev/ttyUSB0", "log out and in again");
	look(p, 2, "/dev/ttyUSB1");
	assert_row("note", "permission", "/dev/ttyUSB0", "usermod");
	p[0].group_later = true;
	look(p, 1, NULL);
	assert_row("failed", "permission", "not yet in this session", "newgrp dialout");
}

static void holder_of_the_port_is_named(void **state)
{
	struct hf_port_info p[2] = {adapter("/dev/ttyUSB0", "FT1", "1-1"), adapter("/dev/ttyUSB1", "FT2", "1-2")};

	(void)state;
	p[0].holders = 1;
	p[0].holder[0] = (struct hf_ports_holder){.pid = 4711, .program = "minicom"};
	look(p, 2, "/dev/ttyUSB0");
	assert_row("failed", "port holders", "/dev/ttyUSB0 is in use by minicom (pid 4711)", "kill 4711");
	look(p, 2, NULL);
	assert_row("warning", "port holders", "/dev/ttyUSB0", "");
	p[0].holder[0] = (struct hf_ports_holder){0};
	look(p, 1, NULL);
	assert_row("warning", "port holders", "another program", "sudo fuser -v /dev/ttyUSB0");
}

static void modem_manager_and_latency_say_how_to_mend_them(void **state)
{
	struct hf_port_info p = adapter("/dev/ttyUSB3", "FT1", "1-1");

	(void)state;
	p.modem_manager = true;
	p.latency_ms = 16;
	look(&p, 1, NULL);
	assert_row("warning", "ModemManager", "/dev/ttyUSB3", "doctor --fix");
	assert_row("warning", "adapter latency", "for 16 ms", "/sys/bus/usb-serial/devices/ttyUSB3/latency_timer");
	assert_row("warning", "adapter latency", "takes 69 s longer for 384 KiB", "");
	p.latency_ms = -1;
	look(&p, 1, NULL);
	assert_no_row("adapter latency");
}

static void adapters_with_one_serial_number_are_told(void **state)
{
	struct hf_port_info p[2] = {adapter("/dev/ttyUSB0", "0001", "1-1"), adapter("/dev/ttyUSB1", "0001", "1-2")};

	(void)state;
	look(p, 2, NULL);
	assert_row("warning", "adapter names", "same USB serial number 0001", "--device ID");
	strcpy(p[1].location, "1-1"); /* two ports of one adapter */
	look(p, 2, NULL);
	assert_no_row("adapter names");
}

static void adapter_that_brltty_took_is_found(void **state)
{
	struct hf_port_info p = adapter("/dev/ttyUSB0", "", "1-2");

	(void)state;
	make_directory("/usr/lib/udev/rules.d");
	make_file("/usr/lib/udev/rules.d/85-brltty.rules", "");
	look(NULL, 0, NULL);
	assert_row("note", "brltty", "none is plugged in", "");
	make_directory("/sys/bus/usb/devices/1-2");
	make_file("/sys/bus/usb/devices/1-2/idVendor", "1a86\n");
	make_file("/sys/bus/usb/devices/1-2/idProduct", "7523\n");
	look(NULL, 0, NULL);
	assert_row("failed", "brltty", "USB 1-2 has no port: brltty", "sudo apt remove brltty");
	look(&p, 1, NULL);
	assert_no_row("brltty");
}

/* ---- the udev rule ---- */

static unsigned runs;

static int fake_run(const char *const *argv)
{
	assert_string_equal(argv[0], "udevadm");
	assert_string_equal(argv[1], runs++ % 2 ? "trigger" : "control");
	return 0;
}

static int no_program(const char *const *argv)
{
	(void)argv;
	return -1;
}

static void rule_is_installed_once(void **state)
{
	struct hf_udev_result result;
	struct hf_diag diag;
	char path[160];
	struct stat st;

	(void)state;
	runs = 0;
	assert_int_equal(hf_udev_look(root), HF_UDEV_NO_UDEV);
	assert_int_equal(hf_udev_install(root, fake_run, &result, &diag), HF_ERR_NOT_FOUND);
	make_directory(HF_UDEV_DIRECTORY);
	assert_int_equal(hf_udev_look(root), HF_UDEV_MISSING);
	make_directory("/usr/lib/udev/rules.d");
	make_file(HF_UDEV_PACKAGED, hf_udev_rules());
	assert_int_equal(hf_udev_look(root), HF_UDEV_INSTALLED);
	make_file(HF_UDEV_PACKAGED, "# of another version\n");
	assert_int_equal(hf_udev_look(root), HF_UDEV_OTHER);
	snprintf(path, sizeof(path), "%s" HF_UDEV_PACKAGED, root);
	assert_int_equal(unlink(path), 0);
	umask(077);
	assert_int_equal(hf_udev_install(root, fake_run, &result, &diag), HF_OK);
	assert_true(result.written && result.reloaded);
	assert_int_equal(runs, 2);
	assert_int_equal(hf_udev_look(root), HF_UDEV_INSTALLED);
	snprintf(path, sizeof(path), "%s" HF_UDEV_FILE, root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(hf_udev_install(root, fake_run, &result, &diag), HF_OK);
	assert_false(result.written || result.reloaded);
	assert_int_equal(runs, 2);
}

static void rule_of_another_version_is_replaced(void **state)
{
	struct hf_udev_result result;
	struct hf_diag diag;

	(void)state;
	make_directory(HF_UDEV_DIRECTORY);
	make_file(HF_UDEV_FILE, "# of last year\n");
	assert_int_equal(hf_udev_look(root), HF_UDEV_OTHER);
	assert_int_equal(hf_udev_install(root, no_program, &result, &diag), HF_OK);
	assert_true(result.written);
	assert_false(result.reloaded);
	assert_int_equal(hf_udev_look(root), HF_UDEV_INSTALLED);
}

static void fix_tells_what_was_written(void **state)
{
	const struct hf_ports none = {NULL, 0};
	struct hf_laptop l = {.root = root, .ports = &none, .fix = true, .run = fake_run};
	struct hf_findings f = findings();

	(void)state;
	runs = 0;
	make_directory(HF_UDEV_DIRECTORY);
	hf_doctor_laptop(&f, &l);
	assert_row("passed", "udev rule", HF_UDEV_FILE " was written", "");
	f = findings();
	hf_doctor_laptop(&f, &l);
	assert_row("passed", "udev rule", "installed already, nothing was written", "");
}

static void rule_says_what_it_promises(void **state)
{
	static const char *const promises[] = {"ENV{ID_MM_DEVICE_IGNORE}=\"1\"", "TAG+=\"uaccess\"", "GROUP=\"dialout\"",
					       "ATTR{latency_timer}=\"1\"", "ATTR{idProduct}==\"df11\""};

	(void)state;
	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++)
		assert_non_null(strstr(hf_udev_rules(), promises[i]));
}

/* ---- a device that restarts ---- */

static struct hf_restarts restarts;
static struct hf_restarts_ear ear;

static void hear(const char *text, uint64_t at_ms)
{
	hf_restarts_take(&ear, (struct hf_bytes){(const uint8_t *)text, strlen(text)}, at_ms);
}

static void tell(bool answers)
{
	struct hf_findings f = findings();

	hf_doctor_restarts(&f, &restarts, answers);
}

static void loop_of_brown_outs_names_the_supply(void **state)
{
	(void)state;
	hf_restarts_begin(&ear, &restarts, 1000);
	for (uint64_t at = 1000; at < 3000; at += 700)
		hear("boot: holdfast 0.1.0 on reference, reset: power\r\nboot: slot A 1.0.0 verified, starting\r\n", at);
	tell(false);
	assert_row("failed", "restarts", "3 starts in 1.4 s; boot gives as cause: power (3)", "measure the supply");
	assert_row("failed", "restarts", "slot A 1.0.0 verified", "");
}

static void loop_of_crashes_quotes_the_crash(void **state)
{
	(void)state;
	hf_restarts_begin(&ear, &restarts, 0);
	hear("boot: holdfast 0.1.0 on reference, reset: power\n", 1);
	for (uint64_t at = 500; at < 1600; at += 500) {
		hear("boot: holdfast 0.1.0 on reference, reset: fault\n", at);
		hear("gateway: the start before crashed: pc 0x08040123, lr 0x08040001\n", at + 100);
	}
	tell(false);
	assert_row("failed", "restarts", "4 starts", "holdfast recover");
	assert_row("failed", "restarts", "power (1), fault (3); it says 'gateway: the start before crashed: pc 0x08040123", "");
}

static void one_start_is_no_loop(void **state)
{
	(void)state;
	hf_restarts_begin(&ear, &restarts, 0);
	hear("boot: holdfast 0.1.0 on reference, reset: pin, no PLL\n", 1);
	hear("", 20000);
	tell(true);
	assert_row("note", "restarts", "once in 20.0 s; boot gives as cause: pin", "");
	assert_row("warning", "clock", "16 MHz", "");
}

static void line_that_is_held_low_is_told_from_garbage(void **state)
{
	static const uint8_t zeros[8] = {0}, noise[64] = {0x83, 0xf1, 0x9e, 0xff, 0xe0, 0xfc, 0x8f, 0xc1, 0x83, 0xf1, 0x9e, 0xc9, 0xf9};

	(void)state;
	hf_restarts_begin(&ear, &restarts, 0);
	hf_restarts_take(&ear, (struct hf_bytes){zeros, sizeof(zeros)}, 5000);
	tell(false);
	assert_row("failed", "line at rest", "held low", "powered");
	hf_restarts_begin(&ear, &restarts, 0);
	for (unsigned i = 0; i < 4; i++)
		hf_restarts_take(&ear, (struct hf_bytes){noise, 13}, 100 + i);
	hf_restarts_take(&ear, (struct hf_bytes){noise, 0}, 5000);
	tell(false);
	assert_row("failed", "line at rest", "make no sense", "--baud");
	hf_restarts_begin(&ear, &restarts, 0);
	hear("", 5000);
	tell(false);
	assert_row("note", "line at rest", "nothing was said", "");
}

static void recovery_that_nobody_asked_for_points_at_the_adapter(void **state)
{
	(void)state;
	hf_restarts_begin(&ear, &restarts, 0);
	hear("Waiting for Download... recovery 0.1.0 on reference: asked for on this line, reset: power, uid 00\n", 100);
	tell(true);
	assert_row("warning", "line at rest", "held a break", "adapter without power");
}

/* ---- a device at a line ---- */

static const struct hf_layout layout = {
	.name = "gw-test",
	.vendor_id = {1},
	.class_id = {2},
	.sectors = 6,
	.sector = {{0x08000000, 16384}, {0x08004000, 16384}, {0x08008000, 65536}, {0x08018000, 16384},
		   {0x0801c000, 65536}, {0x0802c000, 16384}},
	.journal = {{0x08000000, 16384}, {0x08004000, 16384}},
	.slot = {{0x08008000, 81920}, {0x0801c000, 81920}},
	.ram = {{0x20000000, 131072}},
};
static const uint32_t rates[] = {921600, 115200};

static struct maker maker;
static struct package v0;
static struct gateway gateway;
static struct hf_doctor_device device;
static struct hf_limits limits;
static struct hf_health health;

static int make_packages(void **state)
{
	(void)state;
	maker_open(&maker, &layout);
	maker_pack(&maker, 0, 1, 60000, &v0);
	hf_limits_default(&limits);
	return 0;
}

static int drop_packages(void **state)
{
	(void)state;
	hf_buffer_free(&v0.file);
	return 0;
}

static void tell_health(struct hf_health *h)
{
	*h = health;
}

static int open_gateway(void **state)
{
	(void)state;
	gateway_open(&gateway, &maker, &v0, 1);
	gateway.fast = true;
	gateway.mute = &v0; /* so that nothing is written */
	gateway_start(&gateway);
	health = (struct hf_health){.up_ms = 3600000, .supply_mv = 3290, .temperature_dc = 311, .ways = 15, .pll = true, .test_done = true};
	gateway.server.health = tell_health;
	device = (struct hf_doctor_device){.serial = &gateway.line.serial, .port = "PORT", .rate = rates, .rates = 2, .limits = &limits,
					   .listen_ms = 5000};
	return 0;
}

static int close_gateway(void **state)
{
	(void)state;
	gateway_close(&gateway);
	return 0;
}

static struct hf_findings examine(void)
{
	struct hf_findings f = findings();
	unsigned long erases = gateway.device.flash.erases, words = gateway.device.flash.words;

	hf_doctor_device(&f, &device);
	assert_int_equal(gateway.device.flash.erases, erases);
	assert_int_equal(gateway.device.flash.words, words);
	return f;
}

static void good_device_passes(void **state)
{
	struct hf_findings f = examine();

	(void)state;
	assert_row("passed", "device", "gw-test", "");
	assert_row("passed", "supply", "3.29 V", "");
	assert_row("passed", "receiver", "no damaged character", "");
	assert_row("passed", "memory", "0 bad slots", "");
	assert_row("passed", "link at 921600", "no bit wrong", "");
	assert_row("passed", "link at 115200", "no bit wrong", "");
	assert_row("warning", "way in: pin", "does not have it", "another way"); /* this board has no recovery */
	assert_row("note", "way in: ROM", "", "--via rom --port PORT");
	assert_no_row("restarts");
	assert_int_equal(f.count[HF_ROW_FAILED], 0);
	assert_int_equal(gateway.link.index, 0); /* the line is left as it was found */
}

static void errors_at_the_fast_rate_are_found_there(void **state)
{
	(void)state;
	gateway.line.noisy_from = 500000;
	gateway.line.flip_ppm = 1500;
	examine();
	assert_row("warning", "link at 921600", "", "115200 baud is good");
	assert_row("passed", "link at 115200", "no bit wrong", "");
}

static void errors_at_every_rate_fail(void **state)
{
	struct hf_findings f;

	(void)state;
	gateway.line.flip_ppm = 2500;
	f = examine();
	assert_row("failed", "link at 115200", "", "shorter cable");
	assert_true(f.count[HF_ROW_FAILED] >= 1);
}

static void weak_supply_fails_and_sagging_warns(void **state)
{
	(void)state;
	health.supply_mv = 2610;
	examine();
	assert_row("failed", "supply", "2.61 V at the chip; 2.70 V at least", "before anything is burned");
	health.supply_mv = 2800;
	examine();
	assert_row("warning", "supply", "2.80 V", "under load");
	health.supply_mv = 0;
	examine();
	assert_row("note", "supply", "does not measure", "measure it");
}

static void worn_memory_and_slow_erases_are_told(void **state)
{
	(void)state;
	health.erases = 4;
	health.slowest_ms = 2600;
	examine();
	assert_row("warning", "memory", "slowest of 4 erases since the start: 2600 ms, a sound chip takes 2000 ms at most", "replace");
	health.slowest_ms = 4500;
	examine();
	assert_row("failed", "memory", "4500 ms", "replace the device");
}

static void counters_of_the_receiver_are_told(void **state)
{
	(void)state;
	health.framing = 7;
	health.overrun = 2;
	health.pll = false;
	examine();
	assert_row("warning", "receiver", "7 framing errors, 0 noise, 2 overruns", "cable");
	assert_row("warning", "clock", "16 MHz", "");
}

static void held_pin_is_a_warning(void **state)
{
	(void)state;
	health.pin_held = true;
	examine();
	assert_row("warning", "way in: pin", "held now", "jumper");
}

static void old_firmware_tells_less_and_that_is_said(void **state)
{
	struct hf_findings f;

	(void)state;
	gateway.server.health = NULL;
	f = examine();
	assert_row("note", "health", "does not tell", "newer firmware");
	assert_row("note", "way in: pin", "does not tell", "");
	assert_row("passed", "link at 115200", "", "");
	assert_int_equal(f.count[HF_ROW_FAILED], 0);
}

static void device_that_is_off_is_told_and_the_ways_are_shown(void **state)
{
	(void)state;
	gateway.line.cable_off_us = 0;
	examine();
	assert_row("failed", "device", "PORT: ", "");
	assert_row("note", "restarts", "no start was heard in 5.0 s", "");
	assert_row("note", "way in: pin", "does not answer", "hold the board's recovery pin");
}

static void device_that_restarts_and_never_answers_is_listened_to(void **state)
{
	struct hf_serial_line line = HF_SERIAL_8N1(115200);

	(void)state;
	gateway.dead = &v0;
	gateway_start(&gateway);
	assert_int_equal(hf_serial_set_line(&gateway.line.serial, &line), HF_OK);
	for (unsigned i = 0; i < 12; i++)
		sim_say_later(&gateway.line, "boot: holdfast 0.1.0 on reference, reset: watchdog\r\nboot: slot A 1.0.0 verified, starting\r\n",
			      900000 * (uint64_t)(i + 1));
	device.rate = &rates[1]; /* boot's own */
	device.rates = 1;
	examine();
	assert_row("failed", "device", "", "");
	assert_row("failed", "restarts", "4 starts in 2.7 s; boot gives as cause: watchdog (4)", "firmware hangs");
}

int main(void)
{
#define COMPUTER(f) cmocka_unit_test_setup_teardown(f, make_root, drop_root)
#define DEVICE(f) cmocka_unit_test_setup_teardown(f, open_gateway, close_gateway)
	const struct CMUnitTest tests[] = {
		COMPUTER(computer_without_ports_is_told_to_plug_one_in),
		COMPUTER(good_adapter_passes_everywhere),
		COMPUTER(missing_permission_names_group_and_command),
		COMPUTER(holder_of_the_port_is_named),
		COMPUTER(modem_manager_and_latency_say_how_to_mend_them),
		COMPUTER(adapters_with_one_serial_number_are_told),
		COMPUTER(adapter_that_brltty_took_is_found),
		COMPUTER(rule_is_installed_once),
		COMPUTER(rule_of_another_version_is_replaced),
		COMPUTER(fix_tells_what_was_written),
		cmocka_unit_test(rule_says_what_it_promises),
		cmocka_unit_test(loop_of_brown_outs_names_the_supply),
		cmocka_unit_test(loop_of_crashes_quotes_the_crash),
		cmocka_unit_test(one_start_is_no_loop),
		cmocka_unit_test(line_that_is_held_low_is_told_from_garbage),
		cmocka_unit_test(recovery_that_nobody_asked_for_points_at_the_adapter),
		DEVICE(good_device_passes),
		DEVICE(errors_at_the_fast_rate_are_found_there),
		DEVICE(errors_at_every_rate_fail),
		DEVICE(weak_supply_fails_and_sagging_warns),
		DEVICE(worn_memory_and_slow_erases_are_told),
		DEVICE(counters_of_the_receiver_are_told),
		DEVICE(held_pin_is_a_warning),
		DEVICE(old_firmware_tells_less_and_that_is_said),
		DEVICE(device_that_is_off_is_told_and_the_ways_are_shown),
		DEVICE(device_that_restarts_and_never_answers_is_listened_to),
	};

	return cmocka_run_group_tests_name("doctor", tests, make_packages, drop_packages);
}

/* SPDX-License-Identifier: MIT
 *
 * Serial ports in a machine that is a directory: adapters plugged in, programs that hold them, udev's records, rights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/tmp.h"
#include "ports.h"
#include "serial.h"

#define FTDI "sys/devices/pci0/usb1/1-1/1-1.4"
#define ACM  "sys/devices/pci0/usb1/1-2"
#define UART "sys/devices/platform/serial8250"

static char root[TMP_NAME_BYTES];

static void make_dirs(char *path)
{
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = 0;
		mkdir(path, 0755);
		*at = '/';
	}
}

/* A file below the root, with the directories that it lies in. */
static void put(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(const char *text, const char *format, ...)
{
	char path[512];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/", root);
	va_list args;
	FILE *f;

	va_start(args, format);
	vsnprintf(path + n, sizeof(path) - n, format, args);
	va_end(args);
	make_dirs(path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void link_to(const char *target, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	make_dirs(path);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

/* A port of this name, whose device lies at `device`. */
static void plug(const char *name, const char *device, const char *driver, const char *number)
{
	char target[256], path[256];

	put("", "dev/%s", name);
	put(number, "sys/class/tty/%s/dev", name);
	snprintf(target, sizeof(target), "../../../../%s", device);
	snprintf(path, sizeof(path), "sys/class/tty/%s/device", name);
	put("", "%s/uevent", device);
	link_to(target, path);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	snprintf(path, sizeof(path), "%s/driver", device);
	if (*driver)
		link_to(target, path);
}

static void run(int pid, const char *program)
{
	char name[64];

	snprintf(name, sizeof(name), "%s\n", program);
	put(name, "proc/%d/comm", pid);
	put("", "proc/%d/fd/none", pid);
}

static void holds(int pid, const char *path)
{
	char name[64];

	snprintf(name, sizeof(name), "proc/%d/fd/7", pid);
	link_to(path, name);
}

static int make_machine(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(tmp_name(root, "hf-ports-XXXXXX")));
	put("0403\n", FTDI "/idVendor");
	put("6001\n", FTDI "/idProduct");
	put("FTDI\n", FTDI "/manufacturer");
	put("TTL232R-3V3\n", FTDI "/product");
	put("FT9X1ABC\n", FTDI "/serial");
	put("189:5\n", FTDI "/dev");
	put("00\n", FTDI "/1-1.4:1.0/bInterfaceNumber");
	put("16\n", FTDI "/1-1.4:1.0/ttyUSB10/latency_timer");
	plug("ttyUSB10", FTDI "/1-1.4:1.0/ttyUSB10", "ftdi_sio", "188:10\n");
	link_to("../../ttyUSB10", "dev/serial/by-id/usb-FTDI_TTL232R-3V3_FT9X1ABC-if00-port0");

	put("2341\n", ACM "/idVendor");
	put("0043\n", ACM "/idProduct");
	put("189:9\n", ACM "/dev");
	put("01\n", ACM "/1-2:1.1/bInterfaceNumber");
	plug("ttyACM0", ACM "/1-2:1.1", "cdc_acm", "166:0\n");

	/* An on-board UART as recent kernels show it; one whose chip is missing; a terminal that is none; one without a node. */
	put("4\n", "sys/class/tty/ttyS0/type");
	plug("ttyS0", UART "/serial8250:0/serial8250:0.0", "port", "4:64\n");
	link_to("../../drivers/serial8250", UART "/driver");
	put("0\n", "sys/class/tty/ttyS1/type");
	plug("ttyS1", UART "/serial8250:0/serial8250:0.1", "port", "4:65\n");
	put("4:0\n", "sys/class/tty/tty0/dev");
	put("", "dev/tty0");
	put("", "sys/class/tty/ttyUSB9/dev");
	link_to("../../../../" FTDI "/1-1.4:1.0/ttyUSB10", "sys/class/tty/ttyUSB9/device");

	run(1, "init");
	run(300, "bash");
	put("", "proc/locks");
	return 0;
}

static int remove_machine(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static struct hf_ports list(void)
{
	struct hf_ports ports;
	struct hf_diag diag;

	assert_int_equal(hf_ports_list(root, &ports, &diag), HF_OK);
	return ports;
}

static struct hf_port_info find(const char *name)
{
	struct hf_port_info info;

	assert_int_equal(hf_ports_find(root, name, &info), HF_OK);
	return info;
}

/* ---- what there is ---- */

static void ports_are_listed_and_phantoms_left_out(void **state)
{
	struct hf_ports ports = list();

	(void)state;
	assert_int_equal(ports.count, 3);
	assert_string_equal(ports.item[0].path, "/dev/ttyACM0");
	assert_string_equal(ports.item[1].path, "/dev/ttyS0");
	assert_string_equal(ports.item[2].path, "/dev/ttyUSB10");
	hf_ports_free(&ports);
}

static void ports_are_sorted_by_number(void **state)
{
	struct hf_ports ports;

	(void)state;
	plug("ttyUSB2", FTDI "/1-1.4:1.1/ttyUSB2", "ftdi_sio", "188:2\n");
	ports = list();
	assert_int_equal(ports.count, 4);
	assert_string_equal(ports.item[2].path, "/dev/ttyUSB2");
	assert_string_equal(ports.item[3].path, "/dev/ttyUSB10");
	hf_ports_free(&ports);
}

static void adapter_is_told_with_all_that_identifies_it(void **state)
{
	struct hf_port_info info = find("/dev/ttyUSB10");
	char text[128];

	(void)state;
	assert_true(info.usb);
	assert_int_equal(info.vid, 0x0403);
	assert_int_equal(info.pid, 0x6001);
	assert_string_equal(info.manufacturer, "FTDI");
	assert_string_equal(info.product, "TTL232R-3V3");
	assert_string_equal(info.serial, "FT9X1ABC");
	assert_string_equal(info.location, "1-1.4");
	assert_string_equal(info.interface, "00");
	assert_string_equal(info.driver, "ftdi_sio");
	assert_string_equal(info.by_id, "/dev/serial/by-id/usb-FTDI_TTL232R-3V3_FT9X1ABC-if00-port0");
	assert_int_equal(info.latency_ms, 16);
	assert_string_equal(hf_ports_what(&info, text, sizeof(text)), "FTDI TTL232R-3V3");
}

static void adapter_that_says_nothing_is_told_by_numbers(void **state)
{
	struct hf_port_info info = find("/dev/ttyACM0");
	char text[128];

	(void)state;
	assert_string_equal(info.driver, "cdc_acm");
	assert_string_equal(info.by_id, "");
	assert_string_equal(info.interface, "01");
	assert_int_equal(info.latency_ms, -1);
	assert_string_equal(hf_ports_what(&info, text, sizeof(text)), "USB 2341:0043");
}

static void onboard_uart_has_its_drivers_name(void **state)
{
	struct hf_port_info info = find("/dev/ttyS0");

	(void)state;
	assert_false(info.usb);
	assert_string_equal(info.driver, "serial8250");
}

static void by_id_name_leads_to_its_port(void **state)
{
	struct hf_port_info info = find("/dev/serial/by-id/usb-FTDI_TTL232R-3V3_FT9X1ABC-if00-port0");

	(void)state;
	assert_string_equal(info.path, "/dev/ttyUSB10");
	assert_string_equal(info.serial, "FT9X1ABC");
}

static void names_that_are_no_port_are_refused(void **state)
{
	struct hf_port_info info;

	(void)state;
	assert_int_equal(hf_ports_find(root, "/dev/ttyUSB77", &info), HF_ERR_NOT_FOUND);
	assert_int_equal(hf_ports_find(root, "/dev/tty0", &info), HF_ERR_TYPE);
	assert_int_equal(hf_ports_find(root, "/dev", &info), HF_ERR_TYPE);
	assert_int_equal(hf_ports_find("/", "/dev/null/x", &info), HF_ERR_NOT_FOUND);
}

static void machine_without_sysfs_is_told(void **state)
{
	struct hf_ports ports;
	struct hf_diag diag = {""};

	(void)state;
	assert_int_equal(hf_ports_list("/nonexistent", &ports, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "/nonexistent/sys/class/tty"));
	assert_int_equal(ports.count, 0);
}

static void texts_of_devices_cannot_confuse_a_terminal(void **state)
{
	struct hf_port_info info;

	(void)state;
	put("evil\033[2J\n", FTDI "/product");
	info = find("/dev/ttyUSB10");
	assert_string_equal(info.product, "evil?[2J");
}

/* ---- rights ---- */

static void rights_are_told_with_the_group_that_has_them(void **state)
{
	struct hf_port_info info;
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/dev/ttyACM0", root);
	assert_int_equal(chmod(path, 0660), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 12345, 20), 0); /* dialout's number on Debian */
	info = find("/dev/ttyACM0");
	assert_true(info.may_use);
	if (geteuid() == 0)
		assert_string_equal(info.group, "dialout");
	assert_int_equal(chmod(path, 0600), 0);
	info = find("/dev/ttyACM0");
	assert_string_equal(info.group, "");
}

/* Root may do everything, so somebody else has to look. */
static void forbidden_port_is_told(void **state)
{
	struct hf_port_info info;
	char path[512];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/dev/ttyACM0", root);
	assert_int_equal(chmod(path, 0660) | chown(path, 0, 20), 0);
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	info = find("/dev/ttyACM0");
	assert_int_equal(seteuid(0), 0);
	assert_false(info.may_use);
	assert_false(info.group_later);
	assert_non_null(strstr(hf_ports_why_denied(&info, path, sizeof(path)), "usermod -aG dialout"));
}

/* ---- holders ---- */

static void free_port_has_no_holder(void **state)
{
	struct hf_port_info info = find("/dev/ttyUSB10");
	char text[128];

	(void)state;
	assert_int_equal(info.holders, 0);
	assert_string_equal(hf_ports_holders_text(&info, text, sizeof(text)), "");
}

static void program_that_has_it_open_is_named(void **state)
{
	struct hf_port_info info;
	struct hf_ports ports;
	char text[128];

	(void)state;
	run(4711, "minicom");
	holds(4711, "/dev/ttyUSB10");
	info = find("/dev/ttyUSB10");
	assert_int_equal(info.holders, 1);
	assert_int_equal(info.holder[0].pid, 4711);
	assert_string_equal(hf_ports_holders_text(&info, text, sizeof(text)), "minicom (pid 4711)");
	assert_string_equal(hf_ports_why_held(&info, text, sizeof(text)), "in use by minicom (pid 4711): end that first");
	ports = list();
	assert_int_equal(ports.item[0].holders, 0);
	assert_int_equal(ports.item[2].holders, 1);
	hf_ports_free(&ports);
}

static void locks_are_seen_where_descriptors_are_not(void **state)
{
	struct hf_port_info info;
	char path[512], text[256];
	struct stat st;

	(void)state;
	run(4712, "holdfast");
	snprintf(path, sizeof(path), "%s/dev/ttyUSB10", root);
	assert_int_equal(stat(path, &st), 0);
	snprintf(text, sizeof(text),
		 "1: POSIX  ADVISORY  WRITE 99 00:01:5 0 EOF\nsenseless\n2: FLOCK  ADVISORY  WRITE 4712 %02x:%02x:%llu 0 EOF\n",
		 major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
	put(text, "proc/locks");
	run(4713, "cat");
	holds(4713, "/dev/ttyUSB10");
	info = find("/dev/ttyUSB10");
	assert_int_equal(info.holders, 2);
	assert_string_equal(hf_ports_holders_text(&info, text, sizeof(text)), "holdfast (pid 4712)");
}

static void lock_file_counts_while_its_program_lives(void **state)
{
	struct hf_port_info info;
	char text[64];

	(void)state;
	put("       888\n", "run/lock/LCK..ttyUSB10");
	info = find("/dev/ttyUSB10");
	assert_int_equal(info.holders, 0);
	run(888, "picocom");
	info = find("/dev/ttyUSB10");
	assert_string_equal(hf_ports_holders_text(&info, text, sizeof(text)), "picocom (pid 888)");
}

static void further_holders_are_left_out(void **state)
{
	struct hf_port_info info;

	(void)state;
	for (int i = 0; i < 9; i++) {
		run(900 + i, "cat");
		holds(900 + i, "/dev/ttyUSB10");
	}
	info = find("/dev/ttyUSB10");
	assert_int_equal(info.holders, HF_PORTS_HOLDERS);
}

static void own_process_is_no_holder(void **state)
{
	struct hf_port_info info;

	(void)state;
	run(getpid(), "test_ports");
	holds(getpid(), "/dev/ttyUSB10");
	info = find("/dev/ttyUSB10");
	assert_int_equal(info.holders, 0);
}

/* ---- ModemManager ---- */

static void modem_manager_threatens_usb_ports_only(void **state)
{
	struct hf_ports ports = list();
	struct hf_port_info info;
	char text[256];

	(void)state;
	for (size_t i = 0; i < ports.count; i++)
		assert_false(ports.item[i].modem_manager);
	hf_ports_free(&ports);
	run(500, "ModemManager");
	ports = list();
	assert_true(ports.item[0].modem_manager);
	assert_false(ports.item[1].modem_manager);
	assert_true(ports.item[2].modem_manager);
	hf_ports_free(&ports);
	assert_true(find("/dev/ttyUSB10").modem_manager);
	holds(500, "/dev/ttyUSB10");
	info = find("/dev/ttyUSB10");
	assert_non_null(strstr(hf_ports_why_held(&info, text, sizeof(text)), "doctor --fix"));
}

static void udevs_records_keep_modem_manager_off(void **state)
{
	static const struct {
		const char *record, *text;
		bool off;
	} cases[] = {
		{"run/udev/data/c188:10", "E:ID_MM_PORT_IGNORE=1\n", true},
		{"run/udev/data/c189:5", "N:x\nE:ID_MM_DEVICE_IGNORE=1\n", true},
		{"run/udev/data/c189:5", "E:ID_MM_DEVICE_MANUAL_SCAN_ONLY=1\n", true},
		{"run/udev/data/+usb:1-1.4:1.0", "E:ID_MM_PORT_IGNORE=1\n", true},
		{"run/udev/data/c188:10", "E:ID_MM_PORT_IGNORE=0\n", false},
		{"run/udev/data/c188:10", "E:ID_MM_CANDIDATE=1\n", false},
		{"run/udev/data/c188:11", "E:ID_MM_PORT_IGNORE=1\n", false},
	};

	(void)state;
	run(500, "ModemManager");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[512];

		put(cases[i].text, "%s", cases[i].record);
		assert_int_equal(find("/dev/ttyUSB10").modem_manager, !cases[i].off);
		snprintf(path, sizeof(path), "%s/%s", root, cases[i].record);
		assert_int_equal(unlink(path), 0);
	}
}

/* ---- this machine ---- */

static void lock_that_we_take_is_seen_by_others(void **state)
{
	char name[64], text[128];
	struct hf_port_info info;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), ready[2], done[2];
	pid_t child;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
	assert_int_equal(pipe(ready) | pipe(done), 0);
	child = fork();
	if (child == 0) {
		struct hf_serial serial;
		struct hf_serial_line line = HF_SERIAL_8N1(115200);

		close(master);
		if (hf_serial_open(name, &line, &serial, NULL) == HF_OK && write(ready[1], "x", 1) == 1)
			(void)!read(done[0], name, 1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], text, 1), 1);
	assert_int_equal(hf_ports_find("/", name, &info), HF_OK);
	assert_true(info.holders >= 1);
	assert_int_equal(info.holder[0].pid, child);
	assert_string_equal(info.holder[0].program, "test_ports");
	assert_int_equal(write(done[1], "x", 1), 1);
	waitpid(child, NULL, 0);
	assert_int_equal(hf_ports_find("/", name, &info), HF_OK);
	assert_int_equal(info.holders, 0);
	close(master);
}

#define IN_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MACHINE(ports_are_listed_and_phantoms_left_out),
		IN_MACHINE(ports_are_sorted_by_number),
		IN_MACHINE(adapter_is_told_with_all_that_identifies_it),
		IN_MACHINE(adapter_that_says_nothing_is_told_by_numbers),
		IN_MACHINE(onboard_uart_has_its_drivers_name),
		IN_MACHINE(by_id_name_leads_to_its_port),
		IN_MACHINE(names_that_are_no_port_are_refused),
		cmocka_unit_test(machine_without_sysfs_is_told),
		IN_MACHINE(texts_of_devices_cannot_confuse_a_terminal),
		IN_MACHINE(rights_are_told_with_the_group_that_has_them),
		IN_MACHINE(forbidden_port_is_told),
		IN_MACHINE(free_port_has_no_holder),
		IN_MACHINE(program_that_has_it_open_is_named),
		IN_MACHINE(locks_are_seen_where_descriptors_are_not),
		IN_MACHINE(lock_file_counts_while_its_program_lives),
		IN_MACHINE(further_holders_are_left_out),
		IN_MACHINE(own_process_is_no_holder),
		IN_MACHINE(modem_manager_threatens_usb_ports_only),
		IN_MACHINE(udevs_records_keep_modem_manager_off),
		cmocka_unit_test(lock_that_we_take_is_seen_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

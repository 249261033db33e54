/* SPDX-License-Identifier: MIT */
#include "udev.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"

#define PATH_BYTES  1024
#define RULES_LIMIT 65536u

/* The vendors of USB serial adapters, and of debug probes that bring one along. */
#define VENDORS "0403|10c4|1a86|067b|04b4|04e2|1366|0483|0d28"

static const char rules[] =
	"# Serial adapters at maintenance ports, and STM32 chips in their USB loader, for Holdfast.\n"
	"# Installed by `holdfast doctor --fix`, which replaces this file: rules of your own belong into another one.\n"
	"ACTION==\"remove\", GOTO=\"holdfast_end\"\n"
	"\n"
	"# FTDI, Silicon Labs, WCH, Prolific, Cypress, Exar, SEGGER, ST, DAPLink. Who sits at the machine, and the group\n"
	"# dialout, may use them; ModemManager does not open them to see whether they are modems.\n"
	"SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"" VENDORS "\", ENV{ID_MM_DEVICE_IGNORE}=\"1\"\n"
	"SUBSYSTEM==\"tty\", SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"" VENDORS "\", ENV{ID_MM_PORT_IGNORE}=\"1\", "
	"GROUP=\"dialout\", MODE=\"0660\", TAG+=\"uaccess\"\n"
	"\n"
	"# FTDI adapters hold back what they receive for 16 ms, unless they are told not to.\n"
	"SUBSYSTEM==\"usb-serial\", DRIVER==\"ftdi_sio\", ATTR{latency_timer}=\"1\"\n"
	"\n"
	"# The chip's own loader on USB (DFU).\n"
	"SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"0483\", ATTR{idProduct}==\"df11\", "
	"GROUP=\"dialout\", MODE=\"0660\", TAG+=\"uaccess\"\n"
	"\n"
	"LABEL=\"holdfast_end\"\n";

const char *hf_udev_rules(void)
{
	return rules;
}

static void path_of(const char *root, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s%s", strcmp(root, "/") == 0 ? "" : root, name);
}

static enum hf_udev_state look_at(const char *root, const char *name)
{
	char path[PATH_BYTES];
	enum hf_udev_state state = HF_UDEV_OTHER;
	struct hf_buffer file;
	struct stat st;

	path_of(root, name, path);
	if (stat(path, &st) != 0)
		return HF_UDEV_MISSING;
	if (hf_file_read(path, RULES_LIMIT, &file, NULL) != HF_OK)
		return HF_UDEV_OTHER;
	if (file.len == sizeof(rules) - 1 && memcmp(file.ptr, rules, file.len) == 0)
		state = HF_UDEV_INSTALLED;
	hf_buffer_free(&file);
	return state;
}

enum hf_udev_state hf_udev_look(const char *root)
{
	enum hf_udev_state state;
	char path[PATH_BYTES];
	struct stat st;

	path_of(root, HF_UDEV_DIRECTORY, path);
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return HF_UDEV_NO_UDEV;
	state = look_at(root, HF_UDEV_FILE); /* what root has put there counts before a package's */
	return state == HF_UDEV_MISSING ? look_at(root, HF_UDEV_PACKAGED) : state;
}

static bool tell_udev(int (*run)(const char *const *argv))
{
	static const char *const reload[] = {"udevadm", "control", "--reload", NULL};
	static const char *const trigger[] = {"udevadm", "trigger", "--subsystem-match=usb", "--subsystem-match=usb-serial",
					      "--subsystem-match=tty", NULL};

	return run && run(reload) == 0 && run(trigger) == 0;
}

enum hf_err hf_udev_install(const char *root, int (*run)(const char *const *argv), struct hf_udev_result *out,
			    struct hf_diag *diag)
{
	const struct hf_bytes content = {(const uint8_t *)rules, sizeof(rules) - 1};
	enum hf_udev_state state = hf_udev_look(root);
	char path[PATH_BYTES];
	enum hf_err err;

	*out = (struct hf_udev_result){0};
	if (state == HF_UDEV_INSTALLED)
		return HF_OK;
	path_of(root, HF_UDEV_DIRECTORY, path);
	if (state == HF_UDEV_NO_UDEV) {
		hf_diag_set(diag, "there is no %s: udev is not used on this machine", path);
		return HF_ERR_NOT_FOUND;
	}
	if (access(path, W_OK) != 0) {
		hf_diag_set(diag, "%s may only be written by root: sudo holdfast doctor --fix", path);
		return HF_ERR_DENIED;
	}
	path_of(root, HF_UDEV_FILE, path);
	err = hf_file_write(path, content, 0, diag);
	if (!err && chmod(path, 0644) != 0) { /* whatever the umask */
		hf_diag_set(diag, "the mode of %s cannot be set", path);
		err = HF_ERR_IO;
	}
	if (err)
		return err;
	out->written = true;
	out->reloaded = tell_udev(run);
	return HF_OK;
}

int hf_udev_run(const char *const *argv)
{
	int status, null;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		if (null >= 0) {
			dup2(null, 0);
			dup2(null, 1);
			dup2(null, 2);
		}
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}

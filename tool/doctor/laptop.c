/* SPDX-License-Identifier: MIT */
#include "laptop.h"

#include <dirent.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "udev.h"

#define LATENCY_GOOD_MS 2
#define TEXT            HF_ROW_TEXT_BYTES

static const char *prefix(const struct hf_laptop *l)
{
	return strcmp(l->root, "/") == 0 ? "" : l->root;
}

/* A port that does not matter is worth a note, not a failure. */
static bool matters(const struct hf_laptop *l, const struct hf_port_info *p)
{
	return !l->port || strcmp(l->port, p->path) == 0;
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? user->pw_name : "this user";
}

/* ---- ports and permission ---- */

static void look_at_ports(struct hf_findings *f, const struct hf_laptop *l)
{
	char text[TEXT] = "", what[128];

	for (size_t i = 0; i < l->ports->count; i++) {
		const struct hf_port_info *p = &l->ports->item[i];

		hf_finding_add(text, sizeof(text), "%s%s (%s)", i ? ", " : "", p->path, hf_ports_what(p, what, sizeof(what)));
	}
	if (l->ports->count > 0)
		hf_finding(f, HF_ROW_PASSED, "serial ports", "", "%zu: %s", l->ports->count, text);
	else
		hf_finding(f, HF_ROW_WARNING, "serial ports",
			   "plug the USB adapter in; if it is, try another cable (many only charge), and see what `sudo dmesg | tail` says",
			   "this computer has none");
}

static void look_at_permission(struct hf_findings *f, const struct hf_laptop *l)
{
	unsigned usable = 0;
	char next[TEXT];

	for (size_t i = 0; i < l->ports->count; i++) {
		const struct hf_port_info *p = &l->ports->item[i];

		usable += p->may_use;
		if (p->may_use)
			continue;
		if (p->group_later)
			snprintf(next, sizeof(next), "log out and in again; for this shell only: newgrp %s", p->group);
		else if (p->group[0])
			snprintf(next, sizeof(next), "sudo usermod -a -G %s %s, then log out and in again", p->group, user_name());
		else
			snprintf(next, sizeof(next), "sudo holdfast doctor --fix, then plug the adapter in anew");
		hf_finding(f, matters(l, p) ? HF_ROW_FAILED : HF_ROW_NOTE, "permission", next,
			   p->group_later ? "%s may not open %s: its group %s has this user, but not yet in this session" :
			   p->group[0]    ? "%s may not open %s: that takes the group %s" :
					    "%s may not open %s%s",
			   user_name(), p->path, p->group);
	}
	if (usable > 0 && usable == l->ports->count)
		hf_finding(f, HF_ROW_PASSED, "permission", "", "%s may open %s", user_name(),
			   usable == 1 ? "it" : "all of them");
}

/* ---- the udev rule ---- */

static void fix_udev_rule(struct hf_findings *f, const struct hf_laptop *l)
{
	struct hf_udev_result result;
	struct hf_diag diag;
	enum hf_err err = hf_udev_install(l->root, l->run, &result, &diag);

	if (err == HF_ERR_NOT_FOUND)
		hf_finding(f, HF_ROW_NOTE, "udev rule", "", "%s", diag.text);
	else if (err == HF_ERR_DENIED)
		hf_finding(f, HF_ROW_FAILED, "udev rule", "sudo holdfast doctor --fix", "not installed: only root may write below %s%s",
			   prefix(l), HF_UDEV_DIRECTORY);
	else if (err)
		hf_finding(f, HF_ROW_FAILED, "udev rule", "", "not installed: %s", diag.text);
	else if (!result.written)
		hf_finding(f, HF_ROW_PASSED, "udev rule", "", "%s%s was installed already, nothing was written", prefix(l),
			   HF_UDEV_FILE);
	else
		hf_finding(f, HF_ROW_PASSED, "udev rule",
			   result.reloaded ? "" : "sudo udevadm control --reload; then plug the adapters in anew",
			   "%s%s was written (access, no ModemManager, latency 1 ms)%s", prefix(l), HF_UDEV_FILE,
			   result.reloaded ? ", and udev has applied it" : "");
}

static void look_at_udev_rule(struct hf_findings *f, const struct hf_laptop *l)
{
	static const char fix[] = "sudo holdfast doctor --fix";

	if (l->fix) {
		fix_udev_rule(f, l);
		return;
	}
	switch (hf_udev_look(l->root)) {
	case HF_UDEV_NO_UDEV:
		hf_finding(f, HF_ROW_NOTE, "udev rule", "", "udev is not used on this machine");
		break;
	case HF_UDEV_MISSING:
		hf_finding(f, HF_ROW_NOTE, "udev rule", fix,
			   "not installed; it gives access, keeps ModemManager off and makes FTDI adapters fast");
		break;
	case HF_UDEV_OTHER:
		hf_finding(f, HF_ROW_WARNING, "udev rule", fix, "%s%s is not what this version installs", prefix(l), HF_UDEV_FILE);
		break;
	case HF_UDEV_INSTALLED:
		hf_finding(f, HF_ROW_PASSED, "udev rule", "", "%s%s is installed", prefix(l), HF_UDEV_FILE);
		break;
	}
}

/* ---- who interferes ---- */

static void look_at_holders(struct hf_findings *f, const struct hf_laptop *l)
{
	char who[256], next[TEXT];
	unsigned held = 0;

	for (size_t i = 0; i < l->ports->count; i++) {
		const struct hf_port_info *p = &l->ports->item[i];
		bool here = l->port && matters(l, p);

		if (p->holders == 0)
			continue;
		held++;
		if (p->holder[0].pid)
			snprintf(next, sizeof(next), "end that program (kill %d), or use another port", (int)p->holder[0].pid);
		else
			snprintf(next, sizeof(next), "`sudo fuser -v %s` tells which; end that program", p->path);
		hf_finding(f, here ? HF_ROW_FAILED : HF_ROW_WARNING, "port holders", next, "%s is in use by %s", p->path,
			   hf_ports_holders_text(p, who, sizeof(who)));
	}
	if (held == 0 && l->ports->count > 0)
		hf_finding(f, HF_ROW_PASSED, "port holders", "", "no other program has %s",
			   l->ports->count == 1 ? "it" : "one of them");
}

static void look_at_modem_manager(struct hf_findings *f, const struct hf_laptop *l)
{
	char text[TEXT] = "";

	for (size_t i = 0; i < l->ports->count; i++) {
		if (l->ports->item[i].modem_manager)
			hf_finding_add(text, sizeof(text), "%s%s", text[0] ? ", " : "", l->ports->item[i].path);
	}
	if (text[0])
		hf_finding(f, HF_ROW_WARNING, "ModemManager",
			   "sudo holdfast doctor --fix; or, without modems here: sudo systemctl disable --now ModemManager",
			   "runs, and for half a minute after plugging-in may send AT commands to %s", text);
	else if (l->ports->count > 0)
		hf_finding(f, HF_ROW_PASSED, "ModemManager", "", "does not run, or keeps off");
}

static bool exists(const struct hf_laptop *l, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s%s", prefix(l), name);
	return access(path, F_OK) == 0;
}

static bool word_of_file(const struct hf_laptop *l, const char *device, const char *name, char text[16])
{
	char path[1024];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/sys/bus/usb/devices/%s/%s", prefix(l), device, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%15s", text) == 1;
	fclose(file);
	return good;
}

/* The adapters that brltty's rules take for braille displays: CH340 and CH341 for one, with the same numbers. */
static bool is_ch340(const struct hf_laptop *l, const char *device)
{
	char vendor[16], product[16];

	if (!word_of_file(l, device, "idVendor", vendor) || !word_of_file(l, device, "idProduct", product))
		return false;
	return strcmp(vendor, "1a86") == 0 && (strcmp(product, "7523") == 0 || strcmp(product, "5523") == 0);
}

static bool has_port(const struct hf_laptop *l, const char *device)
{
	for (size_t i = 0; i < l->ports->count; i++) {
		if (strcmp(l->ports->item[i].location, device) == 0)
			return true;
	}
	return false;
}

static void look_at_brltty(struct hf_findings *f, const struct hf_laptop *l)
{
	static const char remove[] = "without a braille display here: sudo apt remove brltty, then plug the adapter in anew";
	bool installed = exists(l, "/usr/lib/udev/rules.d/85-brltty.rules") || exists(l, "/lib/udev/rules.d/85-brltty.rules");
	unsigned adapters = 0;
	char path[1024];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/usb/devices", prefix(l));
	dir = opendir(path);
	while (dir && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || !is_ch340(l, e->d_name))
			continue;
		adapters++;
		if (has_port(l, e->d_name))
			continue;
		hf_finding(f, HF_ROW_FAILED, "brltty", installed ? remove : "sudo modprobe ch341; plug the adapter in anew",
			   installed ? "the CH340 adapter at USB %s has no port: brltty takes it for a braille display" :
				       "the CH340 adapter at USB %s has no port: its driver did not take it", e->d_name);
	}
	if (dir)
		closedir(dir);
	if (installed && adapters == 0)
		hf_finding(f, HF_ROW_NOTE, "brltty", "", "installed; it takes CH340 adapters for braille displays, of which none is plugged in");
}

/* ---- the adapters ---- */

static void look_at_latency(struct hf_findings *f, const struct hf_laptop *l)
{
	char next[TEXT];

	for (size_t i = 0; i < l->ports->count; i++) {
		const struct hf_port_info *p = &l->ports->item[i];
		const char *name = strrchr(p->path, '/') ? strrchr(p->path, '/') + 1 : p->path;

		if (p->latency_ms < 0)
			continue;
		if (p->latency_ms <= LATENCY_GOOD_MS) {
			hf_finding(f, HF_ROW_PASSED, "adapter latency", "", "%s hands on what it receives within %d ms", p->path,
				   p->latency_ms);
			continue;
		}
		snprintf(next, sizeof(next), "sudo holdfast doctor --fix, for good; until it is unplugged: echo 1 | sudo tee "
			 "/sys/bus/usb-serial/devices/%s/latency_timer", name);
		hf_finding(f, HF_ROW_WARNING, "adapter latency", next,
			   "%s holds back what it receives for %d ms, at each answer; a tool that waits for three answers every 256 bytes, "
			   "as the chip's loader wants it, takes %d s longer for 384 KiB", p->path, p->latency_ms,
			   (p->latency_ms - 1) * 3 * 1536 / 1000);
	}
}

static bool same_adapter_name(const struct hf_port_info *a, const struct hf_port_info *b)
{
	return a->usb && b->usb && a->serial[0] && strcmp(a->serial, b->serial) == 0 && a->vid == b->vid && a->pid == b->pid &&
	       strcmp(a->location, b->location) != 0;
}

static void look_at_names(struct hf_findings *f, const struct hf_laptop *l)
{
	for (size_t i = 0; i < l->ports->count; i++) {
		for (size_t k = i + 1; k < l->ports->count; k++) {
			const struct hf_port_info *a = &l->ports->item[i], *b = &l->ports->item[k];

			if (same_adapter_name(a, b))
				hf_finding(f, HF_ROW_WARNING, "adapter names",
					   "choose the device by its own unique id: --device ID, which `holdfast list` shows",
					   "%s and %s have the same USB serial number %s: /dev/serial/by-id can name only one of them",
					   a->path, b->path, a->serial);
		}
	}
}

/* ---- other tools ---- */

static bool in_path(const char *path, const char *program)
{
	char file[1024];

	while (path && *path) {
		size_t len = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, program);
		if (access(file, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

static void look_at_tools(struct hf_findings *f, const struct hf_laptop *l)
{
	static const struct {
		const char *program, *use;
	} tools[] = {
		{"stm32flash", "the chip's loader, without holdfast"},
		{"openocd", "debug probes"},
		{"JLinkExe", "SEGGER's probes"},
		{"dfu-util", "the chip's loader on USB"},
	};
	char here[TEXT] = "", missing[TEXT] = "";

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		char *to = in_path(l->path, tools[i].program) ? here : missing;

		hf_finding_add(to, TEXT, "%s%s (%s)", to[0] ? ", " : "", tools[i].program, tools[i].use);
	}
	hf_finding(f, HF_ROW_NOTE, "other tools", "", "installed: %s; not installed: %s; none is needed for the serial line",
		   here[0] ? here : "none", missing[0] ? missing : "none");
}

void hf_doctor_laptop(struct hf_findings *f, const struct hf_laptop *l)
{
	look_at_ports(f, l);
	look_at_permission(f, l);
	look_at_udev_rule(f, l);
	look_at_holders(f, l);
	look_at_modem_manager(f, l);
	look_at_latency(f, l);
	look_at_names(f, l);
	look_at_brltty(f, l);
	look_at_tools(f, l);
}

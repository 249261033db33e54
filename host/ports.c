/* SPDX-License-Identifier: MIT
 *
 * The kernel's own view, sysfs, is read and not libudev or libserialport: it is the same everywhere, needs no daemon, can be
 * played in a directory by tests, and tells what the libraries leave out (the driver, the latency timer). A port without a
 * node below /dev, and an 8250 whose chip was never found, are no ports.
 */
#include "ports.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports_private.h"

#define BY_ID  "/dev/serial/by-id"
#define GROUPS 128

const char *hf_ports_prefix(const char *root)
{
	return strcmp(root, "/") == 0 ? "" : root;
}

bool hf_ports_line(char *to, size_t room, const char *format, ...)
{
	char path[HF_PORTS_FILE], line[512];
	va_list args;
	size_t n = 0;
	FILE *f;
	int len;

	to[0] = 0;
	va_start(args, format);
	len = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f)) {
		for (const char *at = line + strspn(line, " "); *at && *at != '\n' && n + 1 < room; at++)
			to[n++] = *at >= 0x20 && *at < 0x7f ? *at : '?';
	}
	fclose(f);
	while (n > 0 && to[n - 1] == ' ')
		n--;
	to[n] = 0;
	return n > 0;
}

/* Copies a text that fits, or leaves it empty: half a path is none. */
static void put(char *to, size_t room, const char *text)
{
	size_t len = strlen(text);

	to[0] = 0;
	if (len < room)
		memcpy(to, text, len + 1);
}

/* What the link at this path points to, without the directories before it. */
static bool link_name(const char *path, char *to, size_t room)
{
	char target[HF_PORTS_FILE];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	to[0] = 0;
	if (len < 0)
		return false;
	target[len] = 0;
	slash = strrchr(target, '/');
	put(to, room, slash ? slash + 1 : target);
	return to[0] != 0;
}

/* ---- USB ---- */

static uint16_t hex_file(const char *dir, const char *name)
{
	char text[16];

	return hf_ports_line(text, sizeof(text), "%s/%s", dir, name) ? (uint16_t)strtoul(text, NULL, 16) : 0;
}

/* udev's record of a device says that ModemManager keeps off, or waits to be asked. */
static bool record_exempts(const char *prefix, const char *record)
{
	static const char *const marks[] = {
		"E:ID_MM_DEVICE_IGNORE=1\n", "E:ID_MM_PORT_IGNORE=1\n", "E:ID_MM_DEVICE_MANUAL_SCAN_ONLY=1\n",
		"E:ID_MM_TTY_MANUAL_SCAN_ONLY=1\n",
	};
	char path[HF_PORTS_FILE], line[512];
	bool exempt = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/run/udev/data/%s", prefix, record);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!exempt && fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			exempt |= strcmp(line, marks[i]) == 0;
	}
	fclose(f);
	return exempt;
}

static bool number_exempts(const char *prefix, const char *dir)
{
	char number[32], record[40];

	if (!hf_ports_line(number, sizeof(number), "%s/dev", dir))
		return false;
	snprintf(record, sizeof(record), "c%s", number);
	return record_exempts(prefix, record);
}

static void read_usb(const char *dir, struct hf_port_info *out)
{
	out->usb = true;
	out->vid = hex_file(dir, "idVendor");
	out->pid = hex_file(dir, "idProduct");
	hf_ports_line(out->manufacturer, sizeof(out->manufacturer), "%s/manufacturer", dir);
	hf_ports_line(out->product, sizeof(out->product), "%s/product", dir);
	hf_ports_line(out->serial, sizeof(out->serial), "%s/serial", dir);
	put(out->location, sizeof(out->location), strrchr(dir, '/') + 1);
}

/* Recent kernels put two devices of their own between an on-board UART and the port. */
static void find_driver(const char *device, char *to, size_t room)
{
	char dir[HF_PORTS_FILE], path[HF_PORTS_FILE + 8];

	put(dir, sizeof(dir), device);
	for (unsigned i = 0; i < 4 && strrchr(dir, '/'); i++) {
		snprintf(path, sizeof(path), "%s/driver", dir);
		if (link_name(path, to, room) && strcmp(to, "port") != 0 && strcmp(to, "ctrl") != 0)
			return;
		*strrchr(dir, '/') = 0;
	}
	to[0] = 0;
}

/* Goes up from the port's device to the USB device that it is part of, if any. `dir` is overwritten. */
static void climb(const char *prefix, char *dir, size_t keep, struct hf_port_info *out)
{
	char interface[sizeof(out->interface)], record[80];
	bool exempt = false;

	while (strlen(dir) > keep) {
		char probe[8];

		if (!out->interface[0] && hf_ports_line(interface, sizeof(interface), "%s/bInterfaceNumber", dir)) {
			memcpy(out->interface, interface, sizeof(interface));
			if (snprintf(record, sizeof(record), "+usb:%s", strrchr(dir, '/') + 1) < (int)sizeof(record))
				exempt |= record_exempts(prefix, record);
		}
		if (hf_ports_line(probe, sizeof(probe), "%s/idVendor", dir)) {
			read_usb(dir, out);
			exempt |= number_exempts(prefix, dir);
			break;
		}
		*strrchr(dir, '/') = 0;
	}
	out->modem_manager = out->usb && !exempt;
}

/* ---- one port ---- */

static void find_by_id(const char *prefix, const char *name, struct hf_port_info *out)
{
	char path[HF_PORTS_FILE], target[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" BY_ID, prefix);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s" BY_ID "/%s", prefix, e->d_name);
		if (!link_name(path, target, sizeof(target)) || strcmp(target, name) != 0)
			continue;
		put(out->by_id, sizeof(out->by_id), path + strlen(prefix));
		break;
	}
	if (dir)
		closedir(dir);
}

static bool in_session(gid_t gid)
{
	gid_t list[GROUPS];
	int n = getgroups(GROUPS, list);

	for (int i = 0; i < n; i++) {
		if (list[i] == gid)
			return true;
	}
	return getegid() == gid;
}

static bool in_database(gid_t gid)
{
	struct passwd *user = getpwuid(geteuid());
	gid_t list[GROUPS];
	int n = GROUPS;

	if (!user || getgrouplist(user->pw_name, user->pw_gid, list, &n) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		if (list[i] == gid)
			return true;
	}
	return false;
}

static void read_access(const char *path, const struct stat *st, struct hf_port_info *out)
{
	struct group *group;

	out->may_use = eaccess(path, R_OK | W_OK) == 0;
	if ((st->st_mode & (S_IRGRP | S_IWGRP)) != (S_IRGRP | S_IWGRP) || st->st_gid == 0)
		return; /* nobody is told to become root's */
	group = getgrgid(st->st_gid);
	if (group)
		put(out->group, sizeof(out->group), group->gr_name);
	out->group_later = !out->may_use && group && in_database(st->st_gid) && !in_session(st->st_gid);
}

/* True: there is such a port. */
static bool read_port(const char *prefix, const char *name, struct hf_port_info *out)
{
	char dir[HF_PORTS_FILE], path[HF_PORTS_FILE], text[16], *device;
	struct stat st;

	memset(out, 0, sizeof(*out));
	out->latency_ms = -1;
	if (snprintf(dir, sizeof(dir), "%s/sys/class/tty/%s", prefix, name) >= (int)sizeof(dir) - 32)
		return false;
	if (hf_ports_line(text, sizeof(text), "%s/type", dir) && strcmp(text, "0") == 0)
		return false;
	strcat(dir, "/device");
	device = realpath(dir, NULL);
	snprintf(path, sizeof(path), "%s/dev/%s", prefix, name);
	if (!device || stat(path, &st) != 0) {
		free(device);
		return false;
	}
	put(out->path, sizeof(out->path), path + strlen(prefix));
	find_driver(device, out->driver, sizeof(out->driver));
	if (hf_ports_line(text, sizeof(text), "%s/latency_timer", device))
		out->latency_ms = (int)strtol(text, NULL, 10);
	read_access(path, &st, out);
	find_by_id(prefix, name, out);
	climb(prefix, device, strlen(prefix) + 1, out);
	snprintf(dir, sizeof(dir), "%s/sys/class/tty/%s", prefix, name);
	if (number_exempts(prefix, dir))
		out->modem_manager = false;
	free(device);
	return out->path[0] != 0;
}

/* ---- all ports ---- */

static int by_path(const void *a, const void *b)
{
	return strverscmp(((const struct hf_port_info *)a)->path, ((const struct hf_port_info *)b)->path);
}

static bool append(struct hf_ports *out, const struct hf_port_info *info)
{
	struct hf_port_info *more = realloc(out->item, (out->count + 1) * sizeof(*more));

	if (!more)
		return false;
	more[out->count++] = *info;
	out->item = more;
	return true;
}

enum hf_err hf_ports_list(const char *root, struct hf_ports *out, struct hf_diag *diag)
{
	const char *prefix = hf_ports_prefix(root);
	char path[HF_PORTS_FILE];
	struct hf_port_info info;
	struct dirent *e;
	DIR *dir;

	*out = (struct hf_ports){0};
	snprintf(path, sizeof(path), "%s/sys/class/tty", prefix);
	dir = opendir(path);
	if (!dir) {
		hf_diag_set(diag, "the serial ports of this machine cannot be listed, %s: %s; name one with --port", path,
			    strerror(errno));
		return HF_ERR_IO;
	}
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.' && read_port(prefix, e->d_name, &info) && !append(out, &info))
			break;
	}
	closedir(dir);
	if (out->count)
		qsort(out->item, out->count, sizeof(*out->item), by_path);
	if (!hf_ports_runs(prefix, "ModemManager")) {
		for (size_t i = 0; i < out->count; i++)
			out->item[i].modem_manager = false;
	}
	hf_ports_find_holders(prefix, out->item, out->count);
	return HF_OK;
}

void hf_ports_free(struct hf_ports *ports)
{
	free(ports->item);
	*ports = (struct hf_ports){0};
}

enum hf_err hf_ports_find(const char *root, const char *name, struct hf_port_info *out)
{
	const char *prefix = hf_ports_prefix(root), *where, *base;
	char path[HF_PORTS_FILE], *real;
	struct stat st;
	enum hf_err err = HF_OK;

	memset(out, 0, sizeof(*out));
	out->latency_ms = -1;
	if (snprintf(path, sizeof(path), "%s%s", prefix, name) >= (int)sizeof(path))
		return HF_ERR_NOT_FOUND;
	real = realpath(path, NULL);
	if (!real || stat(real, &st) != 0) {
		free(real);
		return HF_ERR_NOT_FOUND;
	}
	where = strncmp(real, prefix, strlen(prefix)) == 0 ? real + strlen(prefix) : real;
	base = strrchr(where, '/') + 1;
	if (strncmp(where, "/dev/", 5) == 0 && base == where + 5 && read_port(prefix, base, out)) {
		out->modem_manager = out->modem_manager && hf_ports_runs(prefix, "ModemManager");
	} else if (!S_ISCHR(st.st_mode)) {
		err = HF_ERR_TYPE;
	} else {
		put(out->path, sizeof(out->path), where == real && *prefix ? name : where);
		read_access(real, &st, out);
	}
	if (!err)
		hf_ports_find_holders(prefix, out, 1);
	free(real);
	return err;
}

const char *hf_ports_what(const struct hf_port_info *info, char *text, size_t room)
{
	const char *maker = info->manufacturer, *product = info->product;

	if (!info->usb)
		snprintf(text, room, "%s", info->driver[0] ? info->driver : "a terminal");
	else if (!product[0])
		snprintf(text, room, "USB %04x:%04x", info->vid, info->pid);
	else if (!maker[0] || strncmp(product, maker, strlen(maker)) == 0)
		snprintf(text, room, "%s", product);
	else
		snprintf(text, room, "%s %s", maker, product);
	return text;
}

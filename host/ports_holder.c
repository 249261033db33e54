/* SPDX-License-Identifier: MIT
 *
 * Three places tell who has a port, and none tells all: descriptors (only of this user's processes, unless root looks), the
 * kernel's list of locks (all of them, but few programs lock), and the lock files of old (minicom, picocom, pppd). A process
 * that holds a pseudo-terminal's master is the port's other end, not somebody who is in the way.
 */
#include <ctype.h>
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ports_private.h"

#define FDS_LOOKED_AT 4096

static void program_of(const char *prefix, pid_t pid, char program[HF_PORTS_PROGRAM])
{
	hf_ports_line(program, HF_PORTS_PROGRAM, "%s/proc/%d/comm", prefix, (int)pid);
}

static void note(const char *prefix, struct hf_port_info *info, pid_t pid, bool locked)
{
	struct hf_ports_holder *h;

	if (pid == getpid())
		return;
	for (unsigned i = 0; i < info->holders; i++) {
		if (info->holder[i].pid != pid)
			continue;
		info->holder[i].locked |= locked;
		return;
	}
	if (info->holders == HF_PORTS_HOLDERS)
		return;
	h = &info->holder[info->holders++];
	*h = (struct hf_ports_holder){.pid = pid, .locked = locked};
	program_of(prefix, pid, h->program);
}

/* ---- locks ---- */

/* "1: FLOCK  ADVISORY  WRITE 4711 00:05:123 0 EOF" */
static void note_lock(const char *prefix, const char *line, const struct stat *st, struct hf_port_info *info)
{
	unsigned long long inode;
	unsigned major_, minor_;
	char kind[16];
	int pid;

	if (sscanf(line, "%*u: %15s %*s %*s %d %x:%x:%llu", kind, &pid, &major_, &minor_, &inode) != 5)
		return;
	if (major_ == major(st->st_dev) && minor_ == minor(st->st_dev) && inode == st->st_ino)
		note(prefix, info, pid > 0 ? pid : 0, true);
}

static void find_locks(const char *prefix, struct hf_port_info *item, size_t count)
{
	char path[HF_PORTS_FILE], line[256];
	struct stat st;
	FILE *f;

	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s%s", prefix, item[i].path);
		if (stat(path, &st) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/proc/locks", prefix);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			note_lock(prefix, line, &st, &item[i]);
		if (f)
			fclose(f);
	}
}

/* A lock file whose program has gone binds nobody. */
static void find_lock_file(const char *prefix, struct hf_port_info *info)
{
	char text[32], path[HF_PORTS_FILE];
	struct stat st;
	long pid;

	if (!hf_ports_line(text, sizeof(text), "%s/run/lock/LCK..%s", prefix, strrchr(info->path, '/') + 1))
		return;
	pid = strtol(text, NULL, 10);
	snprintf(path, sizeof(path), "%s/proc/%ld", prefix, pid);
	if (pid > 0 && stat(path, &st) == 0)
		note(prefix, info, (pid_t)pid, true);
}

/* ---- descriptors ---- */

static struct hf_port_info *port_at(struct hf_port_info *item, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(item[i].path, path) == 0)
			return &item[i];
	}
	return NULL;
}

/* Which of the ports (at most 8 different ones) this process has open; it is passed over where it owns a pty's master. */
static void look_into(const char *prefix, pid_t pid, struct hf_port_info *item, size_t count)
{
	char path[HF_PORTS_FILE], target[HF_PORTS_FILE];
	struct hf_port_info *has[8];
	unsigned n = 0, looked = 0;
	bool master = false;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/%d/fd", prefix, (int)pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) != NULL && looked++ < FDS_LOOKED_AT) {
		ssize_t len;

		snprintf(path, sizeof(path), "%s/proc/%d/fd/%s", prefix, (int)pid, e->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 5 || strncmp(target, "/dev/", 5) != 0)
			continue;
		target[len] = 0;
		master |= strcmp(target, "/dev/ptmx") == 0 || strcmp(target, "/dev/pts/ptmx") == 0;
		if (n < sizeof(has) / sizeof(has[0]))
			n += (has[n] = port_at(item, count, target)) != NULL;
	}
	if (dir)
		closedir(dir);
	for (unsigned i = 0; i < n; i++) {
		if (!master || strncmp(has[i]->path, "/dev/pts/", 9) != 0)
			note(prefix, has[i], pid, false);
	}
}

static DIR *open_proc(const char *prefix)
{
	char path[HF_PORTS_FILE];

	snprintf(path, sizeof(path), "%s/proc", prefix);
	return opendir(path);
}

/* The next process in a list that open_proc began; 0: none. */
static pid_t next_process(DIR *proc)
{
	struct dirent *e;

	while (proc && (e = readdir(proc)) != NULL) {
		if (isdigit((unsigned char)e->d_name[0]))
			return (pid_t)strtol(e->d_name, NULL, 10);
	}
	return 0;
}

bool hf_ports_runs(const char *prefix, const char *program)
{
	DIR *proc = open_proc(prefix);
	char name[HF_PORTS_PROGRAM];
	bool runs = false;
	pid_t pid;

	while (!runs && (pid = next_process(proc)) > 0) {
		program_of(prefix, pid, name);
		runs = strcmp(name, program) == 0;
	}
	if (proc)
		closedir(proc);
	return runs;
}

void hf_ports_find_holders(const char *prefix, struct hf_port_info *item, size_t count)
{
	DIR *proc;
	pid_t pid;

	if (count == 0)
		return;
	find_locks(prefix, item, count);
	for (size_t i = 0; i < count; i++)
		find_lock_file(prefix, &item[i]);
	proc = open_proc(prefix);
	while ((pid = next_process(proc)) > 0)
		look_into(prefix, pid, item, count);
	if (proc)
		closedir(proc);
}

/* ---- for people ---- */

const char *hf_ports_holders_text(const struct hf_port_info *info, char *text, size_t room)
{
	bool lock_only = false;
	unsigned told = 0;
	size_t used = 0;

	text[0] = 0;
	for (unsigned i = 0; i < info->holders; i++)
		lock_only |= info->holder[i].locked;
	for (unsigned i = 0; i < info->holders && used < room; i++) {
		const struct hf_ports_holder *h = &info->holder[i];

		if (lock_only && !h->locked)
			continue;
		used += (size_t)snprintf(text + used, room - used, "%s%s", told++ ? " and " : "",
					 h->program[0] ? h->program : "another program");
		if (h->pid && used < room)
			used += (size_t)snprintf(text + used, room - used, " (pid %d)", (int)h->pid);
	}
	return text;
}

static bool held_by(const struct hf_port_info *info, const char *program)
{
	for (unsigned i = 0; i < info->holders; i++) {
		if (strcmp(info->holder[i].program, program) == 0)
			return true;
	}
	return false;
}

const char *hf_ports_why_held(const struct hf_port_info *info, char *why, size_t room)
{
	char who[160];

	hf_ports_holders_text(info, who, sizeof(who));
	if (!who[0])
		snprintf(why, room, "in use by another program: end that first");
	else if (held_by(info, "ModemManager"))
		snprintf(why, room, "in use by %s, which looks for a modem there: wait half a minute, or let `holdfast doctor --fix` keep it away", who);
	else
		snprintf(why, room, "in use by %s: end that first", who);
	return why;
}

const char *hf_ports_why_denied(const struct hf_port_info *info, char *why, size_t room)
{
	const struct passwd *user = getpwuid(geteuid());

	if (info->group_later)
		snprintf(why, room, "you may not use it yet: you are in the group %s, which counts from your next login on; log out and in again", info->group);
	else if (info->group[0])
		snprintf(why, room, "you may not use it: `sudo usermod -aG %s %s`, then log out and in again", info->group, user ? user->pw_name : "YOU");
	else
		snprintf(why, room, "you may not use it: only root may; `holdfast doctor` says how to change that");
	return why;
}

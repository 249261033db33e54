/* SPDX-License-Identifier: MIT
 *
 * A child opens its port, asks, and writes what it found into a pipe; the parent waits for all, and for none longer than any
 * probe can take. A child that dies or hangs is a port that failed.
 */
#include "survey.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "serial.h"

#define AT_ONCE   32u
#define LONGEST_S 60

struct answer {
	enum hf_survey_state state;
	struct hf_probe probe;
	char why[HF_SURVEY_NAME];
};

struct child {
	pid_t pid; /* 0: none */
	int fd;
	size_t port, got;
	struct answer answer;
};

const char *hf_survey_root(void)
{
	const char *root = getenv(HF_SURVEY_ROOT);

	return root && *root ? root : "/";
}

/* ---- which ports ---- */

static struct hf_survey_port *append(struct hf_survey *s)
{
	struct hf_survey_port *more = realloc(s->port, (s->count + 1) * sizeof(*more));

	if (!more)
		return NULL;
	s->port = more;
	memset(&more[s->count], 0, sizeof(*more));
	return &more[s->count++];
}

static bool has(const struct hf_survey *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->port[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool is_address(const char *name)
{
	return strncmp(name, "tcp:", 4) == 0 || strncmp(name, "rfc2217:", 8) == 0 || strncmp(name, "lockstep:", 9) == 0;
}

/* A device's path; "ttyUSB0" and names below by-id will do. */
static enum hf_err find_local(const char *name, struct hf_port_info *info)
{
	static const char *const places[] = {"", "/dev/", "/dev/serial/by-id/"};
	enum hf_err err = HF_ERR_NOT_FOUND;
	char path[HF_SURVEY_NAME];

	for (size_t i = strchr(name, '/') ? 0 : 1; i < sizeof(places) / sizeof(places[0]) && err == HF_ERR_NOT_FOUND; i++) {
		if (snprintf(path, sizeof(path), "%s%s", places[i], name) < (int)sizeof(path))
			err = hf_ports_find(hf_survey_root(), path, info);
		if (strchr(name, '/'))
			break;
	}
	return err;
}

enum hf_err hf_survey_add(struct hf_survey *s, const char *name, struct hf_diag *diag)
{
	bool local = !is_address(name);
	struct hf_port_info info = {.latency_ms = -1};
	struct hf_survey_port *port;
	enum hf_err err = HF_OK;

	if (strlen(name) >= HF_SURVEY_NAME)
		err = HF_ERR_NOT_FOUND;
	if (!err && local)
		err = find_local(name, &info);
	if (err == HF_ERR_TYPE)
		hf_diag_set(diag, "%s is no serial port", name);
	else if (err)
		hf_diag_set(diag, "there is no port %s", name);
	if (err)
		return HF_ERR_NOT_FOUND;
	if (has(s, local ? info.path : name))
		return HF_OK;
	port = append(s);
	if (!port) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	port->local = local;
	port->info = info;
	strcpy(port->name, local ? info.path : name);
	return HF_OK;
}

bool hf_survey_add_even(struct hf_survey *s, const char *name)
{
	struct hf_survey_port *port;
	struct hf_diag diag;

	if (hf_survey_add(s, name, &diag) == HF_OK)
		return true;
	port = append(s);
	if (port) {
		snprintf(port->name, sizeof(port->name), "%.*s", HF_SURVEY_NAME - 1, name);
		snprintf(port->why, sizeof(port->why), "%.*s", HF_SURVEY_NAME - 1, diag.text);
		port->state = HF_SURVEY_FAILED;
	}
	return false;
}

static void add_named(struct hf_survey *s)
{
	const char *names = getenv(HF_SURVEY_PORTS);
	char *copy = names ? strdup(names) : NULL, *rest = NULL;

	for (char *name = copy ? strtok_r(copy, ",", &rest) : NULL; name; name = strtok_r(NULL, ",", &rest))
		hf_survey_add_even(s, name);
	free(copy);
}

enum hf_err hf_survey_all(struct hf_survey *s, struct hf_diag *diag)
{
	struct hf_ports ports;
	enum hf_err err = hf_ports_list(hf_survey_root(), &ports, diag);

	*s = (struct hf_survey){0};
	for (size_t i = 0; i < ports.count; i++) {
		struct hf_survey_port *port = append(s);

		if (!port)
			break;
		port->local = true;
		port->info = ports.item[i];
		strcpy(port->name, port->info.path);
	}
	hf_ports_free(&ports);
	add_named(s);
	return s->count ? HF_OK : err;
}

void hf_survey_free(struct hf_survey *s)
{
	free(s->port);
	*s = (struct hf_survey){0};
}

const char *hf_survey_open_name(const struct hf_survey_port *port, char *text, size_t room)
{
	const char *root = hf_survey_root();

	snprintf(text, room, "%s%s", port->local && strcmp(root, "/") != 0 ? root : "", port->name);
	return text;
}

/* ---- whether they can be had ---- */

enum hf_survey_state hf_survey_may_open(const struct hf_port_info *info, char *why, size_t room)
{
	if (info->holders) {
		hf_ports_why_held(info, why, room);
		return HF_SURVEY_HELD;
	}
	if (!info->may_use) {
		hf_ports_why_denied(info, why, room);
		return HF_SURVEY_DENIED;
	}
	return HF_SURVEY_NEW;
}

/* ---- children ---- */

/* It looked free, and is not: somebody was quicker, or hides. */
static void explain(const struct hf_survey_port *port, struct answer *out)
{
	struct hf_port_info info;

	if (hf_ports_find(hf_survey_root(), port->name, &info) != HF_OK)
		info = port->info;
	if (out->state == HF_SURVEY_HELD)
		hf_ports_why_held(&info, out->why, sizeof(out->why));
	else
		hf_ports_why_denied(&info, out->why, sizeof(out->why));
}

static void ask(const struct hf_survey_port *port, const struct hf_probe_how *how, struct answer *out)
{
	static const uint32_t usual = 115200;
	const uint32_t *rate = how->rates ? how->rate : &usual;
	char name[2 * HF_SURVEY_NAME];
	struct hf_serial serial;
	struct hf_diag diag;
	enum hf_err err = HF_ERR_UNSUPPORTED;

	hf_survey_open_name(port, name, sizeof(name));
	for (unsigned i = 0; (i == 0 || i < how->rates) && err == HF_ERR_UNSUPPORTED; i++) {
		const struct hf_serial_line line = HF_SERIAL_8N1(rate[i]);

		err = hf_serial_open(name, &line, &serial, &diag);
	}
	if (err) {
		out->state = err == HF_ERR_BUSY ? HF_SURVEY_HELD : err == HF_ERR_DENIED ? HF_SURVEY_DENIED : HF_SURVEY_FAILED;
		snprintf(out->why, sizeof(out->why), "%.*s", (int)sizeof(out->why) - 1, diag.text);
		if (port->local && out->state != HF_SURVEY_FAILED)
			explain(port, out);
		return;
	}
	err = hf_probe(&serial, how, &out->probe);
	hf_serial_close(&serial);
	out->state = err ? HF_SURVEY_FAILED : HF_SURVEY_PROBED;
	if (err)
		strcpy(out->why, "interrupted");
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool start(struct child *c, struct hf_survey *s, size_t port, const struct hf_probe_how *how)
{
	int fds[2];

	memset(c, 0, sizeof(*c));
	if (pipe(fds) != 0)
		return false;
	fflush(stdout);
	fflush(stderr);
	c->pid = fork();
	if (c->pid == 0) {
		close(fds[0]);
		ask(&s->port[port], how, &c->answer);
		_exit(write_all(fds[1], &c->answer, sizeof(c->answer)) ? 0 : 1);
	}
	close(fds[1]);
	if (c->pid < 0) {
		close(fds[0]);
		c->pid = 0;
		return false;
	}
	c->fd = fds[0];
	c->port = port;
	return true;
}

static void finish(struct child *c, struct hf_survey *s, const char *failure)
{
	struct hf_survey_port *port = &s->port[c->port];

	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	close(c->fd);
	c->pid = 0;
	if (c->got == sizeof(c->answer)) {
		port->state = c->answer.state;
		port->probe = c->answer.probe;
		memcpy(port->why, c->answer.why, sizeof(port->why));
	} else {
		port->state = HF_SURVEY_FAILED;
		snprintf(port->why, sizeof(port->why), "%s", failure);
	}
}

/* Takes what a child has written. */
static void take(struct child *c, struct hf_survey *s)
{
	ssize_t n = read(c->fd, (char *)&c->answer + c->got, sizeof(c->answer) - c->got);

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0)
		c->got += (size_t)n;
	if (n <= 0 || c->got == sizeof(c->answer))
		finish(c, s, "looking at it failed without a word: try it again, alone");
}

/* Waits for any child; after LONGEST_S, which no probe takes, for none. */
static void wait_for_some(struct child *child, unsigned count, struct hf_survey *s)
{
	struct pollfd *p = calloc(count, sizeof(*p));
	int n;

	for (unsigned i = 0; p && i < count; i++)
		p[i] = (struct pollfd){.fd = child[i].pid ? child[i].fd : -1, .events = POLLIN};
	n = p ? poll(p, count, LONGEST_S * 1000) : 0;
	for (unsigned i = 0; i < count; i++) {
		if (!child[i].pid)
			continue;
		if (n == 0)
			finish(&child[i], s, "its driver hangs: unplug it and plug it in again");
		else if (n > 0 && p[i].revents)
			take(&child[i], s);
	}
	free(p);
}

static size_t next_port(const struct hf_survey *s, size_t from)
{
	while (from < s->count && s->port[from].state != HF_SURVEY_NEW)
		from++;
	return from;
}

void hf_survey_check(struct hf_survey *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct hf_survey_port *port = &s->port[i];

		if (port->state == HF_SURVEY_NEW && port->local)
			port->state = hf_survey_may_open(&port->info, port->why, sizeof(port->why));
	}
}

void hf_survey_probe(struct hf_survey *s, const struct hf_probe_how *how, unsigned at_once)
{
	unsigned count = at_once ? at_once : AT_ONCE, busy = 0;
	struct child *child = calloc(count, sizeof(*child));
	size_t next;

	hf_survey_check(s);
	next = next_port(s, 0);
	while (child && (busy > 0 || (next < s->count && !hf_interrupted(NULL)))) {
		for (unsigned i = 0; i < count && next < s->count && !hf_interrupted(NULL); i++) {
			if (child[i].pid)
				continue;
			if (!start(&child[i], s, next, how)) {
				s->port[next].state = HF_SURVEY_FAILED;
				strcpy(s->port[next].why, "out of processes or descriptors");
			}
			next = next_port(s, next + 1);
		}
		busy = 0;
		for (unsigned i = 0; i < count; i++)
			busy += child[i].pid != 0;
		if (busy)
			wait_for_some(child, count, s);
	}
	free(child);
}

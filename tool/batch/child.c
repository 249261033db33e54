/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 10000u
#define AT_ONCE  (4 * HF_CHILD_LINE) /* of one child, before the others have their turn */

uint64_t hf_child_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- start ---- */

/* In the child, between fork and exec: only what is safe there. */
static void become(const struct hf_child_options *o, int in, int out, int err)
{
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a station that dies leaves nobody who holds its ports */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(127);
	for (char *const *e = o->env; e && *e; e++)
		putenv(*e);
	execv(o->argv[0], o->argv);
	_exit(127);
}

/* Input is small (a serial number): it fits a pipe. */
static int input_of(const char *text)
{
	int fds[2];

	if (!text)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	if (write(fds[1], text, strlen(text)) < 0) {
		close(fds[0]);
		fds[0] = -1;
	}
	close(fds[1]);
	return fds[0];
}

static bool open_pipe(struct hf_child_pipe *p, int *far)
{
	int fds[2];

	p->text = malloc(HF_CHILD_LINE + 1);
	if (!p->text || pipe2(fds, O_CLOEXEC) != 0)
		return false;
	p->fd = fds[0];
	*far = fds[1];
	return fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct hf_child *c)
{
	close_fd(&c->out.fd);
	close_fd(&c->err.fd);
	free(c->err.text);
	c->err.text = NULL;
	if (!c->whole)
		free(c->out.text);
	if (!c->whole)
		c->out.text = NULL;
}

enum hf_err hf_child_start(struct hf_child *c, const struct hf_child_options *o, struct hf_diag *diag)
{
	int in = input_of(o->input), out = -1, err = -1;

	free(c->out.text);
	*c = (struct hf_child){.out.fd = -1, .err.fd = -1, .silence_ms = o->silence_ms, .limit_ms = o->limit_ms, .whole = o->whole,
			       .talks = o->talks, .event = o->event, .ctx = o->ctx};
	c->begin_ms = c->heard_ms = hf_child_now_ms();
	if (in >= 0 && open_pipe(&c->out, &out) && open_pipe(&c->err, &err))
		c->pid = fork();
	else
		c->pid = -1;
	if (c->pid == 0)
		become(o, in, out, err);
	close_fd(&in);
	close_fd(&out);
	close_fd(&err);
	if (c->pid > 0)
		return HF_OK;
	hf_diag_set(diag, "%s cannot be started: %s", o->argv[0], strerror(errno));
	c->pid = 0;
	c->whole = false;
	close_pipes(c);
	return HF_ERR_IO;
}

unsigned hf_child_fds(const struct hf_child *c, struct pollfd *fds)
{
	unsigned n = 0;

	if (c->out.fd >= 0)
		fds[n++] = (struct pollfd){.fd = c->out.fd, .events = POLLIN};
	if (c->err.fd >= 0)
		fds[n++] = (struct pollfd){.fd = c->err.fd, .events = POLLIN};
	return n;
}

/* ---- lines ---- */

/* What goes to a terminal and into records: no control characters. */
static void keep_words(struct hf_child *c, const char *line)
{
	static const char name[] = "holdfast: ";
	size_t n = 0;

	if (strncmp(line, name, strlen(name)) == 0)
		line += strlen(name);
	if (!*line)
		return;
	for (; *line && n < sizeof(c->words) - 1; line++)
		if ((unsigned char)*line >= 0x20 && *line != 0x7f)
			c->words[n++] = *line;
	c->words[n] = 0;
}

static void take_event(struct hf_child *c, const char *line, size_t len)
{
	json_error_t where;
	json_t *event = memchr(line, 0, len) ? NULL : json_loadb(line, len, 0, &where);
	json_t *t = json_object_get(event, "t_ms");

	if (!json_is_string(json_object_get(event, "event"))) {
		c->malformed++;
		json_decref(event);
		return;
	}
	c->events++;
	c->heard_ms = hf_child_now_ms();
	if (json_is_integer(t) && json_integer_value(t) > 0)
		c->t_ms = (uint64_t)json_integer_value(t);
	c->event(c->ctx, event);
	json_decref(event);
}

static void take_line(struct hf_child *c, struct hf_child_pipe *p, char *line, size_t len)
{
	line[len] = 0;
	if (p == &c->err || c->talks) {
		keep_words(c, line);
	} else if (!c->whole) {
		take_event(c, line, len);
	}
}

/* Hands over the whole lines; what is left moves to the front. */
static void take_lines(struct hf_child *c, struct hf_child_pipe *p)
{
	uint32_t at = 0;
	char *end;

	while ((end = memchr(p->text + at, '\n', p->len - at))) {
		if (!p->skipping)
			take_line(c, p, p->text + at, (size_t)(end - (p->text + at)));
		p->skipping = false;
		at = (uint32_t)(end + 1 - p->text);
	}
	memmove(p->text, p->text + at, p->len - at);
	p->len -= at;
	if (p->len < HF_CHILD_LINE)
		return;
	c->malformed += !p->skipping;
	p->skipping = true; /* longer than any event is */
	p->len = 0;
}

static void close_pipe(struct hf_child *c, struct hf_child_pipe *p)
{
	if (!(c->whole && p == &c->out) && p->len > 0 && !p->skipping)
		take_line(c, p, p->text, p->len);
	else
		p->text[p->len] = 0;
	close_fd(&p->fd);
}

static void read_pipe(struct hf_child *c, struct hf_child_pipe *p)
{
	bool document = c->whole && p == &c->out;

	for (uint32_t taken = 0; p->fd >= 0 && taken < AT_ONCE;) {
		ssize_t n = read(p->fd, p->text + p->len, HF_CHILD_LINE - p->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_pipe(c, p);
			return;
		}
		p->len += (uint32_t)n;
		taken += (uint32_t)n;
		c->bytes += (uint64_t)n;
		if (!document)
			take_lines(c, p);
		else if (p->len == HF_CHILD_LINE)
			c->bytes = HF_CHILD_TOTAL + 1; /* a document that is none */
		if (c->bytes > HF_CHILD_TOTAL)
			return;
	}
}

/* ---- end ---- */

/* The whole session, with what a test command has started. */
static void signal_all(const struct hf_child *c, int number)
{
	if (kill(-c->pid, number) != 0)
		kill(c->pid, number);
}

void hf_child_stop(struct hf_child *c)
{
	if (c->pid == 0 || c->kill_ms)
		return;
	signal_all(c, SIGTERM);
	c->kill_ms = hf_child_now_ms() + GRACE_MS;
}

void hf_child_kill(struct hf_child *c)
{
	if (c->pid)
		signal_all(c, SIGKILL);
}

static void give_up(struct hf_child *c, enum hf_child_end end)
{
	if (c->end == HF_CHILD_EXITED)
		c->end = end;
	hf_child_stop(c);
}

static void watch(struct hf_child *c)
{
	uint64_t now = hf_child_now_ms();

	if (c->bytes > HF_CHILD_TOTAL) {
		give_up(c, HF_CHILD_FLOODED);
		hf_child_kill(c); /* it is not read any more, and may wait for that */
	}
	if (c->silence_ms && now - c->heard_ms > c->silence_ms)
		give_up(c, HF_CHILD_HUNG);
	if (c->limit_ms && c->t_ms > c->limit_ms)
		give_up(c, HF_CHILD_LATE);
	if (c->kill_ms && now >= c->kill_ms)
		hf_child_kill(c);
}

bool hf_child_turn(struct hf_child *c)
{
	siginfo_t info = {.si_pid = 0};
	int status = 0;

	if (c->pid == 0)
		return true;
	if (c->out.fd >= 0 && c->bytes <= HF_CHILD_TOTAL)
		read_pipe(c, &c->out);
	if (c->err.fd >= 0 && c->bytes <= HF_CHILD_TOTAL)
		read_pipe(c, &c->err);
	watch(c);
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != c->pid)
		return false;
	if (c->out.fd >= 0 && c->bytes <= HF_CHILD_TOTAL)
		read_pipe(c, &c->out); /* its last words */
	if (c->err.fd >= 0 && c->bytes <= HF_CHILD_TOTAL)
		read_pipe(c, &c->err);
	if (c->out.fd >= 0)
		close_pipe(c, &c->out); /* a grandchild may hold it */
	if (c->err.fd >= 0)
		close_pipe(c, &c->err);
	kill(-c->pid, SIGKILL); /* what it has left running has no business any more; its number is not free before waitpid */
	waitpid(c->pid, &status, 0);
	c->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	if (c->end == HF_CHILD_EXITED && WIFSIGNALED(status))
		c->end = HF_CHILD_CRASHED;
	close_pipes(c);
	c->pid = 0;
	return true;
}

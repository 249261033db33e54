/* SPDX-License-Identifier: MIT
 *
 * `holdfast-twin ctl`: one command to a running twin, by its socket.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "args.h"
#include "commands.h"
#include "lockstep.h"
#include "script.h"

enum { WORDS_MAX = 24, REPLY_MAX = HF_LOCKSTEP_HEADER + HF_LOCKSTEP_PAYLOAD_MAX };

static const char details[] =
	"COMMAND is one of those that `holdfast-twin run --help` lists, or: advance TIME, flash dump FILE, quit.\n"
	"status, led and modbus answer as JSON.";

static int connect_to(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(where.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(where.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static bool send_request(int fd, char op, const char *payload)
{
	uint8_t header[HF_LOCKSTEP_HEADER];
	size_t len = strlen(payload);
	hf_lockstep_request(header, op, 0, (uint32_t)len);
	return send(fd, header, sizeof(header), MSG_NOSIGNAL) == (ssize_t)sizeof(header) &&
	       send(fd, payload, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Takes one answer into buf. */
static bool receive(int fd, uint8_t *buf, struct hf_lockstep_reply *reply)
{
	size_t len = 0, used;
	for (;;) {
		enum hf_err err = hf_lockstep_parse_reply((struct hf_bytes){ buf, len }, reply, &used);
		if (err == HF_OK)
			return true;
		if (err != HF_ERR_TRUNCATED || len == REPLY_MAX)
			return false;
		ssize_t n = recv(fd, buf + len, REPLY_MAX - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
}

static bool ask(int fd, char op, const char *payload, uint8_t *buf, struct hf_lockstep_reply *reply)
{
	return send_request(fd, op, payload) && receive(fd, buf, reply);
}

/* The command's words as one line; a dump's file is named from the root, for the twin may run elsewhere. */
static bool join(const struct hf_args_rest *rest, char line[HF_SCRIPT_LINE_MAX])
{
	size_t len = 0;
	for (unsigned i = 1; i < rest->count; i++) {
		char place[PATH_MAX + 1] = "";
		bool file = i == 3 && strcmp(rest->item[1], "flash") == 0 && rest->item[i][0] != '/';
		if (file && getcwd(place, PATH_MAX) != NULL)
			strcat(place, "/");
		int n = snprintf(line + len, HF_SCRIPT_LINE_MAX - len, "%s%s%s", i > 1 ? " " : "", place,
				 rest->item[i]);
		if (n < 0 || (size_t)n >= HF_SCRIPT_LINE_MAX - len)
			return false;
		len += (size_t)n;
	}
	return true;
}

static enum hf_exit control(const char *path, const char *line)
{
	struct hf_lockstep_reply reply;
	uint8_t *buf = malloc(REPLY_MAX);
	int fd = connect_to(path);
	enum hf_exit exit_code = HF_EXIT_OK;
	if (fd < 0 || buf == NULL) {
		hf_out_error("no twin answers at %s: %s", path, strerror(errno));
		free(buf);
		return HF_EXIT_NO_DEVICE;
	}
	if (!ask(fd, 'H', "control", buf, &reply) || (reply.status == 0 && !ask(fd, 'X', line, buf, &reply))) {
		hf_out_error("the twin at %s went away before it answered", path);
		exit_code = HF_EXIT_NO_DEVICE;
	} else if (reply.status != 0) {
		hf_out_error("the twin refuses: %.*s", (int)reply.payload.len, (const char *)reply.payload.ptr);
		exit_code = HF_EXIT_DEVICE;
	} else if (reply.payload.len > 0) {
		printf("%.*s\n", (int)reply.payload.len, (const char *)reply.payload.ptr);
	}
	close(fd);
	free(buf);
	return hf_out_flush() ? exit_code : HF_EXIT_INTERNAL;
}

enum hf_exit hf_twin_command_ctl(int argc, char **argv)
{
	const struct hf_usage usage = {
		.program = "holdfast-twin",
		.command = "ctl",
		.summary = "gives a command to a running twin",
		.synopsis = "SOCKET COMMAND...",
		.details = details,
		.example = "holdfast-twin ctl twin.sock cut next program in slot-b after 100 at 0.5 unstable",
		.exits = "5 no twin answers, 6 the twin refuses the command",
		.rest_min = 2,
		.rest_max = WORDS_MAX,
	};
	struct hf_args_rest rest;
	char line[HF_SCRIPT_LINE_MAX];
	enum hf_exit exit_code;
	if (!hf_args_parse(&usage, argc, argv, &rest, &exit_code))
		return exit_code;
	if (!join(&rest, line))
		return hf_args_wrong(&usage, "a command has at most %d characters", HF_SCRIPT_LINE_MAX - 1);
	return control(rest.item[0], line);
}

/* SPDX-License-Identifier: MIT
 *
 * One thread, one loop: take what the sockets have, serve what can be served at this instant, then either wait for the
 * sockets or let virtual time go on by a slice. Slices end at multiples of SLICE_NS of virtual time, whatever the wall
 * clock says, so that looking at the sockets in between never shifts anything: only a request changes the run.
 */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "pty.h"
#include "usart.h"

enum {
	CLIENTS = 16,
	STOP_MS = 500, /* a signal that came just before poll() is seen after this at the latest */
};

#define SLICE_NS    10000000u /* lockstep */
#define PACE_NS     2000000u  /* paced: how often the pty and the clock are looked at */
#define LAG_NS      50000000u /* paced: what virtual time is late by more than this, it does not catch up */

struct hf_server {
	struct hf_server_config config;
	struct hf_rig *rig;
	int listener; /* -1: none */
	struct hf_client *client[CLIENTS];
	unsigned clients;
	struct ear {
		struct hf_server *server;
		enum hf_rig_port port;
	} ear[HF_RIG_PORTS];
	struct hf_pty *pty;
	uint64_t wall_ns, virtual_ns; /* paced: these two are the same instant */
	bool quit;
};

/* ---- opening ---- */

/* Does a twin answer there? A socket that was left by a killed one refuses. */
static bool is_served(const struct sockaddr_un *where)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = fd >= 0 && (connect(fd, (const struct sockaddr *)where, sizeof(*where)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return served;
}

static bool bind_socket(struct hf_server *server, const char *path, struct hf_diag *diag)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct stat st;
	if (strlen(path) == 0 || strlen(path) >= sizeof(where.sun_path)) {
		hf_diag_set(diag, "a socket's path has 1 to %zu characters, this one has %zu",
			    sizeof(where.sun_path) - 1, strlen(path));
		return false;
	}
	strcpy(where.sun_path, path);
	if (is_served(&where)) {
		hf_diag_set(diag, "%s belongs to a twin that runs: end that, or choose another name", path);
		return false;
	}
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&where, sizeof(where)) != 0 ||
	    listen(server->listener, CLIENTS) != 0) {
		hf_diag_set(diag, "no socket can be made at %s: %s", path, strerror(errno));
		if (server->listener >= 0)
			close(server->listener);
		server->listener = -1; /* so that what is at path is not removed in the end */
		return false;
	}
	return true;
}

static uint64_t wall_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum hf_err hf_server_open(struct hf_server **out, const struct hf_server_config *config, struct hf_diag *diag)
{
	struct hf_server *server = calloc(1, sizeof(*server));
	if (server == NULL) {
		hf_diag_set(diag, "there is no memory for the server");
		return HF_ERR_IO;
	}
	server->config = *config;
	server->rig = config->rig;
	server->listener = -1;
	if ((config->socket != NULL && !bind_socket(server, config->socket, diag)) ||
	    (config->pty && hf_pty_open(&server->pty, config->rig, diag) != HF_OK)) {
		hf_server_close(server);
		return HF_ERR_IO;
	}
	server->wall_ns = wall_now_ns();
	server->virtual_ns = hf_rig_now_ns(server->rig);
	*out = server;
	return HF_OK;
}

const char *hf_server_pty(const struct hf_server *server)
{
	return server->pty != NULL ? hf_pty_path(server->pty) : NULL;
}

static void deliver(void *ctx, uint8_t byte)
{
	hf_client_hear(ctx, byte);
}

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	const struct ear *ear = ctx;
	struct hf_server *server = ear->server;
	for (unsigned i = 0; i < server->clients; i++) {
		struct hf_client *client = server->client[i];
		if (client->role != HF_CLIENT_PORT || client->port != ear->port)
			continue;
		hf_adapter_hear(&client->adapter, hf_rig_latency(server->rig, ear->port), byte, at_ns, deliver, client);
		/* For the bytes, or to see until when time may go on now. */
		if (client->wait == HF_WAIT_BYTES && (client->uart_len > 0 || client->adapter.len == 1))
			hf_rig_wake(server->rig);
	}
}

static void drop(struct hf_server *server, unsigned n)
{
	struct hf_client *client = server->client[n];
	if (client->role == HF_CLIENT_PORT) {
		hf_rig_listen(server->rig, client->port, NULL, NULL);
		hf_usart_break(hf_twin_machine(hf_rig_twin(server->rig)), hf_rig_usart(server->rig, client->port),
			       false);
		if (client->port == HF_RIG_MAINTENANCE)
			hf_rig_signals(server->rig, 0);
	}
	hf_client_free(client);
	server->client[n] = server->client[--server->clients];
}

void hf_server_close(struct hf_server *server)
{
	if (server == NULL)
		return;
	while (server->clients > 0)
		drop(server, server->clients - 1);
	hf_pty_close(server->pty);
	if (server->listener >= 0) {
		close(server->listener);
		unlink(server->config.socket);
	}
	free(server);
}

/* ---- requests ---- */

static uint64_t now_ns(const struct hf_server *server)
{
	return hf_rig_now_ns(server->rig);
}

static uint64_t after(uint64_t now, uint64_t ns)
{
	return ns > UINT64_MAX / 2 - now ? UINT64_MAX / 2 : now + ns;
}

static void hello(struct hf_server *server, struct hf_client *client, struct hf_bytes name)
{
	char text[160];
	unsigned port;
	for (port = 0; port < HF_RIG_PORTS; port++) {
		const char *known = hf_rig_port_text((enum hf_rig_port)port);
		if (name.len == strlen(known) && memcmp(name.ptr, known, name.len) == 0)
			break;
	}
	if (client->role != HF_CLIENT_NEW) {
		hf_client_refuse(client, now_ns(server), "this connection has said hello before");
	} else if (name.len == 7 && memcmp(name.ptr, "control", 7) == 0) {
		client->role = HF_CLIENT_CONTROL;
		hf_client_answer(client, 0, now_ns(server), "holdfast-twin control", 21);
	} else if (port == HF_RIG_PORTS) {
		hf_client_refuse(client, now_ns(server),
				 "there is no such port here; known are maintenance, modbus and control");
	} else if (!hf_rig_port_free(server->rig, (enum hf_rig_port)port)) {
		snprintf(text, sizeof(text), "the port '%s' is taken (%s)", hf_rig_port_text((enum hf_rig_port)port),
			 server->pty != NULL ? "by a pty, or by the Modbus slaves" : "by another client, or by the "
										     "Modbus slaves");
		hf_client_refuse(client, now_ns(server), text);
	} else {
		client->role = HF_CLIENT_PORT;
		client->port = (enum hf_rig_port)port;
		server->ear[port] = (struct ear){ server, client->port };
		hf_rig_listen(server->rig, client->port, hear, &server->ear[port]);
		int len = snprintf(text, sizeof(text), "holdfast-twin %s usart%u",
				   hf_rig_port_text((enum hf_rig_port)port),
				   hf_rig_usart(server->rig, (enum hf_rig_port)port));
		hf_client_answer(client, 0, now_ns(server), text, (size_t)len);
	}
}

static void command(struct hf_server *server, struct hf_client *client, struct hf_bytes text)
{
	char line[HF_SCRIPT_LINE_MAX], answer[HF_RIG_ANSWER];
	struct hf_command c;
	struct hf_diag diag;
	if (text.len >= sizeof(line) || memchr(text.ptr, 0, text.len) != NULL) {
		hf_client_refuse(client, now_ns(server), "a command is a line of text of at most 511 characters");
		return;
	}
	memcpy(line, text.ptr, text.len);
	line[text.len] = 0;
	enum hf_err err = hf_script_command(line, &c, &diag);
	if (err == HF_OK && c.kind == HF_CMD_ADVANCE && !c.timed) {
		if (server->pty != NULL) {
			hf_client_refuse(client, now_ns(server), "time follows the clock here and cannot be advanced");
			return;
		}
		client->wait = HF_WAIT_TIME;
		client->wait_ns = after(now_ns(server), c.duration_ns);
		return;
	}
	if (err == HF_OK && c.kind == HF_CMD_QUIT && !c.timed) {
		server->quit = true;
		hf_client_answer(client, 0, now_ns(server), "ok", 2);
		return;
	}
	if (err == HF_OK)
		err = hf_rig_command(server->rig, &c, answer, &diag);
	if (err == HF_OK)
		hf_client_answer(client, 0, now_ns(server), answer, strlen(answer));
	else
		hf_client_refuse(client, now_ns(server), diag.text);
}

/* Bytes for the device: what its queue has no room for waits here, and follows as it drains. */
static void feed(struct hf_server *server, struct hf_client *client)
{
	struct hf_twin *twin = hf_rig_twin(server->rig);
	unsigned usart = hf_rig_usart(server->rig, client->port);
	size_t room = HF_USART_QUEUE - hf_twin_uart_queued(twin, usart);
	size_t len = client->write_len < room ? client->write_len : room;
	if (len == 0 || hf_twin_uart_send(twin, usart, client->write, len) != HF_OK)
		return;
	client->write_len -= len;
	memmove(client->write, client->write + len, client->write_len);
}

static void write_bytes(struct hf_server *server, struct hf_client *client, struct hf_bytes bytes)
{
	if (client->write_len + bytes.len > HF_CLIENT_OUT) {
		hf_client_refuse(client, now_ns(server), "more than 1 MiB waits for the line: let time go on first");
		return;
	}
	if (bytes.len > 0) {
		uint8_t *write = realloc(client->write, client->write_len + bytes.len);
		if (write == NULL) {
			hf_client_refuse(client, now_ns(server), "there is no memory for these bytes");
			return;
		}
		client->write = write;
		memcpy(write + client->write_len, bytes.ptr, bytes.len);
		client->write_len += bytes.len;
		feed(server, client);
	}
	hf_client_answer(client, 0, now_ns(server), NULL, 0);
}

static void set_signals(struct hf_server *server, struct hf_client *client, const struct hf_lockstep_request *r)
{
	client->signals = (uint8_t)((client->signals & ~r->mask) | (r->values & r->mask));
	hf_usart_break(hf_twin_machine(hf_rig_twin(server->rig)), hf_rig_usart(server->rig, client->port),
		       (client->signals & HF_SIGNAL_BIT_BREAK) != 0);
	if (client->port == HF_RIG_MAINTENANCE)
		hf_rig_signals(server->rig, client->signals);
	hf_client_answer(client, 0, now_ns(server), &client->signals, 1);
}

static void serve_port(struct hf_server *server, struct hf_client *client, const struct hf_lockstep_request *r)
{
	switch (r->op) {
	case 'W':
		write_bytes(server, client, r->payload);
		break;
	case 'R':
		client->wait = HF_WAIT_BYTES;
		client->wait_ns = after(now_ns(server), r->arg);
		client->read_max = r->read_max < HF_LOCKSTEP_PAYLOAD_MAX ? r->read_max : HF_LOCKSTEP_PAYLOAD_MAX;
		break;
	case 'B':
		hf_twin_uart_line(hf_rig_twin(server->rig), hf_rig_usart(server->rig, client->port), &r->line);
		hf_client_answer(client, 0, now_ns(server), NULL, 0);
		break;
	default:
		set_signals(server, client, r);
		break;
	}
}

static void serve(struct hf_server *server, struct hf_client *client, const struct hf_lockstep_request *r)
{
	if (r->op == 'H') {
		hello(server, client, r->payload);
	} else if (client->role == HF_CLIENT_NEW) {
		hf_client_refuse(client, now_ns(server), "say hello first: request H names the port");
	} else if (r->op == 'N') {
		hf_client_answer(client, 0, now_ns(server), NULL, 0);
	} else if (r->op == 'X') {
		command(server, client, r->payload);
	} else if (r->op == 'S' && server->pty != NULL) {
		hf_client_refuse(client, now_ns(server), "time follows the clock here and cannot be advanced");
	} else if (r->op == 'S') {
		client->wait = HF_WAIT_TIME;
		client->wait_ns = after(now_ns(server), r->arg);
	} else if (client->role != HF_CLIENT_PORT) {
		hf_client_refuse(client, now_ns(server), "this is a UART's request, and the connection is control's");
	} else {
		serve_port(server, client, r);
	}
}

/* Is what the client waits for there? Then it gets its answer. */
static void end_wait(struct hf_server *server, struct hf_client *client)
{
	uint64_t now = now_ns(server);
	hf_adapter_release(&client->adapter, now, deliver, client);
	if (client->wait == HF_WAIT_BYTES && (client->uart_len > 0 || now >= client->wait_ns)) {
		client->wait = HF_WAIT_NOTHING;
		hf_client_answer_read(client, now);
	} else if (client->wait == HF_WAIT_TIME && now >= client->wait_ns) {
		client->wait = HF_WAIT_NOTHING;
		hf_client_answer(client, 0, now, NULL, 0);
	}
}

/* Serves a client for as long as it has a request that needs no time. */
static void serve_client(struct hf_server *server, struct hf_client *client)
{
	struct hf_lockstep_request request;
	size_t used;
	end_wait(server, client);
	while (client->wait == HF_WAIT_NOTHING && !server->quit &&
	       hf_client_request(client, now_ns(server), &request, &used)) {
		serve(server, client, &request);
		hf_client_done(client, used);
		end_wait(server, client);
	}
	if (client->write_len > 0)
		feed(server, client);
}

/* ---- sockets ---- */

static void accept_all(struct hf_server *server)
{
	while (server->listener >= 0 && server->clients < CLIENTS) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		struct hf_client *client = hf_client_new(fd);
		if (client == NULL)
			close(fd);
		else
			server->client[server->clients++] = client;
	}
}

/* New connections first: whoever closed one and opened another is seen to have closed it. */
static void serve_all(struct hf_server *server)
{
	accept_all(server);
	for (unsigned i = 0; i < server->clients; i++)
		hf_client_receive(server->client[i]);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = server->clients; i-- > 0;) {
			struct hf_client *client = server->client[i];
			if (pass == 0 && !client->ended)
				continue; /* those that leave give up their ports before others ask for them */
			serve_client(server, client);
			hf_client_send(client);
			if (client->ended)
				drop(server, i);
		}
	}
}

static void wait_for_sockets(struct hf_server *server, int timeout_ms)
{
	struct pollfd fds[CLIENTS + 2];
	nfds_t n = 0;
	if (server->listener >= 0 && server->clients < CLIENTS) /* more of them wait in the system's queue */
		fds[n++] = (struct pollfd){ server->listener, POLLIN, 0 };
	if (server->pty != NULL)
		fds[n++] = (struct pollfd){ hf_pty_fd(server->pty), POLLIN, 0 };
	for (unsigned i = 0; i < server->clients; i++) {
		const struct hf_client *client = server->client[i];
		short events = client->in_len < HF_CLIENT_IN ? POLLIN : 0;
		fds[n++] = (struct pollfd){ client->fd, (short)(events | (client->out_len > 0 ? POLLOUT : 0)), 0 };
	}
	(void)poll(fds, n, timeout_ms);
}

/* ---- time ---- */

/* Until when virtual time may go on by itself; false: it stands. */
static bool may_run(const struct hf_server *server, uint64_t *until_ns)
{
	bool waits = false;
	*until_ns = server->config.until_ns;
	for (unsigned i = 0; i < server->clients; i++) {
		const struct hf_client *client = server->client[i];
		if (client->wait != HF_WAIT_NOTHING) {
			waits = true;
			if (client->wait_ns < *until_ns)
				*until_ns = client->wait_ns;
			if (client->wait == HF_WAIT_BYTES && client->adapter.due_ns < *until_ns)
				*until_ns = client->adapter.due_ns;
		} else if (client->role == HF_CLIENT_PORT) {
			return false;
		}
	}
	return waits;
}

static bool run_slice(struct hf_server *server, uint64_t until_ns, struct hf_diag *diag)
{
	if (hf_rig_run(server->rig, until_ns) != HF_RIG_BROKEN)
		return true;
	hf_diag_set(diag, "the twin failed: %s", hf_twin_error(hf_rig_twin(server->rig)));
	return false;
}

static bool lockstep_turn(struct hf_server *server, struct hf_diag *diag)
{
	uint64_t until;
	if (!may_run(server, &until)) {
		wait_for_sockets(server, STOP_MS);
		return true;
	}
	uint64_t slice = (now_ns(server) / SLICE_NS + 1) * SLICE_NS;
	return run_slice(server, until < slice ? until : slice, diag);
}

static bool paced_turn(struct hf_server *server, struct hf_diag *diag)
{
	uint64_t elapsed = wall_now_ns() - server->wall_ns;
	uint64_t target = server->virtual_ns + elapsed, now = now_ns(server);
	hf_pty_exchange(server->pty);
	if (target > now + LAG_NS) {
		server->wall_ns += target - now - LAG_NS;
		target = now + LAG_NS;
	}
	if (target < now + PACE_NS) {
		wait_for_sockets(server, (int)((now + PACE_NS - target) / 1000000 + 1));
		return true;
	}
	if (target > server->config.until_ns)
		target = server->config.until_ns;
	return run_slice(server, target < now + PACE_NS ? target : now + PACE_NS, diag);
}

enum hf_err hf_server_run(struct hf_server *server, struct hf_diag *diag)
{
	while (!server->quit && !*server->config.stop && now_ns(server) < server->config.until_ns) {
		serve_all(server);
		if (server->quit)
			break;
		if (!(server->pty != NULL ? paced_turn(server, diag) : lockstep_turn(server, diag)))
			return HF_ERR_IO;
	}
	for (unsigned i = 0; i < server->clients; i++)
		hf_client_send(server->client[i]);
	return HF_OK;
}

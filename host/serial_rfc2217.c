/* SPDX-License-Identifier: MIT
 *
 * A serial server with telnet's COM port control (RFC 2217): rate, parity, break and the modem's outputs travel beside the
 * data, so that everything that works at a port of this machine works there, the chip's ROM loader included.
 *
 * A server is not believed: what it says that it has set must be what was asked for, every wait ends, and a server that
 * refuses the option, or is none, is told apart from a device that does not answer. Options that nobody asked for are
 * refused, each once, so that no two programs can negotiate for ever.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "serial_backend.h"
#include "telnet.h"

#define NEGOTIATE_MS 3000u
#define ANSWER_MS    2000u
#define TRIES        2u
#define PAUSE_MS     250u
#define QUEUE        65536u /* data that comes while an answer is awaited */

enum { OPTION_BINARY = 0, OPTION_SUPPRESS_GA = 3, OPTION_COM_PORT = 44 };

/* Commands of the option; answers are 100 higher. */
enum {
	SET_BAUDRATE = 1, SET_DATASIZE, SET_PARITY, SET_STOPSIZE, SET_CONTROL, SUSPEND = 8, RESUME = 9, PURGE_DATA = 12,
	COMMANDS = 13, ANSWER = 100
};
enum {
	CONTROL_NO_FLOW = 1, CONTROL_BREAK_ON = 5, CONTROL_BREAK_OFF, CONTROL_DTR_ON = 8, CONTROL_DTR_OFF, CONTROL_RTS_ON = 11,
	CONTROL_RTS_OFF
};
enum { PURGE_BOTH = 3 };

enum { YES = 1, NO = 2 };

struct server {
	int fd; /* -1: lost */
	struct hf_serial_address to;
	struct hf_serial_line line, now; /* as wanted; as the server has it, baud 0: unknown */
	struct hf_telnet telnet;
	uint8_t com_port, we_binary, they_binary; /* YES, NO; 0: not yet said */
	bool suspended;
	uint8_t refused[2][32];          /* bits: options that we would not, that they should not */
	uint32_t answer[COMMANDS];       /* values of the last answers */
	bool answered[COMMANDS];
	uint8_t queue[QUEUE];
	size_t first, count;
};

/* ---- what comes ---- */

static enum hf_err lost(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return HF_ERR_IO;
}

static enum hf_err put(struct server *s, const uint8_t *data, size_t len)
{
	enum hf_err err = hf_serial_fd_write(s->fd, data, len);

	return err == HF_ERR_IO ? lost(s) : err;
}

static void enqueue(struct server *s, uint8_t byte)
{
	if (s->count < QUEUE)
		s->queue[(s->first + s->count++) % QUEUE] = byte;
}

static size_t dequeue(struct server *s, uint8_t *to, size_t cap)
{
	size_t n = 0;

	while (n < cap && s->count > 0) {
		to[n++] = s->queue[s->first];
		s->first = (s->first + 1) % QUEUE;
		s->count--;
	}
	return n;
}

/* What was asked for is taken note of; anything else is refused, once. */
static enum hf_err negotiate(struct server *s)
{
	uint8_t verb = s->telnet.verb, option = s->telnet.option, answer;
	bool about_us = verb == HF_TELNET_DO || verb == HF_TELNET_DONT, yes = verb == HF_TELNET_DO || verb == HF_TELNET_WILL;
	uint8_t *refused = &s->refused[about_us][option / 8];

	if (option == OPTION_COM_PORT && about_us)
		s->com_port = yes ? YES : NO;
	if (option == OPTION_BINARY && about_us)
		s->we_binary = yes ? YES : NO;
	if (option == OPTION_BINARY && !about_us)
		s->they_binary = yes ? YES : NO;
	if (option == OPTION_COM_PORT || option == OPTION_BINARY || option == OPTION_SUPPRESS_GA || !yes || *refused >> option % 8 & 1)
		return HF_OK;
	*refused |= (uint8_t)(1u << option % 8);
	answer = about_us ? HF_TELNET_WONT : HF_TELNET_DONT;
	return put(s, (uint8_t[]){HF_TELNET_IAC, answer, option}, 3);
}

static void take_option(struct server *s)
{
	const struct hf_telnet *t = &s->telnet;
	uint8_t command = t->len > 1 ? t->message[1] : 0;

	if (t->message[0] != OPTION_COM_PORT)
		return;
	if (command == ANSWER + SUSPEND || command == ANSWER + RESUME) {
		s->suspended = command == ANSWER + SUSPEND;
		return;
	}
	if (command <= ANSWER || command >= ANSWER + COMMANDS || t->len < 3)
		return;
	command -= ANSWER;
	if (command == SET_BAUDRATE && t->len < 6)
		return;
	s->answer[command] = command == SET_BAUDRATE ? load_be32(t->message + 2) : t->message[2];
	s->answered[command] = true;
}

/* Reads what there is, and sorts it. HF_OK: something came. */
static enum hf_err take_some(struct server *s, uint32_t timeout_ms)
{
	uint8_t in[1024];
	size_t len, cap = QUEUE - s->count < sizeof(in) ? QUEUE - s->count : sizeof(in);
	enum hf_err err;

	if (s->fd < 0)
		return HF_ERR_IO;
	if (cap == 0)
		return HF_ERR_TIMEOUT;
	err = hf_serial_fd_read(s->fd, in, cap, timeout_ms, &len);
	for (size_t i = 0; i < len && !err; i++) {
		switch (hf_telnet_take(&s->telnet, in[i])) {
		case HF_TELNET_DATA:
			enqueue(s, s->telnet.byte);
			break;
		case HF_TELNET_NEGOTIATE:
			err = negotiate(s);
			break;
		case HF_TELNET_OPTION:
			take_option(s);
			break;
		default:
			break;
		}
	}
	return err == HF_ERR_IO ? lost(s) : err;
}

/* ---- asking the server ---- */

static bool negotiated(struct server *s)
{
	return s->com_port == NO || (s->com_port && s->we_binary && s->they_binary);
}

static bool all_answered(struct server *s, uint32_t commands)
{
	for (unsigned c = 0; c < COMMANDS; c++) {
		if (commands >> c & 1 && !s->answered[c])
			return false;
	}
	return true;
}

/* `commands` 0: until the options are settled. */
static enum hf_err await(struct server *s, uint32_t commands, uint32_t for_ms)
{
	uint64_t now = hf_serial_real_now_ms(NULL), until = now + for_ms;

	while (!(commands ? all_answered(s, commands) : negotiated(s))) {
		enum hf_err err;

		if (now >= until || s->com_port == NO)
			return HF_ERR_TIMEOUT;
		err = take_some(s, (uint32_t)(until - now));
		if (err == HF_ERR_TIMEOUT && s->count == QUEUE)
			return HF_ERR_TIMEOUT;
		if (err && err != HF_ERR_TIMEOUT)
			return err;
		now = hf_serial_real_now_ms(NULL);
	}
	return HF_OK;
}

/* Sends a command whose value has `bytes` bytes. */
static enum hf_err command(struct server *s, uint8_t which, uint32_t value, size_t bytes)
{
	uint8_t out[16] = {HF_TELNET_IAC, HF_TELNET_SB, OPTION_COM_PORT, which}, be[4];
	size_t n;

	store_be32(be, value);
	n = 4 + hf_telnet_escape(be + 4 - bytes, bytes, out + 4);
	out[n++] = HF_TELNET_IAC;
	out[n++] = HF_TELNET_SE;
	s->answered[which] = false;
	return put(s, out, n);
}

/* One command and its answer. HF_ERR_UNSUPPORTED: the server did something else. */
static enum hf_err do_and_see(struct server *s, uint8_t which, uint8_t value)
{
	enum hf_err err = s->com_port == YES ? command(s, which, value, 1) : HF_ERR_UNSUPPORTED;

	if (!err)
		err = await(s, 1u << which, ANSWER_MS);
	if (err)
		return err == HF_ERR_TIMEOUT ? HF_ERR_IO : err;
	return s->answer[which] == value ? HF_OK : HF_ERR_UNSUPPORTED;
}

static uint8_t parity_code(char parity)
{
	return parity == 'O' ? 2 : parity == 'E' ? 3 : 1;
}

/* Servers answer with the rate that their divider gives: 3 % off still works. */
static bool is_about(uint32_t got, uint32_t wanted)
{
	uint32_t off = got > wanted ? got - wanted : wanted - got;

	return off <= wanted / 33;
}

static bool as_wanted(const struct server *s, uint32_t asked)
{
	const struct hf_serial_line *w = &s->line;

	return (!(asked >> SET_BAUDRATE & 1) || is_about(s->answer[SET_BAUDRATE], w->baud)) &&
	       (!(asked >> SET_DATASIZE & 1) || s->answer[SET_DATASIZE] == w->data_bits) &&
	       (!(asked >> SET_PARITY & 1) || s->answer[SET_PARITY] == parity_code(w->parity)) &&
	       (!(asked >> SET_STOPSIZE & 1) || s->answer[SET_STOPSIZE] == w->stop_bits);
}

/* What differs from what the server has is asked for, all at once. */
static enum hf_err apply(struct server *s)
{
	const struct hf_serial_line *w = &s->line, *n = &s->now;
	uint32_t asked = 0;
	enum hf_err err = s->com_port == YES ? HF_OK : HF_ERR_UNSUPPORTED;

	if (!err && n->baud != w->baud)
		err = command(s, SET_BAUDRATE, w->baud, 4), asked |= 1u << SET_BAUDRATE;
	if (!err && (n->data_bits != w->data_bits || !n->baud))
		err = command(s, SET_DATASIZE, w->data_bits, 1), asked |= 1u << SET_DATASIZE;
	if (!err && (n->parity != w->parity || !n->baud))
		err = command(s, SET_PARITY, parity_code(w->parity), 1), asked |= 1u << SET_PARITY;
	if (!err && (n->stop_bits != w->stop_bits || !n->baud))
		err = command(s, SET_STOPSIZE, w->stop_bits, 1), asked |= 1u << SET_STOPSIZE;
	if (!err && asked)
		err = await(s, asked, ANSWER_MS);
	s->now = s->line;
	if (!err && !as_wanted(s, asked))
		err = HF_ERR_UNSUPPORTED;
	if (err)
		s->now.baud = 0;
	return err == HF_ERR_TIMEOUT ? lost(s) : err;
}

/* ---- opening ---- */

static enum hf_err open_session(struct server *s, const char **why)
{
	static const uint8_t hello[] = {
		HF_TELNET_IAC, HF_TELNET_WILL, OPTION_COM_PORT,    HF_TELNET_IAC, HF_TELNET_WILL, OPTION_BINARY,
		HF_TELNET_IAC, HF_TELNET_DO,   OPTION_BINARY,      HF_TELNET_IAC, HF_TELNET_WILL, OPTION_SUPPRESS_GA,
		HF_TELNET_IAC, HF_TELNET_DO,   OPTION_SUPPRESS_GA,
	};
	enum hf_err err;

	s->telnet = (struct hf_telnet){0};
	s->com_port = s->we_binary = s->they_binary = 0;
	s->suspended = false;
	memset(s->refused, 0, sizeof(s->refused));
	s->now.baud = 0;
	s->first = s->count = 0;
	(void)lost(s);
	err = hf_serial_net_connect(&s->to, &s->fd, why);
	if (err)
		return err;
	*why = NULL;
	err = put(s, hello, sizeof(hello));
	if (!err)
		err = await(s, 0, NEGOTIATE_MS);
	if (err)
		return err;
	if (s->we_binary == NO || s->they_binary == NO)
		return HF_ERR_UNSUPPORTED;
	err = apply(s);
	if (!err && do_and_see(s, SET_CONTROL, CONTROL_NO_FLOW) == HF_ERR_IO && s->fd < 0)
		err = HF_ERR_IO;
	if (!err && do_and_see(s, PURGE_DATA, PURGE_BOTH) == HF_ERR_IO && s->fd < 0)
		err = HF_ERR_IO;
	return err;
}

/* What a server says before it hangs up, on one line. */
static void last_words(struct server *s, char *to, size_t room)
{
	uint8_t in[80];
	size_t len = dequeue(s, in, sizeof(in)), n = 0;

	for (size_t i = 0; i < len && n + 1 < room; i++) {
		if (isprint(in[i]))
			to[n++] = (char)in[i];
	}
	to[n] = 0;
}

/* HF_ERR_BUSY where the server says so. */
static enum hf_err explain(struct server *s, const char *where, enum hf_err err, const char *why, struct hf_diag *diag)
{
	char words[81];

	last_words(s, words, sizeof(words));
	if (why) {
		hf_diag_set(diag, "rfc2217:%s cannot be reached: %s", where, why);
	} else if (s->com_port == NO) {
		hf_diag_set(diag, "the server at %s has no COM port control (RFC 2217): switch it on there (ser2net: telnet(rfc2217)), or name it "
				  "tcp:%s and set the line at the server", where, where);
		return HF_ERR_UNSUPPORTED;
	} else if (s->we_binary == NO || s->they_binary == NO) {
		hf_diag_set(diag, "the server at %s does not carry all bytes (it refuses telnet's binary mode): use another one", where);
	} else if (err == HF_ERR_UNSUPPORTED) {
		hf_diag_set(diag, "the server at %s cannot set %u baud, %u%c%u: it offers %u baud", where, s->line.baud, s->line.data_bits,
			    s->line.parity, s->line.stop_bits, s->answered[SET_BAUDRATE] ? s->answer[SET_BAUDRATE] : 0);
	} else if (err == HF_ERR_TIMEOUT) {
		hf_diag_set(diag, "what listens at %s does not answer as a serial server (RFC 2217): if it passes bytes only, name it tcp:%s", where, where);
	} else if (strstr(words, "in use") || strstr(words, "busy")) {
		hf_diag_set(diag, "the server at %s says that its port is in use (\"%s\"): end the other connection first", where, words);
		return HF_ERR_BUSY;
	} else {
		hf_diag_set(diag, "the server at %s hung up%s%s%s: check its port and whether its adapter is plugged in", where, words[0] ? ": \"" : "",
			    words, words[0] ? "\"" : "");
	}
	return err == HF_ERR_TIMEOUT ? HF_ERR_IO : err;
}

/* ---- the seam ---- */

static enum hf_err server_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct server *s = ctx;
	uint64_t now = hf_serial_real_now_ms(NULL), until = now + timeout_ms;
	enum hf_err err = HF_OK;

	while (s->count == 0 && !err) {
		err = take_some(s, now < until ? (uint32_t)(until - now) : 0);
		now = hf_serial_real_now_ms(NULL);
		if (!err && s->count == 0 && now >= until)
			err = HF_ERR_TIMEOUT;
	}
	if (err)
		return err;
	*len = dequeue(s, buf, cap);
	return HF_OK;
}

/* Until the server takes data again. */
static enum hf_err await_resume(struct server *s)
{
	uint64_t now = hf_serial_real_now_ms(NULL), until = now + HF_SERIAL_WRITE_MS;
	enum hf_err err = HF_OK;

	while (s->suspended && now < until && (!err || err == HF_ERR_TIMEOUT)) {
		err = take_some(s, (uint32_t)(until - now));
		now = hf_serial_real_now_ms(NULL);
	}
	return err == HF_ERR_IO ? err : s->suspended ? HF_ERR_TIMEOUT : HF_OK;
}

static enum hf_err server_write(void *ctx, const void *data, size_t len)
{
	struct server *s = ctx;
	const uint8_t *p = data;
	uint8_t out[1024];
	enum hf_err err = await_resume(s);

	for (size_t done = 0; done < len && !err;) {
		size_t n = len - done < sizeof(out) / 2 ? len - done : sizeof(out) / 2;

		err = put(s, out, hf_telnet_escape(p + done, n, out));
		done += n;
	}
	return err;
}

static enum hf_err server_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct server *s = ctx;

	s->line = *line;
	return s->fd < 0 ? HF_ERR_IO : apply(s);
}

static enum hf_err server_set_pins(void *ctx, unsigned mask, unsigned values)
{
	static const struct {
		unsigned pin;
		uint8_t on, off;
	} pins[] = {
		{HF_SERIAL_RTS, CONTROL_RTS_ON, CONTROL_RTS_OFF},
		{HF_SERIAL_DTR, CONTROL_DTR_ON, CONTROL_DTR_OFF},
		{HF_SERIAL_BREAK, CONTROL_BREAK_ON, CONTROL_BREAK_OFF},
	};
	struct server *s = ctx;
	enum hf_err err = s->fd < 0 ? HF_ERR_IO : HF_OK;

	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]) && !err; i++) {
		if (mask & pins[i].pin)
			err = do_and_see(s, SET_CONTROL, values & pins[i].pin ? pins[i].on : pins[i].off);
	}
	return err;
}

static enum hf_err server_reopen(void *ctx)
{
	struct server *s = ctx;
	const char *why;
	enum hf_err err;

	err = open_session(s, &why);
	if (err)
		(void)lost(s);
	return err;
}

static void server_close(void *ctx)
{
	struct server *s = ctx;

	if (s->fd >= 0)
		shutdown(s->fd, SHUT_WR);
	(void)lost(s);
	hf_serial_net_free(&s->to);
	free(s);
}

static const struct hf_serial_ops server_ops = {
	.read = server_read,
	.write = server_write,
	.set_line = server_set_line,
	.set_pins = server_set_pins,
	.reopen = server_reopen,
	.now_ms = hf_serial_real_now_ms,
	.sleep_ms = hf_serial_real_sleep_ms,
	.close = server_close,
};

enum hf_err hf_serial_rfc2217_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
				   struct hf_diag *diag)
{
	struct server *s = calloc(1, sizeof(*s));
	const char *why = NULL;
	enum hf_err err;

	if (!s) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	s->fd = -1;
	s->line = *line;
	if (!hf_serial_net_parse(where, &s->to)) {
		hf_diag_set(diag, "'rfc2217:%s' is no port: it takes the form rfc2217:HOST:PORT, an IPv6 address in brackets", where);
		server_close(s);
		return HF_ERR_RANGE;
	}
	/* A server that has just been left by somebody needs a moment until it takes the next one. */
	err = open_session(s, &why);
	for (unsigned i = 0; i < TRIES && err == HF_ERR_IO && !why; i++) {
		hf_serial_real_sleep_ms(NULL, PAUSE_MS);
		err = open_session(s, &why);
	}
	if (err) {
		err = explain(s, where, err, why, diag);
		server_close(s);
		return err;
	}
	*out = (struct hf_serial){&server_ops, s};
	return HF_OK;
}

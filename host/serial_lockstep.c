/* SPDX-License-Identifier: MIT
 *
 * The twin's lockstep socket: a Unix stream on which we ask and the twin answers. Virtual time moves only while the twin
 * serves a request, so whatever we compute in between takes no time at all, and a run is the same every time.
 *
 *   request: u8 op, u64 arg, u32 length, payload      answer: u8 status, u64 now_ns, u32 length, payload
 * All little-endian. A status other than 0 comes with a sentence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"
#include "serial_backend.h"

#define REQUEST_HEAD 13
#define ANSWER_HEAD  13
#define CHUNK        65536u

struct lockstep {
	int fd; /* -1: lost */
	uint64_t now_ns;
	uint64_t base_ns; /* added to the twin's time, so that ours goes on when another twin starts at 0 */
	struct hf_serial_line line;
	uint8_t buf[CHUNK];
	size_t len; /* of the last answer's payload in buf */
	struct sockaddr_un where;
};

static bool send_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_all(int fd, void *data, size_t len)
{
	uint8_t *p = data;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static enum hf_err lost(struct lockstep *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return HF_ERR_IO;
}

static enum hf_err ask(struct lockstep *l, char op, uint64_t arg, const void *payload, size_t len)
{
	uint8_t head[REQUEST_HEAD];

	l->len = 0;
	if (l->fd < 0)
		return HF_ERR_IO;
	head[0] = (uint8_t)op;
	store_le64(head + 1, arg);
	store_le32(head + 9, (uint32_t)len);
	if (!send_all(l->fd, head, sizeof(head)) || !send_all(l->fd, payload, len))
		return lost(l);
	if (!receive_all(l->fd, head, ANSWER_HEAD))
		return lost(l);
	l->len = load_le32(head + 9);
	if (l->len > sizeof(l->buf) || !receive_all(l->fd, l->buf, l->len))
		return lost(l);
	l->now_ns = l->base_ns + load_le64(head + 1);
	return head[0] == 0 ? HF_OK : HF_ERR_UNSUPPORTED;
}

static enum hf_err lockstep_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct lockstep *l = ctx;
	uint8_t max[4];
	enum hf_err err;

	store_le32(max, (uint32_t)(cap < CHUNK ? cap : CHUNK));
	err = ask(l, 'R', timeout_ms * UINT64_C(1000000), max, sizeof(max));
	if (err)
		return err == HF_ERR_UNSUPPORTED ? HF_ERR_IO : err;
	if (l->len > cap)
		return lost(l);
	memcpy(buf, l->buf, l->len);
	*len = l->len;
	return l->len ? HF_OK : HF_ERR_TIMEOUT;
}

static enum hf_err lockstep_write(void *ctx, const void *data, size_t len)
{
	enum hf_err err = ask(ctx, 'W', 0, data, len);

	return err == HF_ERR_UNSUPPORTED ? HF_ERR_IO : err;
}

static enum hf_err lockstep_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct lockstep *l = ctx;
	uint8_t payload[7];

	l->line = *line;
	store_le32(payload, line->baud);
	payload[4] = line->data_bits;
	payload[5] = (uint8_t)line->parity;
	payload[6] = line->stop_bits;
	return ask(l, 'B', 0, payload, sizeof(payload));
}

static enum hf_err lockstep_set_pins(void *ctx, unsigned mask, unsigned values)
{
	return ask(ctx, 'L', 0, (uint8_t[]){(uint8_t)mask, (uint8_t)values}, 2);
}

static enum hf_err lockstep_reopen(void *ctx)
{
	static const char uart[] = "maintenance";
	struct lockstep *l = ctx;
	uint64_t before = l->now_ns;
	enum hf_err err;

	(void)lost(l);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return HF_ERR_IO;
	if (connect(l->fd, (struct sockaddr *)&l->where, sizeof(l->where)) != 0)
		return lost(l);
	err = ask(l, 'H', 0, uart, sizeof(uart) - 1);
	if (l->now_ns < before) {
		l->base_ns += before - l->now_ns;
		l->now_ns = before;
	}
	return err ? err : lockstep_set_line(l, &l->line);
}

static uint64_t lockstep_now_ms(void *ctx)
{
	struct lockstep *l = ctx;

	return l->now_ns / 1000000;
}

static void lockstep_sleep_ms(void *ctx, uint32_t ms)
{
	struct lockstep *l = ctx;

	/* A twin that is gone has no time; ours goes on, so that a wait for it ends. */
	if (ask(l, 'S', ms * UINT64_C(1000000), NULL, 0) == HF_ERR_IO) {
		hf_serial_real_sleep_ms(NULL, ms);
		l->now_ns += ms * UINT64_C(1000000);
	}
}

static void lockstep_close(void *ctx)
{
	(void)lost(ctx);
	free(ctx);
}

static const struct hf_serial_ops lockstep_ops = {
	.read = lockstep_read,
	.write = lockstep_write,
	.set_line = lockstep_set_line,
	.set_pins = lockstep_set_pins,
	.reopen = lockstep_reopen,
	.now_ms = lockstep_now_ms,
	.sleep_ms = lockstep_sleep_ms,
	.close = lockstep_close,
};

enum hf_err hf_serial_lockstep_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
				    struct hf_diag *diag)
{
	struct lockstep *l = calloc(1, sizeof(*l));
	enum hf_err err;

	if (!l) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	l->fd = -1;
	l->line = *line;
	l->where.sun_family = AF_UNIX;
	if (strlen(where) == 0 || strlen(where) >= sizeof(l->where.sun_path)) {
		hf_diag_set(diag, "'lockstep:%s' is no port: a socket's path has 1 to %zu characters", where,
			    sizeof(l->where.sun_path) - 1);
		free(l);
		return HF_ERR_RANGE;
	}
	strcpy(l->where.sun_path, where);
	err = lockstep_reopen(l);
	if (err == HF_ERR_UNSUPPORTED)
		hf_diag_set(diag, "the twin at %s refuses: %.*s", where, (int)l->len, l->buf);
	else if (err)
		hf_diag_set(diag, "no twin answers at %s: %s", where, strerror(errno));
	if (err) {
		lockstep_close(l);
		return err;
	}
	*out = (struct hf_serial){&lockstep_ops, l};
	return HF_OK;
}

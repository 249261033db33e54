/* SPDX-License-Identifier: MIT
 *
 * An echo's answer is known before it comes, bit by bit. So what arrives is recorded beside the client, and where an answer
 * was dropped as damaged, the frame that should have come is laid over what did come, at every offset, and the differing
 * bits of the best fit are counted. A packet of which nothing like it came back was damaged on the way there: the device
 * dropped it, and how many bits that takes is reckoned from how many packets it befell.
 *
 * Packets are under way as an upload's are, so both directions are busy at once: that is when cables and grounds show their
 * worst. To send one at a time would be simpler, and would measure another line than the one that will be used.
 */
#include "link_quality.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"

#define ASK_MS       3000u
#define WAIT_MS      300u  /* for an answer, beyond the time on the line */
#define UNKNOWN_MS   1000u /* the same, at an unknown rate */
#define WINDOW_MAX   4u
#define TEXT_MAX     480u
#define TEXT_LEAST   16u
#define PACKET_MAX   (HF_SMP_HEADER_BYTES + 8u + TEXT_MAX)
#define FRAME_MAX    (PACKET_MAX / 3 * 4 + 64u)
#define DEAF_MAX     24u   /* losses in a row after which it is asked whether it is there at all */
#define FIT_PART     64u   /* a frame of which more than 1 bit in so many differs is another one, or noise */
#define MARK_EVERY   8u    /* bytes: patterns have a random one so often, by which their frames are told apart */
#define RAW_MAX      (1u << 20)

struct flight {
	bool open;
	uint8_t seq;
	unsigned n;         /* which pattern */
	uint64_t until_ms;
};

struct tap {
	struct hf_serial serial; /* stands before the client's while it is measured */
	const struct hf_serial *inner;
	uint8_t *raw;       /* what has arrived since the last good answer */
	size_t len;
};

struct measure {
	struct hf_smp_client *c;
	struct hf_link_quality *q;
	struct tap tap;
	struct flight flight[WINDOW_MAX];
	unsigned window, oldest, under_way;
	uint32_t text_max, deaf;
	uint64_t content;   /* bytes that came back as they went */
	bool refused;
};

/* ---- what arrives is kept ---- */

static enum hf_err tap_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct tap *t = ctx;
	enum hf_err err = hf_serial_read(t->inner, buf, cap, timeout_ms, len);

	if (!err && *len <= RAW_MAX - t->len) {
		memcpy(t->raw + t->len, buf, *len);
		t->len += *len;
	}
	return err;
}

static enum hf_err tap_write(void *ctx, const void *data, size_t len)
{
	return hf_serial_write(((struct tap *)ctx)->inner, data, len);
}

static enum hf_err tap_set_line(void *ctx, const struct hf_serial_line *line)
{
	return hf_serial_set_line(((struct tap *)ctx)->inner, line);
}

static enum hf_err tap_set_pins(void *ctx, unsigned mask, unsigned values)
{
	return hf_serial_set_pins(((struct tap *)ctx)->inner, mask, values);
}

static enum hf_err tap_reopen(void *ctx)
{
	return hf_serial_reopen(((struct tap *)ctx)->inner);
}

static uint64_t tap_now_ms(void *ctx)
{
	return hf_serial_now_ms(((struct tap *)ctx)->inner);
}

static void tap_sleep_ms(void *ctx, uint32_t ms)
{
	hf_serial_sleep_ms(((struct tap *)ctx)->inner, ms);
}

static const struct hf_serial_ops tap_ops = {
	.read = tap_read,
	.write = tap_write,
	.set_line = tap_set_line,
	.set_pins = tap_set_pins,
	.reopen = tap_reopen,
	.now_ms = tap_now_ms,
	.sleep_ms = tap_sleep_ms,
};

/* ---- patterns ---- */

static size_t text_len(const struct measure *m, unsigned n)
{
	static const uint16_t sizes[] = {480, 240, 480, 120, 480, 16, 360};
	size_t len = sizes[n % (sizeof(sizes) / sizeof(sizes[0]))];

	return len < m->text_max ? len : m->text_max;
}

/* All zeros, all ones, alternation in both phases, single edges, and in every second packet pseudo-random bits. */
static void fill(unsigned n, uint8_t *text, size_t len)
{
	static const uint8_t pair[][2] = {{0x00, 0x00}, {0xff, 0xff}, {0x55, 0x55}, {0xaa, 0xaa}, {0xff, 0x00}, {0x80, 0x01}};
	uint32_t x = 0x9e3779b9u * (n + 1) | 1;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		text[i] = n % 2 && i % MARK_EVERY ? pair[n / 2 % 6][i % 2] : (uint8_t)(x >> 11);
	}
}

static size_t body(const char *key, unsigned n, size_t len, uint8_t *out, size_t cap)
{
	struct hf_cbor_writer w;
	uint8_t text[TEXT_MAX];

	fill(n, text, len);
	hf_cbor_begin(&w, out, cap);
	hf_cbor_put_map(&w, 1);
	hf_cbor_put_tstr(&w, key);
	hf_cbor_put_text(&w, (struct hf_bytes){text, len});
	return w.len;
}

static size_t frame_of(const struct hf_smp_client *c, struct hf_bytes packet, uint8_t out[FRAME_MAX])
{
	struct hf_frame_encoder binary;
	struct hf_smp_encoder console;
	size_t used = 0, n;

	if (c->framing == HF_SMP_FRAMING_BINARY) {
		hf_frame_encode_begin(&binary, packet);
		return hf_frame_encode(&binary, out, FRAME_MAX);
	}
	hf_smp_encode_begin(&console, packet);
	while (used + HF_SMP_LINE_MAX <= FRAME_MAX && (n = hf_smp_encode_line(&console, out + used)) > 0)
		used += n;
	return used;
}

/* The answer to pattern n, as it will be on the line. */
static size_t expected(const struct measure *m, const struct flight *f, uint8_t out[FRAME_MAX])
{
	struct hf_smp_header h = {.version = 1, .op = HF_SMP_WRITE_RSP, .seq = f->seq, .id = HF_SMP_OS_ECHO};
	uint8_t packet[PACKET_MAX];
	size_t len = body("r", f->n, text_len(m, f->n), packet + HF_SMP_HEADER_BYTES, sizeof(packet) - HF_SMP_HEADER_BYTES);

	h.len = (uint16_t)len;
	hf_smp_header_store(packet, &h);
	return frame_of(m->c, (struct hf_bytes){packet, HF_SMP_HEADER_BYTES + len}, out);
}

/* ---- bit by bit ---- */

static uint32_t differing(const uint8_t *a, const uint8_t *b, size_t len, uint32_t enough)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < len && bits < enough; i++)
		bits += (uint32_t)__builtin_popcount(a[i] ^ b[i]);
	return bits;
}

/* The wrong bits of the frame that comes nearest to `want` among what arrived; 0: none comes near. */
static uint32_t nearest(const uint8_t *raw, size_t len, const uint8_t *want, size_t want_len)
{
	uint32_t limit = (uint32_t)want_len * 8 / FIT_PART + 1, best = limit;

	for (size_t at = 0; at + want_len <= len && best > 1; at++) {
		uint32_t bits = differing(raw + at, want, want_len, best);

		if (bits < best)
			best = bits;
	}
	return best < limit ? best ? best : 1 : 0;
}

/* The oldest flight's answer is not to be had. What belongs to it lies before raw[end]. */
static void note_loss(struct measure *m, size_t end)
{
	struct flight *f = &m->flight[m->oldest];
	uint8_t want[FRAME_MAX];
	size_t len = expected(m, f, want);
	uint32_t wrong = nearest(m->tap.raw, end, want, len);

	m->q->lost++;
	m->q->damaged += wrong > 0;
	m->q->errors += wrong;
	if (wrong == 0)
		m->q->tested -= 8 * (uint64_t)len; /* nothing was sent back */
	m->deaf++;
	f->open = false;
	m->oldest = (m->oldest + 1) % m->window;
	m->under_way--;
}

/* ---- sending and receiving ---- */

static uint32_t line_ms(const struct measure *m, size_t bytes)
{
	return m->q->baud ? (uint32_t)((uint64_t)bytes * 10000 / m->q->baud) : 0;
}

static uint32_t wait_ms(const struct measure *m)
{
	return (m->q->baud ? WAIT_MS : UNKNOWN_MS) + 2 * m->window * line_ms(m, FRAME_MAX);
}

static enum hf_err send(struct measure *m, unsigned n)
{
	struct flight *f = &m->flight[(m->oldest + m->under_way) % m->window];
	uint8_t request[PACKET_MAX], want[FRAME_MAX];
	size_t len = body("d", n, text_len(m, n), request, sizeof(request));
	enum hf_err err = hf_smp_send(m->c, HF_SMP_WRITE, HF_SMP_OS, HF_SMP_OS_ECHO, (struct hf_bytes){request, len}, &f->seq);

	if (err)
		return err;
	f->open = true;
	f->n = n;
	f->until_ms = hf_serial_now_ms(m->c->serial) + wait_ms(m);
	m->under_way++;
	m->q->packets++;
	m->q->tested += 16 * (uint64_t)expected(m, f, want); /* there and back: `d` and `r` are of one length */
	return HF_OK;
}

static bool as_sent(const struct measure *m, const struct flight *f, const struct hf_smp_answer *a)
{
	uint8_t want[PACKET_MAX];
	size_t len = text_len(m, f->n);
	struct hf_cbor_reader r;
	struct hf_bytes text;

	fill(f->n, want, len);
	hf_cbor_open_final(&r, a->body);
	hf_cbor_expect(&r, HF_CBOR_MAP, 1);
	(void)hf_cbor_tstr(&r);
	text = hf_cbor_tstr(&r);
	return hf_cbor_close(&r) == HF_OK && text.len == len && memcmp(text.ptr, want, len) == 0;
}

/* An answer: to the oldest, or to one behind it, and then those before are lost. */
static void take(struct measure *m, const struct hf_smp_answer *a)
{
	size_t rest = m->c->in_len - m->c->in_pos, end = m->tap.len > rest ? m->tap.len - rest : 0;
	uint8_t want[FRAME_MAX];
	unsigned i = 0;
	struct flight *f;
	size_t len;

	while (i < m->under_way && m->flight[(m->oldest + i) % m->window].seq != a->header.seq)
		i++;
	if (i == m->under_way)
		return;
	f = &m->flight[(m->oldest + i) % m->window];
	len = expected(m, f, want);
	for (; i > 0; i--)
		note_loss(m, end > len ? end - len : 0);
	m->deaf = 0;
	m->refused |= a->refusal != HF_OK;
	if (as_sent(m, f, a)) {
		m->content += text_len(m, f->n);
	} else { /* with a good checksum: not a matter of the line, but nothing that can be trusted */
		m->q->lost++;
	}
	f->open = false;
	m->oldest = (m->oldest + 1) % m->window;
	m->under_way--;
	memmove(m->tap.raw, m->tap.raw + end, rest);
	m->tap.len = rest;
}

/* Until there is room in the window, or nothing under way any more. */
static enum hf_err drain(struct measure *m, unsigned left)
{
	struct hf_smp_answer answer;

	while (m->under_way > left && !m->refused) {
		enum hf_err err = hf_smp_receive(m->c, m->flight[m->oldest].until_ms, &answer);

		if (!err)
			take(m, &answer);
		else if (err == HF_ERR_IO || hf_smp_stopped(m->c))
			return err;
		else
			note_loss(m, m->tap.len);
		if (m->under_way == 0)
			m->tap.len = 0;
	}
	return HF_OK;
}

/* Is it there at all? */
static enum hf_err knock(struct measure *m, struct hf_smp_answer *answer)
{
	uint8_t request[PACKET_MAX];
	size_t len = body("d", 0, 1, request, sizeof(request));
	enum hf_err err = hf_smp_request(m->c, HF_SMP_WRITE, HF_SMP_OS, HF_SMP_OS_ECHO, (struct hf_bytes){request, len}, ASK_MS,
					 answer);

	return err ? err : answer->refusal == HF_ERR_UNSUPPORTED ? HF_ERR_UNSUPPORTED : HF_OK;
}

static enum hf_err patterns(struct measure *m)
{
	uint64_t begin = hf_serial_now_ms(m->c->serial);
	struct hf_smp_answer answer;
	enum hf_err err = knock(m, &answer);

	for (unsigned n = 0; !err && m->q->tested < m->q->bits; n++) {
		err = send(m, n);
		if (!err)
			err = drain(m, m->window - 1);
		if (!err && m->deaf >= DEAF_MAX) {
			m->deaf = 0;
			err = knock(m, &answer);
		}
		if (m->refused) { /* an echo of that length does not fit there */
			if (m->text_max <= TEXT_LEAST)
				return HF_ERR_UNSUPPORTED;
			m->text_max /= 2;
			m->refused = false;
			m->q->packets -= m->under_way;
			m->under_way = 0;
		}
	}
	if (!err)
		err = drain(m, 0);
	m->q->ms = (uint32_t)(hf_serial_now_ms(m->c->serial) - begin);
	if (m->q->ms)
		m->q->bytes_per_s = (uint32_t)(m->content * 1000 / m->q->ms);
	return err;
}

static enum hf_err trips(struct measure *m)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < HF_LINK_TRIPS; i++) {
		uint8_t request[PACKET_MAX], seq;
		size_t len = body("d", 2 * i, TEXT_LEAST, request, sizeof(request));
		uint64_t begin = hf_serial_now_ms(m->c->serial), took;
		struct hf_smp_answer answer;
		enum hf_err err = hf_smp_send(m->c, HF_SMP_WRITE, HF_SMP_OS, HF_SMP_OS_ECHO, (struct hf_bytes){request, len}, &seq);

		do {
			err = err ? err : hf_smp_receive(m->c, begin + wait_ms(m), &answer);
		} while (!err && answer.header.seq != seq);
		if (err == HF_ERR_IO || hf_smp_stopped(m->c))
			return err;
		if (err)
			continue;
		took = hf_serial_now_ms(m->c->serial) - begin;
		all += took;
		m->q->trips++;
		if (took * 1000 > m->q->latency_max_us)
			m->q->latency_max_us = (uint32_t)took * 1000;
	}
	if (m->q->trips)
		m->q->latency_us = (uint32_t)(all * 1000 / m->q->trips);
	return m->q->trips ? HF_OK : HF_ERR_TIMEOUT;
}

static enum hf_err ask_parameters(struct hf_smp_client *c, struct hf_smp_parameters *p)
{
	struct hf_smp_answer answer;
	enum hf_err err = p->buf_size ? HF_OK : hf_smp_get_parameters(c, ASK_MS, p, &answer);

	if (err == HF_ERR_TYPE)
		p->buf_size = 0;
	return err == HF_ERR_TYPE ? HF_OK : err;
}

static bool device_dropped(struct hf_smp_client *c, uint32_t *dropped)
{
	struct hf_smp_counters counters;
	struct hf_smp_answer answer;
	bool known = hf_smp_get_counters(c, ASK_MS, &counters, &answer) == HF_OK && !answer.refusal;

	*dropped = known ? counters.dropped : 0;
	return known;
}

static void prepare(struct measure *m)
{
	uint32_t fits = m->q->parameters.buf_size > 64 ? m->q->parameters.buf_size - 64 : TEXT_LEAST;

	m->window = m->q->parameters.buf_count < WINDOW_MAX ? m->q->parameters.buf_count : WINDOW_MAX;
	if (m->window == 0)
		m->window = 1;
	m->text_max = fits < TEXT_MAX ? fits : TEXT_MAX;
}

/* How many wrong bits damage so many packets on their way there, where of several in one packet only one is seen. */
static uint32_t on_the_way_there(const struct hf_link_quality *q)
{
	double there = q->lost - q->damaged, all = q->packets;

	if (there >= all)
		return q->packets * 4;
	return (uint32_t)lround(-all * log(1 - there / all));
}

static enum hf_err measure(struct measure *m)
{
	uint32_t before, after;
	enum hf_err err = ask_parameters(m->c, &m->q->parameters);

	if (err)
		return err;
	prepare(m);
	m->q->device_known = device_dropped(m->c, &before);
	err = patterns(m);
	m->q->errors += on_the_way_there(m->q);
	m->q->one_in = m->q->errors ? (uint32_t)(m->q->tested / m->q->errors) : 0;
	m->q->one_in_95 = hf_link_one_in_95(m->q->tested, m->q->errors);
	if (!err)
		err = trips(m);
	m->q->device_known = !err && m->q->device_known && device_dropped(m->c, &after);
	if (m->q->device_known)
		m->q->device_dropped = after - before;
	return err;
}

enum hf_err hf_link_measure(struct hf_smp_client *c, struct hf_link_quality *q)
{
	struct measure m = {.c = c, .q = q};
	const struct hf_serial *serial = c->serial;
	enum hf_err err;

	*q = (struct hf_link_quality){.bits = q->bits ? q->bits : HF_LINK_BITS, .baud = q->baud, .parameters = q->parameters};
	m.tap = (struct tap){.serial = {&tap_ops, &m.tap}, .inner = serial, .raw = malloc(RAW_MAX)};
	if (!m.tap.raw)
		return HF_ERR_TOO_LARGE;
	c->serial = &m.tap.serial;
	err = measure(&m);
	c->serial = serial;
	free(m.tap.raw);
	return err;
}

/* ---- figures ---- */

/* The upper limit, with 95 % confidence, of a Poisson mean of which `errors` were seen: half the chi-square quantile of
 * 2 (errors + 1) degrees of freedom, by Wilson and Hilferty's approximation (better than 2 %); without an error it is exact. */
static double upper_95(uint32_t errors)
{
	double k = (double)errors + 1, t;

	if (errors == 0)
		return 2.995732;
	t = 1 - 1 / (9 * k) + 1.644854 / (3 * sqrt(k));
	return k * t * t * t;
}

uint32_t hf_link_one_in_95(uint64_t tested, uint32_t errors)
{
	return (uint32_t)((double)tested / upper_95(errors));
}

/* Two digits are what such a figure is worth; rounded down. */
static uint32_t two_digits(uint32_t value)
{
	uint32_t unit = 1;

	while (value / unit >= 100)
		unit *= 10;
	return value / unit * unit;
}

const char *hf_link_text(const struct hf_link_quality *q, char *text, size_t room)
{
	char rate[32] = "this line's rate";

	if (q->baud)
		snprintf(rate, sizeof(rate), "%u baud", q->baud);
	if (q->errors == 0)
		snprintf(text, room, "no bit wrong in %llu at %s: less than 1 in %u (95 %% sure)", (unsigned long long)q->tested, rate,
			 two_digits(q->one_in_95));
	else
		snprintf(text, room,
			 "%u bit%s wrong in %llu at %s: about 1 in %u, less than 1 in %u (95 %% sure); %u of %u packets lost, %u of them "
			 "on the way back", q->errors, q->errors == 1 ? "" : "s", (unsigned long long)q->tested, rate, two_digits(q->one_in),
			 two_digits(q->one_in_95), q->lost, q->packets, q->damaged);
	return text;
}

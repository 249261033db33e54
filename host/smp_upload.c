/* SPDX-License-Identifier: MIT
 *
 * The device obeys one rule, "the next byte that I want is off", and so everything is derived from it. Packets go out in
 * order and are answered in order. An answer therefore settles its own packet and all earlier ones: an earlier one without
 * an answer was lost, or its answer was, and `off` tells which. If what the device wants is not what comes next on the line, sending
 * goes back (or jumps forward) to it. Packets that are still under way then are void: their answers are awaited, because
 * they fill the device's buffers until then, but say nothing new.
 *
 * When nothing is heard, a small packet is sent as a probe, after 0.3, 0.6, 1.2, ... 8 s. What is under way stays so: a device that
 * was busy answers it all in order and the probe at last, one that lost it answers the probe alone. Sending everything
 * again instead would flood the buffer of a device that is erasing.
 *
 * On a bad line long packets hardly ever arrive whole: each loss halves their length, and a run of good ones doubles it. When
 * losses are many all the same, the rate goes down. The number under way begins at two and grows with each good answer, and
 * while there is none: a device that restarted wants the head again and then jumps at once, and what was sent meanwhile was
 * sent in vain.
 *
 * At a known rate packets go out as the line takes them, and not into the system's buffers: what was not sent yet when a loss or
 * a restart shows need not be sent at all.
 *
 * A device that restarts does so at its first rate. What it says there (text, or bytes that make no sense at our rate) tells
 * at once that waiting is no use; so does a long silence.
 */
#include "smp_upload.h"

#include <string.h>

#include "cbor.h"
#include "host_crypto.h"
#include "smp_body.h"

#define FIRST_WAIT_MS   300u
#define LONGEST_WAIT_MS 8000u
#define RETRIES         3  /* refusals in a row, without getting ahead, that may be the line's fault */
#define RESTARTS        20 /* restarts of the device in a row, without getting ahead */
#define SETBACKS        60 /* times that the device wanted less than before, the same way */
#define BUSY_PAUSE_MS   500u
#define PROBE_BYTES     64u /* of the file: a device that writes by the flash row gets ahead with it too */
#define HEAD_BYTES      4096u /* of the file, in which its head ends as a rule: in pieces that get there soon */
#define HEAD_PIECE      1024u
#define SHORTEST_BYTES  192u /* packets are not made shorter than that, if the device takes more */
#define GOOD_RUN        16   /* answers without a loss, after which packets become longer */
#define QUEUE           (HF_SMP_WINDOW_MAX + 8)
#define FIRST_WINDOW    2u
#define LEAST_WINDOW    4u    /* after losses: so many in a row are seldom lost, and the next one tells */
#define QUIET_MS        50u   /* without an answer, beyond which a device is at work */
#define FLIGHT_MS       2500u /* of line time under way: a sector's erase long, and more */
#define AHEAD_MS        80u   /* of line time that waits in the system's buffers */
#define LISTEN_MS       50u
#define SPOKEN_MS       100u  /* of silence, after which text means that the device has restarted */
#define SILENCES        3     /* waits in a row, after which the device is looked for */
#define PASSED_PER_MS   50u   /* bytes that the device passes over, and may have to erase for and write itself */
#define LOSSES          8     /* of the last 32 packets, which make a line a bad one */

struct packet {
	uint8_t seq;
	bool is_void;
	bool is_probe;
	uint32_t off;
	uint64_t sent_ms;
};

struct sender {
	struct hf_smp_client *client;
	struct hf_smp_upload *u;
	uint8_t sha[HF_SHA256_BYTES];
	struct packet queue[QUEUE];
	unsigned queued;
	uint32_t length;      /* of packets, now */
	unsigned open;        /* packets that may be under way, now */
	unsigned good;        /* answers since the last loss */
	uint32_t history;     /* a bit a packet, 1 for lost */
	bool lowering;        /* the rate goes down once nothing is under way */
	uint32_t next;        /* file offset of the next packet to send */
	uint32_t upto;        /* behind this the device may want nothing */
	uint32_t work_ms;     /* that the device may need for what it has passed over */
	uint32_t best;        /* highest offset that was ever wanted */
	unsigned retries;     /* since `best` moved */
	unsigned restarts;
	unsigned setbacks;
	unsigned silences;    /* waits in a row that brought nothing */
	uint32_t text_lines;  /* of the client, as last seen */
	uint64_t received;    /* of the client, when an answer came last */
	uint64_t line_free_us; /* when the line will have sent all that was written */
	uint32_t wait_ms;     /* for an answer, this time */
	uint32_t usual_ms;    /* smoothed time between two answers */
	uint64_t heard_ms;    /* when something was sent into silence, or heard */
	uint64_t advanced_ms; /* when the device last got ahead */
};

static uint64_t now_ms(const struct sender *s)
{
	return hf_serial_now_ms(s->client->serial);
}

static uint32_t patient_wait(const struct sender *s)
{
	uint32_t baud = s->u->rate ? s->u->rate->now : 0;
	uint32_t wait = 3 * s->usual_ms, least = FIRST_WAIT_MS + s->work_ms + (baud ? 2 * s->length * 10000 / baud : 0);

	return wait < least ? least : wait > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait;
}

/* To what we can do, and the longest packets first. */
static void clamp(struct sender *s)
{
	struct hf_smp_upload *u = s->u;

	u->window = u->window == 0 ? 1 : u->window > HF_SMP_WINDOW_MAX ? HF_SMP_WINDOW_MAX : u->window;
	if (u->packet_bytes > HF_SMP_CLIENT_PACKET)
		u->packet_bytes = HF_SMP_CLIENT_PACKET;
	s->length = u->packet_bytes;
}

/* From now on silence counts. */
static void note_silence(struct sender *s)
{
	s->heard_ms = now_ms(s);
	s->received = s->client->received;
}

/* Deep in a window answers follow each other closely; after a loss only the packet's own time says something. */
static void note_heard(struct sender *s, const struct packet *p)
{
	uint64_t since = p->sent_ms > s->heard_ms ? p->sent_ms : s->heard_ms;

	if (!p->is_probe)
		s->usual_ms = (3 * s->usual_ms + (uint32_t)(now_ms(s) - since)) / 4;
	s->wait_ms = patient_wait(s);
	s->silences = 0;
	note_silence(s);
}

/* The body of the packet at `off`; *taken is how many bytes of the file it may carry, and then does. */
static enum hf_err build(const struct sender *s, uint32_t off, uint8_t *body, size_t cap, size_t *len, uint32_t *taken)
{
	const struct hf_smp_upload *u = s->u;
	size_t left = u->file.len - off, room = s->length;
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, body, cap);
	hf_cbor_put_map(&w, off == 0 ? 5 : 2);
	if (off == 0) {
		hf_cbor_put_tstr(&w, "len");
		hf_cbor_put_uint(&w, u->file.len);
		hf_cbor_put_tstr(&w, "sha");
		hf_cbor_put_bstr(&w, s->sha, sizeof(s->sha));
		hf_cbor_put_tstr(&w, "upto");
		hf_cbor_put_bool(&w, true);
	}
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, off);
	hf_cbor_put_tstr(&w, "data");
	if (w.err || room <= HF_SMP_HEADER_BYTES + w.len + 3)
		return HF_ERR_RANGE;
	room -= HF_SMP_HEADER_BYTES + w.len + 3; /* a byte string's header, up to 64 KiB */
	if (off < u->head_bytes)
		room = room < u->head_bytes - off ? room : u->head_bytes - off;
	else if (off < HEAD_BYTES && room > HEAD_PIECE)
		room = HEAD_PIECE;
	room = room < *taken ? room : *taken;
	*taken = (uint32_t)(left < room ? left : room);
	hf_cbor_put_bstr(&w, u->file.ptr + off, *taken);
	*len = w.len;
	return w.err;
}

/* Bytes were written: until when the line is busy with them. */
static void note_written(struct sender *s, uint64_t bytes)
{
	uint64_t now_us = now_ms(s) * 1000;
	uint32_t baud = s->u->rate ? s->u->rate->now : 0;

	if (s->line_free_us < now_us)
		s->line_free_us = now_us;
	if (baud)
		s->line_free_us += bytes * 10000000 / baud;
}

/* When the next packet may be written. */
static uint64_t free_ms(const struct sender *s)
{
	uint64_t at = s->line_free_us / 1000;

	return at > AHEAD_MS ? at - AHEAD_MS : 0;
}

/* Sends the packet at `off` with at most *taken bytes of the file. */
static enum hf_err send_packet(struct sender *s, uint32_t off, uint32_t *taken)
{
	uint8_t body[HF_SMP_CLIENT_PACKET - HF_SMP_HEADER_BYTES];
	struct packet *p = &s->queue[s->queued];
	uint64_t written = s->client->written;
	enum hf_err err;
	size_t len;

	err = build(s, off, body, sizeof(body), &len, taken);
	if (err)
		return err;
	if (s->queued == 0)
		note_silence(s);
	*p = (struct packet){.off = off, .sent_ms = now_ms(s)};
	err = hf_smp_send(s->client, HF_SMP_WRITE, HF_SMP_IMAGE, HF_SMP_IMAGE_UPLOAD, (struct hf_bytes){body, len},
			  &p->seq);
	if (err)
		return err == HF_ERR_TIMEOUT ? HF_ERR_IO : err;
	s->queued++;
	note_written(s, s->client->written - written);
	s->u->packets_sent++;
	s->u->bytes_sent += *taken;
	return HF_OK;
}

/* How many packets the line carries in FLIGHT_MS, at the least two. */
static unsigned flight(const struct sender *s)
{
	uint32_t rate = s->u->rate ? s->u->rate->now : 0;
	uint64_t packets = (uint64_t)rate * FLIGHT_MS / 10000 / s->length;

	if (s->client->framing == HF_SMP_FRAMING_CONSOLE)
		packets = packets * 3 / 4;
	return rate == 0 || packets > HF_SMP_WINDOW_MAX ? HF_SMP_WINDOW_MAX : packets < 2 ? 2 : (unsigned)packets;
}

static enum hf_err fill_window(struct sender *s)
{
	unsigned room = flight(s) < s->u->window ? flight(s) : s->u->window;

	/* A device that says nothing yet is at work, and will want what comes next. */
	if (s->open <= s->queued && s->queued < room && now_ms(s) >= s->heard_ms + QUIET_MS)
		s->open = s->queued + 1;
	room = room < s->open ? room : s->open;
	while (s->queued < room && s->next < s->upto && now_ms(s) >= free_ms(s)) {
		uint32_t taken = s->upto - s->next;
		enum hf_err err = send_packet(s, s->next, &taken);

		if (err)
			return err;
		s->next += taken;
	}
	return HF_OK;
}

static enum hf_err send_probe(struct sender *s)
{
	uint32_t taken = PROBE_BYTES;

	if (s->queued == QUEUE)
		memmove(s->queue, s->queue + 1, --s->queued * sizeof(s->queue[0]));
	s->heard_ms = now_ms(s);
	s->wait_ms = s->wait_ms * 2 < LONGEST_WAIT_MS ? s->wait_ms * 2 : LONGEST_WAIT_MS;
	s->client->timeouts++;
	enum hf_err err = send_packet(s, s->u->off, &taken);
	if (!err)
		s->queue[s->queued - 1].is_probe = true;
	return err;
}

/* What the device will want if nothing was lost: a probe repeats what is under way, and brings nothing new. */
static uint32_t expected_off(const struct sender *s)
{
	for (unsigned i = 0; i < s->queued; i++) {
		if (!s->queue[i].is_probe)
			return s->queue[i].off;
	}
	return s->next;
}

static void go_to(struct sender *s, uint32_t off)
{
	if (off >= s->upto || off == 0)
		s->upto = (uint32_t)s->u->file.len;
	for (unsigned i = 0; i < s->queued; i++)
		s->queue[i].is_void = true;
	s->next = off;
}

static bool is_bad(uint32_t history)
{
	unsigned lost = 0;

	for (; history; history &= history - 1)
		lost++;
	return lost >= LOSSES;
}

static void note_loss(struct sender *s)
{
	s->u->resent++;
	s->good = 0;
	s->open = s->open / 2 > LEAST_WINDOW ? s->open / 2 : LEAST_WINDOW;
	s->history = s->history << 1 | 1;
	s->lowering = s->u->rate && is_bad(s->history);
	if (s->length / 2 >= SHORTEST_BYTES)
		s->length /= 2;
}

static void note_good(struct sender *s)
{
	s->history <<= 1;
	s->open += s->open < HF_SMP_WINDOW_MAX;
	if (++s->good % GOOD_RUN != 0)
		return;
	s->length = s->length * 2 < s->u->packet_bytes ? s->length * 2 : s->u->packet_bytes;
}

/* The line was gone: what is under way will not be answered any more. */
static void forget(struct sender *s)
{
	if (s->queued)
		s->u->resent++;
	s->queued = 0;
	s->next = s->u->off;
	s->upto = (uint32_t)s->u->file.len;
	s->open = FIRST_WINDOW;
}

/* Takes the packet with this number and all before it out of the queue. */
static bool settle(struct sender *s, uint8_t seq, struct packet *out)
{
	for (unsigned i = 0; i < s->queued; i++) {
		if (s->queue[i].seq != seq)
			continue;
		*out = s->queue[i];
		s->queued -= i + 1;
		memmove(s->queue, s->queue + i + 1, s->queued * sizeof(s->queue[0]));
		return true;
	}
	return false;
}

/* May this refusal be the line's fault, so that the same again may succeed? A CRC of 16 bits lets one damaged packet in
 * 65536 pass, and the segment's digest finds it. A flash error makes the device erase anew. */
static bool worth_a_retry(enum hf_err err)
{
	switch (err) {
	case HF_ERR_TRUNCATED:
	case HF_ERR_ENCODING:
	case HF_ERR_TYPE:
	case HF_ERR_RANGE:
	case HF_ERR_CRC:
	case HF_ERR_DIGEST:
	case HF_ERR_ORDER:
	case HF_ERR_BUSY:
	case HF_ERR_FLASH_ERASE:
	case HF_ERR_FLASH_PROGRAM:
		return true;
	default:
		return false;
	}
}

static enum hf_err take_refusal(struct sender *s, const struct hf_smp_answer *a)
{
	s->u->refusal = *a;
	s->u->refusal.body = (struct hf_bytes){NULL, 0};
	if (!worth_a_retry(a->refusal) || s->retries == RETRIES)
		return a->refusal;
	s->retries++;
	s->u->retries++;
	s->u->off = 0;
	go_to(s, 0);
	if (a->refusal == HF_ERR_BUSY)
		hf_serial_sleep_ms(s->client->serial, BUSY_PAUSE_MS);
	return HF_OK;
}

/* *upto is the file's end where the device does not say. */
static enum hf_err read_off(const struct hf_smp_answer *a, uint32_t total, uint32_t *off, uint32_t *upto, bool *match)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;
	uint64_t value = UINT64_MAX, end = total;

	*match = true;
	hf_cbor_open_final(&r, a->body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(&r);

		if (hf_smp_is(key, "off"))
			value = hf_smp_uint(&r);
		else if (hf_smp_is(key, "match"))
			*match = hf_cbor_bool(&r);
		else if (hf_smp_is(key, "upto"))
			end = hf_smp_uint(&r);
		else
			hf_smp_skip(&r);
	}
	if (hf_cbor_close(&r) || value > total)
		return HF_ERR_TYPE;
	*off = (uint32_t)value;
	*upto = end > value && end < total ? (uint32_t)end : total;
	return HF_OK;
}

/* A device that changes its mind for ever must not keep us for ever. */
static enum hf_err note_setback(struct sender *s, uint32_t off)
{
	if (off == 0) {
		s->u->restarts++;
		s->restarts++;
		s->open = FIRST_WINDOW;
	}
	return s->restarts > RESTARTS || ++s->setbacks > SETBACKS ? HF_ERR_TIMEOUT : HF_OK;
}

/* The device wants `off` next. */
static enum hf_err take_off(struct sender *s, uint32_t off)
{
	struct hf_smp_upload *u = s->u;
	uint32_t expected = expected_off(s);
	bool back = off < expected;
	enum hf_err err = HF_OK;

	if (off > u->off) {
		s->advanced_ms = now_ms(s);
		s->work_ms = off > expected ? (off - expected) / PASSED_PER_MS : 0;
		s->wait_ms = patient_wait(s);
	}
	if (off < u->off)
		err = note_setback(s, off);
	if (off > s->best) {
		s->best = off;
		s->retries = 0;
		s->restarts = 0;
		s->setbacks = 0;
	}
	u->off = off;
	if (off == expected)
		note_good(s);
	if (off != expected) {
		if (back)
			note_loss(s);
		else
			u->skipped += off - expected;
		go_to(s, off);
	}
	if (u->progress)
		u->progress(u->ctx, off);
	return err;
}

static enum hf_err take_answer(struct sender *s, const struct hf_smp_answer *a)
{
	struct packet p;
	enum hf_err err;
	uint32_t off, upto;
	bool match;

	if (a->header.group != HF_SMP_IMAGE || a->header.id != HF_SMP_IMAGE_UPLOAD)
		return HF_OK;
	if (!settle(s, a->header.seq, &p))
		return HF_OK;
	note_heard(s, &p);
	if (p.is_void)
		return HF_OK;
	if (a->refusal)
		return take_refusal(s, a);
	err = read_off(a, (uint32_t)s->u->file.len, &off, &upto, &match);
	if (err)
		return err;
	s->upto = upto;
	return match ? take_off(s, off) : HF_ERR_DIGEST;
}

/* The line was changed, or the device found again: it may be another program that answers now. */
static enum hf_err begin_again(struct sender *s)
{
	struct hf_smp_parameters p;
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_parameters(s->client, s->u->patience_ms, &p, &answer);

	if (err)
		return err;
	forget(s);
	s->history = 0;
	s->silences = 0;
	s->lowering = false;
	s->u->packet_bytes = p.buf_size ? p.buf_size : s->u->packet_bytes;
	s->u->window = p.buf_count ? p.buf_count : s->u->window;
	clamp(s);
	note_silence(s);
	return HF_OK;
}

static uint32_t patience_left(const struct sender *s)
{
	uint64_t end = s->advanced_ms + s->u->patience_ms, now = now_ms(s);

	return end > now ? (uint32_t)(end - now) : 0;
}

static enum hf_err lower_line(struct sender *s)
{
	enum hf_err err = hf_smp_rate_lower(s->client, s->u->rate, patience_left(s));

	s->lowering = false;
	s->history = 0;
	return err == HF_ERR_NOT_FOUND ? HF_OK : err ? err : begin_again(s);
}

static enum hf_err look_again(struct sender *s)
{
	enum hf_err err = hf_smp_rate_again(s->client, s->u->rate, patience_left(s));

	return err ? err : begin_again(s);
}

/* Nothing was heard for as long as was to be expected. */
static enum hf_err take_silence(struct sender *s)
{
	const struct hf_smp_rate *rate = s->u->rate;
	bool garbage = rate && rate->now != rate->first && s->client->received != s->received;

	if (s->lowering)
		return lower_line(s);
	if (rate && (garbage || ++s->silences >= SILENCES))
		return look_again(s);
	return send_probe(s);
}

/* Does the device say something, and no answer? It has restarted, or is about to. */
static bool speaks(struct sender *s)
{
	bool more = s->client->text_lines != s->text_lines;

	s->text_lines = s->client->text_lines;
	return more && now_ms(s) >= s->heard_ms + SPOKEN_MS + 2 * s->usual_ms;
}

static enum hf_err wait_answer(struct sender *s)
{
	uint64_t now = now_ms(s), until = s->heard_ms + s->wait_ms, soon = now + LISTEN_MS;
	struct hf_smp_answer answer;
	enum hf_err err;

	if (free_ms(s) > now && free_ms(s) < soon)
		soon = free_ms(s);
	err = hf_smp_receive(s->client, until < soon ? until : soon, &answer);

	if (!err)
		return take_answer(s, &answer);
	if (err != HF_ERR_TIMEOUT)
		return err;
	if (hf_smp_stopped(s->client))
		return HF_ERR_TIMEOUT;
	if (now_ms(s) >= until)
		return take_silence(s);
	return speaks(s) ? send_probe(s) : HF_OK;
}

static enum hf_err step(struct sender *s)
{
	enum hf_err err = HF_OK;

	if (patience_left(s) == 0)
		return HF_ERR_TIMEOUT;
	if (s->lowering && s->queued == 0)
		return lower_line(s);
	if (!s->lowering)
		err = fill_window(s);
	if (!err)
		err = wait_answer(s);
	if (err != HF_ERR_IO)
		return err;
	err = hf_smp_reopen(s->client, s->advanced_ms + s->u->patience_ms);
	forget(s);
	return err;
}

enum hf_err hf_smp_upload(struct hf_smp_client *c, struct hf_smp_upload *u)
{
	struct sender s = {.client = c, .u = u, .open = FIRST_WINDOW, .upto = (uint32_t)u->file.len};
	enum hf_err err = HF_OK;

	if (u->file.len == 0 || u->file.len > UINT32_MAX)
		return HF_ERR_RANGE;
	clamp(&s);
	s.text_lines = c->text_lines;
	s.wait_ms = patient_wait(&s);
	hf_sha256_of(u->file, s.sha);
	s.advanced_ms = s.heard_ms = now_ms(&s);
	u->off = 0;
	while (!err && u->off < u->file.len)
		err = step(&s);
	return err;
}

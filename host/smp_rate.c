/* SPDX-License-Identifier: MIT
 *
 * Both ends must change over together, and either may fail to hear the other. So the device acts on a request only after
 * its answer is out, and gives up what nobody proves; we take a missing answer for "perhaps", look at the new settings, and
 * at the first ones again.
 *
 * A rate proves good by echoes of patterns that are hard to carry, all under way at once as an upload's packets are. None
 * may be lost; a single one gets a second chance, since one hit says little. Where no rate is without loss, as under
 * constant noise, the one that carries most is taken: uploads cope with losses. To count bit errors in damaged packets
 * would need a device that reports them; the share of lost packets and their length say as much.
 */
#include "smp_rate.h"

#include <string.h>

#include "cbor.h"

#define KNOCK_MS       400u /* a device that idles answers within some 10 ms; one that starts or erases, later */
#define LONG_KNOCK_MS  1000u
#define SHORT_KNOCK_MS 250u
#define OFFER_MS       60u  /* behind the answer to a knock, beyond which its offer is asked for again */
#define CALL_EVERY_MS  8u   /* boot listens for up to 20 ms */
#define CALL_REST_MS   150u /* longer than a binary frame may pause (HF_FRAME_IDLE_MS) */
#define CALL_BYTE      0x1b
#define GONE_PAUSE_MS  250u /* between looks for a port that is gone */
#define ASK_MS         3000u
#define SWITCH_MS      400u
#define SWITCH_TRIES   3
#define SETTLE_MS      3u   /* for both ends' hardware to change over */
#define RESTORE_TRIES  4

#define PROOF_PACKETS  16u
#define PROOF_TEXT     120u
#define PROOF_BYTES    (HF_FRAME_BYTES(HF_SMP_HEADER_BYTES + 5u + PROOF_TEXT))
#define PROOF_MS       300u /* of silence, beyond a packet's time on the line */
#define UNKNOWN_MS     1000u /* for that, at an unknown rate */
#define RATE_MIN       1200u
#define RATE_MAX       12000000u

enum attempt { GOOD, POOR, UNABLE, SILENT };

static uint64_t now_ms(const struct hf_smp_client *c)
{
	return hf_serial_now_ms(c->serial);
}

/* Sets our end. False: it cannot. A line that is gone shows it elsewhere. */
static bool set_our_rate(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t baud)
{
	struct hf_serial_line line = HF_SERIAL_8N1(baud);
	enum hf_err err = baud ? hf_serial_set_line(c->serial, &line) : HF_OK;

	if (err && err != HF_ERR_IO)
		return false;
	r->now = baud;
	return true;
}

/* ---- knocking ---- */

static enum hf_err send_echo(struct hf_smp_client *c, const uint8_t *text, size_t len, uint8_t *seq)
{
	uint8_t body[PROOF_TEXT + 16];
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, body, sizeof(body));
	hf_cbor_put_map(&w, 1);
	hf_cbor_put_tstr(&w, "d");
	hf_cbor_put_text(&w, (struct hf_bytes){text, len});
	return hf_smp_send(c, HF_SMP_WRITE, HF_SMP_OS, HF_SMP_OS_ECHO, (struct hf_bytes){body, w.len}, seq);
}

/* Is somebody there? Any answer to a request of ours says so. What calls boot may look like the beginning of a binary frame to
 * firmware at another rate, which gives that up in silence only: so the calls end before the next request. */
static enum hf_err knock(struct hf_smp_client *c, uint32_t wait_ms, bool call)
{
	static const uint8_t wake = CALL_BYTE, nothing[1];
	uint64_t until = now_ms(c) + wait_ms;
	struct hf_smp_answer answer;
	uint8_t seq;
	enum hf_err err = send_echo(c, nothing, 0, &seq);

	while (!err) {
		uint64_t now = now_ms(c), slice = call && now + CALL_EVERY_MS < until ? now + CALL_EVERY_MS : until;

		err = hf_smp_receive(c, slice, &answer);
		if (!err && answer.header.seq == seq)
			return HF_OK;
		if (err == HF_ERR_TIMEOUT && slice < until && !hf_smp_stopped(c))
			err = slice + CALL_REST_MS < until ? hf_serial_write(c->serial, &wake, 1) : HF_OK;
	}
	return err;
}

static void note_offer(struct hf_smp_rate *r, const struct hf_smp_line_state *line)
{
	r->known = line->rates > 0;
	if (!r->known)
		return;
	r->offers = line->rates;
	memcpy(r->offer, line->rate, sizeof(line->rate));
	if (r->bauds && line->rate[0] >= RATE_MIN && line->rate[0] <= RATE_MAX)
		r->first = line->rate[0];
}

/* The knock's answer came; the one to the question behind it comes along. */
static void await_offer(struct hf_smp_client *c, struct hf_smp_rate *r, uint8_t seq)
{
	uint64_t until = now_ms(c) + OFFER_MS;
	struct hf_smp_line_state line;
	struct hf_smp_answer answer;

	while (hf_smp_receive(c, until, &answer) == HF_OK) {
		if (answer.header.seq != seq)
			continue;
		r->offered = answer.refusal || hf_smp_read_line(&answer, &line) == HF_OK;
		r->known = false;
		if (r->offered && !answer.refusal)
			note_offer(r, &line);
		return;
	}
}

/* Asks for what will be needed next along with the knock: a round trip less, which an adapter may make a long one. */
static enum hf_err knock_and_ask(struct hf_smp_client *c, struct hf_smp_rate *r)
{
	static const uint8_t nothing[1], empty[1] = {0xa0};
	struct hf_smp_answer answer;
	uint64_t until = now_ms(c) + KNOCK_MS;
	uint8_t seq, asked;
	enum hf_err err = send_echo(c, nothing, 0, &seq);

	if (!err)
		err = hf_smp_send(c, HF_SMP_READ, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, (struct hf_bytes){empty, 1}, &asked);
	while (!err) {
		err = hf_smp_receive(c, until, &answer);
		if (!err && answer.header.seq == seq)
			break;
	}
	r->first = r->now;
	if (!err)
		await_offer(c, r, asked);
	return err;
}

enum hf_err hf_smp_rate_find(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms)
{
	uint64_t until = now_ms(c) + patience_ms;
	unsigned round = r->bauds ? r->bauds : 1;

	r->offered = false;
	for (unsigned i = 0;; i++) {
		enum hf_err err;

		hf_smp_set_framing(c, HF_SMP_FRAMING_CONSOLE);
		(void)set_our_rate(c, r, r->bauds ? r->baud[i % r->bauds] : 0); /* lines without a rate have no wrong one */
		if (i < round && !r->console) {
			err = knock_and_ask(c, r);
		} else {
			err = knock(c, i < round ? KNOCK_MS : LONG_KNOCK_MS, i >= round && !r->let_start);
			r->first = r->now;
		}
		if (err != HF_ERR_TIMEOUT && err != HF_ERR_IO)
			return err;
		if (now_ms(c) >= until || hf_smp_stopped(c))
			return err;
		if (err == HF_ERR_IO && hf_smp_reopen(c, now_ms(c)) != HF_OK)
			hf_serial_sleep_ms(c->serial, GONE_PAUSE_MS);
	}
}

/* ---- proof ---- */

/* Patterns that lines and clocks find hard: alternation, long runs without an edge, and a mixture. */
static void fill_pattern(unsigned n, uint8_t text[PROOF_TEXT])
{
	static const uint8_t pair[][2] = {{0x55, 0x55}, {0xaa, 0xaa}, {0xff, 0x00}, {0xf0, 0x0f}, {0x00, 0x00}, {0xff, 0xff}};
	uint32_t x = 0x9e3779b9u * (n + 1);

	for (unsigned i = 0; i < PROOF_TEXT; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = n % 8 < 6 ? pair[n % 8][i % 2] : (uint8_t)(x >> 24);
	}
}

static bool came_back(const struct hf_smp_answer *a, unsigned n)
{
	uint8_t want[PROOF_TEXT];
	struct hf_cbor_reader r;
	struct hf_bytes text;

	fill_pattern(n, want);
	hf_cbor_open_final(&r, a->body);
	hf_cbor_expect(&r, HF_CBOR_MAP, 1);
	(void)hf_cbor_tstr(&r);
	text = hf_cbor_tstr(&r);
	return !a->refusal && hf_cbor_close(&r) == HF_OK && text.len == sizeof(want) &&
	       memcmp(text.ptr, want, sizeof(want)) == 0;
}

/* Sends all, then listens until all are back or nothing comes any more. */
static enum hf_err prove_once(struct hf_smp_client *c, struct hf_smp_rate *r)
{
	uint32_t wait_ms = PROOF_MS + (r->now ? 2 * PROOF_BYTES * 10000u / r->now : UNKNOWN_MS);
	static const uint8_t empty[1] = {0xa0};
	uint8_t text[PROOF_TEXT], seq, first = c->seq;
	uint64_t end = now_ms(c) + PROOF_PACKETS * wait_ms;
	uint32_t back = 0, seen = 0;
	struct hf_smp_answer answer;
	enum hf_err err = HF_OK;

	for (unsigned n = 0; n < PROOF_PACKETS && !err; n++) {
		fill_pattern(n, text);
		err = send_echo(c, text, sizeof(text), &seq);
	}
	if (!err) /* behind them, since it is needed next: the answer to this one depends on the framing */
		err = hf_smp_send(c, HF_SMP_READ, HF_SMP_OS, HF_SMP_OS_PARAMETERS, (struct hf_bytes){empty, 1}, &seq);
	while (!err && seen != (2u << PROOF_PACKETS) - 1 && now_ms(c) < end) {
		unsigned n = PROOF_PACKETS + 1;

		err = hf_smp_receive(c, now_ms(c) + wait_ms, &answer);
		if (!err)
			n = (uint8_t)(answer.header.seq - first);
		if (n > PROOF_PACKETS || seen >> n & 1)
			continue;
		seen |= 1u << n;
		if (n < PROOF_PACKETS)
			back += came_back(&answer, n);
		else if (hf_smp_read_parameters(&answer, &r->parameters))
			r->parameters.buf_size = 0;
	}
	r->proof_sent += PROOF_PACKETS;
	r->proof_lost += PROOF_PACKETS - back;
	r->proof_bits += 2 * PROOF_PACKETS * PROOF_BYTES * 10;
	return err == HF_ERR_TIMEOUT ? HF_OK : err;
}

static enum attempt prove(struct hf_smp_client *c, struct hf_smp_rate *r)
{
	enum hf_err err;

	r->proof_sent = r->proof_lost = r->proof_bits = 0;
	memset(&r->parameters, 0, sizeof(r->parameters));
	err = prove_once(c, r);
	if (!err && r->proof_lost == 1) {
		err = prove_once(c, r);
		if (!err && r->proof_lost == 1)
			return GOOD;
	}
	if (err || r->proof_lost == r->proof_sent)
		return SILENT;
	return r->proof_lost == 0 ? GOOD : POOR;
}

/* ---- changing over ---- */

/* Asks until the device says yes or no. SILENT: it may have changed over or not. */
static enum attempt ask_device(struct hf_smp_client *c, uint32_t baud, enum hf_smp_framing framing, unsigned tries)
{
	struct hf_smp_line_state line;
	struct hf_smp_answer answer;

	for (unsigned i = 0; i < tries && (i == 0 || !hf_smp_stopped(c)); i++) {
		enum hf_err err = hf_smp_set_line(c, SWITCH_MS, baud, framing, &line, &answer);

		if (err == HF_ERR_TIMEOUT)
			continue;
		if (err == HF_ERR_IO)
			return SILENT;
		if (err || answer.refusal || (baud && line.baud != baud) || line.framing != framing)
			return UNABLE;
		return GOOD;
	}
	return SILENT;
}

/* Changes over, and proves it. */
static enum attempt attempt(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t baud)
{
	uint32_t before = r->now;
	enum attempt got;

	if (baud != before) { /* our end first, to see whether it can */
		bool able = set_our_rate(c, r, baud);

		if (!set_our_rate(c, r, before) || !able)
			return UNABLE;
	}
	got = ask_device(c, baud, HF_SMP_FRAMING_BINARY, SWITCH_TRIES);
	if (got == UNABLE)
		return UNABLE;
	(void)set_our_rate(c, r, baud);
	hf_smp_set_framing(c, HF_SMP_FRAMING_BINARY);
	if (baud != before)
		hf_serial_sleep_ms(c->serial, SETTLE_MS);
	return prove(c, r);
}

static void go_home(struct hf_smp_client *c, struct hf_smp_rate *r)
{
	memset(&r->parameters, 0, sizeof(r->parameters));
	(void)set_our_rate(c, r, r->first);
	hf_smp_set_framing(c, HF_SMP_FRAMING_CONSOLE);
}

/* Knocks where the device may be: as it is after a restart, and as it was. */
static enum hf_err look_around(struct hf_smp_client *c, struct hf_smp_rate *r, uint64_t until_ms)
{
	enum hf_smp_framing framing = c->framing;
	uint32_t baud = r->now;

	for (unsigned i = 0;; i++) {
		enum hf_err err;

		if (i % 2 == 0) {
			(void)set_our_rate(c, r, baud);
			hf_smp_set_framing(c, framing);
		} else {
			go_home(c, r);
		}
		err = knock(c, SHORT_KNOCK_MS, false);
		if (err != HF_ERR_TIMEOUT && err != HF_ERR_IO)
			return err;
		if (now_ms(c) >= until_ms || hf_smp_stopped(c))
			return err;
		if (err == HF_ERR_IO && hf_smp_reopen(c, now_ms(c)) != HF_OK)
			hf_serial_sleep_ms(c->serial, GONE_PAUSE_MS);
	}
}

/* Back to the first rate, with the device. */
static enum hf_err come_home(struct hf_smp_client *c, struct hf_smp_rate *r, uint64_t until_ms)
{
	enum hf_err err = HF_OK;

	while (!err && (r->now != r->first || c->framing != HF_SMP_FRAMING_CONSOLE)) {
		if (ask_device(c, r->first, HF_SMP_FRAMING_CONSOLE, 1) == GOOD) {
			go_home(c, r);
			hf_serial_sleep_ms(c->serial, SETTLE_MS);
		}
		err = look_around(c, r, until_ms);
	}
	return err;
}

/* ---- which rate ---- */

static bool may_use(const struct hf_smp_rate *r, uint32_t baud)
{
	if (baud < RATE_MIN || baud > RATE_MAX || (r->ceiling && baud > r->ceiling))
		return false;
	if (r->wanted)
		return baud == r->wanted;
	for (unsigned i = 0; i < r->bauds; i++) {
		if (r->baud[i] == baud)
			return true;
	}
	return r->offered_too;
}

/* The fastest that may be used below `below`; 0: none. */
static uint32_t next_rate(const struct hf_smp_rate *r, uint32_t below)
{
	uint32_t best = 0;

	for (unsigned i = 0; i < r->offers; i++) {
		if (r->offer[i] < below && r->offer[i] > best && may_use(r, r->offer[i]))
			best = r->offer[i];
	}
	return best;
}

/* What the device offers. HF_OK: it does, or does not know the command (r->known). */
static enum hf_err get_offer(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms)
{
	struct hf_smp_line_state line;
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_line(c, patience_ms < ASK_MS ? patience_ms : ASK_MS, &line, &answer);

	r->known = false;
	if (err || answer.refusal)
		return err == HF_ERR_IO ? err : HF_OK; /* some servers say nothing to what they do not know */
	note_offer(r, &line);
	return HF_OK;
}

/* What a rate carries, roughly: a loss costs its packet and some of those behind it. */
static uint64_t worth(const struct hf_smp_rate *r, uint32_t baud)
{
	uint64_t got = r->proof_sent - r->proof_lost;

	return got * 2 < r->proof_sent ? 0 : (baud ? baud : 1) * got * got * got / (r->proof_sent * r->proof_sent);
}

/* All rates from `from` down, until one is good. */
static enum hf_err try_rates(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t from, uint64_t until_ms)
{
	uint32_t best = 0;
	uint64_t best_worth = 0;
	enum hf_err err = HF_OK;

	for (uint32_t baud = from; baud && !err; baud = next_rate(r, baud)) {
		enum attempt got = attempt(c, r, baud);

		if (got == GOOD)
			return HF_OK;
		if (got == POOR && worth(r, baud) > best_worth) {
			best = baud;
			best_worth = worth(r, baud);
		}
		if (got != UNABLE)
			err = come_home(c, r, until_ms);
	}
	if (err || best == 0)
		return err;
	if (attempt(c, r, best) != UNABLE)
		err = look_around(c, r, until_ms);
	return err;
}

static enum hf_err only_framing(struct hf_smp_client *c, struct hf_smp_rate *r, uint64_t until_ms)
{
	enum attempt got = attempt(c, r, 0);

	return got == GOOD || got == UNABLE ? HF_OK : come_home(c, r, until_ms);
}

enum hf_err hf_smp_rate_raise(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms)
{
	uint64_t until = now_ms(c) + patience_ms;
	uint32_t from;
	enum hf_err err;

	if (r->console)
		return HF_OK;
	err = r->offered ? HF_OK : get_offer(c, r, patience_ms);
	r->offered = false;
	if (err)
		return err;
	from = next_rate(r, UINT32_MAX);
	if (r->wanted && r->wanted != r->now && (!r->known || !from))
		return HF_ERR_NOT_FOUND;
	if (!r->known)
		return HF_OK;
	return r->bauds ? try_rates(c, r, from, until) : only_framing(c, r, until);
}

enum hf_err hf_smp_rate_lower(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms)
{
	uint64_t until = now_ms(c) + patience_ms;
	uint32_t lower = r->known && !r->wanted ? next_rate(r, r->now) : 0;

	if (lower == 0 || c->framing != HF_SMP_FRAMING_BINARY)
		return HF_ERR_NOT_FOUND;
	r->ceiling = lower;
	r->falls++;
	return try_rates(c, r, lower, until);
}

enum hf_err hf_smp_rate_again(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms)
{
	bool raised = c->framing == HF_SMP_FRAMING_BINARY;
	uint64_t until = now_ms(c) + patience_ms;
	enum hf_err err;

	r->finds++;
	if (raised && r->now)
		r->ceiling = r->now;
	err = look_around(c, r, until);
	if (err || !raised || c->framing == HF_SMP_FRAMING_BINARY)
		return err;
	return hf_smp_rate_raise(c, r, until > now_ms(c) ? (uint32_t)(until - now_ms(c)) : 0);
}

void hf_smp_rate_restore(struct hf_smp_client *c, struct hf_smp_rate *r)
{
	if (c->framing == HF_SMP_FRAMING_CONSOLE)
		return;
	(void)ask_device(c, r->bauds ? r->first : 0, HF_SMP_FRAMING_CONSOLE, RESTORE_TRIES);
	go_home(c, r);
	hf_serial_sleep_ms(c->serial, SETTLE_MS);
}

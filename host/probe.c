/* SPDX-License-Identifier: MIT
 *
 * The client's own seam is wrapped, so that what it passes over (text, echoes, garbage) is kept and can be judged: the
 * commonest faults at a serial line are told by just that. Our request that comes back as it went is an echo; text is text
 * at the rate where nearly all of it is printable; and what is neither at any rate is a wrong rate or a bad line.
 *
 * Rejected: to ask first and greet the loader last, as one would by frequency. A loader that hears a request's first byte
 * takes its rate from that, and is lost until somebody resets it.
 */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "uuid.h"

#define ANSWER_MS  300u
#define AGAIN_MS   700u  /* where somebody was heard: he may be starting, or at work */
#define LISTEN_MS  250u
#define NOISE      3u    /* so few bytes are what plugs and level changes make */
#define LEAST_TEXT 6u
#define UID_ADDR   0x1fff7a10u

struct tee {
	const struct hf_serial *inner;
	struct hf_serial serial;
	uint8_t heard[2048], sent[256];
	size_t heard_len, sent_len;
};

struct search {
	struct tee tee;
	const struct hf_probe_how *how;
	struct hf_probe *out;
	struct hf_smp_client client;
	bool no_rates;  /* none could be set so far: the line is as somebody else has set it */
	bool asked_so;  /* and was asked at like that, which is enough */
	bool echo, garbage;
};

/* ---- the seam around the seam ---- */

static enum hf_err tee_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct tee *t = ctx;
	enum hf_err err = hf_serial_read(t->inner, buf, cap, timeout_ms, len);
	size_t n = *len < sizeof(t->heard) - t->heard_len ? *len : sizeof(t->heard) - t->heard_len;

	memcpy(t->heard + t->heard_len, buf, n);
	t->heard_len += n;
	return err;
}

static enum hf_err tee_write(void *ctx, const void *data, size_t len)
{
	struct tee *t = ctx;

	t->sent_len = len < sizeof(t->sent) ? len : 0;
	memcpy(t->sent, data, t->sent_len);
	return hf_serial_write(t->inner, data, len);
}

static enum hf_err tee_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct tee *t = ctx;

	t->heard_len = t->sent_len = 0;
	return hf_serial_set_line(t->inner, line);
}

/* A port that vanishes is told as that; whoever wants to wait for it does so himself. */
static enum hf_err tee_reopen(void *ctx)
{
	(void)ctx;
	return HF_ERR_IO;
}

static uint64_t tee_now_ms(void *ctx)
{
	return hf_serial_now_ms(((struct tee *)ctx)->inner);
}

static void tee_sleep_ms(void *ctx, uint32_t ms)
{
	hf_serial_sleep_ms(((struct tee *)ctx)->inner, ms);
}

static const struct hf_serial_ops tee_ops = {
	.read = tee_read,
	.write = tee_write,
	.set_line = tee_set_line,
	.reopen = tee_reopen,
	.now_ms = tee_now_ms,
	.sleep_ms = tee_sleep_ms,
};

static bool stopped(void *ctx)
{
	const struct hf_probe_how *how = ctx;

	return how->stop && how->stop(how->ctx);
}

/* ---- judging what was heard ---- */

static bool printable(uint8_t byte)
{
	return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t' || byte == 0x1b;
}

static size_t count_printable(const struct tee *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->heard_len; i++)
		n += printable(t->heard[i]);
	return n;
}

/* Takes our own bytes out of what was heard. True: there were some. */
static bool take_off_echo(struct tee *t)
{
	uint8_t *at = t->sent_len ? memmem(t->heard, t->heard_len, t->sent, t->sent_len) : NULL;
	size_t behind;

	if (!at)
		return false;
	behind = t->heard_len - (size_t)(at - t->heard) - t->sent_len;
	memmove(at, at + t->sent_len, behind);
	t->heard_len -= t->sent_len;
	return true;
}

/* The last whole line, or what there is. */
static void keep_text(const struct tee *t, char text[HF_PROBE_TEXT])
{
	size_t end = t->heard_len, begin, n = 0;

	for (size_t i = t->heard_len; i > 0; i--) {
		if (t->heard[i - 1] == '\n') {
			end = i;
			break;
		}
	}
	while (end > 0 && (t->heard[end - 1] == '\n' || t->heard[end - 1] == '\r'))
		end--;
	for (begin = end; begin > 0 && t->heard[begin - 1] != '\n'; begin--)
		;
	for (; begin < end && n + 1 < HF_PROBE_TEXT; begin++) {
		if (t->heard[begin] >= 0x20 && t->heard[begin] < 0x7f)
			text[n++] = (char)t->heard[begin];
	}
	text[n] = 0;
}

/* True: there is a reason to ask once more at this rate. */
static bool judge(struct search *s, uint32_t rate)
{
	struct tee *t = &s->tee;
	bool echo = take_off_echo(t), text;

	s->echo |= echo;
	if (t->heard_len <= NOISE)
		return false;
	text = t->heard_len >= LEAST_TEXT && count_printable(t) * 10 >= t->heard_len * 9;
	s->garbage |= !text;
	if (text && !s->out->text[0]) {
		keep_text(t, s->out->text);
		s->out->rate = s->out->text[0] && !s->no_rates ? rate : 0;
	}
	return text || hf_smp_dropped(&s->client) > 0;
}

/* ---- SMP ---- */

static void learn_images(struct search *s)
{
	struct hf_smp_answer answer;

	if (s->how->brief)
		return;
	if (hf_smp_get_images(&s->client, AGAIN_MS, &s->out->images, &answer) != HF_OK || answer.refusal)
		s->out->images.count = 0;
}

static void learn_device(struct search *s, uint32_t rate, bool holdfast)
{
	struct hf_probe *p = s->out;

	p->rate = s->no_rates ? 0 : rate;
	p->peer = !holdfast ? HF_PEER_SMP : p->status.running < HF_SLOTS ? HF_PEER_FIRMWARE : HF_PEER_RECOVERY;
	p->identified = holdfast;
	p->echo |= take_off_echo(&s->tee);
	if (holdfast)
		memcpy(p->device_id, p->status.device_id, sizeof(p->device_id));
	learn_images(s);
}

/* HF_OK: somebody answers; HF_ERR_TIMEOUT; HF_ERR_IO. */
static enum hf_err ask(struct search *s, uint32_t rate, uint32_t wait_ms)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	s->tee.heard_len = s->tee.sent_len = 0;
	hf_smp_client_init(&s->client, &s->tee.serial);
	s->client.stop = stopped;
	s->client.ctx = (void *)(uintptr_t)s->how;
	err = hf_smp_get_status(&s->client, wait_ms, &s->out->status, &answer);
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	learn_device(s, rate, !err && !answer.refusal);
	return HF_OK;
}

static enum hf_err try_rate(struct search *s, uint32_t rate, uint32_t wait_ms)
{
	const struct hf_serial_line line = HF_SERIAL_8N1(rate);
	enum hf_err err = hf_serial_set_line(&s->tee.serial, &line);

	if (err == HF_ERR_IO)
		return err;
	if (err && s->asked_so)
		return HF_ERR_TIMEOUT;
	s->asked_so |= err != HF_OK;
	s->no_rates = err != HF_OK;
	err = ask(s, rate, wait_ms);
	if (err == HF_ERR_TIMEOUT && judge(s, rate))
		err = ask(s, rate, AGAIN_MS);
	return err;
}

static bool was_tried(const uint32_t *rate, unsigned rates, uint32_t which)
{
	for (unsigned i = 0; i < rates; i++) {
		if (rate[i] == which)
			return true;
	}
	return false;
}

/* Somebody speaks, and not so that it can be read. */
static enum hf_err try_usual_rates(struct search *s, const uint32_t *tried, unsigned count)
{
	static const uint32_t usual[] = {115200, 9600, 57600, 38400, 19200, 230400, 460800, 921600, 1000000};
	enum hf_err err = HF_ERR_TIMEOUT;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && err == HF_ERR_TIMEOUT && !stopped((void *)(uintptr_t)s->how); i++) {
		if (was_tried(tried, count, usual[i]))
			continue;
		err = try_rate(s, usual[i], LISTEN_MS);
		s->out->other_rate = err == HF_OK || s->out->text[0];
		if (s->out->text[0])
			break;
	}
	return err;
}

static enum hf_err look_for_device(struct search *s)
{
	static const uint32_t both[] = {921600, 115200};
	const uint32_t *rate = s->how->rate ? s->how->rate : both;
	unsigned rates = s->how->rate ? s->how->rates : sizeof(both) / sizeof(both[0]);
	enum hf_err err = HF_ERR_TIMEOUT;

	for (unsigned i = 0; i < rates && err == HF_ERR_TIMEOUT && !stopped((void *)(uintptr_t)s->how); i++)
		err = try_rate(s, rate[i], s->how->answer_ms ? s->how->answer_ms : ANSWER_MS);
	if (err == HF_ERR_TIMEOUT && s->garbage && !s->out->text[0] && !s->no_rates)
		err = try_usual_rates(s, rate, rates);
	return err;
}

/* ---- the chip's loader ---- */

static enum hf_err learn_chip(struct search *s, struct hf_an3155 *rom)
{
	struct hf_probe *p = s->out;
	uint8_t uid[HF_CHIP_UID_BYTES];
	enum hf_err err = HF_OK;

	p->peer = HF_PEER_ROM;
	p->rate = HF_AN3155_BAUD;
	p->chip_id = rom->chip_id;
	p->closed = !rom->readable;
	p->echo = rom->echo;
	if (s->how->brief || !rom->readable)
		return HF_OK;
	err = hf_an3155_read_twice(rom, UID_ADDR, uid, sizeof(uid));
	if (!err) {
		hf_uuid_of_chip(uid, p->device_id);
		p->identified = true;
	}
	return err == HF_ERR_IO ? err : HF_OK;
}

static enum hf_err look_for_loader(struct search *s)
{
	struct hf_an3155 rom = {
		.serial = &s->tee.serial, .baud = HF_AN3155_BAUD, .stop = stopped, .stop_ctx = (void *)(uintptr_t)s->how,
	};
	enum hf_an3155_peer peer = HF_AN3155_SILENCE;
	enum hf_err err = hf_an3155_connect(&rom, 0, NULL, NULL, &peer);

	if (!err)
		return learn_chip(s, &rom);
	if (peer == HF_AN3155_NO_PARITY) {
		s->out->peer = HF_PEER_ROM;
		s->out->rate = HF_AN3155_BAUD;
		return HF_OK;
	}
	return err == HF_ERR_IO ? err : HF_ERR_TIMEOUT;
}

enum hf_err hf_probe(const struct hf_serial *serial, const struct hf_probe_how *how, struct hf_probe *out)
{
	struct search s = {.tee = {.inner = serial}, .how = how, .out = out};
	uint64_t begin = hf_serial_now_ms(serial);
	enum hf_err err = HF_ERR_TIMEOUT;

	memset(out, 0, sizeof(*out));
	s.tee.serial = (struct hf_serial){&tee_ops, &s.tee};
	if (!how->no_rom)
		err = look_for_loader(&s);
	if (err == HF_ERR_TIMEOUT)
		err = look_for_device(&s);
	if (err == HF_ERR_IO)
		out->peer = HF_PEER_GONE;
	else if (err)
		out->peer = out->text[0] ? HF_PEER_TEXT : s.garbage ? HF_PEER_GARBAGE : s.echo ? HF_PEER_ECHO : HF_PEER_NOTHING;
	out->echo |= s.echo && out->peer != HF_PEER_ECHO;
	out->probe_ms = (uint32_t)(hf_serial_now_ms(serial) - begin);
	return stopped((void *)(uintptr_t)how) ? HF_ERR_BUSY : HF_OK;
}

/* ---- for people ---- */

bool hf_probe_is_holdfast(const struct hf_probe *p)
{
	return p->peer == HF_PEER_FIRMWARE || p->peer == HF_PEER_RECOVERY;
}

const char *hf_peer_text(enum hf_peer peer)
{
	static const char *const texts[HF_PEERS] = {
		[HF_PEER_NOTHING] = "nothing", [HF_PEER_FIRMWARE] = "firmware", [HF_PEER_RECOVERY] = "recovery",
		[HF_PEER_SMP] = "smp",         [HF_PEER_ROM] = "rom",           [HF_PEER_TEXT] = "text",
		[HF_PEER_GARBAGE] = "garbage", [HF_PEER_ECHO] = "echo",         [HF_PEER_GONE] = "gone",
	};

	return (unsigned)peer < HF_PEERS ? texts[peer] : "unknown";
}

const char *hf_probe_advice(const struct hf_probe *p, char *text, size_t room)
{
	char at[24] = "";

	if (p->rate)
		snprintf(at, sizeof(at), " at %u baud", p->rate);
	text[0] = 0;
	switch (p->peer) {
	case HF_PEER_NOTHING:
		snprintf(text, room, "nothing answers: check that the device has power, that TX and RX are not swapped, and that ground is connected; "
				     "`holdfast recover` leads through what brings a dead gateway back");
		break;
	case HF_PEER_SMP:
		snprintf(text, room, "a device that speaks SMP, but is no Holdfast: use its maker's tool");
		break;
	case HF_PEER_ROM:
		if (!p->chip_id)
			snprintf(text, room, "the chip's ROM loader answers, but refuses every command: the line does not carry even parity; set adapter or "
					     "server to 8E1");
		else
			snprintf(text, room, "the chip waits in its ROM loader%s: `holdfast recover PACKAGE --board FILE` burns through it, or set BOOT0 low and "
					     "reset it",
				 p->closed ? ", closed by readout protection" : "");
		break;
	case HF_PEER_TEXT:
		snprintf(text, room, "it writes text%s (\"%s\") but answers nothing: it may be starting, or run other firmware; reset it and look with "
				     "`holdfast monitor`%s", at, p->text, p->other_rate ? " at that rate" : "");
		break;
	case HF_PEER_GARBAGE:
		snprintf(text, room, "bytes that make no sense at any usual rate: try the device's own rate with --baud, then check ground and cable");
		break;
	case HF_PEER_ECHO:
		snprintf(text, room, "only our own bytes come back: TX is connected to RX, or a half-duplex adapter has no device at its end");
		break;
	case HF_PEER_GONE:
		snprintf(text, room, "the port vanished while it was looked at: check cable and USB hub; a server that hangs up may be in use");
		break;
	default:
		if (p->other_rate)
			snprintf(text, room, "it answers%s only: give the commands --baud %u", at, p->rate);
		break;
	}
	return text;
}

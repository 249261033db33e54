/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <string.h>

#include "cbor.h"

#define WINDOW_MAX 8u
#define WAIT_MS    4000u
#define DEAF_MAX   8u
#define READ_BYTES 256u
#define TEXT_BYTES 160u

struct flight {
	uint8_t seq;
	bool reads;
	uint64_t sent_ms;
};

struct run {
	struct hf_smp_client *c;
	struct hf_stress *s;
	struct flight flight[WINDOW_MAX];
	unsigned oldest, under_way, window, deaf;
};

static void put_echo(struct hf_cbor_writer *w, unsigned n)
{
	uint8_t text[TEXT_BYTES];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('A' + (i * 7 + n) % 26);
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "d");
	hf_cbor_put_text(w, (struct hf_bytes){text, sizeof(text)});
}

/* A piece of slot A, further on each time. */
static void put_read(struct hf_cbor_writer *w, unsigned n)
{
	hf_cbor_put_map(w, 3);
	hf_cbor_put_tstr(w, "n");
	hf_cbor_put_uint(w, READ_BYTES);
	hf_cbor_put_tstr(w, "off");
	hf_cbor_put_uint(w, (uint64_t)n * READ_BYTES);
	hf_cbor_put_tstr(w, "place");
	hf_cbor_put_uint(w, 0);
}

static enum hf_err send(struct run *r, unsigned n)
{
	static const struct {
		uint8_t group, id;
	} kinds[] = {
		{HF_SMP_OS, HF_SMP_OS_ECHO},
		{HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_STATUS},
		{HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_READ},
		{HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_CONFIG},
		{HF_SMP_OS, HF_SMP_OS_PARAMETERS},
		{HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_READ},
		{HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_COUNTERS},
		{HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_HEALTH},
	};
	unsigned kind = n % (sizeof(kinds) / sizeof(kinds[0]));
	struct flight *f = &r->flight[(r->oldest + r->under_way) % r->window];
	bool echo = kind == 0;
	uint8_t body[TEXT_BYTES + 16];
	struct hf_cbor_writer w;
	enum hf_err err;

	f->reads = kinds[kind].group == HF_SMP_HOLDFAST && kinds[kind].id == HF_SMP_HOLDFAST_READ;
	hf_cbor_begin(&w, body, sizeof(body));
	if (echo)
		put_echo(&w, n);
	else if (f->reads)
		put_read(&w, n);
	else
		hf_cbor_put_map(&w, 0);
	err = hf_smp_send(r->c, echo ? HF_SMP_WRITE : HF_SMP_READ, kinds[kind].group, kinds[kind].id,
			  (struct hf_bytes){body, w.len}, &f->seq);
	f->sent_ms = hf_serial_now_ms(r->c->serial);
	r->under_way += !err;
	return err;
}

static void drop_oldest(struct run *r)
{
	r->oldest = (r->oldest + 1) % r->window;
	r->under_way--;
}

/* Answers come in the order of the requests: what was asked before one that is answered is lost. */
static void take(struct run *r, const struct hf_smp_answer *a)
{
	unsigned i = 0;
	uint32_t took;

	while (i < r->under_way && r->flight[(r->oldest + i) % r->window].seq != a->header.seq)
		i++;
	if (i == r->under_way)
		return;
	for (; i > 0; i--) {
		r->s->lost++;
		drop_oldest(r);
	}
	took = (uint32_t)(hf_serial_now_ms(r->c->serial) - r->flight[r->oldest].sent_ms);
	if (took > r->s->longest_ms)
		r->s->longest_ms = took;
	r->s->answered++;
	r->s->refused += a->refusal != HF_OK;
	if (r->flight[r->oldest].reads && !a->refusal)
		r->s->read_bytes += READ_BYTES;
	r->deaf = 0;
	drop_oldest(r);
}

static enum hf_err drain(struct run *r, unsigned left)
{
	struct hf_smp_answer answer;

	while (r->under_way > left) {
		enum hf_err err = hf_smp_receive(r->c, r->flight[r->oldest].sent_ms + WAIT_MS, &answer);

		if (!err) {
			take(r, &answer);
			continue;
		}
		if (err == HF_ERR_IO || hf_smp_stopped(r->c) || ++r->deaf == DEAF_MAX)
			return err;
		r->s->lost++;
		drop_oldest(r);
	}
	return HF_OK;
}

enum hf_err hf_stress_run(struct hf_smp_client *c, struct hf_stress *s)
{
	struct run r = {.c = c, .s = s, .window = s->window < WINDOW_MAX ? s->window : WINDOW_MAX};
	uint64_t begin = hf_serial_now_ms(c->serial);
	enum hf_err err = HF_OK;

	if (r.window == 0)
		r.window = 1;
	for (unsigned n = 0; n < s->requests && !err; n++) {
		err = send(&r, n);
		if (!err)
			err = drain(&r, r.window - 1);
	}
	if (!err)
		err = drain(&r, 0);
	s->ms = (uint32_t)(hf_serial_now_ms(c->serial) - begin);
	return err;
}

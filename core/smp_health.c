/* SPDX-License-Identifier: MIT
 *
 * How the device is, and whether what lies in its flash would start: for who wants to know before an upgrade, and after it.
 * Nothing here changes anything.
 */
#include "smp_command.h"

#include "history.h"

static void put_flash(const struct hf_update *u, const struct hf_health *h, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "flash");
	hf_cbor_put_map(w, 4);
	hf_smp_put_number(w, "erases", h->erases);
	hf_smp_put_number(w, "worn", u->worn);
	hf_smp_put_number(w, "slowest", h->slowest_ms);
	hf_smp_put_number(w, "bad", u->journal.bad);
}

static void put_work(const struct hf_health *h, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "work");
	hf_cbor_put_map(w, 5);
	hf_smp_put_number(w, "good", h->good);
	hf_smp_put_number(w, "bad", h->bad);
	hf_smp_put_number(w, "late", h->late);
	hf_smp_put_number(w, "gap", h->gap_ms);
	hf_smp_put_number(w, "answer_us", h->answer_us);
}

static void put_rx(const struct hf_health *h, struct hf_cbor_writer *w)
{
	hf_cbor_put_tstr(w, "rx");
	hf_cbor_put_map(w, 3);
	hf_smp_put_number(w, "overrun", h->overrun);
	hf_smp_put_number(w, "framing", h->framing);
	hf_smp_put_number(w, "noise", h->noise);
}

enum hf_err hf_smp_health(struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;
	struct hf_health h = { 0 };

	s->health(&h);
	if (u->recovery.fact != HF_FACT_GOOD)
		h.ways = 0; /* wherever they lead to, there is nothing */
	hf_cbor_put_map(w, 8u + (h.supply_mv ? 2 : 0) + (h.works ? 1 : 0));
	hf_smp_put_number(w, "up", h.up_ms);
	if (h.supply_mv) {
		hf_smp_put_number(w, "mv", h.supply_mv);
		hf_cbor_put_tstr(w, "temp");
		hf_cbor_put_int(w, h.temperature_dc);
	}
	hf_smp_put_flag(w, "pll", h.pll);
	hf_smp_put_number(w, "led", h.led);
	hf_smp_put_flag(w, "pin", h.pin_held);
	hf_smp_put_number(w, "ways", h.ways);
	put_flash(u, &h, w);
	hf_cbor_put_tstr(w, "test");
	hf_cbor_put_map(w, 2);
	hf_smp_put_flag(w, "done", h.test_done);
	hf_smp_put_number(w, "failed", h.test_failed);
	if (h.works)
		put_work(&h, w);
	put_rx(&h, w);
	return HF_OK;
}

/* Flash that says after each read that we are alive: verifying takes a large slot's digest, page by page. */
static enum hf_err read_alive(void *ctx, uint32_t addr, void *buf, size_t len)
{
	struct hf_update *u = ctx;

	if (u->alive)
		u->alive(u->alive_ctx);
	return u->env.flash->read(u->env.flash->ctx, addr, buf, len);
}

static void put_image(const struct hf_image *image, struct hf_cbor_writer *w)
{
	hf_smp_put_number(w, "component", image->component);
	hf_cbor_put_tstr(w, "version");
	hf_cbor_put_array(w, image->versions);
	for (unsigned i = 0; i < image->versions; i++)
		hf_cbor_put_int(w, image->version[i]);
	hf_smp_put_number(w, "seq", image->sequence);
	hf_smp_put_bytes(w, "hash", image->id, sizeof image->id);
}

enum hf_err hf_smp_verify(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_update *u = s->update;
	const struct hf_flash flash = { .ctx = u, .read = read_alive };
	struct hf_slot_env env = u->env;
	struct hf_smp_request req;
	struct hf_image image;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_PLACE, &req);
	uint32_t place = req.number[HF_SMP_F_PLACE];

	if (err)
		return err;
	if (!hf_smp_has(&req, HF_SMP_F_PLACE))
		return HF_ERR_RANGE;
	if (place >= HF_PLACES || hf_layout_place(env.layout, place)->size == 0)
		return HF_ERR_NOT_FOUND;
	env.flash = &flash;
	err = env.keyset ? hf_slot_verify(&env, place, &u->work, &image) : HF_ERR_KEYSET;
	hf_cbor_put_map(w, err ? 2 : 6);
	hf_smp_put_number(w, "place", place);
	hf_smp_put_number(w, "verdict", err); /* not `rc`, which would be SMP's own refusal */
	if (!err)
		put_image(&image, w);
	return HF_OK;
}

enum hf_err hf_smp_history(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	const struct hf_flash *flash = s->update->env.flash;
	struct hf_span span = hf_history_span(s->update->env.layout);
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_OFF, &req);
	uint32_t off = req.number[HF_SMP_F_OFF], len, n;

	if (!err)
		err = hf_history_length(flash, span, &len);
	if (err)
		return err;
	if (off > len)
		return HF_ERR_RANGE;
	hf_cbor_put_map(w, 3);
	hf_smp_put_number(w, "off", off);
	hf_smp_put_number(w, "len", len);
	hf_cbor_put_tstr(w, "data");
	n = len - off;
	if (n > w->cap - w->len - 3)
		n = (uint32_t)(w->cap - w->len - 3);
	hf_cbor_put_bstr_header(w, n);
	err = flash->read(flash->ctx, span.addr + off, w->buf + w->len, n);
	w->len += n;
	return err;
}

/* SPDX-License-Identifier: MIT
 *
 * A request is read wholly before it is obeyed, so that one that turns out malformed has changed nothing. Errors are enum
 * hf_err throughout and become SMP's numbers at the very end: version 0 clients get the nearest `rc`, version 1 clients the
 * exact value in our group, both the sentence.
 *
 * Commands are cases of a switch and not rows of a table, because a table of pointers costs relocations in the gateway.
 */
#include "smp_command.h"

static enum hf_err echo(struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_ECHO, &req);

	if (err)
		return err;
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "r");
	hf_cbor_put_text(w, hf_smp_string(&req, HF_SMP_F_ECHO));
	return HF_OK;
}

static enum hf_err reset(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 0, &req);

	if (err)
		return err;
	s->reset_wanted = true;
	hf_cbor_put_map(w, 0);
	return HF_OK;
}

static enum hf_err parameters(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	hf_cbor_put_map(w, 2);
	hf_smp_put_number(w, "buf_size", s->buf_size);
	hf_smp_put_number(w, "buf_count", s->buf_count);
	return HF_OK;
}

#define COMMAND(group, id, op) ((uint32_t)(group) << 16 | (uint32_t)(id) << 8 | (op))

/* False: there is no such command. */
static bool dispatch(struct hf_smp_server *s, const struct hf_smp_header *h, struct hf_bytes body,
		     struct hf_cbor_writer *w, enum hf_err *err)
{
	switch (COMMAND(h->group, h->id, h->op)) {
	case COMMAND(HF_SMP_OS, HF_SMP_OS_ECHO, HF_SMP_READ):
	case COMMAND(HF_SMP_OS, HF_SMP_OS_ECHO, HF_SMP_WRITE):
		*err = echo(body, w);
		return true;
	case COMMAND(HF_SMP_OS, HF_SMP_OS_RESET, HF_SMP_WRITE):
		*err = reset(s, body, w);
		return true;
	case COMMAND(HF_SMP_OS, HF_SMP_OS_PARAMETERS, HF_SMP_READ):
		*err = parameters(s, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, HF_SMP_READ):
		*err = hf_smp_image_state(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, HF_SMP_WRITE):
		*err = hf_smp_image_set_state(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_UPLOAD, HF_SMP_WRITE):
		*err = hf_smp_image_upload(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_ERASE, HF_SMP_WRITE):
		*err = hf_smp_image_erase(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_SLOTS, HF_SMP_READ):
		*err = hf_smp_image_slots(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_STATUS, HF_SMP_READ):
		*err = hf_smp_status(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_COUNTERS, HF_SMP_READ):
		*err = hf_smp_counters(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, HF_SMP_READ):
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, HF_SMP_WRITE):
		if (s->link)
			*err = hf_smp_link_serve(s->link, h->op == HF_SMP_WRITE, body, w);
		return s->link != NULL;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_KEYSET, HF_SMP_READ):
		*err = hf_smp_kept(s, HF_LONGREC_KEYSET, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_KEYSET, HF_SMP_WRITE):
		if (s->store)
			*err = hf_smp_keep(s, HF_LONGREC_KEYSET, body, w);
		return s->store != NULL;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_CONFIG, HF_SMP_READ):
		*err = hf_smp_kept(s, HF_LONGREC_CONFIGURATION, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_CONFIG, HF_SMP_WRITE):
		if (s->store)
			*err = hf_smp_keep(s, HF_LONGREC_CONFIGURATION, body, w);
		return s->store != NULL;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_ROLLBACK, HF_SMP_WRITE):
		*err = hf_smp_rollback(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_READ, HF_SMP_READ):
		*err = hf_smp_read(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_FACTORY, HF_SMP_WRITE):
		*err = hf_smp_factory(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_RECOVERY, HF_SMP_WRITE):
		*err = hf_smp_recovery(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_SESSION, HF_SMP_READ):
		*err = hf_smp_session(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_SESSION, HF_SMP_WRITE):
		*err = hf_smp_session_open(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_HEALTH, HF_SMP_READ):
		if (s->health)
			*err = hf_smp_health(s, w);
		return s->health != NULL;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_VERIFY, HF_SMP_READ):
		*err = hf_smp_verify(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_HISTORY, HF_SMP_READ):
		*err = hf_smp_history(s, body, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_BLACKBOX, HF_SMP_READ):
		*err = hf_smp_blackbox(s, w);
		return true;
	}
	return false;
}

/* Whatever is written changes the device, but for what has no effect beyond the line. */
static bool changes(const struct hf_smp_header *h)
{
	switch (COMMAND(h->group, h->id, h->op)) {
	case COMMAND(HF_SMP_OS, HF_SMP_OS_ECHO, HF_SMP_WRITE):
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, HF_SMP_WRITE):
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_SESSION, HF_SMP_WRITE):
		return false;
	}
	return h->op == HF_SMP_WRITE;
}

/* SMP's own errors: the same in both versions. */
static void put_rc(struct hf_smp_server *s, struct hf_cbor_writer *w, enum hf_smp_rc rc, const char *why)
{
	s->refused++;
	hf_cbor_begin(w, w->buf, w->cap);
	hf_cbor_put_map(w, 2);
	hf_smp_put_number(w, "rc", rc);
	hf_smp_put_string(w, "rsn", why);
}

static void put_error(struct hf_smp_server *s, struct hf_cbor_writer *w, unsigned version, enum hf_err err)
{
	s->last_error = (uint8_t)err;
	if (version == 0) {
		put_rc(s, w, hf_smp_rc(err), hf_err_text(err));
		return;
	}
	s->refused++;
	hf_cbor_begin(w, w->buf, w->cap);
	hf_cbor_put_map(w, 2);
	hf_cbor_put_tstr(w, "err");
	hf_cbor_put_map(w, 2);
	hf_smp_put_number(w, "group", HF_SMP_HOLDFAST);
	hf_smp_put_number(w, "rc", err);
	hf_smp_put_string(w, "rsn", hf_err_text(err));
}

static size_t finish(struct hf_smp_header h, const struct hf_cbor_writer *w, uint8_t *out)
{
	h.op++; /* the response to a read or write */
	h.len = (uint16_t)w->len;
	hf_smp_header_store(out, &h);
	return HF_SMP_HEADER_BYTES + w->len;
}

/* Loads the header and opens the answer's body. False: no answer is due. */
static bool begin(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap, struct hf_smp_header *h,
		  struct hf_cbor_writer *w, enum hf_err *err)
{
	*err = hf_smp_header_load(packet, h);
	if (*err == HF_ERR_TRUNCATED || (h->op != HF_SMP_READ && h->op != HF_SMP_WRITE))
		return false;
	s->requests++;
	if (cap > HF_SMP_HEADER_BYTES + (size_t)UINT16_MAX)
		cap = HF_SMP_HEADER_BYTES + (size_t)UINT16_MAX;
	hf_cbor_begin(w, out + HF_SMP_HEADER_BYTES, cap - HF_SMP_HEADER_BYTES);
	return true;
}

size_t hf_smp_serve(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap)
{
	struct hf_smp_header h;
	struct hf_cbor_writer w;
	enum hf_err err;

	if (!begin(s, packet, out, cap, &h, &w, &err))
		return 0;
	struct hf_bytes body = { packet.ptr + HF_SMP_HEADER_BYTES, packet.len - HF_SMP_HEADER_BYTES };
	if (err) {
		put_error(s, &w, h.version > HF_SMP_VERSION_MAX ? 0 : h.version, err);
	} else if (h.version > HF_SMP_VERSION_MAX) {
		h.version = HF_SMP_VERSION_MAX;
		put_rc(s, &w, HF_SMP_RC_TOO_NEW, "this version of SMP is not known here");
	} else if (changes(&h) && (err = hf_smp_access(s)) != HF_OK) {
		put_error(s, &w, h.version, err);
	} else if (!dispatch(s, &h, body, &w, &err)) {
		put_rc(s, &w, HF_SMP_RC_UNSUPPORTED, "there is no such command");
	} else if (err || w.err) {
		put_error(s, &w, h.version, err ? err : w.err);
	}
	return finish(h, &w, out);
}

size_t hf_smp_serve_oversize(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap)
{
	struct hf_smp_header h;
	struct hf_cbor_writer w;
	enum hf_err err;

	if (!begin(s, packet, out, cap, &h, &w, &err))
		return 0;
	put_error(s, &w, h.version > HF_SMP_VERSION_MAX ? 0 : h.version, HF_ERR_TOO_LARGE);
	return finish(h, &w, out);
}

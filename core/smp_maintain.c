/* SPDX-License-Identifier: MIT
 *
 * Commands for a device that works: back to the firmware before, an image out of it, to factory state, into recovery.
 */
#include "smp_command.h"

#define READ_OVERHEAD 24u /* of an answer around the bytes that were read */

enum hf_err hf_smp_rollback(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 0, &req);

	if (err)
		return err;
	s->other_known = false;
	err = hf_update_rollback(s->update);
	if (!err)
		hf_cbor_put_map(w, 0);
	return err;
}

/* A request beyond the end is answered with what there is, in the end with nothing: so a reader needs no size. */
enum hf_err hf_smp_read(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	const struct hf_flash *flash = s->update->env.flash;
	const struct hf_layout *layout = s->update->env.layout;
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_PLACE | 1u << HF_SMP_F_OFF | 1u << HF_SMP_F_COUNT, &req);
	uint32_t place = req.number[HF_SMP_F_PLACE], off = req.number[HF_SMP_F_OFF], n = req.number[HF_SMP_F_COUNT];

	if (err)
		return err;
	if (!s->readback)
		return HF_ERR_DENIED;
	if (place > HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	const struct hf_span *span = place < HF_SLOTS ? &layout->slot[place] : &layout->recovery;
	if (span->size == 0)
		return HF_ERR_NOT_FOUND;
	if (off > span->size)
		return HF_ERR_RANGE;
	if (!hf_smp_has(&req, HF_SMP_F_COUNT) || n > span->size - off)
		n = span->size - off;
	if (n > w->cap - READ_OVERHEAD)
		n = (uint32_t)(w->cap - READ_OVERHEAD);
	hf_cbor_put_map(w, 2);
	hf_smp_put_number(w, "off", off);
	hf_cbor_put_tstr(w, "data");
	hf_cbor_put_bstr_header(w, n);
	err = flash->read(flash->ctx, span->addr + off, w->buf + w->len, n);
	w->len += n;
	return err;
}

enum hf_err hf_smp_factory(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 0, &req);

	if (err)
		return err;
	s->other_known = false;
	err = hf_update_factory(s->update);
	if (!err)
		hf_cbor_put_map(w, 0);
	return err;
}

enum hf_err hf_smp_recovery(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 0, &req);

	if (err)
		return err;
	if (s->update->env.layout->recovery.size == 0)
		return HF_ERR_NOT_FOUND;
	s->recovery_wanted = true;
	s->reset_wanted = true;
	hf_cbor_put_map(w, 0);
	return HF_OK;
}

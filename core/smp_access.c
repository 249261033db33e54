/* SPDX-License-Identifier: MIT
 *
 * The access rule. It is asked in one place, the dispatcher, by the command's number: a command cannot forget it.
 */
#include "smp_command.h"

#include <string.h>

#include "cose.h"

#define AAD_BYTES       (sizeof(HF_SESSION_AAD) - 1)
#define DEVICE_ID_BYTES 16u
#define SIGNED_BYTES    (DEVICE_ID_BYTES + HF_SESSION_NONCE_BYTES)

bool hf_smp_in_session(struct hf_smp_server *s)
{
	struct hf_session *session = &s->session;

	if (session->open && (s->now_ms() - session->opened_ms >= HF_SESSION_MS ||
			      s->update->env.keyset->number != session->keyset))
		session->open = false;
	return session->open;
}

enum hf_err hf_smp_access(struct hf_smp_server *s)
{
	switch (s->access) {
	case HF_ACCESS_OPEN:
		return HF_OK;
	case HF_ACCESS_LOCAL:
		return s->network ? HF_ERR_DENIED : HF_OK;
	default:
		return hf_smp_in_session(s) ? HF_OK : HF_ERR_DENIED;
	}
}

enum hf_err hf_smp_session(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 0, &req);

	if (err)
		return err;
	if (!s->random || !s->now_ms)
		return HF_ERR_UNSUPPORTED;
	/* Good for one use. Who asks again, as an answer comes late, is told the same. */
	if (!s->session.asked)
		err = s->random(s->session.nonce, sizeof s->session.nonce);
	if (err)
		return err;
	s->session.asked = true;
	hf_cbor_put_map(w, 3);
	hf_smp_put_number(w, "access", s->access);
	hf_smp_put_flag(w, "open", hf_smp_in_session(s));
	hf_smp_put_bytes(w, "nonce", s->session.nonce, sizeof s->session.nonce);
	return HF_OK;
}

/* Whether this site key made the signature over what this device was asked for. */
static enum hf_err verify(const struct hf_smp_server *s, const struct hf_key *key, struct hf_bytes signature)
{
	const struct hf_slot_env *env = &s->update->env;
	uint8_t aad[1 + AAD_BYTES] = { 0x40 | AAD_BYTES };
	uint8_t item[2 + SIGNED_BYTES] = { 0x58, SIGNED_BYTES };
	uint8_t protected_item[HF_COSE_PROTECTED_MAX];
	struct hf_cose_sign1 sign1 = { .alg = key->alg, .bytes = signature };
	struct hf_cbor_writer w;
	size_t mark;

	_Static_assert(AAD_BYTES < 24 && SIGNED_BYTES < 256, "their lengths fit the heads");
	memcpy(aad + 1, HF_SESSION_AAD, AAD_BYTES);
	memcpy(item + 2, env->device_id, DEVICE_ID_BYTES);
	memcpy(item + 2 + DEVICE_ID_BYTES, s->session.nonce, HF_SESSION_NONCE_BYTES);
	hf_cbor_begin(&w, protected_item, sizeof protected_item);
	mark = hf_cbor_wrap(&w);
	hf_cbor_put_map(&w, 1);
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_int(&w, key->alg);
	hf_cbor_unwrap(&w, mark);
	if (w.err)
		return w.err;
	sign1.protected_item = (struct hf_bytes){ protected_item, w.len };
	return hf_cose_verify(env->crypto, key, &sign1, (struct hf_bytes){ aad, sizeof aad },
			      (struct hf_bytes){ item, sizeof item });
}

enum hf_err hf_smp_session_open(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	const struct hf_keyset *keyset = s->update->env.keyset;
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_ALG | 1u << HF_SMP_F_SIG, &req);

	if (err)
		return err;
	if (!hf_smp_has(&req, HF_SMP_F_ALG) || !hf_smp_has(&req, HF_SMP_F_SIG))
		return HF_ERR_RANGE;
	if (!s->session.asked)
		return HF_ERR_ORDER;
	s->session.asked = false;
	err = HF_ERR_KEY;
	for (unsigned i = 0; i < keyset->keys && err != HF_OK; i++) {
		const struct hf_key *key = &keyset->key[i];

		if (key->role == HF_ROLE_SITE && key->alg == (int32_t)req.number[HF_SMP_F_ALG])
			err = verify(s, key, hf_smp_string(&req, HF_SMP_F_SIG));
	}
	if (err)
		return err;
	s->session.open = true;
	s->session.opened_ms = s->now_ms();
	s->session.keyset = keyset->number;
	hf_cbor_put_map(w, 0);
	return HF_OK;
}

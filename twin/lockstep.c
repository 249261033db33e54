/* SPDX-License-Identifier: MIT
 *
 * Everything that a request's payload must satisfy is checked here, so that the server meets only sound requests.
 */
#include "lockstep.h"

static enum hf_err check_line(struct hf_lockstep_request *out, struct hf_diag *diag)
{
	const uint8_t *p = out->payload.ptr;
	if (out->payload.len != 7) {
		hf_diag_set(diag, "line settings are 7 bytes (baud, data bits, parity, stop bits), not %zu",
			    out->payload.len);
		return HF_ERR_ENCODING;
	}
	out->line = (struct hf_twin_line){ load_le32(p), p[4], p[5], p[6] };
	const struct hf_twin_line *l = &out->line;
	if (l->baud < 50 || l->baud > 12000000 || l->data_bits < 5 || l->data_bits > 8 ||
	    (l->parity != 'N' && l->parity != 'E' && l->parity != 'O') || l->stop_bits < 1 || l->stop_bits > 2) {
		hf_diag_set(diag, "these line settings are none: baud %u, %u data bits, parity %u, %u stop bits",
			    l->baud, l->data_bits, l->parity, l->stop_bits);
		return HF_ERR_RANGE;
	}
	return HF_OK;
}

static enum hf_err check_payload(struct hf_lockstep_request *out, struct hf_diag *diag)
{
	const struct hf_bytes p = out->payload;
	switch (out->op) {
	case 'H':
	case 'W':
	case 'X':
		return HF_OK;
	case 'S':
	case 'N':
		if (p.len == 0)
			return HF_OK;
		hf_diag_set(diag, "request '%c' takes no payload, but has %zu bytes", out->op, p.len);
		return HF_ERR_ENCODING;
	case 'R':
		if (p.len == 4 && load_le32(p.ptr) > 0) {
			out->read_max = load_le32(p.ptr);
			return HF_OK;
		}
		hf_diag_set(diag, "a read's payload is how many bytes to read at most, 4 bytes, not zero");
		return HF_ERR_ENCODING;
	case 'L':
		if (p.len == 2 && (p.ptr[0] | p.ptr[1]) <= 7) {
			out->mask = p.ptr[0];
			out->values = p.ptr[1];
			return HF_OK;
		}
		hf_diag_set(diag, "signals are a mask and values, 2 bytes, of bits 0 to 2");
		return HF_ERR_ENCODING;
	case 'B':
		return check_line(out, diag);
	default:
		hf_diag_set(diag, "request 0x%02x is unknown; known are H, W, R, S, B, L, N and X",
			    (unsigned)(uint8_t)out->op);
		return HF_ERR_UNSUPPORTED;
	}
}

enum hf_err hf_lockstep_parse(struct hf_bytes in, struct hf_lockstep_request *out, size_t *used, struct hf_diag *diag)
{
	*used = 0;
	if (in.len < HF_LOCKSTEP_HEADER)
		return HF_ERR_TRUNCATED;
	uint32_t len = load_le32(in.ptr + 9);
	if (len > HF_LOCKSTEP_PAYLOAD_MAX) {
		hf_diag_set(diag, "a request of %u bytes is too long (at most %u), the connection ends here", len,
			    HF_LOCKSTEP_PAYLOAD_MAX);
		return HF_ERR_TOO_LARGE;
	}
	if (!hf_range_ok(HF_LOCKSTEP_HEADER, len, in.len))
		return HF_ERR_TRUNCATED;
	*used = HF_LOCKSTEP_HEADER + len;
	*out = (struct hf_lockstep_request){
		.op = (char)in.ptr[0],
		.arg = load_le64(in.ptr + 1),
		.payload = { in.ptr + HF_LOCKSTEP_HEADER, len },
	};
	return check_payload(out, diag);
}

static void store_header(uint8_t header[HF_LOCKSTEP_HEADER], uint8_t first, uint64_t number, uint32_t len)
{
	header[0] = first;
	store_le64(header + 1, number);
	store_le32(header + 9, len);
}

void hf_lockstep_answer(uint8_t header[HF_LOCKSTEP_HEADER], uint8_t status, uint64_t now_ns, uint32_t len)
{
	store_header(header, status, now_ns, len);
}

void hf_lockstep_request(uint8_t header[HF_LOCKSTEP_HEADER], char op, uint64_t arg, uint32_t len)
{
	store_header(header, (uint8_t)op, arg, len);
}

enum hf_err hf_lockstep_parse_reply(struct hf_bytes in, struct hf_lockstep_reply *out, size_t *used)
{
	*used = 0;
	if (in.len < HF_LOCKSTEP_HEADER)
		return HF_ERR_TRUNCATED;
	uint32_t len = load_le32(in.ptr + 9);
	if (len > HF_LOCKSTEP_PAYLOAD_MAX)
		return HF_ERR_TOO_LARGE;
	if (!hf_range_ok(HF_LOCKSTEP_HEADER, len, in.len))
		return HF_ERR_TRUNCATED;
	*used = HF_LOCKSTEP_HEADER + len;
	out->status = in.ptr[0];
	out->now_ns = load_le64(in.ptr + 1);
	out->payload = (struct hf_bytes){ in.ptr + HF_LOCKSTEP_HEADER, len };
	return HF_OK;
}

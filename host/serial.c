/* SPDX-License-Identifier: MIT */
#include "serial.h"

#include <string.h>

#include "serial_backend.h"

static enum hf_err check_line(const struct hf_serial_line *line, struct hf_diag *diag)
{
	bool good = line->baud > 0 && line->data_bits >= 5 && line->data_bits <= 8 && line->stop_bits >= 1 &&
		    line->stop_bits <= 2 && line->parity && strchr("NEO", line->parity);

	if (good)
		return HF_OK;
	hf_diag_set(diag, "%u baud with %u data bits, parity '%c' and %u stop bits is no serial line", line->baud,
		    line->data_bits, line->parity ? line->parity : '?', line->stop_bits);
	return HF_ERR_RANGE;
}

enum hf_err hf_serial_open(const char *name, const struct hf_serial_line *line, struct hf_serial *out,
			   struct hf_diag *diag)
{
	enum hf_err err = check_line(line, diag);

	if (err)
		return err;
	if (strncmp(name, "tcp:", 4) == 0)
		return hf_serial_tcp_open(name + 4, line, out, diag);
	if (strncmp(name, "rfc2217:", 8) == 0)
		return hf_serial_rfc2217_open(name + 8, line, out, diag);
	if (strncmp(name, "lockstep:", 9) == 0)
		return hf_serial_lockstep_open(name + 9, line, out, diag);
	if (hf_serial_is_pty(name))
		return hf_serial_pty_open(name, line, out, diag);
	return hf_serial_port_open(name, line, out, diag);
}

void hf_serial_close(struct hf_serial *s)
{
	if (s->ops && s->ops->close)
		s->ops->close(s->ctx);
	s->ops = NULL;
	s->ctx = NULL;
}

enum hf_err hf_serial_read(const struct hf_serial *s, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	*len = 0;
	return s->ops->read(s->ctx, buf, cap, timeout_ms, len);
}

enum hf_err hf_serial_write(const struct hf_serial *s, const void *data, size_t len)
{
	return s->ops->write(s->ctx, data, len);
}

enum hf_err hf_serial_set_line(const struct hf_serial *s, const struct hf_serial_line *line)
{
	enum hf_err err = check_line(line, NULL);

	if (err)
		return err;
	return s->ops->set_line ? s->ops->set_line(s->ctx, line) : HF_ERR_UNSUPPORTED;
}

enum hf_err hf_serial_set_pins(const struct hf_serial *s, unsigned mask, unsigned values)
{
	return s->ops->set_pins ? s->ops->set_pins(s->ctx, mask, values) : HF_ERR_UNSUPPORTED;
}

enum hf_err hf_serial_reopen(const struct hf_serial *s)
{
	return s->ops->reopen(s->ctx);
}

uint64_t hf_serial_now_ms(const struct hf_serial *s)
{
	return s->ops->now_ms(s->ctx);
}

void hf_serial_sleep_ms(const struct hf_serial *s, uint32_t ms)
{
	s->ops->sleep_ms(s->ctx, ms);
}

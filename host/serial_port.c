/* SPDX-License-Identifier: MIT
 *
 * Real serial ports, by libserialport. A USB adapter that is unplugged makes every call fail; when it is back under the
 * same name, reopen finds it.
 */
#include <errno.h>
#include <libserialport.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "serial_backend.h"

#define SLICE_MS 100u /* libserialport goes on waiting after a signal; so that an interrupt is noticed */

struct port {
	struct sp_port *sp; /* NULL: lost */
	struct hf_serial_line line;
	unsigned pins; /* as last set */
	char name[];
};

static enum hf_err err_of(enum sp_return code)
{
	return code == SP_ERR_ARG ? HF_ERR_NOT_FOUND : code == SP_ERR_SUPP ? HF_ERR_UNSUPPORTED : HF_ERR_IO;
}

static enum hf_err apply(struct sp_port *sp, const struct hf_serial_line *line)
{
	enum sp_parity parity = line->parity == 'E'   ? SP_PARITY_EVEN
				: line->parity == 'O' ? SP_PARITY_ODD
						      : SP_PARITY_NONE;
	enum sp_return code = sp_set_baudrate(sp, (int)line->baud);

	if (code == SP_OK)
		code = sp_set_bits(sp, line->data_bits);
	if (code == SP_OK)
		code = sp_set_parity(sp, parity);
	if (code == SP_OK)
		code = sp_set_stopbits(sp, line->stop_bits);
	if (code == SP_OK)
		code = sp_set_flowcontrol(sp, SP_FLOWCONTROL_NONE);
	return code == SP_OK ? HF_OK : err_of(code);
}

/* -1: it has none. */
static int fd_of(struct sp_port *sp)
{
	int fd;

	return sp_get_port_handle(sp, &fd) == SP_OK ? fd : -1;
}

static void close_sp(struct port *p)
{
	if (!p->sp)
		return;
	(void)ioctl(fd_of(p->sp), TIOCNXCL);
	sp_close(p->sp);
	sp_free_port(p->sp);
	p->sp = NULL;
}

/* Programs that know no locks are kept off by the kernel. (A pseudo-terminal would stay closed to everybody for as long as
 * its other end is open, if we died.) */
static bool claim(struct sp_port *sp)
{
	int fd = fd_of(sp);

	if (!hf_serial_fd_claim(fd))
		return false;
	(void)ioctl(fd, TIOCEXCL);
	return true;
}

static enum hf_err err_of_open(int number)
{
	switch (number) {
	case EBUSY:
		return HF_ERR_BUSY;
	case EACCES:
	case EPERM:
		return HF_ERR_DENIED;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return HF_ERR_NOT_FOUND;
	default:
		return HF_ERR_IO;
	}
}

static enum hf_err open_sp(struct port *p)
{
	enum sp_return code = sp_get_port_by_name(p->name, &p->sp);
	enum hf_err err;

	if (code != SP_OK) {
		p->sp = NULL;
		return err_of(code);
	}
	code = sp_open(p->sp, SP_MODE_READ_WRITE);
	if (code != SP_OK) {
		err = code == SP_ERR_FAIL ? err_of_open(sp_last_error_code()) : err_of(code);
		sp_free_port(p->sp);
		p->sp = NULL;
		return err;
	}
	err = claim(p->sp) ? apply(p->sp, &p->line) : HF_ERR_BUSY;
	if (err)
		close_sp(p);
	return err;
}

static enum hf_err port_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct port *p = ctx;
	enum sp_return n;

	if (!p->sp)
		return HF_ERR_IO;
	if (timeout_ms == 0)
		n = sp_nonblocking_read(p->sp, buf, cap);
	else
		n = sp_blocking_read_next(p->sp, buf, cap, timeout_ms < SLICE_MS ? timeout_ms : SLICE_MS);
	if (n < 0)
		return HF_ERR_IO;
	*len = (size_t)n;
	return n == 0 ? HF_ERR_TIMEOUT : HF_OK;
}

static enum hf_err port_write(void *ctx, const void *data, size_t len)
{
	struct port *p = ctx;
	enum sp_return n;

	if (!p->sp)
		return HF_ERR_IO;
	n = sp_blocking_write(p->sp, data, len, HF_SERIAL_WRITE_MS);
	if (n < 0)
		return HF_ERR_IO;
	return (size_t)n == len ? HF_OK : HF_ERR_TIMEOUT;
}

static enum hf_err port_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct port *p = ctx;

	p->line = *line;
	return p->sp ? apply(p->sp, line) : HF_ERR_IO;
}

static enum hf_err port_set_pins(void *ctx, unsigned mask, unsigned values)
{
	struct port *p = ctx;
	enum sp_return code = SP_OK;

	if (!p->sp)
		return HF_ERR_IO;
	if (mask & HF_SERIAL_RTS)
		code = sp_set_rts(p->sp, values & HF_SERIAL_RTS ? SP_RTS_ON : SP_RTS_OFF);
	if (code == SP_OK && mask & HF_SERIAL_DTR)
		code = sp_set_dtr(p->sp, values & HF_SERIAL_DTR ? SP_DTR_ON : SP_DTR_OFF);
	if (code == SP_OK && mask & HF_SERIAL_BREAK)
		code = values & HF_SERIAL_BREAK ? sp_start_break(p->sp) : sp_end_break(p->sp);
	return code == SP_OK ? HF_OK : err_of(code);
}

static enum hf_err port_reopen(void *ctx)
{
	struct port *p = ctx;

	close_sp(p);
	return open_sp(p);
}

static void port_close(void *ctx)
{
	close_sp(ctx);
	free(ctx);
}

static const struct hf_serial_ops port_ops = {
	.read = port_read,
	.write = port_write,
	.set_line = port_set_line,
	.set_pins = port_set_pins,
	.reopen = port_reopen,
	.now_ms = hf_serial_real_now_ms,
	.sleep_ms = hf_serial_real_sleep_ms,
	.close = port_close,
};

static void explain(const char *where, const struct hf_serial_line *line, enum hf_err err, struct hf_diag *diag)
{
	char *why = err == HF_ERR_IO ? sp_last_error_message() : NULL;

	if (err == HF_ERR_NOT_FOUND)
		hf_diag_set(diag, "there is no serial port %s; plug it in, or name another one", where);
	else if (err == HF_ERR_BUSY || err == HF_ERR_DENIED)
		hf_serial_explain(where, err, diag);
	else if (err == HF_ERR_UNSUPPORTED)
		hf_diag_set(diag, "%s cannot be set to %u baud", where, line->baud);
	else
		hf_diag_set(diag, "%s cannot be opened: %s", where, why ? why : "it fails");
	if (why)
		sp_free_error_message(why);
}

enum hf_err hf_serial_port_open(const char *where, const struct hf_serial_line *line, struct hf_serial *out,
				struct hf_diag *diag)
{
	size_t len = strlen(where) + 1;
	struct port *p = malloc(sizeof(*p) + len);
	enum hf_err err;

	if (!p) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	*p = (struct port){.line = *line};
	memcpy(p->name, where, len);
	err = open_sp(p);
	if (err) {
		explain(where, line, err, diag);
		free(p);
		return err;
	}
	*out = (struct hf_serial){&port_ops, p};
	return HF_OK;
}

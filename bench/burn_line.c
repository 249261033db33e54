/* SPDX-License-Identifier: MIT */
#include "burn_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usart.h"

void burn_line_die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

void burn_line_command(struct burn_line *l, const char *text)
{
	char answer[HF_RIG_ANSWER];
	struct hf_command c;
	struct hf_diag diag;

	if (hf_script_command(text, &c, &diag) || hf_rig_command(l->rig, &c, answer, &diag))
		burn_line_die(text, diag.text);
}

static void hand_over(void *ctx, uint8_t byte)
{
	struct burn_line *l = ctx;

	l->heard[l->end++ % BURN_LINE_IN_BYTES] = byte;
}

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct burn_line *l = ctx;

	hf_adapter_hear(&l->adapter, l->latency_ns, byte, at_ns, hand_over, l);
	hf_rig_wake(l->rig); /* there is something to read, or a time at which there will be */
}

uint64_t burn_line_now_ns(const struct burn_line *l)
{
	return hf_rig_now_ns(l->rig);
}

static void run_until(struct burn_line *l, uint64_t until_ns)
{
	if (l->adapter.due_ns < until_ns)
		until_ns = l->adapter.due_ns;
	if (hf_rig_run(l->rig, until_ns) == HF_RIG_BROKEN)
		burn_line_die("twin", hf_twin_error(hf_rig_twin(l->rig)));
	hf_adapter_release(&l->adapter, burn_line_now_ns(l), hand_over, l);
}

static enum hf_err line_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct burn_line *l = ctx;
	uint64_t until = burn_line_now_ns(l) + timeout_ms * BURN_LINE_MS;

	while (l->begin == l->end && burn_line_now_ns(l) < until)
		run_until(l, until);
	for (*len = 0; *len < cap && l->begin != l->end; (*len)++)
		((uint8_t *)buf)[*len] = l->heard[l->begin++ % BURN_LINE_IN_BYTES];
	return *len ? HF_OK : HF_ERR_TIMEOUT;
}

/* What the line has no room for makes its writer wait, as a driver does. */
static enum hf_err line_write(void *ctx, const void *data, size_t len)
{
	struct burn_line *l = ctx;
	const uint8_t *p = data;

	while (len > 0) {
		size_t part = len < 1024 ? len : 1024;
		enum hf_err err = hf_twin_uart_send(hf_rig_twin(l->rig), hf_rig_usart(l->rig, HF_RIG_MAINTENANCE), p, part);

		if (err == HF_ERR_FULL) {
			run_until(l, burn_line_now_ns(l) + BURN_LINE_MS);
			continue;
		}
		if (err)
			return err;
		p += part;
		len -= part;
	}
	return HF_OK;
}

static enum hf_err line_set(void *ctx, const struct hf_serial_line *line)
{
	struct burn_line *l = ctx;
	const struct hf_twin_line far = {line->baud, line->data_bits, line->parity, line->stop_bits};

	hf_twin_uart_line(hf_rig_twin(l->rig), hf_rig_usart(l->rig, HF_RIG_MAINTENANCE), &far);
	return HF_OK;
}

static enum hf_err line_reopen(void *ctx)
{
	(void)ctx;
	return HF_OK;
}

static uint64_t line_now_ms(void *ctx)
{
	return burn_line_now_ns(ctx) / BURN_LINE_MS;
}

static void line_sleep_ms(void *ctx, uint32_t ms)
{
	struct burn_line *l = ctx;
	uint64_t until = burn_line_now_ns(l) + ms * BURN_LINE_MS;

	while (burn_line_now_ns(l) < until)
		run_until(l, until);
}

static const struct hf_serial_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.set_line = line_set,
	.reopen = line_reopen,
	.now_ms = line_now_ms,
	.sleep_ms = line_sleep_ms,
};

struct hf_serial burn_line_serial(struct burn_line *l)
{
	return (struct hf_serial){&line_ops, l};
}

void burn_line_wait(struct burn_line *l, uint32_t ms)
{
	line_sleep_ms(l, ms);
}

void burn_line_open(struct burn_line *l, const struct hf_board *board, const struct hf_twin_config *twin,
		    struct hf_bytes flash, unsigned latency_ms)
{
	struct hf_rig_config config;
	struct hf_diag diag;

	memset(l, 0, sizeof(*l));
	l->latency_ns = latency_ms * BURN_LINE_MS;
	hf_adapter_init(&l->adapter);
	hf_rig_config_default(&config, board);
	config.twin = *twin;
	if (hf_rig_open(&l->rig, &config, &diag))
		burn_line_die("twin", diag.text);
	if (hf_twin_load(hf_rig_twin(l->rig), board->layout.sector[0].addr, flash.ptr, flash.len))
		burn_line_die("flash", "cannot be loaded");
	hf_twin_must_not_stall_in_handlers(hf_rig_twin(l->rig), true);
	hf_rig_listen(l->rig, HF_RIG_MAINTENANCE, hear, l);
}

void burn_line_close(struct burn_line *l)
{
	hf_rig_close(l->rig);
}

/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

uint32_t sim_random(struct sim *sim)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 17;
	sim->random ^= sim->random << 5;
	return sim->random;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool happens(struct sim *sim, uint32_t ppm)
{
	return ppm && sim_random(sim) % 1000000 < ppm;
}

static bool unplugged(const struct sim *sim, uint64_t at_us)
{
	return at_us >= sim->cable_off_us && at_us < sim->cable_on_us;
}

static void push(struct sim_queue *q, uint64_t at_us, uint8_t byte)
{
	if (q->count == SIM_QUEUE)
		abort(); /* a test that sends so much without reading is wrong */
	q->item[(q->first + q->count++) % SIM_QUEUE] = (struct sim_byte){at_us, byte};
}

static struct sim_byte pop(struct sim_queue *q)
{
	struct sim_byte b = q->item[q->first];

	q->first = (q->first + 1) % SIM_QUEUE;
	q->count--;
	return b;
}

static uint32_t device_baud(const struct sim *sim)
{
	return sim->link ? sim->link->rate[sim->link->index] : sim->baud;
}

/* One byte onto a line, from at_us on. */
static void transmit(struct sim *sim, struct sim_queue *q, uint64_t at_us, uint8_t byte)
{
	uint32_t baud = q == &sim->to_host ? device_baud(sim) : sim->baud;
	uint64_t byte_ns = 10 * UINT64_C(1000000000) / baud;
	bool noisy = baud >= sim->noisy_from;

	if (q->free_us < at_us) {
		q->free_us = at_us;
		q->rest_ns = 0;
	}
	q->rest_ns += byte_ns;
	q->free_us += q->rest_ns / 1000;
	q->rest_ns %= 1000;
	if ((noisy && happens(sim, sim->drop_ppm)) || unplugged(sim, q->free_us))
		return;
	if ((noisy && happens(sim, sim->flip_ppm)) || sim->baud < sim->wrong_below || device_baud(sim) != sim->baud)
		byte ^= (uint8_t)(1u << sim_random(sim) % 8);
	push(q, q->free_us, byte);
	if (noisy && happens(sim, sim->repeat_ppm))
		push(q, q->free_us, byte);
}

static void send_answer(struct sim *sim, struct hf_bytes packet, bool binary)
{
	uint8_t out[HF_FRAME_BYTES(sizeof(sim->answer))];
	struct hf_frame_encoder frame;
	struct hf_smp_encoder console;
	size_t n;

	hf_frame_encode_begin(&frame, packet);
	hf_smp_encode_begin(&console, packet);
	while ((n = binary ? hf_frame_encode(&frame, out, sizeof(out)) : hf_smp_encode_line(&console, out)) > 0) {
		for (size_t i = 0; i < n; i++)
			transmit(sim, &sim->to_host, sim->busy_us, out[i]);
	}
}

static void answer(struct sim *sim, bool oversize, bool binary, uint64_t at_us)
{
	struct hf_smp_decoder packet = sim->decoder;
	uint64_t cost_us = 0;

	sim->device_us = at_us;
	if (binary)
		packet.len = sim->frames.len;
	if (sim->link)
		hf_smp_link_heard(sim->link, (uint32_t)(at_us / 1000));
	size_t len = sim->serve(sim->ctx, &packet, oversize, sim->answer, sizeof(sim->answer), &cost_us);

	if (sim->busy_us < at_us + cost_us)
		sim->busy_us = at_us + cost_us;
	if (len == 0)
		return;
	send_answer(sim, (struct hf_bytes){sim->answer, len}, binary);
	if (sim->link && sim->link->wanted) {
		if (sim->busy_us < sim->to_host.free_us)
			sim->busy_us = sim->to_host.free_us;
		(void)hf_smp_link_sent(sim->link, (uint32_t)(sim->to_host.free_us / 1000));
	}
	if (sim->answered)
		sim->answered(sim->ctx);
}

static void take_text(struct sim *sim, uint8_t byte, uint64_t at_us)
{
	switch (hf_smp_decode(&sim->decoder, byte)) {
	case HF_SMP_PACKET:
		answer(sim, false, false, at_us);
		break;
	case HF_SMP_OVERSIZE:
		answer(sim, true, false, at_us);
		break;
	default:
		break;
	}
}

static void device_takes(struct sim *sim, uint8_t byte, uint64_t at_us)
{
	enum hf_frame_event event;

	sim->decoder.cap = sim->frames.cap = sim->packet_bytes;
	if (!sim->link) {
		take_text(sim, byte, at_us);
		return;
	}
	if (at_us > sim->heard_us + HF_FRAME_IDLE_MS * 1000)
		hf_frame_idle(&sim->frames);
	sim->heard_us = at_us;
	(void)hf_frame_decode(&sim->frames, (struct hf_bytes){&byte, 1}, &event);
	if (event == HF_FRAME_TEXT)
		take_text(sim, byte, at_us);
	sim->binary_packets += event == HF_FRAME_PACKET;
	if (event == HF_FRAME_PACKET || event == HF_FRAME_OVERSIZE)
		answer(sim, event == HF_FRAME_OVERSIZE, true, at_us);
}

/* The device takes from its buffer what it can until `until_us`. */
static void drain(struct sim *sim, uint64_t until_us)
{
	uint32_t taken = 0;

	while (taken < sim->rx_count && sim->busy_us <= until_us)
		device_takes(sim, sim->rx[taken++], sim->busy_us);
	if (taken > sim->rx_count)
		taken = sim->rx_count; /* a restart in between emptied it */
	memmove(sim->rx, sim->rx + taken, sim->rx_count - taken);
	sim->rx_count -= taken;
}

void sim_advance(struct sim *sim, uint64_t until_us)
{
	struct sim_queue *q = &sim->to_device;

	if (sim->link) /* the device lives ahead of now_us while it works and answers */
		(void)hf_smp_link_tick(sim->link, (uint32_t)(later(later(sim->now_us, sim->busy_us), sim->to_host.free_us) / 1000));
	while (q->count && q->item[q->first].at_us <= until_us) {
		struct sim_byte b = pop(q);

		if (b.at_us < sim->deaf_us)
			continue;
		drain(sim, b.at_us);
		if (sim->busy_us <= b.at_us)
			device_takes(sim, b.byte, b.at_us);
		else if (sim->rx_count < sim->rx_bytes)
			sim->rx[sim->rx_count++] = b.byte;
		else
			sim->overflows++;
	}
	drain(sim, until_us);
	if (sim->now_us < until_us)
		sim->now_us = until_us;
}

/* When something happens next, at most until_us. */
static uint64_t next_event(const struct sim *sim, uint64_t until_us)
{
	uint64_t next = until_us;

	if (sim->to_device.count && sim->to_device.item[sim->to_device.first].at_us < next)
		next = sim->to_device.item[sim->to_device.first].at_us;
	if (sim->to_host.count && sim->to_host.item[sim->to_host.first].at_us < next)
		next = sim->to_host.item[sim->to_host.first].at_us;
	if (sim->rx_count && sim->busy_us < next)
		next = sim->busy_us;
	return next;
}

static enum hf_err sim_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct sim *sim = ctx;
	uint64_t until_us = sim->now_us + timeout_ms * UINT64_C(1000);
	uint8_t *to = buf;

	for (;;) {
		if (sim->cable_is_usb && unplugged(sim, sim->now_us))
			sim->lost = true;
		if (sim->lost)
			return HF_ERR_IO;
		while (*len < cap && sim->to_host.count &&
		       sim->to_host.item[sim->to_host.first].at_us <= sim->now_us)
			to[(*len)++] = pop(&sim->to_host).byte;
		if (*len)
			return HF_OK;
		if (sim->now_us >= until_us)
			return HF_ERR_TIMEOUT;
		sim_advance(sim, next_event(sim, until_us));
	}
}

static enum hf_err sim_write(void *ctx, const void *data, size_t len)
{
	struct sim *sim = ctx;
	const uint8_t *p = data;

	if (sim->cable_is_usb && unplugged(sim, sim->now_us))
		sim->lost = true;
	if (sim->lost)
		return HF_ERR_IO;
	sim->bytes_to_device += len;
	for (size_t i = 0; i < len; i++)
		transmit(sim, &sim->to_device, sim->now_us, p[i]);
	return HF_OK;
}

static enum hf_err sim_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct sim *sim = ctx;

	sim->baud = line->baud;
	return HF_OK;
}

static enum hf_err sim_reopen(void *ctx)
{
	struct sim *sim = ctx;

	if (sim->cable_is_usb && unplugged(sim, sim->now_us))
		return HF_ERR_NOT_FOUND;
	sim->lost = false;
	sim->reopens++;
	sim->to_host.count = 0;
	return HF_OK;
}

static uint64_t sim_now_ms(void *ctx)
{
	struct sim *sim = ctx;

	return sim->now_us / 1000;
}

static void sim_sleep_ms(void *ctx, uint32_t ms)
{
	struct sim *sim = ctx;

	sim_advance(sim, sim->now_us + ms * UINT64_C(1000));
}

static const struct hf_serial_ops sim_ops = {
	.read = sim_read,
	.write = sim_write,
	.set_line = sim_set_line,
	.reopen = sim_reopen,
	.now_ms = sim_now_ms,
	.sleep_ms = sim_sleep_ms,
};

void sim_init(struct sim *sim, uint32_t seed)
{
	memset(sim, 0, sizeof(*sim));
	sim->baud = 115200;
	sim->rx_bytes = 8192;
	sim->cable_off_us = sim->cable_on_us = SIM_NEVER;
	sim->random = seed ? seed : 1;
	sim->serial = (struct hf_serial){&sim_ops, sim};
	sim->to_device.item = calloc(SIM_QUEUE, sizeof(struct sim_byte));
	sim->to_host.item = calloc(SIM_QUEUE, sizeof(struct sim_byte));
	sim->rx = calloc(1, SIM_QUEUE);
	if (!sim->to_device.item || !sim->to_host.item || !sim->rx)
		abort();
	sim->packet_bytes = sizeof(sim->packet);
	hf_smp_decode_begin(&sim->decoder, sim->packet, sizeof(sim->packet));
	hf_frame_decode_begin(&sim->frames, sim->packet, sizeof(sim->packet));
}

void sim_free(struct sim *sim)
{
	free(sim->to_device.item);
	free(sim->to_host.item);
	free(sim->rx);
}

static void deafen(struct sim *sim, uint64_t until_us)
{
	sim->rx_count = 0;
	sim->busy_us = until_us;
	sim->deaf_us = until_us;
	hf_smp_decode_begin(&sim->decoder, sim->packet, sizeof(sim->packet));
	hf_frame_decode_begin(&sim->frames, sim->packet, sizeof(sim->packet));
	if (sim->link)
		hf_smp_link_begin(sim->link, sim->link->rate, sim->link->rates);
}

void sim_restart(struct sim *sim, uint64_t boot_us)
{
	uint64_t at_us = later(sim->device_us, sim->now_us);

	sim->to_host.count = 0;
	sim->to_host.free_us = at_us;
	deafen(sim, at_us + boot_us);
}

void sim_reset(struct sim *sim, uint64_t boot_us)
{
	deafen(sim, later(sim->to_host.free_us, later(sim->device_us, sim->now_us)) + boot_us);
}

void sim_say(struct sim *sim, const char *text)
{
	sim_say_later(sim, text, 0);
}

void sim_say_later(struct sim *sim, const char *text, uint64_t after_us)
{
	uint64_t at_us = later(sim->device_us, sim->now_us) + after_us;

	for (; *text; text++)
		transmit(sim, &sim->to_host, at_us, (uint8_t)*text);
}

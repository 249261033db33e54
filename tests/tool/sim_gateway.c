/* SPDX-License-Identifier: MIT */
#include "sim_gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define BOOT_US     350000u
#define WATCHDOG_US 8000000u
#define WORD_US     16u
#define ERASE_US    1000000u
#define PACKET_US   300u

static void set_cut(struct gateway *g)
{
	g->device.flash.cut_at = g->cuts_left ? g->device.flash.operation + g->cut_every + g->cuts : 0;
	g->device.flash.cut = g->cuts % 2 ? SIM_CUT_UNSTABLE : SIM_CUT_TORN;
}

static void note_cut(struct gateway *g)
{
	g->cuts++;
	g->cuts_left--;
	g->device.cause = HF_RESET_POWER;
}

/* Boots until something answers. Returns how long that took. */
static uint64_t start(struct gateway *g)
{
	struct device *d = &g->device;
	volatile uint64_t took_us = 0;
	jmp_buf lost;

	d->flash.power_lost = &lost;
	if (setjmp(lost) != 0)
		note_cut(g);
	for (;;) {
		took_us += BOOT_US;
		g->starts++;
		d->starts = 0;
		device_boot(d);
		set_cut(g);
		if (!d->runs->hangs)
			break;
		took_us += WATCHDOG_US;
		d->cause = HF_RESET_WATCHDOG;
	}
	g->server = (struct hf_smp_server){
		.update = &d->update,
		.decoder = &g->line.decoder,
		.buf_size = 1024,
		.buf_count = 4,
		.reset_cause = (uint8_t)d->cause,
		.health = g->health,
		.readback = g->readback,
		.store = &g->store,
	};
	g->store = (struct hf_smp_store){0};
	if (g->fast) {
		static const uint32_t rates[] = {115200, 921600};

		hf_smp_link_begin(&g->link, rates, 2);
		g->line.link = g->server.link = &g->link;
		g->server.frames = &g->line.frames;
		g->server.buf_count = 8;
	}
	d->cause = HF_RESET_REQUEST;
	assert_int_equal(device_open_update(d), HF_OK);
	return d->runs == g->dead ? SIM_NEVER / 2 : took_us;
}

static void restart(struct gateway *g, bool power_lost)
{
	uint64_t took_us = start(g);

	if (power_lost)
		sim_restart(&g->line, took_us);
	else
		sim_reset(&g->line, took_us);
	g->confirm_us = g->device.runs == g->mute ? SIM_NEVER : g->line.busy_us + g->self_test_us;
}

void gateway_start(struct gateway *g)
{
	restart(g, true);
}

/* What flash operations took since `before`. */
static uint64_t flash_us(const struct sim_flash *f, unsigned long erases, unsigned long words)
{
	return (f->erases - erases) * (uint64_t)ERASE_US + (f->words - words) * (uint64_t)WORD_US;
}

static size_t serve(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap,
		    uint64_t *cost_us)
{
	struct gateway *g = ctx;
	struct sim_flash *f = &g->device.flash;
	struct hf_bytes bytes = {packet->buf, packet->len};
	unsigned long erases = f->erases, words = f->words;
	jmp_buf lost;
	size_t len;

	f->power_lost = &lost;
	if (setjmp(lost) != 0) {
		note_cut(g);
		restart(g, true);
		return 0;
	}
	if (g->line.device_us >= g->confirm_us) {
		assert_int_equal(hf_update_confirm(&g->device.update), HF_OK);
		g->confirm_us = SIM_NEVER;
	}
	len = oversize ? hf_smp_serve_oversize(&g->server, bytes, out, cap) : hf_smp_serve(&g->server, bytes, out, cap);
	*cost_us = PACKET_US + flash_us(f, erases, words);
	if (g->restart_after_activation && g->device.update.state.slot[!g->device.running].state == HF_SLOT_TRIAL) {
		g->restart_after_activation = false;
		g->device.cause = HF_RESET_POWER;
		restart(g, true);
		return 0;
	}
	return len;
}

static void answered(void *ctx)
{
	struct gateway *g = ctx;

	if (!g->server.reset_wanted)
		return;
	g->server.reset_wanted = false;
	if (g->deaf_to_resets)
		g->deaf_to_resets--;
	else
		restart(g, false);
}

void gateway_know(struct gateway *g, const struct package *p)
{
	for (unsigned i = 0; i < sizeof(g->device.known) / sizeof(g->device.known[0]); i++) {
		if (!g->device.known[i]) {
			g->device.known[i] = p;
			return;
		}
	}
	fail_msg("a gateway knows eight packages at most");
}

void gateway_open(struct gateway *g, const struct maker *maker, const struct package *runs, uint32_t seed)
{
	memset(g, 0, sizeof(*g));
	sim_init(&g->line, seed);
	g->line.baud = 921600;
	g->line.serve = serve;
	g->line.answered = answered;
	g->line.ctx = g;
	g->self_test_us = 2000000;
	device_open(&g->device, maker);
	gateway_know(g, runs);
	device_install_factory(&g->device, runs);
	gateway_start(g);
}

void gateway_close(struct gateway *g)
{
	device_close(&g->device);
	sim_free(&g->line);
}

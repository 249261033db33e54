/* SPDX-License-Identifier: MIT */
#include "fake_rom.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { ACK = 0x79, NACK = 0x1f, GREETING = 0x7f };
enum { PHASE_GREET, PHASE_COMMAND, PHASE_ADDRESS, PHASE_COUNT, PHASE_DATA };

#define RAM_ADDR  0x20000000u
#define RAM_FREE  0x20003000u
#define UID_ADDR  0x1fff7a10u
#define SIZE_ADDR 0x1fff7a22u
#define OPT_ADDR  0x1fffc000u
#define RDP_OPEN  0xaa
#define RDP_EVER  0xcc

static uint32_t next_random(struct fake_rom *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 17;
	r->random ^= r->random << 5;
	return r->random;
}

static bool happens(struct fake_rom *r, uint32_t ppm)
{
	return ppm && next_random(r) % 1000000 < ppm;
}

static bool unplugged(const struct fake_rom *r, uint64_t at_us)
{
	return at_us >= r->cable_off_us && at_us < r->cable_on_us;
}

static void push(struct fake_queue *q, uint64_t at_us, uint8_t byte)
{
	if (q->count == FAKE_QUEUE)
		abort(); /* a test that sends so much without reading is wrong */
	q->item[(q->first + q->count++) % FAKE_QUEUE] = (struct fake_byte){at_us, byte};
}

static struct fake_byte pop(struct fake_queue *q)
{
	struct fake_byte b = q->item[q->first];

	q->first = (q->first + 1) % FAKE_QUEUE;
	q->count--;
	return b;
}

/* One byte onto the line. */
static void transmit(struct fake_rom *r, struct fake_queue *q, uint64_t at_us, uint8_t byte)
{
	bool to_device = q == &r->in;
	unsigned long number = to_device ? ++r->to_device : ++r->to_host;
	bool hit = number == (to_device ? r->to_device_at : r->to_host_at);

	if (q->free_us < at_us)
		q->free_us = at_us;
	q->free_us += 11 * UINT64_C(1000000) / r->line_baud;
	if (hit && r->fault == FAKE_SILENT)
		r->mute = true;
	if ((hit && r->fault == FAKE_LOSE) || r->mute || happens(r, r->drop_ppm) || unplugged(r, q->free_us))
		return;
	if ((hit && r->fault == FAKE_FLIP) || happens(r, r->flip_ppm))
		byte ^= (uint8_t)(1u << next_random(r) % 8);
	if (hit && r->fault == FAKE_REFUSE)
		byte = NACK;
	push(q, q->free_us, byte);
	if (hit && r->fault == FAKE_TWICE)
		push(q, q->free_us, byte);
}

/* ---- the chip ---- */

static void to_commands(struct fake_rom *r)
{
	r->phase = PHASE_COMMAND;
	r->len = 0;
	r->need = 2;
}

static void restart(struct fake_rom *r, uint64_t at_us)
{
	r->phase = PHASE_GREET;
	r->len = 0;
	r->need = 1;
	r->mute = false;
	r->deaf_us = r->busy_us = at_us;
}

void fake_rom_reset(struct fake_rom *r)
{
	r->resets++;
	r->in.count = 0;
	restart(r, r->now_us + 5000);
}

void fake_rom_greeted(struct fake_rom *r, uint32_t baud)
{
	r->baud = baud;
	to_commands(r);
}

static void reply(struct fake_rom *r, uint64_t at_us, uint8_t byte)
{
	transmit(r, &r->out, at_us, byte);
	if (r->hasty)
		r->busy_us = r->out.free_us + 50;
}

static void refuse(struct fake_rom *r, uint64_t at_us)
{
	reply(r, at_us, NACK);
	to_commands(r);
}

static void expect(struct fake_rom *r, unsigned phase, unsigned bytes, uint64_t at_us)
{
	reply(r, at_us, ACK);
	r->phase = phase;
	r->len = 0;
	r->need = bytes;
}

static bool level_0(const struct fake_rom *r)
{
	return r->options[1] == RDP_OPEN;
}

static bool in_flash(const struct fake_rom *r, uint32_t addr, uint32_t len)
{
	return addr >= r->flash.base && hf_range_ok(addr - r->flash.base, len, r->flash.size);
}

static bool in_ram(const struct fake_rom *r, uint32_t addr, uint32_t len)
{
	return addr >= RAM_FREE && hf_range_ok(addr - RAM_ADDR, len, sizeof(r->ram));
}

static bool peek(struct fake_rom *r, uint32_t addr, uint8_t *to, uint32_t len)
{
	uint8_t info[20];

	memset(info, 0xff, sizeof(info));
	memcpy(info, r->uid, sizeof(r->uid));
	store_le16(info + (SIZE_ADDR - UID_ADDR), (uint16_t)(r->flash.size / 1024));
	if (in_flash(r, addr, len))
		return r->flash.ops.read(&r->flash, addr, to, len) == HF_OK;
	if (in_ram(r, addr, len))
		memcpy(to, r->ram + (addr - RAM_ADDR), len);
	else if (addr >= UID_ADDR && hf_range_ok(addr - UID_ADDR, len, sizeof(info)))
		memcpy(to, info + (addr - UID_ADDR), len);
	else if (addr >= OPT_ADDR && hf_range_ok(addr - OPT_ADDR, len, sizeof(r->options)))
		memcpy(to, r->options + (addr - OPT_ADDR), len);
	else
		return false;
	return true;
}

static unsigned sector_of(const struct fake_rom *r, uint32_t addr)
{
	const struct hf_layout *l = r->flash.layout;
	unsigned i = 0;

	while (i + 1 < l->sectors && addr >= l->sector[i + 1].addr)
		i++;
	return i;
}

static bool is_protected(const struct fake_rom *r, unsigned sector)
{
	return !(load_le16(r->options + 8) >> sector & 1);
}

static void power_lost(struct fake_rom *r, uint64_t at_us)
{
	r->power_cuts++;
	r->in.count = 0;
	restart(r, at_us + r->back_after_us);
	sim_flash_power_on(&r->flash);
}

/* False: the power failed meanwhile. */
static bool program(struct fake_rom *r, uint32_t addr, const uint8_t *data, uint32_t len, uint64_t at_us)
{
	if (setjmp(r->power_lost)) {
		power_lost(r, at_us);
		return false;
	}
	r->flash.power_lost = &r->power_lost;
	r->writes++;
	if (!is_protected(r, sector_of(r, addr)) && r->flash.ops.program(&r->flash, addr, data, len) != HF_OK) {
		/* A word that does not take its content: the loader goes on, and says nothing. */
		for (uint32_t i = 0; i < len; i += 4)
			(void)!r->flash.ops.program(&r->flash, addr + i, data + i, 4);
	}
	return true;
}

static bool erase(struct fake_rom *r, unsigned sector, uint64_t *at_us)
{
	const struct hf_span span = r->flash.layout->sector[sector];

	if (setjmp(r->power_lost)) {
		power_lost(r, *at_us);
		return false;
	}
	r->flash.power_lost = &r->power_lost;
	r->erases++;
	*at_us += span.size <= 16384 ? 250000 : span.size <= 65536 ? 550000 : 1000000;
	if (!is_protected(r, sector))
		(void)!r->flash.ops.erase(&r->flash, span.addr);
	return true;
}

static void set_options(struct fake_rom *r, const uint8_t *data, unsigned len, uint64_t at_us)
{
	r->option_writes++;
	if (r->option_writes == r->cut_options_at) {
		memset(r->options, 0xff, sizeof(r->options));
		power_lost(r, at_us);
		return;
	}
	memcpy(r->options, data, len < sizeof(r->options) ? len : sizeof(r->options));
	reply(r, at_us, ACK);
	restart(r, at_us + 10000);
	r->resets++;
	r->closed = r->options[1] == RDP_EVER;
}

static void take_data(struct fake_rom *r, uint64_t at_us)
{
	uint8_t data[HF_FLASH_WORD * 64], sum = 0;
	unsigned n = r->frame[0] + 1u;

	for (unsigned i = 0; i < r->len; i++)
		sum ^= r->frame[i];
	memcpy(data, r->frame + 1, n);
	if (sum != 0 || n % 4 != 0) {
		refuse(r, at_us);
		return;
	}
	if (r->addr == OPT_ADDR) {
		set_options(r, data, n, at_us);
		return;
	}
	if (in_ram(r, r->addr, n))
		memcpy(r->ram + (r->addr - RAM_ADDR), data, n);
	else if (!program(r, r->addr, data, n, at_us))
		return;
	r->busy_us = at_us + n * 4u;
	reply(r, r->busy_us, ACK);
	to_commands(r);
}

static void take_sectors(struct fake_rom *r, uint64_t at_us)
{
	unsigned n = load_be16(r->frame) + 1u;
	uint8_t sum = 0;

	for (unsigned i = 0; i < r->len; i++)
		sum ^= r->frame[i];
	if (sum != 0) {
		refuse(r, at_us);
		return;
	}
	if (n == 0x10000)
		abort(); /* everything: nobody here asks for that */
	for (unsigned i = 0; i < n; i++) {
		unsigned sector = load_be16(r->frame + 2 + 2 * i);

		if (sector >= r->flash.layout->sectors) {
			refuse(r, at_us);
			return;
		}
		if (!erase(r, sector, &at_us))
			return;
	}
	r->busy_us = at_us;
	reply(r, at_us, ACK);
	to_commands(r);
}

static void erase_everything(struct fake_rom *r, uint64_t at_us)
{
	r->mass_erases++;
	store_le16(r->options + 8, 0x0fff);
	reply(r, at_us, ACK);
	for (unsigned i = 0; i < r->flash.layout->sectors; i++) {
		if (!erase(r, i, &at_us))
			return;
	}
	r->options[1] = RDP_OPEN;
	reply(r, at_us, ACK);
	restart(r, at_us + 10000);
}

static void take_command(struct fake_rom *r, uint64_t at_us)
{
	static const uint8_t get[] = {ACK, 11, 0x31, 0, 1, 2, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92, ACK};
	const uint8_t id[] = {ACK, 1, (uint8_t)(r->id >> 8), (uint8_t)r->id, ACK};

	r->command = r->frame[0];
	if ((r->frame[0] ^ r->frame[1]) != 0xff || r->no_parity) {
		refuse(r, at_us);
		return;
	}
	to_commands(r);
	switch (r->command) {
	case 0x00:
		for (unsigned i = 0; i < sizeof(get); i++)
			reply(r, at_us, get[i]);
		return;
	case 0x02:
		for (unsigned i = 0; i < sizeof(id); i++)
			reply(r, at_us, id[i]);
		return;
	case 0x11:
	case 0x21:
	case 0x31:
		if (level_0(r)) {
			expect(r, PHASE_ADDRESS, 5, at_us);
			return;
		}
		break;
	case 0x44:
		if (level_0(r)) {
			expect(r, PHASE_COUNT, 2, at_us);
			return;
		}
		break;
	case 0x92:
		erase_everything(r, at_us);
		return;
	default:
		break;
	}
	refuse(r, at_us);
}

static void take_address(struct fake_rom *r, uint64_t at_us)
{
	const uint8_t *f = r->frame;
	uint8_t none[1];

	r->addr = load_be32(f);
	if ((f[0] ^ f[1] ^ f[2] ^ f[3] ^ f[4]) != 0 || !peek(r, r->addr, none, 1) || (r->command == 0x31 && r->addr % 4))
		refuse(r, at_us);
	else
		expect(r, PHASE_COUNT, r->command == 0x11 ? 2 : 1, at_us);
}

static void take_read(struct fake_rom *r, uint64_t at_us)
{
	unsigned n = r->frame[0] + 1u;
	uint8_t data[256];

	if ((r->frame[0] ^ r->frame[1]) != 0xff || !peek(r, r->addr, data, n)) {
		refuse(r, at_us);
		return;
	}
	reply(r, at_us, ACK);
	for (unsigned i = 0; i < n; i++)
		reply(r, at_us, data[i]);
	r->busy_us = r->out.free_us; /* it does not receive meanwhile */
	to_commands(r);
}

static void take_count(struct fake_rom *r, uint64_t at_us)
{
	if (r->command == 0x11) {
		take_read(r, at_us);
		return;
	}
	r->phase = PHASE_DATA;
	if (r->command == 0x31)
		r->need = 1 + r->frame[0] + 1u + 1;
	else if (load_be16(r->frame) == 0xffff)
		r->need = 3;
	else
		r->need = 2 + 2 * (load_be16(r->frame) + 1u) + 1;
	if (r->need > sizeof(r->frame))
		refuse(r, at_us);
}

static void greet(struct fake_rom *r, uint64_t at_us)
{
	/* Whatever the first byte is, its bits set the rate. */
	bool good = r->frame[0] == GREETING && r->spoil_greeting != 1;

	r->spoil_greeting -= r->spoil_greeting > 0;

	r->baud = good ? r->line_baud : 1;
	if (good)
		reply(r, at_us, ACK);
	to_commands(r);
}

static void frame_is_whole(struct fake_rom *r, uint64_t at_us)
{
	switch (r->phase) {
	case PHASE_GREET:
		greet(r, at_us);
		break;
	case PHASE_COMMAND:
		take_command(r, at_us);
		break;
	case PHASE_ADDRESS:
		take_address(r, at_us);
		break;
	case PHASE_COUNT:
		take_count(r, at_us);
		break;
	default:
		if (r->command == 0x31)
			take_data(r, at_us);
		else
			take_sectors(r, at_us);
	}
}

static void device_takes(struct fake_rom *r, struct fake_byte b)
{
	bool deaf = b.at_us < r->deaf_us || b.at_us < r->busy_us || r->absent || r->closed || r->talks;
	unsigned phase = r->phase;

	if (deaf || (phase != PHASE_GREET && r->baud != r->line_baud))
		return;
	r->frame[r->len++] = b.byte;
	/* A command's mismatch is noticed at its second byte, an erase of everything at its third. */
	if (r->len >= r->need)
		frame_is_whole(r, b.at_us);
}

static void advance(struct fake_rom *r, uint64_t until_us)
{
	while (r->in.count && r->in.item[r->in.first].at_us <= until_us)
		device_takes(r, pop(&r->in));
	if (r->now_us < until_us)
		r->now_us = until_us;
	if (r->press && r->now_us >= r->pressed_us) {
		r->press = false;
		r->absent = false;
		r->talks = NULL;
		fake_rom_reset(r);
	}
}

/* ---- the line ---- */

static void talk(struct fake_rom *r)
{
	if (r->talks && r->out.count == 0) {
		for (const char *at = r->talks; *at; at++)
			transmit(r, &r->out, r->now_us, (uint8_t)*at);
	}
}

static enum hf_err fake_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct fake_rom *r = ctx;
	uint64_t until_us = r->now_us + timeout_ms * UINT64_C(1000);
	uint8_t *to = buf;

	talk(r);
	for (;;) {
		uint64_t next = until_us;

		if (r->cable_is_usb && unplugged(r, r->now_us))
			r->lost = true;
		if (r->lost)
			return HF_ERR_IO;
		while (*len < cap && r->out.count && r->out.item[r->out.first].at_us <= r->now_us)
			to[(*len)++] = pop(&r->out).byte;
		if (*len)
			return HF_OK;
		if (r->now_us >= until_us)
			return HF_ERR_TIMEOUT;
		if (r->in.count && r->in.item[r->in.first].at_us < next)
			next = r->in.item[r->in.first].at_us;
		if (r->out.count && r->out.item[r->out.first].at_us < next)
			next = r->out.item[r->out.first].at_us;
		advance(r, next);
	}
}

static enum hf_err fake_write(void *ctx, const void *data, size_t len)
{
	struct fake_rom *r = ctx;
	const uint8_t *p = data;

	if (r->cable_is_usb && unplugged(r, r->now_us))
		r->lost = true;
	if (r->lost)
		return HF_ERR_IO;
	if (r->fault == FAKE_SILENT && len == 1 && p[0] == GREETING)
		r->mute = false;
	for (size_t i = 0; i < len; i++) {
		transmit(r, &r->in, r->now_us, p[i]);
		if (r->echo)
			push(&r->out, r->in.free_us, p[i]);
	}
	return HF_OK;
}

static enum hf_err fake_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct fake_rom *r = ctx;

	r->line_baud = line->baud;
	return HF_OK;
}

static enum hf_err fake_set_pins(void *ctx, unsigned mask, unsigned values)
{
	struct fake_rom *r = ctx;

	bool released = r->reset_pin && r->pins & r->reset_pin && mask & r->reset_pin && !(values & r->reset_pin);

	r->pins = (uint8_t)((r->pins & ~mask) | (values & mask));
	if (released) {
		r->absent = !(r->pins & r->boot0_pin);
		fake_rom_reset(r);
	}
	return HF_OK;
}

static enum hf_err fake_reopen(void *ctx)
{
	struct fake_rom *r = ctx;

	if (r->cable_is_usb && unplugged(r, r->now_us))
		return HF_ERR_IO;
	r->lost = false;
	r->out.count = 0;
	return HF_OK;
}

static uint64_t fake_now_ms(void *ctx)
{
	struct fake_rom *r = ctx;

	return r->now_us / 1000;
}

static void fake_sleep_ms(void *ctx, uint32_t ms)
{
	struct fake_rom *r = ctx;

	advance(r, r->now_us + ms * UINT64_C(1000));
}

static const struct hf_serial_ops ops = {
	.read = fake_read,
	.write = fake_write,
	.set_line = fake_set_line,
	.set_pins = fake_set_pins,
	.reopen = fake_reopen,
	.now_ms = fake_now_ms,
	.sleep_ms = fake_sleep_ms,
};

void fake_rom_open(struct fake_rom *r, const struct hf_layout *layout)
{
	memset(r, 0, sizeof(*r));
	sim_flash_open(&r->flash, layout);
	r->serial = (struct hf_serial){&ops, r};
	r->id = 0x413;
	memset(r->options, 0xff, sizeof(r->options));
	r->options[0] = 0xef;
	r->options[1] = RDP_OPEN;
	store_le16(r->options + 8, 0x0fff);
	for (unsigned i = 0; i < sizeof(r->uid); i++)
		r->uid[i] = (uint8_t)(0x30 + i);
	r->cable_off_us = r->cable_on_us = FAKE_NEVER;
	r->back_after_us = 500000;
	r->random = 1;
	r->line_baud = 115200;
	restart(r, 0);
}

void fake_rom_close(struct fake_rom *r)
{
	sim_flash_close(&r->flash);
}

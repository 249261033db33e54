/* SPDX-License-Identifier: MIT */
#include "rom_host.h"

#include "bytes.h"

#define PATIENCE (40 * S) /* longer than any operation of the loader */

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct rom_host *host = ctx;

	(void)at_ns;
	if (host->len < sizeof(host->heard))
		host->heard[host->len++] = byte;
	hf_twin_stop(host->twin);
}

static void on_event(void *ctx, const struct hf_twin_event *event)
{
	struct rom_host *host = ctx;

	host->resets += event->kind == HF_TWIN_EV_RESET;
	host->entered += event->kind == HF_TWIN_EV_ROM && event->a == 1;
	host->flash_errors += event->kind == HF_TWIN_EV_FLASH_ERROR;
}

void rom_open(struct rom_host *host, const struct hf_twin_config *config)
{
	struct hf_twin_config usual;

	hf_twin_config_default(&usual);
	usual.erase_16k_ns /= 50;
	usual.erase_64k_ns /= 50;
	usual.erase_128k_ns /= 50;
	memset(host, 0, sizeof(*host));
	host->usart = 1;
	assert_int_equal(hf_twin_open(&host->twin, NULL, config ? config : &usual), HF_OK);
	hf_twin_on_event(host->twin, on_event, host);
	hf_twin_uart_attach(host->twin, 1, hear, host);
	hf_twin_uart_attach(host->twin, 3, hear, host);
	hf_twin_boot0(host->twin, true);
}

void rom_close(struct rom_host *host)
{
	hf_twin_close(host->twin);
}

void rom_line(struct rom_host *host, uint32_t baud, char parity)
{
	const struct hf_twin_line line = { baud, 8, (uint8_t)parity, 1 };

	hf_twin_uart_line(host->twin, host->usart, &line);
}

void rom_run(struct rom_host *host, uint64_t ns)
{
	uint64_t until = hf_twin_now_ns(host->twin) + ns;
	enum hf_twin_stop stop;

	do {
		stop = hf_twin_run(host->twin, until);
		assert_int_not_equal(stop, HF_TWIN_BROKEN);
	} while (stop == HF_TWIN_STOPPED);
}

void rom_send(struct rom_host *host, const void *bytes, size_t len)
{
	assert_int_equal(hf_twin_uart_send(host->twin, host->usart, bytes, len), HF_OK);
}

int rom_get(struct rom_host *host, uint64_t limit_ns)
{
	uint64_t until = hf_twin_now_ns(host->twin) + limit_ns;

	while (host->at == host->len) {
		enum hf_twin_stop stop = hf_twin_run(host->twin, until);

		assert_int_not_equal(stop, HF_TWIN_BROKEN);
		if (stop == HF_TWIN_TIME || stop == HF_TWIN_OFF)
			break;
	}
	if (host->at < host->len)
		return host->heard[host->at++];
	host->at = host->len = 0;
	return -1;
}

void rom_sync(struct rom_host *host)
{
	rom_run(host, 200 * MS);
	host->at = host->len = 0;
	rom_send(host, "\x7f", 1);
	assert_int_equal(rom_get(host, S), ACK);
}

void rom_start(struct rom_host *host, uint32_t baud)
{
	rom_line(host, baud, 'E');
	hf_twin_power_on(host->twin);
	rom_sync(host);
}

/* ---- commands ---- */

static void clear(struct rom_host *host)
{
	if (host->at == host->len)
		host->at = host->len = 0;
}

int rom_command(struct rom_host *host, uint8_t code)
{
	const uint8_t frame[2] = { code, (uint8_t)~code };

	clear(host);
	rom_send(host, frame, 2);
	return rom_get(host, PATIENCE);
}

static uint8_t sum_of(const uint8_t *bytes, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum ^= bytes[len];
	return sum;
}

int rom_address(struct rom_host *host, uint8_t code, uint32_t addr)
{
	uint8_t frame[5];
	int answer = rom_command(host, code);

	if (answer != ACK)
		return answer;
	store_be32(frame, addr);
	frame[4] = sum_of(frame, 4);
	rom_send(host, frame, 5);
	return rom_get(host, PATIENCE);
}

int rom_write(struct rom_host *host, uint32_t addr, const void *data, size_t len)
{
	uint8_t frame[258];
	int answer = rom_address(host, 0x31, addr);

	if (answer != ACK)
		return answer;
	frame[0] = (uint8_t)(len - 1);
	memcpy(frame + 1, data, len);
	frame[len + 1] = sum_of(frame, len + 1);
	rom_send(host, frame, len + 2);
	return rom_get(host, PATIENCE);
}

int rom_read(struct rom_host *host, uint32_t addr, void *data, size_t len)
{
	const uint8_t count[2] = { (uint8_t)(len - 1), (uint8_t)~(len - 1) };
	int answer = rom_address(host, 0x11, addr), byte;

	if (answer != ACK)
		return answer;
	rom_send(host, count, 2);
	answer = rom_get(host, PATIENCE);
	for (size_t i = 0; answer == ACK && i < len; i++) {
		byte = rom_get(host, S);
		assert_true(byte >= 0);
		((uint8_t *)data)[i] = (uint8_t)byte;
	}
	return answer;
}

int rom_erase(struct rom_host *host, const uint16_t *sectors, unsigned count)
{
	uint8_t frame[2 * 64 + 3];
	int answer = rom_command(host, 0x44);

	if (answer != ACK)
		return answer;
	store_be16(frame, (uint16_t)(count - 1));
	for (unsigned i = 0; i < count; i++)
		store_be16(frame + 2 + 2 * i, sectors[i]);
	frame[2 + 2 * count] = sum_of(frame, 2 + 2 * count);
	rom_send(host, frame, 3 + 2 * count);
	return rom_get(host, PATIENCE);
}

int rom_erase_code(struct rom_host *host, uint16_t code)
{
	uint8_t frame[3];
	int answer = rom_command(host, 0x44);

	if (answer != ACK)
		return answer;
	store_be16(frame, code);
	frame[2] = sum_of(frame, 2);
	rom_send(host, frame, 3);
	return rom_get(host, PATIENCE);
}

int rom_protect(struct rom_host *host, const uint8_t *sectors, unsigned count)
{
	uint8_t frame[66];
	int answer = rom_command(host, 0x63);

	if (answer != ACK)
		return answer;
	frame[0] = (uint8_t)(count - 1);
	memcpy(frame + 1, sectors, count);
	frame[1 + count] = sum_of(frame, 1 + count);
	rom_send(host, frame, 2 + count);
	return rom_get(host, PATIENCE);
}

int rom_go(struct rom_host *host, uint32_t addr)
{
	return rom_address(host, 0x21, addr);
}

unsigned rom_resync(struct rom_host *host)
{
	uint8_t byte = 0xff;

	for (unsigned n = 1; n <= 300; n++) {
		bool answered = false;
		int answer;

		rom_send(host, &byte, 1);
		while ((answer = rom_get(host, 10 * MS)) >= 0) {
			answered = true;
			if (answer == NACK)
				return n;
		}
		byte = answered ? 0xff : (uint8_t)~byte;
	}
	return 0;
}

uint32_t rom_peek(const struct rom_host *host, uint32_t addr)
{
	uint32_t word;

	assert_int_equal(hf_twin_peek(host->twin, addr, &word, 4), HF_OK);
	return word;
}

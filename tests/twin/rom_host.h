/* SPDX-License-Identifier: MIT
 *
 * A host at the other end of the ROM loader's UART, for the tests of the loader.
 */
#ifndef HF_TESTS_TWIN_ROM_HOST_H
#define HF_TESTS_TWIN_ROM_HOST_H

#include "check.h"
#include "twin.h"

#define ACK  0x79
#define NACK 0x1f

struct rom_host {
	struct hf_twin *twin;
	unsigned usart;
	uint8_t heard[4096];
	size_t len, at;
	unsigned resets, entered, flash_errors;
};

/* A twin with BOOT0 high, off. config NULL: the default, but erases take a fiftieth of their time. */
void rom_open(struct rom_host *host, const struct hf_twin_config *config);
void rom_close(struct rom_host *host);
void rom_line(struct rom_host *host, uint32_t baud, char parity);
/* Power on, time for the loader to get ready, 0x7F, ACK. */
void rom_start(struct rom_host *host, uint32_t baud);
/* The same after a reset that the loader made, or the test. */
void rom_sync(struct rom_host *host);

void rom_send(struct rom_host *host, const void *bytes, size_t len);
/* The next byte, or -1 after so long. */
int rom_get(struct rom_host *host, uint64_t limit_ns);
void rom_run(struct rom_host *host, uint64_t ns);

/* Each answers what the loader answered last, ACK or NACK; -1: nothing. */
int rom_command(struct rom_host *host, uint8_t code);
int rom_address(struct rom_host *host, uint8_t code, uint32_t addr);
int rom_write(struct rom_host *host, uint32_t addr, const void *data, size_t len);
int rom_read(struct rom_host *host, uint32_t addr, void *data, size_t len);
int rom_erase(struct rom_host *host, const uint16_t *sectors, unsigned count);
int rom_erase_code(struct rom_host *host, uint16_t code);
int rom_protect(struct rom_host *host, const uint8_t *sectors, unsigned count);
int rom_go(struct rom_host *host, uint32_t addr);
/* FF and 00 in turn, one byte at a time and FF after every answer, until one is refused: which one, at most the 300th; 0:
 * none was. Pairs that are sent at once do not do: behind a lost 00 each FF makes it a Get, and behind another lost byte
 * the 00 is left over and begins the next command. */
unsigned rom_resync(struct rom_host *host);

uint32_t rom_peek(const struct rom_host *host, uint32_t addr);

#endif

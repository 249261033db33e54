/* SPDX-License-Identifier: MIT
 *
 * Hashes and verifies with the device's crypto while SysTick interrupts it; for native crypto, which must not be told
 * from the real one. Answers: the digest of argument(1) bytes at the scratch area, hashed in pieces of uneven sizes;
 * results of a good and a bad signature; ticks of 1 ms.
 */
#include "fw.h"
#include "port/crypto_mbed.h"

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void fw_start(void);

static volatile uint32_t ticks;
static struct hf_sha256 state;
static uint32_t digest[8];

/* RFC 6979, A.2.5: P-256, SHA-256, message "sample". */
static const uint8_t key[65] = {
	0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d,
	0x68, 0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f,
	0xb6, 0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc,
	0x64, 0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e, 0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22,
	0x99,
};
static const uint8_t signature[64] = {
	0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40, 0xdd, 0x9c, 0xd4, 0x5e, 0x81, 0xd6,
	0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa, 0xf9, 0x91, 0xc3, 0x4d, 0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16,
	0xf7, 0xcb, 0x1c, 0x94, 0x2d, 0x65, 0x7c, 0x41, 0xd4, 0x36, 0xc7, 0xa1, 0xb6, 0xe2, 0x9f, 0x65,
	0xf3, 0xe9, 0x00, 0xdb, 0xb9, 0xaf, 0xf4, 0x06, 0x4d, 0xc4, 0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8,
};

void *memcpy(void *to, const void *from, size_t len)
{
	volatile uint8_t *out = to;
	const uint8_t *in = from;

	while (len--)
		*out++ = *in++;
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	volatile uint8_t *out = to;

	while (len--)
		*out++ = (uint8_t)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

__attribute__((noinline)) void fw_done(void)
{
	for (;;)
		wait_for_interrupt();
}

static void clock_168(void)
{
	FLASH_ACR = 5 | 1 << 8 | 1 << 9 | 1 << 10;
	RCC_PLLCFGR = 16 | 336u << 6 | 0 << 16 | 7 << 24;
	RCC_CR |= 1u << 24;
	while (!(RCC_CR & 1u << 25))
		;
	RCC_CFGR = 5 << 10 | 4 << 13 | 2;
	while ((RCC_CFGR & 0xc) != 8)
		;
}

static void hash_in_pieces(const uint8_t *data, uint32_t len)
{
	uint32_t piece = 1;

	hf_mbed_sha256_start(&state);
	while (len) {
		uint32_t n = piece < len ? piece : len;

		hf_mbed_sha256_update(&state, data, n);
		data += n;
		len -= n;
		piece = piece * 3 % 1021; /* 1, 3, 9, ... and 0 never */
	}
	hf_mbed_sha256_finish(&state, (uint8_t *)digest);
}

void fw_start(void)
{
	struct hf_bytes k = { key, sizeof(key) }, m = { (const uint8_t *)"sample", 6 }, s = { signature, 64 };

	REG(FW_ANSWERS) = 0;
	ticks = 0;
	clock_168();
	SYST_RVR = 168000 - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	hash_in_pieces((const uint8_t *)FW_SCRATCH, argument(1));
	for (unsigned i = 0; i < 8; i++)
		answer(digest[i]);
	answer((uint32_t)hf_mbed_verify(HF_ALG_ESP256, k, m, s));
	m.len = 5;
	answer((uint32_t)hf_mbed_verify(HF_ALG_ESP256, k, m, s));
	answer((uint32_t)hf_mbed_verify(HF_ALG_EDDSA, k, m, s));
	SYST_CSR = 0;
	answer(ticks);
	fw_done();
}

static void on_systick(void)
{
	ticks = ticks + 1;
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
	(void (*)(void))0x20020000, fw_start, fw_done, fw_done, fw_done, fw_done, fw_done, 0, 0, 0, 0,
	fw_done, 0, 0, fw_done, on_systick,
};

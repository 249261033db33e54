/* SPDX-License-Identifier: MIT
 *
 * Vectors, start-up and the self-check. The check calls through every kind of pointer and adds up what comes back, so that
 * its result depends on each relocated word, and not on where the firmware lies.
 */
#include <stddef.h>

#include "fw.h"

extern uint32_t _estack[], _sidata[], _sdata[], _edata[], _sbss[], _ebss[], _etext[], _heap_limit[];
extern void (*__init_array_start[])(void), (*__init_array_end[])(void);

void reset_handler(void);
uint32_t fw_result;

/* Nobody defines it: the pointer must be null in either slot. */
__attribute__((weak)) uint32_t nobody_defines(uint32_t x);

static uint32_t twice(uint32_t x) { return 2 * x; }
static uint32_t plus_one(uint32_t x) { return x + 1; }
static uint32_t inverted(uint32_t x) { return ~x; }

typedef uint32_t step(uint32_t x);

/* A constant table of functions, one that is copied to RAM, and pointers into and out of both memories. */
static step *const in_flash[] = {twice, plus_one, inverted, plus_one};
static step *in_ram[] = {inverted, plus_one, twice};
static const char text[] = "relocated";
static const char *word = text + 3;
static uint32_t counter = 5, zeroed;
static uint32_t *const to_ram[] = {&counter, &zeroed};
static step *const *table = in_flash;

__attribute__((constructor)) static void construct(void)
{
	counter += 7;
}

/* Runs in RAM, calls nothing in flash; from flash it is called over a veneer, which lies in flash. */
__attribute__((section(".ram_code"), noinline, long_call)) static uint32_t in_ram_long(uint32_t x)
{
	return x * 3 + counter;
}

__attribute__((section(".ram_code"), noinline)) uint32_t in_ram_near(uint32_t x)
{
	return x * 5 + 1;
}

/* A switch that the compiler makes a table of addresses of, in the middle of code. */
static uint32_t jump(uint32_t x)
{
	switch (x % 8) {
	case 0: return x + 11;
	case 1: return x * 13;
	case 2: return x ^ 0x5555;
	case 3: return x - 17;
	case 4: return x << 3;
	case 5: return x | 0x1000;
	case 6: return x >> 1;
	default: return x;
	}
}

uint32_t fw_self_check(void)
{
	uint32_t sum = 1;

	for (unsigned i = 0; i < 4; i++)
		sum = table[i](sum) + in_flash[3 - i](sum);
	for (unsigned i = 0; i < 3; i++)
		sum = sum * 31 + in_ram[i](sum);
	for (const char *p = word; *p; p++)
		sum = sum * 31 + (uint8_t)*p;
	for (unsigned i = 0; i < 16; i++)
		sum = sum * 31 + jump((sum << 3) + i);
	*to_ram[1] = sum;
	sum = sum * 31 + in_ram_long(sum) + in_ram_near(*to_ram[1]) + *to_ram[0];
	if (nobody_defines)
		sum = nobody_defines(sum);
	sum = sum * 31 + (uint32_t)(_edata - _sdata);
	sum = sum * 31 + (uint32_t)((uintptr_t)_heap_limit - (uintptr_t)_ebss);
	/* _etext is the image's address, too: .data's copy begins there, aligned. */
	sum = sum * 31 + (((uintptr_t)_sidata - (uintptr_t)_etext) < 8);
	return sum * 31 + fw_extra();
}

#ifdef FW_RUNS
__attribute__((noreturn)) void end(uint32_t sum);
void fault(void);
#else
__attribute__((noreturn)) static void end(uint32_t sum)
{
	fw_result = sum;
	for (;;)
		;
}

static void fault(void)
{
	for (;;)
		;
}
#endif

void reset_handler(void)
{
	const uint32_t *from = _sidata;

	for (uint32_t *to = _sdata; to < _edata;)
		*to++ = *from++;
	for (uint32_t *to = _sbss; to < _ebss;)
		*to++ = 0;
	for (void (**f)(void) = __init_array_start; f < __init_array_end; f++)
		(*f)();
	end(fw_self_check());
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
	_estack, reset_handler, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL, fault, fault, NULL, fault, fault,
};

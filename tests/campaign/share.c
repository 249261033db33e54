/* SPDX-License-Identifier: MIT */
#include "share.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS (1u << 23)
#define PROBES 64u

struct share {
	_Atomic uint64_t key[SLOTS]; /* 0: none */
};

struct share *share_open(void)
{
	void *memory = mmap(NULL, sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void share_clear(struct share *s)
{
	memset(s, 0, sizeof *s);
}

bool share_has(const struct share *s, uint64_t key)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		uint64_t there = atomic_load_explicit(&((struct share *)s)->key[(key + i) % SLOTS], memory_order_relaxed);

		if (there == key)
			return key != 0;
		if (there == 0)
			return false;
	}
	return false;
}

void share_put(struct share *s, uint64_t key)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		uint64_t there = 0;

		if (atomic_compare_exchange_strong(&s->key[(key + i) % SLOTS], &there, key) || there == key)
			return;
	}
}

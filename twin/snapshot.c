/* SPDX-License-Identifier: MIT
 *
 * Snapshots: pages that are shared, and one copy of everything else.
 *
 * A page is copied only when it differs from the one of the snapshot that this twin saved or restored last, so that a
 * campaign may hold thousands of them. Whoever changes flash must make the engine forget what it translated from it, and
 * says so here in passing: a page of flash that nobody spoke of is the last snapshot's, and so is its hash. RAM is
 * compared, since the engine stores to it without telling.
 */
#include "internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SNAP_PAGE 4096u
#define FLASH_PAGES (HF_TWIN_FLASH_SIZE / SNAP_PAGE)
#define SRAM_PAGES  (HF_TWIN_SRAM_SIZE / SNAP_PAGE)
#define CCM_PAGES   (HF_TWIN_CCM_SIZE / SNAP_PAGE)
#define PAGES       (2 * FLASH_PAGES + SRAM_PAGES + CCM_PAGES)

/* Shared by snapshots that may be freed in different threads. */
struct page {
	atomic_uint refs;
	uint64_t hash;
	uint8_t bytes[SNAP_PAGE];
};

struct hf_snapshot_cache {
	struct page *page[PAGES];    /* of the snapshot that was saved or restored last */
	bool changed[FLASH_PAGES];   /* since then */
	bool hashed[FLASH_PAGES];    /* hash is right */
	uint64_t hash[FLASH_PAGES];
};

struct hf_twin_snapshot {
	struct hf_core st;
	uint8_t *arena;
	size_t arena_bytes;
	struct hf_cpu_registers cpu;
	struct page *page[PAGES]; /* NULL: all zero (the plane of unstable bits where there are none) */
};

/* Page i of the machine, and where the CPU sees it (0: nowhere). */
static uint8_t *page_at(const struct hf_machine *machine, unsigned i, uint32_t *addr)
{
	*addr = 0;
	if (i < FLASH_PAGES) {
		*addr = HF_TWIN_FLASH_ADDR + i * SNAP_PAGE;
		return machine->flash + i * SNAP_PAGE;
	}
	i -= FLASH_PAGES;
	if (i < SRAM_PAGES) {
		*addr = HF_TWIN_SRAM_ADDR + i * SNAP_PAGE;
		return machine->sram + i * SNAP_PAGE;
	}
	i -= SRAM_PAGES;
	if (i < CCM_PAGES)
		return machine->ccm + i * SNAP_PAGE;
	i -= CCM_PAGES;
	return machine->unstable ? (uint8_t *)machine->unstable + i * SNAP_PAGE : NULL;
}

static void drop(struct page *page)
{
	if (page && atomic_fetch_sub(&page->refs, 1) == 1)
		free(page);
}

static void share(struct page **to, struct page *page)
{
	if (page)
		atomic_fetch_add(&page->refs, 1);
	drop(*to);
	*to = page;
}

static bool is_zero(const uint8_t *bytes)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, SNAP_PAGE - 1) == 0;
}

/* Page i of the plane of unstable bits has any. */
static bool is_unstable(const struct hf_core *st, unsigned i)
{
	return st->unstable[hf_flash_sector(HF_TWIN_FLASH_ADDR + (i - (PAGES - FLASH_PAGES)) * SNAP_PAGE)];
}

/* Four sums side by side, since each waits for its own multiplication. */
static uint64_t hash_page(const uint8_t *bytes)
{
	uint64_t h[4] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < SNAP_PAGE; i += sizeof(h)) {
		uint64_t w[4];

		memcpy(w, bytes + i, sizeof(w));
		for (unsigned k = 0; k < 4; k++) {
			h[k] = (h[k] ^ w[k]) * 0x9fb21c651e98df25u;
			h[k] ^= h[k] >> 29;
		}
	}
	for (unsigned k = 1; k < 4; k++) {
		h[0] = (h[0] ^ h[k]) * 0x9fb21c651e98df25u;
		h[0] ^= h[0] >> 29;
	}
	return h[0];
}

static uint64_t hash_of(struct hf_machine *machine, unsigned i)
{
	struct hf_snapshot_cache *cache = machine->pages;

	if (!cache->hashed[i]) {
		cache->hash[i] = hash_page(machine->flash + i * SNAP_PAGE);
		cache->hashed[i] = true;
	}
	return cache->hash[i];
}

static bool is_known(const struct hf_machine *machine, unsigned i, const uint8_t *mem)
{
	const struct page *known = machine->pages->page[i];

	if (!known)
		return false;
	if (i < FLASH_PAGES && !machine->pages->changed[i])
		return true;
	return memcmp(known->bytes, mem, SNAP_PAGE) == 0;
}

static bool save_page(struct hf_machine *machine, struct hf_twin_snapshot *s, unsigned i)
{
	struct page *known;
	uint32_t addr;
	const uint8_t *mem = page_at(machine, i, &addr);

	if (!mem || (i >= PAGES - FLASH_PAGES && (!is_unstable(&machine->st, i) || is_zero(mem))))
		return true;
	if (!is_known(machine, i, mem)) {
		known = malloc(sizeof(*known));
		if (!known)
			return false;
		atomic_init(&known->refs, 0);
		memcpy(known->bytes, mem, SNAP_PAGE);
		known->hash = i < FLASH_PAGES ? hash_of(machine, i) : 0;
		share(&machine->pages->page[i], known);
	}
	if (i < FLASH_PAGES)
		machine->pages->changed[i] = false;
	share(&s->page[i], machine->pages->page[i]);
	return true;
}

enum hf_err hf_snapshot_open(struct hf_machine *machine)
{
	machine->pages = calloc(1, sizeof(*machine->pages));
	return machine->pages ? HF_OK : HF_ERR_IO;
}

void hf_snapshot_touch(struct hf_machine *machine, uint32_t offset, uint32_t len)
{
	uint32_t last = offset + len - 1;

	for (uint32_t i = offset / SNAP_PAGE; i <= last / SNAP_PAGE && i < FLASH_PAGES; i++) {
		machine->pages->changed[i] = true;
		machine->pages->hashed[i] = false;
	}
}

enum hf_err hf_twin_save(struct hf_twin *twin, struct hf_twin_snapshot **snapshot)
{
	struct hf_machine *machine = &twin->machine;
	struct hf_twin_snapshot *s = calloc(1, sizeof(*s));

	*snapshot = NULL;
	if (!s)
		return HF_ERR_IO;
	hf_flash_settle(machine);
	s->st = machine->st;
	s->arena_bytes = machine->arena_used;
	s->arena = malloc(s->arena_bytes);
	if (!s->arena)
		goto fail;
	hf_cpu_save(machine, &s->cpu);
	hf_cpu_load(machine, &s->cpu); /* so that what is not saved (the exclusive monitor) is not kept here either */
	memcpy(s->arena, machine->arena, s->arena_bytes);
	for (unsigned i = 0; i < PAGES; i++)
		if (!save_page(machine, s, i))
			goto fail;
	*snapshot = s;
	return HF_OK;
fail:
	hf_twin_snapshot_free(s);
	return HF_ERR_IO;
}

static void restore_page(struct hf_machine *machine, const struct hf_twin_snapshot *s, unsigned i)
{
	struct hf_snapshot_cache *cache = machine->pages;
	uint32_t addr;
	uint8_t *mem = page_at(machine, i, &addr);
	const struct page *page = s->page[i];

	if (i < FLASH_PAGES && page == cache->page[i] && !cache->changed[i])
		return;
	if (i >= PAGES - FLASH_PAGES && !page && !is_unstable(&machine->st, i))
		mem = NULL;
	if (!page) {
		if (mem && !is_zero(mem))
			memset(mem, 0, SNAP_PAGE);
	} else if (memcmp(mem, page->bytes, SNAP_PAGE) != 0) {
		memcpy(mem, page->bytes, SNAP_PAGE);
		if (addr)
			hf_cpu_code_changed(machine, addr, SNAP_PAGE);
	}
	share(&cache->page[i], s->page[i]);
	if (i < FLASH_PAGES) {
		cache->hash[i] = page->hash;
		cache->hashed[i] = true;
		cache->changed[i] = false;
	}
}

static bool has_unstable(const struct hf_twin_snapshot *s)
{
	for (unsigned i = PAGES - FLASH_PAGES; i < PAGES; i++)
		if (s->page[i])
			return true;
	return false;
}

void hf_twin_restore(struct hf_twin *twin, const struct hf_twin_snapshot *snapshot)
{
	struct hf_machine *machine = &twin->machine;

	hf_flash_settle(machine);
	if (!machine->unstable && has_unstable(snapshot))
		machine->unstable = calloc(HF_TWIN_FLASH_SIZE / 4, sizeof(*machine->unstable));
	if (!machine->unstable && has_unstable(snapshot)) {
		machine->error = "no memory for unstable words";
		return;
	}
	for (unsigned i = 0; i < PAGES; i++)
		restore_page(machine, snapshot, i);
	hf_art_forget(&machine->st.art, &machine->cost);
	hf_native_abandon(machine);
	machine->st = snapshot->st;
	memcpy(machine->arena, snapshot->arena, snapshot->arena_bytes);
	hf_cpu_load(machine, &snapshot->cpu);
	hf_art_restored(&machine->st.art, &machine->cost);
	hf_fault_reads_anew(machine);
	machine->reset_requested = machine->cut_now = machine->bus_error = machine->stop_requested = false;
	machine->home_size = 0;
	hf_coverage_jump(machine);
	machine->poll = (struct hf_poll){ 0 };
	if (machine->cut.when != HF_TWIN_CUT_TIME)
		machine->cut_at_ns = HF_NEVER;
	for (unsigned i = 0; i < machine->devs; i++)
		if (machine->dev[i].ops->restored)
			machine->dev[i].ops->restored(&machine->dev[i]);
	hf_machine_look(machine);
}

void hf_twin_snapshot_free(struct hf_twin_snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (unsigned i = 0; i < PAGES; i++)
		drop(snapshot->page[i]);
	free(snapshot->arena);
	free(snapshot);
}

void hf_snapshot_close(struct hf_machine *machine)
{
	for (unsigned i = 0; machine->pages && i < PAGES; i++)
		drop(machine->pages->page[i]);
	free(machine->pages);
}

uint64_t hf_twin_flash_hash(const struct hf_twin *twin)
{
	return hf_twin_flash_hash_but(twin, 0, 0);
}

uint64_t hf_twin_flash_hash_but(const struct hf_twin *twin, uint32_t addr, uint32_t size)
{
	/* Looking changes nothing but what is known of the pages. */
	struct hf_machine *machine = (struct hf_machine *)(uintptr_t)&twin->machine;
	uint64_t h = 1 + hf_fault_hash(machine);

	for (unsigned i = 0; i < FLASH_PAGES; i++) {
		uint64_t unstable = 0;

		if (HF_TWIN_FLASH_ADDR + i * SNAP_PAGE - addr < size)
			continue;
		if (is_unstable(&machine->st, PAGES - FLASH_PAGES + i))
			unstable = hash_page((const uint8_t *)machine->unstable + i * SNAP_PAGE);
		h = (h ^ hash_of(machine, i)) * 0x9fb21c651e98df25u;
		h = (h ^ h >> 29 ^ unstable) * 0x9fb21c651e98df25u;
		h ^= h >> 29;
	}
	return h;
}

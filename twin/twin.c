/* SPDX-License-Identifier: MIT
 *
 * Opening, loading and looking at a twin; the rest of twin.h is in the files that do the work.
 */
#include "internal.h"

#include <assert.h>
#include <stdlib.h>

#include "adc.h"
#include "firmware.h"
#include "tlb.h"

#define UNIQUE_ID_ADDR  0x1fff7a10u
#define FLASH_SIZE_ADDR 0x1fff7a22u
#define HOST_PAGE       4096

void hf_twin_config_default(struct hf_twin_config *config)
{
	*config = (struct hf_twin_config){
		.unique_id = { 0x35, 0x00, 0x2b, 0x00, 0x0b, 0x51, 0x33, 0x34, 0x37, 0x31, 0x37, 0x36 },
		.seed = 1,
		.lsi_hz = 32000,
		.optcr = 0x0fffaae0, /* RDP level 0, no write protection, BOR level 3, watchdog by software */
		.program_ns = 16000,
		.erase_16k_ns = 250000000,
		.erase_64k_ns = 550000000,
		.erase_128k_ns = 1000000000,
	};
}

/* ---- life ---- */

static bool layout_fits(const struct hf_layout *layout)
{
	for (unsigned i = 0; i < layout->sectors; i++) {
		int sector = hf_flash_sector(layout->sector[i].addr);

		if (sector < 0 || layout->sector[i].addr != hf_flash_sector_addr((unsigned)sector) ||
		    layout->sector[i].size != hf_flash_sector_size((unsigned)sector))
			return false;
	}
	return true;
}

static bool allocate(struct hf_machine *machine)
{
	machine->flash = aligned_alloc(HOST_PAGE, HF_TWIN_FLASH_SIZE);
	machine->sram = aligned_alloc(HOST_PAGE, HF_TWIN_SRAM_SIZE);
	machine->ccm = aligned_alloc(HOST_PAGE, HF_TWIN_CCM_SIZE);
	machine->sysmem = aligned_alloc(HOST_PAGE, SYSMEM_SIZE);
	return machine->flash && machine->sram && machine->ccm && machine->sysmem && hf_cost_open(&machine->cost);
}

static void fill_system_memory(struct hf_machine *machine)
{
	static const uint16_t calibration[] = { HF_ADC_VREFINT_CAL, HF_ADC_TS_CAL1, HF_ADC_TS_CAL2 };
	uint8_t *sysmem = machine->sysmem;

	memset(sysmem, 0xff, SYSMEM_SIZE);
	memcpy(sysmem + (UNIQUE_ID_ADDR - SYSMEM_ADDR), machine->config.unique_id, sizeof(machine->config.unique_id));
	sysmem[FLASH_SIZE_ADDR - SYSMEM_ADDR] = (uint8_t)(HF_TWIN_FLASH_SIZE / 1024);
	sysmem[FLASH_SIZE_ADDR - SYSMEM_ADDR + 1] = (uint8_t)(HF_TWIN_FLASH_SIZE / 1024 >> 8);
	for (unsigned i = 0; i < sizeof(calibration) / sizeof(calibration[0]); i++) {
		sysmem[HF_ADC_CALIBRATION_ADDR - SYSMEM_ADDR + 2 * i] = (uint8_t)calibration[i];
		sysmem[HF_ADC_CALIBRATION_ADDR - SYSMEM_ADDR + 2 * i + 1] = (uint8_t)(calibration[i] >> 8);
	}
}

enum hf_err hf_twin_open(struct hf_twin **twin, const struct hf_layout *layout, const struct hf_twin_config *config)
{
	struct hf_machine *machine;
	enum hf_err err = HF_ERR_IO;

	*twin = NULL;
	if (layout && !layout_fits(layout))
		return HF_ERR_RANGE;
	if (config->lsi_hz == 0 || config->program_ns == 0)
		return HF_ERR_RANGE;
	*twin = calloc(1, sizeof(**twin));
	if (!*twin)
		return HF_ERR_IO;
	machine = &(*twin)->machine;
	machine->config = *config;
	if (layout) {
		machine->layout = *layout;
		machine->has_layout = true;
	}
	machine->block_stops = BLOCK_ROM;
	machine->translations_room = HF_TLB_ROOM;
	memset(machine->dev_at, 0xff, sizeof(machine->dev_at));
	machine->due_now = machine->st.next_due = machine->cut_at_ns = HF_NEVER;
	machine->rearm_at = machine->st.nvic.systick_at = NO_CYCLE;
	machine->st.random = config->seed;
	machine->st.lsi_hz = config->lsi_hz;
	machine->st.hsi_ppm = config->hsi_ppm;
	machine->st.flash_permille = 1000;
	hf_art_reset_icache(&machine->st.art, &machine->cost);
	hf_art_reset_dcache(&machine->st.art);
	if (!allocate(machine))
		goto fail;
	memset(machine->flash, 0xff, HF_TWIN_FLASH_SIZE);
	memset(machine->sram, 0, HF_TWIN_SRAM_SIZE);
	memset(machine->ccm, 0, HF_TWIN_CCM_SIZE);
	fill_system_memory(machine);
	err = hf_snapshot_open(machine);
	if (err != HF_OK)
		goto fail;
	hf_devices_add(machine);
	err = hf_cpu_open(machine);
	if (err != HF_OK)
		goto fail;
	return HF_OK;
fail:
	hf_twin_close(*twin);
	*twin = NULL;
	return err;
}

void hf_twin_close(struct hf_twin *twin)
{
	struct hf_machine *machine;

	if (!twin)
		return;
	machine = &twin->machine;
	for (unsigned i = 0; i < machine->devs; i++)
		if (machine->dev[i].ops->close)
			machine->dev[i].ops->close(&machine->dev[i]);
	hf_cpu_close(machine);
	hf_snapshot_close(machine);
	hf_native_close(machine);
	hf_coverage_close(machine);
	hf_cost_close(&machine->cost);
	free(machine->unstable);
	free(machine->flash);
	free(machine->sram);
	free(machine->ccm);
	free(machine->sysmem);
	free(twin);
}

struct hf_machine *hf_twin_machine(struct hf_twin *twin)
{
	return &twin->machine;
}

/* ---- a programmer's and a debugger's access ---- */

enum hf_err hf_twin_load(struct hf_twin *twin, uint32_t addr, const void *data, size_t len)
{
	enum hf_err err;

	if (addr - HF_TWIN_FLASH_ADDR >= HF_TWIN_FLASH_SIZE)
		return HF_ERR_RANGE;
	err = hf_twin_poke(twin, addr, data, len);
	for (uint32_t i = 0; err == HF_OK && i < len; i += 4)
		hf_fault_set_unstable(&twin->machine, ((addr - HF_TWIN_FLASH_ADDR) & ~3u) + i, 0);
	return err;
}

enum hf_err hf_twin_load_elf(struct hf_twin *twin, const void *elf, size_t len, int32_t offset, uint32_t *entry)
{
	struct hf_firmware firmware;
	enum hf_err err = hf_firmware_open(&firmware, elf, len);

	for (uint32_t i = 0; err == HF_OK && i < firmware.segments; i++) {
		struct hf_firmware_segment segment;

		if (hf_firmware_segment(&firmware, i, &segment))
			err = hf_twin_load(twin, segment.load_addr + (uint32_t)offset, segment.bytes, segment.len);
	}
	if (err == HF_OK && entry)
		*entry = firmware.entry + (uint32_t)offset;
	return err;
}

enum hf_err hf_twin_peek(const struct hf_twin *twin, uint32_t addr, void *buf, size_t len)
{
	/* Looking changes nothing; hf_machine_memory() serves writers too. */
	const uint8_t *mem = hf_machine_memory((struct hf_machine *)&twin->machine, addr, len);

	if (!mem)
		return HF_ERR_RANGE;
	memcpy(buf, mem, len);
	return HF_OK;
}

enum hf_err hf_twin_poke(struct hf_twin *twin, uint32_t addr, const void *data, size_t len)
{
	struct hf_machine *machine = &twin->machine;
	uint8_t *mem;

	hf_flash_settle(machine);
	mem = hf_machine_memory(machine, addr, len);
	if (!mem)
		return HF_ERR_RANGE;
	memcpy(mem, data, len);
	if (len)
		hf_cpu_code_changed(machine, addr, (uint32_t)len);
	return HF_OK;
}

uint32_t hf_twin_register(const struct hf_twin *twin, unsigned number)
{
	static const int others[] = { UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_PC, UC_ARM_REG_XPSR, UC_ARM_REG_MSP,
				      UC_ARM_REG_PSP };
	const struct hf_machine *machine = &twin->machine;

	if (number == 15 && !machine->in_cpu)
		return machine->st.pc;
	if (number >= CPU_REGISTERS)
		return 0;
	return hf_cpu_get(machine, number < 13 ? UC_ARM_REG_R0 + (int)number : others[number - 13]);
}

/* ---- what it is doing ---- */

bool hf_twin_is_on(const struct hf_twin *twin)
{
	return twin->machine.st.on;
}

void hf_twin_power_off(struct hf_twin *twin)
{
	hf_run_power_off(&twin->machine);
}

void hf_twin_reset(struct hf_twin *twin, enum hf_twin_reset cause)
{
	if (twin->machine.st.on && cause != HF_TWIN_RESET_LOCKUP)
		hf_run_reset(&twin->machine, cause);
}

void hf_twin_reset_hold(struct hf_twin *twin, bool low)
{
	struct hf_machine *machine = &twin->machine;
	bool was_low = machine->st.reset_low;

	machine->st.reset_low = low;
	if (low && !was_low)
		hf_twin_reset(twin, HF_TWIN_RESET_PIN);
	else if (!low && was_low && machine->st.on)
		hf_run_release(machine);
}

uint64_t hf_twin_now_ns(const struct hf_twin *twin)
{
	return hf_machine_now_ns(&twin->machine);
}

const char *hf_twin_error(const struct hf_twin *twin)
{
	return twin->machine.error;
}

void hf_twin_counts(const struct hf_twin *twin, struct hf_twin_counts *counts)
{
	const struct hf_core *st = &twin->machine.st;

	*counts = st->counts;
	counts->cycles = st->cycles - st->slept;
}

void hf_twin_on_event(struct hf_twin *twin, hf_twin_event_fn *fn, void *ctx)
{
	twin->machine.on_event = fn;
	twin->machine.on_event_ctx = ctx;
}

/* ---- watching ---- */

enum hf_err hf_twin_watch_pc(struct hf_twin *twin, uint32_t addr)
{
	struct hf_machine *machine = &twin->machine;

	if (machine->watches == sizeof(machine->watch) / sizeof(machine->watch[0]))
		return HF_ERR_FULL;
	machine->watch[machine->watches++] = addr & ~1u;
	machine->block_stops |= BLOCK_WATCHED;
	hf_cost_flush(&machine->cost);
	return HF_OK;
}

void hf_twin_unwatch_pc(struct hf_twin *twin, uint32_t addr)
{
	struct hf_machine *machine = &twin->machine;

	for (unsigned i = 0; i < machine->watches; i++) {
		if (machine->watch[i] != (addr & ~1u))
			continue;
		machine->watch[i] = machine->watch[--machine->watches];
		hf_cost_flush(&machine->cost);
		return;
	}
}

enum hf_err hf_twin_must_not_stall(struct hf_twin *twin, uint32_t addr, uint32_t size)
{
	struct hf_machine *machine = &twin->machine;

	if (machine->no_stalls == sizeof(machine->no_stall) / sizeof(machine->no_stall[0]))
		return HF_ERR_FULL;
	machine->no_stall[machine->no_stalls++] = (struct hf_span){ addr, size };
	return HF_OK;
}

void hf_twin_must_not_stall_in_handlers(struct hf_twin *twin, bool in_handlers)
{
	twin->machine.no_stall_in_handlers = in_handlers;
}

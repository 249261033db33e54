/* SPDX-License-Identifier: MIT
 *
 * What a call costs when it is executed: firmware is built with different optimisations (boot for size, the gateway for
 * speed), so that constants would be wrong for one of them.
 */
#include "firmware.h"
#include "internal.h"
#include "native.h"

/* At the end of RAM, behind what firmware copies there. */
#define RETURN_ADDR  0x2001d000u /* where the functions return to: an endless loop */
#define CONTEXT_ADDR 0x2001d100u
#define DATA_ADDR    0x2001d400u
#define STACK_ADDR   0x2001fc00u
#define LIMIT_NS     2000000000u
#define HCLK_HZ      168000000u

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

struct bench {
	struct hf_twin *twin;
	bool returned;
	uint32_t cycles, insns;
};

static void on_event(void *ctx, const struct hf_twin_event *event)
{
	struct bench *bench = ctx;

	if (event->kind == HF_TWIN_EV_PC) {
		bench->returned = true;
		hf_twin_stop(bench->twin);
	}
}

/* One call with up to nine words of arguments; false: it does not return. */
static bool call(struct bench *bench, uint32_t function, const uint32_t *args, unsigned count)
{
	struct hf_machine *machine = &bench->twin->machine;
	struct hf_twin_counts before, after;

	for (unsigned i = 0; i < count && i < 4; i++)
		hf_cpu_set(machine, UC_ARM_REG_R0 + (int)i, args[i]);
	if (count > 4)
		memcpy(machine->sram + (STACK_ADDR - HF_TWIN_SRAM_ADDR), args + 4, (count - 4) * 4);
	hf_cpu_set(machine, UC_ARM_REG_SP, STACK_ADDR);
	hf_cpu_set(machine, UC_ARM_REG_LR, RETURN_ADDR | 1);
	machine->st.pc = machine->st.fallthrough = function;
	bench->returned = false;
	hf_twin_counts(bench->twin, &before);
	(void)hf_twin_run(bench->twin, hf_twin_now_ns(bench->twin) + LIMIT_NS);
	hf_twin_counts(bench->twin, &after);
	bench->cycles = (uint32_t)(after.cycles - before.cycles);
	bench->insns = (uint32_t)(after.instructions - before.instructions);
	return bench->returned;
}

static void as_at_full_speed(struct hf_machine *machine)
{
	uint32_t hz[HF_CLOCKS];

	for (unsigned i = 0; i < HF_CLOCKS; i++)
		hz[i] = HCLK_HZ;
	hf_machine_clocks_set(machine, hz);
	machine->st.held_until = 0;
	machine->st.art.wait = 5;
	machine->st.art.prefetch = machine->st.art.icache = machine->st.art.dcache = true;
}

/* Twice, because the first call finds the accelerator's cache empty. */
static bool measure_call(struct bench *bench, uint32_t function, const uint32_t *args, unsigned count)
{
	return call(bench, function, args, count) && call(bench, function, args, count);
}

/* A call that hashes no block, and what a block adds. */
static bool measure_hash(struct bench *bench, uint32_t function, enum hf_native_kind kind, struct hf_native_cost *cost)
{
	const uint32_t one[] = { CONTEXT_ADDR, DATA_ADDR, 64 }, five[] = { CONTEXT_ADDR, DATA_ADDR, 320 };
	const uint32_t digest[] = { CONTEXT_ADDR, CONTEXT_ADDR + 256 };
	uint32_t cycles, insns;

	memset(bench->twin->machine.sram + (CONTEXT_ADDR - HF_TWIN_SRAM_ADDR), 0, 256);
	if (kind == HF_NATIVE_FINISH)
		return call(bench, function, digest, 2);
	if (!measure_call(bench, function, one, 3))
		return false;
	cycles = bench->cycles;
	insns = bench->insns;
	if (!measure_call(bench, function, five, 3))
		return false;
	cost->block_cycles = (bench->cycles - cycles) / 4;
	cost->block_insns = (bench->insns - insns) / 4;
	cost->call_cycles = cycles - cost->block_cycles;
	cost->call_insns = insns - cost->block_insns;
	return true;
}

static bool measure_all(struct bench *bench, const uint32_t addr[HF_NATIVE_KINDS],
			struct hf_native_cost cost[HF_NATIVE_KINDS])
{
	const uint32_t context[] = { CONTEXT_ADDR };
	const uint32_t verify[] = { (uint32_t)-9, DATA_ADDR, sizeof(key), DATA_ADDR + 256, 6, DATA_ADDR + 128,
				    sizeof(signature) };
	struct hf_native_cost *update = &cost[HF_NATIVE_UPDATE], *finish = &cost[HF_NATIVE_FINISH];

	if (addr[HF_NATIVE_START]) {
		if (!measure_call(bench, addr[HF_NATIVE_START], context, 1))
			return false;
		cost[HF_NATIVE_START].call_cycles = bench->cycles;
		cost[HF_NATIVE_START].call_insns = bench->insns;
	}
	if (addr[HF_NATIVE_UPDATE] && !measure_hash(bench, addr[HF_NATIVE_UPDATE], HF_NATIVE_UPDATE, update))
		return false;
	if (addr[HF_NATIVE_FINISH]) {
		if (!measure_hash(bench, addr[HF_NATIVE_FINISH], HF_NATIVE_FINISH, finish))
			return false;
		finish->block_cycles = update->block_cycles;
		finish->block_insns = update->block_insns;
		finish->call_cycles = bench->cycles - update->block_cycles;
		finish->call_insns = bench->insns - update->block_insns;
	}
	if (addr[HF_NATIVE_VERIFY]) {
		if (!call(bench, addr[HF_NATIVE_VERIFY], verify, 7) ||
		    (uint8_t)hf_cpu_get(&bench->twin->machine, UC_ARM_REG_R0) != HF_OK)
			return false;
		cost[HF_NATIVE_VERIFY].call_cycles = bench->cycles - update->block_cycles;
		cost[HF_NATIVE_VERIFY].call_insns = bench->insns - update->block_insns;
		cost[HF_NATIVE_VERIFY].block_cycles = update->block_cycles;
		cost[HF_NATIVE_VERIFY].block_insns = update->block_insns;
	}
	return true;
}

/* What start-up code would have copied to RAM: memcpy, for one. */
static enum hf_err copy_to_ram(struct bench *bench, const void *elf, size_t len)
{
	struct hf_firmware firmware;
	enum hf_err err = hf_firmware_open(&firmware, elf, len);

	for (uint32_t i = 0; err == HF_OK && i < firmware.segments; i++) {
		struct hf_firmware_segment segment;

		if (hf_firmware_segment(&firmware, i, &segment) && segment.run_addr != segment.load_addr)
			err = hf_twin_poke(bench->twin, segment.run_addr, segment.bytes, segment.len);
	}
	return err;
}

enum hf_err hf_native_measure(const void *elf, size_t len, const uint32_t addr[HF_NATIVE_KINDS],
			      struct hf_native_cost cost[HF_NATIVE_KINDS])
{
	static const uint16_t loop = 0xe7fe;
	struct hf_twin_config config;
	struct bench bench = { .returned = false };
	uint8_t *data;
	enum hf_err err;

	memset(cost, 0, sizeof(*cost) * HF_NATIVE_KINDS);
	hf_twin_config_default(&config);
	err = hf_twin_open(&bench.twin, NULL, &config);
	if (err != HF_OK)
		return err;
	hf_twin_on_event(bench.twin, on_event, &bench);
	err = hf_twin_load_elf(bench.twin, elf, len, 0, NULL);
	if (err == HF_OK)
		err = hf_twin_watch_pc(bench.twin, RETURN_ADDR);
	if (err == HF_OK) {
		hf_twin_power_on(bench.twin);
		err = copy_to_ram(&bench, elf, len);
	}
	if (err == HF_OK) {
		as_at_full_speed(&bench.twin->machine);
		memcpy(bench.twin->machine.sram + (RETURN_ADDR - HF_TWIN_SRAM_ADDR), &loop, sizeof(loop));
		data = bench.twin->machine.sram + (DATA_ADDR - HF_TWIN_SRAM_ADDR);
		memcpy(data, key, sizeof(key));
		memcpy(data + 128, signature, sizeof(signature));
		memcpy(data + 256, "sample", 6);
		err = measure_all(&bench, addr, cost) ? HF_OK : HF_ERR_ENCODING;
	}
	hf_twin_close(bench.twin);
	return err;
}

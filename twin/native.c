/* SPDX-License-Identifier: MIT
 *
 * Crypto that the host answers, in campaigns.
 *
 * Only port/crypto_mbed.c's four functions, found by symbol, are ever answered: their results go where the code would
 * have put them (SHA-256's state in Mbed TLS's own form), so that executed and answered calls can be mixed. A call
 * takes the time that the executed code takes (native_cost.c): it is spent before the result appears, and interrupts
 * are served meanwhile, as in the real thing. What is not exactly understood (a pointer outside
 * of memory, a busy flash) is executed.
 *
 * In compare mode every nth call is executed all the same, with everything inside it, and its results are compared with
 * the host's when it returns.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the state of SHA-256 is carried between calls: only the old interface shows it */
#include "internal.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "../core/bytes.h"
#include "../core/crypto.h"
#include "../host/host_crypto.h"
#include "firmware.h"
#include "native.h"

#define MAX_ENTRIES 32
#define CODE_BYTES  16u
#define BUFFER_AT   0  /* in Mbed TLS's context */
#define TOTAL_AT    64
#define STATE_AT    72
#define STATE_BYTES 104

const char *const hf_native_names[HF_NATIVE_KINDS] = { "hf_mbed_sha256_start", "hf_mbed_sha256_update",
						       "hf_mbed_sha256_finish", "hf_mbed_verify" };

struct hf_native {
	enum hf_twin_native mode;
	uint32_t sample;
	uint64_t calls;
	struct {
		uint32_t addr;
		enum hf_native_kind kind;
		struct hf_native_cost cost;
		uint8_t code[CODE_BYTES]; /* what must be there: other firmware may come to that place */
		uint32_t code_bytes;      /* 0: where that is is not known */
	} entry[MAX_ENTRIES];
	unsigned entries;

	/* A call that is executed to be compared. */
	bool comparing;
	uint32_t entry_pc, return_pc, return_sp;
	enum hf_native_kind kind;
	uint32_t where, result;
	uint8_t expected[STATE_BYTES];
	uint32_t expected_bytes;
};

struct call {
	enum hf_native_kind kind;
	const struct hf_native_cost *cost;
	uint32_t arg[4], stack[3];
	uint32_t where;  /* where results go; 0: only r0 */
	uint8_t out[STATE_BYTES];
	uint32_t out_bytes;
	uint32_t result; /* r0, for VERIFY */
	uint64_t cycles, insns;
};

static uint8_t *writable(struct hf_machine *machine, uint32_t addr, uint32_t len)
{
	if (addr - HF_TWIN_SRAM_ADDR >= HF_TWIN_SRAM_SIZE && addr - HF_TWIN_CCM_ADDR >= HF_TWIN_CCM_SIZE)
		return NULL;
	return hf_machine_memory(machine, addr, len);
}

/* What is read must be memory; words of flash that read differently each time do so here too. */
static const uint8_t *readable(struct hf_machine *machine, uint32_t addr, uint32_t len)
{
	const uint8_t *mem = hf_machine_memory(machine, addr, len);
	int first = hf_flash_sector(addr);

	if (!mem || first < 0)
		return mem;
	if (hf_flash_busy(machine))
		return NULL;
	for (uint32_t page = (addr - HF_TWIN_FLASH_ADDR) & ~(machine->cpu_page - 1);
	     page < addr - HF_TWIN_FLASH_ADDR + len; page += machine->cpu_page)
		hf_fault_read(machine, page);
	return mem;
}

/* ---- SHA-256 on Mbed TLS's context ---- */

static void process(uint8_t *context, const uint8_t *data, size_t len)
{
	SHA256_CTX c;

	SHA256_Init(&c);
	for (unsigned i = 0; i < 8; i++)
		c.h[i] = load_le32(context + STATE_AT + 4 * i);
	SHA256_Update(&c, data, len);
	for (unsigned i = 0; i < 8; i++)
		store_le32(context + STATE_AT + 4 * i, c.h[i]);
}

static void start(uint8_t *context)
{
	SHA256_CTX c;

	SHA256_Init(&c);
	memset(context + TOTAL_AT, 0, 8);
	for (unsigned i = 0; i < 8; i++)
		store_le32(context + STATE_AT + 4 * i, c.h[i]);
}

/* Returns the blocks of 64 bytes. */
static uint32_t update(uint8_t *context, const uint8_t *data, uint32_t len)
{
	uint32_t left = load_le32(context + TOTAL_AT) & 63, fill = 64 - left, blocks = (left + len) / 64, whole;

	store_le64(context + TOTAL_AT, load_le64(context + TOTAL_AT) + len);
	if (left && len >= fill) {
		memcpy(context + BUFFER_AT + left, data, fill);
		process(context, context + BUFFER_AT, 64);
		data += fill;
		len -= fill;
		left = 0;
	}
	whole = len & ~63u;
	process(context, data, whole);
	memcpy(context + BUFFER_AT + left, data + whole, len - whole);
	return blocks;
}

static uint32_t finish(uint8_t *context, uint8_t digest[32])
{
	uint64_t bits = load_le64(context + TOTAL_AT) * 8;
	uint32_t used = load_le32(context + TOTAL_AT) & 63, blocks = used < 56 ? 1 : 2;
	uint8_t tail[128] = { 0 };

	memcpy(tail, context + BUFFER_AT, used);
	tail[used] = 0x80;
	store_be32(tail + 64 * blocks - 8, (uint32_t)(bits >> 32));
	store_be32(tail + 64 * blocks - 4, (uint32_t)bits);
	process(context, tail, 64 * blocks);
	for (unsigned i = 0; i < 8; i++)
		store_be32(digest + 4 * i, load_le32(context + STATE_AT + 4 * i));
	return blocks;
}

/* ---- calls ---- */

static bool get_bytes(struct hf_machine *machine, uint32_t addr, uint32_t len, struct hf_bytes *bytes)
{
	bytes->ptr = readable(machine, addr, len);
	bytes->len = len;
	return bytes->ptr != NULL;
}

static void charge(struct call *call, uint32_t blocks)
{
	call->cycles = call->cost->call_cycles + (uint64_t)blocks * call->cost->block_cycles;
	call->insns = call->cost->call_insns + (uint64_t)blocks * call->cost->block_insns;
}

static bool answer_verify(struct hf_machine *machine, struct call *call)
{
	struct hf_bytes key, message, signature;
	uint32_t blocks = (call->stack[0] + 9 + 63) / 64; /* of the message and its padding */
	enum hf_err err;

	if (!get_bytes(machine, call->arg[1], call->arg[2], &key) ||
	    !get_bytes(machine, call->arg[3], call->stack[0], &message))
		return false;
	if (!get_bytes(machine, call->stack[1], call->stack[2], &signature))
		return false;
	if ((int32_t)call->arg[0] != HF_ALG_ESP256)
		return false;
	err = hf_host_crypto.verify(HF_ALG_ESP256, key, message, signature);
	call->result = err == HF_OK ? HF_OK : HF_ERR_SIGNATURE;
	charge(call, blocks);
	return true;
}

/* Works the results out without changing anything; false: it must be executed. */
static bool answer(struct hf_machine *machine, struct call *call)
{
	const uint8_t *context, *data;
	uint8_t scratch[STATE_BYTES];
	uint32_t blocks = 0;

	if (call->kind == HF_NATIVE_VERIFY)
		return answer_verify(machine, call);
	context = writable(machine, call->arg[0], STATE_BYTES);
	if (!context)
		return false;
	call->where = call->arg[0];
	call->out_bytes = STATE_BYTES;
	memcpy(call->out, context, STATE_BYTES);
	if (call->kind == HF_NATIVE_START) {
		start(call->out);
	} else if (call->kind == HF_NATIVE_UPDATE) {
		data = call->arg[2] ? readable(machine, call->arg[1], call->arg[2]) : context;
		if (!data)
			return false;
		blocks = update(call->out, data, call->arg[2]);
	} else {
		if (!writable(machine, call->arg[1], HF_SHA256_BYTES))
			return false;
		memcpy(scratch, context, STATE_BYTES);
		blocks = finish(scratch, call->out);
		call->where = call->arg[1];
		call->out_bytes = HF_SHA256_BYTES;
	}
	charge(call, blocks);
	return true;
}

static bool read_call(struct hf_machine *machine, enum hf_native_kind kind, const struct hf_native_cost *cost,
		      struct call *call)
{
	const uint8_t *stack = hf_machine_memory(machine, hf_cpu_get(machine, UC_ARM_REG_SP), 12);

	*call = (struct call){ .kind = kind, .cost = cost };
	for (int i = 0; i < 4; i++)
		call->arg[i] = hf_cpu_get(machine, UC_ARM_REG_R0 + i);
	for (unsigned i = 0; stack && i < 3; i++)
		call->stack[i] = load_le32(stack + 4 * i);
	return stack != NULL;
}

static void apply(struct hf_machine *machine, const struct call *call)
{
	if (call->where) {
		memcpy(hf_machine_memory(machine, call->where, call->out_bytes), call->out, call->out_bytes);
		hf_cpu_code_changed(machine, call->where, call->out_bytes);
	}
	if (call->kind == HF_NATIVE_VERIFY)
		hf_cpu_set(machine, UC_ARM_REG_R0, call->result);
	machine->st.counts.instructions += call->insns;
	machine->st.counts.native_calls++;
	hf_cpu_jump(machine, hf_cpu_get(machine, UC_ARM_REG_LR));
}

/* ---- time ---- */

/* The call at pc was begun before, and interrupted. */
static bool going_on(const struct hf_machine *machine, uint32_t pc)
{
	const struct hf_core *st = &machine->st;

	return st->native.pc == pc && st->native.sp == hf_cpu_get(machine, UC_ARM_REG_SP);
}

/* false: something else must be done first; the call will be entered again. */
static bool spend_rest(struct hf_machine *machine, uint32_t pc)
{
	struct hf_core *st = &machine->st;

	while (st->native.left) {
		uint64_t slice;

		if (hf_run_attention(machine, pc))
			return false;
		slice = machine->check_at > st->cycles ? machine->check_at - st->cycles : 1;
		slice = slice < st->native.left ? slice : st->native.left;
		st->cycles += slice;
		st->native.left -= slice;
	}
	return true;
}

/* Spends the call's time: true when all of it is spent. */
static bool spend(struct hf_machine *machine, const struct call *call, uint32_t pc)
{
	struct hf_core *st = &machine->st;

	if (!going_on(machine, pc)) {
		if (st->native.pc) {
			st->cycles += call->cycles; /* inside a handler that interrupted another call: at once */
			return true;
		}
		st->native.pc = pc;
		st->native.sp = hf_cpu_get(machine, UC_ARM_REG_SP);
		st->native.left = call->cycles;
	}
	if (!spend_rest(machine, pc))
		return false;
	st->native.pc = 0;
	return true;
}

/* ---- compare ---- */

static void watch_return(struct hf_machine *machine, const struct call *call, uint32_t pc)
{
	struct hf_native *native = machine->native;

	native->comparing = true;
	native->entry_pc = pc;
	native->return_pc = hf_cpu_get(machine, UC_ARM_REG_LR) & ~1u;
	native->return_sp = hf_cpu_get(machine, UC_ARM_REG_SP);
	native->kind = call->kind;
	native->where = call->where;
	native->result = call->result;
	memcpy(native->expected, call->out, call->out_bytes);
	native->expected_bytes = call->out_bytes;
	hf_cost_flush(&machine->cost); /* the block that it returns to must be seen */
}

static void compare(struct hf_machine *machine)
{
	struct hf_native *native = machine->native;
	bool same;

	native->comparing = false;
	if (native->where)
		same = memcmp(hf_machine_memory(machine, native->where, native->expected_bytes), native->expected,
			      native->expected_bytes) == 0;
	else
		same = hf_cpu_get(machine, UC_ARM_REG_R0) == native->result;
	machine->st.counts.native_compared++;
	if (!same)
		hf_machine_event(machine, HF_TWIN_EV_NATIVE, native->entry_pc, 0, hf_native_names[native->kind]);
}

/* ---- the block hook's side ---- */

bool hf_native_is_entry(const struct hf_machine *machine, uint32_t pc)
{
	const struct hf_native *native = machine->native;

	for (unsigned i = 0; native && i < native->entries; i++)
		if (native->entry[i].addr == pc)
			return true;
	return native && native->comparing && native->return_pc == pc;
}

static bool is_there(struct hf_machine *machine, unsigned i)
{
	const struct hf_native *native = machine->native;
	const uint8_t *code = hf_machine_memory(machine, native->entry[i].addr, CODE_BYTES);

	return code && memcmp(code, native->entry[i].code, native->entry[i].code_bytes) == 0;
}

void hf_native_abandon(struct hf_machine *machine)
{
	machine->st.native.pc = 0;
	if (machine->native)
		machine->native->comparing = false;
}

bool hf_native_call(struct hf_machine *machine, uint32_t pc)
{
	struct hf_native *native = machine->native;
	struct call call;
	unsigned i = 0;

	if (native->comparing) {
		if (pc == native->return_pc && hf_cpu_get(machine, UC_ARM_REG_SP) == native->return_sp)
			compare(machine);
		return false;
	}
	while (i < native->entries && native->entry[i].addr != pc)
		i++;
	if (i == native->entries || !is_there(machine, i))
		return false;
	if (going_on(machine, pc) && !spend_rest(machine, pc))
		return true;
	if (!read_call(machine, native->entry[i].kind, &native->entry[i].cost, &call) || !answer(machine, &call))
		return false;
	if (native->mode == HF_TWIN_NATIVE_COMPARE && !machine->st.native.pc &&
	    native->calls++ % native->sample == 0) {
		watch_return(machine, &call, pc);
		return false;
	}
	if (spend(machine, &call, pc))
		apply(machine, &call);
	return true;
}

/* ---- the public side ---- */

static struct hf_native *native_of(struct hf_machine *machine)
{
	if (!machine->native)
		machine->native = calloc(1, sizeof(*machine->native));
	return machine->native;
}

void hf_twin_native(struct hf_twin *twin, enum hf_twin_native mode, uint32_t sample)
{
	struct hf_machine *machine = &twin->machine;
	struct hf_native *native = native_of(machine);

	if (!native)
		return;
	native->mode = mode;
	native->sample = sample ? sample : 1;
	native->comparing = false;
	if (mode == HF_TWIN_NATIVE_OFF)
		machine->block_stops &= (uint8_t)~BLOCK_NATIVE;
	else
		machine->block_stops |= BLOCK_NATIVE;
}

static unsigned find_functions(const struct hf_firmware *firmware, uint32_t addr[HF_NATIVE_KINDS])
{
	unsigned found = 0;

	for (unsigned k = 0; k < HF_NATIVE_KINDS; k++) {
		if (hf_firmware_symbol(firmware, hf_native_names[k], &addr[k]) == HF_OK)
			found++;
		else
			addr[k] = 0;
	}
	return found;
}

static void keep_code(const struct hf_firmware *firmware, uint32_t addr, uint8_t code[CODE_BYTES], uint32_t *len)
{
	struct hf_firmware_segment s;

	*len = 0;
	for (uint32_t i = 0; i < firmware->segments; i++) {
		if (!hf_firmware_segment(firmware, i, &s) || addr - s.run_addr >= s.len || s.len - (addr - s.run_addr) < CODE_BYTES)
			continue;
		memcpy(code, s.bytes + (addr - s.run_addr), CODE_BYTES);
		*len = CODE_BYTES;
	}
}

enum hf_err hf_twin_native_symbols(struct hf_twin *twin, const void *elf, size_t len, int32_t offset)
{
	struct hf_native *native = native_of(&twin->machine);
	uint32_t addr[HF_NATIVE_KINDS];
	struct hf_native_cost cost[HF_NATIVE_KINDS];
	struct hf_firmware firmware;
	enum hf_err err = hf_firmware_open(&firmware, elf, len);
	unsigned found;

	if (err != HF_OK || !native)
		return err != HF_OK ? err : HF_ERR_IO;
	found = find_functions(&firmware, addr);
	if (!found)
		return HF_ERR_NOT_FOUND;
	if (native->entries + found > MAX_ENTRIES)
		return HF_ERR_FULL;
	err = hf_native_measure(elf, len, addr, cost); /* where it was linked: it is not relocated */;
	if (err != HF_OK)
		return err;
	for (unsigned k = 0; k < HF_NATIVE_KINDS; k++) {
		if (!addr[k])
			continue;
		native->entry[native->entries].addr = addr[k] + (uint32_t)offset;
		native->entry[native->entries].kind = (enum hf_native_kind)k;
		keep_code(&firmware, addr[k], native->entry[native->entries].code, &native->entry[native->entries].code_bytes);
		native->entry[native->entries++].cost = cost[k];
	}
	hf_cost_flush(&twin->machine.cost);
	return HF_OK;
}

void hf_twin_native_forget(struct hf_twin *twin, uint32_t addr, uint32_t size)
{
	struct hf_native *native = twin->machine.native;
	unsigned kept = 0;

	if (!native)
		return;
	for (unsigned i = 0; i < native->entries; i++)
		if (native->entry[i].addr - addr >= size)
			native->entry[kept++] = native->entry[i];
	native->entries = kept;
	hf_cost_flush(&twin->machine.cost);
}

void hf_native_close(struct hf_machine *machine)
{
	free(machine->native);
}

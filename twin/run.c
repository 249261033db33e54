/* SPDX-License-Identifier: MIT
 *
 * The run loop: lets the core execute until something is due, jumps over sleep, takes resets and cuts.
 *
 * hf_run_attention() does most of it inside the engine, at the start of a block, because leaving the engine costs more
 * than a handler. Only what replaces the core's state as a whole (reset, cut, sleep, a fault) comes out to step().
 */
#include "internal.h"

#include "rom.h"

#define POWER_ON_NS   1500000u /* typical temporisation */
#define RESET_PULSE_NS 20000u  /* the shortest pulse that an internal reset gives */

static uint64_t earliest_ns(const struct hf_machine *machine)
{
	uint64_t ns = machine->until_ns;

	ns = machine->st.next_due < ns ? machine->st.next_due : ns;
	return machine->st.on && machine->cut_at_ns < ns ? machine->cut_at_ns : ns;
}

static uint64_t earliest_cycle(const struct hf_machine *machine)
{
	uint64_t cycle = hf_machine_cycle_of(machine, earliest_ns(machine));

	return machine->st.nvic.systick_at < cycle ? machine->st.nvic.systick_at : cycle;
}

static bool cut_is_due(struct hf_machine *machine)
{
	if (machine->cut_now)
		return true;
	if (machine->cut_at_ns != HF_NEVER && hf_machine_now_ns(machine) >= machine->cut_at_ns)
		machine->cut_now = true;
	if (machine->cut_armed && machine->cut.when == HF_TWIN_CUT_INSTRUCTION &&
	    machine->st.counts.instructions >= machine->cut.at)
		machine->cut_now = true;
	return machine->cut_now;
}

static void run_due(struct hf_machine *machine)
{
	hf_machine_run_due(machine);
	while (machine->st.cycles >= machine->st.nvic.systick_at)
		hf_nvic_systick_due(machine);
	if (machine->st.cycles >= machine->rearm_at) {
		hf_fault_reads_anew(machine);
		hf_cpu_rearm_reads(machine);
	}
}

static void set_check(struct hf_machine *machine)
{
	uint64_t at = earliest_cycle(machine);

	at = machine->rearm_at < at ? machine->rearm_at : at;
	if (machine->cut_armed && machine->cut.when == HF_TWIN_CUT_INSTRUCTION) {
		/* An instruction takes a cycle at least: there is nothing to look at before. */
		uint64_t soon = machine->st.cycles + (machine->cut.at - machine->st.counts.instructions);

		at = soon < at ? soon : at;
	}
	machine->check_at = at;
}

/* Whether the core must come out to step(). */
static bool must_leave(struct hf_machine *machine)
{
	return machine->leave || machine->stop_requested || machine->reset_requested || cut_is_due(machine) ||
	       machine->bus_error || machine->st.locked || machine->error;
}

bool hf_run_attention(struct hf_machine *machine, uint32_t pc)
{
	enum hf_nvic_pick pick;
	unsigned exception;

	hf_flash_settle(machine);
	if (!must_leave(machine))
		run_due(machine);
	if (must_leave(machine) || hf_machine_now_ns(machine) >= machine->until_ns) {
		machine->leave = true;
		uc_emu_stop(machine->uc);
		return true;
	}
	pick = hf_nvic_pick(machine, &exception);
	if (pick == PICK_TAKE) {
		machine->check_at = 0;
		hf_nvic_enter(machine, exception, pc);
		if (machine->leave)
			uc_emu_stop(machine->uc);
		return true;
	}
	set_check(machine);
	if (pick == PICK_MASKED)
		machine->check_at = 0; /* nothing tells when the mask goes */
	return false;
}

/* ---- partitions ---- */

static struct hf_span partition(const struct hf_machine *machine, unsigned n)
{
	const struct hf_layout *layout = &machine->layout;
	const struct hf_span spans[] = { layout->boot, layout->recovery, layout->slot[0], layout->slot[1] };

	return n < sizeof(spans) / sizeof(spans[0]) ? spans[n] : (struct hf_span){ 0, 0 };
}

void hf_run_enter(struct hf_machine *machine, uint32_t pc)
{
	struct hf_span span;

	machine->home = 0;
	machine->home_size = UINT32_MAX; /* without a layout nothing is another partition */
	for (unsigned n = 0; machine->has_layout && (span = partition(machine, n), n < 4); n++) {
		if (pc - span.addr >= span.size)
			continue;
		machine->home = span.addr;
		machine->home_size = span.size;
		if (!(machine->st.entered >> n & 1)) {
			machine->st.entered |= 1u << n;
			hf_machine_event(machine, HF_TWIN_EV_ENTER, pc, span.addr, NULL);
		}
		return;
	}
	if (machine->has_layout)
		machine->home_size = 0;
}

/* ---- reset and power ---- */

void hf_run_request_reset(struct hf_machine *machine, enum hf_twin_reset cause)
{
	machine->reset_requested = true;
	machine->st.reset_cause = cause;
	hf_machine_look(machine);
}

static void reset_devices(struct hf_machine *machine, bool power_on)
{
	memset(machine->st.nvic.level, 0, sizeof(machine->st.nvic.level));
	for (unsigned i = 0; i < machine->devs; i++) {
		hf_machine_forget_due(machine, i);
		if (machine->dev[i].ops->reset)
			machine->dev[i].ops->reset(&machine->dev[i], power_on);
	}
}

/* The core is to begin after so long, with what the straps say now. */
static void hold(struct hf_machine *machine, uint64_t ns)
{
	uint32_t vectors[2];

	memcpy(vectors, hf_rom_boots(machine) ? machine->sysmem : machine->flash, sizeof(vectors));
	hf_cpu_reset(machine, vectors[0], vectors[1]);
	machine->st.held_until = machine->st.reset_low ? HF_NEVER : hf_machine_now_ns(machine) + ns;
	hf_machine_look(machine);
}

void hf_run_release(struct hf_machine *machine)
{
	hold(machine, RESET_PULSE_NS);
}

/* An operation of the flash that is under way when the supply or a reset ends it is torn. */
static void end_operation(struct hf_machine *machine)
{
	hf_flash_settle(machine);
	if (hf_flash_busy(machine))
		hf_flash_tear(machine, hf_fault_fraction(machine));
}

void hf_run_reset(struct hf_machine *machine, enum hf_twin_reset cause)
{
	struct hf_core *st = &machine->st;
	bool power_on = cause == HF_TWIN_RESET_POWER;

	end_operation(machine);
	machine->reset_requested = false;
	machine->bus_error = false;
	st->reset_cause = cause;
	st->locked = st->asleep = false;
	st->entered = 0;
	hf_native_abandon(machine);
	hf_cpu_forget_ram_code(machine);
	st->refill = 0;
	machine->home_size = 0;
	st->counts.resets++;
	reset_devices(machine, power_on);
	hf_nvic_reset(machine);
	hold(machine, power_on || cause == HF_TWIN_RESET_BROWN_OUT ? POWER_ON_NS : RESET_PULSE_NS);
	hf_machine_event(machine, HF_TWIN_EV_RESET, cause, 0, NULL);
}

static void fill_random(struct hf_machine *machine, uint8_t *mem, uint32_t addr, uint32_t size)
{
	for (uint32_t i = 0; i < size; i += 8) {
		uint64_t r = hf_machine_random(machine);

		memcpy(mem + i, &r, 8);
	}
	hf_cpu_code_changed(machine, addr, size);
}

void hf_twin_power_on(struct hf_twin *twin)
{
	struct hf_machine *machine = &twin->machine;

	if (machine->st.on)
		return;
	machine->st.on = true;
	fill_random(machine, machine->sram, HF_TWIN_SRAM_ADDR, HF_TWIN_SRAM_SIZE);
	fill_random(machine, machine->ccm, HF_TWIN_CCM_ADDR, HF_TWIN_CCM_SIZE);
	hf_machine_event(machine, HF_TWIN_EV_POWER, 1, 0, NULL);
	hf_run_reset(machine, HF_TWIN_RESET_POWER);
}

void hf_run_power_off(struct hf_machine *machine)
{
	if (!machine->st.on)
		return;
	end_operation(machine);
	for (unsigned i = 0; i < machine->devs; i++) {
		hf_machine_forget_due(machine, i);
		if (machine->dev[i].ops->power_off)
			machine->dev[i].ops->power_off(&machine->dev[i]);
	}
	hf_machine_clocks_stop(machine);
	machine->st.on = machine->st.asleep = machine->st.locked = false;
	machine->reset_requested = false;
	machine->st.nvic.systick_at = NO_CYCLE;
	hf_fault_reads_anew(machine);
	hf_machine_event(machine, HF_TWIN_EV_POWER, 0, 0, NULL);
}

/* The chip is then off, or at the beginning of a reset. */
static void cut(struct hf_machine *machine)
{
	static const enum hf_twin_reset causes[] = {
		[HF_TWIN_CUT_BROWN_OUT] = HF_TWIN_RESET_BROWN_OUT,
		[HF_TWIN_CUT_WATCHDOG] = HF_TWIN_RESET_IWDG,
		[HF_TWIN_CUT_PIN] = HF_TWIN_RESET_PIN,
	};
	bool busy = hf_flash_busy(machine);
	bool of_operation = busy || machine->cut.when == HF_TWIN_CUT_OPERATION || machine->cut.when == HF_TWIN_CUT_NEXT;
	uint32_t operation = (uint32_t)(machine->st.counts.flash_ops - busy);
	const char *kind = !of_operation ? NULL : machine->operation.erase ? "erase" : "program";

	hf_flash_settle(machine);
	hf_machine_event(machine, HF_TWIN_EV_CUT, of_operation ? machine->operation.addr : 0, operation, kind);
	end_operation(machine);
	machine->cut_armed = false;
	machine->cut_at_ns = HF_NEVER;
	machine->cut_now = false;
	if (machine->cut.how == HF_TWIN_CUT_POWER)
		hf_run_power_off(machine);
	else
		hf_run_reset(machine, causes[machine->cut.how]);
}

/* ---- the loop ---- */

static void idle(struct hf_machine *machine)
{
	struct hf_core *st = &machine->st;
	uint64_t ns = earliest_ns(machine), cycle;

	if (!st->on) {
		st->base_ns = ns > st->base_ns ? ns : st->base_ns;
		return;
	}
	if (st->held_until > hf_machine_now_ns(machine) && st->held_until < ns)
		ns = st->held_until;
	cycle = hf_machine_cycle_of(machine, ns);
	if (st->nvic.systick_at < cycle)
		cycle = st->nvic.systick_at;
	if (cycle > st->cycles) {
		st->slept += cycle - st->cycles;
		st->cycles = cycle;
	}
}

static void step(struct hf_machine *machine)
{
	struct hf_core *st = &machine->st;
	unsigned exception;

	if (!st->on || st->locked || st->held_until > hf_machine_now_ns(machine) || hf_rom_active(machine)) {
		idle(machine);
		return;
	}
	if (machine->bus_error) {
		machine->bus_error = false;
		hf_nvic_fault(machine, EXC_BUS_FAULT, 1u << 10, st->pc);
		return;
	}
	if (hf_nvic_pick(machine, &exception) == PICK_TAKE) {
		hf_nvic_enter(machine, exception, st->pc);
		return;
	}
	if (st->asleep) {
		if (!hf_nvic_wakes(machine)) {
			idle(machine);
			return;
		}
		st->asleep = false;
	}
	if (hf_rom_at(st->pc)) {
		hf_rom_enter(machine);
		return;
	}
	machine->check_at = 0;
	hf_cpu_run(machine);
}

enum hf_twin_stop hf_twin_run(struct hf_twin *twin, uint64_t until_ns)
{
	struct hf_machine *machine = &twin->machine;

	machine->stop_requested = false;
	machine->until_ns = until_ns;
	for (;;) {
		hf_flash_settle(machine);
		if (machine->error)
			return HF_TWIN_BROKEN;
		if (machine->stale)
			hf_fault_drop_stale(machine);
		if (machine->st.on && cut_is_due(machine)) {
			cut(machine);
			if (!machine->st.on)
				return HF_TWIN_OFF;
		}
		if (machine->reset_requested)
			hf_run_reset(machine, machine->st.reset_cause);
		run_due(machine);
		if (machine->stop_requested)
			return HF_TWIN_STOPPED;
		if (machine->cut_now || machine->reset_requested)
			continue;
		if (hf_machine_now_ns(machine) >= until_ns)
			return HF_TWIN_TIME;
		step(machine);
	}
}

void hf_twin_stop(struct hf_twin *twin)
{
	twin->machine.stop_requested = true;
	hf_machine_look(&twin->machine);
}

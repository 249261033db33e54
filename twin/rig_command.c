/* SPDX-License-Identifier: MIT
 *
 * What each command does, and the answers of those that ask.
 */
#include "rig_internal.h"

#include <string.h>

#include "adc.h"
#include "led_pin.h"
#include "modbus_bus.h"
#include "usart.h"

/* The opposite of the command, when its time is over. */
static enum hf_err keep_end(struct hf_rig *rig, const struct hf_command *command, struct hf_diag *diag)
{
	struct hf_command end = *command;
	if (command->duration_ns == 0)
		return HF_OK;
	end.timed = true;
	end.at_ns = hf_rig_now_ns(rig) + command->duration_ns;
	end.duration_ns = 0;
	end.on = !command->on;
	end.rate = 0;
	return hf_rig_keep(rig, &end, diag);
}

void hf_rig_arm(struct hf_rig *rig)
{
	static const enum hf_twin_cut_what what[] = { HF_TWIN_CUT_ANY, HF_TWIN_CUT_PROGRAM, HF_TWIN_CUT_ERASE };
	static const enum hf_twin_cut_how how[] = { HF_TWIN_CUT_POWER, HF_TWIN_CUT_BROWN_OUT, HF_TWIN_CUT_WATCHDOG,
						    HF_TWIN_CUT_PIN };
	const struct hf_cut *cut = &rig->cut[0];
	struct hf_span span = hf_partition_span(&rig->board->layout, cut->in);
	struct hf_twin_counts counts;
	if (rig->cuts == 0)
		return;
	hf_twin_counts(rig->twin, &counts);
	const struct hf_twin_cut armed = {
		.when = cut->numbered ? HF_TWIN_CUT_OPERATION : HF_TWIN_CUT_NEXT,
		.at = cut->number,
		.fraction = cut->fraction,
		.unstable = cut->unstable,
		.seed = counts.flash_ops + 1,
		.what = what[cut->what],
		.addr = span.addr,
		.size = span.size,
		.how = how[cut->how],
	};
	hf_twin_arm_cut(rig->twin, &armed);
}

static enum hf_err add_cut(struct hf_rig *rig, const struct hf_cut *cut, struct hf_diag *diag)
{
	struct hf_twin_counts counts;
	hf_twin_counts(rig->twin, &counts);
	if (cut->numbered && cut->number < counts.flash_ops) {
		hf_diag_set(diag, "flash operation %llu is past: %llu were done", (unsigned long long)cut->number,
			    (unsigned long long)counts.flash_ops);
		return HF_ERR_RANGE;
	}
	if (cut->in != HF_PARTITION_ANY && hf_partition_span(&rig->board->layout, cut->in).size == 0) {
		hf_diag_set(diag, "this board has no partition '%s'", hf_partition_text(cut->in));
		return HF_ERR_RANGE;
	}
	if (rig->cuts == HF_RIG_CUTS) {
		hf_diag_set(diag, "%d cuts are waiting already; 'cut cancel' drops them", HF_RIG_CUTS);
		return HF_ERR_FULL;
	}
	rig->cut[rig->cuts++] = *cut;
	if (rig->cuts == 1)
		hf_rig_arm(rig);
	return HF_OK;
}

static json_t *led_json(struct hf_rig *rig)
{
	const struct hf_led *led = hf_twin_led(rig->twin);
	return json_pack("{s:s, s:I, s:I, s:I}", "state", hf_led_text(led->state), "period_ms",
			 (json_int_t)led->period_ms, "flashes", (json_int_t)led->flashes, "since_ns",
			 (json_int_t)led->since_ns);
}

static json_t *slave_json(const struct hf_modbus_slave *slave)
{
	return json_pack("{s:I, s:I, s:f}", "polls", (json_int_t)slave->polls, "readings",
			 (json_int_t)slave->readings, "gap_ms", (double)slave->gap_ns / NS_PER_MS);
}

static json_t *modbus_json(struct hf_rig *rig)
{
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(hf_twin_machine(rig->twin));
	json_t *slaves = json_array();
	for (unsigned i = 0; i < bench->slaves; i++)
		json_array_append_new(slaves, slave_json(&bench->slave[i]));
	uint64_t silent = bench->last_ns != HF_NEVER ? hf_rig_now_ns(rig) - bench->last_ns : 0;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "polls", (json_int_t)bench->polls, "readings",
			 (json_int_t)bench->readings, "crc_errors", (json_int_t)bench->crc_errors, "early",
			 (json_int_t)bench->early, "lost", (json_int_t)bench->lost, "gap_ns",
			 (json_int_t)bench->gap_ns, "gap_from_ns", (json_int_t)bench->gap_start_ns,
			 "since_last_ms", (double)silent / NS_PER_MS, "slaves", slaves);
}

static json_t *uart_json(struct hf_rig *rig, enum hf_rig_port port)
{
	struct hf_usart_counts c;
	hf_usart_counts(hf_twin_machine(rig->twin), hf_rig_usart(rig, port), &c);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "taken", (json_int_t)c.taken, "damaged", (json_int_t)c.damaged,
			 "overruns", (json_int_t)c.overruns, "unheard", (json_int_t)c.unheard, "sent",
			 (json_int_t)c.sent);
}

static const char *running_text(const struct hf_rig *rig)
{
	if (hf_twin_in_rom(rig->twin))
		return "rom";
	return rig->running != HF_PARTITION_ANY ? hf_partition_text(rig->running) : "nothing";
}

/* RM0090, table 13: BOR_LEV counts down from off. */
static json_t *options_json(const struct hf_rig *rig)
{
	uint32_t optcr = hf_twin_optcr(rig->twin);
	uint8_t rdp = (uint8_t)(optcr >> 8);
	json_t *protected = json_array();
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		if ((optcr >> (16 + s) & 1) == 0)
			json_array_append_new(protected, json_integer((json_int_t)s));
	return json_pack("{s:I, s:i, s:i, s:b, s:o}", "optcr", (json_int_t)optcr, "rdp",
			 rdp == 0xaa ? 0 : rdp == 0xcc ? 2 : 1, "bor", 3 - (int)(optcr >> 2 & 3), "wdg_sw",
			 (optcr & 0x20) != 0, "protected", protected);
}

json_t *hf_rig_status(struct hf_rig *rig)
{
	struct hf_twin_counts c;
	hf_twin_counts(rig->twin, &c);
	json_t *trouble = json_pack("{s:i, s:i, s:i}", "stall_errors", (int)rig->trouble.stalls, "faults",
				    (int)rig->trouble.faults, "misuse", (int)rig->trouble.misuse);
	return json_pack("{s:I, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "t_ns",
			 (json_int_t)hf_rig_now_ns(rig), "power", hf_twin_is_on(rig->twin) ? "on" : "off", "running",
			 running_text(rig), "options", options_json(rig), "resets", (json_int_t)c.resets, "instructions", (json_int_t)c.instructions, "cycles",
			 (json_int_t)c.cycles, "stall_cycles", (json_int_t)c.stall_cycles, "flash_ops",
			 (json_int_t)c.flash_ops, "flash_programs", (json_int_t)c.flash_programs, "flash_erases",
			 (json_int_t)c.flash_erases, "supply_mv", (json_int_t)hf_adc_supply_mv(hf_twin_machine(rig->twin)),
			 "temperature_dc", (json_int_t)hf_adc_temperature_dc(hf_twin_machine(rig->twin)), "trouble", trouble, "led", led_json(rig), "maintenance",
			 uart_json(rig, HF_RIG_MAINTENANCE), "modbus", modbus_json(rig));
}

/* value is given. */
static void answer_json(char answer[HF_RIG_ANSWER], json_t *value)
{
	size_t len = json_dumpb(value, answer, HF_RIG_ANSWER - 1, JSON_PRESERVE_ORDER);
	answer[len < HF_RIG_ANSWER ? len : 0] = 0;
	json_decref(value);
}

static enum hf_err set_slave(struct hf_rig *rig, const struct hf_command *command, struct hf_diag *diag)
{
	struct hf_modbus_bench *bench = hf_modbus_bus_bench(hf_twin_machine(rig->twin));
	if (command->slave > bench->slaves) {
		hf_diag_set(diag, "there is no slave %u on the bus: %u are", command->slave, bench->slaves);
		return HF_ERR_RANGE;
	}
	bench->slave[command->slave - 1].mode = (enum hf_modbus_mode)command->mode;
	return HF_OK;
}

static enum hf_err damage(struct hf_rig *rig, const struct hf_command *command, struct hf_diag *diag)
{
	enum hf_err err = command->kind == HF_CMD_FLIP ? hf_twin_flip(rig->twin, command->addr, command->bits)
						       : hf_twin_stick_word(rig->twin, command->addr, command->bits);
	if (err != HF_OK)
		hf_diag_set(diag, "there is no word of memory at 0x%08x that this can be done to", command->addr);
	return err;
}

static enum hf_err line_fault(struct hf_rig *rig, const struct hf_script_fault *f)
{
	const struct hf_twin_line_fault fault = {
		.to_device = f->to_device,
		.kind = (enum hf_twin_line_kind)f->kind,
		.at = f->at,
		.count = f->count > UINT32_MAX ? UINT32_MAX : (uint32_t)f->count,
		.ppm = f->ppm,
		.seed = f->seed,
	};
	return hf_twin_line_fault(rig->twin, rig->board->maintenance.usart, &fault);
}

/* What memory, clocks and lines do wrong from now on. */
static enum hf_err break_part(struct hf_rig *rig, const struct hf_command *c, struct hf_diag *diag)
{
	const struct hf_script_fault *f = &c->fault;
	uint32_t number = f->at > UINT32_MAX ? UINT32_MAX : (uint32_t)f->at;
	enum hf_err err = HF_OK;
	if (c->kind == HF_CMD_UNSTABLE)
		err = hf_twin_unstable(rig->twin, c->addr, f->size, (uint32_t)(c->rate * 65536), f->seed);
	else if (c->kind == HF_CMD_WORN)
		err = hf_twin_wear_out(rig->twin, f->sector, number, (enum hf_twin_worn)f->kind, f->seed);
	else if (c->kind == HF_CMD_DISTURB)
		err = hf_twin_disturb(rig->twin, c->addr, c->bits, number);
	else if (c->kind == HF_CMD_FLASH_SPEED)
		hf_twin_flash_speed(rig->twin, f->permille);
	else if (c->kind == HF_CMD_CLOCKS)
		hf_twin_clocks(rig->twin, f->lsi_hz, f->of_hsi ? f->ppm : HF_TWIN_KEEP);
	else if (c->kind == HF_CMD_LINE)
		err = line_fault(rig, f);
	if (err == HF_ERR_FULL)
		hf_diag_set(diag, "too many faults of this kind are waiting already");
	else if (err != HF_OK)
		hf_diag_set(diag, "the twin has nothing that fails like this: look at the address, the sector or the ppm");
	return err;
}

static bool active(const struct hf_rig *rig, enum hf_wire wire)
{
	const struct hf_wired *wired = &rig->wire[wire];
	return ((rig->signals & wired->signal) != 0) != wired->inverted;
}

void hf_rig_signals(struct hf_rig *rig, uint8_t signals)
{
	rig->signals = signals;
	if (rig->wire[HF_WIRE_BOOT0].signal != 0)
		hf_twin_boot0(rig->twin, active(rig, HF_WIRE_BOOT0));
	if (rig->wire[HF_WIRE_RESET].signal != 0)
		hf_twin_reset_hold(rig->twin, active(rig, HF_WIRE_RESET));
}

enum hf_err hf_rig_execute(struct hf_rig *rig, const struct hf_command *c, char answer[HF_RIG_ANSWER],
			   struct hf_diag *diag)
{
	struct hf_machine *machine = hf_twin_machine(rig->twin);
	unsigned usart = rig->board->maintenance.usart;
	strcpy(answer, "ok");
	switch (c->kind) {
	case HF_CMD_POWER:
		hf_rig_power(rig, c->on);
		return keep_end(rig, c, diag);
	case HF_CMD_RESET:
		if (c->duration_ns == 0 && !c->on)
			hf_twin_reset(rig->twin, HF_TWIN_RESET_PIN);
		else
			hf_twin_reset_hold(rig->twin, !c->on);
		return keep_end(rig, c, diag);
	case HF_CMD_WIRE:
		rig->wire[c->wire] = c->wired;
		hf_rig_signals(rig, rig->signals);
		return HF_OK;
	case HF_CMD_CUT:
		return add_cut(rig, &c->cut, diag);
	case HF_CMD_CUT_CANCEL:
		rig->cuts = 0;
		hf_twin_disarm_cut(rig->twin);
		return HF_OK;
	case HF_CMD_CABLE:
		hf_usart_cable(machine, usart, c->on);
		hf_events_tell(&rig->events, hf_rig_now_ns(rig), "cable", json_pack("{s:b}", "on", c->on));
		return keep_end(rig, c, diag);
	case HF_CMD_NOISE:
		hf_usart_noise(machine, usart, c->rate);
		return keep_end(rig, c, diag);
	case HF_CMD_LATENCY:
		rig->latency_ns = c->duration_ns;
		return HF_OK;
	case HF_CMD_BREAK:
		hf_usart_break(machine, usart, c->on);
		return keep_end(rig, c, diag);
	case HF_CMD_BOOT0:
		hf_twin_boot0(rig->twin, c->on);
		return keep_end(rig, c, diag);
	case HF_CMD_PARITY:
		rig->parity = c->parity;
		return HF_OK;
	case HF_CMD_RECOVERY:
		hf_rig_press(rig, c->on);
		return keep_end(rig, c, diag);
	case HF_CMD_SUPPLY:
		hf_adc_supply(machine, c->mv);
		return HF_OK;
	case HF_CMD_TEMPERATURE:
		hf_adc_temperature(machine, c->celsius * 10);
		return HF_OK;
	case HF_CMD_SLAVE:
		return set_slave(rig, c, diag);
	case HF_CMD_FLIP:
	case HF_CMD_STICK:
		return damage(rig, c, diag);
	case HF_CMD_UNSTABLE:
	case HF_CMD_WORN:
	case HF_CMD_DISTURB:
	case HF_CMD_FLASH_SPEED:
	case HF_CMD_CLOCKS:
	case HF_CMD_LINE:
		return break_part(rig, c, diag);
	case HF_CMD_BROWN_OUT:
		hf_twin_reset(rig->twin, HF_TWIN_RESET_BROWN_OUT);
		return HF_OK;
	case HF_CMD_MODBUS:
		answer_json(answer, modbus_json(rig));
		return HF_OK;
	case HF_CMD_MODBUS_CLEAR:
		rig->told_gap_ns = 0;
		hf_modbus_slave_clear(hf_modbus_bus_bench(machine));
		return HF_OK;
	case HF_CMD_LED:
		answer_json(answer, led_json(rig));
		return HF_OK;
	case HF_CMD_STATUS:
		answer_json(answer, hf_rig_status(rig));
		return HF_OK;
	case HF_CMD_DUMP:
		return hf_rig_flash_save(rig, c->path, diag);
	case HF_CMD_ADVANCE:
	case HF_CMD_QUIT:
		break;
	}
	hf_diag_set(diag, "this command has no place here");
	return HF_ERR_UNSUPPORTED;
}

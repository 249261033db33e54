/* SPDX-License-Identifier: MIT
 *
 * Commands act between two runs of the twin, never inside one, so that they happen at exact times and in the order of
 * those times; a command that ends by itself queues its own end.
 */
#include "rig_internal.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "modbus_bus.h"
#include "pins.h"

void hf_rig_config_default(struct hf_rig_config *config, const struct hf_board *board)
{
	*config = (struct hf_rig_config){ .board = board, .slaves = 3, .slave_delay_ns = 5 * NS_PER_MS };
	hf_twin_config_default(&config->twin);
}

struct hf_twin *hf_rig_twin(struct hf_rig *rig)
{
	return rig->twin;
}

struct hf_events *hf_rig_events(struct hf_rig *rig)
{
	return &rig->events;
}

uint64_t hf_rig_now_ns(const struct hf_rig *rig)
{
	return hf_twin_now_ns(rig->twin);
}

void hf_rig_wake(struct hf_rig *rig)
{
	rig->woken = true;
	hf_twin_stop(rig->twin);
}

/* ---- what the twin tells ---- */

static void tell_cut(struct hf_rig *rig, const struct hf_twin_event *e)
{
	const struct hf_cut *cut = &rig->cut[0];
	json_t *fields = json_pack("{s:I, s:s, s:I, s:s, s:f, s:b}", "op", (json_int_t)e->b, "kind",
				   e->text != NULL ? e->text : "none", "addr", (json_int_t)e->a, "partition",
				   hf_partition_text(hf_partition_of(&rig->board->layout, e->a)), "fraction",
				   cut->fraction / 65536.0, "unstable", cut->unstable);
	hf_events_tell(&rig->events, e->at_ns, "cut", fields);
}

static void on_event(void *ctx, const struct hf_twin_event *e)
{
	struct hf_rig *rig = ctx;
	if (e->kind == HF_TWIN_EV_CUT)
		tell_cut(rig, e);
	else
		hf_events_twin(&rig->events, e);
	rig->trouble.stalls += e->kind == HF_TWIN_EV_MUST_NOT_STALL;
	rig->trouble.faults += e->kind == HF_TWIN_EV_FAULT || e->kind == HF_TWIN_EV_LOCKUP;
	rig->trouble.misuse += e->kind == HF_TWIN_EV_LOG;
	if (e->kind == HF_TWIN_EV_ENTER)
		rig->running = hf_partition_of(&rig->board->layout, e->b);
	if (e->kind == HF_TWIN_EV_RESET || e->kind == HF_TWIN_EV_POWER)
		rig->running = HF_PARTITION_ANY;
	if (e->kind == HF_TWIN_EV_CUT) {
		rig->was_cut = true;
		hf_twin_stop(rig->twin); /* a cut that is a reset ends no run by itself, and the next one waits */
	}
}

static void on_maintenance(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct hf_rig *rig = ctx;
	const struct peer *peer = &rig->peer[HF_RIG_MAINTENANCE];
	hf_events_uart(&rig->events, hf_rig_port_text(HF_RIG_MAINTENANCE), byte, at_ns);
	if (peer->fn != NULL)
		peer->fn(peer->ctx, byte, at_ns);
}

static void on_modbus(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct hf_rig *rig = ctx;
	const struct peer *peer = &rig->peer[HF_RIG_MODBUS];
	if (peer->fn != NULL)
		peer->fn(peer->ctx, byte, at_ns);
}

/* Gaps grow by and by while the first polls settle: only what is longer by a millisecond is worth a line. */
static void on_gap(void *ctx, uint64_t gap_ns, uint64_t start_ns)
{
	struct hf_rig *rig = ctx;
	if (gap_ns < rig->told_gap_ns + NS_PER_MS)
		return;
	rig->told_gap_ns = gap_ns;
	hf_events_tell(&rig->events, start_ns + gap_ns, "modbus",
		       json_pack("{s:f, s:I}", "gap_ms", (double)gap_ns / NS_PER_MS, "from_ns", (json_int_t)start_ns));
}

/* ---- opening ---- */

static void connect_uart(struct hf_rig *rig, const struct hf_board_uart *uart, char parity)
{
	const struct hf_twin_uart_pins pins = {
		.tx = { uart->tx.port, uart->tx.pin },
		.rx = { uart->rx.port, uart->rx.pin },
		.af = uart->af,
		.has_de = uart->has_de,
		.de = { uart->de.port, uart->de.pin },
	};
	const struct hf_twin_line line = { uart->baud[0], 8, (uint8_t)parity, 1 };
	hf_twin_uart_pins(rig->twin, uart->usart, &pins);
	hf_twin_uart_line(rig->twin, uart->usart, &line);
}

void hf_rig_press(struct hf_rig *rig, bool pressed)
{
	const struct hf_board_input *input = &rig->board->recovery_pin;
	hf_twin_pin_drive(rig->twin, input->pin.port, input->pin.pin, pressed != input->active_low);
}

static void connect(struct hf_rig *rig, const struct hf_rig_config *config)
{
	const struct hf_board *board = rig->board;
	struct hf_machine *machine = hf_twin_machine(rig->twin);
	const struct hf_twin_led_pins led = {
		.pin = { board->led.pin.port, board->led.pin.pin },
		.tim = board->led.timer,
		.channel = board->led.channel,
		.af = board->led.af,
		.active_low = board->led.active_low,
	};
	connect_uart(rig, &board->maintenance, 'N');
	connect_uart(rig, &board->modbus, 'E'); /* the default of Modbus over Serial Line */
	hf_twin_led_pins(rig->twin, &led);
	hf_rig_press(rig, false);
	hf_twin_uart_attach(rig->twin, board->maintenance.usart, on_maintenance, rig);
	rig->slaves = config->slaves > 0;
	if (rig->slaves)
		hf_modbus_bus_attach(machine, board->modbus.usart, config->slaves, config->slave_delay_ns, on_gap, rig);
	else
		hf_twin_uart_attach(rig->twin, board->modbus.usart, on_modbus, rig);
}

enum hf_err hf_rig_open(struct hf_rig **out, const struct hf_rig_config *config, struct hf_diag *diag)
{
	struct hf_rig *rig = calloc(1, sizeof(*rig));
	if (rig == NULL) {
		hf_diag_set(diag, "there is no memory for a twin");
		return HF_ERR_IO;
	}
	enum hf_err err = hf_twin_open(&rig->twin, &config->board->layout, &config->twin);
	if (err != HF_OK) {
		hf_diag_set(diag, err == HF_ERR_RANGE ? "the board's flash sectors are not those of an STM32F407"
						      : "the emulated CPU cannot be made");
		free(rig);
		return err;
	}
	rig->board = config->board;
	rig->power_on_ns = HF_NEVER;
	rig->parity = 'N';
	hf_events_init(&rig->events, config->events, &rig->board->layout);
	hf_twin_on_event(rig->twin, on_event, rig);
	hf_twin_must_not_stall_in_handlers(rig->twin, true); /* readings and reception go on whatever flash does */
	connect(rig, config);
	*out = rig;
	return HF_OK;
}

void hf_rig_close(struct hf_rig *rig)
{
	if (rig == NULL)
		return;
	(void)hf_events_flush(&rig->events);
	hf_twin_close(rig->twin);
	free(rig);
}

/* ---- ports ---- */

const char *hf_rig_port_text(enum hf_rig_port port)
{
	return port == HF_RIG_MAINTENANCE ? "maintenance" : "modbus";
}

unsigned hf_rig_usart(const struct hf_rig *rig, enum hf_rig_port port)
{
	return port == HF_RIG_MAINTENANCE ? rig->board->maintenance.usart : rig->board->modbus.usart;
}

uint64_t hf_rig_latency(const struct hf_rig *rig, enum hf_rig_port port)
{
	return port == HF_RIG_MAINTENANCE ? rig->latency_ns : 0;
}

char hf_rig_parity(const struct hf_rig *rig)
{
	return rig->parity;
}

bool hf_rig_port_free(const struct hf_rig *rig, enum hf_rig_port port)
{
	return rig->peer[port].fn == NULL && (port == HF_RIG_MAINTENANCE || !rig->slaves);
}

void hf_rig_listen(struct hf_rig *rig, enum hf_rig_port port, hf_twin_uart_fn *fn, void *ctx)
{
	rig->peer[port] = (struct peer){ fn, ctx };
}

/* ---- what commands do ---- */

enum hf_err hf_rig_keep(struct hf_rig *rig, const struct hf_command *command, struct hf_diag *diag)
{
	unsigned at = rig->waitings;
	if (at == HF_RIG_COMMANDS) {
		hf_diag_set(diag, "more than %d commands would wait for their time", HF_RIG_COMMANDS);
		return HF_ERR_FULL;
	}
	while (at > 0 && rig->waiting[at - 1].at_ns > command->at_ns) {
		rig->waiting[at] = rig->waiting[at - 1];
		at--;
	}
	rig->waiting[at] = *command;
	rig->waitings++;
	return HF_OK;
}

void hf_rig_power(struct hf_rig *rig, bool on)
{
	rig->power_on_ns = HF_NEVER;
	if (on)
		hf_twin_power_on(rig->twin);
	else
		hf_twin_power_off(rig->twin);
}

enum hf_err hf_rig_command(struct hf_rig *rig, const struct hf_command *command, char answer[HF_RIG_ANSWER],
			   struct hf_diag *diag)
{
	if (command->timed && command->at_ns > hf_rig_now_ns(rig)) {
		strcpy(answer, "ok, later");
		if (command->kind != HF_CMD_ADVANCE && command->kind != HF_CMD_QUIT)
			return hf_rig_keep(rig, command, diag);
	}
	return hf_rig_execute(rig, command, answer, diag);
}

/* ---- time ---- */

static void run_script(struct hf_rig *rig)
{
	char answer[HF_RIG_ANSWER];
	struct hf_diag diag;
	uint64_t now = hf_rig_now_ns(rig);
	if (rig->power_on_ns <= now)
		hf_rig_power(rig, true);
	while (rig->waitings > 0 && rig->waiting[0].at_ns <= now) {
		struct hf_command command = rig->waiting[0];
		rig->waitings--;
		memmove(rig->waiting, rig->waiting + 1, rig->waitings * sizeof(rig->waiting[0]));
		if (hf_rig_execute(rig, &command, answer, &diag) != HF_OK)
			hf_events_tell(&rig->events, now, "script_error", json_pack("{s:s}", "text", diag.text));
	}
}

static void after_cut(struct hf_rig *rig)
{
	rig->was_cut = false;
	if (rig->cuts == 0)
		return;
	if (rig->cut[0].how == HF_CUT_POWER && !rig->cut[0].stay_off)
		rig->power_on_ns = hf_rig_now_ns(rig) + rig->cut[0].off_ns;
	rig->cuts--;
	memmove(rig->cut, rig->cut + 1, rig->cuts * sizeof(rig->cut[0]));
	hf_rig_arm(rig);
}

static uint64_t earliest(const struct hf_rig *rig, uint64_t until_ns)
{
	if (rig->power_on_ns < until_ns)
		until_ns = rig->power_on_ns;
	if (rig->waitings > 0 && rig->waiting[0].at_ns < until_ns)
		until_ns = rig->waiting[0].at_ns;
	return until_ns;
}

enum hf_rig_stop hf_rig_run(struct hf_rig *rig, uint64_t until_ns)
{
	rig->woken = false;
	for (;;) {
		run_script(rig);
		if (rig->woken)
			return HF_RIG_WOKEN;
		if (hf_rig_now_ns(rig) >= until_ns)
			return HF_RIG_TIME;
		enum hf_twin_stop stop = hf_twin_run(rig->twin, earliest(rig, until_ns));
		if (stop == HF_TWIN_BROKEN)
			return HF_RIG_BROKEN;
		if (rig->was_cut)
			after_cut(rig);
	}
}

/* ---- flash files ---- */

enum hf_err hf_rig_flash_save(struct hf_rig *rig, const char *path, struct hf_diag *diag)
{
	uint8_t *flash = malloc(HF_TWIN_FLASH_SIZE);
	if (flash == NULL) {
		hf_diag_set(diag, "there is no memory for a copy of the flash");
		return HF_ERR_IO;
	}
	enum hf_err err = hf_twin_peek(rig->twin, HF_TWIN_FLASH_ADDR, flash, HF_TWIN_FLASH_SIZE);
	if (err == HF_OK)
		err = hf_file_write(path, (struct hf_bytes){ flash, HF_TWIN_FLASH_SIZE }, 0, diag);
	free(flash);
	return err;
}

enum hf_err hf_rig_flash_load(struct hf_rig *rig, const char *path, struct hf_diag *diag)
{
	struct hf_buffer content;
	enum hf_err err = hf_file_read(path, HF_TWIN_FLASH_SIZE, &content, diag);
	if (err != HF_OK)
		return err;
	if (content.len != HF_TWIN_FLASH_SIZE) {
		hf_diag_set(diag, "%s: a flash file has %u bytes, this one has %zu", path, HF_TWIN_FLASH_SIZE,
			    content.len);
		err = HF_ERR_RANGE;
	} else {
		err = hf_twin_load(rig->twin, HF_TWIN_FLASH_ADDR, content.ptr, content.len);
	}
	hf_buffer_free(&content);
	return err;
}

enum hf_err hf_rig_system_save(struct hf_rig *rig, const char *path, struct hf_diag *diag)
{
	uint8_t bytes[HF_TWIN_SYSTEM_SIZE];
	hf_twin_system_get(rig->twin, bytes);
	return hf_file_write(path, (struct hf_bytes){ bytes, sizeof(bytes) }, 0, diag);
}

enum hf_err hf_rig_system_load(struct hf_rig *rig, const char *path, struct hf_diag *diag)
{
	struct hf_buffer content;
	enum hf_err err = hf_file_read(path, HF_TWIN_SYSTEM_SIZE, &content, diag);
	if (err != HF_OK)
		return err;
	if (content.len == HF_TWIN_SYSTEM_SIZE) {
		hf_twin_system_set(rig->twin, content.ptr);
	} else {
		hf_diag_set(diag, "%s: a file of option bytes has %u bytes, this one has %zu", path,
			    HF_TWIN_SYSTEM_SIZE, content.len);
		err = HF_ERR_RANGE;
	}
	hf_buffer_free(&content);
	return err;
}

/* SPDX-License-Identifier: MIT
 *
 * Finding the loader, and finding out what is there instead: most of the time that people lose here, they lose because the
 * tool says "no answer" where it could have said "your gateway runs", "it is at 57600", or "your own bytes come back".
 */
#include "rom.h"

#include <stdio.h>
#include <string.h>

#include "smp_device.h"
#include "uuid.h"
#include "version.h"

#define WAIT_MS      60000u
#define FIRST_MS     2500u  /* before we look what else may be there */
#define SMP_MS       700u
#define PULSE_MS     50u
#define RAM_TEST     0x20003000u /* below, the loader keeps its own */
#define ERRORS_MAX   (HF_AN3155_TEST_BLOCKS / 2)

enum { UID_ADDR = 0x1fff7a10, SIZE_ADDR = 0x1fff7a22 };

void hf_rom_tell(struct hf_rom *rom, enum hf_rom_stage stage, const char *format, ...)
{
	struct hf_rom_event event = {.stage = stage, .now_ms = hf_serial_now_ms(rom->serial), .done = rom->done};
	struct hf_diag text;
	va_list args;

	if (!rom->event)
		return;
	va_start(args, format);
	hf_diag_vset(&text, format, args);
	va_end(args);
	event.total = rom->total;
	event.skipped = rom->skipped;
	event.text = text.text;
	rom->event(rom->ctx, &event);
}

bool hf_rom_stopped(const struct hf_rom *rom)
{
	return rom->stop && rom->stop(rom->ctx);
}

/* ---- pins ---- */

static bool drive(struct hf_rom *rom, struct hf_rom_line line, bool active)
{
	bool on = active != line.invert;

	return line.output && hf_serial_set_pins(rom->serial, line.output, on ? line.output : 0) == HF_OK;
}

/* False: it is left to people. */
static bool reset_with_boot0(struct hf_rom *rom, bool high)
{
	bool done = drive(rom, rom->lines.boot0, high);

	done = drive(rom, rom->lines.reset, true) && done;
	hf_serial_sleep_ms(rom->serial, PULSE_MS);
	done = drive(rom, rom->lines.reset, false) && done;
	hf_serial_sleep_ms(rom->serial, PULSE_MS);
	return done;
}

bool hf_rom_restart(struct hf_rom *rom)
{
	return rom->lines.reset.output && reset_with_boot0(rom, false);
}

bool hf_rom_enter_loader(struct hf_rom *rom)
{
	return rom->lines.reset.output && reset_with_boot0(rom, true);
}

/* ---- what is there ---- */

static void on_waiting(void *ctx, uint32_t left_ms)
{
	struct hf_rom *rom = ctx;
	struct hf_rom_event event = {.stage = HF_ROM_CONNECT, .now_ms = hf_serial_now_ms(rom->serial), .left_ms = left_ms};

	if (rom->event)
		rom->event(rom->ctx, &event);
}

/* A loader that an earlier session greeted at another rate keeps that until it is reset. */
static uint32_t other_rate(struct hf_rom *rom)
{
	static const uint32_t rates[] = {115200, 57600, 38400, 19200, 9600, 230400, 460800, 921600};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		if (rates[i] != rom->link.baud && hf_an3155_answers_at(&rom->link, rates[i]))
			return rates[i];
	}
	return 0;
}

static bool gateway_answers(struct hf_rom *rom, struct hf_smp_status *status)
{
	static const uint32_t usual[] = {921600, 115200};
	const uint32_t *rate = rom->board ? rom->board->maintenance.baud : usual;
	unsigned rates = rom->board ? rom->board->maintenance.bauds : 2;

	for (unsigned i = 0; i < rates; i++) {
		const struct hf_serial_line line = HF_SERIAL_8N1(rate[i]);
		struct hf_smp_client client;
		struct hf_smp_answer answer;
		enum hf_err err = hf_serial_set_line(rom->serial, &line);

		hf_smp_client_init(&client, rom->serial);
		if (err != HF_ERR_IO)
			err = hf_smp_get_status(&client, SMP_MS, status, &answer);
		if (err == HF_OK && !answer.refusal)
			return true;
	}
	return false;
}

#define HOW_TO "hold BOOT0 high and reset the device"

static void look_around(struct hf_rom *rom, enum hf_an3155_peer peer, struct hf_diag *diag)
{
	char version[HF_VERSION_TEXT_BYTES];
	struct hf_smp_status status;

	if (peer == HF_AN3155_NO_PARITY) {
		hf_diag_set(diag, "a ROM loader answers, but refuses every command: the line does not carry even parity; set "
				  "the adapter or serial server to 8 data bits, even parity, 1 stop bit");
	} else if (gateway_answers(rom, &status)) {
		hf_version_format(status.version, status.versions, version);
		hf_diag_set(diag, "this is no ROM loader but a %s that runs %s%s: " HOW_TO, status.board,
			    status.running < HF_SLOTS ? "firmware " : "its recovery",
			    status.running < HF_SLOTS ? version : "");
	} else if (peer == HF_AN3155_ECHO) {
		hf_diag_set(diag, "only our own bytes come back: is TX connected to RX, or a half-duplex adapter without a "
				  "device? Check the wiring, " HOW_TO);
	} else if (peer == HF_AN3155_NONSENSE) {
		hf_diag_set(diag, "something talks on this line, and it is no ROM loader at %u baud: " HOW_TO, rom->link.baud);
	} else {
		hf_diag_set(diag, "no ROM loader answers: " HOW_TO " (the loader listens on USART1 and USART3 only), and check "
				  "port and cable");
	}
}

static enum hf_err find(struct hf_rom *rom, struct hf_diag *diag)
{
	enum hf_an3155_peer peer = HF_AN3155_SILENCE;
	uint32_t first_ms = rom->wait_ms < FIRST_MS ? rom->wait_ms : FIRST_MS, rate;
	enum hf_err err;

	if (rom->lines.reset.output && !hf_rom_enter_loader(rom))
		hf_rom_tell(rom, HF_ROM_CONNECT, "this line has no outputs that could drive BOOT0 and reset: do it by hand");
	hf_rom_tell(rom, HF_ROM_CONNECT, "looking for the chip's ROM loader at %u baud", rom->link.baud);
	err = hf_an3155_connect(&rom->link, first_ms, NULL, NULL, &peer);
	if (!err || hf_rom_stopped(rom))
		return err;
	rate = peer == HF_AN3155_NO_PARITY ? 0 : other_rate(rom);
	if (rate) {
		hf_rom_tell(rom, HF_ROM_CONNECT, "a ROM loader answers at %u baud, where an earlier session left it: going on at that rate; "
			    "reset the device with BOOT0 high to have %u", rate, rom->link.baud);
		rom->link.baud = rate;
		err = hf_an3155_connect(&rom->link, first_ms, NULL, NULL, &peer);
	}
	if (!err)
		return HF_OK;
	look_around(rom, peer, diag);
	hf_rom_tell(rom, HF_ROM_CONNECT, "%s; waiting up to %u s", diag->text, rom->wait_ms / 1000);
	err = hf_an3155_connect(&rom->link, rom->wait_ms, on_waiting, rom, &peer);
	if (err == HF_ERR_IO)
		hf_diag_set(diag, "the port is gone, and did not come back within %u s: check the cable", rom->wait_ms / 1000);
	return err;
}

/* ---- which chip it is ---- */

static enum hf_err check_chip(struct hf_rom *rom, struct hf_diag *diag)
{
	const struct hf_board *b = rom->board;

	if (!b || rom->link.chip_id == b->chip->rom_id)
		return HF_OK;
	hf_diag_set(diag, "this chip is a 0x%03x, and the board file's %s is a 0x%03x: check board file and port; nothing was changed",
		    rom->link.chip_id, b->chip->name, b->chip->rom_id);
	return HF_ERR_CLASS;
}

static enum hf_err identify(struct hf_rom *rom, struct hf_diag *diag)
{
	uint8_t info[SIZE_ADDR + 2 - UID_ADDR];
	enum hf_err err = hf_an3155_read_twice(&rom->link, UID_ADDR, info, sizeof(info));

	if (!err)
		err = hf_rom_read_options(rom);
	if (err) {
		hf_rom_explain(rom, err, "reading the chip's identity", diag);
		return err;
	}
	memcpy(rom->uid, info, sizeof(rom->uid));
	rom->flash_kib = (uint16_t)(info[SIZE_ADDR - UID_ADDR] | info[SIZE_ADDR - UID_ADDR + 1] << 8);
	hf_uuid_of_chip(rom->uid, rom->device_id);
	if (!rom->board || rom->flash_kib == rom->board->chip->flash_kib)
		return HF_OK;
	hf_diag_set(diag, "this chip has %u KiB of flash, and the board file's %s %u: check board file and port; nothing was changed",
		    rom->flash_kib, rom->board->chip->name, rom->board->chip->flash_kib);
	return HF_ERR_CLASS;
}

static enum hf_err test_line(struct hf_rom *rom, struct hf_diag *diag)
{
	unsigned errors;
	enum hf_err err = hf_an3155_test_line(&rom->link, RAM_TEST, &errors);

	if (!err && errors <= ERRORS_MAX) {
		if (errors)
			hf_rom_tell(rom, HF_ROM_CONNECT, "the line damages bytes: %u of %u blocks had to be repeated; a shorter cable or "
				    "a lower --baud helps", errors, HF_AN3155_TEST_BLOCKS);
		return HF_OK;
	}
	if (err && err != HF_ERR_CRC)
		hf_rom_explain(rom, err, "measuring the line", diag);
	else
		hf_diag_set(diag, "the line damages too much at %u baud (%u of %u test blocks): nothing was changed; check the cable, reset "
			    "the device with BOOT0 high, and try a lower --baud", rom->link.baud, errors, HF_AN3155_TEST_BLOCKS);
	return err ? err : HF_ERR_CRC;
}

enum hf_err hf_rom_connect(struct hf_rom *rom, struct hf_diag *diag)
{
	enum hf_err err;

	if (!rom->wait_ms)
		rom->wait_ms = WAIT_MS;
	rom->link = (struct hf_an3155){
		.serial = rom->serial,
		.baud = rom->baud ? rom->baud : HF_AN3155_BAUD,
		.stop = rom->stop,
		.stop_ctx = rom->ctx,
	};
	rom->options = (struct hf_rom_options){.rdp = 1};
	err = find(rom, diag);
	if (err && hf_rom_stopped(rom)) {
		hf_diag_set(diag, "interrupted; nothing was changed");
		err = HF_ERR_BUSY;
	}
	if (!err)
		err = check_chip(rom, diag);
	if (err || !rom->link.readable)
		return err;
	for (unsigned round = 0; round < 3; round++) {
		err = identify(rom, diag);
		if (!err)
			err = test_line(rom, diag);
		if ((err != HF_ERR_TIMEOUT && err != HF_ERR_IO) || hf_an3155_resume(&rom->link, rom->wait_ms))
			break;
	}
	return err;
}

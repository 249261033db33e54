/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <string.h>

#include "modbus_slave.h"

static const char details[] =
	"Executes the firmware's binaries on a modelled STM32F407 board. Virtual time is exact and independent of the\n"
	"machine; it begins at 0 with the power-on.\n"
	"\n"
	"With --lockstep, tools (--port lockstep:SOCKET) and `holdfast-twin ctl` connect to a socket, and time moves\n"
	"only while they wait. With --pty, the maintenance UART is a pseudo terminal, and time follows the clock. With\n"
	"neither, --for says how long the twin runs.\n"
	"\n"
	"A fault is a command with an optional time: 'at 3s cut next program in slot-b after 100 at 0.5 unstable'.\n"
	"  power on | power off [for TIME]      reset [for TIME]                  boot0 1|0 [for TIME]\n"
	"  cable off|on [for TIME]              noise RATE [for TIME]             break on|off [for TIME]\n"
	"  press|release recovery [for TIME]    latency TIME (of a USB adapter)   parity none|even|odd (of a pty)\n"
	"  cut before N | cut op N at F [unstable]                                wire boot0|reset rts|dtr|none [inverted]\n"
	"  cut next [program|erase] [in PARTITION] [after K] [at F] [unstable]    ... [off for TIME | stay off]\n"
	"                                                                         ... [brown-out | watchdog | pin]\n"
	"  supply MV        temperature C       brown-out                         lsi HZ           hsi PPM\n"
	"  slave N ok|silent|bad-crc            flip ADDR BITS  stick ADDR BITS   modbus clear\n"
	"  unstable ADDR BYTES SHARE [seed N]   disturb ADDR BITS after READS     flash speed PERMILLE\n"
	"  worn SECTOR flagged|silent|healed [after ERASES] [seed N]              line heal\n"
	"  line in|out flip|burst|lost|repeat|noise|drift|stall [ppm N] [at N] [count N] [seed N]\n"
	"Partitions are boot, journal, recovery, slot-a, slot-b, data. After a cut the power is back after 500 ms.";

static const char example[] =
	"holdfast-twin run --board boards/reference.conf --load boot.elf --flash gateway.bin \\\n"
	"    --lockstep twin.sock --events events.ndjson --fault 'cut next erase in slot-b after 1 at 0.5'";

static bool hex_digit(char c, uint8_t *value)
{
	if (c >= '0' && c <= '9')
		*value = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (uint8_t)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		*value = (uint8_t)(c - 'A' + 10);
	else
		return false;
	return true;
}

static bool parse_uid(const char *text, uint8_t uid[12])
{
	if (strlen(text) != 24)
		return false;
	for (unsigned i = 0; i < 12; i++) {
		uint8_t high, low;
		if (!hex_digit(text[2 * i], &high) || !hex_digit(text[2 * i + 1], &low))
			return false;
		uid[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* What the table of options cannot say. */
static bool check(const struct hf_usage *usage, struct hf_run_options *o, enum hf_exit *exit_code)
{
	const char *wrong = NULL;
	o->until_ns = HF_NEVER;
	if (o->board == NULL)
		wrong = "--board FILE is missing";
	else if (o->lockstep != NULL && o->pty)
		wrong = "--lockstep and --pty exclude each other";
	else if (o->control != NULL && !o->pty)
		wrong = "--control belongs to --pty; a --lockstep socket serves control anyway";
	else if (o->lockstep == NULL && !o->pty && o->time == NULL)
		wrong = "one of --lockstep, --pty and --for is needed, or the twin would run for ever";
	else if (o->time != NULL && !hf_script_time(o->time, &o->until_ns))
		wrong = "--for wants a time such as 500ms or 30s";
	else if (o->uid != NULL && !parse_uid(o->uid, o->unique_id))
		wrong = "--uid wants 24 hexadecimal digits";
	else if (o->lsi_given && (o->lsi_hz < 17000 || o->lsi_hz > 47000))
		wrong = "--lsi wants 17000 to 47000 Hz, which is what the chip's oscillator may have";
	else if (o->slaves_given && o->slaves > HF_MODBUS_MAX_SLAVES)
		wrong = "--slaves wants a number from 0 to 32";
	if (wrong != NULL)
		*exit_code = hf_args_wrong(usage, "%s", wrong);
	return wrong == NULL;
}

bool hf_run_options(int argc, char **argv, struct hf_run_options *o, enum hf_exit *exit_code)
{
	*o = (struct hf_run_options){ 0 };
	const struct hf_arg arg[] = {
		{ "board", 'b', HF_ARG_TEXT, "FILE", "the board's file", &o->board, NULL },
		{ "load", 'l', HF_ARG_LIST, "FILE[@ADDR]", "an ELF, or raw bytes at an address, into flash", &o->load,
		  NULL },
		{ "flash", 'f', HF_ARG_TEXT, "FILE", "the flash is kept here; made blank if missing", &o->flash, NULL },
		{ "options", 0, HF_ARG_TEXT, "FILE", "the option bytes and the OTP bytes are kept here", &o->options,
		  NULL },
		{ "optcr", 0, HF_ARG_U32, "WORD", "the option bytes as FLASH_OPTCR shows them, 0x0fffaae0 unless given",
		  &o->optcr, &o->optcr_given },
		{ "boot0", 0, HF_ARG_FLAG, NULL, "BOOT0 is high: the chip starts its ROM loader", &o->boot0, NULL },
		{ "lockstep", 0, HF_ARG_TEXT, "SOCKET", "serve tools in virtual time", &o->lockstep, NULL },
		{ "pty", 0, HF_ARG_FLAG, NULL, "serve a terminal in real time", &o->pty, NULL },
		{ "control", 0, HF_ARG_TEXT, "SOCKET", "with --pty: for `holdfast-twin ctl`", &o->control, NULL },
		{ "for", 0, HF_ARG_TEXT, "TIME", "ends after this virtual time", &o->time, NULL },
		{ "events", 'e', HF_ARG_TEXT, "FILE", "what happens, a line of JSON each; - is standard output",
		  &o->events, NULL },
		{ "fault", 0, HF_ARG_LIST, "COMMANDS", "what goes wrong, and when; see above", &o->fault, NULL },
		{ "faults", 0, HF_ARG_TEXT, "FILE", "the same from a file", &o->faults, NULL },
		{ "off", 0, HF_ARG_FLAG, NULL, "begin with the power off", &o->off, NULL },
		{ "uid", 0, HF_ARG_TEXT, "HEX", "the chip's unique id, 12 bytes", &o->uid, NULL },
		{ "lsi", 0, HF_ARG_U32, "HZ", "the watchdog's oscillator, 17000 to 47000", &o->lsi_hz, &o->lsi_given },
		{ "no-pll", 0, HF_ARG_FLAG, NULL, "the PLL never locks: the chip stays at 16 MHz", &o->no_pll, NULL },
		{ "seed", 0, HF_ARG_U32, "N", "of noise, torn words and RAM at power-on", &o->seed, NULL },
		{ "slaves", 0, HF_ARG_U32, "N", "slaves on the Modbus, 3 unless given", &o->slaves, &o->slaves_given },
		{ "json", 0, HF_ARG_FLAG, NULL, "the result as JSON", &o->json, NULL },
	};
	const struct hf_usage usage = {
		.program = "holdfast-twin",
		.command = "run",
		.summary = "runs a digital twin of a board",
		.synopsis = "--board FILE [options]",
		.details = details,
		.example = example,
		.exits = "3 an input file is damaged, 7 interrupted",
		.arg = arg,
		.args = sizeof(arg) / sizeof(arg[0]),
	};
	struct hf_args_rest rest;
	return hf_args_parse(&usage, argc, argv, &rest, exit_code) && check(&usage, o, exit_code);
}

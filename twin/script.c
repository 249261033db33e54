/* SPDX-License-Identifier: MIT
 *
 * A line is split into words in place, and each command takes its words from the front. Whatever is left over at the
 * end is an error: a misspelt option of a cut must not make it a different cut.
 */
#include "script_words.h"

#include <stdlib.h>
#include <string.h>

#include "modbus_slave.h"

static const char *const partitions[HF_PARTITION_COUNT] = {
	"any", "boot", "journal", "recovery", "slot-a", "slot-b", "data",
};

const char *hf_partition_text(enum hf_partition partition)
{
	return partitions[partition];
}

bool hf_script_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "min", 60000000000 } };
	uint64_t value = 0, scale = 1;
	bool point = false, digits = false;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (value > 100000000000 || scale > 100000000)
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		scale *= point ? 10 : 1;
		digits = true;
	}
	for (size_t i = 0; digits && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		if (value != 0 && units[i].ns > UINT64_MAX / 2 / value)
			return false;
		*ns = value * units[i].ns / scale;
		return true;
	}
	return false;
}

static enum hf_err optional_duration(struct hf_words *w, uint64_t *ns)
{
	*ns = 0;
	return hf_words_accept(w, "for") ? hf_words_time(w, ns) : HF_OK;
}

/* ---- commands ---- */

static enum hf_err take_on_off(struct hf_words *w, struct hf_command *c)
{
	c->on = hf_words_accept(w, "on");
	if (!c->on && !hf_words_accept(w, "off"))
		return hf_words_wrong(w, "'on' or 'off'");
	return optional_duration(w, &c->duration_ns);
}

static enum hf_err take_power(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = take_on_off(w, c);
	if (err == HF_OK && c->on && c->duration_ns != 0) {
		w->at = w->count - 2;
		return hf_words_wrong(w, "nothing more (only 'power off' can have a duration)");
	}
	return err;
}

static enum hf_err take_partition(struct hf_words *w, enum hf_partition *partition)
{
	for (unsigned i = 1; i < HF_PARTITION_COUNT; i++) {
		if (hf_words_accept(w, partitions[i])) {
			*partition = (enum hf_partition)i;
			return HF_OK;
		}
	}
	return hf_words_wrong(w, "a partition (boot, journal, recovery, slot-a, slot-b, data)");
}

static enum hf_err take_fraction(struct hf_words *w, struct hf_cut *cut)
{
	double share;
	enum hf_err err = hf_words_share(w, &share);
	if (err == HF_OK)
		cut->fraction = share * 65536 >= 65535 ? 65535 : (uint16_t)(share * 65536);
	return err;
}

static enum hf_err take_cut_end(struct hf_words *w, struct hf_cut *cut)
{
	static const struct {
		const char *word;
		enum hf_cut_how how;
	} resets[] = { { "brown-out", HF_CUT_BROWN_OUT }, { "watchdog", HF_CUT_WATCHDOG }, { "pin", HF_CUT_PIN } };
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
		if (hf_words_accept(w, resets[i].word)) {
			cut->how = resets[i].how;
			return HF_OK;
		}
	}
	cut->off_ns = HF_SCRIPT_OFF_NS;
	if (hf_words_accept(w, "stay")) {
		cut->stay_off = true;
		return hf_words_accept(w, "off") ? HF_OK : hf_words_wrong(w, "'off'");
	}
	if (!hf_words_accept(w, "off"))
		return HF_OK;
	return hf_words_accept(w, "for") ? hf_words_time(w, &cut->off_ns) : hf_words_wrong(w, "'for' and a time");
}

static enum hf_err take_cut_next(struct hf_words *w, struct hf_cut *cut)
{
	enum hf_err err = HF_OK;
	cut->what = hf_words_accept(w, "program") ? HF_CUT_PROGRAM : hf_words_accept(w, "erase") ? HF_CUT_ERASE : HF_CUT_ANY;
	if (hf_words_accept(w, "in"))
		err = take_partition(w, &cut->in);
	if (err == HF_OK && hf_words_accept(w, "after"))
		err = hf_words_number(w, &cut->number);
	if (err == HF_OK && hf_words_accept(w, "at"))
		err = take_fraction(w, cut);
	return err;
}

static enum hf_err take_cut(struct hf_words *w, struct hf_command *c)
{
	struct hf_cut *cut = &c->cut;
	enum hf_err err;
	if (hf_words_accept(w, "cancel")) {
		c->kind = HF_CMD_CUT_CANCEL;
		return HF_OK;
	}
	if (hf_words_accept(w, "next")) {
		err = take_cut_next(w, cut);
	} else if (hf_words_accept(w, "before")) {
		cut->numbered = true;
		err = hf_words_number(w, &cut->number);
	} else if (hf_words_accept(w, "op")) {
		cut->numbered = true;
		err = hf_words_number(w, &cut->number);
		if (err == HF_OK)
			err = hf_words_accept(w, "at") ? take_fraction(w, cut) : hf_words_wrong(w, "'at' and a share from 0 to 1");
	} else {
		return hf_words_wrong(w, "'next', 'before', 'op' or 'cancel'");
	}
	if (err != HF_OK)
		return err;
	cut->unstable = cut->fraction != 0 && hf_words_accept(w, "unstable");
	return take_cut_end(w, cut);
}

static enum hf_err take_noise(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = hf_words_share(w, &c->rate);
	return err == HF_OK ? optional_duration(w, &c->duration_ns) : err;
}

static enum hf_err take_advance(struct hf_words *w, struct hf_command *c)
{
	return hf_words_time(w, &c->duration_ns);
}

static enum hf_err take_reset(struct hf_words *w, struct hf_command *c)
{
	(void)hf_words_accept(w, "pin");
	return optional_duration(w, &c->duration_ns);
}

static enum hf_err take_boot0(struct hf_words *w, struct hf_command *c)
{
	c->on = hf_words_accept(w, "1");
	if (!c->on && !hf_words_accept(w, "0"))
		return hf_words_wrong(w, "'1' or '0'");
	return optional_duration(w, &c->duration_ns);
}

static enum hf_err take_parity(struct hf_words *w, struct hf_command *c)
{
	c->parity = hf_words_accept(w, "none") ? 'N' : hf_words_accept(w, "even") ? 'E' : hf_words_accept(w, "odd") ? 'O' : 0;
	return c->parity != 0 ? HF_OK : hf_words_wrong(w, "'none', 'even' or 'odd'");
}

static enum hf_err take_wire(struct hf_words *w, struct hf_command *c)
{
	if (hf_words_accept(w, "reset"))
		c->wire = HF_WIRE_RESET;
	else if (!hf_words_accept(w, "boot0"))
		return hf_words_wrong(w, "'boot0' or 'reset'");
	if (hf_words_accept(w, "none"))
		return HF_OK;
	c->wired.signal = hf_words_accept(w, "rts") ? 1 : hf_words_accept(w, "dtr") ? 2 : 0;
	if (c->wired.signal == 0)
		return hf_words_wrong(w, "'rts', 'dtr' or 'none'");
	c->wired.inverted = hf_words_accept(w, "inverted");
	return HF_OK;
}

static enum hf_err take_press(struct hf_words *w, struct hf_command *c)
{
	c->on = true;
	return hf_words_accept(w, "recovery") ? optional_duration(w, &c->duration_ns) : hf_words_wrong(w, "'recovery'");
}

static enum hf_err take_release(struct hf_words *w, struct hf_command *c)
{
	c->on = false;
	return hf_words_accept(w, "recovery") ? HF_OK : hf_words_wrong(w, "'recovery'");
}

static enum hf_err take_slave(struct hf_words *w, struct hf_command *c)
{
	uint64_t number;
	enum hf_err err = hf_words_number(w, &number);
	if (err != HF_OK)
		return err;
	if (number < 1 || number > HF_MODBUS_MAX_SLAVES) {
		w->at--;
		return hf_words_wrong(w, "the number of a slave (from 1)");
	}
	c->slave = (unsigned)number;
	if (hf_words_accept(w, "ok"))
		c->mode = HF_MODBUS_ANSWERS;
	else if (hf_words_accept(w, "silent"))
		c->mode = HF_MODBUS_SILENT;
	else if (hf_words_accept(w, "bad-crc"))
		c->mode = HF_MODBUS_BAD_CRC;
	else
		return hf_words_wrong(w, "'ok', 'silent' or 'bad-crc'");
	return HF_OK;
}

static enum hf_err take_supply(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = hf_words_word32(w, &c->mv);

	if (err == HF_OK && (c->mv < 1000 || c->mv > 5000)) {
		w->at--;
		return hf_words_wrong(w, "millivolts from 1000 to 5000");
	}
	return err;
}

static enum hf_err take_temperature(struct hf_words *w, struct hf_command *c)
{
	const char *text = hf_words_peek(w);
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end != 0 || value < -60 || value > 200)
		return hf_words_wrong(w, "degrees Celsius from -60 to 200");
	c->celsius = (int32_t)value;
	w->at++;
	return HF_OK;
}

static enum hf_err take_bits(struct hf_words *w, struct hf_command *c)
{
	enum hf_err err = hf_words_word32(w, &c->addr);
	return err == HF_OK ? hf_words_word32(w, &c->bits) : err;
}

static enum hf_err take_modbus(struct hf_words *w, struct hf_command *c)
{
	if (hf_words_accept(w, "clear"))
		c->kind = HF_CMD_MODBUS_CLEAR;
	return HF_OK;
}

static enum hf_err take_flash(struct hf_words *w, struct hf_command *c)
{
	if (hf_words_accept(w, "speed")) {
		c->kind = HF_CMD_FLASH_SPEED;
		return hf_script_flash_speed(w, c);
	}
	if (!hf_words_accept(w, "dump"))
		return hf_words_wrong(w, "'dump' or 'speed'");
	if (*hf_words_peek(w) == 0 || strlen(hf_words_peek(w)) >= sizeof(c->path))
		return hf_words_wrong(w, "a file's name");
	strcpy(c->path, hf_words_peek(w));
	w->at++;
	return HF_OK;
}

static enum hf_err take_nothing(struct hf_words *w, struct hf_command *c)
{
	(void)w;
	(void)c;
	return HF_OK;
}

static const struct {
	const char *word;
	enum hf_command_kind kind;
	enum hf_err (*take)(struct hf_words *w, struct hf_command *c);
} commands[] = {
	{ "power", HF_CMD_POWER, take_power },
	{ "reset", HF_CMD_RESET, take_reset },
	{ "advance", HF_CMD_ADVANCE, take_advance },
	{ "cut", HF_CMD_CUT, take_cut },
	{ "cable", HF_CMD_CABLE, take_on_off },
	{ "noise", HF_CMD_NOISE, take_noise },
	{ "latency", HF_CMD_LATENCY, take_advance },
	{ "break", HF_CMD_BREAK, take_on_off },
	{ "boot0", HF_CMD_BOOT0, take_boot0 },
	{ "parity", HF_CMD_PARITY, take_parity },
	{ "wire", HF_CMD_WIRE, take_wire },
	{ "press", HF_CMD_RECOVERY, take_press },
	{ "release", HF_CMD_RECOVERY, take_release },
	{ "supply", HF_CMD_SUPPLY, take_supply },
	{ "temperature", HF_CMD_TEMPERATURE, take_temperature },
	{ "slave", HF_CMD_SLAVE, take_slave },
	{ "flip", HF_CMD_FLIP, take_bits },
	{ "stick", HF_CMD_STICK, take_bits },
	{ "unstable", HF_CMD_UNSTABLE, hf_script_unstable },
	{ "worn", HF_CMD_WORN, hf_script_worn },
	{ "disturb", HF_CMD_DISTURB, hf_script_disturb },
	{ "lsi", HF_CMD_CLOCKS, hf_script_lsi },
	{ "hsi", HF_CMD_CLOCKS, hf_script_hsi },
	{ "line", HF_CMD_LINE, hf_script_line },
	{ "brown-out", HF_CMD_BROWN_OUT, take_nothing },
	{ "modbus", HF_CMD_MODBUS, take_modbus },
	{ "led", HF_CMD_LED, take_nothing },
	{ "status", HF_CMD_STATUS, take_nothing },
	{ "flash", HF_CMD_DUMP, take_flash },
	{ "quit", HF_CMD_QUIT, take_nothing },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static enum hf_err take_command(struct hf_words *w, struct hf_command *out)
{
	enum hf_err err;
	if (hf_words_accept(w, "at")) {
		out->timed = true;
		err = hf_words_time(w, &out->at_ns);
		if (err != HF_OK)
			return err;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!hf_words_accept(w, commands[i].word))
			continue;
		out->kind = commands[i].kind;
		err = commands[i].take(w, out);
		return err != HF_OK ? err : w->at == w->count ? HF_OK : hf_words_wrong(w, "nothing more");
	}
	return hf_words_wrong(w, "a command (power, reset, advance, cut, cable, noise, latency, break, boot0, parity, wire, "
			"press, release, supply, temperature, slave, flip, stick, unstable, worn, disturb, lsi, hsi, line, "
			"brown-out, modbus, led, status, flash, quit)");
}

enum hf_err hf_script_command(const char *text, struct hf_command *out, struct hf_diag *diag)
{
	char line[HF_SCRIPT_LINE_MAX];
	struct hf_words w = { .diag = diag };
	*out = (struct hf_command){ 0 };
	if (strlen(text) >= sizeof(line)) {
		hf_diag_set(diag, "a command is longer than %d characters", HF_SCRIPT_LINE_MAX - 1);
		return HF_ERR_ENCODING;
	}
	strcpy(line, text);
	if (!hf_words_split(&w, line)) {
		hf_diag_set(diag, "a command has more than %d words", HF_WORDS);
		return HF_ERR_ENCODING;
	}
	return take_command(&w, out);
}

static bool blank(const char *text)
{
	return text[strspn(text, " \t\r")] == 0;
}

enum hf_err hf_script_next(const char **text, unsigned *line, struct hf_command *out, struct hf_diag *diag)
{
	char command[HF_SCRIPT_LINE_MAX];
	while (**text != 0) {
		size_t len = strcspn(*text, ";\n#");
		const char *begin = *text;
		unsigned at_line = *line;
		const char *end = begin + len;
		if (*end == '#')
			end += strcspn(end, "\n");
		*line += *end == '\n';
		*text = *end != 0 ? end + 1 : end;
		if (len >= sizeof(command)) {
			hf_diag_set(diag, "line %u: a command is longer than %d characters", at_line,
				    HF_SCRIPT_LINE_MAX - 1);
			return HF_ERR_ENCODING;
		}
		memcpy(command, begin, len);
		command[len] = 0;
		if (blank(command))
			continue;
		enum hf_err err = hf_script_command(command, out, diag);
		if (err != HF_OK)
			hf_diag_prefix(diag, "line %u: ", at_line);
		return err;
	}
	return HF_ERR_NOT_FOUND;
}

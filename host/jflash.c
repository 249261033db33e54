/* SPDX-License-Identifier: MIT
 *
 * Each key that is taken is a row of a table: where it may stand, and the function that takes its value.
 *
 * The format has no specification that one could hold a file against, and files of twenty years are about. So an unknown section or
 * key is no error, but it is never dropped in silence either; and what is taken is said in our words, so that a wrong guess is seen.
 */
#include "jflash.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LINE_BYTES   4096u
#define AS_BYTES     192u
#define KHZ_MAX      50000u

struct reader {
	struct hf_jflash *out;
	char as[AS_BYTES]; /* "": the line was understood, and is of no consequence */
	char why[AS_BYTES]; /* the value makes no sense */
	uint32_t vtref_min, vtref_max;
	bool vtref;
};

/* ---- values ---- */

static bool number(struct reader *r, const char *value, uint32_t max, uint32_t *out)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 0);

	if (isdigit((unsigned char)value[0]) && !*end && n <= max) {
		*out = (uint32_t)n;
		return true;
	}
	snprintf(r->why, sizeof(r->why), "has to be a number from 0 to %u", max);
	return false;
}

static bool truth(struct reader *r, const char *value, bool *out)
{
	static const char *const yes[] = {"1", "0x00000001", "true", "yes", "on"}, *const no[] = {"0", "0x00000000", "false", "no", "off"};

	for (size_t i = 0; i < COUNT(yes); i++) {
		*out = strcasecmp(value, yes[i]) == 0;
		if (*out || strcasecmp(value, no[i]) == 0)
			return true;
	}
	snprintf(r->why, sizeof(r->why), "has to be 0 or 1");
	return false;
}

/* "ST STM32F407VG" is our STM32F407VGT6: the last two letters say only case and temperature. */
static const struct hf_chip *chip_like(const char *device)
{
	const char *space = strrchr(device, ' '), *part = space ? space + 1 : device, *names = hf_chip_names();
	size_t len = strlen(part);

	while (len >= 9 && *names) {
		char name[32];
		size_t n = strcspn(names, ", ");

		snprintf(name, sizeof(name), "%.*s", (int)n, names);
		if (strncasecmp(part, name, len < n ? len : n) == 0)
			return hf_chip_find(name);
		names += n + strspn(names + n, ", ");
	}
	return NULL;
}

static bool take_device(struct reader *r, const char *value)
{
	struct hf_jflash *o = r->out;

	/* [FLASH] DeviceName names the flash ("STM32F4xx internal"), and comes second. */
	if (o->chip || !value[0])
		return true;
	snprintf(o->device, sizeof(o->device), "%s", value);
	o->chip = chip_like(value);
	snprintf(r->as, sizeof(r->as), o->chip ? "chip \"%s\"" : "chip, which is none that Holdfast knows", o->chip ? o->chip->name : "");
	return true;
}

static bool take_interface(struct reader *r, const char *value)
{
	const char *name = NULL;

	if (strcasecmp(value, "swd") == 0 || strcmp(value, "1") == 0)
		name = "swd";
	else if (strcasecmp(value, "jtag") == 0 || strcmp(value, "0") == 0)
		name = "jtag";
	if (!name) {
		snprintf(r->why, sizeof(r->why), "has to be SWD (1) or JTAG (0): other interfaces do not reach these chips");
		return false;
	}
	snprintf(r->out->interface, sizeof(r->out->interface), "%s", name);
	snprintf(r->as, sizeof(r->as), "interface \"%s\"", name);
	return true;
}

static bool take_speed(struct reader *r, const char *value)
{
	char digits[32];
	uint32_t khz;

	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(value, " \t"), value);
	if (!number(r, digits, KHZ_MAX, &khz))
		return false;
	if (khz == 0)
		return true;
	r->out->khz = khz;
	snprintf(r->as, sizeof(r->as), "%u kHz", khz);
	return true;
}

static bool take_address(struct reader *r, const char *value)
{
	if (!number(r, value, UINT32_MAX, &r->out->address))
		return false;
	r->out->address_given = true;
	snprintf(r->as, sizeof(r->as), "address 0x%08x", r->out->address);
	return true;
}

static bool take_verify(struct reader *r, const char *value)
{
	if (!truth(r, value, &r->out->verify))
		return false;
	r->out->verify_given = true;
	snprintf(r->as, sizeof(r->as), "verify %s", r->out->verify ? "true" : "false");
	return true;
}

static bool take_erase(struct reader *r, const char *value)
{
	const char *kind = NULL;

	if (strcasecmp(value, "chip") == 0 || strcmp(value, "2") == 0)
		kind = "chip";
	else if (strcasecmp(value, "sector") == 0 || strcasecmp(value, "sectors") == 0 || strcmp(value, "1") == 0)
		kind = "needed";
	if (!kind) {
		snprintf(r->why, sizeof(r->why), "has to be sectors (1) or chip (2)");
		return false;
	}
	snprintf(r->out->erase, sizeof(r->out->erase), "%s", kind);
	snprintf(r->as, sizeof(r->as), "erase \"%s\"", kind);
	return true;
}

static bool take_image(struct reader *r, const char *value)
{
	if (!value[0])
		return true;
	snprintf(r->out->image, sizeof(r->out->image), "%s", value);
	snprintf(r->as, sizeof(r->as), "the image to be packed");
	return true;
}

static bool take_vtref(struct reader *r, const char *value)
{
	if (!truth(r, value, &r->vtref))
		return false;
	snprintf(r->as, sizeof(r->as), r->vtref ? "watch the supply" : "do not watch the supply");
	return true;
}

static bool take_limit(struct reader *r, const char *value, uint32_t *limit)
{
	if (!number(r, value, 20000, limit))
		return false;
	snprintf(r->as, sizeof(r->as), "%u mV, if the supply is watched", *limit);
	return true;
}

static bool take_vtref_min(struct reader *r, const char *value)
{
	return take_limit(r, value, &r->vtref_min);
}

static bool take_vtref_max(struct reader *r, const char *value)
{
	return take_limit(r, value, &r->vtref_max);
}

static const struct {
	const char *section, *key; /* section NULL: anywhere */
	bool (*take)(struct reader *r, const char *value);
} rows[] = {
	{"GENERAL", "CurrentFile", take_image},
	{"GENERAL", "TargetIF", take_interface},
	{NULL, "Interface", take_interface},
	{"JTAG", "Speed1", take_speed}, /* Speed0 is for the time before the target was initialised */
	{NULL, "Speed", take_speed},
	{"CPU", "ChipName", take_device},
	{"FLASH", "DeviceName", take_device},
	{NULL, "Device", take_device},
	{"FLASH", "BaseAddr", take_address},
	{NULL, "BaseAddress", take_address},
	{"PRODUCTION", "AutoPerformsVerify", take_verify},
	{NULL, "Verify", take_verify},
	{"PRODUCTION", "EraseType", take_erase},
	{NULL, "Erase", take_erase},
	{"PRODUCTION", "MonitorVTref", take_vtref},
	{"PRODUCTION", "MonitorVTrefMin", take_vtref_min},
	{"PRODUCTION", "MonitorVTrefMax", take_vtref_max},
};

/* ---- lines ---- */

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = 0;
	return text + strspn(text, " \t\r\v\f");
}

static void unquote(char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return;
	memmove(text, text + 1, len - 2);
	text[len - 2] = 0;
}

/* False: the value makes no sense (r->why). */
static bool take(struct reader *r, struct hf_jflash_line *line)
{
	r->as[0] = r->why[0] = 0;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if ((rows[i].section && strcasecmp(rows[i].section, line->section) != 0) || strcasecmp(rows[i].key, line->key) != 0)
			continue;
		if (!rows[i].take(r, line->value))
			return false;
		line->as = r->as[0] ? r->as : NULL;
		return true;
	}
	return true;
}

static void end_supply(const struct reader *r)
{
	/* What a project file takes; a J-Link's own limits, 1 V to 5.5 V, say nothing about a board. */
	if (!r->vtref)
		return;
	r->out->supply_mv_min = r->vtref_min >= 1800 && r->vtref_min <= 3600 ? r->vtref_min : 0;
	r->out->supply_mv_max = r->vtref_max > r->vtref_min && r->vtref_max >= 1800 && r->vtref_max <= 3600 ? r->vtref_max : 0;
}

static enum hf_err one(struct reader *r, char *text, char *section, struct hf_jflash_line *line, struct hf_diag *diag)
{
	char *equals = strchr(text, '=');
	size_t len = strlen(text);

	if (text[0] == '[' && len > 2 && text[len - 1] == ']') {
		snprintf(section, LINE_BYTES, "%.*s", (int)len - 2, text + 1);
		return HF_OK;
	}
	if (!equals || equals == text) {
		hf_diag_set(diag, "'%.40s' is neither [SECTION] nor KEY = VALUE: is this a J-Flash project?", text);
		return HF_ERR_ENCODING;
	}
	*equals = 0;
	*line = (struct hf_jflash_line){line->number, section, trim(text), trim(equals + 1), NULL};
	unquote((char *)line->value);
	if (take(r, line))
		return HF_OK;
	hf_diag_set(diag, "'%.64s' is '%.64s', but %s", line->key, line->value, r->why);
	return HF_ERR_RANGE;
}

enum hf_err hf_jflash_parse(const char *text, const char *file, void (*tell)(void *ctx, const struct hf_jflash_line *line),
			    void *ctx, struct hf_jflash *out, struct hf_diag *diag)
{
	char section[LINE_BYTES] = "", buffer[LINE_BYTES];
	struct reader r = {.out = out};
	enum hf_err err = HF_OK;
	unsigned number = 0;

	*out = (struct hf_jflash){0};
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (*text && !err) {
		size_t len = strcspn(text, "\n");
		struct hf_jflash_line line = {.number = ++number};
		char *at;

		snprintf(buffer, sizeof(buffer), "%.*s", (int)(len < sizeof(buffer) ? len : sizeof(buffer) - 1), text);
		text += len + (text[len] == '\n');
		for (at = buffer; *at; at++)
			*at = (unsigned char)*at < 0x80 ? *at : '?'; /* some Windows code page; nothing that is taken has any */
		at = trim(buffer);
		if (!*at || *at == ';' || *at == '#')
			continue;
		err = one(&r, at, section, &line, diag);
		if (err)
			hf_diag_prefix(diag, "%s:%u: ", file, number);
		if (err || !line.key)
			continue;
		*(line.as ? &out->taken : &out->left) += 1;
		if (tell)
			tell(ctx, &line);
	}
	if (err)
		return err;
	end_supply(&r);
	if (out->taken)
		return HF_OK;
	hf_diag_set(diag, "%s: nothing in it is of use here; a J-Flash project has lines like ChipName = \"ST STM32F407VG\" in [CPU]", file);
	return HF_ERR_NOT_FOUND;
}

/* SPDX-License-Identifier: MIT */
#include "out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum hf_exit hf_exit_of(enum hf_err err)
{
	switch (err) {
	case HF_OK:
		return HF_EXIT_OK;
	case HF_ERR_TRUNCATED:
	case HF_ERR_ENCODING:
	case HF_ERR_TYPE:
	case HF_ERR_RANGE:
	case HF_ERR_UNSUPPORTED:
	case HF_ERR_TOO_LARGE:
	case HF_ERR_CRC:
	case HF_ERR_DIGEST:
	case HF_ERR_KEYSET:
		return HF_EXIT_INPUT;
	case HF_ERR_SIGNATURE:
	case HF_ERR_KEY:
	case HF_ERR_KEYSET_NUMBER:
	case HF_ERR_THRESHOLD:
	case HF_ERR_LOCKOUT:
	case HF_ERR_VENDOR:
	case HF_ERR_CLASS:
	case HF_ERR_DEVICE:
	case HF_ERR_VERSION:
	case HF_ERR_SECURITY_VERSION:
	case HF_ERR_RELEASE:
	case HF_ERR_SAME_SEQUENCE:
	case HF_ERR_SLOT:
	case HF_ERR_REJECTED:
	case HF_ERR_ABORT:
		return HF_EXIT_REFUSED;
	case HF_ERR_TRIAL:
	case HF_ERR_PROTECTED:
	case HF_ERR_ORDER:
	case HF_ERR_NOT_FOUND:
	case HF_ERR_BUSY:
	case HF_ERR_FLASH_ERASE:
	case HF_ERR_FLASH_PROGRAM:
	case HF_ERR_FLASH_LOCKED:
	case HF_ERR_FULL:
		return HF_EXIT_DEVICE;
	case HF_ERR_TIMEOUT:
		return HF_EXIT_NO_DEVICE;
	case HF_ERR_DENIED:
	case HF_ERR_IO:
		return HF_EXIT_INTERNAL;
	}
	return HF_EXIT_INTERNAL;
}

const char *hf_exit_text(enum hf_exit code)
{
	static const char *const text[] = {
		[HF_EXIT_OK] = "success",
		[HF_EXIT_INTERNAL] = "an internal error, or one of input and output",
		[HF_EXIT_USAGE] = "used wrongly",
		[HF_EXIT_INPUT] = "an input file is damaged or makes no sense",
		[HF_EXIT_REFUSED] = "not for this board, version or keyset",
		[HF_EXIT_NO_DEVICE] = "no such port, or no device answers on it",
		[HF_EXIT_DEVICE] = "the device refused, rolled back, or reported an error",
		[HF_EXIT_INTERRUPTED] = "interrupted",
		[HF_EXIT_BUSY] = "another program has the port",
		[HF_EXIT_CHECK] = "a check before the upgrade failed, nothing was sent",
		[HF_EXIT_LINE] = "something speaks there but cannot be understood: a wrong rate, a bad cable",
		[HF_EXIT_SILENT] = "a device that had answered answers no more",
		[HF_EXIT_PORT_GONE] = "the port has vanished",
		[HF_EXIT_DISK] = "a file could not be written",
		[HF_EXIT_JOB] = "the job file is not what was signed",
		[HF_EXIT_SERIALS] = "another station has this range of serial numbers, or none is left",
		[HF_EXIT_FAILURES] = "some of several devices failed",
		[HF_EXIT_AMBIGUOUS] = "more than one device could be meant, nothing was done",
		[HF_EXIT_TESTS] = "the new firmware runs, but the tests after the upgrade failed",
	};

	return (size_t)code < sizeof(text) / sizeof(text[0]) && text[code] ? text[code] : "unknown";
}

/* What main needs to know at the end (hf_out_ended, hf_out_last_error). */
static char last_error[HF_DIAG_BYTES];
static bool ended;

static void say(enum hf_colour colour, const char *kind, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void say(enum hf_colour colour, const char *kind, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%sholdfast:%s %s", hf_out_colour(stderr, colour), hf_out_colour(stderr, HF_COLOUR_NONE),
		kind);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void hf_out_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	va_start(args, format);
	say(HF_COLOUR_RED, "", format, args);
	va_end(args);
}

void hf_out_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(HF_COLOUR_DIM, "", format, args);
	va_end(args);
}

void hf_out_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(HF_COLOUR_YELLOW, "warning: ", format, args);
	va_end(args);
}

enum hf_exit hf_out_fail(enum hf_err err, const struct hf_diag *diag)
{
	hf_out_error("%s", diag->text);
	return hf_exit_of(err);
}

const char *hf_out_colour(FILE *stream, enum hf_colour colour)
{
	static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[31m",
					    "\033[32m", "\033[33m", "\033[34m", "\033[35m", "\033[36m"};
	const char *term = getenv("TERM");

	if (!isatty(fileno(stream)) || getenv("NO_COLOR") || !term || strcmp(term, "dumb") == 0)
		return "";
	return codes[colour];
}

void hf_out_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	putchar('\n');
	json_decref(value);
}

void hf_out_event(json_t *value)
{
	const char *name = json_string_value(json_object_get(value, "event"));

	ended = name && strcmp(name, "result") == 0;
	json_dumpf(value, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10));
	putchar('\n');
	fflush(stdout);
	json_decref(value);
}

bool hf_out_ended(void)
{
	return ended;
}

const char *hf_out_last_error(void)
{
	return last_error;
}

json_t *hf_json_u64(uint64_t value)
{
	char text[24];

	if (value <= UINT64_C(1) << 53)
		return json_integer((json_int_t)value);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_string(text);
}

const char *hf_out_hex(const uint8_t *bytes, size_t len, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * len] = 0;
	return text;
}

bool hf_out_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	hf_out_error("standard output cannot be written: %s", strerror(errno));
	return false;
}

/* SPDX-License-Identifier: MIT */
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PART 999999999

static const char *const ops[] = {"", ">", ">=", "=", "<=", "<"};

static bool read_version(const char **at, struct hf_version *out)
{
	*out = (struct hf_version){0};
	do {
		long value = 0;

		if (out->parts == HF_VERSION_PARTS || **at < '0' || **at > '9')
			return false;
		for (; **at >= '0' && **at <= '9'; (*at)++) {
			value = value * 10 + (**at - '0');
			if (value > MAX_PART)
				return false;
		}
		out->part[out->parts++] = (int32_t)value;
	} while (**at == '.' && (*at)++);
	return true;
}

bool hf_version_parse(const char *text, struct hf_version *out)
{
	return read_version(&text, out) && *text == 0;
}

const char *hf_version_format(const int32_t *part, unsigned parts, char text[HF_VERSION_TEXT_BYTES])
{
	size_t len = 0;

	text[0] = 0;
	for (unsigned i = 0; i < parts && i < HF_VERSION_PARTS; i++)
		len += (size_t)snprintf(text + len, HF_VERSION_TEXT_BYTES - len, "%s%ld", i ? "." : "",
					(long)part[i]);
	return text;
}

static uint8_t read_op(const char **at)
{
	/* Longer ones first: ">=" begins like ">". */
	static const uint8_t order[] = {2, 4, 1, 3, 5};

	for (unsigned i = 0; i < sizeof(order); i++) {
		size_t len = strlen(ops[order[i]]);

		if (strncmp(*at, ops[order[i]], len) == 0) {
			*at += len;
			return order[i];
		}
	}
	return 3;
}

bool hf_version_conditions_parse(const char *text, struct hf_version_conditions *out)
{
	for (out->count = 0; out->count < HF_CONDITIONS_MAX; text++) {
		struct hf_version_condition *c = &out->at[out->count++];

		c->op = read_op(&text);
		if (!read_version(&text, &c->version))
			return false;
		if (*text == 0)
			return true;
		if (*text != ',')
			return false;
	}
	return false;
}

const char *hf_version_op_text(unsigned op)
{
	return op < sizeof(ops) / sizeof(ops[0]) ? ops[op] : "?";
}

bool hf_version_release(const struct hf_version *version, uint32_t *release)
{
	const int32_t *part = version->part;

	if (version->parts != 3 || part[0] > 255 || part[1] > 255 || part[2] > 65535)
		return false;
	*release = (uint32_t)part[0] << 24 | (uint32_t)part[1] << 16 | (uint32_t)part[2];
	return true;
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast read`: what lies in a slot or in the recovery partition, out of a device whose board allows it.
 */
#include <stdlib.h>
#include <strings.h>

#include "command.h"
#include "file.h"
#include "smp_maintain.h"
#include "upkeep.h"

#define PLACE_MAX   (4u << 20)
#define PIECE_BYTES 640u /* with its overhead an answer that every device can give */

static bool parse_place(const char *text, unsigned *place)
{
	static const char *const names[HF_PLACES] = {"a", "b", "recovery"};

	for (unsigned i = 0; i < HF_PLACES; i++) {
		if (strcasecmp(text, names[i]) != 0)
			continue;
		*place = i;
		return true;
	}
	return false;
}

static enum hf_exit receive(struct hf_upkeep *u, unsigned place, uint8_t *buf, size_t *len)
{
	size_t n = 1;

	for (*len = 0; n > 0; *len += n) {
		size_t cap = PLACE_MAX - *len < PIECE_BYTES ? PLACE_MAX - *len : PIECE_BYTES;
		struct hf_smp_answer answer;
		enum hf_err err = hf_smp_read_place(&u->client, u->port.patience_ms, place, (uint32_t)*len, buf + *len, cap, &n,
						    &answer);
		enum hf_exit code = hf_port_answer(err, &answer, "reading");

		if (code != HF_EXIT_OK && !err && answer.refusal == HF_ERR_DENIED)
			hf_out_error("its board file says that images are not read out (access.readback)");
		if (code != HF_EXIT_OK)
			return code;
	}
	return HF_EXIT_OK;
}

static enum hf_exit read_out(struct hf_upkeep *u, unsigned place, const char *path)
{
	uint8_t *buf = malloc(PLACE_MAX);
	struct hf_diag diag;
	enum hf_exit code;
	size_t len;

	if (!buf) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	code = receive(u, place, buf, &len);
	if (code == HF_EXIT_OK) {
		enum hf_err err = hf_file_write(path, (struct hf_bytes){buf, len}, 0, &diag);

		if (err)
			code = hf_out_fail(err, &diag);
	}
	free(buf);
	if (code == HF_EXIT_OK && u->json)
		hf_out_json(json_pack("{s:s, s:I}", "file", path, "bytes", (json_int_t)len));
	else if (code == HF_EXIT_OK)
		printf("%s: %zu bytes; `holdfast inspect` shows what they are\n", path, len);
	return code;
}

enum hf_exit hf_command_read(int argc, char **argv)
{
	struct hf_upkeep u = {0};
	const char *path = NULL;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(u.port),
		{"out", 'o', HF_ARG_TEXT, "FILE", "where it goes", &path, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &u.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "read",
		.summary = "reads a slot or the recovery partition of a device into a file",
		.synopsis = "A | B | recovery  --out FILE [--port PORT | --device ID] [options]",
		.details = "Where the device's board file allows it (access.readback). The file is the place as it lies in flash.",
		.example = "holdfast read B --out slot-b.bin --port /dev/ttyUSB0",
		.exits = "6 the device refuses, 7 interrupted, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;
	unsigned place;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!parse_place(rest.item[0], &place))
		return hf_args_wrong(&usage, "'%s' is none of A, B, recovery", rest.item[0]);
	if (!path)
		return hf_args_wrong(&usage, "--out is missing");
	if (hf_upkeep_begin(&u, &usage, false, &code))
		code = read_out(&u, place, path);
	hf_upkeep_end(&u);
	return code;
}

/* SPDX-License-Identifier: MIT
 *
 * The lockstep protocol's requests, and the commands that they carry: a stream of any bytes is taken request by
 * request; each is either sound or refused with a sentence, and the parser never reads or claims more than there is.
 */
#include <stdlib.h>
#include <string.h>

#include "lockstep.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_command(struct hf_bytes text)
{
	char line[HF_SCRIPT_LINE_MAX + 16];
	struct hf_command command;
	struct hf_diag diag = { "" };
	size_t n = text.len < sizeof(line) ? text.len : sizeof(line) - 1;
	memcpy(line, text.ptr, n);
	line[n] = 0;
	if (hf_script_command(line, &command, &diag) != HF_OK && diag.text[0] == 0)
		abort();
	const char *at = line;
	unsigned number = 1, commands = 0;
	enum hf_err err;
	while ((err = hf_script_next(&at, &number, &command, &diag)) == HF_OK)
		if (++commands > sizeof(line))
			abort();
	if (err != HF_ERR_NOT_FOUND && strncmp(diag.text, "line ", 5) != 0)
		abort();
}

static void check_request(const struct hf_lockstep_request *r)
{
	if (r->op == 'X' && r->payload.len > 0)
		check_command(r->payload);
	if (r->op == 'R' && r->read_max == 0)
		abort();
	if (r->op == 'B' && (r->line.baud < 50 || r->line.data_bits < 5 || r->line.data_bits > 8))
		abort();
	if (strchr("HWRSBLNX", r->op) == NULL || r->op == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_lockstep_request request;
	struct hf_lockstep_reply reply;
	struct hf_diag diag;
	size_t at = 0, used;
	for (;;) {
		diag.text[0] = 0;
		enum hf_err err = hf_lockstep_parse((struct hf_bytes){ data + at, len - at }, &request, &used, &diag);
		if (used > len - at || (err == HF_ERR_TRUNCATED && used != 0))
			abort();
		if (err == HF_OK)
			check_request(&request);
		else if (err != HF_ERR_TRUNCATED && diag.text[0] == 0)
			abort();
		if (used == 0)
			break;
		at += used;
	}
	if (hf_lockstep_parse_reply((struct hf_bytes){ data, len }, &reply, &used) == HF_OK && used > len)
		abort();
	return 0;
}

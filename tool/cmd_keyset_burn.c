/* SPDX-License-Identifier: MIT
 *
 * `holdfast keyset burn`: the next keyset for a device. What the device would refuse is refused here first, with the names
 * of both sides, where it can be known.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "host_crypto.h"
#include "load.h"
#include "smp_maintain.h"
#include "upkeep.h"

struct burn {
	struct hf_upkeep u;
	struct hf_buffer bytes;
	struct hf_keyset_file file;
	uint8_t now_bytes[HF_KEYSET_FILE_MAX];
	struct hf_keyset now;
	bool now_known, same;
	struct hf_diag diag;
};

/* What the device has now, if it says so. */
static enum hf_exit ask(struct burn *b)
{
	struct hf_smp_answer answer;
	size_t len, used;
	enum hf_err err = hf_smp_get_kept(&b->u.client, b->u.port.patience_ms, HF_LONGREC_KEYSET, b->now_bytes,
					  sizeof(b->now_bytes), &len, &answer);

	if (err || answer.refusal)
		return hf_upkeep_answer(&b->u, err, &answer, "asking for the keyset");
	b->now_known = len > 0 && hf_keyset_parse((struct hf_bytes){b->now_bytes, len}, &b->now, &used) == HF_OK;
	b->same = b->now_known && len == b->file.bytes.len && memcmp(b->now_bytes, b->file.bytes.ptr, len) == 0;
	return HF_EXIT_OK;
}

static enum hf_err check(struct burn *b)
{
	struct hf_keyset_count count;
	struct hf_keyset_file next;
	enum hf_err err = hf_keyset_accept(&b->now, hf_buffer_bytes(&b->bytes), &hf_host_crypto, &next);

	if (err == HF_ERR_KEYSET_NUMBER)
		hf_diag_set(&b->diag, "the device has keyset %u, and takes only a higher one than %u", b->now.number,
			    b->file.keyset.number);
	else if (err == HF_ERR_THRESHOLD && hf_keyset_count(&b->file, &b->now, &count) == HF_OK)
		hf_diag_set(&b->diag, "keyset %u is signed by %u of %u root keys of the device's keyset %u, and by %u of %u of its own; "
				      "have the others sign it with `holdfast keyset sign`", b->file.keyset.number, count.old,
			    count.old_wanted, b->now.number, count.own, count.own_wanted);
	else if (err)
		hf_diag_set(&b->diag, "the device would refuse keyset %u: %s", b->file.keyset.number, hf_err_text(err));
	return err;
}

static enum hf_exit send(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_put_kept(&b->u.client, b->u.port.patience_ms, HF_LONGREC_KEYSET, hf_buffer_bytes(&b->bytes),
					  &answer);

	return hf_upkeep_answer(&b->u, err, &answer, "sending the keyset");
}

static void report(const struct burn *b, const char *path)
{
	if (b->u.json)
		hf_out_json(json_pack("{s:s, s:I, s:o, s:b}", "keyset", path, "number", (json_int_t)b->file.keyset.number, "previous",
				      b->now_known ? json_integer(b->now.number) : json_null(), "changed", !b->same));
	else if (b->same)
		printf("the device has keyset %u already\n", b->file.keyset.number);
	else
		printf("the device trusts keyset %u now\n", b->file.keyset.number);
}

static enum hf_exit talk(struct burn *b, const char *path)
{
	enum hf_exit code = ask(b);
	enum hf_err err;


	if (code == HF_EXIT_OK && b->now_known && !b->same) {
		err = check(b);
		code = err ? hf_out_fail(err, &b->diag) : HF_EXIT_OK;
	}
	if (code == HF_EXIT_OK && !b->same)
		code = send(b);
	if (code == HF_EXIT_OK)
		report(b, path);
	return code;
}

static enum hf_exit burn(struct burn *b, const struct hf_usage *usage, const char *path)
{
	enum hf_exit code;
	enum hf_err err = hf_load_keyset_file(path, &b->bytes, &b->file, &b->diag);

	if (!err && !b->file.count) {
		hf_diag_set(&b->diag, "%s: this keyset is not signed; devices take a successor only from root keys: `holdfast keyset "
				      "sign`", path);
		err = HF_ERR_KEY;
	}
	if (err)
		return hf_out_fail(err, &b->diag);
	if (hf_upkeep_begin(&b->u, usage, true, &code))
		code = talk(b, path);
	hf_upkeep_end(&b->u);
	return code;
}

enum hf_exit hf_command_keyset_burn(int argc, char **argv)
{
	static struct burn b;
	const struct hf_arg options[] = {
		HF_UPKEEP_ARGS(b.u),
	};
	const struct hf_usage usage = {
		.command = "keyset burn",
		.summary = "gives a device the next keyset",
		.synopsis = "FILE [--port PORT | --device ID] [options]",
		.details = "FILE must be signed by as many root keys of the device's keyset as that wants, and of its own. It may be\n"
			   "repeated at will, also after the cable or the power was cut.",
		.example = "holdfast keyset burn next.keyset --port /dev/ttyUSB0",
		.exits = "3 the file is no keyset, 4 not one that the device takes, 6 it refuses, 7 interrupted, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	code = burn(&b, &usage, rest.item[0]);
	hf_buffer_free(&b.bytes);
	return code;
}

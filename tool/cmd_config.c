/* SPDX-License-Identifier: MIT
 *
 * `holdfast config`: a device's configuration out of it, into it, and away.
 */
#include <string.h>

#include "command.h"
#include "file.h"
#include "interrupt.h"
#include "port.h"
#include "smp_maintain.h"

static enum hf_exit get(struct hf_port *port, struct hf_smp_client *client, const char *to, bool json)
{
	uint8_t content[HF_CONFIGURATION_MAX];
	struct hf_smp_answer answer;
	struct hf_diag diag;
	size_t len;
	enum hf_err err = hf_smp_get_kept(client, port->patience_ms, HF_LONGREC_CONFIGURATION, content, sizeof(content),
					  &len, &answer);
	enum hf_exit code = hf_port_answer(err, &answer, "reading its configuration");

	if (code != HF_EXIT_OK)
		return code;
	err = hf_file_write(to, (struct hf_bytes){content, len}, 0, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	if (json)
		hf_out_json(json_pack("{s:s, s:I}", "file", to, "bytes", (json_int_t)len));
	else
		printf("%zu bytes of configuration are in %s%s\n", len, to, len ? "" : ": the device has none");
	return HF_EXIT_OK;
}

static enum hf_exit put(struct hf_port *port, struct hf_smp_client *client, struct hf_bytes content, bool json)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_put_kept(client, port->patience_ms, HF_LONGREC_CONFIGURATION, content, &answer);
	enum hf_exit code = hf_port_answer(err, &answer, "storing its configuration");

	if (code != HF_EXIT_OK)
		return code;
	if (json)
		hf_out_json(json_pack("{s:I}", "bytes", (json_int_t)content.len));
	else if (content.len)
		printf("%zu bytes are stored, twice; the firmware reads them at its next start: `holdfast image reset`\n",
		       content.len);
	else
		printf("the configuration is removed; the firmware takes its defaults at the next start\n");
	return HF_EXIT_OK;
}

/* Everything that can be wrong with the file is found before the port is opened. */
static bool read_content(const struct hf_usage *usage, const struct hf_args_rest *rest, struct hf_buffer *file,
			 enum hf_exit *code)
{
	const char *name = rest->item[1];
	struct hf_diag diag;
	enum hf_err err;

	if (strcmp(rest->item[0], "set") != 0)
		return true;
	err = hf_file_read(name, HF_CONFIGURATION_MAX, file, &diag);
	if (err) {
		*code = hf_out_fail(err, &diag);
		return false;
	}
	if (file->len > 0)
		return true;
	*code = hf_args_wrong(usage, "%s is empty; `holdfast config clear` removes the configuration", name);
	return false;
}

static bool wrong(const struct hf_usage *usage, const struct hf_args_rest *rest, const char *to, enum hf_exit *code)
{
	const char *verb = rest->item[0];

	if (strcmp(verb, "get") == 0 && rest->count == 1 && to)
		return false;
	if ((strcmp(verb, "set") == 0 && rest->count == 2) || (strcmp(verb, "clear") == 0 && rest->count == 1))
		return false;
	if (strcmp(verb, "get") == 0)
		*code = hf_args_wrong(usage, "get wants --out FILE");
	else if (strcmp(verb, "set") == 0)
		*code = hf_args_wrong(usage, "set wants the FILE that is to be stored");
	else
		*code = hf_args_wrong(usage, "'%s' is none of get --out FILE, set FILE, clear", verb);
	return true;
}

enum hf_exit hf_command_config(int argc, char **argv)
{
	struct hf_port port = {0};
	const char *to = NULL;
	bool json = false;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(port),
		{"out", 'o', HF_ARG_TEXT, "FILE", "where get writes to ('-': standard output)", &to, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "the outcome as JSON", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "config",
		.summary = "reads, stores or removes a device's configuration",
		.synopsis = "get --out FILE | set FILE | clear  --port PORT [options]",
		.details = "A configuration is at most 2048 bytes, which are the firmware's own business. It is stored twice, "
			   "survives upgrades and power failing at any instant, and is there whole or not at all.",
		.example = "holdfast config get --port /dev/ttyUSB0 --out gateway-17.conf",
		.exits = "3 the file is no configuration, 5 no device answers, 6 the device refuses",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 2,
	};
	struct hf_buffer file = {0};
	struct hf_smp_client client;
	struct hf_smp_status status;
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code) || wrong(&usage, &rest, to, &code) ||
	    !read_content(&usage, &rest, &file, &code))
		return code;
	if (hf_port_open(&port, &usage, &code)) {
		hf_smp_client_init(&client, &port.serial);
		client.stop = hf_interrupted;
		hf_interrupt_catch();
		if (hf_port_find(&port, &client, &status, &code))
			code = strcmp(rest.item[0], "get") == 0 ? get(&port, &client, to, json)
								 : put(&port, &client, hf_buffer_bytes(&file), json);
		hf_port_close(&port);
	}
	hf_buffer_free(&file);
	return code;
}

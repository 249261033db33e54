/* SPDX-License-Identifier: MIT
 *
 * `holdfast factory-reset`: takes away what the field has added to a device.
 */
#include "command.h"
#include "interrupt.h"
#include "port.h"
#include "smp_maintain.h"

enum hf_exit hf_command_factory_reset(int argc, char **argv)
{
	struct hf_port port = {0};
	bool yes = false, json = false;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(port),
		{"yes", 0, HF_ARG_FLAG, NULL, "yes, configuration and history are to be lost", &yes, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "the outcome as JSON", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "factory-reset",
		.summary = "erases a device's configuration, history and the slot that does not run",
		.synopsis = "--port PORT --yes [options]",
		.details = "What runs stays, and so does what must not be lost: the keyset, the lowest security version that may "
			   "start, and the newest one that was confirmed. Save the configuration before: `holdfast config get`.",
		.example = "holdfast factory-reset --port /dev/ttyUSB0 --yes",
		.exits = "5 no device answers, 6 the device refuses",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_smp_client client;
	struct hf_smp_status status;
	struct hf_smp_answer answer;
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!yes)
		return hf_args_wrong(&usage, "this erases configuration, history and the older firmware: say --yes");
	if (!hf_port_open(&port, &usage, &code))
		return code;
	hf_smp_client_init(&client, &port.serial);
	client.stop = hf_interrupted;
	hf_interrupt_catch();
	if (hf_port_find(&port, &client, &status, &code))
		code = hf_port_answer(hf_smp_factory_reset(&client, port.patience_ms, &answer), &answer,
				      "erasing to the factory's state");
	if (code == HF_EXIT_OK && json)
		hf_out_json(json_pack("{s:b}", "erased", true));
	else if (code == HF_EXIT_OK)
		printf("configuration, history and the slot that does not run are erased; what runs goes on\n");
	hf_port_close(&port);
	return code;
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast`: a table of commands.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "describe.h"

static const struct hf_command commands[] = {
	{"list", "shows every serial port, and what answers at its other end", hf_command_list},
	{"doctor", "finds what is wrong with this computer, the line and the device", hf_command_doctor, true},
	{"check", "makes the checks before an upgrade, or the tests after it", hf_command_check, true},
	{"burn", "burns a package, and waits until the device has confirmed it", hf_command_burn, true},
	{"recover", "brings a dead gateway back: says what to do, watches, burns, verifies", hf_command_recover, true},
	{"monitor", "shows what devices say, and the stage that each is in", hf_command_monitor, true},
	{"status", "asks a device what it runs and how it is", hf_command_status},
	{"history", "shows what a device went through: starts, uploads, alarms, hourly figures", hf_command_history},
	{"rollback", "takes a device back to the confirmed firmware in its other slot", hf_command_rollback},
	{"config", "reads, sets or clears a device's configuration", hf_command_config},
	{"image", "lists the images of a device; tries, confirms, erases one", hf_command_image},
	{"read", "reads a slot or the recovery partition of a device into a file", hf_command_read},
	{"recovery", "takes a device into its recovery", hf_command_recovery},
	{"factory-reset", "erases what the field has added to a device", hf_command_factory_reset},
	{"factory", "makes the flash image that a device leaves the factory with", hf_command_factory},
	{"batch", "burns many devices at once, as a signed job says", hf_command_batch, true},
	{"job", "makes, signs and shows jobs for batches; reports of what they did", hf_command_job},
	{"pack", "makes a signed package of firmware", hf_command_pack},
	{"sign", "adds another key's signature to a package", hf_command_sign},
	{"inspect", "shows what is in a file, or what happened to a device", hf_command_inspect},
	{"verify", "says whether a device would take a package, and if not, why", hf_command_verify},
	{"keygen", "makes a key that signs firmware, and the keyset that trusts it", hf_command_keygen},
	{"key", "says what a key is; cares for an HSS-LMS key's state", hf_command_key},
	{"keyset", "makes, signs, shows and burns keysets: which keys devices trust", hf_command_keyset},
	{"project", "shows and checks a product's project file, or makes one", hf_command_project, true},
	{"board", "shows a board file, and generates the firmware's headers from it", hf_command_board},
};

/* A heading of the list of commands, and the command that it stands above. */
static const struct {
	const char *heading, *first;
} groups[] = {
	{"a device:", "list"},
	{"a factory:", "factory"},
	{"releases and keys:", "pack"},
	{"a product:", "project"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct hf_command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static void print_heading(FILE *to, const char *command)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(groups[i].first, command) == 0)
			fprintf(to, "%s%s\n", i > 0 ? "\n" : "", groups[i].heading);
	}
}

static void print_help(FILE *to)
{
	fprintf(to,
		"holdfast: firmware upgrades that cannot brick a gateway\n\nusage: holdfast COMMAND [arguments]\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		print_heading(to, commands[i].name);
		fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].line);
	}
	fprintf(to, "\n`holdfast COMMAND --help` explains a command and gives an example.\n");
}

static enum hf_exit unknown(const char *name)
{
	hf_out_error("'%s' is no command; `holdfast help` lists them", name);
	return HF_EXIT_USAGE;
}

static enum hf_exit help(int argc, char **argv)
{
	char *with_help[] = {argc > 2 ? argv[2] : NULL, (char[]){"--help"}, NULL};
	const struct hf_command *command;

	if (argc <= 2) {
		print_help(stdout);
		return HF_EXIT_OK;
	}
	if (argv[2][0] == '-' && argv[2][1] == '-')
		return hf_describe(commands, COMMANDS, argv[2], argc - 3, argv + 3);
	command = find(argv[2]);
	return command ? command->run(2, with_help) : unknown(argv[2]);
}

/* Also a command that could not begin ends its events with a result. */
static void end_events(const struct hf_command *command, int argc, char **argv, enum hf_exit code)
{
	bool json = false;

	for (int i = 1; i < argc; i++)
		json |= strcmp(argv[i], "--json") == 0;
	if (json && command->events && code != HF_EXIT_OK && !hf_out_ended())
		hf_out_event(json_pack("{s:s, s:i, s:i, s:s, s:s}", "event", "result", "t_ms", 0, "exit", (int)code, "outcome", "not-begun",
				       "reason", hf_out_last_error()));
}

static enum hf_exit run_command(const struct hf_command *command, int argc, char **argv)
{
	enum hf_exit code = command->run(argc, argv);

	end_events(command, argc, argv, code);
	return code;
}

static enum hf_exit run(int argc, char **argv)
{
	const struct hf_command *command;

	if (argc < 2) {
		print_help(stderr);
		return HF_EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0) {
		printf("holdfast %s\n", HF_VERSION);
		return HF_EXIT_OK;
	}
	command = find(argv[1]);
	return command ? run_command(command, argc - 1, argv + 1) : unknown(argv[1]);
}

/* Where files may not grow, writing fails like on a full disk, and says so. */
static void survive_file_limits(void)
{
	signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	enum hf_exit exit_code;

	survive_file_limits();
	exit_code = run(argc, argv);
	if (!hf_out_flush() && exit_code == HF_EXIT_OK)
		exit_code = HF_EXIT_INTERNAL;
	return exit_code;
}

/* SPDX-License-Identifier: MIT
 *
 * `holdfast-twin`: two commands, and the signals that end one of them.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

static volatile bool stop;

static void on_signal(int number)
{
	(void)number;
	stop = true;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: poll() is to return */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static enum hf_exit help(FILE *to, enum hf_exit exit_code)
{
	fprintf(to, "holdfast-twin: the digital twin of a gateway\n\n"
		    "usage: holdfast-twin COMMAND [arguments]\n\n"
		    "  run   runs a twin of a board, with faults\n"
		    "  ctl   gives a command to a running twin\n\n"
		    "`holdfast-twin COMMAND --help` explains a command and gives an example.\n"
		    "This program links Unicorn, which is under the GNU General Public License, version 2.\n");
	return exit_code;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	if (strcmp(name, "run") == 0) {
		catch_signals();
		return hf_twin_command_run(argc - 1, argv + 1, &stop);
	}
	if (strcmp(name, "ctl") == 0)
		return hf_twin_command_ctl(argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0) {
		printf("holdfast-twin %s\n", HF_VERSION);
		return HF_EXIT_OK;
	}
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help(stdout, HF_EXIT_OK);
	if (argc > 1)
		hf_out_error("'%s' is no command of holdfast-twin", name);
	return help(stderr, HF_EXIT_USAGE);
}

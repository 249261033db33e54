/* SPDX-License-Identifier: MIT
 *
 * The frames into which the commands' descriptions go. The shells' functions find a serial port by its lasting name first, because a
 * ttyUSB number is another one tomorrow.
 */
#include "describe.h"

#include <stdio.h>
#include <string.h>

#include "args_man.h"
#include "doctor/udev.h"
#include "project.h"
#include "survey.h"

static enum hf_exit ask(const struct hf_command *command, const char *how)
{
	char name[32], word[32];
	char *argv[] = {name, word, NULL};

	snprintf(name, sizeof(name), "%s", command->name);
	snprintf(word, sizeof(word), "%s", how);
	return command->run(2, argv);
}

/* ---- holdfast(1) ---- */

static void print_man(const struct hf_command *commands, size_t count)
{
	static const char *const environment[][2] = {
		{HF_PROJECT_ENV, "the project file; empty: none, whatever lies around. Without it, " HF_PROJECT_NAME
				 " in the current directory or the nearest above counts, and each command says so once"},
		{HF_SURVEY_PORTS, "further ports to look at where none is named, separated by commas: serial servers (rfc2217:HOST:PORT), "
				  "sockets, pseudo-terminals"},
		{"NO_COLOR", "no colours, also on a terminal"},
	};

	hf_man_begin(stdout, "holdfast", 1);
	printf(".SH NAME\nholdfast \\- firmware upgrades that cannot brick a gateway\n.SH SYNOPSIS\n.B holdfast\n.I COMMAND\n[arguments]\n"
	       ".SH DESCRIPTION\nBurns firmware into industrial gateways, and brings back one that no longer starts. Every command "
	       "explains itself with\n.BR \\-\\-help ,\nand has a page of its own.\n.SH COMMANDS\n");
	for (size_t i = 0; i < count; i++) {
		printf(".TP\n.BR holdfast\\-%s (1)\n", commands[i].name);
		hf_man_text(stdout, commands[i].line);
	}
	printf(".SH EXIT STATUS\nEach kind of failure has its own, the same in all commands.\n");
	for (unsigned i = 0; strcmp(hf_exit_text((enum hf_exit)i), "unknown") != 0; i++) {
		printf(".TP\n.B %u\n", i);
		hf_man_text(stdout, hf_exit_text((enum hf_exit)i));
	}
	printf(".SH OUTPUT\nResults go to standard output, for people, or with\n.B \\-\\-json\nas JSON; errors to standard error, one "
	       "sentence each.\n.SH ENVIRONMENT\n");
	for (size_t i = 0; i < sizeof(environment) / sizeof(environment[0]); i++) {
		printf(".TP\n.B %s\n", environment[i][0]);
		hf_man_text(stdout, environment[i][1]);
	}
	printf(".SH FILES\n.TP\n.I " HF_PROJECT_NAME "\nthe product's project file, see\n.BR holdfast\\-project (5)\n.SH SEE ALSO\n"
	       ".BR holdfast\\-project (5),\n.BR holdfast\\-board (5),\n.BR holdfast\\-twin (1)\n");
}

/* ---- completion ---- */

static const char bash_head[] =
	"# bash completion for holdfast: made by `holdfast help --bash` from the commands' own tables.\n\n"
	"_holdfast_words()\n{\n\t# shellcheck disable=SC2207\n\tCOMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n}\n\n"
	"_holdfast_files()\n{\n\tlocal IFS=$'\\n'\n\t# shellcheck disable=SC2207\n\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	"\tcompopt -o filenames 2>/dev/null\n}\n\n"
	"_holdfast_directories()\n{\n\tlocal IFS=$'\\n'\n\t# shellcheck disable=SC2207\n\tCOMPREPLY=($(compgen -d -- \"$cur\"))\n"
	"\tcompopt -o filenames 2>/dev/null\n}\n\n"
	"_holdfast_ports()\n{\n\tlocal port ports=\n\tfor port in /dev/serial/by-id/* /dev/ttyUSB* /dev/ttyACM*; do\n"
	"\t\t[ -e \"$port\" ] && ports=\"$ports $port\"\n\tdone\n\t_holdfast_words \"$ports tcp: rfc2217: lockstep:\"\n"
	"\t[ \"${#COMPREPLY[@]}\" -gt 0 ] || _holdfast_files\n}\n\n";

static const char bash_tail[] =
	"_holdfast()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} part=\n"
	"\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\t_holdfast_words \"$_holdfast_commands help --help --version\"\n\t\treturn\n"
	"\tfi\n\tif [ \"$command\" = help ]; then\n\t\t_holdfast_words \"$_holdfast_commands\"\n\t\treturn\n\tfi\n"
	"\tcommand=_holdfast_${command//-/_}\n\tpart=${command}_${COMP_WORDS[2]//-/_}\n"
	"\tif [ \"$COMP_CWORD\" -gt 2 ] && declare -F \"$part\" >/dev/null; then\n\t\t\"$part\"\n"
	"\telif declare -F \"$command\" >/dev/null; then\n\t\t\"$command\"\n\tfi\n}\n\ncomplete -F _holdfast holdfast\n";

static const char zsh_head[] = "#compdef holdfast\n# zsh completion for holdfast: made by `holdfast help --zsh` from the commands' own tables.\n\n"
			       "_holdfast_ports() {\n\tlocal -a ports\n\tports=(/dev/serial/by-id/*(N) /dev/ttyUSB*(N) /dev/ttyACM*(N))\n"
			       "\t_alternative \"ports:port:($ports)\" 'names:other port:(tcp: lockstep:)' 'files:file:_files'\n}\n\n";

static const char zsh_tail[] =
	"_holdfast() {\n\tlocal context state line\n\tif (( CURRENT == 2 )); then\n\t\t_describe command _holdfast_commands\n\t\treturn\n\tfi\n"
	"\tlocal name=_holdfast_${words[2]//-/_}\n\tshift words\n\t(( CURRENT-- ))\n"
	"\tif (( CURRENT > 2 )) && (( $+functions[${name}_${words[2]//-/_}] )); then\n\t\tname=${name}_${words[2]//-/_}\n\t\tshift words\n"
	"\t\t(( CURRENT-- ))\n\tfi\n\t(( $+functions[$name] )) && $name\n}\n\n_holdfast \"$@\"\n";

static void print_bash(const struct hf_command *commands, size_t count)
{
	fputs(bash_head, stdout);
	printf("_holdfast_commands='");
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i ? " " : "", commands[i].name);
	printf("'\n\n");
	for (size_t i = 0; i < count; i++)
		ask(&commands[i], HF_ARGS_BASH);
	fputs(bash_tail, stdout);
}

static void print_zsh(const struct hf_command *commands, size_t count)
{
	fputs(zsh_head, stdout);
	printf("_holdfast_commands=(\n");
	for (size_t i = 0; i < count; i++)
		printf("\t'%s:%s'\n", commands[i].name, commands[i].line);
	printf(")\n\n");
	for (size_t i = 0; i < count; i++)
		ask(&commands[i], HF_ARGS_ZSH);
	fputs(zsh_tail, stdout);
}

static enum hf_exit man_of(const struct hf_command *commands, size_t count, int argc, char **argv)
{
	char word[] = HF_ARGS_MAN;
	char *with[] = {argv[0], argc > 1 ? argv[1] : word, argc > 1 ? word : NULL, NULL};

	for (size_t i = 0; i < count; i++) {
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(argc > 1 ? 3 : 2, with);
	}
	hf_out_error("'%s' is no command; `holdfast help` lists them", argv[0]);
	return HF_EXIT_USAGE;
}

enum hf_exit hf_describe(const struct hf_command *commands, size_t count, const char *how, int argc, char **argv)
{
	bool man = strcmp(how, "--man") == 0;

	if (man && argc > 0)
		return man_of(commands, count, argc, argv);
	if (man)
		print_man(commands, count);
	else if (strcmp(how, "--udev") == 0)
		fputs(hf_udev_rules(), stdout);
	else if (strcmp(how, "--bash") == 0)
		print_bash(commands, count);
	else if (strcmp(how, "--zsh") == 0)
		print_zsh(commands, count);
	else {
		hf_out_error("'%s' is none of --man, --bash, --zsh and --udev", how);
		return HF_EXIT_USAGE;
	}
	return HF_EXIT_OK;
}

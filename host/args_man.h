/* SPDX-License-Identifier: MIT
 *
 * What a command's table (args.h) says, in other forms than help: a manual page, and completion for shells.
 *
 * hf_args_parse prints them itself when the only argument is one of these words, as it prints help; so every program that uses it
 * can be asked, and no page can say what the command does not take.
 */
#ifndef HF_ARGS_MAN_H
#define HF_ARGS_MAN_H

#include <stdio.h>

#include "args.h"

#define HF_ARGS_MAN  "--describe=man"
#define HF_ARGS_BASH "--describe=bash"
#define HF_ARGS_ZSH  "--describe=zsh"

/* Whether a word asks for a shell's completion; a command with parts then has each of them asked, too. */
bool hf_args_is_completion(const char *word);

/* Describes where the word is one of the three; false where it is not. */
bool hf_args_describe(FILE *to, const struct hf_usage *usage, const char *word);

/* Text as roff: nothing in it is taken for a request, a minus stays one, `words` between back quotes are bold,
 * and indented lines keep their shape. */
void hf_man_text(FILE *to, const char *text);
/* The page's first line. number: the manual's section. */
void hf_man_begin(FILE *to, const char *name, int number);
/* An example, line by line as it stands. */
void hf_man_example(FILE *to, const char *text);
/* EXIT STATUS: those that every command has, and those that `exits` names ("3 the board file is wrong, 4 ..."; may be NULL). */
void hf_man_exits(FILE *to, const char *exits);

/* A page of section 1 for a command. */
void hf_args_man(FILE *to, const struct hf_usage *usage);

/* A shell function _holdfast_COMMAND (program_command with _ for anything else) that fills COMPREPLY, for the frame that main.c prints. */
void hf_args_bash(FILE *to, const struct hf_usage *usage);
void hf_args_zsh(FILE *to, const struct hf_usage *usage);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The commands of `holdfast`. Each parses its own arguments (host/args.h), does its work, and returns an exit code;
 * argv[0] is the command's name. main.c's table names them.
 */
#ifndef HF_COMMAND_H
#define HF_COMMAND_H

#include "out.h"

enum hf_exit hf_command_batch(int argc, char **argv);
enum hf_exit hf_command_board(int argc, char **argv);
enum hf_exit hf_command_burn(int argc, char **argv);
enum hf_exit hf_command_recover(int argc, char **argv);
enum hf_exit hf_command_check(int argc, char **argv);
enum hf_exit hf_command_config(int argc, char **argv);
enum hf_exit hf_command_doctor(int argc, char **argv);
enum hf_exit hf_command_factory(int argc, char **argv);
enum hf_exit hf_command_factory_reset(int argc, char **argv);
enum hf_exit hf_command_history(int argc, char **argv);
enum hf_exit hf_command_image(int argc, char **argv);
enum hf_exit hf_command_inspect(int argc, char **argv);
enum hf_exit hf_command_job(int argc, char **argv);
enum hf_exit hf_command_key(int argc, char **argv);
enum hf_exit hf_command_keygen(int argc, char **argv);
enum hf_exit hf_command_keyset(int argc, char **argv);
enum hf_exit hf_command_list(int argc, char **argv);
enum hf_exit hf_command_monitor(int argc, char **argv);
enum hf_exit hf_command_pack(int argc, char **argv);
enum hf_exit hf_command_project(int argc, char **argv);
enum hf_exit hf_command_read(int argc, char **argv);
enum hf_exit hf_command_recovery(int argc, char **argv);
enum hf_exit hf_command_rollback(int argc, char **argv);
enum hf_exit hf_command_sign(int argc, char **argv);
enum hf_exit hf_command_status(int argc, char **argv);
enum hf_exit hf_command_verify(int argc, char **argv);

/* Parts of `holdfast keyset`, each in a file of its own. */
enum hf_exit hf_command_keyset_make(int argc, char **argv);
enum hf_exit hf_command_keyset_sign(int argc, char **argv);
enum hf_exit hf_command_keyset_show(int argc, char **argv);
enum hf_exit hf_command_keyset_burn(int argc, char **argv);

#endif

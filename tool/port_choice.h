/* SPDX-License-Identifier: MIT
 *
 * Which port a command talks to (tool/port.h), with all that is said about it.
 */
#ifndef HF_TOOL_PORT_CHOICE_H
#define HF_TOOL_PORT_CHOICE_H

#include "port.h"

/* Sets p->name. False: *code is what to exit with, all has been said. `open_name` is what hf_serial_open takes. */
bool hf_port_choose(struct hf_port *p, char open_name[2 * HF_SURVEY_NAME], enum hf_exit *code);

/* Whether `text` is, or begins (with 4 digits or more), this id, whatever dashes it has. */
bool hf_port_is_id(const char *text, const uint8_t id[16]);

/* Says who has a port that could not be had, and returns HF_EXIT_BUSY. */
enum hf_exit hf_port_held(const char *name);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Several ports looked at at once: what each is, and what answers at its other end. Each is asked in a process of its own, so
 * that a driver that hangs, or a stranger's bytes, cost one port and not the survey.
 */
#ifndef HF_TOOL_SURVEY_H
#define HF_TOOL_SURVEY_H

#include "ports.h"
#include "probe.h"

/* Further ports to consider wherever no port is named, separated by commas: serial servers, sockets, pseudo-terminals. */
#define HF_SURVEY_PORTS "HOLDFAST_PORTS"
/* Where sys, dev, proc and run lie; "/" where it is not set. For tests. */
#define HF_SURVEY_ROOT  "HOLDFAST_ROOT"

enum hf_survey_state {
	HF_SURVEY_NEW,     /* not looked at */
	HF_SURVEY_PROBED,
	HF_SURVEY_HELD,    /* another program has it: left alone */
	HF_SURVEY_DENIED,  /* this user may not */
	HF_SURVEY_FAILED,  /* could not be opened; why says it */
	HF_SURVEY_STATES
};

#define HF_SURVEY_NAME 256

struct hf_survey_port {
	char name[HF_SURVEY_NAME];  /* what --port takes */
	bool local;                 /* a device of this machine: info is filled in */
	struct hf_port_info info;
	enum hf_survey_state state;
	struct hf_probe probe;      /* PROBED */
	char why[HF_SURVEY_NAME];   /* HELD, DENIED, FAILED: a sentence, what to do included */
};

struct hf_survey {
	struct hf_survey_port *port;
	size_t count;
};

const char *hf_survey_root(void);

/* The machine's ports and those of HOLDFAST_PORTS. HF_ERR_IO: nothing can be listed; diag says why. */
HF_MUST_USE enum hf_err hf_survey_all(struct hf_survey *s, struct hf_diag *diag);

/* One port more, by a name as --port takes it. HF_ERR_NOT_FOUND: there is no such port. */
HF_MUST_USE enum hf_err hf_survey_add(struct hf_survey *s, const char *name, struct hf_diag *diag);

/* The same; a port that is not there is in the survey as one that failed. False: it is not. */
bool hf_survey_add_even(struct hf_survey *s, const char *name);

/* Says of the NEW ports of this machine which cannot be opened, and opens none. */
void hf_survey_check(struct hf_survey *s);

/* The same, and asks at all ports that are still NEW, at most `at_once` (0: 32) of them at a time. */
void hf_survey_probe(struct hf_survey *s, const struct hf_probe_how *how, unsigned at_once);

void hf_survey_free(struct hf_survey *s);

/* Whether a port of this machine can be opened, as far as can be seen without doing so. Else HELD or DENIED, and `why`. */
enum hf_survey_state hf_survey_may_open(const struct hf_port_info *info, char *why, size_t room);

/* The name that hf_serial_open takes: devices lie below the root. Returns text. */
const char *hf_survey_open_name(const struct hf_survey_port *port, char *text, size_t room);

#endif

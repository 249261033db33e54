/* SPDX-License-Identifier: MIT
 *
 * What the commands have in common that burn a package by whatever way is open: their options, and the run itself.
 */
#ifndef HF_WAY_CLI_H
#define HF_WAY_CLI_H

#include "check/check_args.h"
#include "file.h"
#include "load.h"
#include "port.h"
#include "session.h"
#include "way_show.h"

struct hf_way_cli {
	/* Arguments. */
	struct hf_port port;
	struct hf_site site;
	const char *keyset_file, *confirm, *lines, *slot;
	bool no_wait, log, as_pilot;
	struct hf_check_args checks;

	/* Set by the command, the rest by hf_way_cli_open. */
	struct hf_flow_options flow; /* ways, and of burn what is the command's own */
	struct hf_burn_show show;
	bool rescue;                 /* as in struct hf_check_options */

	struct hf_buffer package, keyset_bytes;
	struct hf_keyset keyset;
	bool opened;
	struct hf_flow_result *result;

	/* What checks before and tests after have found. */
	struct hf_check_options check;
	struct hf_check_result checked;
	bool was_checked, was_tested;
	struct hf_after_result tested;
	enum hf_exit verdict;         /* of either; HF_EXIT_OK: nothing is wrong */
	json_t *rows;                 /* of the tests, for a pilot's record */
};

#define HF_WAY_CLI_ARGS(c)                                                                                             \
	HF_PORT_ARGS((c).port),                                                                                        \
	HF_SITE_ARGS((c).site),                                                                                        \
	HF_CHECK_ARGS((c).checks),                                                                                     \
	{"keyset", 'k', HF_ARG_TEXT, "FILE", "the keyset that the device trusts: check the signature, too", &(c).keyset_file, NULL}, \
	{"confirm-within", 0, HF_ARG_TEXT, "TIME", "how long the new firmware may take to confirm itself (default: 120s)", &(c).confirm, \
	 NULL},                                                                                                        \
	{"lines", 0, HF_ARG_TEXT, "WHICH", "the adapter's outputs that drive BOOT0 and reset: " HF_ROM_LINES_HELP ", ! inverts", \
	 &(c).lines, NULL},                                                                                            \
	{"log", 0, HF_ARG_FLAG, NULL, "show what the device says meanwhile", &(c).log, NULL},                          \
	{"quiet", 'q', HF_ARG_FLAG, NULL, "only the result", &(c).show.quiet, NULL},                                   \
	{"json", 0, HF_ARG_FLAG, NULL, "events as JSON, one a line", &(c).show.json, NULL}

/* Checks the arguments, reads package (NULL: none) and keyset, opens the port. False: *code, all has been said. Then
 * hf_way_cli_close all the same. */
bool hf_way_cli_open(struct hf_way_cli *c, const char *package, const struct hf_usage *usage, enum hf_exit *code);
void hf_way_cli_close(struct hf_way_cli *c);

/* Burns, and says the result. */
enum hf_exit hf_way_cli_burn(struct hf_way_cli *c);

#endif

/* SPDX-License-Identifier: MIT
 *
 * The project file that counts for a command: found, read, and said once which one it is. What the command was told by an option
 * always wins over it; a caller fills in only what is still empty.
 */
#ifndef HF_TOOL_PRODUCT_H
#define HF_TOOL_PRODUCT_H

#include "args.h"
#include "project.h"

struct hf_product {
	const char *option; /* argument */

	/* Set by hf_product_open. */
	bool opened, known;
	struct hf_project project; /* all absent where known is false */
};

/* A row for a command's table of options. */
#define HF_PRODUCT_ARGS(p)                                                                                             \
	{"project", 0, HF_ARG_TEXT, "FILE", "the product's project file (default: $" HF_PROJECT_ENV ", else " HF_PROJECT_NAME \
	 " here or above)", &(p).option, NULL}

/* False: *code is what to exit with, all has been said. Once it was done it does nothing again. */
bool hf_product_open(struct hf_product *p, enum hf_exit *code);

/* Fills *option in from the project where it is NULL and the project has the file; borrowed from the project. */
void hf_product_default(const char **option, const char *from_project);

#endif

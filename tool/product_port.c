/* SPDX-License-Identifier: MIT
 *
 * What a project says of the line, for commands that talk to a device (tool/port.h).
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "port.h"

/* One port is meant where the project's names and patterns come to one that is there. Where they come to more, none is taken: which
 * device answers has to decide then. */
static void default_port(struct hf_port *p)
{
	const struct hf_project *project = &p->product.project;
	unsigned found = 0;

	for (unsigned i = 0; i < project->ports; i++) {
		glob_t paths = {0};
		bool is_pattern = strpbrk(project->port[i], "*?[") && project->port[i][0] == '/';
		size_t matches = 1;

		if (is_pattern)
			matches = glob(project->port[i], 0, NULL, &paths) == 0 ? paths.gl_pathc : 0;
		if (matches)
			snprintf(p->product_port, sizeof(p->product_port), "%s", is_pattern ? paths.gl_pathv[0] : project->port[i]);
		found += matches > 1 ? 2 : (unsigned)matches;
		globfree(&paths);
	}
	if (found == 1)
		p->name = p->product_port;
}

bool hf_product_port(struct hf_port *p, enum hf_exit *code)
{
	const struct hf_project *project = &p->product.project;

	if (!hf_product_open(&p->product, code))
		return false;
	hf_product_default(&p->board_file, project->board);
	if (!p->name && !p->device)
		default_port(p);
	if (!p->patience && project->patience_s) {
		snprintf(p->product_patience, sizeof(p->product_patience), "%us", project->patience_s);
		p->patience = p->product_patience;
	}
	return true;
}

/* SPDX-License-Identifier: MIT */
#include "product.h"

bool hf_product_open(struct hf_product *p, enum hf_exit *code)
{
	char path[HF_PROJECT_PATH_BYTES];
	struct hf_diag diag;
	enum hf_err err;

	if (p->opened)
		return true;
	err = hf_project_find(p->option, path, &diag);
	p->project = (struct hf_project){0};
	if (!err && path[0])
		err = hf_project_load(path, &p->project, &diag);
	if (err) {
		*code = hf_out_fail(err, &diag);
		return false;
	}
	p->opened = true;
	p->known = path[0] != 0;
	if (p->known)
		hf_out_note("project %s (%s)", path, p->project.product);
	return true;
}

void hf_product_default(const char **option, const char *from_project)
{
	if (!*option && from_project[0])
		*option = from_project;
}

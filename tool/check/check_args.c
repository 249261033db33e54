/* SPDX-License-Identifier: MIT */
#include "check_args.h"

#include <stdio.h>
#include <unistd.h>

static void add_way(struct hf_check_options *o, const char *path)
{
	if (path[0] && o->way_backs < HF_CHECK_PACKAGES)
		o->way_back[o->way_backs++] = path;
}

static void take_project(struct hf_check_args *args, const struct hf_project *project, struct hf_check_options *o)
{
	hf_limits_of_project(project, &args->limits);
	if (!args->backup && project->burn.backup[0])
		args->backup = project->burn.backup;
	o->no_pilot = project->burn.pilot_given && !project->burn.pilot;
	if (args->way_back.count == 0) {
		add_way(o, project->way_back);
		add_way(o, project->recovery);
		add_way(o, project->firmware);
	}
}

/* The pilot's record has a place of its own: who burns the others need not name it. */
static void look_beside(struct hf_check_args *args, const char *package, bool as_pilot)
{
	int len = snprintf(args->pilot_beside, sizeof(args->pilot_beside), "%s.pilot.json", package);

	if (len > 0 && (size_t)len < sizeof(args->pilot_beside) && (as_pilot || access(args->pilot_beside, F_OK) == 0))
		args->pilot = args->pilot_beside;
}

bool hf_check_args_take(struct hf_check_args *args, const struct hf_project *project, const char *package, bool as_pilot,
			const struct hf_usage *usage, struct hf_check_options *options, enum hf_exit *code)
{
	struct hf_diag diag;

	options->way_backs = 0;
	hf_limits_default(&args->limits);
	if (hf_waivers_check(&args->waivers, &diag) != HF_OK) {
		*code = hf_args_wrong(usage, "%s", diag.text);
		return false;
	}
	if (args->link_bits && (args->link_bits < HF_LINK_BITS_MIN || args->link_bits > HF_LINK_BITS_MAX)) {
		*code = hf_args_wrong(usage, "--link-bits wants %u to %u bits, not %u", HF_LINK_BITS_MIN, HF_LINK_BITS_MAX, args->link_bits);
		return false;
	}
	if (project)
		take_project(args, project, options);
	for (unsigned i = 0; i < args->way_back.count; i++)
		add_way(options, args->way_back.item[i]);
	if (args->link_bits)
		args->limits.at[HF_LIMIT_LINK_BITS] = args->link_bits;
	options->backup = args->backup;
	if (!args->pilot && package)
		look_beside(args, package, as_pilot);
	options->pilot = args->pilot;
	options->waivers = &args->waivers;
	options->limits = &args->limits;
	return true;
}

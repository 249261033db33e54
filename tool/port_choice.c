/* SPDX-License-Identifier: MIT
 *
 * Choosing refuses rather than guesses: a wrong gateway that is burned stops a line, a refusal costs one more option. So
 * whatever is taken without having been named is told, and a list is shown wherever a name did not fit.
 */
#include "port_choice.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "uuid.h"
#include "version.h"

#define LEAST_DIGITS 4u

/* ---- what a port is, in a line ---- */

static void describe(const struct hf_survey_port *port, char *text, size_t room)
{
	char id[HF_UUID_TEXT_BYTES] = "", version[HF_VERSION_TEXT_BYTES] = "";
	const struct hf_probe *p = &port->probe;

	if (port->state != HF_SURVEY_PROBED) {
		if (port->why[0])
			snprintf(text, room, "%s", port->why);
		else
			hf_ports_what(&port->info, text, room);
		return;
	}
	if (p->identified)
		hf_uuid_format(p->device_id, id);
	if (p->peer == HF_PEER_FIRMWARE)
		snprintf(text, room, "%s  %s %s", id, p->status.board, hf_version_format(p->status.version, p->status.versions, version));
	else if (p->peer == HF_PEER_RECOVERY)
		snprintf(text, room, "%s  %s in its recovery", id, p->status.board);
	else if (p->peer == HF_PEER_ROM)
		snprintf(text, room, "%s%sa chip in its ROM loader", id, id[0] ? "  " : "");
	else if (p->peer == HF_PEER_NOTHING)
		snprintf(text, room, "nothing answers");
	else
		hf_probe_advice(p, text, room);
}

/* Those that `show` marks; NULL: all. */
static void print_ports(const struct hf_survey *s, const bool *show)
{
	char text[512];

	for (size_t i = 0; i < s->count; i++) {
		if (show && !show[i])
			continue;
		describe(&s->port[i], text, sizeof(text));
		fprintf(stderr, "  %-20s  %s\n", s->port[i].name, text);
	}
}

enum hf_exit hf_port_held(const char *name)
{
	struct hf_port_info info;
	char why[HF_SURVEY_NAME];

	if (hf_ports_find(hf_survey_root(), name, &info) != HF_OK)
		info.holders = 0;
	hf_out_error("%s: %s", name, hf_ports_why_held(&info, why, sizeof(why)));
	return HF_EXIT_BUSY;
}

static bool refuse_port(const struct hf_survey_port *port, enum hf_exit *code)
{
	hf_out_error("%s: %s", port->name, port->why);
	*code = port->state == HF_SURVEY_HELD ? HF_EXIT_BUSY : HF_EXIT_NO_DEVICE;
	return false;
}

/* ---- identity ---- */

static unsigned hex_digits(const char *text, char *to, size_t room)
{
	unsigned n = 0;

	for (; *text; text++) {
		if (*text == '-')
			continue;
		if (!isxdigit((unsigned char)*text) || n + 1 >= room)
			return 0;
		to[n++] = (char)tolower((unsigned char)*text);
	}
	to[n] = 0;
	return n;
}

bool hf_port_is_id(const char *text, const uint8_t id[16])
{
	char wanted[40], have[33];
	unsigned n = hex_digits(text, wanted, sizeof(wanted));

	return n >= LEAST_DIGITS && n <= 32 && memcmp(wanted, hf_out_hex(id, 16, have), n) == 0;
}

/* The adapter is named, by its serial number or by-id name. */
static bool is_adapter(const char *text, const struct hf_port_info *info)
{
	const char *base = strrchr(info->by_id, '/');

	if (info->serial[0] && strcmp(text, info->serial) == 0)
		return true;
	return base && (strcmp(text, base + 1) == 0 || strcmp(text, info->by_id) == 0);
}

/* ---- choosing ---- */

static struct hf_probe_how how_of(const struct hf_port *p)
{
	return (struct hf_probe_how){.rate = p->rate, .rates = p->rates, .stop = hf_interrupted};
}

static size_t mark(const struct hf_survey *s, bool *marks, bool (*is)(const struct hf_port *p, const struct hf_survey_port *port),
		   const struct hf_port *p, size_t *last)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		marks[i] = is(p, &s->port[i]);
		n += marks[i];
		if (marks[i])
			*last = i;
	}
	return n;
}

static bool adapter_fits(const struct hf_port *p, const struct hf_survey_port *port)
{
	return port->local && is_adapter(p->device, &port->info);
}

static bool id_fits(const struct hf_port *p, const struct hf_survey_port *port)
{
	return port->state == HF_SURVEY_PROBED && port->probe.identified && hf_port_is_id(p->device, port->probe.device_id);
}

static bool is_device(const struct hf_port *p, const struct hf_survey_port *port)
{
	(void)p;
	return port->state == HF_SURVEY_PROBED && hf_probe_is_holdfast(&port->probe);
}

static bool is_loader(const struct hf_port *p, const struct hf_survey_port *port)
{
	(void)p;
	return port->state == HF_SURVEY_PROBED && port->probe.peer == HF_PEER_ROM;
}

static bool is_usable(const struct hf_port *p, const struct hf_survey_port *port)
{
	(void)p;
	return port->state == HF_SURVEY_PROBED;
}

static void tell(const struct hf_survey_port *port, const char *because)
{
	char text[512];

	describe(port, text, sizeof(text));
	fprintf(stderr, "holdfast: taking %s, %s: %s\n", port->name, because, text);
}

static bool several(const struct hf_survey *s, const bool *marks, size_t n, const char *which, enum hf_exit *code)
{
	hf_out_error("%zu %s: nothing was done; name one of them with --port%s:", n, which,
		     strstr(which, "adapters") ? "" : " or --device");
	print_ports(s, marks);
	*code = HF_EXIT_AMBIGUOUS;
	return false;
}

static bool none(const struct hf_survey *s, const char *what, enum hf_exit *code)
{
	unsigned held = 0;

	for (size_t i = 0; i < s->count; i++)
		held += s->port[i].state == HF_SURVEY_HELD;
	if (s->count == 0)
		hf_out_error("%s: there is no serial port to look at; plug the adapter in, or name a serial server with --port", what);
	else
		hf_out_error("%s; the ports are:", what);
	print_ports(s, NULL);
	*code = s->count && held == s->count ? HF_EXIT_BUSY : HF_EXIT_NO_DEVICE;
	return false;
}

/* --device; what was chosen is *at. */
static bool choose_device(struct hf_port *p, struct hf_survey *s, bool *marks, size_t *at, enum hf_exit *code)
{
	struct hf_probe_how how = how_of(p);
	size_t n = mark(s, marks, adapter_fits, p, at);
	char what[160];

	if (n == 1) {
		struct hf_survey_port *port = &s->port[*at];

		port->state = hf_survey_may_open(&port->info, port->why, sizeof(port->why));
		return port->state == HF_SURVEY_NEW || refuse_port(port, code);
	}
	if (n > 1)
		return several(s, marks, n, "adapters have this name", code);
	hf_survey_probe(s, &how, 0);
	n = mark(s, marks, id_fits, p, at);
	if (n == 1)
		return true;
	if (n > 1)
		return several(s, marks, n, "devices have an id that begins so", code);
	snprintf(what, sizeof(what), "no device answers whose id begins with '%.40s', and no adapter has that name", p->device);
	return none(s, what, code);
}

/* Neither --port nor --device. */
static bool choose_only(struct hf_port *p, struct hf_survey *s, bool *marks, size_t *at, enum hf_exit *code)
{
	struct hf_probe_how how = how_of(p);
	size_t n, loaders;

	hf_survey_probe(s, &how, 0);
	n = mark(s, marks, is_device, p, at);
	if (n == 1)
		tell(&s->port[*at], "the only device that answers");
	if (n > 1)
		return several(s, marks, n, "devices answer", code);
	if (n == 1)
		return true;
	loaders = mark(s, marks, is_loader, p, at);
	if (loaders > 1 && p->loader_too)
		return several(s, marks, loaders, "chips answer with their ROM loader", code);
	if (loaders == 1 && p->loader_too)
		tell(&s->port[*at], "the only one that answers");
	if (loaders == 1 && p->loader_too)
		return true;
	n = mark(s, marks, is_usable, p, at);
	if (n == 1 && p->silent_too)
		tell(&s->port[*at], "the only port that there is");
	if (n == 1 && p->silent_too)
		return true;
	return none(s, loaders ? "no Holdfast firmware answers, but the chip's ROM loader does: `holdfast recover PACKAGE --board FILE` burns through it" :
				 "no device answers", code);
}

/* A project that names its ports keeps the tool away from all others, a PLC's for instance. */
static void keep_to_project(const struct hf_project *project, struct hf_survey *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		bool fits = project->ports == 0 || !s->port[i].local;

		for (unsigned k = 0; k < project->ports && !fits; k++)
			fits = fnmatch(project->port[k], s->port[i].name, 0) == 0 ||
			       fnmatch(project->port[k], s->port[i].info.by_id, 0) == 0;
		if (fits)
			s->port[kept++] = s->port[i];
	}
	s->count = kept;
	for (unsigned k = 0; k < project->ports; k++) {
		if (!strpbrk(project->port[k], "*?["))
			hf_survey_add_even(s, project->port[k]);
	}
}

static bool choose_among_all(struct hf_port *p, struct hf_survey *s, size_t *at, enum hf_exit *code)
{
	struct hf_diag diag;
	bool *marks, done;

	if (hf_survey_all(s, &diag) != HF_OK) {
		hf_out_error("%s", diag.text);
		*code = HF_EXIT_NO_DEVICE;
		return false;
	}
	keep_to_project(&p->product.project, s);
	marks = calloc(s->count + 1, sizeof(*marks));
	if (!marks) {
		hf_out_error("out of memory");
		*code = HF_EXIT_INTERNAL;
		return false;
	}
	done = p->device ? choose_device(p, s, marks, at, code) : choose_only(p, s, marks, at, code);
	if (!done && hf_interrupted(NULL))
		*code = HF_EXIT_INTERRUPTED;
	free(marks);
	return done;
}

/* --port; with --device, too, that has to be there. */
static bool choose_named(struct hf_port *p, struct hf_survey *s, enum hf_exit *code)
{
	struct hf_probe_how how = how_of(p);
	struct hf_survey_port *port;
	struct hf_survey all;
	struct hf_diag diag;
	char text[512];

	if (hf_survey_add(s, p->name, &diag) != HF_OK) {
		if (hf_survey_all(&all, &diag) != HF_OK)
			all = (struct hf_survey){0};
		snprintf(text, sizeof(text), "there is no serial port %.200s", p->name);
		none(&all, text, code);
		hf_survey_free(&all);
		*code = HF_EXIT_NO_DEVICE;
		return false;
	}
	port = &s->port[0];
	if (port->local)
		port->state = hf_survey_may_open(&port->info, port->why, sizeof(port->why));
	if (port->state != HF_SURVEY_NEW)
		return refuse_port(port, code);
	if (!p->device || adapter_fits(p, port))
		return true;
	hf_survey_probe(s, &how, 1);
	if (id_fits(p, port))
		return true;
	if (port->state != HF_SURVEY_PROBED)
		return refuse_port(port, code);
	describe(port, text, sizeof(text));
	hf_out_error("%s is not the way to the device '%s'; there is: %s", port->name, p->device, text);
	*code = HF_EXIT_NO_DEVICE;
	return false;
}

bool hf_port_choose(struct hf_port *p, char open_name[2 * HF_SURVEY_NAME], enum hf_exit *code)
{
	struct hf_survey s = {0};
	size_t at = 0;
	bool done = p->name ? choose_named(p, &s, code) : choose_among_all(p, &s, &at, code);

	if (done) {
		memcpy(p->chosen, s.port[at].name, sizeof(p->chosen));
		hf_survey_open_name(&s.port[at], open_name, 2 * HF_SURVEY_NAME);
		p->name = p->chosen;
	}
	hf_survey_free(&s);
	return done;
}

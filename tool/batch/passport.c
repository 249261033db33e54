/* SPDX-License-Identifier: MIT */
#include "passport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "holdfast records 1"

static const char *const outcomes[HF_OUTCOMES] = {"pass", "fail", "stopped"};

const char *hf_outcome_text(enum hf_outcome outcome)
{
	return outcomes[outcome];
}

static const char *text_of(json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text ? text : "";
}

static bool keep(struct hf_passports *p, json_t *line)
{
	struct hf_passport item = {.outcome = HF_OUTCOME_FAIL};

	if (p->count == p->room) {
		unsigned room = p->room ? 2 * p->room : 64;
		struct hf_passport *more = realloc(p->item, room * sizeof(*more));

		if (!more)
			return false;
		p->item = more;
		p->room = room;
	}
	for (unsigned i = 0; i < HF_OUTCOMES; i++)
		if (strcmp(text_of(line, "outcome"), outcomes[i]) == 0)
			item.outcome = (enum hf_outcome)i;
	snprintf(item.device, sizeof(item.device), "%s", text_of(line, "device_id"));
	snprintf(item.serial, sizeof(item.serial), "%s", text_of(line, "serial"));
	snprintf(item.job, sizeof(item.job), "%s", text_of(line, "job"));
	snprintf(item.time, sizeof(item.time), "%s", text_of(line, "end"));
	p->item[p->count++] = item;
	return true;
}

struct reading {
	struct hf_passports *p;
	hf_chain_line *also;
	void *ctx;
};

static bool take_line(void *ctx, json_t *line, unsigned number)
{
	struct reading *r = ctx;

	if (number == 1)
		return strcmp(text_of(line, "file"), KIND) == 0;
	return json_object_get(line, "outcome") && keep(r->p, line) && (!r->also || r->also(r->ctx, line, number));
}

enum hf_err hf_passports_open(struct hf_passports *p, const char *path, struct hf_diag *diag)
{
	struct reading reading = {.p = p};
	enum hf_err err;

	memset(p, 0, sizeof(*p));
	p->chain.fd = -1;
	err = hf_chain_open(&p->chain, path, take_line, &reading, diag);
	if (!err && p->chain.lines == 0) {
		char now[HF_CHAIN_TIME];

		err = hf_chain_append(&p->chain, json_pack("{s:s, s:s}", "file", KIND, "time", hf_chain_time(now)), diag);
	}
	if (err)
		hf_passports_close(p);
	return err;
}

enum hf_err hf_passports_read(struct hf_passports *p, const char *path, hf_chain_line *also, void *ctx, struct hf_diag *diag)
{
	struct reading reading = {p, also, ctx};

	memset(p, 0, sizeof(*p));
	p->chain.fd = -1;
	return hf_chain_read(&p->chain, path, take_line, &reading, diag);
}

void hf_passports_close(struct hf_passports *p)
{
	if (p->chain.path[0])
		hf_chain_close(&p->chain);
	free(p->item);
	*p = (struct hf_passports){.chain.fd = -1};
}

enum hf_err hf_passports_append(struct hf_passports *p, json_t *record, struct hf_diag *diag)
{
	enum hf_err err;

	json_incref(record);
	err = hf_chain_append(&p->chain, record, diag);
	if (!err && !keep(p, record)) {
		hf_diag_set(diag, "out of memory");
		err = HF_ERR_IO;
	}
	json_decref(record);
	return err;
}

const struct hf_passport *hf_passports_find(const struct hf_passports *p, const char *device, const char *job)
{
	for (unsigned i = p->count; i-- > 0;)
		if (device[0] && strcmp(p->item[i].device, device) == 0 && (!job || strcmp(p->item[i].job, job) == 0))
			return &p->item[i];
	return NULL;
}

unsigned hf_passports_passed(const struct hf_passports *p, const char *job)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < p->count; i++) {
		const struct hf_passport *item = &p->item[i];

		passed += item->outcome == HF_OUTCOME_PASS && strcmp(item->job, job) == 0 &&
			  (!item->device[0] || hf_passports_find(p, item->device, job) == item);
	}
	return passed;
}

enum hf_err hf_passports_check(const struct hf_passports *p, const struct hf_ledger *l, struct hf_diag *diag)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct hf_passport *item = &p->item[i];
		struct hf_diag ignored;
		const char *owner;
		uint32_t number;

		if (!item->serial[0] || !hf_serial_parse(&l->range, item->serial, &number, &ignored))
			continue;
		owner = hf_ledger_owner(l, number);
		if (owner && strcmp(owner, item->device) == 0)
			continue;
		hf_diag_set(diag, "%s: by the records in %s, %s was given to device %s on %s, and this ledger does not know it: it is an "
				  "older copy; bring the newest ledger back, or go on with a new range in a new job", l->chain.path,
			    p->chain.path, item->serial, item->device, item->time);
		return HF_ERR_DENIED;
	}
	return HF_OK;
}

/* SPDX-License-Identifier: MIT
 *
 * What a ledger can see of its own copies: the machine's id and the file's inode stand in the claim, so a copy on another
 * machine, or one that a backup has put back, is not taken without being told so (--take-over, which is a line too). A
 * disk image that is restored as a whole looks the same as before; the records of the devices, which lie elsewhere, are
 * compared by the caller for that.
 */
#include "ledger.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define KIND "holdfast serial numbers 1"

/* ---- numbers ---- */

const char *hf_serial_format(const struct hf_serial_range *range, uint32_t number, char text[HF_SERIAL_TEXT])
{
	snprintf(text, HF_SERIAL_TEXT, "%s%0*" PRIu32, range->prefix, (int)range->digits, number);
	return text;
}

bool hf_serial_parse(const struct hf_serial_range *range, const char *text, uint32_t *number, struct hf_diag *diag)
{
	size_t prefix = strlen(range->prefix), len = strlen(text);
	char first[HF_SERIAL_TEXT], last[HF_SERIAL_TEXT];
	bool fits = len == prefix + range->digits && memcmp(text, range->prefix, prefix) == 0;

	for (size_t i = prefix; fits && i < len; i++)
		fits = isdigit((unsigned char)text[i]);
	hf_serial_format(range, range->first, first);
	hf_serial_format(range, range->last, last);
	if (!fits) {
		hf_diag_set(diag, "'%.60s' is no serial number of this job: they look like %s; scan the right label", text, first);
		return false;
	}
	*number = (uint32_t)strtoul(text + prefix, NULL, 10);
	if (*number >= range->first && *number <= range->last)
		return true;
	hf_diag_set(diag, "%s is outside this station's serial numbers, %s to %s", text, first, last);
	return false;
}

bool hf_serial_split(struct hf_serial_range *range, uint32_t share, uint32_t shares)
{
	uint64_t all = (uint64_t)range->last - range->first + 1;
	uint32_t first = range->first;

	if (shares == 0 || share < 1 || share > shares || all < shares)
		return false;
	range->first = first + (uint32_t)(all * (share - 1) / shares);
	range->last = first + (uint32_t)(all * share / shares) - 1;
	return true;
}

/* ---- lines ---- */

static const char *text_of(json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text ? text : "";
}

static bool take_claim(struct hf_ledger *l, json_t *line)
{
	if (strcmp(text_of(line, "prefix"), l->range.prefix) != 0 ||
	    json_integer_value(json_object_get(line, "first")) != l->range.first ||
	    json_integer_value(json_object_get(line, "last")) != l->range.last ||
	    json_integer_value(json_object_get(line, "digits")) != l->range.digits)
		return false;
	snprintf(l->station, sizeof(l->station), "%s", text_of(line, "station"));
	snprintf(l->machine, sizeof(l->machine), "%s", text_of(line, "machine"));
	snprintf(l->since, sizeof(l->since), "%s", text_of(line, "time"));
	l->inode = strtoull(text_of(line, "inode"), NULL, 10);
	return true;
}

static bool take_step(struct hf_ledger *l, json_t *line)
{
	static const char *const steps[] = {"return", "reserve", "bind", "use"}; /* as enum hf_serial_state */
	json_int_t number = json_integer_value(json_object_get(line, "number"));
	const char *event = text_of(line, "event"), *device = text_of(line, "device");
	struct hf_ledger_number *n;
	unsigned state = 0;

	while (state < 4 && strcmp(event, steps[state]) != 0)
		state++;
	if (state == 4 || number < l->range.first || number > l->range.last || strlen(device) >= HF_DEVICE_TEXT)
		return false;
	n = &l->number[number - l->range.first];
	l->left += (n->state > HF_SERIAL_RESERVED) - (state > HF_SERIAL_RESERVED);
	n->state = (uint8_t)state;
	strcpy(n->device, state == HF_SERIAL_FREE ? "" : device);
	return true;
}

static bool take_line(void *ctx, json_t *line, unsigned number)
{
	struct hf_ledger *l = ctx;

	if (strcmp(text_of(line, "event"), "claim") != 0)
		return number > 1 && l->number && take_step(l, line);
	if (strcmp(text_of(line, "file"), KIND) != 0)
		return false;
	l->claimed = true;
	return take_claim(l, line);
}

/* ---- claims ---- */

static void machine_id(char text[HF_STATION_TEXT])
{
	struct hf_buffer file;
	struct hf_diag ignored;

	gethostname(text, HF_STATION_TEXT - 1);
	text[HF_STATION_TEXT - 1] = 0;
	if (hf_file_read("/etc/machine-id", 4096, &file, &ignored))
		return;
	if (file.len >= 32)
		snprintf(text, HF_STATION_TEXT, "%.32s", (const char *)file.ptr);
	hf_buffer_free(&file);
}

static enum hf_err claim(struct hf_ledger *l, const struct hf_ledger_options *o, const char *machine, uint64_t inode,
			 struct hf_diag *diag)
{
	char now[HF_CHAIN_TIME], node[24];

	snprintf(node, sizeof(node), "%" PRIu64, inode);
	return hf_chain_append(&l->chain,
			       json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s}", "event", "claim", "file", KIND,
					 "prefix", l->range.prefix, "first", (json_int_t)l->range.first, "last",
					 (json_int_t)l->range.last, "digits", (json_int_t)l->range.digits, "station", o->station,
					 "machine", machine, "inode", node, "time", hf_chain_time(now)), diag);
}

/* Whether the claim that was read is this station's, on this machine, in this very file. */
static enum hf_err check_claim(const struct hf_ledger *l, const struct hf_ledger_options *o, const char *machine,
			       uint64_t inode, struct hf_diag *diag)
{
	if (strcmp(l->station, o->station) != 0) {
		hf_diag_set(diag, "%s: station '%s' has these serial numbers since %s; give each station a share of its own "
				  "(--share 1/2 and --share 2/2, from the first day on), or, if that station has stopped for ever, "
				  "--take-over", l->chain.path, l->station, l->since);
		return HF_ERR_BUSY;
	}
	if (strcmp(l->machine, machine) != 0) {
		hf_diag_set(diag, "%s: this ledger was begun on another machine (id %.8s, this is %.8s), so it may be a copy of one that "
				  "is still in use there; if it was moved and nobody uses the old one any more, --take-over",
			    l->chain.path, l->machine, machine);
		return HF_ERR_DENIED;
	}
	if (l->inode != inode) {
		hf_diag_set(diag, "%s: this is a copy of the ledger that the station has written: numbers that were given since the copy "
				  "was made are not in it; bring the original back, or, if the records show that there are none, "
				  "--take-over", l->chain.path);
		return HF_ERR_DENIED;
	}
	return HF_OK;
}

/* Who has it open: read without the lock. */
static enum hf_err tell_holder(struct hf_ledger *l, const char *path, struct hf_diag *diag)
{
	struct hf_diag ignored;
	enum hf_err err = hf_chain_read(&l->chain, path, take_line, l, &ignored);

	hf_diag_set(diag, "%s: station '%s' works with these serial numbers now (claimed %s); wait until it has ended, or give each "
			  "station a share of its own (--share 1/2 and --share 2/2)", path,
		    !err && l->claimed ? l->station : "?", !err && l->claimed ? l->since : "?");
	return HF_ERR_BUSY;
}

/* ---- other ledgers in the directory ---- */

struct claimed {
	struct hf_serial_range range;
	char station[HF_STATION_TEXT], since[HF_CHAIN_TIME];
	bool known;
};

static bool note_claim(void *ctx, json_t *line, unsigned number)
{
	struct claimed *c = ctx;

	(void)number;
	if (strcmp(text_of(line, "event"), "claim") != 0)
		return true;
	snprintf(c->range.prefix, sizeof(c->range.prefix), "%s", text_of(line, "prefix"));
	snprintf(c->station, sizeof(c->station), "%s", text_of(line, "station"));
	snprintf(c->since, sizeof(c->since), "%s", text_of(line, "time"));
	c->range.first = (uint32_t)json_integer_value(json_object_get(line, "first"));
	c->range.last = (uint32_t)json_integer_value(json_object_get(line, "last"));
	c->range.digits = (uint32_t)json_integer_value(json_object_get(line, "digits"));
	c->known = true;
	return true;
}

static enum hf_err check_other(const char *path, const struct hf_serial_range *range, struct hf_diag *diag)
{
	char first[HF_SERIAL_TEXT], last[HF_SERIAL_TEXT];
	struct claimed c = {.known = false};
	struct hf_chain chain;
	enum hf_err err = hf_chain_read(&chain, path, note_claim, &c, diag);

	if (err)
		return err;
	if (!c.known || strcmp(c.range.prefix, range->prefix) != 0 || c.range.digits != range->digits ||
	    c.range.last < range->first || c.range.first > range->last)
		return HF_OK;
	hf_diag_set(diag, "%s: station '%s' has %s to %s since %s, and they overlap this station's serial numbers; a range is divided "
			  "before it is begun: all stations with --share, or a new range in a new job", path, c.station,
		    hf_serial_format(&c.range, c.range.first, first), hf_serial_format(&c.range, c.range.last, last), c.since);
	return HF_ERR_BUSY;
}

static enum hf_err check_others(const char *dir, const char *own, const struct hf_serial_range *range, struct hf_diag *diag)
{
	DIR *d = opendir(dir);
	enum hf_err err = HF_OK;
	struct dirent *e;

	if (!d) {
		hf_diag_set(diag, "%s: cannot be read: %s", dir, strerror(errno));
		return HF_ERR_IO;
	}
	while (!err && (e = readdir(d))) {
		size_t len = strlen(e->d_name);
		char path[512];

		if (len < 7 || strcmp(e->d_name + len - 7, ".ledger") != 0 || strcmp(e->d_name, own) == 0)
			continue;
		snprintf(path, sizeof(path), "%.250s/%.250s", dir, e->d_name);
		err = check_other(path, range, diag);
	}
	closedir(d);
	return err;
}

/* ---- open ---- */

static enum hf_err allocate(struct hf_ledger *l, const struct hf_serial_range *range, struct hf_diag *diag)
{
	memset(l, 0, sizeof(*l));
	l->chain.fd = -1;
	l->range = *range;
	l->from = range->first;
	l->left = range->last - range->first + 1;
	l->number = calloc((size_t)range->last - range->first + 1, sizeof(*l->number));
	if (l->number)
		return HF_OK;
	hf_diag_set(diag, "out of memory");
	return HF_ERR_IO;
}

static enum hf_err claim_or_check(struct hf_ledger *l, const struct hf_ledger_options *o, struct hf_diag *diag)
{
	char machine[HF_STATION_TEXT];
	struct stat info;
	enum hf_err err;

	machine_id(machine);
	if (o->machine)
		snprintf(machine, sizeof(machine), "%s", o->machine);
	if (fstat(l->chain.fd, &info) != 0) {
		hf_diag_set(diag, "%s: %s", l->chain.path, strerror(errno));
		return HF_ERR_IO;
	}
	if (!l->claimed)
		return claim(l, o, machine, info.st_ino, diag);
	err = check_claim(l, o, machine, info.st_ino, diag);
	return err && o->take_over ? claim(l, o, machine, info.st_ino, diag) : err;
}

static enum hf_err open_in(struct hf_ledger *l, const struct hf_ledger_options *o, struct hf_diag *diag)
{
	char name[160], path[512];
	struct hf_chain guard;
	enum hf_err err;

	snprintf(name, sizeof(name), "%s-%0*" PRIu32 "-%0*" PRIu32 ".ledger", l->range.prefix, (int)l->range.digits, l->range.first,
		 (int)l->range.digits, l->range.last);
	snprintf(path, sizeof(path), "%.300s/%s", o->dir, name);
	err = hf_chain_open(&l->chain, path, take_line, l, diag);
	if (err == HF_ERR_BUSY)
		return tell_holder(l, path, diag);
	guard = l->chain;
	if (!err)
		err = check_others(o->dir, name, &l->range, diag);
	l->chain = guard;
	if (!err)
		err = claim_or_check(l, o, diag);
	if (!err)
		return HF_OK;
	if (l->chain.fd >= 0 && l->chain.lines == 0)
		unlink(path); /* made for nothing: it would stand in the way of the right share */
	return err;
}

/* Two stations that claim at the same moment would not see each other's claim. Held for the claim only. */
static enum hf_err lock_directory(const char *dir, int *fd, struct hf_diag *diag)
{
	char path[512];

	snprintf(path, sizeof(path), "%.500s/.lock", dir);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd >= 0 && flock(*fd, LOCK_EX) == 0)
		return HF_OK;
	hf_diag_set(diag, "%s: cannot be locked: %s", path, strerror(errno));
	if (*fd >= 0)
		close(*fd);
	return HF_ERR_IO;
}

enum hf_err hf_ledger_open(struct hf_ledger *l, const struct hf_ledger_options *o, struct hf_diag *diag)
{
	enum hf_err err = allocate(l, &o->range, diag);
	int lock;

	if (!err && mkdir(o->dir, 0777) != 0 && errno != EEXIST) {
		hf_diag_set(diag, "%s: cannot be made: %s", o->dir, strerror(errno));
		err = HF_ERR_IO;
	}
	if (!err)
		err = lock_directory(o->dir, &lock, diag);
	if (!err) {
		err = open_in(l, o, diag);
		close(lock);
	}
	if (err)
		hf_ledger_close(l);
	return err;
}

void hf_ledger_close(struct hf_ledger *l)
{
	if (l->number)
		hf_chain_close(&l->chain);
	free(l->number);
	l->number = NULL;
}

/* The range stands in the file's own first line. */
enum hf_err hf_ledger_look(struct hf_ledger *l, const char *path, struct hf_diag *diag)
{
	struct claimed c = {.known = false};
	struct hf_chain chain;
	enum hf_err err;

	memset(l, 0, sizeof(*l));
	err = hf_chain_read(&chain, path, note_claim, &c, diag);
	if (!err && (!c.known || c.range.last < c.range.first || c.range.last - c.range.first >= HF_SERIALS_MAX)) {
		hf_diag_set(diag, "%s: this is no ledger of serial numbers", path);
		err = HF_ERR_TYPE;
	}
	if (!err)
		err = allocate(l, &c.range, diag);
	if (!err)
		err = hf_chain_read(&l->chain, path, take_line, l, diag);
	if (err)
		hf_ledger_close(l);
	return err;
}

/* ---- steps ---- */

static enum hf_err step(struct hf_ledger *l, const char *event, uint32_t number, enum hf_serial_state state,
			const char *device, struct hf_diag *diag)
{
	struct hf_ledger_number *n = &l->number[number - l->range.first];
	char now[HF_CHAIN_TIME], serial[HF_SERIAL_TEXT];
	enum hf_err err = hf_chain_append(&l->chain,
					  json_pack("{s:s, s:I, s:s, s:s, s:s}", "event", event, "number", (json_int_t)number,
						    "serial", hf_serial_format(&l->range, number, serial), "device", device,
						    "time", hf_chain_time(now)), diag);

	if (err)
		return err;
	l->left += (n->state > HF_SERIAL_RESERVED) - (state > HF_SERIAL_RESERVED);
	n->state = (uint8_t)state;
	n->live = state == HF_SERIAL_RESERVED;
	if (device != n->device)
		snprintf(n->device, sizeof(n->device), "%s", device);
	if (state == HF_SERIAL_FREE) {
		n->device[0] = 0;
		l->from = number < l->from ? number : l->from;
	}
	return HF_OK;
}

/* Its own before any other: bound and used ones, then one that a crash has left reserved. */
static struct hf_ledger_number *own(const struct hf_ledger *l, const char *device)
{
	struct hf_ledger_number *reserved = NULL;

	for (uint32_t i = 0; i <= l->range.last - l->range.first; i++) {
		struct hf_ledger_number *n = &l->number[i];

		if (n->state == HF_SERIAL_FREE || strcmp(n->device, device) != 0)
			continue;
		if (n->state != HF_SERIAL_RESERVED)
			return n;
		reserved = n;
	}
	return reserved;
}

static bool is_free(const struct hf_ledger_number *n)
{
	return n->state == HF_SERIAL_FREE || (n->state == HF_SERIAL_RESERVED && !n->live);
}

static enum hf_err reserve_wanted(struct hf_ledger *l, const char *device, uint32_t wanted, struct hf_diag *diag)
{
	const struct hf_ledger_number *n = &l->number[wanted - l->range.first];
	char serial[HF_SERIAL_TEXT];

	if (is_free(n))
		return step(l, "reserve", wanted, HF_SERIAL_RESERVED, device, diag);
	hf_diag_set(diag, "%s is the serial number of device %s already; scan this device's own label",
		    hf_serial_format(&l->range, wanted, serial), n->device);
	return HF_ERR_DENIED;
}

enum hf_err hf_ledger_reserve(struct hf_ledger *l, const char *device, const uint32_t *wanted, uint32_t *number,
			      struct hf_diag *diag)
{
	const struct hf_ledger_number *has = own(l, device);
	char a[HF_SERIAL_TEXT], b[HF_SERIAL_TEXT];
	enum hf_err err;

	if (has && (!wanted || l->range.first + (uint32_t)(has - l->number) == *wanted)) {
		*number = l->range.first + (uint32_t)(has - l->number);
		return HF_OK;
	}
	if (has && has->state == HF_SERIAL_RESERVED) {
		err = hf_ledger_return(l, l->range.first + (uint32_t)(has - l->number), diag);
		if (err)
			return err;
	} else if (has) {
		hf_diag_set(diag, "device %s has the serial number %s already, and %s was scanned for it; scan its own label", device,
			    hf_serial_format(&l->range, l->range.first + (uint32_t)(has - l->number), a),
			    hf_serial_format(&l->range, *wanted, b));
		return HF_ERR_DENIED;
	}
	if (wanted) {
		*number = *wanted;
		return reserve_wanted(l, device, *wanted, diag);
	}
	for (uint32_t i = l->from; i <= l->range.last; i++) {
		if (!is_free(&l->number[i - l->range.first]))
			continue;
		err = step(l, "reserve", i, HF_SERIAL_RESERVED, device, diag);
		*number = i;
		return err;
	}
	hf_diag_set(diag, "all serial numbers from %s to %s are used; a new range is a new job",
		    hf_serial_format(&l->range, l->range.first, a), hf_serial_format(&l->range, l->range.last, b));
	return HF_ERR_FULL;
}

enum hf_err hf_ledger_bind(struct hf_ledger *l, uint32_t number, struct hf_diag *diag)
{
	struct hf_ledger_number *n = &l->number[number - l->range.first];

	return n->state == HF_SERIAL_RESERVED ? step(l, "bind", number, HF_SERIAL_BOUND, n->device, diag) : HF_OK;
}

enum hf_err hf_ledger_use(struct hf_ledger *l, uint32_t number, struct hf_diag *diag)
{
	struct hf_ledger_number *n = &l->number[number - l->range.first];

	return n->state == HF_SERIAL_USED ? HF_OK : step(l, "use", number, HF_SERIAL_USED, n->device, diag);
}

enum hf_err hf_ledger_return(struct hf_ledger *l, uint32_t number, struct hf_diag *diag)
{
	struct hf_ledger_number *n = &l->number[number - l->range.first];

	return n->state == HF_SERIAL_RESERVED ? step(l, "return", number, HF_SERIAL_FREE, n->device, diag) : HF_OK;
}

const char *hf_ledger_owner(const struct hf_ledger *l, uint32_t number)
{
	const struct hf_ledger_number *n = &l->number[number - l->range.first];

	return is_free(n) ? NULL : n->device;
}

struct hf_ledger_count hf_ledger_count(const struct hf_ledger *l)
{
	struct hf_ledger_count c = {0};

	for (uint32_t i = 0; i <= l->range.last - l->range.first; i++) {
		uint8_t state = l->number[i].state;

		*(state == HF_SERIAL_FREE ? &c.free : state == HF_SERIAL_RESERVED ? &c.reserved :
		  state == HF_SERIAL_BOUND ? &c.bound : &c.used) += 1;
	}
	return c;
}

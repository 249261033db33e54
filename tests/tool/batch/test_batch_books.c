/* SPDX-License-Identifier: MIT
 *
 * A batch's books: chains of lines, serial numbers, records. Whatever the station is killed at, whatever a power cut takes,
 * whichever call fails, and on a full disk: no serial number is some other device's as well, none is lost, no device has two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../host/disk.h"
#include "../../host/scratch.h"
#include "file.h"
#include "passport.h"

#define NUMBERS   6u
#define CALLS_MAX 400

static const struct hf_serial_range range = {"T-", 1, NUMBERS, 4};
static struct hf_diag diag;

static struct hf_ledger_options options(void)
{
	return (struct hf_ledger_options){.dir = scratch("serials"), .range = range, .station = "one", .machine = "m"};
}

static int end(void **state)
{
	char command[TMP_NAME_BYTES + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", scratch_dir);
	return system(command) ? -1 : 0;
}

/* ---- chains ---- */

struct seen {
	unsigned lines;
	long long last;
};

static bool count(void *ctx, json_t *line, unsigned number)
{
	struct seen *s = ctx;

	s->lines = number;
	s->last = json_integer_value(json_object_get(line, "value"));
	return true;
}

static void put_chain(unsigned lines)
{
	struct hf_chain c;
	struct seen s = {0};

	assert_int_equal(hf_chain_open(&c, scratch("c"), count, &s, &diag), HF_OK);
	for (unsigned i = 0; i < lines; i++)
		assert_int_equal(hf_chain_append(&c, json_pack("{s:i}", "value", (int)i), &diag), HF_OK);
	hf_chain_close(&c);
}

static enum hf_err look(struct seen *s)
{
	struct hf_chain c;

	memset(s, 0, sizeof(*s));
	return hf_chain_read(&c, scratch("c"), count, s, &diag);
}

static void chain_appended_reads_back(void **state)
{
	struct seen s;

	(void)state;
	put_chain(3);
	put_chain(2);
	assert_int_equal(look(&s), HF_OK);
	assert_int_equal(s.lines, 5);
	assert_int_equal(s.last, 1);
}

static void chain_with_any_bit_flipped_is_refused(void **state)
{
	struct hf_buffer file;
	struct seen s;

	(void)state;
	put_chain(3);
	assert_int_equal(hf_file_read(scratch("c"), 1 << 20, &file, &diag), HF_OK);
	for (size_t i = 0; i < file.len; i++) {
		if (file.ptr[i] == '\n' && i + 1 == file.len)
			continue; /* without its end the last line is a torn one */
		file.ptr[i] ^= 1;
		assert_int_equal(hf_file_write(scratch("c"), hf_buffer_bytes(&file), 0, &diag), HF_OK);
		assert_true(look(&s) != HF_OK || s.lines < 3);
		file.ptr[i] ^= 1;
	}
	hf_buffer_free(&file);
}

static void chain_that_was_edited_names_the_line(void **state)
{
	struct hf_buffer file;
	struct seen s;
	char *at;

	(void)state;
	put_chain(4);
	assert_int_equal(hf_file_read(scratch("c"), 1 << 20, &file, &diag), HF_OK);
	at = strstr((char *)file.ptr, "\"value\":1");
	at[8] = '7';
	assert_int_equal(hf_file_write(scratch("c"), hf_buffer_bytes(&file), 0, &diag), HF_OK);
	assert_int_equal(look(&s), HF_ERR_ENCODING);
	assert_non_null(strstr(diag.text, "c:2: this line is broken"));
	hf_buffer_free(&file);
}

static void chain_without_a_line_is_refused(void **state)
{
	struct hf_buffer file;
	struct seen s;
	char *first, *second;

	(void)state;
	put_chain(4);
	assert_int_equal(hf_file_read(scratch("c"), 1 << 20, &file, &diag), HF_OK);
	first = strchr((char *)file.ptr, '\n') + 1;
	second = strchr(first, '\n') + 1;
	file.len -= (size_t)(second - first);
	memmove(first, second, strlen(second) + 1);
	assert_int_equal(hf_file_write(scratch("c"), hf_buffer_bytes(&file), 0, &diag), HF_OK);
	assert_int_equal(look(&s), HF_ERR_ENCODING);
	assert_non_null(strstr(diag.text, "taken away"));
	hf_buffer_free(&file);
}

static void chain_torn_at_any_byte_is_cut_and_goes_on(void **state)
{
	struct hf_buffer whole;
	struct hf_chain c;
	struct seen s;
	size_t good;

	(void)state;
	put_chain(2);
	assert_int_equal(hf_file_read(scratch("c"), 1 << 20, &whole, &diag), HF_OK);
	good = (size_t)(strchr((char *)whole.ptr, '\n') + 1 - (char *)whole.ptr);
	for (size_t len = good + 1; len < whole.len; len++) {
		assert_int_equal(hf_file_write(scratch("c"), (struct hf_bytes){whole.ptr, len}, 0, &diag), HF_OK);
		assert_int_equal(hf_chain_open(&c, scratch("c"), count, &s, &diag), HF_OK);
		assert_int_equal(c.lines, 1);
		assert_int_equal(c.torn, len - good);
		assert_int_equal(hf_chain_append(&c, json_pack("{s:i}", "value", 9), &diag), HF_OK);
		hf_chain_close(&c);
		assert_int_equal(look(&s), HF_OK);
		assert_int_equal(s.lines, 2);
		assert_int_equal(s.last, 9);
	}
	hf_buffer_free(&whole);
}

static void chain_with_a_block_of_zeros_at_its_end_is_cut(void **state)
{
	struct hf_buffer whole;
	struct hf_chain c;
	struct seen s;
	size_t good;

	(void)state;
	put_chain(2);
	assert_int_equal(hf_file_read(scratch("c"), 1 << 20, &whole, &diag), HF_OK);
	good = (size_t)(strchr((char *)whole.ptr, '\n') + 1 - (char *)whole.ptr);
	memset(whole.ptr + good, 0, 20);
	assert_int_equal(hf_file_write(scratch("c"), hf_buffer_bytes(&whole), 0, &diag), HF_OK);
	assert_int_equal(hf_chain_open(&c, scratch("c"), count, &s, &diag), HF_OK);
	assert_int_equal(c.lines, 1);
	hf_chain_close(&c);
	hf_buffer_free(&whole);
}

static void chain_that_is_open_is_refused_to_another(void **state)
{
	struct hf_chain a, b;
	struct seen s;

	(void)state;
	assert_int_equal(hf_chain_open(&a, scratch("c"), count, &s, &diag), HF_OK);
	assert_int_equal(hf_chain_open(&b, scratch("c"), count, &s, &diag), HF_ERR_BUSY);
	hf_chain_close(&a);
	assert_int_equal(hf_chain_open(&b, scratch("c"), count, &s, &diag), HF_OK);
	hf_chain_close(&b);
}

/* ---- serial numbers ---- */

static void serials_are_formatted_and_parsed(void **state)
{
	const struct hf_serial_range r = {"HF-", 5, 120, 6};
	char text[HF_SERIAL_TEXT];
	uint32_t number;

	(void)state;
	assert_string_equal(hf_serial_format(&r, 5, text), "HF-000005");
	assert_true(hf_serial_parse(&r, "HF-000120", &number, &diag));
	assert_int_equal(number, 120);
	assert_false(hf_serial_parse(&r, "HF-000121", &number, &diag));
	assert_false(hf_serial_parse(&r, "HF-000004", &number, &diag));
	assert_false(hf_serial_parse(&r, "HF-00120", &number, &diag));
	assert_false(hf_serial_parse(&r, "hf-000120", &number, &diag));
	assert_false(hf_serial_parse(&r, "HF-00012x", &number, &diag));
	assert_false(hf_serial_parse(&r, "", &number, &diag));
}

static void shares_cover_a_range_exactly_once(void **state)
{
	(void)state;
	for (uint32_t shares = 1; shares < 8; shares++) {
		uint32_t next = 10;

		for (uint32_t share = 1; share <= shares; share++) {
			struct hf_serial_range r = {"X", 10, 33, 2};

			assert_true(hf_serial_split(&r, share, shares));
			assert_int_equal(r.first, next);
			assert_true(r.last >= r.first);
			next = r.last + 1;
		}
		assert_int_equal(next, 34);
	}
	assert_false(hf_serial_split(&(struct hf_serial_range){"X", 1, 2, 2}, 1, 3));
	assert_false(hf_serial_split(&(struct hf_serial_range){"X", 1, 2, 2}, 3, 2));
}

static void device_keeps_its_number(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger l;
	uint32_t a, b, again;

	(void)state;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-a", NULL, &a, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-b", NULL, &b, &diag), HF_OK);
	assert_int_not_equal(a, b);
	assert_int_equal(hf_ledger_bind(&l, a, &diag), HF_OK);
	hf_ledger_close(&l);
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-c", NULL, &again, &diag), HF_OK);
	assert_int_equal(again, b); /* reserved and seen by nobody: the next device's */
	assert_int_equal(hf_ledger_reserve(&l, "dev-a", NULL, &again, &diag), HF_OK);
	assert_int_equal(again, a);
	hf_ledger_close(&l);
}

static void reserved_number_is_its_devices_first(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger l;
	uint32_t a, b, again;

	(void)state;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-a", NULL, &a, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-b", NULL, &b, &diag), HF_OK);
	hf_ledger_close(&l);
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-b", NULL, &again, &diag), HF_OK);
	assert_int_equal(again, b);
	hf_ledger_close(&l);
}

static void scanned_number_of_another_device_is_refused(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger l;
	uint32_t wanted = 3, number;

	(void)state;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-a", &wanted, &number, &diag), HF_OK);
	assert_int_equal(number, 3);
	assert_int_equal(hf_ledger_use(&l, number, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-b", &wanted, &number, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "dev-a"));
	wanted = 4;
	assert_int_equal(hf_ledger_reserve(&l, "dev-a", &wanted, &number, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "T-0003"));
	hf_ledger_close(&l);
}

static void used_up_range_says_so_and_returned_numbers_come_back(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger l;
	uint32_t number;

	(void)state;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	for (unsigned i = 0; i < NUMBERS; i++) {
		char device[16];

		snprintf(device, sizeof(device), "dev-%u", i);
		assert_int_equal(hf_ledger_reserve(&l, device, NULL, &number, &diag), HF_OK);
	}
	assert_int_equal(hf_ledger_reserve(&l, "late", NULL, &number, &diag), HF_ERR_FULL);
	assert_int_equal(hf_ledger_return(&l, 2, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "late", NULL, &number, &diag), HF_OK);
	assert_int_equal(number, 2);
	assert_int_equal(hf_ledger_count(&l).reserved, NUMBERS);
	hf_ledger_close(&l);
}

/* ---- stations ---- */

static void another_station_is_refused_and_told_who(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger l;

	(void)state;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	hf_ledger_close(&l);
	o.station = "two";
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_ERR_BUSY);
	assert_non_null(strstr(diag.text, "station 'one'"));
	assert_non_null(strstr(diag.text, "--share"));
	o.take_over = true;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	hf_ledger_close(&l);
	o.take_over = false;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	hf_ledger_close(&l);
}

static void two_at_once_are_refused_even_with_take_over(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger a, b;

	(void)state;
	assert_int_equal(hf_ledger_open(&a, &o, &diag), HF_OK);
	o.take_over = true;
	assert_int_equal(hf_ledger_open(&b, &o, &diag), HF_ERR_BUSY);
	assert_non_null(strstr(diag.text, "works with these serial numbers now"));
	hf_ledger_close(&a);
}

static void overlapping_shares_are_refused_and_disjoint_ones_taken(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_ledger a, b;

	(void)state;
	assert_true(hf_serial_split(&o.range, 1, 2));
	assert_int_equal(hf_ledger_open(&a, &o, &diag), HF_OK);
	o.station = "two";
	o.range = range;
	assert_int_equal(hf_ledger_open(&b, &o, &diag), HF_ERR_BUSY);
	assert_non_null(strstr(diag.text, "overlap"));
	assert_true(hf_serial_split(&o.range, 2, 2));
	assert_int_equal(hf_ledger_open(&b, &o, &diag), HF_OK); /* and the refused one has left nothing in its way */
	hf_ledger_close(&b);
	hf_ledger_close(&a);
}

static void copied_ledger_is_refused(void **state)
{
	struct hf_ledger_options o = options();
	char command[2000];
	struct hf_ledger l;

	(void)state;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	hf_ledger_close(&l);
	o.machine = "other";
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "another machine"));
	o.machine = "m";
	snprintf(command, sizeof(command), "cp -r '%s' '%s' && rm -r '%s' && mv '%s' '%s'", scratch("serials"), scratch("copy"),
		 scratch("serials"), scratch("copy"), scratch("serials"));
	o.dir = scratch("serials");
	assert_int_equal(system(command), 0);
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "this is a copy"));
	o.take_over = true;
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	hf_ledger_close(&l);
}

static void ledger_that_knows_less_than_the_records_is_refused(void **state)
{
	struct hf_ledger_options o = options();
	struct hf_passports p;
	struct hf_ledger l;
	uint32_t number;

	(void)state;
	assert_int_equal(hf_passports_open(&p, scratch("r"), &diag), HF_OK);
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_ledger_reserve(&l, "dev-a", NULL, &number, &diag), HF_OK);
	assert_int_equal(hf_ledger_use(&l, number, &diag), HF_OK);
	assert_int_equal(hf_passports_append(&p, json_pack("{s:s, s:s, s:s, s:s}", "outcome", "pass", "device_id", "dev-a", "serial",
							   "T-0001", "job", "j"), &diag), HF_OK);
	assert_int_equal(hf_passports_check(&p, &l, &diag), HF_OK);
	assert_int_equal(hf_passports_append(&p, json_pack("{s:s, s:s, s:s, s:s}", "outcome", "pass", "device_id", "dev-b", "serial",
							   "T-0002", "job", "j"), &diag), HF_OK);
	assert_int_equal(hf_passports_check(&p, &l, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "older copy"));
	hf_ledger_close(&l);
	hf_passports_close(&p);
}

/* ---- crashes ---- */

#define DEVICES 4u

/* What the world outside has seen; survives the stations. */
struct world {
	unsigned device_of[NUMBERS + 1]; /* device + 1 whose label or flash has the number */
	unsigned number_of[DEVICES];
	bool passed[DEVICES], twice;
};

static struct world *world;

static void leave(unsigned device, uint32_t number)
{
	if ((world->device_of[number] && world->device_of[number] != device + 1) ||
	    (world->number_of[device] && world->number_of[device] != number))
		world->twice = true;
	world->device_of[number] = device + 1;
	world->number_of[device] = number;
}

/* A station that works on all devices that have not passed; false: the books could not be kept, which it said. The one after a
 * crash meets them in another order: what was on its way to one device must not go to the next. */
static bool station(bool backwards)
{
	struct hf_ledger_options o = options();
	struct hf_passports p;
	struct hf_ledger l;
	bool good;

	if (hf_passports_open(&p, scratch("r"), &diag) != HF_OK)
		return false;
	good = hf_ledger_open(&l, &o, &diag) == HF_OK;
	good = good && hf_passports_check(&p, &l, &diag) == HF_OK;
	for (unsigned i = 0; i < DEVICES && good; i++) {
		unsigned d = backwards ? DEVICES - 1 - i : i;
		char device[16], serial[HF_SERIAL_TEXT];
		uint32_t number;

		snprintf(device, sizeof(device), "dev-%u", d);
		if (hf_passports_find(&p, device, "j"))
			continue;
		good = hf_ledger_reserve(&l, device, NULL, &number, &diag) == HF_OK && hf_ledger_bind(&l, number, &diag) == HF_OK;
		if (good)
			leave(d, number);
		good = good && hf_ledger_use(&l, number, &diag) == HF_OK &&
		       hf_passports_append(&p, json_pack("{s:s, s:s, s:s, s:s}", "outcome", "pass", "device_id", device, "serial",
							 hf_serial_format(&range, good ? number : 1, serial), "job", "j"), &diag) == HF_OK;
		if (good)
			world->passed[d] = true;
	}
	hf_ledger_close(&l);
	hf_passports_close(&p);
	return good;
}

/* True: it came through without meeting its end. */
static bool station_that_ends(enum disk_end how, unsigned nth)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		disk_arm(how, nth);
		_exit(station(false) ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 5 || WEXITSTATUS(status) == DISK_DEAD);
	return WEXITSTATUS(status) == 0;
}

/* Whose PASS was shown has a record, whatever has happened since. */
static void check_shown(void)
{
	struct hf_passports p;
	enum hf_err err = hf_passports_read(&p, scratch("r"), NULL, NULL, &diag);

	assert_true(err == HF_OK || err == HF_ERR_NOT_FOUND);
	for (unsigned d = 0; d < DEVICES; d++) {
		char device[16];

		snprintf(device, sizeof(device), "dev-%u", d);
		assert_true(!world->passed[d] || hf_passports_find(&p, device, "j"));
	}
	hf_passports_close(&p);
}

static void check_world(void)
{
	struct hf_ledger_options o = options();
	struct hf_ledger_count c;
	struct hf_passports p;
	struct hf_ledger l;
	unsigned given = 0;

	assert_false(world->twice);
	assert_int_equal(hf_passports_open(&p, scratch("r"), &diag), HF_OK);
	assert_int_equal(hf_ledger_open(&l, &o, &diag), HF_OK);
	assert_int_equal(hf_passports_check(&p, &l, &diag), HF_OK);
	for (unsigned d = 0; d < DEVICES; d++) {
		char device[16];

		snprintf(device, sizeof(device), "dev-%u", d);
		assert_non_null(hf_passports_find(&p, device, "j"));
		assert_string_equal(hf_ledger_owner(&l, world->number_of[d]), device);
		given += world->number_of[d] != 0;
	}
	c = hf_ledger_count(&l);
	assert_int_equal(given, DEVICES);
	assert_int_equal(c.used, DEVICES);
	assert_int_equal(c.free + c.reserved, NUMBERS - DEVICES); /* none is lost */
	hf_ledger_close(&l);
	hf_passports_close(&p);
}

static void new_world(void)
{
	char command[2 * TMP_NAME_BYTES + 64];

	memset(world, 0, sizeof(*world));
	snprintf(command, sizeof(command), "rm -rf '%s/serials' '%s/r'", scratch_dir, scratch_dir);
	assert_int_equal(system(command), 0);
}

/* One station ends at its nth call, the next one works on. */
static unsigned end_at_every_call(enum disk_end how)
{
	unsigned nth = 1;
	bool through = false;

	for (; !through && nth < CALLS_MAX; nth++) {
		new_world();
		through = station_that_ends(how, nth);
		check_shown();
		assert_true(station(true));
		check_world();
	}
	assert_true(through);
	return nth;
}

static void station_ended_at_every_call_repeats_and_loses_nothing(void **state)
{
	static const enum disk_end ends[] = {DISK_KILL_BEFORE, DISK_KILL_AFTER, DISK_CUT_BEFORE, DISK_CUT_AFTER, DISK_CUT_TORN, DISK_FULL,
					     DISK_ERROR};
	unsigned cases = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		cases += end_at_every_call(ends[i]);
	printf("# %u cases\n", cases);
}

static void station_ended_twice_repeats_and_loses_nothing(void **state)
{
	unsigned cases = 0;

	(void)state;
	for (unsigned first = 8; first < 120; first += 7) {
		for (unsigned second = 5; second < 80; second += 9) {
			new_world();
			station_that_ends(DISK_CUT_TORN, first);
			station_that_ends(DISK_KILL_AFTER, second);
			assert_true(station(true));
			check_world();
			cases++;
		}
	}
	printf("# %u cases\n", cases);
}

static void full_disk_leaves_records_as_they_were(void **state)
{
	struct hf_passports p;
	struct hf_buffer before, after;

	(void)state;
	assert_int_equal(hf_passports_open(&p, scratch("r"), &diag), HF_OK);
	assert_int_equal(hf_passports_append(&p, json_pack("{s:s}", "outcome", "pass"), &diag), HF_OK);
	assert_int_equal(hf_file_read(scratch("r"), 1 << 20, &before, &diag), HF_OK);
	disk_arm(DISK_FULL, 1);
	assert_int_equal(hf_passports_append(&p, json_pack("{s:s}", "outcome", "fail"), &diag), HF_ERR_IO);
	disk_arm(DISK_LIVES, 0);
	assert_non_null(strstr(diag.text, "No space left"));
	assert_int_equal(hf_file_read(scratch("r"), 1 << 20, &after, &diag), HF_OK);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.ptr, after.ptr, before.len);
	assert_int_equal(hf_passports_append(&p, json_pack("{s:s}", "outcome", "fail"), &diag), HF_OK); /* room was made */
	hf_passports_close(&p);
	assert_int_equal(hf_passports_read(&p, scratch("r"), NULL, NULL, &diag), HF_OK);
	assert_int_equal(p.count, 2);
	hf_passports_close(&p);
	hf_buffer_free(&before);
	hf_buffer_free(&after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, end)
	const struct CMUnitTest tests[] = {
		TEST(chain_appended_reads_back),
		TEST(chain_with_any_bit_flipped_is_refused),
		TEST(chain_that_was_edited_names_the_line),
		TEST(chain_without_a_line_is_refused),
		TEST(chain_torn_at_any_byte_is_cut_and_goes_on),
		TEST(chain_with_a_block_of_zeros_at_its_end_is_cut),
		TEST(chain_that_is_open_is_refused_to_another),
		TEST(serials_are_formatted_and_parsed),
		TEST(shares_cover_a_range_exactly_once),
		TEST(device_keeps_its_number),
		TEST(reserved_number_is_its_devices_first),
		TEST(scanned_number_of_another_device_is_refused),
		TEST(used_up_range_says_so_and_returned_numbers_come_back),
		TEST(another_station_is_refused_and_told_who),
		TEST(two_at_once_are_refused_even_with_take_over),
		TEST(overlapping_shares_are_refused_and_disjoint_ones_taken),
		TEST(copied_ledger_is_refused),
		TEST(ledger_that_knows_less_than_the_records_is_refused),
		TEST(station_ended_at_every_call_repeats_and_loses_nothing),
		TEST(station_ended_twice_repeats_and_loses_nothing),
		TEST(full_disk_leaves_records_as_they_were),
	};

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return world == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

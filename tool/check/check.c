/* SPDX-License-Identifier: MIT
 *
 * All checks are made, whatever one of them finds: an operator who mends one thing, only to be told of the next, has been told
 * too little. What a check prevents decides whether it may be waived (waiver.c): what could leave a device dead may not.
 */
#include "check_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup.h"
#include "pilot.h"

#define PATIENCE_MS 60000u

enum hf_err hf_check_path(const char *what, char path[HF_CHECK_PATH_BYTES], struct hf_diag *diag)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	bool given = data && data[0] == '/';
	char dir[HF_CHECK_PATH_BYTES - 64];
	int n = -1;

	if (given)
		n = snprintf(dir, sizeof(dir), "%s/holdfast", data);
	else if (home && home[0] == '/')
		n = snprintf(dir, sizeof(dir), "%s/.local/share/holdfast", home);
	if (n < 0 || (size_t)n >= sizeof(dir)) {
		hf_diag_set(diag, "there is no place to keep %s: neither XDG_DATA_HOME nor HOME is set; name a file", what);
		return HF_ERR_NOT_FOUND;
	}
	for (char *at = dir + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		if (mkdir(dir, 0777) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			break;
		*at = '/';
	}
	if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
		hf_diag_set(diag, "%s: this directory cannot be made: %s; name another place", dir, strerror(errno));
		return HF_ERR_IO;
	}
	snprintf(path, HF_CHECK_PATH_BYTES, "%s/%s", dir, what);
	return HF_OK;
}

/* ---- rows ---- */

static void dashed(const char *name, char *out, size_t room)
{
	snprintf(out, room, "%s", name);
	for (; *out; out++) {
		if (*out == ' ')
			*out = '-';
	}
}

static void waive(struct check *k, const char *name, const char *reason, const char *finding, const char *next)
{
	const struct hf_waivers *w = k->o->waivers;
	struct hf_diag diag;

	if (hf_waivers_log(w, name, finding, k->device_id, k->digest, &diag) == HF_OK) {
		hf_report_row(&k->report, HF_ROW_WAIVED, name, "", "by %s: %s (%s)", w->by, reason, finding);
		return;
	}
	k->disk = true;
	hf_report_row(&k->report, HF_ROW_FAILED, name, next, "%s; %s", diag.text, finding);
}

void check_row(struct check *k, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
{
	char text[HF_ROW_TEXT_BYTES], how[HF_ROW_TEXT_BYTES], option[32];
	const char *reason;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (state != HF_ROW_FAILED) {
		hf_report_row(&k->report, state, name, next, "%s", text);
		return;
	}
	reason = k->o->waivers ? hf_waivers_reason(k->o->waivers, name) : NULL;
	dashed(name, option, sizeof(option));
	if (hf_waivers_may(name))
		snprintf(how, sizeof(how), "%s, or go on with --waive %s=REASON", next, option);
	else
		snprintf(how, sizeof(how), "%s (this cannot be waived)", next);
	if (reason)
		waive(k, name, reason, text, how);
	else
		hf_report_row(&k->report, HF_ROW_FAILED, name, how, "%s", text);
}

/* ---- 2 and 3: package, pilot ---- */

static bool runs_already(const struct check *k)
{
	unsigned running = k->status->running;

	return running < HF_SLOTS && memcmp(k->status->state.slot[running].id, k->package.id, HF_ID_BYTES) == 0;
}

static void check_package(struct check *k)
{
	struct hf_package_text about;
	struct hf_diag diag;
	enum hf_err err = hf_burn_check_package(&k->burn, &k->package, &diag);

	if (err) {
		check_row(k, HF_ROW_FAILED, "package", "get the package anew, and check it with `holdfast verify`", "%s", diag.text);
		return;
	}
	k->package_known = true;
	hf_out_hex(k->package.id, sizeof(k->package.id), k->digest);
	hf_package_text(&k->package, &about);
	check_row(k, HF_ROW_PASSED, "package", "", "%.*s is whole: SHA-256 of every segment as signed%s", (int)about.version.len,
		  (const char *)about.version.ptr,
		  k->o->keyset ? ", signed as the keyset demands" : "; its signature is left to the device (--keyset checks it here)");
	err = hf_burn_check_device(&k->burn, &k->package, k->status, &diag);
	if (err)
		check_row(k, HF_ROW_FAILED, "compatibility", "choose the package that this device needs", "%s", diag.text);
	else
		check_row(k, HF_ROW_PASSED, "compatibility", "", "a %s%s takes it, into slot %c", k->status->board,
			  runs_already(k) ? ", which runs it already," : "", 'A' + (int)hf_burn_target(k->status));
}

static void check_pilot(struct check *k)
{
	static const char next[] = "burn it on one device first: holdfast burn PACKAGE --as-pilot; the record that this leaves beside PACKAGE is found by itself";
	struct hf_pilot pilot;
	struct hf_diag diag;

	if (k->o->recovering && k->r->fallback == HF_PLACE_RECOVERY) {
		check_row(k, HF_ROW_NOTE, "pilot", "", "not asked for: nothing else starts on this device");
	} else if (k->o->rescue) {
		check_row(k, HF_ROW_NOTE, "pilot", "", "not asked for: this device is being brought back");
	} else if (k->o->no_pilot) {
		check_row(k, HF_ROW_NOTE, "pilot", "", "the project file demands none");
	} else if (k->o->as_pilot) {
		check_row(k, HF_ROW_NOTE, "pilot", "", "this device is the pilot");
	} else if (!k->o->pilot) {
		check_row(k, HF_ROW_FAILED, "pilot", next, "no record of a pilot that ran this package was given");
	} else if (hf_pilot_read(k->o->pilot, &pilot, &diag) != HF_OK) {
		check_row(k, HF_ROW_FAILED, "pilot", next, "%s", diag.text);
	} else if (strcmp(pilot.digest, k->digest) != 0) {
		check_row(k, HF_ROW_FAILED, "pilot", next, "%s is the record of another package: %s, %.16s", k->o->pilot, pilot.version,
			  pilot.digest);
	} else if (pilot.failed || pilot.passed == 0) {
		check_row(k, HF_ROW_FAILED, "pilot", next, "on the pilot %s %u tests failed", pilot.device_id, pilot.failed);
	} else {
		check_row(k, HF_ROW_PASSED, "pilot", "", "%s ran this package since %s and passed %u tests (%s)", pilot.device_id, pilot.time,
			  pilot.passed, pilot.by);
	}
}

/* ---- 1: backup ---- */

static enum hf_err check_backup(struct check *k)
{
	static const char next[] = "choose another place with --backup";
	struct hf_backup *b = malloc(sizeof(*b));
	struct hf_diag diag;
	enum hf_err err;

	if (!b) {
		check_row(k, HF_ROW_FAILED, "backup", next, "out of memory");
		return HF_OK;
	}
	err = hf_backup_take(k->c, k->patience_ms, k->status, b, &diag);
	if (err) {
		check_row(k, k->o->recovering ? HF_ROW_NOTE : HF_ROW_FAILED, "backup", "look at the device with `holdfast status`", "%s",
			  diag.text);
	} else {
		b->reference = k->r->reference;
		if (hf_backup_write(b, k->status, k->o->backup, k->r->backup, sizeof(k->r->backup), &diag) == HF_OK) {
			check_row(k, HF_ROW_PASSED, "backup", "", "configuration (%zu bytes) and %s%s in %s", b->configuration_len,
				  b->history_known ? "history" : "no history", b->history_known ? "" : " (this device keeps none)", k->r->backup);
		} else {
			k->r->backup[0] = 0;
			check_row(k, HF_ROW_FAILED, "backup", next, "%s", diag.text);
			k->disk |= !k->o->waivers || !hf_waivers_reason(k->o->waivers, "backup");
		}
	}
	hf_backup_free(b);
	free(b);
	return err == HF_ERR_TIMEOUT || err == HF_ERR_IO ? err : HF_OK;
}

/* ---- all of them ---- */

/* The reference goes into the backup, so the line comes first; what needs no device before all. */
static enum hf_err run(struct check *k)
{
	enum hf_err err;

	if (k->o->package.len)
		check_package(k);
	if (k->o->package.len && !k->o->recovering)
		check_pilot(k);
	err = check_link(k);
	if (!err)
		err = hf_after_take(k->c, &k->r->link, k->patience_ms, &k->r->reference);
	if (!err)
		err = check_backup(k);
	if (!err) {
		check_health(k);
		err = check_way_back(k);
	}
	if (!err && k->o->package.len && k->o->recovering)
		check_pilot(k); /* whether the device is dead is known now */
	return err;
}

static enum hf_exit exit_of(struct check *k, enum hf_err err)
{
	if (err && hf_smp_stopped(k->c)) {
		hf_diag_set(&k->r->diag, "interrupted; nothing was changed");
		return HF_EXIT_INTERRUPTED;
	}
	if (err) {
		hf_diag_set(&k->r->diag, err == HF_ERR_IO ? "the port is gone while the device is checked; nothing was changed: check the cable" :
				       "the device answers no more while it is checked; nothing was changed: check cable and power");
		return err == HF_ERR_IO ? HF_EXIT_PORT_GONE : HF_EXIT_SILENT;
	}
	hf_report_sentence(&k->report, &k->r->diag);
	if (k->report.count[HF_ROW_FAILED] == 0)
		return HF_EXIT_OK;
	return k->disk ? HF_EXIT_DISK : HF_EXIT_CHECK;
}

enum hf_exit hf_check(struct hf_smp_client *c, struct hf_smp_rate *rate, const struct hf_smp_status *status,
		      const struct hf_check_options *options, struct hf_check_result *result)
{
	uint64_t begin = hf_serial_now_ms(c->serial);
	struct check *k = calloc(1, sizeof(*k));
	enum hf_exit code;

	memset(result, 0, sizeof(*result));
	result->fallback = HF_PLACES;
	if (!k) {
		hf_diag_set(&result->diag, "out of memory");
		return HF_EXIT_INTERNAL;
	}
	*k = (struct check){
		.c = c,
		.rate = rate,
		.status = status,
		.o = options,
		.r = result,
		.report = {.row = options->row, .ctx = options->ctx, .noun = "check"},
		.patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS,
		.burn = {.package = options->package, .board = options->board, .keyset = options->keyset,
			 .any_release = options->any_release},
	};
	hf_limits_default(&k->limits);
	if (options->limits)
		k->limits = *options->limits;
	hf_uuid_format(status->device_id, k->device_id);
	code = exit_of(k, run(k));
	memcpy(result->count, k->report.count, sizeof(result->count));
	result->ms = (uint32_t)(hf_serial_now_ms(c->serial) - begin);
	free(k);
	return code;
}

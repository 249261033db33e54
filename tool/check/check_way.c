/* SPDX-License-Identifier: MIT
 *
 * The fifth check: the way back.
 *
 * An upload goes into the slot that does not run, and nothing else is touched. So while the new firmware is on trial, what the
 * device falls back to is what runs now: that image has to verify. From recovery it is the firmware of the slot that the upload
 * leaves alone, where the journal has it confirmed, and else recovery itself, from its own partition. Below both stands recovery,
 * which has to verify in any case - but where recovery itself is what is being burned: then the package is the cure.
 *
 * Where the device goes back by itself no file is needed. Files are needed by people: to put the old firmware back on purpose, and
 * to mend recovery. They are sought by the digests that the device tells.
 */
#include "check_private.h"

#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "version.h"

#define FILES_MAX 256u

struct way {
	struct check *k;
	struct hf_smp_place place[HF_PLACES]; /* what is there, where `known` */
	bool known[HF_PLACES];                /* the device said what it found */
	bool absent[HF_PLACES];               /* the board has no such place */
	uint8_t firmware[32];                 /* the digest of what it falls back to, or runs */
	bool firmware_known;

	/* Files. */
	unsigned files;
	char firmware_file[256], recovery_file[256];
	bool recovery_same;
	struct hf_diag firmware_why, recovery_why; /* why a file that would be it is none */
};

/* ---- what the device holds ---- */

static enum hf_err ask_place(struct way *w, unsigned place)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_verify_place(w->k->c, w->k->patience_ms, place, &w->place[place], &answer);

	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	w->known[place] = !err && !answer.refusal;
	w->absent[place] = !err && answer.refusal == HF_ERR_NOT_FOUND;
	return HF_OK;
}

static const char *version_of(const struct hf_smp_place *p, char text[HF_VERSION_TEXT_BYTES])
{
	if (p->versions == 0)
		return "an unknown version";
	return hf_version_format(p->version, p->versions, text);
}

static void recovery_row(struct way *w)
{
	const struct hf_smp_place *p = &w->place[HF_PLACE_RECOVERY];
	bool cure = w->k->package_known && hf_package_fact(&w->k->package).component == HF_COMPONENT_RECOVERY;
	char version[HF_VERSION_TEXT_BYTES];

	if (w->absent[HF_PLACE_RECOVERY])
		check_row(w->k, HF_ROW_NOTE, "recovery", "", "this board has no recovery");
	else if (!w->known[HF_PLACE_RECOVERY])
		check_row(w->k, HF_ROW_NOTE, "recovery", "try it once with `holdfast recovery`",
			  "this firmware does not tell whether recovery verifies");
	else if (p->verdict == HF_OK)
		check_row(w->k, HF_ROW_PASSED, "recovery", "", "%s verifies in its partition", version_of(p, version));
	else if (cure)
		check_row(w->k, HF_ROW_WARNING, "recovery", "", "it does not verify (%s): this package replaces it", hf_err_text(p->verdict));
	else if (p->verdict == HF_ERR_NOT_FOUND)
		check_row(w->k, HF_ROW_FAILED, "recovery", "burn a recovery package first",
			  "its partition is empty: nothing would help this device where firmware fails");
	else
		check_row(w->k, HF_ROW_FAILED, "recovery", "burn a recovery package first",
			  "it does not verify (%s): nothing would help this device where firmware fails", hf_err_text(p->verdict));
}

static void use_firmware(struct way *w, unsigned place)
{
	w->k->r->fallback = place;
	if (place < HF_SLOTS && w->known[place] && w->place[place].verdict == HF_OK) {
		memcpy(w->firmware, w->place[place].hash, sizeof(w->firmware));
		w->firmware_known = true;
	}
}

/* The firmware that runs stays where it is. */
static void running_row(struct way *w, unsigned slot)
{
	unsigned target = hf_burn_target(w->k->status);
	char version[HF_VERSION_TEXT_BYTES];

	if (!w->known[slot]) {
		hf_version_format(w->k->status->version, w->k->status->versions, version);
		check_row(w->k, HF_ROW_NOTE, "fallback", "", "the device falls back to %s in slot %c, which runs; it does not tell whether that verifies",
			  version, 'A' + (int)slot);
		use_firmware(w, slot);
	} else if (w->place[slot].verdict == HF_OK) {
		check_row(w->k, HF_ROW_PASSED, "fallback", "", "slot %c with %s runs, verifies and is not touched: the device falls back to it; slot %c is "
			  "written", 'A' + (int)slot, version_of(&w->place[slot], version), 'A' + (int)target);
		use_firmware(w, slot);
	} else {
		check_row(w->k, HF_ROW_FAILED, "fallback", "take the device into recovery (holdfast recovery), and burn it there",
			  "what runs in slot %c does not verify any more (%s): the device could not fall back to it", 'A' + (int)slot,
			  hf_err_text(w->place[slot].verdict));
	}
}

static void from_recovery_row(struct way *w)
{
	unsigned target = hf_burn_target(w->k->status), other = !target;
	bool confirmed = w->k->status->state.slot[other].state == HF_SLOT_CONFIRMED;
	char version[HF_VERSION_TEXT_BYTES];

	if (confirmed && w->known[other] && w->place[other].verdict == HF_OK) {
		check_row(w->k, HF_ROW_PASSED, "fallback", "", "slot %c holds %s, which verifies and is not touched: the device falls back to it; slot %c is "
			  "written", 'A' + (int)other, version_of(&w->place[other], version), 'A' + (int)target);
		use_firmware(w, other);
		return;
	}
	check_row(w->k, HF_ROW_WARNING, "fallback", "", "the device falls back to recovery, which runs: slot %c %s%s", 'A' + (int)other,
		  !confirmed ? "holds no confirmed firmware" : w->known[other] ? "does not verify, " : "holds firmware that it does not judge",
		  confirmed && w->known[other] ? hf_err_text(w->place[other].verdict) : "");
	use_firmware(w, HF_PLACE_RECOVERY);
}

static enum hf_err ask_places(struct way *w)
{
	enum hf_err err = HF_OK;

	for (unsigned place = 0; place < HF_PLACES && !err; place++)
		err = ask_place(w, place);
	return err;
}

/* Older devices tell the digest of what runs with their images only. */
static enum hf_err ask_images(struct way *w)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;
	enum hf_err err;

	if (w->firmware_known || w->k->status->running >= HF_SLOTS)
		return HF_OK;
	err = hf_smp_get_images(w->k->c, w->k->patience_ms, &images, &answer);
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	for (unsigned i = 0; !err && !answer.refusal && i < images.count; i++) {
		if (images.image[i].active && images.image[i].hash_len == sizeof(w->firmware)) {
			memcpy(w->firmware, images.image[i].hash, sizeof(w->firmware));
			w->firmware_known = true;
		}
	}
	return HF_OK;
}

/* ---- what the tool has ---- */

/* Is it sound, and would the device take it, asked in its recovery? */
static enum hf_err judge(struct way *w, struct hf_bytes file, struct hf_diag *why)
{
	struct hf_burn_options burn = w->k->burn;
	struct hf_smp_status status = *w->k->status;
	struct hf_package package;
	enum hf_err err;

	burn.package = file;
	status.running = HF_SLOTS;
	err = hf_burn_check_package(&burn, &package, why);
	return err ? err : hf_burn_check_device(&burn, &package, &status, why);
}

static void take_file(struct way *w, const char *path, struct hf_bytes file)
{
	struct hf_package package;
	struct hf_diag why;
	bool recovery, same;

	if (hf_package_read(file, &package, NULL) != HF_OK)
		return;
	recovery = hf_package_fact(&package).component == HF_COMPONENT_RECOVERY;
	same = recovery ? w->known[HF_PLACE_RECOVERY] && memcmp(package.id, w->place[HF_PLACE_RECOVERY].hash, sizeof(package.id)) == 0
			: w->firmware_known && memcmp(package.id, w->firmware, sizeof(package.id)) == 0;
	if (recovery ? w->recovery_same : !same || w->firmware_file[0])
		return;
	if (judge(w, file, &why) != HF_OK) {
		hf_diag_set(recovery ? &w->recovery_why : &w->firmware_why, "%s: %s", path, why.text);
		return;
	}
	w->recovery_same |= recovery && same;
	snprintf(recovery ? w->recovery_file : w->firmware_file, sizeof(w->firmware_file), "%s", path);
}

static void try_file(struct way *w, const char *path)
{
	struct hf_buffer file;
	struct hf_diag diag;

	if (w->files++ >= FILES_MAX || hf_file_read(path, HF_PACKAGE_FILE_MAX, &file, &diag) != HF_OK)
		return;
	take_file(w, path, hf_buffer_bytes(&file));
	hf_buffer_free(&file);
}

static int is_package_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".suit") == 0;
}

static void try_directory(struct way *w, const char *path)
{
	char file[HF_CHECK_PATH_BYTES];
	struct dirent **entries;
	int n = scandir(path, &entries, is_package_name, alphasort);

	for (int i = 0; i < n; i++) {
		if (snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) < (int)sizeof(file))
			try_file(w, file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void try_path(struct way *w, const char *path)
{
	struct stat info;

	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		try_directory(w, path);
	else
		try_file(w, path);
}

static void search(struct way *w)
{
	const struct hf_check_options *o = w->k->o;

	if (o->package.len && w->k->package_known)
		take_file(w, o->package_file ? o->package_file : "the package itself", o->package);
	for (unsigned i = 0; i < o->way_backs; i++)
		try_path(w, o->way_back[i]);
	if (o->way_backs == 0 && o->package_file) {
		char *copy = strdup(o->package_file);

		if (copy)
			try_directory(w, dirname(copy));
		free(copy);
	}
}

/* "none of recovery", or why the one that there is cannot be used; behind what is missing besides. */
static void add_missing(char *missing, size_t room, const char *of, const struct hf_diag *why)
{
	size_t len = strlen(missing);

	snprintf(missing + len, room - len, "%s%s%.200s", len ? "; " : "", why->text[0] ? "unfit: " : "none of ",
		 why->text[0] ? why->text : of);
}

static bool other_recovery(const struct way *w)
{
	return w->recovery_file[0] && w->known[HF_PLACE_RECOVERY] && w->place[HF_PLACE_RECOVERY].verdict == HF_OK && !w->recovery_same;
}

static void packages_row(struct way *w)
{
	bool want_recovery = !w->absent[HF_PLACE_RECOVERY];
	bool want_firmware = w->k->status->running < HF_SLOTS || w->firmware_known;
	char missing[HF_ROW_TEXT_BYTES - 64] = "", of[64] = "the firmware that runs";
	const char *firmware = w->firmware_file, *recovery = w->recovery_file;
	bool dead = w->k->o->rescue || (w->k->o->recovering && w->k->r->fallback == HF_PLACE_RECOVERY);

	search(w);
	if (w->firmware_known)
		snprintf(of, sizeof(of), "the device's firmware (digest %02x%02x%02x%02x...)", w->firmware[0], w->firmware[1],
			 w->firmware[2], w->firmware[3]);
	if (want_firmware && !firmware[0])
		add_missing(missing, sizeof(missing), of, &w->firmware_why);
	if (want_recovery && !recovery[0])
		add_missing(missing, sizeof(missing), "recovery", &w->recovery_why);
	if (missing[0])
		check_row(w->k, dead ? HF_ROW_WARNING : HF_ROW_FAILED, "way-back packages",
			  "give them with --way-back FILE, or a directory of *.suit files", "of %u files looked at: %s", w->files, missing);
	else if (!want_recovery && !want_firmware)
		check_row(w->k, HF_ROW_NOTE, "way-back packages", "", "nothing runs and nothing recovers here: there is nothing to go back to");
	else
		check_row(w->k, HF_ROW_PASSED, "way-back packages", "", "%.180s%s%.180s%s", firmware, firmware[0] && recovery[0] ? ", " : "",
			  recovery, other_recovery(w) ? " (another recovery than the device's)" : "");
}

enum hf_err check_way_back(struct check *k)
{
	struct way w = {.k = k};
	enum hf_err err = ask_places(&w);

	if (err)
		return err;
	recovery_row(&w);
	if (k->status->running < HF_SLOTS)
		running_row(&w, k->status->running);
	else
		from_recovery_row(&w);
	err = ask_images(&w);
	if (!err)
		packages_row(&w);
	return err;
}

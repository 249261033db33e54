/* SPDX-License-Identifier: MIT
 *
 * core decides, this file explains. Each question is put to core's own function, and only its refusal is turned into
 * a sentence here. What is not known of the device (its id, its version) must not refuse anything, so such conditions
 * are met with a witness: an id or a version that the package itself allows.
 */
#include "package_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flash_image.h"
#include "host_crypto.h"
#include "policy.h"
#include "uuid.h"

static const char *const place_name[HF_PLACES] = {"slot A", "slot B", "the recovery partition"};

struct check {
	const struct hf_package *package;
	const struct hf_package_device *device;
	struct hf_package_needs needs;
	struct hf_suit_device suit;
	struct hf_params fetched; /* as the last fetch of the run before found them */
	bool fetches;
	unsigned unchecked;
	struct hf_diag *diag;
};

/* ---- sentences ---- */

static void describe_class(const struct hf_package *package, const struct hf_package_needs *needs, char *text,
			   size_t room)
{
	char vendor[HF_UUID_TEXT_BYTES] = "unknown", class_id[HF_UUID_TEXT_BYTES] = "unknown";
	struct hf_package_text names;

	hf_package_text(package, &names);
	if (names.vendor.len && names.model.len) {
		snprintf(text, room, "class %.*s of %.*s", (int)names.model.len, (const char *)names.model.ptr,
			 (int)names.vendor.len, (const char *)names.vendor.ptr);
		return;
	}
	if (needs->vendor_known)
		hf_uuid_format(needs->vendor_id, vendor);
	if (needs->class_known)
		hf_uuid_format(needs->class_id, class_id);
	snprintf(text, room, "class %s of vendor %s", class_id, vendor);
}

static enum hf_err refuse_board(const struct check *c, enum hf_err err)
{
	char made_for[256];

	describe_class(c->package, &c->needs, made_for, sizeof(made_for));
	hf_diag_set(c->diag,
		    "the package is made for %s, and this board is class %s of %s; use a package for this board",
		    made_for, c->device->board->class_name, c->device->board->vendor_domain);
	return err;
}

static enum hf_err refuse_device(const struct check *c, enum hf_err err)
{
	char wanted[HF_UUID_TEXT_BYTES], mine[HF_UUID_TEXT_BYTES];

	if (!c->device->id) { /* the first that is named was supposed, and did not do */
		hf_diag_set(c->diag, "the package demands a device id that it does not name, or several at once, which no device "
				     "has; pack it anew");
		return err;
	}
	hf_uuid_format(c->needs.device[0], wanted);
	hf_uuid_format(c->device->id, mine);
	if (c->needs.devices > 1)
		hf_diag_set(c->diag, "the package is for %u named devices (%s, ...), and this one is %s",
			    c->needs.devices, wanted, mine);
	else
		hf_diag_set(c->diag, "the package is for the device %s alone, and this one is %s", wanted, mine);
	return err;
}

static void describe_conditions(const struct hf_version_conditions *from, char *text, size_t room)
{
	char version[HF_VERSION_TEXT_BYTES];
	size_t len = 0;

	text[0] = 0;
	for (unsigned i = 0; i < from->count && len < room; i++)
		len += (size_t)snprintf(
			text + len, room - len, "%s%s%s", i ? ", " : "", hf_version_op_text(from->at[i].op),
			hf_version_format(from->at[i].version.part, from->at[i].version.parts, version));
}

static enum hf_err refuse_version(const struct check *c, enum hf_err err)
{
	char from[256], mine[HF_VERSION_TEXT_BYTES];

	describe_conditions(&c->needs.from, from, sizeof(from));
	if (c->device->version.parts)
		hf_diag_set(c->diag,
			    "the package upgrades from versions %s only, and this device runs %s; choose a package "
			    "that upgrades from it",
			    from, hf_version_format(c->device->version.part, c->device->version.parts, mine));
	else
		hf_diag_set(c->diag, "the package upgrades from versions %s only, which no version is", from);
	return err;
}

static enum hf_err refuse_run(const struct check *c, enum hf_err err)
{
	switch (err) {
	case HF_ERR_VENDOR:
	case HF_ERR_CLASS:
		return refuse_board(c, err);
	case HF_ERR_DEVICE:
		return refuse_device(c, err);
	case HF_ERR_VERSION:
		return refuse_version(c, err);
	default:
		hf_diag_set(c->diag, "the package cannot be installed in %s: %s", place_name[c->suit.slot],
			    hf_err_text(err));
		return err;
	}
}

/* ---- trust ---- */

static enum hf_err check_signature(const struct check *c)
{
	uint8_t id[HF_SHA256_BYTES];
	enum hf_err err = hf_envelope_authenticate(&c->package->envelope, c->device->keyset, HF_ROLE_RELEASE,
						   &hf_host_crypto, id);

	if (err == HF_ERR_SIGNATURE || err == HF_ERR_KEY)
		hf_diag_set(c->diag,
			    "the package is not signed by a release key of this keyset (number %u); sign it with the "
			    "right key, or give the device's keyset",
			    c->device->keyset->number);
	else if (err)
		hf_diag_set(c->diag, "the package cannot be authenticated: %s", hf_err_text(err));
	return err;
}

/* ---- conditions ---- */

static enum hf_err note_fetch(void *ctx, const struct hf_params *params)
{
	struct check *c = ctx;

	c->fetched = *params;
	c->fetches = true;
	return HF_OK;
}

static enum hf_err run(struct check *c, struct hf_bytes sequence, struct hf_params *params)
{
	const struct hf_suit_ops ops = {.ctx = c, .fetch = note_fetch};

	c->fetches = false;
	return hf_suit_run(&c->package->manifest, sequence, &c->suit, &ops, params);
}

static void set_version(struct hf_suit_device *suit, const struct hf_version *version)
{
	suit->versions = version->parts;
	memcpy(suit->version, version->part, sizeof(suit->version));
}

static struct hf_bytes install_of(const struct hf_package *package)
{
	return package->manifest.install.len ? package->manifest.install : package->manifest.validate;
}

/* Tries the bounds of the package's own conditions, and their neighbours. */
static enum hf_err run_with_any_version(struct check *c, struct hf_params *params)
{
	enum hf_err err = HF_ERR_VERSION;

	for (unsigned i = 0; i < c->needs.from.count && err == HF_ERR_VERSION; i++) {
		struct hf_version bound = c->needs.from.at[i].version;
		int32_t *last = &bound.part[HF_VERSION_PARTS - 1];

		bound.parts = HF_VERSION_PARTS;
		for (int step = 0; step < 3 && err == HF_ERR_VERSION; step++) {
			int64_t part = c->needs.from.at[i].version.part[HF_VERSION_PARTS - 1] + (int64_t)(step == 1) - (step == 2);

			if (part < INT32_MIN || part > INT32_MAX)
				continue;
			*last = (int32_t)part;
			set_version(&c->suit, &bound);
			err = run(c, install_of(c->package), params);
		}
	}
	return err;
}

static void set_up_device(struct check *c)
{
	const struct hf_package_device *d = c->device;

	c->suit = (struct hf_suit_device){.vendor_id = d->board->layout.vendor_id,
					  .class_id = d->board->layout.class_id};
	c->suit.device_id = d->id;
	if (!d->id && c->needs.devices) {
		c->suit.device_id = c->needs.device[0];
		c->unchecked |= HF_UNCHECKED_DEVICE;
	}
	set_version(&c->suit, &d->version);
}

enum hf_err hf_package_params(const struct hf_package *package, unsigned slot, struct hf_params *params)
{
	struct check c = {.package = package};
	enum hf_err err;

	hf_package_needs(package, &c.needs);
	c.suit = (struct hf_suit_device){.vendor_id = c.needs.vendor_id,
					 .class_id = c.needs.class_id,
					 .device_id = c.needs.device[0],
					 .slot = slot};
	err = run(&c, install_of(package), params);
	return err == HF_ERR_VERSION ? run_with_any_version(&c, params) : err;
}

static enum hf_err run_install(struct check *c, struct hf_params *params)
{
	enum hf_err err = run(c, install_of(c->package), params);

	if (err == HF_ERR_VERSION && !c->device->version.parts) {
		err = run_with_any_version(c, params);
		if (!err)
			c->unchecked |= HF_UNCHECKED_VERSION;
	}
	if (err)
		return refuse_run(c, err);
	if (!c->fetches) {
		hf_diag_set(c->diag, "the package's install sequence fetches nothing for %s; pack it anew", place_name[c->suit.slot]);
		return HF_ERR_UNSUPPORTED;
	}
	*params = c->fetched; /* a device takes them there */
	return HF_OK;
}

/* ---- payload ---- */

static enum hf_err check_segments(const struct hf_package_payload *payload, struct hf_bytes segments,
				  struct hf_diag *diag)
{
	struct hf_bytes content = payload->bytes;
	size_t count = (content.len + HF_SEGMENT_BYTES - 1) / HF_SEGMENT_BYTES;
	uint8_t digest[HF_SHA256_BYTES];

	if (segments.len != count * HF_SHA256_BYTES) {
		hf_diag_set(diag, "the package has digests for %zu segments, and its payload has %zu",
			    segments.len / HF_SHA256_BYTES, count);
		return HF_ERR_RANGE;
	}
	for (size_t i = 0; i < count; i++) {
		size_t at = i * HF_SEGMENT_BYTES;
		size_t len = content.len - at < HF_SEGMENT_BYTES ? content.len - at : HF_SEGMENT_BYTES;

		hf_sha256_of((struct hf_bytes){content.ptr + at, len}, digest);
		if (memcmp(digest, segments.ptr + i * HF_SHA256_BYTES, sizeof(digest)) == 0)
			continue;
		hf_diag_set(
			diag,
			"the package is damaged between the bytes %zu and %zu of its file: segment %zu of %zu is not "
			"what was signed; fetch the package again",
			payload->offset + at, payload->offset + at + len - 1, i + 1, count);
		return HF_ERR_DIGEST;
	}
	return HF_OK;
}

enum hf_err hf_package_check_payload(const struct hf_package_payload *payload, const struct hf_params *params,
				     struct hf_diag *diag)
{
	uint8_t digest[HF_SHA256_BYTES];
	enum hf_err err;

	if (payload->bytes.len != params->size) {
		hf_diag_set(diag, "the payload has %zu bytes, and %u are signed for", payload->bytes.len,
			    params->size);
		return HF_ERR_DIGEST;
	}
	err = check_segments(payload, params->segments, diag);
	if (err)
		return err;
	hf_sha256_of(payload->bytes, digest);
	if (params->digest.len == sizeof(digest) && memcmp(digest, params->digest.ptr, sizeof(digest)) == 0)
		return HF_OK;
	hf_diag_set(diag, "the digest of the whole payload is not the signed one, though its segments' are");
	return HF_ERR_DIGEST;
}

static enum hf_err find_payload(const struct check *c, const struct hf_params *params, struct hf_package_target *t)
{
	t->payload = hf_package_find(c->package, params->uri);
	if (t->payload)
		return hf_package_check_payload(t->payload, params, c->diag);
	hf_diag_set(c->diag, "the package does not carry the payload \"%.*s\" that %s needs",
		    (int)params->uri.len, (const char *)params->uri.ptr, place_name[c->suit.slot]);
	return HF_ERR_UNSUPPORTED;
}

static enum hf_err refuse_place(const struct check *c, enum hf_err err, const struct hf_params *params)
{
	uint32_t size = hf_layout_place(&c->device->board->layout, c->suit.slot)->size;

	if (err == HF_ERR_TOO_LARGE) {
		hf_diag_set(c->diag, "the firmware needs %u KiB, and %s of this board has %u KiB: it has to be smaller, or is for another board",
			    (params->image_offset + params->size - params->table_bytes + 1023) / 1024,
			    place_name[c->suit.slot], size / 1024);
		return HF_ERR_SLOT;
	}
	hf_diag_set(c->diag, "the package says nothing sensible about the image's place in %s: %s",
		    place_name[c->suit.slot], hf_err_text(err));
	return err;
}

/* What the installer places, and boot after it: both sequences have to say the same. */
static enum hf_err check_place(struct check *c, const struct hf_params *install, struct hf_package_target *t)
{
	const struct hf_span span = *hf_layout_place(&c->device->board->layout, c->suit.slot);
	struct hf_params validate;
	struct hf_image image;
	enum hf_err err = hf_image_from_params(&c->package->manifest, install, span, &t->image);

	if (err)
		return refuse_place(c, err, install);
	memcpy(t->image.id, c->package->id, sizeof(t->image.id));
	err = run(c, c->package->manifest.validate, &validate);
	if (err)
		return refuse_run(c, err);
	err = hf_image_from_params(&c->package->manifest, &validate, span, &image);
	if (err)
		return refuse_place(c, err, &validate);
	if (image.image_addr == t->image.image_addr && image.table_bytes == t->image.table_bytes)
		return HF_OK;
	hf_diag_set(c->diag, "the package's install and validate sequences place the image differently");
	return HF_ERR_RANGE;
}

/* ---- the rehearsal: install into memory, verify as boot does ---- */

static enum hf_err rehearse(const struct check *c, struct hf_flash_image *flash, const struct hf_package_target *t)
{
	const struct hf_slot_env env = {&flash->flash, flash->layout, &hf_host_crypto, c->device->keyset,
					c->suit.device_id};
	struct hf_slot_work work;
	struct hf_image image;
	enum hf_err err = hf_flash_image_install(flash, c->suit.slot, c->package, &t->image, t->payload->bytes);

	if (err) {
		hf_diag_set(c->diag, "the image cannot be relocated to %s: its table is wrong: %s",
			    place_name[c->suit.slot], hf_err_text(err));
		return err;
	}
	err = hf_slot_verify(&env, c->suit.slot, &work, &image);
	if (err == HF_ERR_RANGE)
		hf_diag_set(
			c->diag,
			"boot would not start this image from %s: its stack pointer is not in the board's RAM, "
			"or its reset vector is not in the image",
			place_name[c->suit.slot]);
	else if (err)
		hf_diag_set(c->diag, "boot would not start this image from %s: %s", place_name[c->suit.slot],
			    hf_err_text(err));
	return err;
}

static enum hf_err check_in_place(struct check *c, unsigned place, struct hf_flash_image *flash,
			      struct hf_package_target *t)
{
	struct hf_params params;
	enum hf_err err;

	c->suit.slot = place;
	err = run_install(c, &params);
	if (!err)
		err = check_place(c, &params, t);
	if (!err)
		err = find_payload(c, &params, t);
	return err ? err : rehearse(c, flash, t);
}

/* ---- policy ---- */

#define RELEASE_TEXT 48

/* As the version that it is made of, unless it was given as a number of its own. */
static void release_text(uint64_t sequence, char text[RELEASE_TEXT])
{
	uint32_t release = hf_sequence_release(sequence);

	if (release >> 16)
		snprintf(text, RELEASE_TEXT, "%u.%u.%u", release >> 24, release >> 16 & 255, release & 65535);
	else
		snprintf(text, RELEASE_TEXT, "%u", release);
}

static enum hf_err check_sequence(struct check *c)
{
	const struct hf_package_device *d = c->device;
	uint64_t offered = c->package->manifest.sequence;
	char theirs[RELEASE_TEXT], mine[RELEASE_TEXT];
	struct hf_slot_fact image = hf_package_fact(c->package);
	struct hf_state state;
	enum hf_err err;

	if (!d->sequence_known) {
		c->unchecked |= HF_UNCHECKED_SEQUENCE;
		return HF_OK;
	}
	hf_state_init(&state);
	state.slot[0].state = HF_SLOT_CONFIRMED;
	state.slot[0].sequence = d->sequence;
	memcpy(state.slot[0].id, d->firmware_id ? d->firmware_id : c->package->id, sizeof(state.slot[0].id));
	state.newest = d->sequence;
	state.current = 0;
	err = hf_policy_install(&state, 1, 0, &image, NULL, false);
	switch (err) {
	case HF_OK:
		break;
	case HF_ERR_SECURITY_VERSION:
		hf_diag_set(c->diag,
			    "the package has security version %u, and the device's confirmed firmware has %u, below "
			    "which nothing is installed",
			    hf_sequence_security(offered), hf_sequence_security(d->sequence));
		break;
	case HF_ERR_RELEASE:
		release_text(offered, theirs);
		release_text(d->sequence, mine);
		hf_diag_set(c->diag, "the package is release %s, older than the device's confirmed release %s; "
				       "choose a newer one",
			    theirs, mine);
		break;
	default:
		hf_diag_set(c->diag, "the device's policy refuses the package: %s", hf_err_text(err));
	}
	return err;
}

enum hf_err hf_package_verify(const struct hf_package *package, const struct hf_package_device *device,
			      struct hf_package_target target[HF_PLACES], unsigned *unchecked, struct hf_diag *diag)
{
	struct check c = {.package = package, .device = device, .diag = diag};
	unsigned places = hf_package_fact(package).component == HF_COMPONENT_RECOVERY ? HF_PLACES : HF_SLOTS;
	struct hf_flash_image flash;
	enum hf_err err;

	memset(target, 0, HF_PLACES * sizeof(target[0]));
	hf_package_needs(package, &c.needs);
	set_up_device(&c);
	err = check_signature(&c);
	if (!err)
		err = hf_flash_image_open(&flash, &device->board->layout, diag);
	if (err)
		return err;
	for (unsigned place = 0; place < places && !err; place++)
		err = check_in_place(&c, place, &flash, &target[place]);
	if (!err)
		err = check_sequence(&c);
	hf_flash_image_close(&flash);
	*unchecked = c.unchecked;
	return err;
}

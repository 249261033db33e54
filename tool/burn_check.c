/* SPDX-License-Identifier: MIT
 *
 * The questions are core's own functions, which the device will call with the same arguments; only the sentences are made
 * here. What is not known (no keyset, no board file) is left to the device, which is asked nothing less.
 */
#include "burn.h"

#include <stdio.h>
#include <string.h>

#include "host_crypto.h"
#include "package_verify.h"
#include "policy.h"
#include "uuid.h"
#include "version.h"

static enum hf_err check_payloads(const struct hf_package *package, struct hf_diag *diag)
{
	for (unsigned slot = 0; slot < HF_SLOTS; slot++) {
		const struct hf_package_payload *payload;
		struct hf_params params;
		enum hf_err err = hf_package_params(package, slot, &params);

		if (err) {
			hf_diag_set(diag, "the package cannot be installed in slot %c: %s", 'A' + (int)slot,
				    hf_err_text(err));
			return err;
		}
		payload = hf_package_find(package, params.uri);
		if (!payload) {
			hf_diag_set(diag, "the package does not carry the image for slot %c", 'A' + (int)slot);
			return HF_ERR_UNSUPPORTED;
		}
		err = hf_package_check_payload(payload, &params, diag);
		if (err)
			return err;
	}
	return HF_OK;
}

static enum hf_err check_signature(const struct hf_package *package, const struct hf_keyset *keyset,
				   struct hf_diag *diag)
{
	uint8_t id[HF_SHA256_BYTES];
	enum hf_err err = hf_envelope_authenticate(&package->envelope, keyset, HF_ROLE_RELEASE, &hf_host_crypto, id);

	if (err)
		hf_diag_set(diag, "the package is not signed as keyset %u demands: %s; take it from those who sign for this device", keyset->number,
			    hf_err_text(err));
	return err;
}

enum hf_err hf_burn_check_package(const struct hf_burn_options *o, struct hf_package *package, struct hf_diag *diag)
{
	enum hf_err err = hf_package_read(o->package, package, diag);

	if (!err)
		err = check_payloads(package, diag);
	if (!err && o->keyset)
		err = check_signature(package, o->keyset, diag);
	return err;
}

unsigned hf_burn_target(const struct hf_smp_status *status)
{
	return hf_policy_target(&status->state, status->running);
}

static enum hf_err refuse_class(const struct hf_package *package, const struct hf_smp_status *status, enum hf_err err,
				struct hf_diag *diag)
{
	struct hf_package_text text;

	hf_package_text(package, &text);
	hf_diag_set(diag, "the package is for %.*s, and this device is a %s: use a package for it",
		    text.model.len ? (int)text.model.len : 20, text.model.len ? (const char *)text.model.ptr : "another hardware class",
		    status->board);
	return err;
}

static enum hf_err refuse_version(const struct hf_package *package, const struct hf_smp_status *status,
				  enum hf_err err, struct hf_diag *diag)
{
	char mine[HF_VERSION_TEXT_BYTES], from[HF_VERSION_TEXT_BYTES], list[160] = "";
	struct hf_package_needs needs;
	size_t len = 0;

	hf_package_needs(package, &needs);
	for (unsigned i = 0; i < needs.from.count && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s%s", i ? ", " : "",
					hf_version_op_text(needs.from.at[i].op),
					hf_version_format(needs.from.at[i].version.part,
							  needs.from.at[i].version.parts, from));
	hf_version_format(status->version, status->versions, mine);
	hf_diag_set(diag, "the package upgrades from versions %s only, and this device runs %s: install a version between "
			  "first", list, status->versions ? mine : "an unknown version");
	return err;
}

static enum hf_err refuse_device(const struct hf_smp_status *status, enum hf_err err, struct hf_diag *diag)
{
	char mine[HF_UUID_TEXT_BYTES];

	hf_uuid_format(status->device_id, mine);
	hf_diag_set(diag, "the package is for other individual devices, and this one is %s: use a package for it", mine);
	return err;
}

/* The conditions of the manifest. */
static enum hf_err check_conditions(const struct hf_package *package, const struct hf_smp_status *status,
				    struct hf_diag *diag)
{
	static const struct hf_suit_ops nothing = {NULL, NULL, NULL, NULL};
	struct hf_suit_device device = {
		.vendor_id = status->vendor_id,
		.class_id = status->class_id,
		.device_id = status->device_id,
		.slot = hf_burn_target(status),
		.versions = status->versions,
	};
	struct hf_params params;
	enum hf_err err;

	memcpy(device.version, status->version, sizeof(device.version));
	err = hf_suit_run(&package->manifest, package->manifest.install, &device, &nothing, &params);
	switch (err) {
	case HF_OK:
		return HF_OK;
	case HF_ERR_VENDOR:
	case HF_ERR_CLASS:
		return refuse_class(package, status, err, diag);
	case HF_ERR_DEVICE:
		return refuse_device(status, err, diag);
	case HF_ERR_VERSION:
		return refuse_version(package, status, err, diag);
	default:
		hf_diag_set(diag, "the package cannot be installed in slot %c: %s", 'A' + (int)device.slot,
			    hf_err_text(err));
		return err;
	}
}

static void release_text(uint64_t sequence, char text[32])
{
	uint32_t release = hf_sequence_release(sequence);

	snprintf(text, 32, "%u.%u.%u", release >> 24, release >> 16 & 255, release & 65535);
}

static enum hf_err check_policy(const struct hf_burn_options *o, const struct hf_package *package,
				const struct hf_smp_status *status, struct hf_diag *diag)
{
	const struct hf_state *state = &status->state;
	uint64_t offered = package->manifest.sequence;
	struct hf_slot_fact image = hf_package_fact(package);
	uint32_t newest = hf_sequence_security(state->newest);
	char theirs[32], mine[32];
	enum hf_err err = hf_policy_install(state, hf_burn_target(status), status->running, &image, NULL, o->any_release);

	switch (err) {
	case HF_OK:
		break;
	case HF_ERR_SECURITY_VERSION:
		hf_diag_set(diag, "the package has security version %u, and this device takes %u or higher: use a newer package",
			    hf_sequence_security(offered), newest > state->floor ? newest : state->floor);
		break;
	case HF_ERR_RELEASE:
		release_text(offered, theirs);
		release_text(state->slot[state->current].sequence, mine);
		hf_diag_set(diag, "the package is release %s, older than the confirmed release %s: choose a newer one, or add --allow-older and a site key", theirs, mine);
		break;
	case HF_ERR_SAME_SEQUENCE:
		hf_diag_set(diag, "the device has other firmware with the package's sequence number: give the new one a "
				  "version of its own");
		break;
	case HF_ERR_TRIAL:
		hf_diag_set(diag, "the device runs firmware that is not confirmed yet: wait until it is, or let it fall back");
		break;
	default:
		hf_diag_set(diag, "the device's policy refuses the package: %s", hf_err_text(err));
	}
	return err;
}

/* With board file and keyset all is known, and the installation is rehearsed in memory. */
static enum hf_err rehearse(const struct hf_burn_options *o, const struct hf_package *package,
			    const struct hf_smp_status *status, struct hf_diag *diag)
{
	struct hf_package_device device = {
		.board = o->board,
		.keyset = o->keyset,
		.id = status->device_id,
		.version.parts = status->versions,
	};
	struct hf_package_target target[HF_PLACES];
	unsigned unchecked;

	if (memcmp(o->board->layout.class_id, status->class_id, sizeof(status->class_id)) != 0 ||
	    memcmp(o->board->layout.vendor_id, status->vendor_id, sizeof(status->vendor_id)) != 0) {
		hf_diag_set(diag, "the board file is for %s, and this device is a %s: give its board file, or check the port",
			    o->board->class_name, status->board);
		return HF_ERR_CLASS;
	}
	memcpy(device.version.part, status->version, sizeof(device.version.part));
	return o->keyset ? hf_package_verify(package, &device, target, &unchecked, diag) : HF_OK;
}

enum hf_err hf_burn_check_device(const struct hf_burn_options *o, const struct hf_package *package,
				 const struct hf_smp_status *status, struct hf_diag *diag)
{
	enum hf_err err = check_conditions(package, status, diag);

	if (!err && o->board)
		err = rehearse(o, package, status, diag);
	return err ? err : check_policy(o, package, status, diag);
}

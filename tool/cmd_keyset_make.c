/* SPDX-License-Identifier: MIT
 *
 * `holdfast keyset make`. What is refused here would be found out by a fleet: a keyset that no package can satisfy, that
 * nobody can ever replace, or under which recovery would not start any more.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "host_crypto.h"
#include "keys.h"
#include "load.h"
#include "slot.h"

struct make {
	/* As given. */
	const char *from_file, *out, *recovery_file;
	struct hf_args_list add[HF_ROLE_SITE + 1], remove, demand, grandfather;
	uint32_t number, threshold;
	bool number_given, threshold_given, without_recovery, json;
	struct hf_keys keys;

	/* As made of it. */
	struct hf_buffer from_bytes;
	struct hf_keyset from, keyset;
	struct hf_public_key public_key[HF_KEYSET_MAX_KEYS];
	uint8_t digest[HF_KEYSET_MAX_DIGESTS][HF_SHA256_BYTES];
	uint8_t bytes[HF_KEYSET_BYTES_MAX];
	size_t len;
	struct hf_diag diag;
};

/* ---- keys ---- */

static bool is_named(const struct hf_key *key, const char *name)
{
	char id[HF_KEY_ID_TEXT];
	struct hf_public_key file;
	struct hf_diag ignored;

	if (strcmp(hf_key_id(key->public_key, id), name) == 0)
		return true;
	return hf_key_read_any_public(name, &file, &ignored) == HF_OK && file.alg == key->alg &&
	       file.len == key->public_key.len && memcmp(file.bytes, key->public_key.ptr, file.len) == 0;
}

static enum hf_err take_over(struct make *m)
{
	bool found[HF_ARGS_LIST] = {false};

	for (unsigned i = 0; m->from_file && i < m->from.keys; i++) {
		bool removed = false;

		for (unsigned k = 0; k < m->remove.count; k++)
			if (is_named(&m->from.key[i], m->remove.item[k]))
				removed = found[k] = true;
		if (!removed)
			m->keyset.key[m->keyset.keys++] = m->from.key[i];
	}
	for (unsigned k = 0; k < m->remove.count; k++) {
		if (found[k])
			continue;
		hf_diag_set(&m->diag, "--remove %s: the predecessor has no such key; `holdfast keyset show` lists their ids",
			    m->remove.item[k]);
		return HF_ERR_RANGE;
	}
	return HF_OK;
}

static enum hf_err add_key(struct make *m, int role, const char *name)
{
	struct hf_public_key *file = &m->public_key[m->keyset.keys];
	struct hf_key *key = &m->keyset.key[m->keyset.keys];
	enum hf_err err;

	if (m->keyset.keys == HF_KEYSET_MAX_KEYS) {
		hf_diag_set(&m->diag, "a keyset has %d keys at most", HF_KEYSET_MAX_KEYS);
		return HF_ERR_RANGE;
	}
	err = hf_keys_public(&m->keys, name, file, &m->diag);
	if (err)
		return err;
	if (file->role != HF_ROLE_UNKNOWN && file->role != role) {
		hf_diag_set(&m->diag, "%s: this key was made as a %s key, and is given as a %s key", name,
			    hf_role_name((unsigned)file->role), hf_role_name((unsigned)role));
		return HF_ERR_KEY;
	}
	*key = (struct hf_key){(uint8_t)role, file->alg, hf_public_key_bytes(file)};
	if (hf_keyset_names(&m->keyset, key)) {
		hf_diag_set(&m->diag, "%s: the keyset has this key already", name);
		return HF_ERR_KEY;
	}
	m->keyset.keys++;
	return HF_OK;
}

/* ---- the rest ---- */

static enum hf_err set_demands(struct make *m)
{
	struct hf_keyset *k = &m->keyset;

	if (!m->demand.count && m->from_file) {
		k->algs = m->from.algs;
		memcpy(k->alg, m->from.alg, sizeof(k->alg));
		return HF_OK;
	}
	for (unsigned i = 0; i < m->demand.count; i++) {
		int alg = hf_alg_parse(m->demand.item[i]);

		if (!alg || k->algs == HF_KEYSET_MAX_ALGS || (k->algs && k->alg[0] == alg)) {
			hf_diag_set(&m->diag, "--demand wants esp256 or hss-lms, each once, not '%s'", m->demand.item[i]);
			return HF_ERR_RANGE;
		}
		k->alg[k->algs++] = (int16_t)alg;
	}
	if (!k->algs)
		k->alg[k->algs++] = HF_ALG_ESP256;
	return HF_OK;
}

static enum hf_err set_grandfathered(struct make *m)
{
	for (unsigned i = 0; i < m->grandfather.count; i++) {
		struct hf_buffer file;
		struct hf_package package;
		enum hf_err err;

		if (i == HF_KEYSET_MAX_DIGESTS) {
			hf_diag_set(&m->diag, "a keyset grandfathers %d packages at most", HF_KEYSET_MAX_DIGESTS);
			return HF_ERR_RANGE;
		}
		err = hf_load_package(m->grandfather.item[i], &file, &package, &m->diag);
		if (err)
			return err;
		memcpy(m->digest[i], package.id, HF_SHA256_BYTES);
		hf_buffer_free(&file);
		m->keyset.digest[m->keyset.digests++] = m->digest[i];
	}
	return HF_OK;
}

static enum hf_err set_number(struct make *m)
{
	uint32_t least = m->from_file ? m->from.number + 1 : 1;

	if (m->from_file && m->from.number == UINT32_MAX) {
		hf_diag_set(&m->diag, "the predecessor has the last number that there is");
		return HF_ERR_RANGE;
	}
	m->keyset.number = m->number_given ? m->number : least;
	if (m->keyset.number >= least)
		return HF_OK;
	hf_diag_set(&m->diag, "--number %u: a successor of keyset %u needs a higher one", m->number, m->from.number);
	return HF_ERR_RANGE;
}

/* ---- what is refused ---- */

static unsigned count_keys(const struct hf_keyset *keyset, enum hf_role role, int alg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < keyset->keys; i++)
		n += keyset->key[i].role == role && (!alg || keyset->key[i].alg == alg);
	return n;
}

static enum hf_err check_sense(struct make *m)
{
	const struct hf_keyset *k = &m->keyset;
	unsigned roots = count_keys(k, HF_ROLE_ROOT, 0);
	bool classic = false;

	for (unsigned i = 0; i < k->algs; i++) {
		classic = classic || k->alg[i] == HF_ALG_ESP256;
		if (count_keys(k, HF_ROLE_RELEASE, k->alg[i]))
			continue;
		hf_diag_set(&m->diag, "the keyset demands %s of every package and has no such release key: no package could "
				      "satisfy it; add one with --release", hf_alg_name(k->alg[i]));
		return HF_ERR_KEY;
	}
	if (!classic) {
		hf_diag_set(&m->diag, "HSS-LMS stands beside ESP256, not in its place: give --demand esp256 as well");
		return HF_ERR_KEY;
	}
	if (roots == 0) {
		hf_diag_set(&m->diag, "without a root key this keyset could never be replaced; add one with --root");
		return HF_ERR_KEY;
	}
	if (k->threshold >= 1 && k->threshold <= roots)
		return HF_OK;
	hf_diag_set(&m->diag, "--threshold %u: there are %u root keys", m->threshold, roots);
	return HF_ERR_KEY;
}

/* Could a package that satisfied the old keyset fail the new one? */
static bool revokes(const struct make *m)
{
	for (unsigned i = 0; i < m->from.keys; i++)
		if (m->from.key[i].role == HF_ROLE_RELEASE && !hf_keyset_names(&m->keyset, &m->from.key[i]))
			return true;
	for (unsigned i = 0; i < m->keyset.algs; i++) {
		bool before = false;

		for (unsigned k = 0; k < m->from.algs; k++)
			before = before || m->from.alg[k] == m->keyset.alg[i];
		if (!before)
			return true;
	}
	return false;
}

static bool satisfies(const struct hf_package *package, const struct hf_keyset *keyset)
{
	uint8_t id[HF_SHA256_BYTES];

	return hf_envelope_authenticate(&package->envelope, keyset, HF_ROLE_RELEASE, &hf_host_crypto, id) == HF_OK;
}

static enum hf_err check_recovery_package(struct make *m)
{
	static const struct hf_bytes recovery = {hf_component_recovery, sizeof(hf_component_recovery)};
	struct hf_package package;
	struct hf_buffer file;
	enum hf_err err = hf_load_package(m->recovery_file, &file, &package, &m->diag);

	if (err)
		return err;
	if (package.manifest.component.len != recovery.len ||
	    memcmp(package.manifest.component.ptr, recovery.ptr, recovery.len) != 0) {
		hf_diag_set(&m->diag, "%s: this package is no recovery", m->recovery_file);
		err = HF_ERR_KEY;
	} else if (!satisfies(&package, &m->keyset)) {
		hf_diag_set(&m->diag, "%s: this recovery is not signed as the new keyset demands: it would not start any more; sign it "
				      "with the keys that stay (`holdfast sign`), and burn it before the keyset", m->recovery_file);
		err = HF_ERR_KEY;
	} else if (!satisfies(&package, &m->from)) {
		hf_diag_set(&m->diag, "%s: devices that have keyset %u would not take this recovery, which they need before the new "
				      "keyset; sign it with a key of theirs, too (`holdfast sign`)", m->recovery_file, m->from.number);
		err = HF_ERR_KEY;
	}
	hf_buffer_free(&file);
	return err;
}

static enum hf_err check_revocation(struct make *m)
{
	if (!m->from_file || !revokes(m) || m->without_recovery)
		return HF_OK;
	if (m->recovery_file)
		return check_recovery_package(m);
	hf_diag_set(&m->diag, "this keyset revokes what the recovery of devices may be signed with: sign recovery anew first and give "
			      "its package with --recovery, or force it with --revoke-without-recovery");
	return HF_ERR_KEY;
}

static void warn(const struct make *m)
{
	if (m->from_file && count_keys(&m->from, HF_ROLE_ROOT, 0) == 0)
		hf_out_warning("%s has no root key: devices that have it never take a successor; this one is for the factory",
			       m->from_file);
	if (m->without_recovery && m->from_file && revokes(m))
		hf_out_warning("revoked without a recovery that is signed anew: devices whose recovery is signed with a revoked key "
			       "lose it");
	if (count_keys(&m->keyset, HF_ROLE_ROOT, 0) == m->keyset.threshold)
		hf_out_warning("all %u root keys have to sign the next keyset: if one is lost, there is never another",
			       m->keyset.threshold);
}

static enum hf_err make(struct make *m)
{
	static const int order[] = {HF_ROLE_ROOT, HF_ROLE_RELEASE, HF_ROLE_SITE};
	enum hf_err err = HF_OK;

	if (m->from_file)
		err = hf_load_keyset(m->from_file, &m->from_bytes, &m->from, &m->diag);
	if (!err)
		err = take_over(m);
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (unsigned k = 0; k < m->add[order[i]].count && !err; k++)
			err = add_key(m, order[i], m->add[order[i]].item[k]);
	if (!err)
		err = set_number(m);
	if (!err)
		err = set_demands(m);
	m->keyset.threshold = (uint8_t)(m->threshold_given ? m->threshold < UINT8_MAX ? m->threshold : UINT8_MAX
					: m->from_file     ? m->from.threshold
							   : 1);
	if (!err)
		err = set_grandfathered(m);
	if (!err)
		err = check_sense(m);
	if (!err)
		err = check_revocation(m);
	if (!err)
		err = hf_keyset_encode(&m->keyset, m->bytes, sizeof(m->bytes), &m->len);
	if (err == HF_ERR_TOO_LARGE)
		hf_diag_set(&m->diag, "the keyset would have more than %u bytes", HF_KEYSET_BYTES_MAX);
	return err ? err : hf_file_write(m->out, (struct hf_bytes){m->bytes, m->len}, 0, &m->diag);
}

static void report(const struct make *m)
{
	if (m->json) {
		hf_out_json(json_pack("{s:s, s:I, s:i, s:i, s:i}", "keyset", m->out, "number", (json_int_t)m->keyset.number, "bytes",
				      (int)m->len, "keys", (int)m->keyset.keys, "threshold", (int)m->keyset.threshold));
		return;
	}
	printf("%s: keyset %u with %u keys, %zu bytes, not signed yet\n", m->out, m->keyset.number, m->keyset.keys, m->len);
	if (m->from_file)
		printf("  devices take it once %u root keys of keyset %u and %u of its own have signed: `holdfast keyset sign`\n",
		       m->from.threshold, m->from.number, m->keyset.threshold);
	else
		printf("  the first one is burned in the factory as it is\n");
}

enum hf_exit hf_command_keyset_make(int argc, char **argv)
{
	struct make m = {0};
	const struct hf_arg options[] = {
		{"root", 0, HF_ARG_LIST, "KEY", "a root key: signs keysets (a public key's file, a private one's, a pkcs11: URI)",
		 &m.add[HF_ROLE_ROOT], NULL},
		{"release", 0, HF_ARG_LIST, "KEY", "a release key: signs firmware and recovery", &m.add[HF_ROLE_RELEASE], NULL},
		{"site", 0, HF_ARG_LIST, "KEY", "a site key: reinstalls what is released, sets the configuration",
		 &m.add[HF_ROLE_SITE], NULL},
		{"from", 0, HF_ARG_TEXT, "FILE", "its predecessor: what is not removed stays", &m.from_file, NULL},
		{"remove", 0, HF_ARG_LIST, "KEY", "revokes a key of the predecessor: its id or its public file", &m.remove, NULL},
		{"threshold", 't', HF_ARG_U32, "M", "root keys that have to sign its successor (default: as before, or 1)",
		 &m.threshold, &m.threshold_given},
		{"demand", 0, HF_ARG_LIST, "ALG",
		 "esp256, hss-lms: signatures that every package must carry (default: as before, or esp256)", &m.demand, NULL},
		{"grandfather", 0, HF_ARG_LIST, "PACKAGE", "firmware that may start as the last resort though it is revoked",
		 &m.grandfather, NULL},
		{"recovery", 0, HF_ARG_TEXT, "PACKAGE", "the recovery of devices, signed for this keyset", &m.recovery_file, NULL},
		{"revoke-without-recovery", 0, HF_ARG_FLAG, NULL, "revoke although recovery may not start any more",
		 &m.without_recovery, NULL},
		{"number", 0, HF_ARG_U32, "N", "its number (default: the predecessor's + 1, or 1)", &m.number, &m.number_given},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the keyset", &m.out, NULL},
		{"password-file", 0, HF_ARG_LIST, "FILE", "its first line is a key's password or PIN (else " HF_PASSWORD_ENV ", "
		 HF_PIN_ENV ", or asked for)", &m.keys.password_files, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &m.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "keyset make",
		.summary = "makes a keyset of public keys, or the successor of one",
		.synopsis = "--out FILE [options]",
		.example = "holdfast keyset make --root r1.pub.pem --root r2.pub.pem --root r3.pub.pem --threshold 2 \\\n"
			   "      --release release.pub.pem --out first.keyset",
		.exits = "3 a file is wrong, 4 the keyset would lock devices out",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!m.out || (m.remove.count && !m.from_file))
		return hf_args_wrong(&usage, m.out ? "--remove wants --from" : "--out is missing");
	err = make(&m);
	code = err ? hf_keys_fail(err, &m.diag) : HF_EXIT_OK;
	if (!err) {
		warn(&m);
		report(&m);
	}
	hf_buffer_free(&m.from_bytes);
	return code;
}

/* SPDX-License-Identifier: MIT
 *
 * Reading: the signature first, then the text. A job whose signature is wrong is never parsed for more than its digest.
 */
#include "job.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf.h"
#include "cose.h"
#include "cose_sign.h"
#include "host_crypto.h"
#include "keyset_file.h"
#include "out.h"

#define MARK      "# -- signed: nothing above this line may change, and nothing may follow the signature --\n"
#define SUM       "# sha256: "
#define COSE      "# cose: "
#define AAD       "holdfast job 1"
#define COSE_MAX  256
#define NAME_MORE " -_./+,:@()#="

static const char *const operations[] = {"burn", "factory", "factory+burn"};
static const char *const roles[] = {"package", "board", "keyset", "boot", "recovery", "first"};

const char *hf_job_operation_text(enum hf_job_operation operation)
{
	return operations[operation];
}

const char *hf_job_role_text(enum hf_job_role role)
{
	return roles[role];
}

static void sha256(struct hf_bytes content, uint8_t digest[32])
{
	struct hf_sha256 state;

	hf_host_crypto.sha256_start(&state);
	hf_host_crypto.sha256_update(&state, content.ptr, content.len);
	hf_host_crypto.sha256_finish(&state, digest);
}

/* ---- keys ---- */

static enum hf_err add_key(struct hf_job_keys *keys, const struct hf_public_key *key, const char *path, struct hf_diag *diag)
{
	if (key->alg != HF_ALG_ESP256)
		return HF_OK;
	if (keys->count == HF_JOB_KEYS) {
		hf_diag_set(diag, "%s: there are more than %d keys for jobs", path, HF_JOB_KEYS);
		return HF_ERR_TOO_LARGE;
	}
	keys->key[keys->count++] = *key;
	return HF_OK;
}

static enum hf_err add_keyset(struct hf_job_keys *keys, const char *path, struct hf_diag *diag)
{
	struct hf_buffer file;
	struct hf_keyset_file keyset;
	enum hf_err err = hf_file_read(path, HF_KEY_FILE_MAX, &file, diag);

	if (err)
		return err;
	err = hf_keyset_file_read(hf_buffer_bytes(&file), &keyset);
	if (err)
		hf_diag_set(diag, "%s: this is neither a public key nor a keyset", path);
	for (unsigned i = 0; !err && i < keyset.keyset.keys; i++) {
		const struct hf_key *k = &keyset.keyset.key[i];
		struct hf_public_key key;

		if ((k->role != HF_ROLE_SITE && k->role != HF_ROLE_RELEASE) || k->public_key.len > sizeof(key.bytes))
			continue;
		key = hf_key_public_of(k->public_key.ptr, k->alg, k->role);
		err = add_key(keys, &key, path, diag);
	}
	hf_buffer_free(&file);
	return err;
}

enum hf_err hf_job_keys_add(struct hf_job_keys *keys, const char *path, struct hf_diag *diag)
{
	struct hf_public_key key;
	unsigned before = keys->count;
	struct hf_diag ignored;
	enum hf_err err = hf_key_read_any_public(path, &key, &ignored) == HF_OK ? add_key(keys, &key, path, diag)
										: add_keyset(keys, path, diag);

	if (err || keys->count > before)
		return err;
	hf_diag_set(diag, "%s: there is no P-256 key in it that may sign jobs; give a public key, or a keyset with a site or release "
			  "key", path);
	return HF_ERR_UNSUPPORTED;
}

/* ---- the signature ---- */

struct signature {
	size_t text_len;
	uint8_t sha256[32];
	uint8_t cose[COSE_MAX];
	size_t cose_len;
};

static bool from_hex(const char *hex, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		if (strspn(hex + 2 * i, "0123456789abcdef") < 2 || sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

/* OpenSSL counts the padding as bytes. */
static bool from_base64(const char *text, size_t len, uint8_t *bytes, size_t cap, size_t *out)
{
	int n;

	if (len == 0 || len % 4 || len / 4 * 3 > cap)
		return false;
	n = EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)len);
	*out = n < 0 ? 0 : (size_t)n - (text[len - 1] == '=') - (text[len - 2] == '=');
	return n >= 0;
}

/* HF_ERR_NOT_FOUND: there is none. */
static enum hf_err find_signature(const struct hf_buffer *file, const char *path, struct signature *s, struct hf_diag *diag)
{
	const char *text = (const char *)file->ptr, *mark = strstr(text, MARK), *at;
	size_t digits;

	s->text_len = file->len;
	if (!mark) {
		hf_diag_set(diag, "%s: the job is not signed (or its signature was damaged); sign it with `holdfast job sign %s --key "
				  "KEY`", path, path);
		return HF_ERR_NOT_FOUND;
	}
	s->text_len = (size_t)(mark - text);
	at = mark + strlen(MARK);
	if (strlen(text) == file->len && strncmp(at, SUM, strlen(SUM)) == 0 && from_hex(at + strlen(SUM), s->sha256, 32)) {
		at += strlen(SUM) + 64;
		digits = strncmp(at, "\n" COSE, strlen(COSE) + 1) == 0 ? strcspn(at + strlen(COSE) + 1, "\n") : 0;
		if (from_base64(at + strlen(COSE) + 1, digits, s->cose, sizeof(s->cose), &s->cose_len) &&
		    at + strlen(COSE) + 1 + digits + 1 == text + file->len)
			return HF_OK;
	}
	hf_diag_set(diag, "%s: the signature's lines at its end were edited, or something follows them; take the file as it was signed, "
			  "or sign it anew with `holdfast job sign`", path);
	return HF_ERR_ENCODING;
}

static bool verifies(const struct signature *s, const uint8_t digest[32], const struct hf_public_key *key)
{
	struct hf_key k = {.alg = key->alg, .public_key = hf_public_key_bytes(key)};
	uint8_t items[2][64];
	struct hf_cbor_writer aad, payload;
	struct hf_cose_sign1 sign1;
	struct hf_cbor_reader r;

	hf_cbor_begin(&aad, items[0], sizeof(items[0]));
	hf_cbor_put_bstr(&aad, AAD, strlen(AAD));
	hf_cbor_begin(&payload, items[1], sizeof(items[1]));
	hf_cbor_put_bstr(&payload, digest, 32);
	hf_cbor_open_final(&r, (struct hf_bytes){s->cose, s->cose_len});
	hf_cose_read(&r, &sign1);
	if (hf_cbor_close(&r) != HF_OK)
		return false;
	return hf_cose_verify(&hf_host_crypto, &k, &sign1, (struct hf_bytes){items[0], aad.len},
			      (struct hf_bytes){items[1], payload.len}) == HF_OK;
}

static enum hf_err check_signature(const struct signature *s, const struct hf_job_keys *keys,
				   struct hf_job *job, struct hf_diag *diag)
{
	char is[65], was[65];

	if (memcmp(s->sha256, job->id, 32) != 0) {
		hf_diag_set(diag, "%s: the job was edited after it was signed: its text has the SHA-256 %.16s..., and what was signed had "
				  "%.16s...; take the file as it was signed, or have the change signed with `holdfast job sign`",
			    job->path, hf_out_hex(job->id, 32, is), hf_out_hex(s->sha256, 32, was));
		return HF_ERR_DIGEST;
	}
	for (unsigned i = 0; i < keys->count; i++) {
		if (!verifies(s, job->id, &keys->key[i]))
			continue;
		hf_key_id(hf_public_key_bytes(&keys->key[i]), job->key_id);
		return HF_OK;
	}
	hf_diag_set(diag, "%s: the job is signed, but not by a key that this station trusts (it knows %u); have it signed by the right "
			  "one, or name the signer's key with --job-key", job->path, keys->count);
	return HF_ERR_SIGNATURE;
}

/* ---- the text ---- */

static bool get_path(const struct hf_conf *c, config_setting_t *group, struct hf_job *job, struct hf_job_file *f)
{
	char dir[sizeof(job->path)];

	if (!hf_conf_get_text(c, group, "file", NAME_MORE, f->name, sizeof(f->name)))
		return false;
	snprintf(dir, sizeof(dir), "%s", job->path);
	if (f->name[0] == '/')
		snprintf(f->path, sizeof(f->path), "%s", f->name);
	else
		snprintf(f->path, sizeof(f->path), "%s/%s", dirname(dir), f->name);
	return true;
}

static bool get_file(const struct hf_conf *c, config_setting_t *files, enum hf_job_role role, struct hf_job *job)
{
	static const char *const keys[] = {"file", "sha256"};
	struct hf_job_file *f = &job->file[role];
	config_setting_t *group;
	char hex[65];

	if (!config_setting_get_member(files, roles[role]))
		return true;
	if (!hf_conf_get_group(c, files, roles[role], keys, 2, &group) || !get_path(c, group, job, f) ||
	    !hf_conf_get_text(c, group, "sha256", "", hex, sizeof(hex)))
		return false;
	f->known = true;
	return (strlen(hex) == 64 && from_hex(hex, f->sha256, 32)) ||
	       hf_conf_bad(c, group, "'sha256' has to be 64 digits of lower-case hexadecimal");
}

static bool get_files(const struct hf_conf *c, config_setting_t *root, struct hf_job *job)
{
	config_setting_t *files;

	if (!hf_conf_get_group(c, root, "files", roles, HF_JOB_ROLES, &files))
		return false;
	for (unsigned role = 0; role < HF_JOB_ROLES; role++)
		if (!get_file(c, files, role, job))
			return false;
	return true;
}

/* What the batch says itself. */
static bool is_ours(const char *option)
{
	static const char *const ours[] = {"--port", "-p", "--json", "--board", "-b", "--keyset", "-k", "--boot", "--recovery", "-r",
					   "--package", "--out", "-o", "--quiet", "-q", "--help", "-h"};
	size_t len = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == len && strncmp(ours[i], option, len) == 0)
			return true;
	return false;
}

static bool get_options(const struct hf_conf *c, config_setting_t *root, const char *key, struct hf_job_options *out)
{
	config_setting_t *list = config_setting_get_member(root, key);

	if (!list)
		return true;
	if (!config_setting_is_array(list) && !config_setting_is_list(list))
		return hf_conf_bad(c, list, "'%s' has to be a list of texts: %s = [ \"--line\", \"921600\" ];", key, key);
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *text = config_setting_get_string_elem(list, i);

		if (!text || strlen(text) >= HF_JOB_TEXT || out->count == HF_JOB_OPTIONS)
			return hf_conf_bad(c, list, "'%s' takes at most %d texts of at most %d characters", key, HF_JOB_OPTIONS,
					   HF_JOB_TEXT - 1);
		if (is_ours(text))
			return hf_conf_bad(c, list, "%s is given by the batch itself and not by '%s'; name files in 'files'", text, key);
		strcpy(out->text[out->count++], text);
	}
	return true;
}

static bool get_serials(const struct hf_conf *c, config_setting_t *root, struct hf_job *job)
{
	static const char *const keys[] = {"prefix", "first", "last", "digits", "from", "into"};
	static const char *const from[] = {"auto", "scan"}, *const into[] = {"record", "device"};
	struct hf_serial_range *r = &job->range;
	unsigned source, target;
	config_setting_t *group;
	uint64_t most = 1;

	if (!config_setting_get_member(root, "serials"))
		return true;
	if (!hf_conf_get_group(c, root, "serials", keys, 6, &group) ||
	    !hf_conf_get_text(c, group, "prefix", "-_.", r->prefix, sizeof(r->prefix)) ||
	    !hf_conf_get_number(c, group, "digits", 1, 9, &r->digits) ||
	    !hf_conf_get_number(c, group, "first", 0, 999999999, &r->first) ||
	    !hf_conf_get_number(c, group, "last", r->first, 999999999, &r->last) ||
	    !hf_conf_get_choice(c, group, "from", from, 2, &source) || !hf_conf_get_choice(c, group, "into", into, 2, &target))
		return false;
	for (unsigned i = 0; i < r->digits; i++)
		most *= 10;
	if (r->last >= most)
		return hf_conf_bad(c, group, "'last' does not fit %u digits", r->digits);
	if (r->last - r->first >= HF_SERIALS_MAX)
		return hf_conf_bad(c, group, "a job has at most %u serial numbers", HF_SERIALS_MAX);
	job->has_serials = true;
	job->serial_scanned = source == 1;
	job->serial_to_device = target == 1;
	return job->operation != HF_JOB_FACTORY || !job->serial_to_device ||
	       hf_conf_bad(c, group, "into = \"device\" needs firmware that runs: the operation has to be burn or factory+burn");
}

static bool get_test(const struct hf_conf *c, config_setting_t *root, struct hf_job *job)
{
	static const char *const keys[] = {"command", "limit_s"};
	config_setting_t *group, *item;
	const char *text;

	if (!config_setting_get_member(root, "test"))
		return true;
	if (!hf_conf_get_group(c, root, "test", keys, 2, &group) || !hf_conf_get(c, group, "command", &item) ||
	    !hf_conf_get_number(c, group, "limit_s", 1, 86400, &job->test_limit_s))
		return false;
	text = config_setting_get_string(item);
	if (!text || !text[0] || strlen(text) >= sizeof(job->test))
		return hf_conf_bad(c, item, "'command' has to be a text of at most %zu characters", sizeof(job->test) - 1);
	strcpy(job->test, text);
	return true;
}

/* What each operation needs. */
static bool check_operation(const struct hf_conf *c, const struct hf_job *job)
{
	bool factory = job->operation != HF_JOB_BURN, burns = job->operation != HF_JOB_FACTORY;
	const char *missing = burns && !job->file[HF_JOB_PACKAGE].known                                                  ? "package"
			      : factory && !job->file[HF_JOB_BOARD].known                                                ? "board"
			      : factory && !job->file[HF_JOB_BOOT].known                                                 ? "boot"
			      : factory && !job->file[HF_JOB_KEYSET].known                                               ? "keyset"
			      : factory && !job->file[HF_JOB_RECOVERY].known && !job->file[HF_JOB_FIRST].known ? "recovery"
																	: NULL;

	return !missing || hf_conf_bad(c, NULL, "the operation %s needs '%s' among the files", operations[job->operation], missing);
}

static bool get_job(const struct hf_conf *c, config_setting_t *root, struct hf_job *job)
{
	static const char *const keys[] = {"format", "name", "operation", "files", "burn_options", "factory_options", "quota", "retries",
					   "stop_after", "limit_s", "operator_required", "serials", "test"};
	uint32_t format;
	unsigned operation;

	if (!hf_conf_known_keys(c, root, keys, sizeof(keys) / sizeof(keys[0])) ||
	    !hf_conf_get_number(c, root, "format", HF_JOB_FORMAT, HF_JOB_FORMAT, &format) ||
	    !hf_conf_get_text(c, root, "name", " -_./,:()+#", job->name, sizeof(job->name)) ||
	    !hf_conf_get_choice(c, root, "operation", operations, 3, &operation) || !get_files(c, root, job) ||
	    !get_options(c, root, "burn_options", &job->burn) || !get_options(c, root, "factory_options", &job->factory) ||
	    !hf_conf_get_number(c, root, "quota", 1, 1000000, &job->quota) ||
	    !hf_conf_get_number(c, root, "retries", 0, 100, &job->retries) ||
	    !hf_conf_get_number(c, root, "stop_after", 0, 1000000, &job->stop_after) ||
	    !hf_conf_get_number(c, root, "limit_s", 1, 86400, &job->limit_s) ||
	    !hf_conf_get_bool(c, root, "operator_required", &job->operator_required))
		return false;
	job->operation = operation;
	return get_serials(c, root, job) && get_test(c, root, job) && check_operation(c, job);
}

static enum hf_err parse(struct hf_buffer *file, const struct signature *s, struct hf_job *job, struct hf_diag *diag)
{
	const struct hf_conf c = {job->path, diag};
	config_t config;
	bool good;

	if (s->text_len < file->len)
		file->ptr[s->text_len] = 0;
	if (strstr((const char *)file->ptr, "@include")) {
		hf_diag_set(diag, "%s: a job includes no other file, which the signature would not cover; put its text here", job->path);
		return HF_ERR_ENCODING;
	}
	config_init(&config);
	good = config_read_string(&config, (const char *)file->ptr);
	if (!good)
		hf_diag_set(diag, "%s:%d: %s", job->path, config_error_line(&config), config_error_text(&config));
	else
		good = get_job(&c, config_root_setting(&config), job);
	config_destroy(&config);
	return good ? HF_OK : HF_ERR_ENCODING;
}

enum hf_err hf_job_parse(char *text, size_t len, const char *path, const struct hf_job_keys *keys, struct hf_job *job,
			 struct hf_diag *diag)
{
	struct hf_buffer file = {(uint8_t *)text, len};
	struct signature s = {0};
	struct hf_diag unsaid;
	enum hf_err err;

	memset(job, 0, sizeof(*job));
	snprintf(job->path, sizeof(job->path), "%s", path);
	err = find_signature(&file, path, &s, keys ? diag : &unsaid);
	job->is_signed = err != HF_ERR_NOT_FOUND;
	sha256((struct hf_bytes){file.ptr, s.text_len}, job->id);
	if (!keys)
		err = HF_OK;
	if (!err && keys)
		err = check_signature(&s, keys, job, diag);
	return err ? err : parse(&file, &s, job, diag);
}

enum hf_err hf_job_read(const char *path, const struct hf_job_keys *keys, struct hf_job *job, struct hf_diag *diag)
{
	struct hf_buffer file;
	enum hf_err err;

	memset(job, 0, sizeof(*job));
	err = hf_file_read(path, HF_JOB_FILE_MAX, &file, diag);
	if (!err)
		err = hf_job_parse((char *)file.ptr, file.len, path, keys, job, diag);
	hf_buffer_free(&file);
	return err;
}

/* ---- files ---- */

static enum hf_err digest_file(const char *path, uint8_t digest[32], struct hf_diag *diag)
{
	struct hf_buffer file;
	enum hf_err err = hf_file_read(path, 64u << 20, &file, diag);

	if (!err)
		sha256(hf_buffer_bytes(&file), digest);
	hf_buffer_free(&file);
	return err;
}

enum hf_err hf_job_check_files(const struct hf_job *job, struct hf_diag *diag)
{
	for (unsigned role = 0; role < HF_JOB_ROLES; role++) {
		const struct hf_job_file *f = &job->file[role];
		char is[65], wanted[65];
		uint8_t digest[32];
		enum hf_err err = f->known ? digest_file(f->path, digest, diag) : HF_OK;

		if (err) {
			hf_diag_prefix(diag, "%s: its %s: ", job->path, roles[role]);
			return err;
		}
		if (!f->known || memcmp(digest, f->sha256, 32) == 0)
			continue;
		hf_diag_set(diag, "%s: this is not the %s that the job %s was signed for: its SHA-256 is %.16s..., and %.16s... is wanted; "
				  "bring the right file, or have a new job signed", f->path, roles[role], job->path,
			    hf_out_hex(digest, 32, is), hf_out_hex(f->sha256, 32, wanted));
		return HF_ERR_DIGEST;
	}
	return HF_OK;
}

/* ---- writing ---- */

/* A path as it reads from the job's directory; as it is where there is no simple way. */
static void relative(const char *job_path, const char *path, char *out, size_t room)
{
	char *copy = strdup(job_path), *dir = copy ? realpath(dirname(copy), NULL) : NULL, *file = realpath(path, NULL);
	size_t len = dir ? strlen(dir) : 0;

	if (dir && file && strncmp(dir, file, len) == 0 && file[len] == '/')
		snprintf(out, room, "%s", file + len + 1);
	else
		snprintf(out, room, "%s", file ? file : path);
	free(file);
	free(dir);
	free(copy);
}

static void put_options(FILE *to, const char *key, const struct hf_job_options *o)
{
	if (o->count == 0)
		return;
	fprintf(to, "%s = [", key);
	for (unsigned i = 0; i < o->count; i++)
		fprintf(to, "%s \"%s\"", i ? "," : "", o->text[i]);
	fprintf(to, " ];\n");
}

static void put_quoted(FILE *to, const char *text)
{
	for (; *text; text++)
		fprintf(to, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
}

static void put_job(FILE *to, const struct hf_job *job)
{
	const struct hf_serial_range *r = &job->range;
	char hex[65];

	fprintf(to, "# A job of `holdfast batch`. Once it is signed (`holdfast job sign`), any change is refused.\n"
		    "format = %d;\nname = \"%s\";\noperation = \"%s\"; # burn, factory, factory+burn\n\nfiles:\n{\n",
		HF_JOB_FORMAT, job->name, operations[job->operation]);
	for (unsigned role = 0; role < HF_JOB_ROLES; role++)
		if (job->file[role].known)
			fprintf(to, "\t%s = { file = \"%s\";\n\t\tsha256 = \"%s\"; };\n", roles[role], job->file[role].name,
				hf_out_hex(job->file[role].sha256, 32, hex));
	fprintf(to, "};\n\n");
	put_options(to, "burn_options", &job->burn);
	put_options(to, "factory_options", &job->factory);
	fprintf(to, "quota = %u; # devices that may pass, in all runs together\nretries = %u; # attempts a device after the first\n"
		    "stop_after = %u; # failed devices; 0: never\nlimit_s = %u; # of one attempt, by the device's clock\n"
		    "operator_required = %s;\n", job->quota, job->retries, job->stop_after, job->limit_s,
		job->operator_required ? "true" : "false");
	if (job->has_serials)
		fprintf(to, "\nserials:\n{\n\tprefix = \"%s\";\n\tfirst = %u;\n\tlast = %u;\n\tdigits = %u;\n"
			    "\tfrom = \"%s\"; # auto: allocated; scan: typed or scanned, one a device\n"
			    "\tinto = \"%s\"; # device: into its configuration as well; record: not\n};\n",
			r->prefix, r->first, r->last, r->digits, job->serial_scanned ? "scan" : "auto",
			job->serial_to_device ? "device" : "record");
	if (job->test[0]) {
		fprintf(to, "\ntest:\n{\n\tcommand = \"");
		put_quoted(to, job->test);
		fprintf(to, "\"; # sees HF_SERIAL, HF_DEVICE_ID, HF_PORT, HF_VERSION, HF_DIGEST; 0: passed\n\tlimit_s = %u;\n};\n",
			job->test_limit_s);
	}
}

enum hf_err hf_job_write(struct hf_job *job, const char *path, unsigned flags, struct hf_diag *diag)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to;
	enum hf_err err = HF_OK;

	for (unsigned role = 0; role < HF_JOB_ROLES && !err; role++) {
		struct hf_job_file *f = &job->file[role];
		char name[sizeof(f->name)];

		if (!f->known)
			continue;
		err = digest_file(f->name, f->sha256, diag);
		relative(path, f->name, name, sizeof(name));
		strcpy(f->name, name);
	}
	to = err ? NULL : open_memstream(&text, &len);
	if (to) {
		put_job(to, job);
		fclose(to);
		err = hf_file_write(path, (struct hf_bytes){(uint8_t *)text, len}, flags, diag);
	}
	free(text);
	return err;
}

static enum hf_err make_signature(struct hf_signer *signer, struct hf_bytes text, char lines[1024], struct hf_diag *diag)
{
	uint8_t digest[32], signature[HF_SIGNATURE_MAX], cose[COSE_MAX];
	char hex[65], base64[COSE_MAX * 2];
	struct hf_cbor_writer w;
	enum hf_err err;

	sha256(text, digest);
	err = hf_cose_sign(signer, (struct hf_bytes){(const uint8_t *)AAD, strlen(AAD)}, (struct hf_bytes){digest, 32}, signature, diag);
	if (err)
		return err;
	hf_cbor_begin(&w, cose, sizeof(cose));
	hf_cose_put(&w, HF_ALG_ESP256, (struct hf_bytes){signature, hf_signature_bytes(HF_ALG_ESP256)});
	if (w.err)
		return w.err;
	EVP_EncodeBlock((uint8_t *)base64, cose, (int)w.len);
	snprintf(lines, 1024, MARK SUM "%s\n" COSE "%s\n", hf_out_hex(digest, 32, hex), base64);
	return HF_OK;
}

enum hf_err hf_job_sign(const char *path, const char *out, struct hf_signer *signer, struct hf_diag *diag)
{
	struct hf_buffer file, whole = {0};
	struct signature s = {0};
	struct hf_diag ignored;
	char lines[1024];
	struct hf_job job;
	enum hf_err err;

	if (hf_signer_key(signer)->alg != HF_ALG_ESP256) {
		hf_diag_set(diag, "%s: jobs are signed with a P-256 key", hf_signer_name(signer));
		return HF_ERR_UNSUPPORTED;
	}
	err = hf_job_read(path, NULL, &job, diag); /* nothing is signed that would be refused for its text */
	if (!err)
		err = hf_job_check_files(&job, diag);
	if (!err)
		err = hf_file_read(path, HF_JOB_FILE_MAX, &file, diag);
	if (err)
		return err;
	(void)!find_signature(&file, path, &s, &ignored);
	err = make_signature(signer, (struct hf_bytes){file.ptr, s.text_len}, lines, diag);
	if (!err) {
		whole.ptr = malloc(s.text_len + strlen(lines) + 1);
		whole.len = s.text_len + strlen(lines);
	}
	if (!err && whole.ptr) {
		memcpy(whole.ptr, file.ptr, s.text_len);
		memcpy(whole.ptr + s.text_len, lines, strlen(lines));
		err = hf_file_write(out, hf_buffer_bytes(&whole), 0, diag);
	}
	hf_buffer_free(&whole);
	hf_buffer_free(&file);
	return err;
}

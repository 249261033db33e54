/* SPDX-License-Identifier: MIT
 *
 * A job: what a station does to a number of devices, in a file that people can read and only a trusted key can have made.
 *
 * libconfig text, and behind it three lines of comment, which are the signature:
 *
 *   # -- signed: nothing above this line may change, and nothing may follow the signature --
 *   # sha256: <of the text above these lines>
 *   # cose: <base64 of << COSE_Sign1 >>, ESP256, detached, over that digest, aad "holdfast job 1">
 *
 * Every file that the job uses is named with its SHA-256, so that the signature covers the packages, too. There is no
 * expiry: a station without a clock or network goes on.
 */
#ifndef HF_BATCH_JOB_H
#define HF_BATCH_JOB_H

#include "file.h"
#include "key.h"
#include "ledger.h"
#include "signer.h"

#define HF_JOB_FORMAT   1
#define HF_JOB_FILES    8
#define HF_JOB_OPTIONS  12
#define HF_JOB_TEXT     128
#define HF_JOB_FILE_MAX 65536u
#define HF_JOB_KEYS     16

enum hf_job_operation {
	HF_JOB_BURN,         /* over what runs: firmware or recovery */
	HF_JOB_FACTORY,      /* through the chip's ROM loader, and nothing else */
	HF_JOB_FACTORY_BURN, /* then the package over what was put there */
};

/* What a file is for. */
enum hf_job_role { HF_JOB_PACKAGE, HF_JOB_BOARD, HF_JOB_KEYSET, HF_JOB_BOOT, HF_JOB_RECOVERY, HF_JOB_FIRST, HF_JOB_ROLES };

struct hf_job_file {
	bool known;
	char name[256];  /* as it stands in the job, relative to the job's directory */
	char path[1024]; /* "" in a job that is being made: name is the path */
	uint8_t sha256[32];
};

struct hf_job_options {
	char text[HF_JOB_OPTIONS][HF_JOB_TEXT];
	unsigned count;
};

struct hf_job {
	char path[512];
	uint8_t id[32];                  /* SHA-256 of the text */
	char name[64];
	enum hf_job_operation operation;
	struct hf_job_file file[HF_JOB_ROLES];
	struct hf_job_options burn, factory; /* passed on */
	uint32_t quota;                  /* devices that may pass */
	uint32_t retries;                /* attempts after the first one */
	uint32_t stop_after;             /* failed devices; 0: never */
	uint32_t limit_s;                /* of one attempt, by the device's clock */
	bool operator_required;
	bool has_serials;
	bool serial_to_device;           /* into its configuration, as "serial" */
	bool serial_scanned;             /* typed or scanned; else allocated */
	struct hf_serial_range range;
	char test[512];                  /* "": none */
	uint32_t test_limit_s;
	bool is_signed;
	char key_id[HF_KEY_ID_TEXT];     /* of the key that verified it */
};

struct hf_job_keys {
	struct hf_public_key key[HF_JOB_KEYS];
	unsigned count;
};

/* A public key's file, or the site and release keys of a keyset's. */
HF_MUST_USE enum hf_err hf_job_keys_add(struct hf_job_keys *keys, const char *path, struct hf_diag *diag);

/* Reads a job. keys NULL: the signature is not looked at (is_signed says that there is one, key_id is ""). HF_ERR_IO,
 * HF_ERR_ENCODING (damaged, or makes no sense), HF_ERR_DIGEST (edited after it was signed), HF_ERR_SIGNATURE (not by a key
 * that is trusted), HF_ERR_NOT_FOUND (not signed at all); with a sentence that says what to do. */
HF_MUST_USE enum hf_err hf_job_read(const char *path, const struct hf_job_keys *keys, struct hf_job *job,
				    struct hf_diag *diag);

/* The same of a text in memory, which is changed; len does not count the zero byte behind it. */
HF_MUST_USE enum hf_err hf_job_parse(char *text, size_t len, const char *path, const struct hf_job_keys *keys, struct hf_job *job,
				     struct hf_diag *diag);

/* Whether every file is the one that the job names. HF_ERR_DIGEST, HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_job_check_files(const struct hf_job *job, struct hf_diag *diag);

/* Writes a job's text, without signature; the files' digests are taken from the files, whose names are relative to the
 * job's directory in the text. */
HF_MUST_USE enum hf_err hf_job_write(struct hf_job *job, const char *path, unsigned flags, struct hf_diag *diag);

/* Puts a signature behind the text in place of an older one. HF_ERR_UNSUPPORTED: no P-256 key. */
HF_MUST_USE enum hf_err hf_job_sign(const char *path, const char *out, struct hf_signer *signer, struct hf_diag *diag);

const char *hf_job_operation_text(enum hf_job_operation operation); /* "factory+burn" */
const char *hf_job_role_text(enum hf_job_role role);                 /* "package" */

#endif

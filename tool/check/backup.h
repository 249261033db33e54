/* SPDX-License-Identifier: MIT
 *
 * A device's backup: all that an upgrade could lose and that only the device has - its configuration and its history - with
 * what is needed to know whose it is (docs/FORMAT.md, "Backup").
 *
 * JSON with a SHA-256 of itself (sealed.h): {"holdfast": "backup", "format": 1, "time", "device_id", "board", "version", "slot" (null: recovery),
 * "newest", "floor", "slots": [{"state", "sequence", "id"}], "keyset" (its number, or null),
 * "configuration": {"bytes", "hex"}, "history": {"bytes", "hex"} or null (there is none), "measured" (after.h), "sha256"}.
 */
#ifndef HF_CHECK_BACKUP_H
#define HF_CHECK_BACKUP_H

#include "after.h"
#include "longrec.h"
#include "smp_device.h"

struct hf_backup {
	uint8_t device_id[16];
	char board[32], time[32], version[64];
	bool keyset_known;
	uint32_t keyset;             /* number */
	uint8_t configuration[HF_CONFIGURATION_MAX];
	size_t configuration_len;    /* 0: the device has none */
	bool history_known;
	uint8_t *history;            /* on the heap; hf_backup_free */
	size_t history_len;
	struct hf_after_reference reference; /* taken: false where none was measured */
};

void hf_backup_free(struct hf_backup *b);

/* Reads all of it out of a device. HF_ERR_TIMEOUT, HF_ERR_IO: it is lost; HF_ERR_TYPE: its answers make no sense; HF_ERR_DENIED: it
 * refuses; all with a sentence. Free it in any case. */
HF_MUST_USE enum hf_err hf_backup_take(struct hf_smp_client *c, uint32_t patience_ms, const struct hf_smp_status *status,
				       struct hf_backup *out, struct hf_diag *diag);

/* Writes it as a whole, reads it back and compares. `where`: a file; a directory (one that exists, or ends in '/'), in which it is called
 * DEVICE-ID-TIME.json; NULL: the usual directory. `path` gets the file's name. HF_ERR_IO, HF_ERR_DIGEST (it does not read back as it
 * was written). */
HF_MUST_USE enum hf_err hf_backup_write(const struct hf_backup *b, const struct hf_smp_status *status, const char *where,
					char *path, size_t room, struct hf_diag *diag);

/* Reads a file. hf_sealed_read's errors; HF_ERR_TYPE. Free it in any case. */
HF_MUST_USE enum hf_err hf_backup_read(const char *path, struct hf_backup *out, struct hf_diag *diag);

#endif

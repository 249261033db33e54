/* SPDX-License-Identifier: MIT
 *
 * The errors of core, of the programs on the device and of the tools.
 *
 * One enumeration for all: a refusal on the device, its SMP answer and the tool's sentence come from the same cause, so
 * that nobody has to guess what "-1" meant. Values are part of the protocol (SMP answers and journal records carry
 * them): a value is never reused, new ones are added behind.
 */
#ifndef HF_ERR_H
#define HF_ERR_H

#define HF_MUST_USE __attribute__((warn_unused_result))

enum hf_err {
	HF_OK = 0,

	/* Bytes that make no sense. */
	HF_ERR_TRUNCATED = 1,    /* the input ends too early; more bytes may cure it */
	HF_ERR_ENCODING = 2,     /* not well-formed, or not the one canonical encoding */
	HF_ERR_TYPE = 3,         /* well-formed, but another type than the format demands */
	HF_ERR_RANGE = 4,        /* a number, offset or length outside what the format allows */
	HF_ERR_UNSUPPORTED = 5,  /* valid by the standard, but outside the profile (unknown code, algorithm, tag) */
	HF_ERR_TOO_LARGE = 6,    /* does not fit the buffer, the slot or the partition */
	HF_ERR_CRC = 7,          /* checksum of a frame or record is wrong */

	/* Bytes that we do not trust. */
	HF_ERR_DIGEST = 16,      /* a digest does not match: damaged, or not what was signed */
	HF_ERR_SIGNATURE = 17,   /* a signature is wrong */
	HF_ERR_KEY = 18,         /* no key of the keyset made it, or a required algorithm is missing */
	HF_ERR_KEYSET = 19,      /* the keyset itself is missing or damaged */
	HF_ERR_KEYSET_NUMBER = 20, /* a keyset with this number or a higher one is trusted already */
	HF_ERR_THRESHOLD = 21,   /* fewer root keys have signed than the old or the new keyset demands */

	/* Trusted, but not for here and now. */
	HF_ERR_VENDOR = 32,           /* made for another vendor's devices */
	HF_ERR_CLASS = 33,            /* made for another hardware class */
	HF_ERR_DEVICE = 34,           /* made for another individual device */
	HF_ERR_VERSION = 35,          /* upgrades from other versions only */
	HF_ERR_SECURITY_VERSION = 36, /* security version below the floor or the confirmed firmware's */
	HF_ERR_RELEASE = 37,          /* release older than the confirmed firmware's */
	HF_ERR_SAME_SEQUENCE = 38,    /* an equal sequence number with another digest */
	HF_ERR_SLOT = 39,             /* not made for this slot, or a base address that is not the slot's */
	HF_ERR_REJECTED = 40,         /* this image failed here before, and was rejected */
	HF_ERR_ABORT = 41,            /* the manifest itself said abort */

	/* The device's state forbids it. */
	HF_ERR_TRIAL = 48,       /* a trial is running: confirm or roll back first */
	HF_ERR_PROTECTED = 49,   /* it would erase the only firmware that is known to work */
	HF_ERR_ORDER = 50,       /* an operation out of order (data before an upload was begun, ...) */
	HF_ERR_NOT_FOUND = 51,   /* no such slot, record, partition, key */
	HF_ERR_DENIED = 52,      /* the board's access rule forbids it */
	HF_ERR_BUSY = 53,
	HF_ERR_LOCKOUT = 54,     /* under this keyset nothing that the device holds would start */

	/* The hardware failed. */
	HF_ERR_FLASH_ERASE = 64,   /* a sector does not read blank after its erase */
	HF_ERR_FLASH_PROGRAM = 65, /* a word does not read back as programmed */
	HF_ERR_FLASH_LOCKED = 66,  /* the controller is locked, or the sector is write-protected */
	HF_ERR_FULL = 67,          /* the journal has no room; a take-over is needed */
	HF_ERR_TIMEOUT = 68,
	HF_ERR_IO = 69,
};

/* A short English phrase ("the signature is wrong"), for logs and the UART. Never NULL. */
const char *hf_err_text(enum hf_err err);

#endif

/* SPDX-License-Identifier: MIT */
#include "err.h"

/* One phrase a value, in a switch and not in a table: a table of pointers would need relocation in the gateway. */
const char *hf_err_text(enum hf_err err)
{
	switch (err) {
	case HF_OK:
		return "no error";
	case HF_ERR_TRUNCATED:
		return "it ends too early";
	case HF_ERR_ENCODING:
		return "it is not well-formed";
	case HF_ERR_TYPE:
		return "a field has the wrong type";
	case HF_ERR_RANGE:
		return "a number is out of range";
	case HF_ERR_UNSUPPORTED:
		return "it uses what this profile does not know";
	case HF_ERR_TOO_LARGE:
		return "it does not fit";
	case HF_ERR_CRC:
		return "the checksum is wrong";
	case HF_ERR_DIGEST:
		return "the digest does not match";
	case HF_ERR_SIGNATURE:
		return "the signature is wrong";
	case HF_ERR_KEY:
		return "it is not signed by a key that is trusted here";
	case HF_ERR_KEYSET:
		return "the keyset is missing or damaged";
	case HF_ERR_KEYSET_NUMBER:
		return "a keyset with this number or a higher one is trusted already";
	case HF_ERR_THRESHOLD:
		return "too few root keys have signed it";
	case HF_ERR_VENDOR:
		return "it is for another vendor's devices";
	case HF_ERR_CLASS:
		return "it is for another hardware class";
	case HF_ERR_DEVICE:
		return "it is for another device";
	case HF_ERR_VERSION:
		return "it upgrades from other versions only";
	case HF_ERR_SECURITY_VERSION:
		return "its security version is too low";
	case HF_ERR_RELEASE:
		return "its release is older than the confirmed one";
	case HF_ERR_SAME_SEQUENCE:
		return "other firmware has the same sequence number";
	case HF_ERR_SLOT:
		return "it is not made for this slot";
	case HF_ERR_REJECTED:
		return "it failed here before";
	case HF_ERR_ABORT:
		return "the manifest says abort";
	case HF_ERR_TRIAL:
		return "a trial is running";
	case HF_ERR_PROTECTED:
		return "it would erase the only firmware that works";
	case HF_ERR_ORDER:
		return "this is not the time for it";
	case HF_ERR_NOT_FOUND:
		return "there is none";
	case HF_ERR_DENIED:
		return "the access rule forbids it";
	case HF_ERR_BUSY:
		return "the device is busy";
	case HF_ERR_LOCKOUT:
		return "neither the firmware nor the recovery that is there would start under this keyset";
	case HF_ERR_FLASH_ERASE:
		return "a flash sector does not erase";
	case HF_ERR_FLASH_PROGRAM:
		return "a flash word does not program";
	case HF_ERR_FLASH_LOCKED:
		return "the flash is locked or write-protected";
	case HF_ERR_FULL:
		return "the journal is full";
	case HF_ERR_TIMEOUT:
		return "it took too long";
	case HF_ERR_IO:
		return "the device or file cannot be read or written";
	}
	return "unknown error";
}

/* SPDX-License-Identifier: MIT
 *
 * RFC 7512, as far as a signing key is named by it. Attributes that would narrow the choice and are not understood are
 * refused: passing over them could sign with another key than the one that was meant.
 */
#include <stdio.h>
#include <string.h>

#include "pkcs11.h"

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decoding; false: malformed or too long. A zero byte follows. */
static bool decode(const char *text, size_t len, uint8_t *out, size_t room, size_t *out_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = (unsigned char)text[i];

		if (text[i] == '%') {
			if (i + 2 >= len || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
				return false;
			byte = hex(text[i + 1]) << 4 | hex(text[i + 2]);
			i += 2;
		}
		if (n + 1 >= room)
			return false;
		out[n++] = (uint8_t)byte;
	}
	out[n] = 0;
	*out_len = n;
	return true;
}

static bool is(const char *name, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(name, what, len) == 0;
}

/* Where an attribute goes; NULL: it is not understood. */
static uint8_t *place_of(struct hf_pkcs11_uri *out, const char *name, size_t len)
{
	if (is(name, len, "token"))
		return (uint8_t *)out->token;
	if (is(name, len, "serial"))
		return (uint8_t *)out->serial;
	if (is(name, len, "object"))
		return (uint8_t *)out->object;
	if (is(name, len, "id"))
		return out->id;
	if (is(name, len, "module-path"))
		return (uint8_t *)out->module;
	if (is(name, len, "pin-source"))
		return (uint8_t *)out->pin_source;
	return NULL;
}

static enum hf_err attribute(struct hf_pkcs11_uri *out, const char *text, size_t len, struct hf_diag *diag)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len, n;
	uint8_t *place = place_of(out, text, name_len);

	if (is(text, name_len, "pin-value")) {
		hf_diag_set(diag, "the pkcs11: URI holds the PIN, which everybody can see; use pin-source=FILE in it, or let the "
				  "PIN be asked for");
		return HF_ERR_DENIED;
	}
	if (equals && is(text, name_len, "type") && is(equals + 1, len - name_len - 1, "private"))
		return HF_OK;
	if (!place || !equals || !decode(equals + 1, len - name_len - 1, place, HF_PKCS11_FIELD, &n)) {
		hf_diag_set(diag, "the pkcs11: URI's part '%.*s' is not understood; known are token, serial, object, id, "
				  "module-path and pin-source", (int)len, text);
		return HF_ERR_ENCODING;
	}
	if (place == out->id)
		out->id_len = n;
	return HF_OK;
}

enum hf_err hf_pkcs11_uri_parse(const char *uri, struct hf_pkcs11_uri *out, struct hf_diag *diag)
{
	const char *at = uri + strlen(HF_PKCS11_PREFIX);
	const char *between = ";?";

	*out = (struct hf_pkcs11_uri){.id_len = 0};
	if (strncmp(uri, HF_PKCS11_PREFIX, strlen(HF_PKCS11_PREFIX)) != 0) {
		hf_diag_set(diag, "%s: a token's key is named by a URI that begins with pkcs11:", uri);
		return HF_ERR_ENCODING;
	}
	while (*at) {
		size_t len = strcspn(at, between);
		enum hf_err err = len ? attribute(out, at, len, diag) : HF_OK;

		if (err)
			return err;
		at += len;
		if (*at == '?')
			between = "&";
		if (*at)
			at++;
	}
	if (strncmp(out->pin_source, "file:", 5) == 0)
		memmove(out->pin_source, out->pin_source + 5, strlen(out->pin_source + 5) + 1);
	return HF_OK;
}

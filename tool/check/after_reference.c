/* SPDX-License-Identifier: MIT
 *
 * How a device was before the upgrade.
 */
#include "after.h"

#include <string.h>

#include "host_crypto.h"
#include "longrec.h"
#include "out.h"
#include "sealed.h"
#include "smp_maintain.h"

#define PATIENCE_MS 60000u

static enum hf_err take_configuration(struct hf_smp_client *c, uint32_t patience_ms, struct hf_after_reference *out)
{
	uint8_t bytes[HF_CONFIGURATION_MAX];
	struct hf_smp_answer answer;
	size_t len;
	enum hf_err err = hf_smp_get_kept(c, patience_ms, HF_LONGREC_CONFIGURATION, bytes, sizeof(bytes), &len, &answer);

	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	out->configuration_known = !err && !answer.refusal;
	if (out->configuration_known) {
		out->configuration_bytes = (uint32_t)len;
		hf_sha256_of((struct hf_bytes){bytes, len}, out->configuration);
	}
	return HF_OK;
}

static enum hf_err take_health(struct hf_smp_client *c, uint32_t patience_ms, struct hf_after_reference *out)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_health(c, patience_ms, &out->health, &answer);

	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	out->health_known = !err && !answer.refusal;
	return HF_OK;
}

enum hf_err hf_after_take(struct hf_smp_client *c, const struct hf_link_quality *link,
			  uint32_t patience_ms, struct hf_after_reference *out)
{
	struct hf_smp_status status;
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_status(c, patience_ms, &status, &answer);

	memset(out, 0, sizeof(*out));
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return err;
	out->running = !err && !answer.refusal && status.running < HF_SLOTS;
	out->binary = c->framing == HF_SMP_FRAMING_BINARY;
	out->link = *link;
	err = take_configuration(c, patience_ms, out);
	if (!err)
		err = take_health(c, patience_ms, out);
	out->taken = !err;
	return err;
}

enum hf_err hf_after_measure(struct hf_smp_client *c, struct hf_smp_rate *rate, uint32_t patience_ms,
			     struct hf_after_reference *out)
{
	struct hf_link_quality link = {.baud = rate->now, .parameters = rate->parameters};
	enum hf_err err = hf_link_measure(c, &link);

	memset(out, 0, sizeof(*out));
	if (err && err != HF_ERR_UNSUPPORTED)
		return err;
	return hf_after_take(c, &link, patience_ms ? patience_ms : PATIENCE_MS, out);
}

/* ---- as JSON ---- */

json_t *hf_after_reference_json(const struct hf_after_reference *r)
{
	json_t *all = json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "running", r->running, "binary", r->binary, "baud",
				(json_int_t)r->link.baud, "bits", (json_int_t)r->link.tested, "bit_errors", (json_int_t)r->link.errors,
				"latency_us", (json_int_t)r->link.latency_us, "bytes_per_s", (json_int_t)r->link.bytes_per_s);
	char hex[65];

	if (r->configuration_known)
		json_object_set_new(all, "configuration", json_pack("{s:I, s:s}", "bytes", (json_int_t)r->configuration_bytes, "sha256",
								    hf_out_hex(r->configuration, sizeof(r->configuration), hex)));
	if (r->health_known && r->health.work_known)
		json_object_set_new(all, "work", json_pack("{s:I, s:I, s:I, s:I}", "good", (json_int_t)r->health.good, "bad",
							   (json_int_t)r->health.bad_polls, "gap_ms", (json_int_t)r->health.gap_ms, "answer_us",
							   (json_int_t)r->health.answer_us));
	return all;
}

static bool parse_u32(const json_t *value, const char *key, uint32_t *out)
{
	const json_t *number = json_object_get(value, key);
	json_int_t n = json_integer_value(number);

	*out = (uint32_t)n;
	return json_is_integer(number) && n >= 0 && n <= UINT32_MAX;
}

static bool parse_configuration(const json_t *value, struct hf_after_reference *out)
{
	const char *hex = json_string_value(json_object_get(value, "sha256"));
	size_t len = sizeof(out->configuration);

	out->configuration_known = true;
	return parse_u32(value, "bytes", &out->configuration_bytes) && hex && hf_hex_parse(hex, out->configuration, &len) &&
	       len == sizeof(out->configuration);
}

static bool parse_work(const json_t *value, struct hf_after_reference *out)
{
	out->health_known = out->health.work_known = true;
	return parse_u32(value, "good", &out->health.good) && parse_u32(value, "bad", &out->health.bad_polls) &&
	       parse_u32(value, "gap_ms", &out->health.gap_ms) && parse_u32(value, "answer_us", &out->health.answer_us);
}

bool hf_after_reference_parse(const json_t *value, struct hf_after_reference *out)
{
	const json_t *configuration = json_object_get(value, "configuration"), *work = json_object_get(value, "work");
	uint32_t bits;

	memset(out, 0, sizeof(*out));
	out->taken = true;
	out->running = json_is_true(json_object_get(value, "running"));
	out->binary = json_is_true(json_object_get(value, "binary"));
	if (!parse_u32(value, "baud", &out->link.baud) || !parse_u32(value, "bits", &bits) ||
	    !parse_u32(value, "bit_errors", &out->link.errors) || !parse_u32(value, "latency_us", &out->link.latency_us) ||
	    !parse_u32(value, "bytes_per_s", &out->link.bytes_per_s))
		return false;
	out->link.tested = bits;
	return (!configuration || parse_configuration(configuration, out)) && (!work || parse_work(work, out));
}

/* SPDX-License-Identifier: MIT
 *
 * Read with SMP's lenient reader: nothing is signed here, and tools write CBOR in more than one way.
 */
#include "settings.h"

#include "core/smp_body.h"

#define SLAVES_DEFAULT 3u
#define ADDRESS_MAX    247u

struct hf_settings hf_settings_default(uint32_t baud)
{
	struct hf_settings s = { .slaves = SLAVES_DEFAULT, .poll_ms = HF_MODBUS_POLL_MS, .baud = baud };

	for (unsigned i = 0; i < SLAVES_DEFAULT; i++)
		s.address[i] = (uint8_t)(i + 1);
	return s;
}

static uint32_t number(struct hf_cbor_reader *r, uint32_t min, uint32_t max)
{
	uint64_t value = hf_smp_uint(r);

	if (value < min || value > max)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return (uint32_t)value;
}

static void read_slaves(struct hf_cbor_reader *r, struct hf_settings *s)
{
	struct hf_smp_items it;

	s->slaves = 0;
	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		uint32_t address = number(r, 1, ADDRESS_MAX);

		if (s->slaves == HF_MODBUS_SLAVES_MAX)
			hf_cbor_fail(r, HF_ERR_TOO_LARGE);
		else
			s->address[s->slaves++] = (uint8_t)address;
	}
	if (s->slaves == 0)
		hf_cbor_fail(r, HF_ERR_RANGE);
}

enum hf_err hf_settings_read(struct hf_bytes configuration, struct hf_settings *settings)
{
	struct hf_settings s = *settings;
	struct hf_cbor_reader r;
	struct hf_smp_items it;
	enum hf_err err;

	hf_cbor_open_final(&r, configuration);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = { 0 };

		if (hf_cbor_peek(&r) == HF_CBOR_TSTR)
			key = hf_cbor_tstr(&r);
		else
			hf_smp_skip(&r);
		if (hf_smp_is(key, "slaves"))
			read_slaves(&r, &s);
		else if (hf_smp_is(key, "poll_ms"))
			s.poll_ms = (uint16_t)number(&r, HF_SETTINGS_POLL_MIN_MS, HF_SETTINGS_POLL_MAX_MS);
		else if (hf_smp_is(key, "baud"))
			s.baud = number(&r, HF_SETTINGS_BAUD_MIN, HF_SETTINGS_BAUD_MAX);
		else
			hf_smp_skip(&r);
	}
	err = hf_cbor_close(&r);
	if (!err)
		*settings = s;
	return err;
}

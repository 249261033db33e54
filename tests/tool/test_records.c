/* SPDX-License-Identifier: MIT
 *
 * Intel HEX and SREC: what objcopy writes reads back as the binary, and every kind of damage is refused with its line.
 */
#include "image_fixture.h"

/* As much flash as the fixtures need: thousands of files are read into it. */
static const struct hf_layout small_board = {.sector = {{0x08020000, 0x1000}}, .sectors = 1};

static enum hf_err parse(const char *text, struct hf_firmware *fw, struct hf_diag *diag)
{
	*diag = (struct hf_diag){""};
	return hf_firmware_parse(fw, "f", (struct hf_bytes){(const uint8_t *)text, strlen(text)}, NULL, &board, diag);
}

static void assert_reads(const char *text, uint32_t addr, const char *bytes, size_t len)
{
	struct hf_firmware fw;
	struct hf_diag diag;

	if (parse(text, &fw, &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(fw.addr, addr);
	assert_int_equal(fw.len, len);
	assert_memory_equal(fw.bytes, bytes, len);
	hf_firmware_free(&fw);
}

struct refusal {
	enum hf_err err;
	const char *says;
	const char *text;
};

static void assert_refused(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hf_firmware fw;
		struct hf_diag diag;
		enum hf_err err = parse(refusals[i].text, &fw, &diag);

		if (err != refusals[i].err)
			fail_msg("%s: error %d instead of %d (%s)", refusals[i].text, err, refusals[i].err, diag.text);
		assert_says(&diag, "f: ");
		assert_says(&diag, refusals[i].says);
		assert_null(fw.bytes);
		assert_null(fw.name);
	}
}

#define HEX_BASE ":020000040802F0\n"
#define HEX_END	 ":00000001FF\n"

static void objcopy_output_reads_as_the_binary(void **state)
{
	static const char *const names[] = {"ram_call-a.hex", "ram_call-a.srec", "ram_call-a.elf"};
	struct hf_buffer bin = fixture("ram_call-a.bin");

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct hf_firmware fw = firmware(names[i], NULL);

		assert_int_equal(fw.format, i == 0 ? HF_IMAGE_HEX : i == 1 ? HF_IMAGE_SREC : HF_IMAGE_ELF);
		assert_int_equal(fw.addr, BASE_A);
		assert_int_equal(fw.len, bin.len);
		assert_memory_equal(fw.bytes, bin.ptr, bin.len);
		hf_firmware_free(&fw);
	}
	hf_buffer_free(&bin);
}

static void hex_records_of_all_types_read(void **state)
{
	(void)state;
	assert_reads(HEX_BASE ":04000000DEADBEEFC4\n" HEX_END, 0x08020000, "\xDE\xAD\xBE\xEF", 4);
	assert_reads(HEX_BASE ":04000000deadbeefc4\r\n\r\n" HEX_END "\n\n", 0x08020000, "\xDE\xAD\xBE\xEF", 4);
	assert_reads(HEX_BASE ":0100030055A7\n:01000000AA55\n" HEX_END, 0x08020000, "\xAA\xFF\xFF\x55", 4);
	assert_reads(HEX_BASE ":0400000508020041AC\n:0400000300003800C1\n:0100000055AA\n" HEX_END, 0x08020000, "\x55",
		     1);
	/* The last line without its end. */
	assert_reads(HEX_BASE ":0100000055AA\n:00000001FF", 0x08020000, "\x55", 1);
	/* A record may run over a 64 KiB boundary in linear mode. */
	assert_reads(HEX_BASE ":02FFFF001122CD\n" HEX_END, 0x0802FFFF, "\x11\x22", 2);
}

static void hex_segment_addresses_read(void **state)
{
	struct hf_layout low = {.sector = {{0, 1 << 20}}, .sectors = 1};
	char fixed[64];
	struct hf_firmware fw;
	struct hf_diag diag;

	(void)state;
	snprintf(fixed, sizeof(fixed), ":020000021200EA\n:01001000559A\n%s", HEX_END);
	assert_int_equal(
		hf_firmware_parse(&fw, "f", (struct hf_bytes){(uint8_t *)fixed, strlen(fixed)}, NULL, &low, &diag),
		HF_OK);
	assert_int_equal(fw.addr, 0x12010);
	hf_firmware_free(&fw);
}

static const struct refusal hex_refusals[] = {
	{HF_ERR_CRC, "line 2 has checksum C5, its bytes make C4", HEX_BASE ":04000000DEADBEEFC5\n" HEX_END},
	{HF_ERR_CRC, "line 1 has checksum", ":020000040802F1\n"},
	{HF_ERR_ENCODING, "line 2 is not as long", HEX_BASE ":05000000DEADBEEFC3\n" HEX_END},
	{HF_ERR_ENCODING, "line 2 is not as long", HEX_BASE ":03000000DEADBEEFC5\n" HEX_END},
	{HF_ERR_ENCODING, "line 2 is not as long", HEX_BASE ":00000001\n"},
	{HF_ERR_ENCODING, "line 2 has half a byte", HEX_BASE ":04000000DEADBEEFC\n"},
	{HF_ERR_ENCODING, "line 2 has a character", HEX_BASE ":04000000DEADBEXFC4\n"},
	{HF_ERR_ENCODING, "line 2 has a character", HEX_BASE ":04000000DEADBEEFC4 \t\n"},
	{HF_ERR_ENCODING, "line 3 does not begin with a colon", HEX_BASE "\n04000000DEADBEEFC4\n"},
	{HF_ERR_TRUNCATED, "missing after line 2", HEX_BASE ":04000000DEADBEEFC4\n"},
	{HF_ERR_TRUNCATED, "missing after line 2", HEX_BASE ":04000000DEADBEEFC4"},
	{HF_ERR_ENCODING, "line 3 follows the end", HEX_BASE HEX_END ":04000000DEADBEEFC4\n"},
	{HF_ERR_UNSUPPORTED, "line 2 is a record of the unknown type 06", HEX_BASE ":00000006FA\n" HEX_END},
	{HF_ERR_UNSUPPORTED, "line 2 is a record of the unknown type AB", HEX_BASE ":000000AB55\n" HEX_END},
	{HF_ERR_ENCODING, "line 1 is not as long", ":03000004080200EF\n"},
	{HF_ERR_ENCODING, "line 2 is not as long", HEX_BASE ":0100000155A9\n"},
	{HF_ERR_RANGE, "line 1 puts 4 bytes at 0x00000000, outside", ":04000000DEADBEEFC4\n" HEX_END},
	{HF_ERR_RANGE, "line 2 puts 2 bytes at 0x080FFFFF, outside", ":02000004080FE3\n:02FFFF001122CD\n" HEX_END},
	{HF_ERR_RANGE, "line 2 puts 1 bytes at 0x1FFFC000, outside", ":020000041FFFDC\n:01C0000055EA\n" HEX_END},
	{HF_ERR_RANGE, "line 3 puts a byte at 0x08020002, where",
	 HEX_BASE ":04000000DEADBEEFC4\n:0200020055AAFD\n" HEX_END},
	{HF_ERR_RANGE, "line 2 runs over the end of its 64 KiB segment", ":0200000280205C\n:02FFFF001122CD\n" HEX_END},
	{HF_ERR_TRUNCATED, "holds nothing", HEX_BASE HEX_END},
};

static void hex_damage_is_refused_with_its_line(void **state)
{
	(void)state;
	assert_refused(hex_refusals, countof(hex_refusals));
}

#define SREC_HEAD "S0050000666F25\n"
#define SREC_DATA "S30908020000DEADBEEFB4\n"
#define SREC_END  "S70508020041AF\n"

static void srec_records_of_all_types_read(void **state)
{
	struct hf_layout low = {.sector = {{0, 1 << 20}}, .sectors = 1};
	const char *short_ones = "S1050010AABB85\nS205012000CC0D\nS5030002FA\nS9030000FC\n";
	struct hf_firmware fw;
	struct hf_diag diag;

	(void)state;
	assert_reads(SREC_HEAD SREC_DATA SREC_END, 0x08020000, "\xDE\xAD\xBE\xEF", 4);
	assert_reads(SREC_DATA "S5030001FB\r\n" SREC_END "\r\n", 0x08020000, "\xDE\xAD\xBE\xEF", 4);
	assert_reads(SREC_DATA "S604000001FA\n" SREC_END, 0x08020000, "\xDE\xAD\xBE\xEF", 4);
	if (hf_firmware_parse(&fw, "f", (struct hf_bytes){(const uint8_t *)short_ones, strlen(short_ones)}, NULL, &low,
			      &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(fw.addr, 0x10);
	assert_int_equal(fw.len, 0x12001 - 0x10);
	assert_int_equal(fw.bytes[1], 0xBB);
	assert_int_equal(fw.bytes[2], 0xFF);
	assert_int_equal(fw.bytes[0x12000 - 0x10], 0xCC);
	hf_firmware_free(&fw);
}

static const struct refusal srec_refusals[] = {
	{HF_ERR_CRC, "line 2 has checksum B5, its bytes make B4", SREC_HEAD "S30908020000DEADBEEFB5\n" SREC_END},
	{HF_ERR_ENCODING, "line 2 is not as long", SREC_HEAD "S30A08020000DEADBEEFB3\n" SREC_END},
	{HF_ERR_ENCODING, "line 2 is not as long", SREC_HEAD "S30808020000DEADBEEFB5\n" SREC_END},
	{HF_ERR_ENCODING, "line 2 is not as long", SREC_HEAD "S3030802F2\n" SREC_END},
	{HF_ERR_ENCODING, "line 2 is not as long", SREC_HEAD "S902\n"},
	{HF_ERR_ENCODING, "line 1 has half a byte", "S0050000666F2\n"},
	{HF_ERR_ENCODING, "line 2 has a character", SREC_HEAD "S30908020000DEADBE:FB4\n"},
	{HF_ERR_ENCODING, "line 2 does not begin with S", SREC_HEAD "30908020000DEADBEEFB4\n"},
	{HF_ERR_ENCODING, "line 2 does not begin with S", SREC_HEAD "S"},
	{HF_ERR_TRUNCATED, "missing after line 2", SREC_HEAD SREC_DATA},
	{HF_ERR_ENCODING, "line 3 follows the end", SREC_DATA SREC_END SREC_DATA},
	{HF_ERR_UNSUPPORTED, "line 2 is a record of the unknown type S4", SREC_DATA "S4030000FC\n" SREC_END},
	{HF_ERR_UNSUPPORTED, "line 2 is a record of the unknown type SA", SREC_DATA "SA030000FC\n" SREC_END},
	{HF_ERR_ENCODING, "line 2 counts 2 data records, but 1 came", SREC_DATA "S5030002FA\n" SREC_END},
	{HF_ERR_RANGE, "line 1 puts 1 bytes at 0x20000000, outside", "S306200000005584\n" SREC_END},
	{HF_ERR_RANGE, "line 2 puts a byte at 0x08020000, where", SREC_DATA SREC_DATA SREC_END},
	{HF_ERR_TRUNCATED, "holds nothing", SREC_HEAD SREC_END},
};

static void srec_damage_is_refused_with_its_line(void **state)
{
	(void)state;
	assert_refused(srec_refusals, countof(srec_refusals));
}

/* Cut anywhere, either format is refused, and never read as something shorter. */
static void every_truncation_is_refused(void **state)
{
	static const char *const names[] = {"none-a.hex", "none-a.srec"};

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct hf_buffer file = fixture(names[i]);
		size_t whole = file.len;

		while (whole && (file.ptr[whole - 1] == '\n' || file.ptr[whole - 1] == '\r'))
			whole--;
		for (size_t len = 0; len < whole; len++) {
			struct hf_firmware fw;
			struct hf_diag diag;

			assert_int_not_equal(
				hf_firmware_parse(&fw, "f", (struct hf_bytes){file.ptr, len}, NULL, &small_board, &diag),
				HF_OK);
		}
		hf_buffer_free(&file);
	}
}

/* One wrong character anywhere is noticed; what has no meaning (letter case) is none. */
static void every_changed_character_is_refused(void **state)
{
	static const char *const names[] = {"none-a.hex", "none-a.srec"};

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct hf_buffer file = fixture(names[i]);

		for (size_t at = 0; at < file.len; at++) {
			uint8_t was = file.ptr[at];
			struct hf_firmware fw;
			struct hf_diag diag;

			if (was == '\r' || was == '\n')
				continue;
			file.ptr[at] = was == '3' ? '8' : '3';
			/* S7 may become S8 or S9 only with another length; S3 to S8 ends the file early. */
			if (!hf_firmware_parse(&fw, "f", hf_buffer_bytes(&file), NULL, &small_board, &diag))
				fail_msg("%s: byte %zu changed from %c to %c is read", names[i], at, was, file.ptr[at]);
			file.ptr[at] = was;
		}
		hf_buffer_free(&file);
	}
}

static void raw_file_needs_its_address_and_others_have_theirs(void **state)
{
	static const char *const names[] = {"none-a.elf", "none-a.hex", "none-a.srec"};
	struct hf_buffer bin = fixture("none-a.bin");
	uint32_t addr = BASE_A, outside = 0x080FFF00;
	struct hf_firmware fw;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_firmware_parse(&fw, "f", hf_buffer_bytes(&bin), NULL, &board, &diag), HF_ERR_TYPE);
	assert_says(&diag, "a raw binary needs its address");
	assert_int_equal(hf_firmware_parse(&fw, "f", hf_buffer_bytes(&bin), &outside, &board, &diag), HF_ERR_RANGE);
	assert_says(&diag, "640 bytes at 0x080FFF00");
	hf_buffer_free(&bin);
	for (size_t i = 0; i < countof(names); i++) {
		struct hf_buffer file = fixture(names[i]);

		assert_int_equal(hf_firmware_parse(&fw, "f", hf_buffer_bytes(&file), &addr, &board, &diag),
				 HF_ERR_TYPE);
		assert_says(&diag, "leave the address out");
		hf_buffer_free(&file);
	}
}

static void missing_or_empty_file_is_refused(void **state)
{
	struct hf_firmware fw;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_firmware_read(&fw, "/nonexistent/fw.elf", NULL, &board, &diag), HF_ERR_IO);
	assert_says(&diag, "/nonexistent/fw.elf");
	assert_null(fw.name);
	assert_int_equal(parse("", &fw, &diag), HF_ERR_TRUNCATED);
	assert_says(&diag, "empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objcopy_output_reads_as_the_binary),
		cmocka_unit_test(hex_records_of_all_types_read),
		cmocka_unit_test(hex_segment_addresses_read),
		cmocka_unit_test(hex_damage_is_refused_with_its_line),
		cmocka_unit_test(srec_records_of_all_types_read),
		cmocka_unit_test(srec_damage_is_refused_with_its_line),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_changed_character_is_refused),
		cmocka_unit_test(raw_file_needs_its_address_and_others_have_theirs),
		cmocka_unit_test(missing_or_empty_file_is_refused),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}

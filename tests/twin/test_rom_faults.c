/* SPDX-License-Identifier: MIT
 *
 * The ROM loader under faults: cuts at every operation, hosts that stop in every frame, noise, resets, snapshots.
 */
#include "rom_host.h"

#include "bytes.h"
#include "usart.h"

#define FLASH   0x08000000u
#define SECTOR5 0x08020000u
#define OPTIONS 0x1fffc000u
#define OTP     0x1fff7800u
#define WORDS   8 /* of each write: every one is an operation to be cut */

static struct rom_host host;
static struct hf_twin_snapshot *synced; /* the loader has answered 0x7F, and sectors 1 and 5 hold something */

static uint8_t data[4 * WORDS];

static int set_up(void **state)
{
	uint8_t old[64];
	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 5);
	memset(old, 0x5a, sizeof(old));
	rom_open(&host, NULL);
	assert_int_equal(hf_twin_load(host.twin, SECTOR5, old, sizeof(old)), HF_OK);
	assert_int_equal(hf_twin_load(host.twin, FLASH + 0x4000, old, sizeof(old)), HF_OK);
	rom_start(&host, 115200);
	assert_int_equal(hf_twin_save(host.twin, &synced), HF_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hf_twin_snapshot_free(synced);
	rom_close(&host);
	return 0;
}

static void restore(void)
{
	hf_twin_disarm_cut(host.twin);
	hf_twin_restore(host.twin, synced);
	host.at = host.len = host.resets = 0;
}

/* ---- cuts ---- */

static bool wait_for_reset(void)
{
	rom_run(&host, 200 * MS);
	if (!hf_twin_is_on(host.twin))
		return false;
	host.at = host.len = 0;
	rom_send(&host, "\x7f", 1);
	return rom_get(&host, S) == ACK;
}

static bool option_command(uint8_t code)
{
	return rom_command(&host, code) == ACK && rom_get(&host, 40 * S) == ACK && wait_for_reset();
}

/* Every kind of operation that the loader has. False: it did not get to the end. */
static bool session(void)
{
	static const uint16_t sector = 5;
	static const uint8_t boot[] = { 0, 1 };
	return rom_erase(&host, &sector, 1) == ACK && rom_write(&host, SECTOR5, data, sizeof(data)) == ACK &&
	       rom_write(&host, OTP, data, 8) == ACK && rom_protect(&host, boot, 2) == ACK && wait_for_reset() &&
	       rom_write(&host, OPTIONS, "\xe4\xaa\xff\xff", 4) == ACK && wait_for_reset() && option_command(0x73) &&
	       option_command(0x82) && option_command(0x92) && rom_erase_code(&host, 0xffff) == ACK;
}

/* What must hold however the power went. */
static void check_after_cut(void)
{
	uint32_t optcr = hf_twin_optcr(host.twin), level = optcr >> 8 & 0xff;
	uint32_t otp = rom_peek(&host, OTP), wanted = load_le32(data);
	assert_true(level == 0xaa || level == 0x55 || level == 0xff);
	assert_int_equal(otp & wanted, wanted); /* bits are only cleared, and only those that were to be */
	if (level == 0xff)
		assert_int_equal(optcr, 0x0fffffec);
}

/* A chip at level 1 is opened again; then everything works. */
static void recover(void)
{
	hf_twin_power_on(host.twin);
	assert_true(wait_for_reset());
	if ((hf_twin_optcr(host.twin) >> 8 & 0xff) != 0xaa) {
		uint8_t byte;
		assert_int_equal(rom_read(&host, FLASH, &byte, 1), NACK);
		assert_true(option_command(0x92));
		assert_int_equal(rom_peek(&host, SECTOR5), UINT32_MAX);
	}
	assert_true(option_command(0x73));
	assert_true(session());
}

static void every_cut_leaves_a_chip_that_can_be_written(void **state)
{
	(void)state;
	static const uint16_t fractions[] = { 0, 0x2000, 0x7fff, 0xc000 };
	struct hf_twin_counts counts;
	unsigned cases = 0;
	uint64_t first, ops;
	hf_twin_counts(host.twin, &counts);
	first = counts.flash_ops;
	assert_true(session());
	hf_twin_counts(host.twin, &counts);
	ops = counts.flash_ops - first;
	/* Erase, words, two words of OTP, five times option bytes, mass erase. */
	assert_int_equal(ops, 1 + WORDS + 2 + 5 + 1);
	for (uint64_t op = 0; op < ops; op++)
		for (unsigned i = 0; i < 8; i++) {
			const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = first + op, .seed = op + 1,
							 .fraction = fractions[i / 2], .unstable = i % 2 };
			restore();
			hf_twin_arm_cut(host.twin, &cut);
			assert_false(session());
			assert_false(hf_twin_is_on(host.twin));
			check_after_cut();
			recover();
			cases++;
		}
	print_message("# %u cuts\n", cases);
}

static void cut_unprotecting_stays_protected(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		restore();
		assert_true(option_command(0x82));
		const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .fraction = (uint16_t)(i * 0x1fff), .seed = i };
		hf_twin_arm_cut(host.twin, &cut);
		assert_false(option_command(0x92));
		assert_int_equal(hf_twin_optcr(host.twin) >> 8 & 0xff, 0x55);
		recover();
	}
}

static void cut_option_bytes_are_level_1(void **state)
{
	(void)state;
	const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .fraction = 0x4000 };
	hf_twin_arm_cut(host.twin, &cut);
	assert_int_equal(rom_write(&host, OPTIONS, "\xe4\xaa\xff\xff", 4), -1);
	assert_int_equal(hf_twin_optcr(host.twin), 0x0fffffec);
	assert_int_equal(rom_peek(&host, SECTOR5), 0x5a5a5a5a);
	recover();
}

static void reset_in_an_erase_tears_it(void **state)
{
	(void)state;
	static const uint8_t erase[] = { 0x44, 0xbb }, list[] = { 0, 0, 0, 5, 5 };
	rom_send(&host, erase, 2);
	assert_int_equal(rom_get(&host, S), ACK);
	rom_send(&host, list, 5);
	rom_run(&host, 10 * MS); /* of 20 */
	hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
	assert_int_equal(hf_twin_wear(host.twin, 5), 1);
	assert_true(wait_for_reset());
	assert_true(session());
}

/* ---- hosts that stop ---- */

static const struct {
	const char *frames; /* each is sent once the one before is acknowledged; the first byte is its length */
	const char *what;
} dialogues[] = {
	{ "\x02\x00\xff", "get" },
	{ "\x02\x11\xee\x05\x08\x02\x00\x00\x0a\x02\xff\x00", "read" },
	{ "\x02\x21\xde\x05\x08\x02\x00\x00\x0a", "go" },
	{ "\x02\x31\xce\x05\x08\x02\x00\x00\x0a\x0a\x07" "abcdefgh" "\x07", "write" },
	{ "\x02\x44\xbb\x07\x00\x01\x00\x05\x00\x06\x02", "erase" },
	{ "\x02\x63\x9c\x04\x01\x00\x01\x01", "protect" },
	{ "\x02\x73\x8c", "unprotect" },
	{ "\x02\x82\x7d", "readout protect" },
	{ "\x02\x92\x6d", "readout unprotect" },
};

/* The frames of a dialogue, without their last `missing` bytes. */
static void begin_dialogue(const char *frames, unsigned sent)
{
	const uint8_t *p = (const uint8_t *)frames;
	for (; sent > 0 && *p; p += *p + 1) {
		unsigned n = *p < sent ? *p : sent;
		rom_send(&host, p + 1, n);
		sent -= n;
		if (sent > 0)
			assert_int_equal(rom_get(&host, S), ACK);
	}
}

static unsigned length_of(const char *frames)
{
	unsigned len = 0;
	for (const uint8_t *p = (const uint8_t *)frames; *p; p += *p + 1)
		len += *p;
	return len;
}

/* A reset may follow what the resynchronisation made of the frame; the loader answers in any case. */
static void check_that_it_answers(const char *what, unsigned sent)
{
	if (rom_command(&host, 0x00) == ACK)
		return;
	hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
	if (!wait_for_reset())
		fail_msg("%s: after %u bytes, and a reset, the loader says nothing", what, sent);
}

static void host_that_stops_anywhere_is_waited_for(void **state)
{
	(void)state;
	unsigned cases = 0;
	for (unsigned d = 0; d < sizeof(dialogues) / sizeof(dialogues[0]); d++)
		for (unsigned sent = 0; sent < length_of(dialogues[d].frames); sent++) {
			restore();
			uint64_t before = hf_twin_flash_hash(host.twin);
			begin_dialogue(dialogues[d].frames, sent);
			rom_run(&host, S);
			host.at = host.len = 0;
			assert_int_equal(rom_get(&host, 120 * S), -1); /* no time-out */
			assert_true(hf_twin_in_rom(host.twin));
			assert_true(hf_twin_flash_hash(host.twin) == before);
			/* To an erase that has no count yet, FF 00 is one of 65281 sectors: only a reset helps. */
			bool counted = dialogues[d].frames[1] == 0x44 && (sent == 2 || sent == 3);
			if ((rom_resync(&host) == 0) != counted)
				fail_msg("%s: after %u bytes FF 00 is not refused", dialogues[d].what, sent);
			check_that_it_answers(dialogues[d].what, sent);
			cases++;
		}
	print_message("# %u cases\n", cases);
}

static void long_write_that_stops_is_resynchronised(void **state)
{
	(void)state;
	uint8_t frame[258];
	memset(frame, 0xff, sizeof(frame));
	for (unsigned sent = 1; sent < sizeof(frame); sent += 16) {
		restore();
		assert_int_equal(rom_address(&host, 0x31, SECTOR5 + 0x100), ACK);
		rom_send(&host, frame, sent);
		rom_run(&host, S);
		assert_in_range(rom_resync(&host), 1, 260);
		check_that_it_answers("long write", sent);
	}
}

static void cable_that_goes_in_mid_frame_is_survived(void **state)
{
	(void)state;
	struct hf_machine *machine = hf_twin_machine(host.twin);
	uint8_t back[4];
	assert_int_equal(rom_address(&host, 0x31, SECTOR5 + 0x100), ACK);
	rom_send(&host, "\x03" "ax", 3);
	rom_run(&host, MS);
	hf_usart_cable(machine, 1, false);
	rom_send(&host, "cd\x1d", 3);
	rom_run(&host, S);
	hf_usart_cable(machine, 1, true);
	assert_in_range(rom_resync(&host), 1, 6);
	assert_int_equal(rom_read(&host, SECTOR5 + 0x100, back, 4), ACK);
	assert_int_equal(load_le32(back), UINT32_MAX);
}

/* ---- noise, lost and repeated bytes ---- */

static uint32_t seed;

static uint32_t roll(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* Back into step, by FF 00 or, where a damaged count wants more bytes than that sends, by the reset pin. */
static void resume(void)
{
	host.at = host.len = 0;
	if (rom_resync(&host) != 0 && rom_command(&host, 0x02) == ACK && rom_get(&host, 10 * MS) == 1) {
		while (rom_get(&host, 10 * MS) >= 0)
			;
		return;
	}
	hf_twin_power_off(host.twin);
	hf_twin_power_on(host.twin);
	rom_sync(&host);
}

static void noise_is_survived(void **state)
{
	(void)state;
	struct hf_machine *machine = hf_twin_machine(host.twin);
	unsigned failed = 0;
	for (unsigned i = 0; i < 60; i++) {
		uint8_t back[sizeof(data)];
		restore();
		hf_usart_noise(machine, 1, i % 2 ? 0.002 : 0.02);
		for (unsigned k = 0; k <= i % 7; k++)
			(void)hf_machine_random(machine);
		for (unsigned n = 0; n < 12; n++)
			failed += rom_write(&host, SECTOR5 + 0x1000 + 256 * n, data, sizeof(data)) != ACK;
		hf_usart_noise(machine, 1, 0);
		resume();
		if ((hf_twin_optcr(host.twin) >> 8 & 0xff) != 0xaa)
			continue; /* a damaged command may have been one of these */
		assert_int_equal(rom_read(&host, SECTOR5, back, sizeof(back)), ACK);
	}
	assert_true(failed > 20);
}

static void garbage_never_hangs_the_loader_for_good(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		uint8_t junk[64];
		restore();
		seed = i + 1;
		for (unsigned k = 0; k < sizeof(junk); k++) {
			/* Commands and their complements more often than chance would have them. */
			static const uint8_t codes[] = { 0x11, 0x21, 0x31, 0x44, 0x63, 0x00, 0x01, 0x02 };
			junk[k] = roll() % 3 ? (uint8_t)roll() : codes[roll() % sizeof(codes)];
			if (k + 1 < sizeof(junk) && roll() % 4 == 0) {
				junk[k + 1] = (uint8_t)~junk[k];
				k++;
			}
		}
		for (unsigned k = 0; k < sizeof(junk); k++) {
			rom_send(&host, &junk[k], 1);
			rom_run(&host, roll() % 2 * 200000);
		}
		rom_run(&host, S);
		hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
		assert_true(wait_for_reset());
		assert_true(rom_command(&host, 0x00) == ACK);
	}
}

/* ---- snapshots ---- */

struct ending {
	uint64_t now_ns, hash;
	uint32_t optcr;
	size_t len;
	uint8_t said[600];
};

/* The host has sent all it had to; what comes of it. */
static void finish(struct rom_host *h, struct ending *ending)
{
	int byte;
	memset(ending, 0, sizeof(*ending));
	h->at = h->len = 0;
	while ((byte = rom_get(h, S)) >= 0 && ending->len < sizeof(ending->said)) {
		ending->said[ending->len++] = (uint8_t)byte;
		if (ending->len == 1)
			ending->now_ns = hf_twin_now_ns(h->twin);
	}
	ending->hash = hf_twin_flash_hash(h->twin);
	ending->optcr = hf_twin_optcr(h->twin);
}

static unsigned compared;

static void same_from_here(void)
{
	static struct ending first, again;
	struct hf_twin_snapshot *snapshot;
	struct rom_host other;
	assert_int_equal(hf_twin_save(host.twin, &snapshot), HF_OK);
	finish(&host, &first);
	compared += first.len > 0;
	hf_twin_restore(host.twin, snapshot);
	finish(&host, &again);
	assert_memory_equal(&again, &first, sizeof(first));
	rom_open(&other, NULL);
	hf_twin_restore(other.twin, snapshot);
	finish(&other, &again);
	assert_memory_equal(&again, &first, sizeof(first));
	rom_close(&other);
	hf_twin_snapshot_free(snapshot);
}

static void snapshot_in_the_first_byte_goes_on(void **state)
{
	(void)state;
	hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
	rom_run(&host, 50 * MS);
	for (unsigned i = 0; i < 6; i++) {
		hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
		rom_run(&host, 100 * MS);
		rom_send(&host, "\x7f", 1);
		rom_run(&host, 10000 + 17000 * i);
		same_from_here();
	}
}

static void snapshot_in_frames_and_work_goes_on(void **state)
{
	(void)state;
	static const char *const frames[] = {
		"\x02\x00\xff",
		"\x02\x11\xee\x05\x08\x02\x00\x00\x0a\x02\xff\x00",
		"\x02\x31\xce\x05\x08\x02\x01\x00\x0b\x12\x0f" "abcdefghijklmnop" "\x1f",
		"\x02\x31\xce\x05\x1f\xff\x78\x00\x98\x0a\x07" "abcdefgh" "\x0f",
		"\x02\x44\xbb\x07\x00\x01\x00\x05\x00\x06\x02",
		"\x02\x63\x9c\x04\x01\x00\x01\x00",
		"\x02\x73\x8c",
		"\x02\x92\x6d",
	};
	for (unsigned f = 0; f < sizeof(frames) / sizeof(frames[0]); f++)
		for (unsigned i = 0; i < 12; i++) {
			restore();
			begin_dialogue(frames[f], length_of(frames[f]));
			rom_run(&host, i * i * 170000ull);
			same_from_here();
		}
	assert_true(compared > 50); /* the others had been answered by then */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_cut_leaves_a_chip_that_can_be_written),
		TEST(cut_unprotecting_stays_protected),
		TEST(cut_option_bytes_are_level_1),
		TEST(reset_in_an_erase_tears_it),
		TEST(host_that_stops_anywhere_is_waited_for),
		TEST(long_write_that_stops_is_resynchronised),
		TEST(cable_that_goes_in_mid_frame_is_survived),
		TEST(noise_is_survived),
		TEST(garbage_never_hangs_the_loader_for_good),
		TEST(snapshot_in_the_first_byte_goes_on),
		TEST(snapshot_in_frames_and_work_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

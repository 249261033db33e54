/* SPDX-License-Identifier: MIT
 *
 * The decoder of costs and addresses, on encodings from the assembler (GNU as; the comments are its input).
 */
#include "check.h"
#include "thumb.h"

#define PC 0x08001002u

static struct hf_thumb decode(uint16_t first, uint16_t second)
{
	return hf_thumb_decode(PC, first, second);
}

static void instructions_have_their_length(void **state)
{
	static const uint16_t narrow[] = { 0x4770, 0xb510, 0xe7fe, 0xbf00, 0x2001, 0x6808, 0xde01, 0xdf03, 0xc803 };
	static const uint16_t wide[] = { 0xf000, 0xe8bd, 0xe92d, 0xea4f, 0xf8d0, 0xfb00, 0xfba1, 0xf3bf, 0xed2d };

	(void)state;
	for (unsigned i = 0; i < sizeof(narrow) / 2; i++)
		assert_int_equal(decode(narrow[i], 0).bytes, 2);
	for (unsigned i = 0; i < sizeof(wide) / 2; i++)
		assert_int_equal(decode(wide[i], 0).bytes, 4);
}

static void literals_have_their_address(void **state)
{
	struct hf_thumb t = decode(0x4b02, 0); /* ldr r3, [pc, #8] */

	(void)state;
	assert_true(t.literal);
	assert_int_equal(t.offset, 0x0800100c);
	assert_int_equal(t.writes, 1 << 3);
	t = decode(0xf8df, 0x2010); /* ldr.w r2, [pc, #16] */
	assert_true(t.literal);
	assert_int_equal(t.offset, 0x08001014);
	t = decode(0xf85f, 0x1006); /* ldr.w r1, [pc, #-6] */
	assert_int_equal(t.offset, 0x08000ffe);
	t = decode(0xe9df, 0x0102); /* ldrd r0, r1, [pc, #8] */
	assert_true(t.literal);
	assert_int_equal(t.offset, 0x0800100c);
	assert_int_equal(t.writes, 3);
	assert_int_equal(t.cycles, 3);
}

static void check_address(struct hf_thumb t, enum hf_thumb_kind kind, unsigned base, unsigned index, unsigned shift,
			  int offset, int step)
{
	assert_int_equal(t.kind, kind);
	assert_false(t.literal);
	assert_int_equal(t.base, base);
	assert_int_equal(t.index, index);
	assert_int_equal(t.shift, shift);
	assert_int_equal(t.offset, offset);
	assert_int_equal(t.step, step);
}

static void addresses_are_base_index_offset_and_step(void **state)
{
	const unsigned none = HF_THUMB_NONE;

	(void)state;
	check_address(decode(0x6848, 0), HF_THUMB_LOAD, 1, none, 0, 4, 0);       /* ldr r0, [r1, #4] */
	check_address(decode(0x7888, 0), HF_THUMB_LOAD, 1, none, 0, 2, 0);       /* ldrb r0, [r1, #2] */
	check_address(decode(0x8088, 0), HF_THUMB_STORE, 1, none, 0, 4, 0);      /* strh r0, [r1, #4] */
	check_address(decode(0x5888, 0), HF_THUMB_LOAD, 1, 2, 0, 0, 0);          /* ldr r0, [r1, r2] */
	check_address(decode(0x9802, 0), HF_THUMB_LOAD, 13, none, 0, 8, 0);      /* ldr r0, [sp, #8] */
	check_address(decode(0xf8d1, 0x0104), HF_THUMB_LOAD, 1, none, 0, 260, 0); /* ldr.w r0, [r1, #260] */
	check_address(decode(0xf851, 0x0c08), HF_THUMB_LOAD, 1, none, 0, -8, 0); /* ldr.w r0, [r1, #-8] */
	check_address(decode(0xf851, 0x0b04), HF_THUMB_LOAD, 1, none, 0, 0, 4);  /* ldr.w r0, [r1], #4 */
	check_address(decode(0xf851, 0x0f04), HF_THUMB_LOAD, 1, none, 0, 4, 4);  /* ldr.w r0, [r1, #4]! */
	check_address(decode(0xf811, 0x0901), HF_THUMB_LOAD, 1, none, 0, 0, -1); /* ldrb.w r0, [r1], #-1 */
	check_address(decode(0xf851, 0x0022), HF_THUMB_LOAD, 1, 2, 2, 0, 0);     /* ldr.w r0, [r1, r2, lsl #2] */
	check_address(decode(0xf842, 0x1b04), HF_THUMB_STORE, 2, none, 0, 0, 4); /* str.w r1, [r2], #4 */
	check_address(decode(0xe8f1, 0x2302), HF_THUMB_LOAD, 1, none, 0, 0, 8);  /* ldrd r2, r3, [r1], #8 */
}

static void written_registers_are_known(void **state)
{
	(void)state;
	assert_int_equal(decode(0x2105, 0).writes, 1 << 1);           /* movs r1, #5 */
	assert_int_equal(decode(0x2905, 0).writes, 0);                /* cmp r1, #5 */
	assert_int_equal(decode(0x4608, 0).writes, 1 << 0);           /* mov r0, r1 */
	assert_int_equal(decode(0x4688, 0).writes, 1 << 8);           /* mov r8, r1 */
	assert_int_equal(decode(0x4288, 0).writes, 0);                /* cmp r0, r1 */
	assert_int_equal(decode(0xfba1, 0x2304).writes, 0x0c);        /* umull r2, r3, r1, r4 */
	assert_int_equal(decode(0xbd30, 0).writes, 1 << 13 | 0x30);   /* pop {r4, r5, pc} */
	assert_int_equal(decode(0xe8bd, 0x03f0).writes, 1 << 13 | 0x03f0); /* pop {r4-r9} */
	assert_int_equal(decode(0xf3ef, 0x8305).writes, 1 << 3);      /* mrs r3, ipsr */
	assert_int_equal(decode(0xe850, 0x1f00).writes, 0x7fff);      /* ldrex: anything */
	assert_int_equal(decode(0xf501, 0x7280).writes, 1 << 2);      /* add.w r2, r1, #256 */
	assert_int_equal(decode(0xeb01, 0x0203).writes, 1 << 2);      /* add.w r2, r1, r3 */
}

static void cycles_are_those_of_the_manual(void **state)
{
	(void)state;
	assert_int_equal(decode(0x1888, 0).cycles, 1);            /* adds r0, r1, r2 */
	assert_int_equal(decode(0x6848, 0).cycles, 2);            /* ldr */
	assert_int_equal(decode(0x6048, 0).cycles, 1);            /* str */
	assert_int_equal(decode(0xb5f0, 0).cycles, 6);            /* push {r4-r7, lr} */
	assert_int_equal(decode(0xbdf0, 0).cycles, 6);            /* pop {r4-r7, pc} */
	assert_int_equal(decode(0xbdf0, 0).refill, 2);
	assert_int_equal(decode(0xfb00, 0xf101).cycles, 1);       /* mul r1, r0, r1 */
	assert_int_equal(decode(0xfb00, 0x2101).cycles, 2);       /* mla r1, r0, r1, r2 */
	assert_int_equal(decode(0xfba1, 0x2304).cycles, 1);       /* umull */
	assert_int_equal(decode(0xfbb0, 0xf0f1).cycles, 7);       /* udiv r0, r0, r1 */
	assert_int_equal(decode(0xe7fe, 0).refill, 1);            /* b . */
	assert_int_equal(decode(0xd1fc, 0).refill, 1);            /* bne */
	assert_int_equal(decode(0xb108, 0).refill, 1);            /* cbz */
	assert_int_equal(decode(0xf7ff, 0xfffe).refill, 1);       /* bl */
	assert_int_equal(decode(0x4770, 0).refill, 2);            /* bx lr */
	assert_int_equal(decode(0x4780, 0).refill, 2);            /* blx r0 */
	assert_int_equal(decode(0xe8df, 0xf000).refill, 2);       /* tbb [pc, r0] */
	assert_int_equal(decode(0xf8df, 0xf004).refill, 2);       /* ldr.w pc, [pc, #4] */
	assert_int_equal(decode(0xbf00, 0).refill, 0);            /* nop */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_have_their_length),
		cmocka_unit_test(literals_have_their_address),
		cmocka_unit_test(addresses_are_base_index_offset_and_step),
		cmocka_unit_test(written_registers_are_known),
		cmocka_unit_test(cycles_are_those_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

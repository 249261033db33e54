/* SPDX-License-Identifier: MIT
 *
 * One construct each, chosen with -D; fw_extra returns 1.
 */
	.syntax unified
	.thumb
	.section .text.fw_extra, "ax", %progbits
	.global fw_extra
	.type fw_extra, %function
fw_extra:
#if defined MOVW_FLASH
	movw	r8, #:lower16:fw_construct
	movt	r8, #:upper16:fw_construct
#elif defined MOVW_RAM
	movw	r8, #:lower16:fw_result
	movt	r8, #:upper16:fw_result
#endif
	movs	r0, #1
	bx	lr
	.size fw_extra, . - fw_extra

	.section .rodata.fw_construct, "a", %progbits
	.balign 4
	.global fw_construct
	.type fw_construct, %object
fw_construct:
#if defined RELATIVE_FLASH
	.word	fw_extra - .
#elif defined RELATIVE_RAM
	.word	fw_result - .
#elif defined RELATIVE_WEAK
	.weak	nobody
	.word	nobody - .
#elif defined TYPE_INFO
	.word	fw_extra(TARGET2)
#elif defined GOT_ENTRY
	.word	fw_extra(GOT)
#endif
	.word	0
	.size fw_construct, . - fw_construct

#!/bin/sh
# SPDX-License-Identifier: MIT
# `holdfast board`: the table, JSON, and generated files that compilers and linkers take.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

exits 0 "the reference board is shown" "$HOLDFAST" board "$reference"
says "with its slots" "  slot_a     5-7      0x08020000    384 KiB"
says "with its class id" "15b10ed2-92ce-5710-8de6-cc4880b4c73b"
exits 0 "as JSON" "$HOLDFAST" board "$reference" --json
says "with the class" '"class": "gw-f407"'

for board in reference compact corpus; do
	file=$HF_SOURCE/boards/$board.conf
	exits 0 "$board: a header" "$HOLDFAST" board "$file" --header --out board.h
	exits 0 "$board: a source" "$HOLDFAST" board "$file" --source --out board.c
	exits 0 "$board: a linker script" "$HOLDFAST" board "$file" --linker --out board.ld
	exits 0 "$board: the source compiles" arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -std=gnu11 -Wall -Wextra -Werror \
		-I. -I"$HF_SOURCE/core" -c board.c -o board.o
	cat >test.ld <<-'EOF'
	INCLUDE board.ld
	MEMORY { slot (rx) : ORIGIN = HF_SLOT_B_ADDR + 0x400, LENGTH = HF_SLOT_B_SIZE - 0x400 }
	SECTIONS { .all : { *(.rodata*) *(.data*) *(.text*) } > slot }
	EOF
	exits 0 "$board: the linker script links" arm-none-eabi-ld -T test.ld board.o -o board.elf
	"$HOLDFAST" board "$file" --source >again.c
	cmp -s board.c again.c
	ok "$board: the same bytes on standard output" $?
done
says_b=$("$HOLDFAST" board "$compact" --linker | sed -n 's/^HF_SLOT_B_ADDR = //p')
[ "$says_b" = "0x08080000;" ]
ok "compact: slot B's symbol" $?
"$HOLDFAST" board "$reference" --header >"$out"
says "the maintenance UART's rate" "#define HF_BOARD_MAINT_BAUD  921600"
says "the DE pin" "#define HF_BOARD_MODBUS_DE_PIN  1"

exits 2 "no file is wrong usage" "$HOLDFAST" board
exits 2 "two outputs at a time are wrong usage" "$HOLDFAST" board "$reference" --json --header
exits 2 "--out without a generator is wrong usage" "$HOLDFAST" board "$reference" --out x
exits 1 "a file that is not there" "$HOLDFAST" board none.conf
sed 's/slot_b   = \[8, 10\]/slot_b   = [7, 10]/' "$reference" >bad.conf
exits 3 "a wrong board file" "$HOLDFAST" board bad.conf --header --out new.h
complains "is named with its line" "bad.conf:26: 'slot_b' overlaps 'slot_a'"
[ ! -e new.h ]
ok "and nothing was written" $?
finish

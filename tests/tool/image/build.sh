#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh OUT STAMP: builds the test firmware's variants with the cross compiler, linked at two bases (and some at others).
# OUT/NAME-a.elf and OUT/NAME-b.elf are linked with relocations; further forms are named at their end.
set -eu

src=$(dirname "$0")
out=$1
base_a=0x08020200
base_b=0x080a1600
cross=arm-none-eabi-
flags="-mcpu=cortex-m4 -mthumb -mfloat-abi=soft -O1 -ffreestanding -Wall -Wextra -Werror -ffunction-sections -fdata-sections"
mkdir -p "$out"

# compile NAME SOURCE [FLAG...]
compile() {
	name=$1 source=$2
	shift 2
	# shellcheck disable=SC2086
	${cross}gcc $flags "$@" -c "$src/$source" -o "$out/$name.o"
}

# link_at NAME BASE TABLE OUTPUT OBJECT [FLAG...]: TABLE is plain or table
link_at() {
	base=$2 table=$3 output=$4 object=$5
	shift 5
	# shellcheck disable=SC2086
	${cross}ld --emit-relocs --gc-sections -z max-page-size=0x200 --no-warn-rwx-segments -L "$src/$table" -T "$src/fw.ld" \
		--defsym=BASE="$base" --defsym=_config_sector=0x080E0000 --defsym=_peripheral=0x40011000 "$@" \
		$main "$out/$object.o" -o "$out/$output.elf"
}

# both NAME TABLE [FLAG...]: two links of fw.o and NAME.o
both() {
	name=$1 table=$2
	shift 2
	link_at "$name" $base_a "$table" "$name-a" "$name" "$@"
	link_at "$name" $base_b "$table" "$name-b" "$name" "$@"
}

compile fw fw.c
main=$out/fw.o
compile none extra_none.c
both none plain
for variant in ram_call beyond beyond_absolute constants unaligned; do
	compile $variant extra_$variant.c
	both $variant plain
done
compile copy_table extra_copy_table.c
both copy_table table
for variant in unwind unwind_ram; do
	compile $variant extra_$variant.c -funwind-tables
	both $variant plain --defsym=__aeabi_unwind_cpp_pr0=0
done
for variant in MOVW_FLASH MOVW_RAM RELATIVE_FLASH RELATIVE_RAM RELATIVE_WEAK TYPE_INFO GOT_ENTRY; do
	compile $variant extra_asm.S -D$variant
	both $variant plain --undefined=fw_construct
done

# Bases that differ by the least that images can, and by what leaves MOVW alone.
link_at none 0x08020400 plain none-near none
link_at MOVW_FLASH 0x08030200 plain MOVW_FLASH-near MOVW_FLASH

# Pages of 4 KiB: ld lets the first segment begin with the ELF header.
link_at none $base_a plain header-a none -z max-page-size=0x1000

# Other objects, a build id, no relocations, a place that is not flash, a base that is not a multiple of 512.
link_at none $base_b plain other-b RELATIVE_FLASH --undefined=fw_construct
link_at none $base_a plain id-a none --build-id
link_at none $base_b plain id-b none --build-id
"${cross}strip" --remove-section=".rel*" "$out/none-a.elf" -o "$out/norelocs-a.elf"
link_at none 0x20010000 plain inram-a none
link_at none 0x08020204 plain misplaced-a none

# Without data.
compile bare bare.c
main=
both bare plain

# The same, to be executed.
compile fw_runs fw.c -DFW_RUNS
compile run_end run_end.c
main="$out/fw_runs.o $out/run_end.o"
for variant in none unwind ram_call beyond beyond_absolute constants; do
	link_at $variant $base_a plain run_$variant-a $variant --defsym=__aeabi_unwind_cpp_pr0=0
	link_at $variant $base_b plain run_$variant-b $variant --defsym=__aeabi_unwind_cpp_pr0=0
done
link_at copy_table $base_a table run_copy_table-a copy_table
link_at copy_table $base_b table run_copy_table-b copy_table

for link in none-a none-b ram_call-a ram_call-b beyond-a beyond-b copy_table-a copy_table-b MOVW_FLASH-a MOVW_FLASH-near; do
	${cross}objcopy -O ihex "$out/$link.elf" "$out/$link.hex"
	${cross}objcopy -O srec "$out/$link.elf" "$out/$link.srec"
	${cross}objcopy -O binary --gap-fill 0xff "$out/$link.elf" "$out/$link.bin"
done
touch "$2"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Is what a firmware runs from RAM free of flash? Code and constants that go on while flash is busy may not hold an address
# in flash: between the two links of one firmware they would differ. TAP on stdout.
#
# Usage: check-live.sh FIRMWARE-A.elf FIRMWARE-B.elf    prefix of the binutils in CROSS (default arm-none-eabi-)
set -eu

cross=${CROSS:-arm-none-eabi-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

symbol() {
	printf '%d' "0x$("${cross}nm" "$1" | sed -n "s/ [a-zA-Z] $2\$//p")"
}

echo "1..2"
for elf in "$1" "$2"; do
	begin=$(symbol "$elf" hf_copy_begin)
	end=$(symbol "$elf" hf_live_end)
	"${cross}objcopy" -O binary -j .ram "$elf" "$tmp/ram"
	head -c $((end - begin)) "$tmp/ram" >"$tmp/$(basename "$elf").live"
done
live=$((end - begin))

if [ "$live" -gt 1024 ]; then
	echo "ok 1 - $live bytes run from RAM"
else
	echo "not ok 1 - only $live bytes run from RAM: the linker script's patterns match no objects"
fi
if cmp "$tmp/$(basename "$1").live" "$tmp/$(basename "$2").live" >"$tmp/where" 2>&1; then
	echo "ok 2 - they hold no address in flash"
else
	echo "not ok 2 - they hold an address in flash: $(cat "$tmp/where")"
fi

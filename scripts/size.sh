#!/bin/sh
# SPDX-License-Identifier: MIT
# Text, memory, stack and heap of boot, recovery and gateway, for both boards. Text counts whatever lies in flash: code,
# constants, initial values. Memory is SRAM and CCM without the stack; recovery's holds its code as well. Stacks are
# measured, not estimated: painted on the twin, then a start (boot) or a start, self-test and upload (gateway), or an upload
# (recovery); interrupts run on the same stack and are in the figure. There is no heap.
#
# Usage: size.sh BUILD [--rows]    --rows: the reference board as rows of build/bench.json
set -eu

build=${1:?usage: size.sh BUILD [--rows]}
rows=${2:-}
cross=${CROSS:-arm-none-eabi-}
holdfast=$build/host/tool/holdfast
dir=$build/size
mkdir -p "$dir"

symbol() {
	"${cross}nm" "$1" | sed -n "s/ [a-zA-Z] $2\$//p"
}

# text of an ELF: the bytes that it takes in flash
text() {
	"${cross}size" "$1" | awk 'NR == 2 { print $1 + $2 }'
}

# memory of an ELF without its stack
memory() {
	ccm=$(symbol "$1" hf_ccm_end)
	echo $((0x$(symbol "$1" hf_zero_end) - 0x$(symbol "$1" hf_stack_end) + 0x${ccm:-10000000} - 0x10000000))
}

# the stack that recovery took on both boards, one a line
recovery_stacks() {
	scripts/test-recovery.sh "$build" stack_has_room_left | sed -n 's/^# stack: \([0-9]*\) of.*/\1/p'
}

# stacks BOARD: "boot gateway", measured
stacks() {
	conf=boards/$1.conf
	boot=$build/stm32f407/boot/$1/boot.elf
	fw=$build/stm32f407/gateway/$1
	[ -f "$dir/release.pem" ] || "$holdfast" keygen release --out "$dir" >/dev/null
	for version in 1.0.0 1.1.0; do
		"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v $version -o "$dir/$1-$version.suit" \
			"$fw/gateway-$version-a.elf" "$fw/gateway-$version-b.elf"
	done
	"$holdfast" factory --board "$conf" --boot "$boot" --keyset "$dir/release.keyset" \
		--package "$dir/$1-1.0.0.suit" --out "$dir/$1.bin" >/dev/null
	"$build/host/bench/bench_stack" "$conf" "$dir/$1.bin" "$dir/release.keyset" "$dir/$1-1.1.0.suit" \
		"$(symbol "$boot" hf_stack_begin)" "$(symbol "$boot" hf_stack_end)" \
		"$(symbol "$fw/gateway-1.0.0-a.elf" hf_stack_begin)" "$(symbol "$fw/gateway-1.0.0-a.elf" hf_stack_end)"
}

row() {
	goal=
	if [ -n "${4:-}" ]; then
		met=false
		[ "$2" -le "$4" ] && met=true
		goal=", \"goal\": $4, \"met\": $met"
	fi
	echo "{\"name\": \"$1\", \"value\": $2, \"unit\": \"bytes\", \"better\": \"lower\"$goal, \"how\": \"$3\"}"
}

line() {
	reserved=$((0x$(symbol "$2" hf_stack_end) - 0x$(symbol "$2" hf_stack_begin)))
	printf '%-10s %-14s %7d %7d %14s %5d\n' "$board" "$1" "$(text "$2")" "$(memory "$2")" "$3 of $reserved" 0
}

[ -n "$rows" ] || printf '%-10s %-14s %7s %7s %14s %5s\n' board program text memory stack heap
recovery_measured=$(recovery_stacks)
for board in reference compact; do
	measured=$(stacks $board)
	recovery=$build/stm32f407/recovery/$board/recovery.elf
	recovery_stack=$(echo "$recovery_measured" | sed -n "$([ $board = reference ] && echo 1 || echo 2)p")
	boot=$build/stm32f407/boot/$board/boot.elf
	gateway=$build/stm32f407/gateway/$board/gateway-1.1.0-a.elf
	if [ -n "$rows" ]; then
		row boot.text_bytes "$(text "$boot")" "boot.elf of the reference board, with ESP256" 16384
		row boot.stack_bytes "${measured% *}" "painted stack over a start, on the twin"
		row recovery.text_bytes "$(text "$recovery")" "recovery.elf of the reference board; all of it is copied to RAM"
		row recovery.ram_bytes "$(memory "$recovery")" "SRAM and CCM without the stack, code included"
		row recovery.stack_bytes "$recovery_stack" "painted stack over an upload, on the twin"
		row gateway.text_bytes "$(text "$gateway")" "gateway-1.1.0-a.elf of the reference board"
		row gateway.stack_bytes "${measured#* }" "painted stack over start, self-test and upload, on the twin"
		exit 0
	fi
	line boot "$boot" "${measured% *}"
	line recovery "$recovery" "$recovery_stack"
	line gateway "$gateway" "${measured#* }"
	line small "$build/stm32f407/gateway/$board/small-a.elf" "-"
done
echo "Bytes. Text is what lies in flash; memory is without the stack; stacks were measured on the twin (painted)."

#!/bin/sh
# SPDX-License-Identifier: MIT
# Recovery as it ships, on the twin of both boards: every way in and out, uploads, noise, peers that stop, repeat or lie.
# TAP on stdout.
#
# Usage: test-recovery.sh BUILD [PATTERN]    PATTERN: only these tests (* and ?)
set -u

build=${1:?usage: test-recovery.sh BUILD [PATTERN]}
cross=${CROSS:-arm-none-eabi-}
holdfast=$build/host/tool/holdfast
status=0

prepare() {
	conf=boards/$board.conf
	dir=$build/recovery-tests/$board
	fw=$build/stm32f407
	mkdir -p "$dir"
	[ -f "$dir/release.pem" ] || "$holdfast" keygen release --out "$dir" || return 1
	for version in 0.1.0 0.2.0; do
		"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v $version -o "$dir/recovery-$version.suit" \
			"$fw/recovery/$board/recovery.elf" "$fw/recovery/$board/recovery-slot.elf" || return 1
	done
	for version in 1.0.0 1.1.0; do
		"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v $version -o "$dir/v$version.suit" \
			"$fw/gateway/$board/gateway-$version-a.elf" "$fw/gateway/$board/gateway-$version-b.elf" || return 1
	done
	factory="$holdfast factory -b $conf --boot $fw/boot/$board/boot.elf -k $dir/release.keyset --recovery $dir/recovery-0.1.0.suit"
	$factory --out "$dir/new.bin" && $factory --package "$dir/v1.0.0.suit" --out "$dir/full.bin"
}

play() { # pattern
	prepare >"$build/recovery-tests-$board.log" 2>&1 || {
		echo "not ok - recovery on $board: $(tail -n 1 "$build/recovery-tests-$board.log")"
		return 1
	}
	for name in hf_stay_turn hf_live_systick hf_stack_begin hf_stack_end; do
		address=$("${cross}nm" "$fw/recovery/$board/recovery.elf" | sed -n "s/ [a-zA-Z] $name\$//p")
		export "HF_SYMBOL_$name=$address"
	done
	HF_RECOVERY_BOARD=$conf HF_RECOVERY_FILES=$dir CMOCKA_MESSAGE_OUTPUT=TAP "$build/host/tests/recovery/recovery_flows" ${1:+"$1"}
}

# Each board has a core of its own.
board=compact
play "${2:-}" >"$build/recovery-tests-compact.tap" 2>&1 &
compact=$!
board=reference
play "${2:-}" || status=1
wait "$compact" || status=1
cat "$build/recovery-tests-compact.tap"
exit "$status"

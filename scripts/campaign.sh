#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts the power in upgrades on the twin, on both boards, in as many lanes as there are cores (two at most).
#
# Usage: campaign.sh BUILD [WORDS [PAIRS]]
#   WORDS  every how many-th word of an image's data is cut (default 1: all); all other operations always are
#   PAIRS  double cuts a flow (default 200)
# Prints TAP lines.
set -u

build=${1:?usage: campaign.sh BUILD [WORDS [PAIRS]]}
words=${2:-1}
pairs=${3:-200}
holdfast=$build/host/tool/holdfast
campaign=$build/host/tests/campaign/campaign
out=$build/campaign
rm -rf "$out"
mkdir -p "$out"

prepare() {
	board=$1
	dir=$out/$board
	fw=$build/stm32f407/gateway/$board
	mkdir -p "$dir"
	"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 0.1.0 \
			--out "$dir/recovery.suit" "$build/stm32f407/recovery/$board/recovery.elf" \
			"$build/stm32f407/recovery/$board/recovery-slot.elf" &&
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 0.2.0 \
			--out "$dir/recovery2.suit" "$build/stm32f407/recovery/$board/recovery.elf" \
			"$build/stm32f407/recovery/$board/recovery-slot.elf" &&
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 1.0.0 \
			--out "$dir/v1.0.0.suit" "$fw/gateway-1.0.0-a.elf" "$fw/gateway-1.0.0-b.elf" &&
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 1.1.0 \
			--out "$dir/small.suit" "$fw/small-a.elf" "$fw/small-b.elf" &&
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 1.0.1 \
			--out "$dir/hang.suit" "$fw/small-hang-a.elf" "$fw/small-hang-b.elf" &&
		"$holdfast" factory --board "boards/$board.conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
			--keyset "$out/release.keyset" --recovery "$dir/recovery.suit" --package "$dir/v1.0.0.suit" \
			--out "$dir/factory.bin"
}

"$holdfast" keygen release --out "$out" >"$out/log" 2>&1 || {
	echo "not ok - campaign: no key: $(tail -n 1 "$out/log")"
	exit 1
}
status=0
lane0=
lane1=
# What runs in the background does not hear Ctrl-C.
trap 'kill $lane0 $lane1 2>/dev/null; exit 7' INT TERM
for board in reference compact; do
	prepare "$board" >>"$out/log" 2>&1 || {
		echo "not ok - campaign on $board: $(tail -n 1 "$out/log")"
		exit 1
	}
done
for board in reference compact; do
	dir=$out/$board
	fw=$build/stm32f407/gateway/$board
	for lane in 0 1; do
		"$campaign" --board "boards/$board.conf" --factory "$dir/factory.bin" --keyset "$out/release.keyset" \
			--small "$dir/small.suit" --hang "$dir/hang.suit" --recovery "$dir/recovery2.suit" --elf "$build/stm32f407/boot/$board/boot.elf" \
			--elf "$fw/gateway-1.0.0-a.elf" --lane "$lane/2" --words "$words" --pairs "$pairs" \
			>"$dir/lane$lane.tap" 2>&1 &
		eval "lane$lane=\$!"
	done
	wait "$lane0" || status=1
	wait "$lane1" || status=1
	cat "$dir/lane0.tap" "$dir/lane1.tap"
done
exit "$status"

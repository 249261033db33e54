#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts the power in upgrades on the twin, on both boards, in as many lanes as there are cores (two at most).
#
# Usage: campaign.sh BUILD [WORDS [OTHERS [PAIRS]]]
#   WORDS  words of images' data that are cut in each flow (default 0: all)
#   OTHERS other operations that are (default 0: all)
#   PAIRS  double cuts a flow (default 200)
# Prints TAP lines.
set -u

build=${1:?usage: campaign.sh BUILD [WORDS [OTHERS [PAIRS]]]}
words=${2:-0}
others=${3:-0}
pairs=${4:-200}
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
	for version in 0.1.0 0.2.0; do
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version $version \
			--out "$dir/recovery-$version.suit" "$build/stm32f407/recovery/$board/recovery.elf" \
			"$build/stm32f407/recovery/$board/recovery-slot.elf" || return 1
	done
	for version in 1.0.0 1.1.0; do
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version $version \
			--out "$dir/v$version.suit" "$fw/gateway-$version-a.elf" "$fw/gateway-$version-b.elf" || return 1
	done
	"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 1.2.0 \
			--out "$dir/small.suit" "$fw/small-a.elf" "$fw/small-b.elf" &&
		"$holdfast" pack --board "boards/$board.conf" --key "$out/release.pem" --version 1.0.1 \
			--out "$dir/hang.suit" "$fw/small-hang-a.elf" "$fw/small-hang-b.elf" &&
		"$holdfast" factory --board "boards/$board.conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
			--keyset "$out/first.keyset" --recovery "$dir/recovery-0.1.0.suit" --package "$dir/v1.0.0.suit" \
			--out "$dir/factory.bin"
}

# The keyset that the factory burns, and a signed successor that trusts a site key too.
keys() {
	for role in root release site; do
		"$holdfast" keygen $role --role $role --out "$out" || return 1
	done
	"$holdfast" keyset make --root "$out/root.pub.pem" --release "$out/release.pub.pem" --out "$out/first.keyset" &&
		"$holdfast" keyset make --from "$out/first.keyset" --site "$out/site.pub.pem" --out "$out/next.keyset" &&
		"$holdfast" keyset sign "$out/next.keyset" --key "$out/root.pem" --previous "$out/first.keyset"
}

keys >"$out/log" 2>&1 || {
	echo "not ok - campaign: no keys: $(tail -n 1 "$out/log")"
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
		"$campaign" --board "boards/$board.conf" --factory "$dir/factory.bin" --keyset "$out/first.keyset" \
			--later "$dir/v1.1.0.suit" --recovery "$dir/recovery-0.2.0.suit" --next-keyset "$out/next.keyset" \
			--elf "$build/stm32f407/recovery/$board/recovery.elf" --small "$dir/small.suit" --hang "$dir/hang.suit" --elf "$build/stm32f407/boot/$board/boot.elf" \
			--elf "$fw/gateway-1.0.0-a.elf" --lane "$lane/2" --words "$words" --others "$others" --pairs "$pairs" \
			>"$dir/lane$lane.tap" 2>&1 &
		eval "lane$lane=\$!"
	done
	wait "$lane0" || status=1
	wait "$lane1" || status=1
	cat "$dir/lane0.tap" "$dir/lane1.tap"
done
exit "$status"

#!/bin/sh
# SPDX-License-Identifier: MIT
# A batch over many twins in lockstep: each gateway is upgraded from 1.0.0 to 1.1.0 by `holdfast batch`, some lose power at a
# seeded instant meanwhile, and all lines are noisy, so that about 3 % of the frames are damaged. Virtual time: how long it
# takes is the same on every machine.
#
# Usage: batch-twins.sh BUILD DIR DEVICES POWER-LOSSES AT-ONCE       writes DIR/result.json and DIR/devices: "ID BEGIN-MS END-MS"
#
# HF_BATCH_SEED (default 1), HF_BATCH_NOISE (share of flipped bits, default 1.5e-6: an upload's frame has 2 KiB).
set -u

build=${1:?usage: batch-twins.sh BUILD DIR DEVICES POWER-LOSSES AT-ONCE}
dir=${2:?}
devices=${3:?}
losses=${4:?}
once=${5:?}
seed=${HF_BATCH_SEED:-1}
noise=${HF_BATCH_NOISE:-1.5e-6}
board=reference
conf=boards/$board.conf
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
fw=$build/stm32f407/gateway/$board
pids=

cleanup() {
	[ -z "$pids" ] || kill $pids 2>/dev/null
}
trap cleanup EXIT
trap 'exit 7' INT TERM

fail() {
	echo "batch-twins: $*" >&2
	exit 1
}

[ -x "$holdfast" ] && [ -x "$twin" ] || fail "the programs are not built: run make firmware"
rm -rf "$dir"
mkdir -p "$dir/backup"

"$holdfast" keygen release --out "$dir" >/dev/null && "$holdfast" keygen site --role site --out "$dir" >/dev/null || fail "no keys"
for version in 1.0.0 1.1.0; do
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v $version -o "$dir/$version.suit" "$fw/gateway-$version-a.elf" \
		"$fw/gateway-$version-b.elf" || fail "cannot pack $version"
done
"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 0.1.0 -o "$dir/recovery.suit" \
	"$build/stm32f407/recovery/$board/recovery.elf" "$build/stm32f407/recovery/$board/recovery-slot.elf" || fail "cannot pack recovery"
"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" --keyset "$dir/release.keyset" \
	--recovery "$dir/recovery.suit" --package "$dir/1.0.0.suit" --out "$dir/factory.bin" >/dev/null || fail "no factory image"
"$holdfast" job make --name "twins" --package "$dir/1.1.0.suit" --board "$conf" --keyset "$dir/release.keyset" \
	--quota "$devices" --retries 3 --serials "T-000001..T-$(printf %06d "$devices")" --serial-to-device \
	--burn-option=--waive --burn-option=pilot=all-are-twins --burn-option=--backup --burn-option="$(realpath "$dir")/backup" --out "$dir/twins.job" >/dev/null && "$holdfast" job sign "$dir/twins.job" --key "$dir/site.pem" >/dev/null || fail "no job"

# Who loses power, and when: in ms after the batch has begun with it.
awk -v seed="$seed" -v devices="$devices" -v losses="$losses" 'BEGIN {
	srand(seed)
	while (losses > 0) {
		i = int(rand() * devices) + 1
		if (i in at)
			continue
		at[i] = int(200 + rand() * 3800)
		losses--
	}
	for (i in at)
		print i, at[i]
}' >"$dir/losses"

ctl() { # device, command
	"$twin" ctl "$dir/$1.sock" "$2" 2>&1 || fail "twin $1: $2"
}

now_ms() {
	ctl "$1" status | sed -n 's/.*"t_ns": *\([0-9]*\)[0-9]\{6\},.*/\1/p'
}

# Up and confirmed, as in the field, before anybody touches them.
i=0
while [ $i -lt "$devices" ]; do
	i=$((i + 1))
	"$twin" run --board "$conf" --load "$dir/factory.bin@0x08000000" --lockstep "$dir/$i.sock" --seed $((seed * 1000 + i)) \
		--uid "$(printf '484600112233445566%06x' $i)" >"$dir/$i.out" 2>&1 &
	pids="$pids $!"
	echo "lockstep:$dir/$i.sock" >>"$dir/ports"
done
i=0
while [ $i -lt "$devices" ]; do
	i=$((i + 1))
	waited=0
	while [ ! -S "$dir/$i.sock" ] && [ $waited -lt 300 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	ctl $i "power on" >/dev/null
	ctl $i "advance 8s" >/dev/null
	begin=$(now_ms $i)
	echo "$begin" >"$dir/$i.begin"
	[ "$noise" = 0 ] || ctl $i "noise $noise" >/dev/null
	loss=$(awk -v i=$i '$1 == i { print $2 }' "$dir/losses")
	[ -z "$loss" ] || ctl $i "at $((begin + loss))ms power off for 700ms" >/dev/null
done

"$holdfast" batch "$dir/twins.job" --job-key "$dir/site.pub.pem" --ports "$dir/ports" --at-once "$once" --operator bench \
	--station bench --report "$dir/twins.html" --report "$dir/twins.csv" --json >"$dir/events" 2>"$dir/errors"
code=$?
tail -n 1 "$dir/events" >"$dir/result.json"
grep -q '"event":"result"' "$dir/result.json" || fail "the batch has no result, exit $code: $(cat "$dir/errors")"
i=0
while [ $i -lt "$devices" ]; do
	i=$((i + 1))
	echo "$i $(cat "$dir/$i.begin") $(now_ms $i)" >>"$dir/devices"
done
[ $code = 0 ] || [ $code = 16 ] || fail "the batch ended with $code: $(cat "$dir/errors")"

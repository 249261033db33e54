#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the measurements, joins their rows into BUILD/bench.json and prints them as a table. Figures are virtual time,
# counts, or ratios within one run; what the machine's speed enters says so in its `how`.
set -u

build=${1:?usage: bench.sh BUILD}
board=reference
conf=boards/$board.conf
holdfast=$build/host/tool/holdfast
fw=$build/stm32f407/gateway/$board
dir=$build/bench
rows=$dir/rows.ndjson
rm -rf "$dir"
mkdir -p "$dir"

fail() {
	echo "bench: $*" >&2
	exit 1
}

run() {
	echo "bench: $1" >&2
	shift
	"$@" >>"$rows" || fail "$1 failed"
}

"$holdfast" keygen release --out "$dir" >/dev/null || fail "no key"
starts=
for size in 64 128 256 380; do
	name=${size}k
	[ $size = 380 ] && name=384k
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.0.0 --pad-to ${size}K -o "$dir/$name.suit" \
		"$fw/gateway-1.0.0-a.elf" "$fw/gateway-1.0.0-b.elf" || fail "cannot pack $size KiB"
	"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
		--keyset "$dir/release.keyset" --package "$dir/$name.suit" --out "$dir/$name.bin" >/dev/null ||
		fail "no factory image of $size KiB"
	starts="$starts $name $dir/$name.bin"
done

# The full slot again, with both signatures that a keyset can demand.
"$holdfast" keygen lms --alg hss-lms --out "$dir" >/dev/null && "$holdfast" keygen root --role root --out "$dir" >/dev/null ||
	fail "no LMS key"
"$holdfast" keyset make --root "$dir/root.pub.pem" --release "$dir/release.pub.pem" --release "$dir/lms.pub.pem" \
	--demand esp256 --demand hss-lms --out "$dir/both.keyset" >/dev/null 2>&1 || fail "no keyset of both algorithms"
"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -k "$dir/lms.pem" -v 1.0.0 --pad-to 380K -o "$dir/both.suit" \
	"$fw/gateway-1.0.0-a.elf" "$fw/gateway-1.0.0-b.elf" 2>/dev/null || fail "cannot pack with both signatures"
"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" --keyset "$dir/both.keyset" \
	--package "$dir/both.suit" --out "$dir/both.bin" >/dev/null || fail "no factory image with both signatures"
starts="$starts 384k_lms $dir/both.bin"

run "boot" "$build/host/bench/bench_boot" "$conf" $starts
run "sizes" scripts/size.sh "$build" --rows
[ ! -x "$build/host/bench/bench_upgrade" ] || {
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.1.0 -o "$dir/next.suit" \
		"$fw/gateway-1.1.0-a.elf" "$fw/gateway-1.1.0-b.elf" || fail "cannot pack the upgrade"
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.0.0 -o "$dir/first.suit" \
		"$fw/gateway-1.0.0-a.elf" "$fw/gateway-1.0.0-b.elf" || fail "cannot pack the firmware"
	"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
		--keyset "$dir/release.keyset" --package "$dir/first.suit" --out "$dir/first.bin" >/dev/null ||
		fail "no factory image"
	run "upgrade" "$build/host/bench/bench_upgrade" "$conf" "$dir/first.bin" "$dir/release.keyset" "$dir/next.suit"
}
run "stm32flash" "$build/host/bench/bench_rom" "$build/host/twin/holdfast-twin" "$build/host/twin/libholdfast-shim.so" \
	"$conf"
[ ! -x "$build/host/bench/bench_burn" ] || {
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 0.1.0 -o "$dir/recovery.suit" \
		"$build/stm32f407/recovery/$board/recovery.elf" "$build/stm32f407/recovery/$board/recovery-slot.elf" ||
		fail "cannot pack recovery"
	"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
		--keyset "$dir/release.keyset" --recovery "$dir/recovery.suit" --out "$dir/recovery.bin" >/dev/null ||
		fail "no factory image with recovery"
	run "burning" "$build/host/bench/bench_burn" "$conf" "$dir/recovery.bin" "$dir/release.keyset" "$dir/384k.suit" \
		"$build/host/twin/holdfast-twin" "$build/host/twin/libholdfast-shim.so"
}
run "a batch of 100 gateways" scripts/bench-batch.sh "$build" "$dir/batch"
# A constant that changed: the gateway's firmware with another version number. And the security fix of foreign firmware, whose
# stack pointer is set into this board's RAM: it is burned, and never runs.
[ ! -x "$build/host/bench/bench_fix" ] || {
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.0.1 -o "$dir/constant.suit" \
		"$fw/gateway-1.1.0-a.elf" "$fw/gateway-1.1.0-b.elf" || fail "cannot pack the changed constant"
	run "a changed constant" "$build/host/bench/bench_fix" constant "$conf" "$dir/first.bin" "$dir/release.keyset" \
		"$dir/constant.suit"
	corpus=${HF_SHARED:-../shared}/corpus
	if [ -f "$corpus/gw_fix.elf" ]; then
		for name in base fix; do
			at=$(readelf -lW "$corpus/gw_$name.elf" | awk '$1 == "LOAD" && $4 == "0x08020000" { print $2 }')
			cp "$corpus/gw_$name.elf" "$dir/gw_$name.elf" && chmod u+w "$dir/gw_$name.elf" &&
				printf '\000\000\002\040' | dd of="$dir/gw_$name.elf" bs=1 seek=$((at)) conv=notrunc 2>/dev/null &&
				"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.0.$((${#name} == 3)) \
					-o "$dir/gw_$name.suit" "$dir/gw_$name.elf" 2>/dev/null || fail "cannot pack gw_$name"
		done
		"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
			--keyset "$dir/release.keyset" --recovery "$dir/recovery.suit" --package "$dir/gw_base.suit" \
			--out "$dir/gw_base.bin" >/dev/null || fail "no factory image of the foreign firmware"
		run "a security fix" "$build/host/bench/bench_fix" fix "$conf" "$dir/gw_base.bin" "$dir/release.keyset" \
			"$dir/gw_fix.suit" "$dir/gw_base.suit"
	else
		echo "bench: no figures of a security fix: $corpus has no gw_fix.elf" >&2
	fi
}
[ ! -x "$build/host/bench/bench_twin" ] || run "twin" "$build/host/bench/bench_twin" "$conf" "$dir/384k.bin" \
	"$build/stm32f407/boot/$board/boot.elf"

{
	echo '['
	sed '$!s/$/,/' "$rows"
	echo ']'
} >"$build/bench.json"

awk '
function text(name,   s) {
	if (!match($0, "\"" name "\": \"[^\"]*\""))
		return ""
	s = substr($0, RSTART, RLENGTH)
	return substr(s, length(name) + 6, length(s) - length(name) - 6)
}
function number(name) {
	if (!match($0, "\"" name "\": [0-9.eE+-]+"))
		return ""
	return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4)
}
BEGIN { printf "%-34s %14s %-14s %-12s %s\n", "figure", "value", "unit", "goal", "how" }
{
	goal = number("goal")
	met = ($0 ~ /"met": true/) ? "met" : "MISSED"
	printf "%-34s %14s %-14s %-12s %s\n", text("name"), number("value"), text("unit"),
		goal == "" ? "" : (text("better") == "lower" ? "<= " : ">= ") goal " " met, text("how")
}' "$rows"
echo "bench: written to $build/bench.json"

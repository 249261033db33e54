#!/bin/sh
# SPDX-License-Identifier: MIT
# Plays an upgrade on the digital twin of the reference board, with the binaries that ship: cuts, a pulled cable, firmware
# that hangs, packages that must be refused. Virtual time: every run takes the same course.
#
# Usage: demo.sh BUILD      ends with one line of result; the files of the run stay in BUILD/demo-BOARD
set -u

build=${1:?usage: demo.sh BUILD}
board=${HF_DEMO_BOARD:-reference}
conf=boards/$board.conf
other=compact
[ "$board" = compact ] && other=reference
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
fw=$build/stm32f407/gateway/$board
dir=$build/demo-$board
socket=$dir/twin.sock
events=$dir/events.ndjson
shown=0
color=0
[ -t 1 ] && color=1
twin_pid=

cleanup() {
	[ -z "$twin_pid" ] || kill "$twin_pid" 2>/dev/null
}
trap cleanup EXIT
trap 'exit 7' INT TERM

fail() {
	timeline
	echo
	echo "demo: FAILED: $*"
	exit 1
}

title() {
	if [ "$color" = 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

# What has happened since the last call.
timeline() {
	[ -f "$events" ] || return 0
	[ ! -S "$socket" ] || "$twin" ctl "$socket" status >/dev/null 2>&1
	lines=$(wc -l <"$events")
	tail -n +$((shown + 1)) "$events" | head -n $((lines - shown)) | awk -v color=$color -f scripts/timeline.awk
	shown=$lines
}

ctl() {
	"$twin" ctl "$socket" "$@" >"$dir/ctl.out" 2>&1 || fail "twin: $(cat "$dir/ctl.out")"
}

pack_recovery() {
	"$holdfast" pack --quiet --board "$conf" --key "$dir/release.pem" --version 0.1.0 --security-version 1 \
		--out "$dir/recovery.suit" "$build/stm32f407/recovery/$board/recovery.elf" \
		"$build/stm32f407/recovery/$board/recovery-slot.elf" || fail "recovery cannot be packed"
}

pack() { # out, version, elf name, more options
	out=$1 version=$2 elf=$3
	shift 3
	"$holdfast" pack --quiet --board "$conf" --key "$dir/release.pem" --version "$version" --security-version 1 \
		--description "Gateway $version" --out "$dir/$out" "$@" "$fw/$elf-a.elf" "$fw/$elf-b.elf" ||
		fail "$out cannot be packed"
}

burn() { # package, more options
	package=$1
	shift
	"$holdfast" burn "$dir/$package" --as-pilot --port "lockstep:$socket" --board "$conf" --keyset "$dir/release.keyset" "$@" \
		>"$dir/burn.out" 2>&1
}

report() { grep -v 'uploading \[' "$dir/burn.out" | sed 's/^/               tool   /'; }

# A package that must be refused, with a reason, before anything is erased. First by the tool; then the device itself,
# with a tool that does not look (--no-verify).
erases() { ctl status; sed -n 's/.*"flash_erases": *\([0-9]*\).*/\1/p' "$dir/ctl.out"; }

refuse() { # what, package, exit code of the tool, reason of the tool, reason of the device
	before=$(erases)
	burn "$2"
	code=$?
	[ "$code" = "$3" ] || { report; fail "$1: the tool ended with $code, not $3"; }
	grep -qi -- "$4" "$dir/burn.out" || { report; fail "$1: the tool gives another reason than '$4'"; }
	printf '  %-34s tool:   %s\n' "$1" "$(tail -n 1 "$dir/burn.out")"
	burn "$2" --no-verify --no-activate
	code=$?
	[ "$code" = 6 ] || { report; fail "$1: sent all the same, the tool ended with $code, not 6"; }
	grep -qi -- "$5" "$dir/burn.out" || { report; fail "$1: the device gives another reason than '$5'"; }
	printf '  %-34s device: %s\n' '' "$(tail -n 1 "$dir/burn.out")"
	if [ "$1" != "a flipped bit in the payload" ]; then
		[ "$(erases)" = "$before" ] || fail "$1: something was erased"
	fi
}

flip() { # from, to, offset from the end (negative) or begin
	cp "$dir/$1" "$dir/$2"
	size=$(wc -c <"$dir/$2")
	at=$3
	[ "$at" -ge 0 ] || at=$((size + at))
	byte=$(od -An -tu1 -j "$at" -N 1 "$dir/$2" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((byte ^ 16)))" | dd of="$dir/$2" bs=1 seek="$at" conv=notrunc 2>/dev/null
}

running() { # the version that runs and is confirmed
	"$holdfast" status --port "lockstep:$socket" --board "$conf" --json >"$dir/status.json" 2>"$dir/status.err" ||
		fail "no status: $(cat "$dir/status.err")"
	sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$dir/status.json" | head -n 1
}

[ -x "$holdfast" ] && [ -x "$twin" ] || {
	echo "demo: the programs are not built: run make demo" >&2
	exit 1
}
rm -rf "$dir"
mkdir -p "$dir"
XDG_DATA_HOME=$(cd "$dir" && pwd)/data # backups of the devices
export XDG_DATA_HOME

title "1. From the factory"
"$holdfast" keygen release --out "$dir" >"$dir/keygen.out" 2>&1 || fail "no key: $(cat "$dir/keygen.out")"
pack_recovery
pack v1.0.0.suit 1.0.0 gateway-1.0.0
pack v1.1.0.suit 1.1.0 gateway-1.1.0 --from '>=1.0.0,<2.0.0'
pack v1.2.0.suit 1.2.0 gateway-1.2.0
"$holdfast" inspect "$dir/v1.0.0.suit" | sed -n '1,12s/^/  /p'
"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" --keyset "$dir/release.keyset" \
	--recovery "$dir/recovery.suit" --package "$dir/v1.0.0.suit" --out "$dir/factory.bin" >"$dir/factory.out" 2>&1 || fail "$(cat "$dir/factory.out")"
"$twin" run --board "$conf" --flash "$dir/factory.bin" --lockstep "$socket" --events "$events" \
	--fault 'at 11.9s cable off for 2s' >"$dir/twin.out" 2>"$dir/twin.err" &
twin_pid=$!
i=0
while [ ! -S "$socket" ]; do
	i=$((i + 1))
	[ $i -lt 100 ] && kill -0 "$twin_pid" 2>/dev/null || fail "the twin does not start: $(cat "$dir/twin.err")"
	sleep 0.1
done
ctl power on
ctl advance 8s
timeline
[ "$(running)" = 1.0.0 ] || fail "1.0.0 does not run"

title "2. 1.1.0 over the maintenance line; the power fails in an erase and in a word, the cable is pulled"
ctl cut next erase in slot-b at 0.4 unstable
ctl cut next program in slot-b after 5000 at 0.5 unstable
burn v1.1.0.suit || { report; fail "1.1.0 was not burned"; }
timeline
report
[ "$(running)" = 1.1.0 ] || fail "1.1.0 does not run"

title "3. 1.2.0 hangs after its start: the watchdog bites, and 1.1.0 comes back by itself"
burn v1.2.0.suit
code=$?
timeline
report
[ "$code" = 6 ] || fail "the burn of firmware that hangs ended with $code, not 6"
[ "$(running)" = 1.1.0 ] || fail "1.1.0 did not come back"

title "4. Refused, by the tool and by the device itself, before anything is erased"
"$holdfast" keygen foreign --out "$dir" >/dev/null 2>&1
pack good.suit 1.3.0 gateway-1.1.0
"$holdfast" pack --quiet --board "boards/$other.conf" --key "$dir/release.pem" --version 1.3.0 --security-version 1 \
	--out "$dir/other.suit" "$build/stm32f407/gateway/$other/gateway-1.1.0-a.elf" \
	"$build/stm32f407/gateway/$other/gateway-1.1.0-b.elf" || fail "no package for the other board"
"$holdfast" pack --quiet --board "$conf" --key "$dir/foreign.pem" --version 1.3.0 --security-version 1 \
	--out "$dir/foreign.suit" "$fw/gateway-1.1.0-a.elf" "$fw/gateway-1.1.0-b.elf" || fail "no foreign package"
"$holdfast" pack --quiet --board "$conf" --key "$dir/release.pem" --version 1.3.0 --security-version 0 \
	--out "$dir/low.suit" "$fw/gateway-1.1.0-a.elf" "$fw/gateway-1.1.0-b.elf" || fail "no low package"
pack from2.suit 1.3.0 gateway-1.1.0 --from '>=2.0.0'
flip good.suit envelope.suit 200
flip good.suit payload.suit -2 # in what is always sent: most of this payload is in the device already
refuse "for another board" other.suit 4 "is for" "hardware class"
refuse "a flipped bit in the envelope" envelope.suit 3 "digest" "digest"
refuse "a foreign signature" foreign.suit 4 "sign" "sign"
refuse "too low a security version" low.suit 4 "security version" "security version"
refuse "upgrades from other versions only" from2.suit 4 "version" "version"
refuse "a flipped bit in the payload" payload.suit 3 "not what was signed" "digest"
[ "$(running)" = 1.1.0 ] || fail "1.1.0 does not run any more"
ctl advance 8s
timeline
grep '"event":"led"' "$events" | tail -n 1 | grep -q '"state":"solid"' || fail "the light does not say that all is well"

title "5. Both slots rot: recovery waits by itself, and takes new firmware"
"$holdfast" board "$conf" --linker | sed -n 's/^HF_SLOT_[AB]_ADDR = \(0x[0-9a-f]*\);/\1/p' >"$dir/slots"
while read -r slot; do
	ctl flip "$(printf '0x%08x' $((slot + 0x2000)))" 0x10
done <"$dir/slots"
ctl reset
ctl advance 8s
timeline
grep '"event":"led"' "$events" | tail -n 1 | grep -q '"state":"breathing"' || fail "the light does not breathe in recovery"
burn good.suit || { report; fail "recovery did not take 1.3.0"; }
timeline
report
[ "$(running)" = 1.3.0 ] || fail "1.3.0 does not run"

if grep -q '"event":"\(stall_error\|fault\|lockup\|misuse\)"' "$events"; then
	fail "the firmware stalled or faulted: see $events"
fi
echo
echo "demo: passed: 1.0.0 -> 1.1.0 through two power cuts and a pulled cable, back from 1.2.0, six packages refused, rescued by recovery"

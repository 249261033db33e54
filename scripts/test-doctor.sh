#!/bin/sh
# SPDX-License-Identifier: MIT
# `holdfast doctor` and `holdfast monitor` as a technician types them, at devices with the firmware that ships, on the twin:
# sound ones, one behind a noisy line, one that is off, one that restarts in a loop; recovery tried; several devices watched.
#
# Usage: test-doctor.sh BUILD      says TAP lines
set -u

build=${1:?usage: test-doctor.sh BUILD}
board=reference
conf=boards/$board.conf
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
fw=$build/stm32f407
dir=$build/doctor
twins=
count=0

cleanup() {
	for pid in $twins; do kill "$pid" 2>/dev/null; done
}
trap cleanup EXIT
trap 'exit 7' INT TERM

fail() {
	count=$((count + 1))
	echo "not ok $count - $*"
	sed 's/^/# /' "$dir/out"
	exit 1
}

ok() {
	count=$((count + 1))
	echo "ok $count - $*"
}

pack() { # out, version, elf base names
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v "$2" -o "$dir/$1" "$3" "$4" >"$dir/out" 2>&1 || fail "$1 cannot be packed"
}

prepare() {
	rm -rf "$dir"
	mkdir -p "$dir"
	"$holdfast" keygen release --out "$dir" >"$dir/out" 2>&1 || fail "no key"
	for version in 1.0.0 1.1.0 1.2.0; do
		pack v$version.suit $version "$fw/gateway/$board/gateway-$version-a.elf" "$fw/gateway/$board/gateway-$version-b.elf"
	done
	pack recovery.suit 1.0.0 "$fw/recovery/$board/recovery.elf" "$fw/recovery/$board/recovery-slot.elf"
	for version in 1.0.0 1.2.0; do
		"$holdfast" factory --board "$conf" --boot "$fw/boot/$board/boot.elf" --keyset "$dir/release.keyset" \
			--recovery "$dir/recovery.suit" --package "$dir/v$version.suit" --out "$dir/$version.bin" >"$dir/out" 2>&1 ||
			fail "no flash with $version"
	done
	cp "$dir/1.0.0.bin" "$dir/full.bin"
}

# A twin of its own: name, flash image.
begin() {
	cp "$dir/$2" "$dir/$1.flash"
	"$twin" run --board "$conf" --flash "$dir/$1.flash" --lockstep "$dir/$1.sock" --slaves 8 >"$dir/$1.out" 2>&1 &
	twins="$twins $!"
	i=0
	while [ ! -S "$dir/$1.sock" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "the twin does not start"
		sleep 0.1
	done
}

ctl() { # twin, command
	name=$1
	shift
	"$twin" ctl "$dir/$name.sock" "$@" >"$dir/ctl.out" 2>&1 || { cp "$dir/ctl.out" "$dir/out"; fail "the twin refuses: $*"; }
}

# doctor at a twin; $2 is the exit code that it has to have.
doctor() {
	name=$1 want=$2
	shift 2
	"$holdfast" doctor --port "lockstep:$dir/$name.sock" "$@" >"$dir/out" 2>&1
	code=$?
	[ "$code" = "$want" ] || fail "doctor $*: ended with $code, not $want"
}

said() { # a regular expression of a line
	grep -q -- "$1" "$dir/out" || fail "it does not say '$1'"
}

healthy() {
	begin sound 1.0.0.bin
	ctl sound advance 12s
	doctor sound 0 --board "$conf"
	for row in "device .* runs 1.0.0 in slot A" "supply  *3\.[0-9]* V at the chip" "receiver .* no damaged character" \
		"self-test  *passed" "memory  *journal" "recovery .* verifies" "link at 921600  *no bit wrong" \
		"link at 115200  *no bit wrong" "way in: pin  *open" "way in: resets  *open" "way in: line  *open" \
		"way in: request  *open" "way in: ROM "; do
		said "^passed *$row"
	done
	said "hold PE2 to ground"
	grep -q "^FAILED\|^warning" "$dir/out" && fail "something is wrong with a sound device"
	ok "a sound device passes every row, and each way into recovery is named"
	"$holdfast" status --port "lockstep:$dir/sound.sock" --board "$conf" >"$dir/out" 2>&1 || fail "no status after doctor"
	said "started by: power-on"
	ok "doctor has not restarted it"
	ctl sound press recovery
	doctor sound 0 --board "$conf" --json
	said '"name":"way in: pin","state":"warning","text":"open, and held now'
	said '"event":"result".*"exit":0.*"failed":0'
	ctl sound release recovery
	ok "a pin that is held is noticed"
	doctor sound 0 --board "$conf" --try-recovery
	said "^passed *recovery tried .*'Waiting for Download...' after .* its light breathes, and 1.0.0 runs again"
	ok "recovery is entered to prove it, and left again"
}

sagging() {
	ctl sound supply 2650
	doctor sound 9 --board "$conf"
	said "^FAILED *supply  *2\.6[45] V at the chip; 2\.70 V at least"
	ctl sound supply 3300
	doctor sound 0 --board "$conf"
	said "^warning *starts .* the supply was too low once"
	ok "a supply that sags fails"
}

held_low() {
	ctl sound power off
	ctl sound break on for 300ms
	ctl sound power on
	ctl sound advance 2s
	doctor sound 0 --board "$conf"
	said "^warning *device .* is in recovery"
	said "^warning *line at rest .*held a break"
	said "adapter without power"
	ctl sound power off
	ctl sound power on
	ctl sound advance 2s
	ok "a line that was held low at the start is told, where recovery runs for it"
}

noisy() {
	ctl sound noise 0.0002
	doctor sound 9 --board "$conf"
	said "^FAILED *link at"
	said "shorter cable"
	ctl sound noise 0
	doctor sound 0 --board "$conf"
	ok "a noisy line is found, and a sound one again afterwards"
}

dead() {
	ctl sound power off
	doctor sound 5 --board "$conf"
	said "^FAILED *device .* nothing answers"
	said "way in: pin"
	ok "a device that is off is no device, and the ways into recovery are shown"
	ctl sound power on
}

looping() {
	begin loop 1.2.0.bin
	ctl loop advance 17s
	doctor loop 9 --board "$conf" --listen 30s
	said "^FAILED *restarts  *it restarts over and over: [0-9]* starts .* watchdog ("
	said "the firmware hangs"
	ok "firmware that hangs is a loop of restarts by the watchdog"
	ctl loop advance 60s
	doctor loop 0 --board "$conf"
	said "^warning *device .* is in recovery, no firmware runs"
	said "^warning *slot A .* 1.2.0, which is whole, but rejected"
	ok "once it has ended in recovery, that is told, and why nothing starts"
}

watched() {
	"$holdfast" burn "$dir/v1.2.0.suit" --as-pilot --port "lockstep:$dir/sound.sock" --board "$conf" --keyset "$dir/release.keyset" \
		--no-activate >"$dir/out" 2>&1 || fail "1.2.0 cannot be uploaded"
	hash=$("$holdfast" image list --port "lockstep:$dir/sound.sock" --json 2>/dev/null | tr ',{' '\n\n' | sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p' | tail -n 1)
	"$holdfast" image test "$hash" --port "lockstep:$dir/sound.sock" >"$dir/out" 2>&1 || fail "no trial"
	"$holdfast" image reset --port "lockstep:$dir/sound.sock" >"$dir/out" 2>&1 || fail "no reset"
	"$holdfast" monitor --port "lockstep:$dir/sound.sock" --port "lockstep:$dir/loop.sock" --for 60s --log "$dir/log" \
		>"$dir/out" 2>&1 || fail "monitor ended with $?"
	for line in "sound  boot  " "sound  starting .*(trial 2 of 3)" "sound  trial  .*gateway 1.2.0" "sound  rolled back  .*gateway 1.0.0" \
		"loop   recovery  .*Waiting for Download"; do
		said "$line"
	done
	cmp -s "$dir/out" "$dir/log" || [ -s "$dir/log" ] || fail "nothing is in the log"
	ok "two devices are watched at once, each line with its device and stage"
	HOLDFAST_PORTS="lockstep:$dir/sound.sock" "$holdfast" monitor --device 3500 --for 1s --json >"$dir/out" 2>&1 ||
		fail "the device is not found by its id"
	said '"event":"result"'
	ok "a device is found by its id"
}

prepare
HF_RECOVERY_BOARD=$conf HF_RECOVERY_FILES=$dir CMOCKA_MESSAGE_OUTPUT=TAP "$build/host/tests/recovery/device_stages" >"$dir/stages" 2>&1
grep -v '^1\.\.' "$dir/stages" | grep '^ok\|^not ok\|^#'
grep -q '^not ok' "$dir/stages" && { sed 's/^/# /' "$dir/stages"; exit 1; }
count=$(grep -c '^ok' "$dir/stages")
[ "$count" = 3 ] || fail "the stages were not tested"
healthy
sagging
held_low
noisy
dead
looping
watched
echo "1..$count"

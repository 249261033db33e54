#!/bin/sh
# SPDX-License-Identifier: MIT
# What a device tells of itself, as a technician asks for it, from the firmware that ships, on the twin: supply and
# temperature, light and pin, its work, and its history over an upgrade, a roll-back, a low supply, and a sector full of garbage.
#
# Usage: test-health.sh BUILD      says TAP lines
set -u

build=${1:?usage: test-health.sh BUILD}
dir=$build/health
. scripts/one-device.sh

# The last command said all of this.
says() {
	for text in "$@"; do
		grep -q -- "$text" "$dir/out" || fail "'$text' was not said"
	done
}

says_not() {
	grep -q -- "$1" "$dir/out" && fail "'$1' was said"
}

prepare() {
	make_device 1.0.0 1.1.0 1.2.0
	# Sector 11 as somebody else left it: no record in it, and no room.
	yes "this is not a history" | dd of="$dir/flash.bin" bs=1024 seek=896 count=128 iflag=fullblock conv=notrunc 2>/dev/null ||
		fail "garbage cannot be written into the data partition"
	start_twin 6s
}

first_start() {
	device 0 history
	says "1.0.0 starts in slot A after: power-on" "1.0.0 in slot A confirms itself"
	ctl modbus
	gap=$(sed 's/.*"gap_ns": \([0-9]*\).*/\1/' "$dir/ctl.out")
	[ "$gap" -lt 150000000 ] || fail "the gateway's work stood still for $gap ns"
	ok "a history without room begins anew, and the gateway's work goes on meanwhile (longest gap $((gap / 1000000)) ms)"
}

health() {
	device 0 status
	says "supply  *3\.[23][0-9] V at the chip, 2[45]\.[0-9] C" "light  *running" "self-test  *passed" \
		"work  *[1-9][0-9]* polls answered, 0 not" "recovery  *by pin, three resets, serial line, request"
	says_not "pin is held"
	ctl press recovery
	ctl "temperature -20"
	device 0 status --json
	says '"pin_held": true' '"temperature_c": -\(19\|20\)' '"done": true' '"slowest_ms": 10[0-9][0-9]' '"pll": true'
	ctl release recovery
	ctl temperature 25
	ok "status tells supply, temperature, light, pin, self-test and work"
}

low_supply() {
	ctl supply 2600
	ctl advance 11s
	device 0 status
	says "supply  *2\.[56][0-9] V at the chip" "below 2.70 V"
	device 0 history --trouble
	says "alarm: the supply is low: 2\.[56]"
	says_not "confirms itself"
	ctl supply 3300
	ok "a low supply is told, and stays in the history"
}

upgrade() {
	device 0 burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset"
	device 0 history
	says "1.1.0 goes into slot B" "1.1.0 is complete and verified in slot B" "1.1.0 starts in slot B after: request" \
		"1.1.0 in slot B confirms itself"
	"$holdfast" burn "$dir/1.2.0.suit" --as-pilot --keyset "$dir/release.keyset" --port "lockstep:$socket" --board "$conf" >"$dir/out" 2>&1 &&
		fail "firmware that hangs was confirmed"
	ctl advance 15s
	device 0 history --out "$dir/history.bin"
	says "firmware [0-9a-f]* in slot A was given up: watchdog" "1.2.0 goes into slot A"
	ok "an upgrade and a roll-back are in the history"
	"$holdfast" history --from "$dir/history.bin" --json >"$dir/out" 2>&1 || fail "the kept history cannot be read"
	says '"type": "rejected"' '"why": "watchdog"' '"version": "1.1.0"' '"damaged": 0'
	ok "a history that was kept in a file says the same"
}

# All as boot would, at full work: then the slot that does not run gets a bit wrong.
places() {
	ctl modbus clear
	device 0 status --verify
	says "verified  *slot A: 1.2.0 would start" "verified  *slot B: 1.1.0 would start" "verified  *recovery: recovery 1.0.0 would start"
	ctl modbus
	gap=$(sed 's/.*"gap_ns": \([0-9]*\).*/\1/' "$dir/ctl.out")
	[ "$gap" -lt 150000000 ] || fail "the gateway's work stood still for $gap ns"
	ctl flip 0x08022000 1
	device 0 status --verify
	says "verified  *slot A: would not start: the digest does not match" "verified  *slot B: 1.1.0 would start"
	ok "the device verifies what it holds, and goes on working (longest gap $((gap / 1000000)) ms)"
}

in_recovery() {
	device 0 recovery
	device 0 status
	says "runs *recovery" "supply  *3\.[23]" "light  *recovery" "recovery  *by pin"
	says_not " work "
	device 0 status --verify --json
	says '"place": "slot A"' '"verdict": 16' '"component": "recovery"'
	device 0 history
	says "was given up" "1.1.0 in slot B confirms itself"
	ok "recovery tells, too, but for work, and reads the history"
	device 0 factory-reset --yes
	device 0 history
	says "nothing is written down yet"
	ok "factory-reset erases the history"
}

prepare
first_start
health
low_supply
upgrade
places
in_recovery
echo "1..$count"

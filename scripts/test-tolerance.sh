#!/bin/sh
# SPDX-License-Identifier: MIT
# Upgrades at the edges of what the chip's datasheet allows: oscillators over their tolerance, flash at four times its usual
# time, a supply that dips. The firmware that ships must not notice: no restart but the one that the upgrade asks for (or
# that the fault is), no stall in an interrupt, no lost poll of its bus, and the new version confirms itself.
#
# Usage: test-tolerance.sh BUILD [all]      says TAP lines; all: more of them
set -u

build=${1:?usage: test-tolerance.sh BUILD [all]}
all=${2:-}
dir=$build/tolerance
. scripts/one-device.sh

prepare() {
	make_device 1.0.0 1.1.0
	mv "$dir/flash.bin" "$dir/factory.bin"
}

start() {
	cp "$dir/factory.bin" "$dir/flash.bin"
	rm -f "$dir/events.ndjson"
	start_twin 6s --fault "$1"
}

stop() {
	kill "$twin_pid" 2>/dev/null
	wait "$twin_pid" 2>/dev/null
	twin_pid=
}

# How often an event was told, with this text in its line.
events() {
	grep "\"event\":\"$1\"" "$dir/events.ndjson" | grep -c -- "$2"
}

# An upgrade under these commands to the twin, with so many restarts by them, each of which may interrupt a poll of the bus.
upgrade_under() {
	name=$1
	faults=$2
	restarts=$3
	start "$faults"
	"$holdfast" burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset" --port "lockstep:$socket" --board "$conf" \
		>"$dir/out" 2>&1 || fail "$name: the upgrade under '$faults' failed"
	ctl advance 100ms
	ctl status
	cp "$dir/ctl.out" "$dir/out"
	resets=$(events reset cause)
	[ "$resets" = $((2 + restarts)) ] || fail "$name: $resets resets under '$faults', not $((2 + restarts))"
	[ "$(events watchdog event)" = 0 ] || fail "$name: the watchdog bit under '$faults'"
	grep -q '"stall_errors": 0, "faults": 0, "misuse": 0' "$dir/ctl.out" || fail "$name: the firmware did what it must not under '$faults'"
	grep -q '"running": "slot-b"' "$dir/ctl.out" || fail "$name: the new firmware does not run under '$faults'"
	lost=$(sed 's/.*"lost": \([0-9]*\).*/\1/' "$dir/ctl.out")
	[ "$lost" -le "$restarts" ] || fail "$name: $lost polls of the bus were lost under '$faults'"
	stop
	ok "$name"
}

prepare
# LSI: 17 to 47 kHz, HSI: 1 % at 25 C (DS8626, tables 33 and 34). Erases take at most twice their typical time there; they
# become slower with age.
upgrade_under "a slow watchdog, and a fast core" "lsi 17000; hsi 10000" 0
upgrade_under "a fast watchdog, and a slow core" "lsi 47000; hsi -10000" 0
upgrade_under "erases of 4 s under the fastest watchdog and a fast core" "lsi 47000; hsi 30000; flash speed 4000" 0
upgrade_under "an oscillator that drifts by 4 % while the line is in use" \
	"hsi -20000; at 6.5s hsi -10000; at 7s hsi 0; at 7.5s hsi 10000; at 8s hsi 20000" 0
upgrade_under "a brown-out in the middle of the upload" \
	"cut next program in slot-b after 3000 at 0.5 unstable brown-out" 1
upgrade_under "a brown-out in the middle of the erase" "cut next erase in slot-b at 0.5 unstable brown-out" 1
if [ "$all" = all ]; then
	upgrade_under "3 % slow" "hsi -30000" 0
	upgrade_under "3 % fast" "hsi 30000" 0
	upgrade_under "erases of 4 s under the slowest watchdog" "lsi 17000; flash speed 4000" 0
	upgrade_under "erases of 4 s under the fastest watchdog and a slow core" "lsi 47000; hsi -30000; flash speed 4000" 0
	upgrade_under "erases of 6 s, for which the driver does not wait" "flash speed 6000" 0
	upgrade_under "a brown-out in the journal" "cut next program in journal after 40 at 0.5 unstable brown-out" 1
fi
echo "1..$count"

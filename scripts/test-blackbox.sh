#!/bin/sh
# SPDX-License-Identifier: MIT
# What `holdfast inspect --port` tells after a fault, on the twin, from the firmware that ships and from recovery: the fault, and nothing
# that was not. Each part breaks one thing, asks, lets the device or the technician mend it, and asks again.
#
# Usage: test-blackbox.sh BUILD      says TAP lines
set -u

build=${1:?usage: test-blackbox.sh BUILD}
dir=$build/blackbox
. scripts/one-device.sh

# The device's story says all of this.
tells() {
	device 0 inspect
	for text in "$@"; do
		grep -q -- "$text" "$dir/out" || fail "the black box does not tell '$text'"
	done
}

tells_not() {
	for text in "$@"; do
		grep -q -- "$text" "$dir/out" && fail "the black box tells '$text'"
	done
}

prepare() {
	make_device 1.0.0 1.1.0 1.2.0
	{
		pack_recovery 1.1.0 "$dir/recovery-1.1.0.suit" && head -c 600 /dev/urandom >"$dir/small" && head -c 2048 /dev/urandom >"$dir/large"
	} >"$dir/out" 2>&1 || fail "the device's files cannot be made"
	start_twin 6s --slaves 8
}

healthy() {
	tells "reset by: power-on" "in a row *0 restarts" "this start: reset by power-on, boot started slot A" "next *boot starts 1.0.0 in slot A" \
		"nothing is to be done"
	tells_not "torn" "open " "repaired" "error " "which has not run" "on trial"
	ok "of a device that only works there is nothing to tell"
}

causes() {
	ctl reset pin
	ctl advance 6s
	tells "reset by: reset pin" "this start: reset by reset pin" "the start before: reset by power-on"
	ctl brown-out
	ctl advance 1s
	tells "reset by: brown-out" "this start: reset by brown-out, boot started slot A, which has not run 5 s yet" \
		"the start before: reset by reset pin, boot started slot A$"
	ctl advance 6s
	tells "reset by: brown-out"
	device 0 history
	grep -q "boot, 0 starts before, after: brown-out" "$dir/out" || fail "the history does not tell of the brown-out"
	ok "pin, brown-out and power are three causes; the history keeps the brown-out"
}

# The handler of the clock's interrupt is no code any more.
fault() {
	ctl flip 0x2000403c 0x40000000
	ctl advance 1s
	tells "reset by: fault" "the last crash was an exception at " "1 of them crashes"
	ctl advance 6s
	ctl reset pin
	ctl advance 6s
	tells "reset by: reset pin" "the start before: reset by fault" "the last crash was an exception at " "0 restarts" "the start before ended in an exception"
	ok "a crash is told with its address, and still after the next restart"
}

# In the middle of a record's second word, by a watchdog: of the configuration's second part.
journal_word() {
	ctl cut next program in journal after 25 at 0.5 watchdog
	device 0 config set "$dir/small"
	tells "reset by: watchdog" "this start: boot declared 1 torn journal slot dead" "1 journal slot was torn" \
		"which was to be a keyset or configuration" "1 write of the configuration was cut; a later one is whole"
	tells_not "open "
	ctl advance 6s
	device 0 history
	grep -q "after: watchdog: declared 1 torn journal slot dead" "$dir/out" || fail "the history does not tell of the torn slot"
	ctl power off for 1s
	ctl advance 7s
	tells "reset by: power-on" "1 journal slot was torn" "1 write of the configuration was cut; a later one is whole" \
		"history, record .*: boot, 0 starts before, after: watchdog: declared 1"
	tells_not "the start before: reset" "repaired *this start"
	ok "a torn word of the journal is told, who settled it, and for long"
}

take_over() {
	ctl cut next erase in journal at 0.5 stay off
	for i in 1 2 3 4; do
		head -c 2048 /dev/urandom >"$dir/large"
		device any config set "$dir/large" --patience 4s
		[ "$code" = 0 ] || break
	done
	[ "$code" != 0 ] || fail "no take-over came"
	ctl power on
	ctl advance 6s
	tells "a journal take-over was cut"
	device 0 config set "$dir/large"
	tells_not_again
	ok "a take-over that was cut is told until the next one has cleaned up"
}

tells_not_again() {
	device 0 inspect
	tells_not "a journal take-over was cut"
}

erase() {
	ctl cut next erase in slot-b at 0.5 stay off
	device any burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset" --patience 4s
	[ "$code" != 0 ] || fail "the burn was not cut"
	ctl power on
	ctl advance 6s
	tells "slot B: the erase of sector 8 was begun and is not done" "slot B: an upload was cut; 0 KiB are committed" "next *boot starts 1.0.0 in slot A"
	ctl cut next program in slot-b after 6000 at 0.5 stay off
	device any burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset" --patience 4s
	[ "$code" != 0 ] || fail "the burn was not cut"
	ctl power on
	ctl advance 6s
	tells "slot B: the erase of sector 8 was cut; it was erased again" "slot B: an upload was cut; 16 KiB are committed"
	tells_not "is not done"
	ok "a sector's cut erase, that it was erased again, and where an upload goes on"
}

from_recovery() {
	device 0 recovery
	tells "runs *recovery, reset by: request" "boot started recovery" "slot B: an upload was cut; 16 KiB are committed" "next *boot starts 1.0.0 in slot A"
	ctl reset pin
	ctl advance 6s
	device 0 burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset"
	tells "runs *1.1.0 in slot B" "next *boot starts 1.1.0 in slot B"
	tells_not "an upload was cut" "open "
	device 0 inspect --json
	grep -q '"place": "slot B"' "$dir/out" && grep -q '"erased_again": 256' "$dir/out" && ! grep -q '"kind": "open"' "$dir/out" ||
		fail "the story as JSON is not what it should be"
	ok "recovery tells the same; burned to its end, nothing is open"
}

# 1.2.0 hangs a second after its start, each time.
trial() {
	device any burn "$dir/1.2.0.suit" --as-pilot --keyset "$dir/release.keyset"
	[ "$code" != 0 ] || fail "firmware that hangs was burned"
	ctl advance 6s
	tells "runs *1.1.0 in slot B, reset by: watchdog" "slot A: given up after its trial: watchdog" \
		"the start before: reset by watchdog, boot started slot A, which did not run 5 s" \
		"3 starts before: reset by request, boot started slot A, which did not run 5 s" "next *boot starts 1.1.0 in slot B$" "was given up: watchdog"
	ok "the starts of a trial, what ended it, and what starts next"
}

recovery_half() {
	ctl cut next erase in recovery at 0.5
	device any burn "$dir/recovery-1.1.0.suit" --as-pilot --keyset "$dir/release.keyset"
	ctl advance 20s
	tells "recovery's replacement was cut; it copied itself again, and was done at its start 2" "next *boot starts 1.1.0 in slot B"
	tells_not "open "
	ok "recovery that was replaced half, and copied again"
}

prepare
healthy
causes
fault
journal_word
take_over
erase
from_recovery
trial
recovery_half
echo "1..$count"

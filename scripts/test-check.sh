#!/bin/sh
# SPDX-License-Identifier: MIT
# The checks before an upgrade and the tests after it, as an operator types them, against the firmware that ships, on the twin: a weak
# supply, a noisy line, rotten recovery, a full disk, waivers; a pilot, its record, and the configuration put back.
#
# Usage: test-check.sh BUILD      says TAP lines
set -u

build=${1:?usage: test-check.sh BUILD}
dir=$build/check
. scripts/one-device.sh

# The checks of 1.1.0, with all that is wanted but a pilot; $1 and $2 as above.
checks() {
	want=$1 text=$2
	shift 2
	device_says "$want" "$text" check "$dir/1.1.0.suit" --keyset "$dir/release.keyset" --backup "$dir/backup.json" \
		--waiver-log "$dir/waivers.log" "$@"
}

prepare() {
	make_device 1.0.0 1.1.0
	mkdir -p "$dir/home"
	XDG_DATA_HOME=$(cd "$dir/home" && pwd)
	export XDG_DATA_HOME
	start_twin 4s --slaves 3
}

before() {
	echo '{"poll_ms": 50}' >"$dir/line.json"
	device_says 0 "stored" config set "$dir/line.json" --encode
	checks 9 "FAILED *pilot *no record of a pilot"
	grep -q "go on with --waive pilot=REASON" "$dir/out" || fail "how to waive is not said"
	[ "$(grep -c '^passed' "$dir/out")" = 10 ] || fail "not all the rest passed"
	checks 0 "passed *link quality *no bit wrong in 26[0-9]* at 921600 baud: less than 1 in 8[0-9]000" --as-pilot
	grep -q "slot A with 1.0.0 runs, verifies and is not touched: the device falls back to it" "$dir/out" || fail "the way back is not said"
	ok "a sound device passes, and what it falls back to is said"
	checks 0 "waived *pilot *by R. Berg: line 3 is the pilot itself" --waive "pilot=line 3 is the pilot itself" --by "R. Berg"
	grep -q '"by":"R. Berg"' "$dir/waivers.log" || fail "the waiver is not on record"
	checks 2 "cannot be waived" --waive "supply=it will do"
	device_says 0 "waivers.log: 1 waiver, and no line was changed" check --audit --waiver-log "$dir/waivers.log"
	sed 's/R. Berg/R. Burg/;p' "$dir/waivers.log" >"$dir/forged.log"
	device_says 3 "forged.log:2: this line does not follow" check --audit --waiver-log "$dir/forged.log"
	ok "a waiver needs a name and a reason, and goes on record; what prevents a brick is never waived"
	ctl supply 2600
	checks 9 "FAILED *supply *2.[56][0-9] V at the chip, 2.70 V are needed" --as-pilot
	ctl supply 2750
	checks 0 "warning *supply *2.7[0-9] V" --as-pilot
	ctl supply 3300
	ok "a weak supply stops"
	checks 13 "No space left on device" --as-pilot --backup /dev/full
	ok "a full disk stops, with an exit code of its own"
	ctl noise 0.00015
	checks 9 "FAILED *link quality *[0-9]* bits wrong" --as-pilot
	ctl noise 0
	checks 0 "the upgrade may begin" --as-pilot
	ok "a noisy line stops, and is told in bits"
}

upgrade() {
	device_says 0 "has confirmed itself" burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset"
	device_says 18 "is not the package" check "$dir/1.0.0.suit" --after
	device_says 0 "all tests passed" check "$dir/1.1.0.suit" --after --reference "$dir/backup.json" --record-pilot "$dir/pilot.json"
	[ "$(grep -c '^passed' "$dir/out")" = 12 ] || fail "not all tests could be made"
	grep -q "200 mixed requests in [0-9]* ms, 0 lost" "$dir/out" || fail "the stress is not told"
	device_says 13 "No space left" check "$dir/1.1.0.suit" --after --record-pilot /dev/full
	device_says 0 '"event":"result","t_ms":[0-9]*,"exit":0,"outcome":"tested"' check --after --json
	checks 0 "passed *pilot *.*ran this package since .* and passed 12 tests" --pilot "$dir/pilot.json"
	grep -q "which runs it already" "$dir/out" || fail "that it runs already is not said"
	ok "the tests after an upgrade pass, and make a pilot's record that counts"
	ctl slave 1 silent
	ctl slave 2 silent
	ctl slave 3 silent
	device_says 0 "resets" image reset
	ctl advance 3s
	device_says 18 "FAILED *modbus " check --after
	ctl slave 1 ok
	ctl slave 2 ok
	ctl slave 3 ok
	ok "slaves that fall silent fail the test"
}

restore() {
	device_says 0 "no configuration any more" config clear
	device_says 18 "FAILED *configuration" check --after --reference "$dir/backup.json"
	device_says 0 "stored" config set --from-backup "$dir/backup.json"
	device_says 0 '"poll_ms": 50' config get
	sed 's/"board": "gw/"board": "gx/' "$dir/backup.json" >"$dir/edited.json"
	device_says 3 "damaged or edited" config set --from-backup "$dir/edited.json"
	ok "the configuration is put back from the backup, and an edited one is refused"
}

rot() {
	recovery=$("$holdfast" board "$conf" --linker | sed -n 's/^HF_RECOVERY_ADDR = \(0x[0-9a-f]*\);/\1/p')
	ctl flip "$(printf '0x%08x' $((recovery + 0x3000)))" 0x10
	device_says 9 "FAILED *recovery *it does not verify" check
	device_says 0 "the upgrade may begin" check "$dir/recovery.suit" --as-pilot
	grep -q "warning *recovery *.*this package replaces it" "$dir/out" || fail "recovery's own package is no cure"
	ok "recovery that rots stops, but for the package that mends it"
}

prepare
before
upgrade
restore
rot
echo "1..$count"

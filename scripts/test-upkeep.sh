#!/bin/sh
# SPDX-License-Identifier: MIT
# The commands for a device's upkeep, as a technician types them, against the firmware that ships, on the twin: configuration,
# roll-back, recovery, factory reset, reading back.
#
# Usage: test-upkeep.sh BUILD      says TAP lines
set -u

build=${1:?usage: test-upkeep.sh BUILD}
dir=$build/upkeep
. scripts/one-device.sh

prepare() {
	make_device 1.0.0 1.1.0
	"$holdfast" keygen site --role site --out "$dir" >"$dir/out" 2>&1 || fail "no key for the site"
	start_twin 4s --slaves 8
}

# Polls of a slave in two seconds.
polls() {
	ctl modbus clear
	ctl advance 2s
	ctl modbus
	sed "s/.*\"slaves\"//" "$dir/ctl.out" | tr '{' '\n' | sed -n "$(($1 + 1))s/.*\"polls\": \([0-9]*\).*/\1/p"
}

# On a machine that has no port of its own, and knows the twin's.
choice() {
	mkdir -p "$dir/machine/sys/class/tty"
	HOLDFAST_ROOT=$dir/machine HOLDFAST_PORTS="lockstep:$socket" "$holdfast" "$@" --board "$conf" >"$dir/out" 2>&1
}

# The device is found by what it is.
finding() {
	choice list || fail "the ports cannot be listed"
	grep -q "^lockstep:.* firmware 1.0.0 .*A\* 1.0.0 confirmed, B empty .*-8068-8066-" "$dir/out" || fail "the list does not tell what runs"
	id=$(sed -n 's/^lockstep:.* \([0-9a-f]*\)-[0-9a-f]*-8068-8066-.*/\1/p' "$dir/out")
	choice status && grep -q "taking lockstep:.*the only device that answers" "$dir/out" || fail "the only device is not taken"
	choice status --device "$id" && grep -q "runs *1.0.0 in slot A" "$dir/out" || fail "the device is not found by its id"
	choice status --device 0000
	[ $? = 5 ] || fail "another device's id finds this one"
	ok "the device is listed, and found by its id"
}

configuration() {
	device_says 0 "no configuration" config get
	echo '{"slaves": [5, 6], "poll_ms": 50}' >"$dir/line.json"
	# The site key is not needed here, but the nonce that it would sign comes from the chip.
	device_says 0 "stored" config set "$dir/line.json" --encode --key "$dir/site.pem"
	device_says 0 '"poll_ms": 50' config get
	device_says 0 "resets" image reset
	ctl advance 3s
	[ "$(polls 5)" -ge 19 ] && [ "$(polls 1)" = 0 ] || fail "the gateway does not poll as it is configured"
	ok "the gateway works as it is configured"
	echo garbage >"$dir/garbage"
	device_says 0 "stored" config set "$dir/garbage"
	device_says 0 "resets" image reset
	ctl advance 3s
	grep -q "configuration makes no sense" "$dir/events.ndjson" || fail "nonsense as configuration is not reported"
	[ "$(polls 1)" -ge 6 ] || fail "with nonsense as configuration the gateway does not go on"
	ok "nonsense as configuration is reported, and the defaults hold"
}

roll_back() {
	device_says 6 "there is none" rollback
	device_says 0 "has confirmed itself" burn "$dir/1.1.0.suit" --as-pilot --keyset "$dir/release.keyset"
	device_says 0 "on trial" rollback
	ctl advance 6s
	device_says 0 "1.0.0 in slot A" status
	device_says 0 "slot A *confirmed" status
	ok "the firmware before comes back, and confirms itself"
}

recover() {
	device_says 0 "is in recovery" recovery
	device_says 0 "runs *recovery" status
	device_says 0 "65536 bytes" read recovery --out "$dir/recovery.bin"
	"$holdfast" inspect "$dir/recovery.bin" >"$dir/out" 2>&1 && grep -q "component *recovery" "$dir/out" ||
		fail "what was read back is not recovery"
	device_says 2 "say --yes" factory-reset
	device_says 0 "erased" factory-reset --yes
	device_says 0 "no configuration" config get
	ok "recovery is entered on request; it reads back, and erases to factory state"
	ctl advance 75s
	device_says 0 "1.0.0 in slot A" status
	ok "recovery leaves when nobody asks for anything, and what ran runs"
}

prepare
finding
configuration
roll_back
recover
echo "1..$count"

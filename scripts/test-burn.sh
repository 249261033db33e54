#!/bin/sh
# SPDX-License-Identifier: MIT
# `burn` and `recover` as people run them, with the tool and the firmware that ship, on the twin: the time left against the
# truth, the ways into a device and which is taken, checks that stop it, a dead gateway brought back. TAP on stdout.
#
# Usage: test-burn.sh BUILD
set -u

build=${1:?usage: test-burn.sh BUILD}
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
dir=$build/burn-tests
board=reference
conf=boards/$board.conf
socket=$dir/socket
tests=0
twin_pid=

cleanup() {
	[ -z "$twin_pid" ] || kill "$twin_pid" 2>/dev/null
}
trap cleanup EXIT

result() { # ok?, name, why not
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2: $3"
	fi
}

give_up() {
	echo "not ok - $*"
	exit 1
}

start() { # power, twin options: a device as it left the factory
	power=$1
	shift
	rm -f "$socket" "$dir/options.bin"
	cp "$dir/factory.bin" "$dir/flash.bin"
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --options "$dir/options.bin" --lockstep "$socket" --events "$dir/events" \
		"$@" >"$dir/twin.out" 2>&1 &
	twin_pid=$!
	waited=0
	while [ ! -S "$socket" ] && [ $waited -lt 100 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	ctl power "$power"
	[ "$power" = off ] || ctl advance 4s
}

stop() {
	"$twin" ctl "$socket" quit >/dev/null 2>&1
	wait "$twin_pid"
	twin_pid=
}

ctl() {
	"$twin" ctl "$socket" "$@" >"$dir/ctl.out" 2>&1 || give_up "the twin: $(cat "$dir/ctl.out")"
}

tool() { # command...: its exit code in $code, what it said in $dir/out
	timeout 100 "$holdfast" "$@" --port "lockstep:$socket" --board "$conf" >"$dir/out" 2>"$dir/err" </dev/null
	code=$?
	cat "$dir/err" >>"$dir/out"
}

says() { # name, sentence...: all of them were said, in this order or another
	name=$1
	shift
	missing=
	for sentence; do
		grep -q -- "$sentence" "$dir/out" || missing=$sentence
	done
	[ -z "$missing" ]
	result $? "$name" "missing: $missing in: $(tail -n 1 "$dir/out")"
}

ends() { # exit code, name
	[ "$code" = "$1" ]
	result $? "$2" "ended with $code, not $1: $(tail -n 1 "$dir/out")"
}

pack() { # version, more options
	version=$1
	shift
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v "$version" -o "$dir/$version.suit" "$@" "$fw/gateway-1.1.0-a.elf" \
		"$fw/gateway-1.1.0-b.elf" || give_up "$version cannot be packed"
}

prepare() {
	fw=$build/stm32f407/gateway/$board
	rec=$build/stm32f407/recovery/$board
	rm -rf "$dir"
	mkdir -p "$dir"
	XDG_DATA_HOME=$(cd "$dir" && pwd)/data
	export XDG_DATA_HOME
	"$holdfast" keygen release --out "$dir" >/dev/null || give_up "no key"
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.0.0 -o "$dir/1.0.0.suit" "$fw/gateway-1.0.0-a.elf" "$fw/gateway-1.0.0-b.elf" ||
		give_up "1.0.0 cannot be packed"
	pack 1.1.0
	pack 1.2.0 --pad-to 200K
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 0.1.0 -o "$dir/recovery.suit" "$rec/recovery.elf" "$rec/recovery-slot.elf" ||
		give_up "recovery cannot be packed"
	"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" --keyset "$dir/release.keyset" \
		--recovery "$dir/recovery.suit" --package "$dir/1.0.0.suit" --out "$dir/factory.bin" >/dev/null || give_up "no factory image"
}

# ---- time ----

# From FIRST percent of the upload on, at 10 %, at 50 %, and at the reset: is what was said to be left within TOLERANCE percent of
# what it then took? What the device has already, and need not be sent, shows with its first answer only.
forecast() { # name, tolerance, first, package, burn's options
	name=$1 tolerance=$2 first=$3 package=$4
	shift 4
	start on
	tool burn "$dir/$package.suit" --as-pilot --json "$@"
	stop
	ends 0 "$name: a burn whose time is watched ends well"
	grep '^{' "$dir/out" | awk -v tolerance="$tolerance" -v first="$first" '
		function of(key,  at) {
			at = index($0, "\"" key "\":")
			return at ? substr($0, at + length(key) + 3) + 0 : -1
		}
		{ t = of("t_ms"); left = of("left_ms"); off = of("off"); total = of("total") }
		/"event":"upload"/ && left > 0 {
			share = off * 100 / total
			for (i = 0; i < 3; i++) {
				split(first " 10 50", mark)
				if (share >= mark[i + 1] && !(i in said)) { said[i] = left; when[i] = t; n++ }
			}
		}
		/"event":"reset"/ && left > 0 && !(3 in said) { said[3] = left; when[3] = t; n++ }
		/"event":"result"/ { end = t }
		END {
			for (i = 0; i < 4; i++) {
				truth = end - when[i]
				off = (said[i] - truth) * 100 / truth
				printf "%s%.0f %%", i ? ", " : "", off
				if (off > tolerance || off < -tolerance) bad = 1
			}
			exit bad || n != 4
		}' >"$dir/errors"
	result $? "$name: the time left is within $tolerance % at $first, 10, 50 % and the reset" "$(cat "$dir/errors")"
	grep '"event":"result"' "$dir/out" | awk '{
		match($0, /"where_ms":\{[^}]*\}/); where = substr($0, RSTART, RLENGTH)
		n = split(where, part, /[:,}]/); for (i = 3; i <= n; i++) if (part[i] ~ /^[0-9]+$/) sum += part[i]
		match($0, /"duration_ms":[0-9]+/); took = substr($0, RSTART + 14, RLENGTH - 14) + 0
		exit !(took > 3000 && sum >= took - 5 && sum <= took + 5) }'
	result $? "$name: where the time went adds up" "$(tail -n 1 "$dir/out")"
}

# ---- ways ----

ways() {
	start on
	tool burn "$dir/1.1.0.suit" --as-pilot
	ends 0 "firmware that runs takes a package"
	says "the device's digest, its checks, tests and times are told" "digest   [0-9a-f]\{64\}" "checks passed" "tests passed" "time     .* s: .*wire"
	tool burn "$dir/1.1.0.suit" --as-pilot --via recovery --force-reinstall
	ends 0 "recovery takes one, asked for through the firmware"
	says "and that it was asked is said" "asked the firmware to restart into recovery" "found a gw-f407 in recovery"
	tool burn "$dir/1.2.0.suit" --pilot "$dir/nobody.json"
	ends 9 "a failed check stops it"
	says "with its row, and how to go on" "FAILED  *pilot" "--waive pilot=REASON"
	tool burn "$dir/1.2.0.suit" --pilot "$dir/nobody.json" --waive "pilot=test of the waiver" --by test --no-activate
	ends 0 "a waiver with a name goes on"
	tool burn "$dir/1.2.0.suit" --as-pilot --pilot "$dir/pilot.json"
	ends 0 "the pilot's record is written"
	tool check "$dir/1.2.0.suit" --pilot "$dir/pilot.json" --way-back "$dir"
	says "and counts for the next one" "passed  *pilot"
	stop
	start off
	tool burn "$dir/1.1.0.suit" --as-pilot --patience 4s
	ends 5 "a device without power is nobody, on all ways"
	says "which is one sentence with what to do" "neither its firmware nor recovery nor the chip's ROM loader" "recovery pin (PE2, to ground)"
	stop
	start off --fault 'at 9s press recovery for 3s; at 10s power on'
	tool burn "$dir/1.1.0.suit" --as-pilot
	ends 0 "a hand at pin and power leads to recovery, without a word to the tool"
	says "and the way is told" "no firmware answers: waking recovery" "found a gw-f407 in recovery"
	stop
}

# ---- recover ----

recovers() {
	start off --fault 'at 9s press recovery for 3s; at 10s power on'
	tool recover "$dir/1.1.0.suit" --yes
	ends 0 "a dead gateway is brought back by pin and power"
	says "with the three signs as rows" "hold the recovery pin (PE2, to ground)" 'passed .*"Waiting for Download\.\.\. recovery 0.1.0' \
		"passed  *smp .*answers at 921600" "passed  *light .*breathing" "1.1.0 runs in slot . and has confirmed itself"
	stop
	start off --fault 'at 9s press recovery for 3s; at 10s power on'
	tool recover
	ends 0 "without a package it ends where recovery is up"
	says "and says what next" "recovery is up; burn firmware with the same command"
	stop
	start on
	tool recover --json
	ends 0 "a gateway that lives is asked into recovery"
	says "and says so in its result" "this gateway is alive: it runs 1.0.0" '"event":"result".*"outcome":"recovery","exit":0.*"device_id"'
	stop
	start off --fault 'boot0 1; at 26s power on; at 60s boot0 0; at 61s reset'
	tool recover "$dir/1.1.0.suit" --yes --patience 5s --confirm-within 60s
	ends 0 "BOOT0 is the last way"
	says "behind all others" "swap TX and RX" "press reset three times" "set BOOT0 high and press reset" "passed  *ROM loader" \
		"1.1.0 runs in slot A and has confirmed itself"
	stop
	start off
	tool recover "$dir/1.1.0.suit" --yes --patience 3s
	ends 5 "a gateway that stays dead is no success"
	! grep -q "done\|confirmed" "$dir/out"
	result $? "and none is printed" "$(cat "$dir/out")"
	stop
}

prepare
forecast "at 921600 baud" 15 0 1.2.0
forecast "at 115200 baud" 15 1 1.1.0 --line 115200
ways
recovers
echo "1..$tests"

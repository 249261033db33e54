#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the commands that tell events, with the firmware that ships, on the twin in lockstep, and compares what they say with
# docs/EVENTS.md. Prints TAP.
#
# Usage: test-events.sh BUILD
set -u

build=$(cd "${1:?usage: test-events.sh BUILD}" && pwd)
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
checker=$build/host/tests/tool/event_check
fw=$build/stm32f407
conf=$(pwd)/boards/reference.conf
events=$(pwd)/docs/EVENTS.md
dir=$build/events-test
socket=$dir/twin.sock
twin_pid=
tests=0
failed=0
export HOLDFAST_PROJECT= HOME=$dir
unset XDG_DATA_HOME
trap '[ -z "$twin_pid" ] || kill "$twin_pid" 2>/dev/null' EXIT

ok() { # ok NAME STATUS
	tests=$((tests + 1))
	[ "$2" -eq 0 ] && echo "ok $tests - $1" && return
	failed=1
	echo "not ok $tests - $1"
	sed 's/^/#   /' "$dir/log" | head -n 20
}

# tells NAME EXIT COMMAND OTHERS EVENTS WORDS...: the tool ends so, what it says is as documented, and EVENTS are among it
tells() {
	name=$1 code=$2 command=$3 others=$4 wanted=$5
	shift 5
	timeout 300 "$holdfast" "$@" --json >"$dir/out" 2>"$dir/err" </dev/null
	ended=$?
	# shellcheck disable=SC2086
	"$checker" "$events" "$command" $others <"$dir/out" >"$dir/log"
	fits=$?
	if [ $ended -ne "$code" ]; then
		{
			echo "ended with $ended, not $code"
			cat "$dir/err"
		} >>"$dir/log"
		fits=1
	fi
	for event in $wanted; do
		tail -n 1 "$dir/log" | grep -q " $event\( \|$\)" || grep -q "\"event\":\"$event\"" "$dir/out" || {
			echo "no event $event" >>"$dir/log"
			fits=1
		}
	done
	tail -n 1 "$dir/out" | grep -q "\"exit\":$code[,}]" || {
		echo "the result has another exit code" >>"$dir/log"
		fits=1
	}
	ok "$name" $fits
}

ctl() {
	"$twin" ctl "$socket" "$@" >"$dir/log" 2>&1 || ok "the twin does '$*'" 1
}

rm -rf "$dir"
mkdir -p "$dir"
cd "$dir" || exit 1
{
	"$holdfast" keygen release --out keys && "$holdfast" keygen site --role site --out keys &&
		for version in 1.0.0 1.1.0 1.3.0; do
			built=${version%3.0}
			[ "$built" = $version ] || built=1.1.0
			"$holdfast" pack -q -b "$conf" -k keys/release.pem -v $version -o $version.suit "$fw/gateway/reference/gateway-$built-a.elf" \
				"$fw/gateway/reference/gateway-$built-b.elf" || exit 1
		done &&
		"$holdfast" pack -q -b "$conf" -k keys/release.pem -v 1.0.0 --component recovery -o recovery.suit \
			"$fw/recovery/reference/recovery.elf" "$fw/recovery/reference/recovery-slot.elf"
} >"$dir/log" 2>&1
ok "keys and packages are made" $?
"$twin" run --board "$conf" --flash flash.bin --options options.bin --lockstep "$socket" --boot0 >twin.out 2>&1 &
twin_pid=$!
waited=0
while [ ! -S "$socket" ] && [ $waited -lt 100 ]; do
	sleep 0.1
	waited=$((waited + 1))
done
port=lockstep:$socket

tells "factory, into a new chip" 0 factory "" "write options result" factory --port "$port" --board "$conf" --boot "$fw/boot/reference/boot.elf" \
	--keyset keys/release.keyset --recovery recovery.suit --package 1.0.0.suit --rdp 0
ctl boot0 0
ctl reset
ctl advance 8s
mkdir old
cp 1.0.0.suit old
tells "doctor" 0 doctor "" "row result" doctor --port "$port" --board "$conf"
tells "check" 0 check "" "row result" check 1.1.0.suit --port "$port" --board "$conf" --keyset keys/release.keyset --way-back old \
	--way-back recovery.suit --waive pilot="this is it" --by test
tells "check that fails" 9 check "" "row result" check 1.1.0.suit --port "$port" --board "$conf" --keyset keys/release.keyset
tells "burn" 0 burn "" "connect check row upload activate reset trial result" burn 1.1.0.suit --as-pilot --port "$port" --board "$conf" \
	--keyset keys/release.keyset
tells "burn of what runs already" 0 burn "" "result" burn 1.1.0.suit --port "$port" --board "$conf" --keyset keys/release.keyset
tells "burn of what is refused" 4 burn "" "result" burn 1.0.0.suit --port "$port" --board "$conf" --keyset keys/release.keyset
tells "check of what runs, afterwards" 0 check "" "row result" check --after --port "$port" --board "$conf"
ctl reset
tells "monitor" 0 monitor "" "line stage result" monitor --port "$port" --for 20s
tells "a file that is not there" 1 burn "" "" burn none.suit --port "$port" --board "$conf"
tells "wrong usage" 2 burn "" "" burn --no-such-option
tells "a port that is not there" 5 burn "" "" burn 1.1.0.suit --port "lockstep:$dir/none" --board "$conf"

# A job for this one device.
{
	"$holdfast" job make --name "one" --package 1.3.0.suit --burn-option=--as-pilot --keyset keys/release.keyset --board "$conf" --out one.job &&
		"$holdfast" job sign one.job --key keys/site.pem
} >"$dir/log" 2>&1
ok "a job is made" $?
tells "batch" 0 batch "burn" "begin device upload step-result done result" batch one.job --job-key keys/site.pub.pem --port "$port" --operator test
tells "batch again: nothing is left to do" 0 batch "burn" "begin done result" batch one.job --job-key keys/site.pub.pem --port "$port" --operator test

ctl wire boot0 dtr
ctl wire reset rts
ctl boot0 1
ctl reset
tells "burn through the ROM loader" 0 burn "" "write record result" burn 1.3.0.suit --via rom --lines boot0=dtr,reset=rts \
	--port "$port" --board "$conf"
ctl boot0 0
ctl press recovery
ctl reset
tells "recover, as far as recovery" 0 recover "" "guide result" recover --port "$port" --board "$conf"
ctl release recovery
ctl quit
wait "$twin_pid"
twin_pid=

printf 'format = 1; product = "x"; board = "%s"; keyset = "keys/release.keyset"; packages = { firmware = "1.1.0.suit"; way_back = "old"; };\n' "$conf" \
	>holdfast.conf
tells "project" 0 project "" "row result" project holdfast.conf
mkdir imported
tells "project from elsewhere" 0 project "" "taken left result" project --import "$(dirname "$events")/../fuzz/corpus/jflash/line4.jflash" --out imported
echo "1..$tests"
[ $failed -eq 0 ]

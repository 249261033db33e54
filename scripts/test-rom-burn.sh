#!/bin/sh
# SPDX-License-Identifier: MIT
# Devices burned through the chip's ROM loader, with the tool and the firmware that ship, on the twin: a factory-new one,
# dead ones, closed ones, with the power cut and the cable pulled meanwhile; and each time, does it start? TAP on stdout.
#
# Usage: test-rom-burn.sh BUILD
set -u

build=${1:?usage: test-rom-burn.sh BUILD}
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
dir=$build/rom-tests
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
		echo "ok $tests - $board: $2"
	else
		echo "not ok $tests - $board: $2: $3"
	fi
}

give_up() {
	echo "not ok - $*"
	exit 1
}

start() { # twin options
	rm -f "$socket"
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --options "$dir/options.bin" --lockstep "$socket" --events "$dir/events" \
		"$@" >"$dir/twin.out" 2>&1 &
	twin_pid=$!
	waited=0
	while [ ! -S "$socket" ] && [ $waited -lt 100 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
}

stop() {
	"$twin" ctl "$socket" quit >/dev/null 2>&1
	wait "$twin_pid"
	twin_pid=
}

ctl() {
	"$twin" ctl "$socket" "$@" >"$dir/ctl.out" 2>&1 || give_up "the twin: $(cat "$dir/ctl.out")"
}

loader() {
	ctl boot0 1
	ctl reset
}

# run EXIT NAME SENTENCE COMMAND...: the tool ends so, and says so
run() {
	code=$1 name=$2 sentence=$3
	shift 3
	timeout 120 "$holdfast" "$@" --port "lockstep:$socket" >"$dir/out" 2>&1
	ended=$?
	[ "$ended" = "$code" ]
	same=$?
	grep -q -- "$sentence" "$dir/out" || same=1
	result $same "$name" "ended with $ended, not $code: $(tail -n 1 "$dir/out")"
}

factory() { # exit, name, sentence, more options
	code=$1 name=$2 sentence=$3
	shift 3
	run "$code" "$name" "$sentence" factory --board "$conf" --boot "$boot" --keyset "$dir/release.keyset" \
		--recovery "$dir/$board-recovery.suit" --package "$dir/$board-1.0.0.suit" "$@"
}

# starts NAME VERSION SLOT: with BOOT0 low, that firmware runs and has confirmed itself
starts() {
	ctl boot0 0
	ctl reset
	ctl advance 8s
	"$holdfast" status --board "$conf" --port "lockstep:$socket" >"$dir/status" 2>&1
	grep -q "runs  *$2 in slot $3" "$dir/status" && grep -q "slot $3  *confirmed" "$dir/status"
	result $? "$1" "$(tr '\n' ' ' <"$dir/status")"
}

blank() {
	rm -f "$dir/flash.bin" "$dir/options.bin"
}

offset() { # of a partition's symbol in flash
	sed -n "s/^$1 = \(0x[0-9a-f]*\);/\1/p" "$build/stm32f407/port/stm32f407/$board/board.ld" | {
		read -r addr
		echo $((addr - 0x08000000))
	}
}

# The first KiB of a slot is lost.
spoil() {
	dd if=/dev/zero of="$dir/flash.bin" bs=1024 count=1 seek=$(($(offset "$1") / 1024)) conv=notrunc 2>/dev/null
}

pack() { # version
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v "$1" -o "$dir/$board-$1.suit" "$fw/gateway-$1-a.elf" \
		"$fw/gateway-$1-b.elf" || give_up "$1 cannot be packed"
}

begin() {
	board=$1
	conf=boards/$board.conf
	fw=$build/stm32f407/gateway/$board
	boot=$build/stm32f407/boot/$board/boot.elf
	rec=$build/stm32f407/recovery/$board
	pack 1.0.0
	pack 1.1.0
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.0.0 -o "$dir/$board-recovery.suit" "$rec/recovery.elf" \
		"$rec/recovery-slot.elf" || give_up "recovery cannot be packed"
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v 1.1.0 -o "$dir/$board-recovery-1.1.0.suit" "$rec/recovery.elf" \
		"$rec/recovery-slot.elf" || give_up "recovery cannot be packed"
	blank
}

# ---- scenes ----

new_device_through_faults() {
	blank
	start --boot0 --fault 'cut next erase in boot at 0.4; cut next program in boot after 300 at 0.5 unstable' \
		--fault 'cut next erase in recovery at 0.7; cut next program in recovery after 2000 at 0.9 unstable' \
		--fault 'cut next program in slot-a after 700 at 0.2 unstable; cut next program in slot-a after 5000' \
		--fault 'at 30s cable off for 3s' --fault 'at 45s noise 0.00001 for 4s'
	factory 0 "a new device is burned through six cuts, a pulled cable and noise" "^done" --rdp 0
	ctl status
	grep -q '"rdp": 0, "bor": 3, "wdg_sw": true, "protected": \[0, 1\]' "$dir/ctl.out"
	result $? "its option bytes are set" "$(cat "$dir/ctl.out")"
	starts "it starts" 1.0.0 A
}

# Goes on with the device of the scene before.
firmware_through_the_loader() {
	run 5 "a gateway that runs is no loader, and is named" "this is no ROM loader but a .* runs firmware 1.0.0" \
		burn --via rom --board "$conf" --patience 3s "$dir/$board-1.1.0.suit"
	loader
	"$holdfast" list "lockstep:$socket" >"$dir/out" 2>&1
	grep -q "ROM loader  chip 0x413 .*-8068-8066-" "$dir/out"
	result $? "the list tells a chip in its loader, which still answers afterwards" "$(tr '\n' ' ' <"$dir/out")"
	run 2 "what only firmware understands is refused" "takes the keyset from the device" \
		burn --via rom --board "$conf" --keyset "$dir/release.keyset" "$dir/$board-1.1.0.suit"
	run 2 "a third slot is none" "wants A or B" burn --via rom --board "$conf" --slot C "$dir/$board-1.1.0.suit"
	run 4 "another board's file is refused" "no boot for class" burn --via rom --board boards/$other.conf "$dir/$board-1.1.0.suit"
	run 4 "another chip's file is refused" "this chip is a 0x413" \
		burn --via rom --board boards/corpus.conf "$dir/$board-1.1.0.suit"
	run 0 "firmware goes into the slot that is free" "this erases what differs in sectors .*: slot B" \
		burn --via rom --no-wait --board "$conf" "$dir/$board-1.1.0.suit"
	starts "boot tries it, and it confirms itself" 1.1.0 B
}

recovery_through_the_loader() {
	stop
	spoil HF_RECOVERY_ADDR
	start --boot0
	run 0 "a rotten recovery is written anew" "^done" burn --via rom --board "$conf" "$dir/$board-recovery-1.1.0.suit"
	ctl boot0 0
	ctl press recovery for 2s
	ctl reset
	ctl advance 2s
	"$holdfast" status --board "$conf" --port "lockstep:$socket" >"$dir/status" 2>&1
	grep -q "runs  *recovery" "$dir/status"
	result $? "it starts when it is asked for" "$(tr '\n' ' ' <"$dir/status")"
	starts "and firmware when it is not" 1.1.0 B
}

dead_device() {
	stop
	spoil HF_SLOT_A_ADDR
	spoil HF_SLOT_B_ADDR
	start --boot0 --fault 'cut next program in slot-a after 4000 at 0.5 unstable stay off'
	run 11 "the power stays away, and the tool says how to go on" "run the same command again" \
		burn --via rom --board "$conf" --patience 3s "$dir/$board-1.0.0.suit"
	ctl power on
	run 0 "the same command again completes it" "^done" burn --via rom --no-wait --board "$conf" "$dir/$board-1.0.0.suit"
	starts "the dead device starts" 1.0.0 A
}

# Nobody says which way: the loader answers, is used, and the firmware waited for.
dead_device_by_lines() {
	stop
	spoil HF_SLOT_A_ADDR
	spoil HF_SLOT_B_ADDR
	start --boot0 --fault 'wire boot0 dtr; wire reset rts'
	ctl advance 1s
	run 0 "the loader's way is found, the lines start the firmware, and it confirms itself" \
		"1.0.0 runs in slot A and has confirmed itself" burn --lines boot0=dtr,reset=rts --board "$conf" "$dir/$board-1.0.0.suit"
	stop
	spoil HF_SLOT_A_ADDR
	start --boot0 --fault 'at 40s boot0 0; at 41s reset'
	ctl advance 1s
	run 0 "a hand sets BOOT0 low and presses reset, and the firmware is waited for" \
		"1.0.0 runs in slot A and has confirmed itself" burn --board "$conf" "$dir/$board-1.0.0.suit"
	stop
	start --boot0
	ctl advance 1s
	run 11 "nobody sets BOOT0 low, and it is said what is left to do" "set BOOT0 low, press reset, then ask it" \
		burn --board "$conf" --confirm-within 5s "$dir/$board-1.0.0.suit"
}

closed_device() {
	loader
	factory 0 "a used device is made new, and closed" "^done"
	loader
	factory 6 "what is closed is not opened silently" "--erase-everything"
	loader
	run 0 "status says that it is closed" "level 1 (closed" status --via rom
	run 6 "nor can a slot be written" "--erase-everything" burn --via rom --board "$conf" "$dir/$board-1.1.0.suit"
	starts "it starts all the same" 1.0.0 A
	loader
	factory 0 "opening it erases everything, and all is written again" "^done" --erase-everything
	starts "it starts again" 1.0.0 A
	stop
}

closed_for_ever() {
	blank
	start --boot0
	factory 2 "level 2 is not asked for with a number" "level 2 has a switch of its own" --rdp 2
	factory 0 "level 2 has a long name" "^done" --rdp2-forever-no-debug-no-rom-no-way-back
	loader
	run 5 "behind it there is no loader any more" "this is no ROM loader but" status --via rom --patience 3s
	starts "and the device starts" 1.0.0 A
	stop
}

new_device() {
	blank
	start --boot0 --fault 'latency 4ms'
	factory 0 "a new device is burned, and says so as JSON" \
		'"event":"result","exit":0,.*"rdp":1,"unique_id":"[0-9a-f]*",.*"sectors_erased":[1-9]' --json
	starts "it starts" 1.0.0 A
	stop
}

mkdir -p "$dir"
"$holdfast" keygen release --force --out "$dir" >/dev/null || give_up "no key"

begin reference
other=compact
new_device_through_faults
firmware_through_the_loader
recovery_through_the_loader
dead_device
dead_device_by_lines
closed_device
closed_for_ever

begin compact
new_device

echo "1..$tests"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Boot and gateway, as they ship, on the twin (and on QEMU, where it is installed): what they say, show and do when
# something is wrong. TAP on stdout.
#
# Usage: test-firmware.sh BUILD
set -u

build=${1:?usage: test-firmware.sh BUILD}
cross=${CROSS:-arm-none-eabi-}
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
shim=$(realpath "$build/host/twin/libholdfast-shim.so")
dir=$build/firmware-tests
tests=0
board=reference
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

# check NAME: all patterns on stdin are in the events, in this order; those that begin with ! are nowhere.
check() {
	why=
	from=1
	while IFS= read -r pattern; do
		case $pattern in
		!*)
			grep -q -- "${pattern#!}" "$dir/events" && why="${why:-unexpected: ${pattern#!}}"
			;;
		*)
			at=$(tail -n +"$from" "$dir/events" | grep -n -m 1 -- "$pattern" | cut -d: -f1)
			if [ -z "$at" ]; then
				why=${why:-missing: $pattern}
			else
				from=$((from + at))
			fi
			;;
		esac
	done
	[ -z "$why" ]
	result $? "$1" "$why"
}

# When boot said that line first, in ns.
time_of() {
	sed -n "s/^{\"t_ns\":\([0-9]*\),.*$1.*/\1/p" "$dir/events" | head -n 1
}

# play TIME [options]: runs the flash image for a virtual time
play() {
	time=$1
	shift
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --for "$time" --events "$dir/events" "$@" >"$dir/out" 2>&1 ||
		echo '{"event":"the twin failed"}' >>"$dir/events"
}

fresh() {
	cp "$dir/$board.bin" "$dir/flash.bin"
}

# patch OFFSET BYTES(octal escapes): changes the flash image
patch() {
	printf "$2" | dd of="$dir/flash.bin" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

offset() { # of a partition's symbol in flash
	sed -n "s/^$1 = \(0x[0-9a-f]*\);/\1/p" "$build/stm32f407/port/stm32f407/$board/board.ld" | {
		read -r addr
		echo $((addr - 0x08000000))
	}
}

symbol() {
	printf '0x%08x' $((0x$("${cross}nm" "$fw/gateway-1.0.0-a.elf" | sed -n "s/ [a-zA-Z] $1\$//p")))
}

pack() {
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v "$1" -o "$dir/$board-$2.suit" "$fw/$2-a.elf" "$fw/$2-b.elf" ||
		give_up "$2 cannot be packed"
}

# burn PACKAGE [twin options]: uploads over the maintenance line, waits for what becomes of it
burn() {
	package=$1
	shift
	rm -f "$dir/socket"
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --lockstep "$dir/socket" --events "$dir/events" "$@" \
		>"$dir/out" 2>&1 &
	twin_pid=$!
	waited=0
	while [ ! -S "$dir/socket" ] && [ $waited -lt 100 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	# These devices have no recovery, and a burn that checks would refuse to go on: --no-verify.
	timeout 60 "$holdfast" burn -q --no-verify -b "$conf" --confirm-within 600s --port "lockstep:$dir/socket" "$dir/$package.suit" \
		>"$dir/burn" 2>&1
	burned=$?
	"$twin" ctl "$dir/socket" quit >/dev/null 2>&1
	wait "$twin_pid"
	twin_pid=
}

mkdir -p "$dir"
"$holdfast" keygen release --force --out "$dir" >/dev/null || give_up "no key"

begin() {
	board=$1
	conf=boards/$board.conf
	fw=$build/stm32f407/gateway/$board
	boot=$build/stm32f407/boot/$board/boot.elf
	pack 1.0.0 gateway-1.0.0
	pack 1.1.0 gateway-1.1.0
	pack 1.2.0 gateway-1.2.0
	"$holdfast" factory --board "$conf" --boot "$boot" --keyset "$dir/release.keyset" \
		--package "$dir/$board-gateway-1.0.0.suit" --out "$dir/$board.bin" >/dev/null || give_up "no factory image"
	keyset=$(offset HF_KEYSET_ADDR)
	slot_a=$(offset HF_SLOT_A_ADDR)
}

healthy() {
	fresh
	play 6s
	check "a new device starts and confirms itself" <<-'END'
		boot: holdfast .* reset: power
		boot: slot B empty"
		boot: slot A 1.0.0 verified, starting"
		gateway 1.0.0 on .*, slot A, reset: power
		self-test passed, confirmed
		"state":"solid"
		!stall-error
		!"event":"misuse"
		!"event":"fault"
	END
	play 4s
	check "a confirmed device starts without a record" <<-'END'
		boot: slot A 1.0.0 verified, starting"
		self-test passed"
		!journal empty
		!"event":"erase"
	END
}

# Where the keyset demands ESP256 and HSS-LMS, both count, in boot and in the gateway.
both_signatures() {
	rm -f "$dir"/lms.* # a key for this run; its state is never replaced by --force
	"$holdfast" keygen lms --alg hss-lms --out "$dir" >/dev/null && "$holdfast" keygen root --role root --force --out "$dir" \
		>/dev/null || give_up "no LMS key"
	"$holdfast" keyset make --root "$dir/root.pub.pem" --release "$dir/release.pub.pem" --release "$dir/lms.pub.pem" \
		--demand esp256 --demand hss-lms --out "$dir/both.keyset" >/dev/null 2>&1 || give_up "no keyset of both"
	for version in 1.0.0 1.1.0; do
		"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -k "$dir/lms.pem" -v $version -o "$dir/$board-both-$version.suit" \
			"$fw/gateway-$version-a.elf" "$fw/gateway-$version-b.elf" 2>/dev/null || give_up "no package with both"
	done
	"$holdfast" factory --board "$conf" --boot "$boot" --keyset "$dir/both.keyset" \
		--package "$dir/$board-both-1.0.0.suit" --out "$dir/flash.bin" >/dev/null || give_up "no factory image with both"
	cp "$dir/flash.bin" "$dir/both.bin"
	play 6s
	check "firmware with both signatures starts and confirms itself" <<-'END'
		boot: slot A 1.0.0 verified, starting"
		self-test passed, confirmed
		!stall-error
		!"event":"misuse"
	END
	burn "$board-gateway-1.1.0"
	[ "$burned" = 6 ]
	result $? "an upgrade with one of two signatures is refused" "burn says $burned"
	burn "$board-both-1.1.0"
	[ "$burned" = 0 ]
	result $? "an upgrade with both is taken" "burn says $burned"
	cp "$dir/both.bin" "$dir/flash.bin"
	patch $((slot_a + 600)) '\252\125\252\125'
	play 8s
	check "a changed LMS signature starts nothing" <<-'END'
		boot: slot A signature, error 17
		!"event":"start","what":"slot
	END
}

broken_flash() {
	fresh
	patch "$keyset" '\377\377\377\377'
	play 8s
	check "without a keyset boot says so, and leaves to the chip's loader" <<-'END'
		boot: keyset, error 19
		boot: nothing to start
		"state":"blinking","period_ms":2000,"flashes":2
		"event":"reset","cause":"software"
		"event":"rom","on":true
		!"event":"start","what":"slot
		!"event":"misuse"
	END
	fresh
	patch $((slot_a + 3)) '\000'
	play 8s
	check "with damaged heads boot says why, and leaves, too" <<-'END'
		boot: slot A damaged, error
		boot: slot B empty"
		boot: recovery empty"
		boot: nothing to start
		"state":"blinking","period_ms":2000,"flashes":2
		"event":"rom","on":true
		!"event":"start","what":"slot
	END
	fresh
	patch $((slot_a + 20000)) '\125\252'
	play 5s
	check "an image with a flipped bit does not start" <<-'END'
		boot: slot A digest, error 16
		boot: nothing to start
		!"event":"start","what":"slot
	END
}

# What boot does when recovery is wished and not there tells that it was wished.
entry() {
	fresh
	play 3s --fault "at 0s press recovery"
	check "the pin asks for recovery" <<-'END'
		boot: recovery empty"
		gateway 1.0.0 on .*, slot A, reset: power
	END
	fresh
	play 4s --fault "at 2s reset" --fault "at 2300ms reset" --fault "at 2600ms reset"
	check "three resets in a row do, once" <<-'END'
		gateway 1.0.0 on .*, slot A, reset: power
		boot: holdfast .* reset: pin
		boot: holdfast .* reset: pin
		boot: holdfast .* reset: pin
		boot: recovery empty"
		gateway 1.0.0 on .*, slot A, reset: pin
	END
	fresh
	play 16s --fault "at 2s reset" --fault "at 2300ms reset" --fault "at 15s reset"
	check "resets that lie apart do not" <<-'END'
		boot: holdfast .* reset: pin
		boot: holdfast .* reset: pin
		boot: holdfast .* reset: pin
		gateway 1.0.0 on .*, slot A, reset: pin
		!boot: recovery
	END
	fresh
	patch "$keyset" '\377\377\377\377' # then boot verifies nothing before it speaks again
	play 1s
	listened=$(($(time_of "boot: journal empty") - $(time_of "boot: holdfast")))
	[ "$listened" -gt 0 ] && [ "$listened" -lt 20000000 ]
	result $? "boot looks for all of that in less than 20 ms" "it takes $listened ns"
	fresh
	play 2s --fault "at 0s break on for 1s"
	check "so does a break on the line" <<-'END'
		boot: recovery empty"
		gateway 1.0.0 on .*, slot A, reset: power
	END
	fresh
	play 2s --fault "at 0s break on for 5ms" --fault "at 0s press recovery for 5ms"
	check "spikes do not" <<-'END'
		gateway 1.0.0 on .*, slot A, reset: power
		!boot: recovery
	END
}

slow() {
	fresh
	play 12s --no-pll
	check "without the PLL everything works, slower" <<-'END'
		reset: power, no PLL
		boot: slot A 1.0.0 verified, starting"
		gateway 1.0.0 on .*, slot A
		runs at 16 MHz only
		self-test passed, confirmed
		"state":"solid"
		!stall-error
	END
}

watchdog_drift() {
	fresh
	play 60s --lsi 47000
	check "the fastest watchdog is fed in time" <<-'END'
		self-test passed, confirmed
		!"event":"reset","cause":"watchdog"
	END
	fresh
	play 60s --lsi 17000
	check "so is the slowest" <<-'END'
		self-test passed, confirmed
		!"event":"reset","cause":"watchdog"
	END
}

crash() {
	fresh
	handler=$(symbol hf_live_systick)
	# The handler's first instructions become `udf`, which is defined to be none.
	bytes=$("${cross}objdump" -s --start-address="$handler" --stop-address=$((handler + 4)) "$fw/gateway-1.0.0-a.elf" |
		sed -n '$s/^ *[0-9a-f]* \(..\)\(..\)\(..\)\(..\) .*/\4\3\2\1/p')
	play 6s --fault "at 3s flip $handler $(printf '0x%08x' $((0x$bytes ^ 0xdeffdeff)))"
	check "a crash in a handler resets, and the next start tells of it" <<-'END'
		self-test passed, confirmed
		"event":"reset","cause":"software"
		boot: holdfast .* reset: fault
		gateway 1.0.0 on .*, slot A, reset: fault"
		gateway: the start before crashed: pc 0x
		self-test passed"
	END
}

self_test() {
	fresh
	play 40s --slaves 0
	check "confirmed or factory firmware goes on without its slaves" <<-'END'
		gateway 1.0.0
		self-test failed: no Modbus readings arrive
		!"cause":"software"
	END
	fresh
	burn "$board-gateway-1.1.0" --fault "at 4s slave 1 silent" --fault "at 4s slave 2 silent" --fault "at 4s slave 3 silent"
	check "firmware on trial that fails its self-test is rolled back" <<-'END'
		boot: slot B 1.1.0 verified, starting (trial 1 of 3)
		self-test failed: no Modbus readings arrive
		boot: holdfast .* reset: fault
		boot: slot B 1.1.0 verified, starting (trial 2 of 3)
		the start before failed its self-test
		starting (trial 3 of 3)
		boot: slot B rejected, error 40
		boot: slot A 1.0.0 verified, starting"
	END
	[ "$burned" = 6 ]
	result $? "the tool tells of the roll-back" "exit code $burned"
}

last_resort() {
	fresh
	burn "$board-gateway-1.2.0"
	check "firmware that hangs is rolled back by the watchdog" <<-'END'
		boot: slot B 1.2.0 verified, starting (trial 1 of 3)
		"event":"reset","cause":"watchdog"
		starting (trial 2 of 3)
		"event":"reset","cause":"watchdog"
		starting (trial 3 of 3)
		"event":"reset","cause":"watchdog"
		boot: slot B rejected, error 40
		gateway 1.0.0 on .*, slot A, reset: watchdog
	END
	patch $((slot_a + 3)) '\000'
	play 65s
	check "rejected firmware is the last resort, after a minute" <<-'END'
		boot: slot A damaged, error
		boot: slot B 1.2.0 verified, starting in 60 s: nothing else is left
		"state":"blinking","period_ms":2000,"flashes":2
		gateway 1.2.0 on .*, slot B
	END
	started=$(sed -n 's/^{"t_ns":\([0-9]*\),"event":"start","what":"slot-b".*/\1/p' "$dir/events" | head -n 1)
	[ "${started:-0}" -gt 60000000000 ]
	result $? "and not before" "started after ${started:-?} ns"
}

# The last way back in: boot has left to the chip's own loader, and somebody else's tool writes the firmware anew.
rescued() {
	command -v stm32flash >/dev/null || {
		result 0 "the chip's loader takes firmware anew # SKIP stm32flash is not installed" ""
		return
	}
	fresh
	head -c 262144 "$dir/flash.bin" >"$dir/good.bin"
	patch "$keyset" '\000\000\000\000'
	patch $((slot_a + 3)) '\000'
	rm -f "$dir/socket"
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --lockstep "$dir/socket" --events "$dir/events" >"$dir/out" 2>&1 &
	twin_pid=$!
	waited=0
	while [ ! -S "$dir/socket" ] && [ $waited -lt 100 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	"$twin" ctl "$dir/socket" advance 8s >/dev/null
	LD_PRELOAD=$shim timeout 100 stm32flash -b 921600 -w "$dir/good.bin" -v "lockstep:$dir/socket" >"$dir/stm32flash" 2>&1
	"$twin" ctl "$dir/socket" reset >/dev/null
	"$twin" ctl "$dir/socket" advance 6s >/dev/null
	"$twin" ctl "$dir/socket" quit >/dev/null
	wait "$twin_pid"
	twin_pid=
	check "the chip's loader takes firmware anew" <<-'END'
		boot: nothing to start
		"event":"rom","on":true
		"event":"erase","partition":"boot"
		"event":"program","partition":"slot-a"
		"event":"reset","cause":"pin"
		"event":"start","what":"slot-a"
		"event":"led","state":"solid"
		!"event":"misuse"
	END
}

# Someone else's emulator: no clock control, no flash controller, no unique id.
qemu() {
	command -v qemu-system-arm >/dev/null || {
		result 0 "boot starts on QEMU # SKIP qemu-system-arm is not installed" ""
		return
	}
	dd if="$dir/$board.bin" of="$dir/rest.bin" bs=2048 skip=$((keyset / 2048)) 2>/dev/null
	serial=$(sed -n 's/^#define HF_BOARD_MAINT_USART //p' "$build/stm32f407/port/stm32f407/$board/board.h")
	set --
	n=1
	while [ "$n" -lt "$serial" ]; do
		set -- "$@" -serial null
		n=$((n + 1))
	done
	timeout 4 qemu-system-arm -M netduinoplus2 -display none -monitor none "$@" -serial stdio -kernel "$boot" \
		-device loader,file="$dir/rest.bin",addr="$(printf '0x%08x' $((0x08000000 + keyset)))",force-raw=on \
		</dev/null 2>/dev/null | head -c 4096 >"$dir/events"
	check "QEMU's netduinoplus2 agrees up to the firmware's first line" <<-'END'
		boot: holdfast .* reset: power, no PLL
		boot: slot A 1.0.0 verified, starting
		gateway 1.0.0 on .*, slot A
	END
}

for name in reference compact; do
	begin $name
	healthy
	both_signatures
	broken_flash
	entry
	last_resort
	qemu
done
begin reference
slow
watchdog_drift
crash
self_test
rescued
echo "1..$tests"

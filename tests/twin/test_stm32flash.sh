#!/bin/sh
# SPDX-License-Identifier: MIT
# A tool that nobody here wrote against the modelled ROM loader: Debian's stm32flash, in lockstep through the shim, and
# once through a pty. TAP on stdout.
#
# Usage: test_stm32flash.sh TWIN SHIM BOARD FIRMWARE.ELF    (a firmware that says "bench" on the maintenance UART)
set -u

twin=$1
shim=$2
board=$3
elf=$4
tmp=$(mktemp -d)
pid=
n=0
trap 'stop; rm -rf "$tmp"' EXIT

command -v stm32flash >/dev/null || {
	echo "1..0 # SKIP stm32flash is not installed"
	exit 0
}

stop() {
	[ -z "$pid" ] || {
		kill "$pid"
		wait "$pid"
	} 2>/dev/null
	pid=
}

# A twin, with BOOT0 high and its power on for long enough that the loader listens.
start() {
	stop
	rm -f "$tmp/twin.out"
	"$twin" run --board "$board" --boot0 --lockstep "$tmp/sock" --options "$tmp/options" --flash "$tmp/flash" \
		--events "$tmp/events" "$@" >"$tmp/twin.out" 2>"$tmp/twin.err" &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		! grep -qs lockstep "$tmp/twin.out" || break
		sleep 0.1
	done
	ctl advance 200ms
}

fresh() {
	stop
	rm -f "$tmp/flash" "$tmp/options"
	start "$@"
}

ctl() {
	"$twin" ctl "$tmp/sock" "$@" >"$tmp/ctl" 2>&1
}

# The chip's reset, and a loader that listens again.
reset() {
	ctl reset
	ctl advance 200ms
}

flash() {
	rate=$1
	shift
	LD_PRELOAD=$shim timeout 100 stm32flash -b "$rate" "$@" "lockstep:$tmp/sock" >"$tmp/out" 2>&1
}

# stm32flash ends with success after some failures, too.
says() {
	tr '\r' '\n' <"$tmp/out" | grep -q -- "$1"
}

status_has() {
	ctl status && grep -q -- "$1" "$tmp/ctl"
}

check() { # what, condition...
	n=$((n + 1))
	what=$1
	shift
	if "$@"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		tr '\r' '\n' <"$tmp/out" | tail -n 5 | sed 's/^/# stm32flash: /'
		sed 's/^/# twin: /' "$tmp/twin.err"
		tail -n 2 "$tmp/ctl" | cut -c 1-300 | sed 's/^/# ctl: /'
	fi
}

# Bytes that repeat on no page: a generator of 31 bits.
random() { # bytes, seed
	LC_ALL=C awk -v n="$1" -v s="$2" 'BEGIN { for (; n > 0; n--) { s = (s * 16807) % 2147483647; printf "%c", s % 256 } }'
}

identifies() { flash 115200 && says "Device ID    : 0x0413" && says "Version      : 0x31"; }
writes() { flash "$1" -w "$tmp/image" -v -S 0x08020000 && says "(100.00%) Done"; }
reads() {
	flash 115200 -r "$tmp/back" -S 0x08020000:40000 && cmp -s "$tmp/image" "$tmp/back"
}
erases_sectors() {
	flash 115200 -o -S 0x08020000:0x20000 && ctl flash dump "$tmp/dump" &&
		[ "$(od -A n -v -t x1 -j 131072 -N 131072 "$tmp/dump" | tr -d ' \n' | tr -d f | wc -c)" -eq 0 ] &&
		[ "$(od -A n -t x1 -N 8 "$tmp/dump" | tr -d ' \n')" != ffffffffffffffff ]
}
erases_all() {
	flash 115200 -o && ctl flash dump "$tmp/dump" &&
		[ "$(tr -d '\377' <"$tmp/dump" | wc -c)" -eq 0 ]
}
fails() { ! says "Done." && ! says "verified address.*100.00%"; }
cannot_write() { flash 115200 -w "$tmp/image" -e 0 -S 0x08020000; fails; }
cannot_read() {
	flash 115200 -r "$tmp/back" -S 0x08020000:256
	! says "Read address.*100.00%"
}
unprotects_writing() { flash 115200 -u && says "Done." && status_has '"protected": \[\]'; }
outlives_the_twin() {
	start
	status_has '"rdp": 1'
}
protects_reading() { flash 115200 -j && says "Done." && status_has '"rdp": 1'; }
unprotects_reading() { flash 115200 -k && says "Done." && status_has '"rdp": 0'; }
starts_firmware() { flash 115200 -g 0x08000000 && ctl advance 50ms && status_has '"running": "boot"'; }
enters_by_rts_and_dtr() {
	ctl boot0 0
	ctl reset
	ctl wire boot0 rts
	ctl wire reset dtr
	flash 115200 -i 'rts&dtr,-dtr,,:-rts&dtr,-dtr' -R && says "Device ID    : 0x0413" && ctl advance 50ms &&
		status_has '"running": "boot"'
}
finds_nothing() { ! flash 115200 && says "Failed to init device"; }
goes_on_after_a_cut() {
	ctl cut next program in slot-a after 3000 at 0.5 unstable
	flash 115200 -w "$tmp/image" -v -S 0x08020000
	fails || return 1
	ctl advance 1s
	writes 115200
}

# Noise may make it fail, never make it say "Done" over other bytes.
is_honest_under_noise() {
	for seed in 1 2 3 4 5 6; do
		fresh --seed $seed
		ctl noise 0.00002
		flash 115200 -w "$tmp/image" -v -n 3 -S 0x08020000
		says "(100.00%) Done" || continue
		ctl flash dump "$tmp/dump"
		[ "$(od -A n -t x1 -v -j 131072 -N 40000 "$tmp/dump" | tr -d ' \n' | cksum)" = \
			"$(od -A n -t x1 -v "$tmp/image" | tr -d ' \n' | cksum)" ] || return 1
	done
}

# Sets t: the clock after a run.
time_run() {
	flash 921600 -w "$tmp/image" -v -S 0x08020000
	ctl status
	t=$(sed 's/.*"t_ns": \([0-9]*\).*/\1/' "$tmp/ctl")
}
same_time_again() {
	fresh
	time_run
	first=$t
	fresh
	time_run
	[ "$t" = "$first" ]
}
latency_costs_time() {
	fresh
	ctl latency 16ms
	time_run
	# 157 blocks of 3 answers to a write and 4 packets to a read, but for those that come full.
	[ $((t - first)) -gt 14000000000 ] && [ $((t - first)) -lt 18000000000 ]
}

works_through_a_pty() {
	stop
	rm -f "$tmp/options" "$tmp/twin.out"
	"$twin" run --board "$board" --boot0 --pty --control "$tmp/sock" >"$tmp/twin.out" 2>"$tmp/twin.err" &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		sleep 0.5
		! grep -qs pty "$tmp/twin.out" || break
	done
	pty=$(sed -n 's/^pty: //p' "$tmp/twin.out")
	ctl parity even
	head -c 2048 "$tmp/image" >"$tmp/small"
	# It waits for no answer longer than the clock on the wall says: on a busy machine it gives up, and has to be begun again.
	for _ in 1 2 3; do
		! timeout 60 stm32flash -m 8n1 -b 115200 -w "$tmp/small" -v -S 0x08004000 "$pty" >"$tmp/out" 2>&1 || break
		ctl reset
	done
	says "(100.00%) Done" && ctl flash dump "$tmp/dump" &&
		[ "$(od -A n -t x1 -v -j 16384 -N 2048 "$tmp/dump" | cksum)" = "$(od -A n -t x1 -v "$tmp/small" | cksum)" ]
}

random 40000 7 >"$tmp/image"

echo "1..21"
fresh --load "$elf"
check "identifies the chip" identifies
reset
check "writes and verifies at 115200" writes 115200
reset
check "writes and verifies at 921600" writes 921600
reset
check "reads what it wrote" reads
reset
check "erases sectors" erases_sectors
reset
check "starts firmware" starts_firmware
check "enters and leaves by RTS and DTR" enters_by_rts_and_dtr
ctl wire boot0 none
ctl wire reset none
ctl boot0 1
reset
check "erases everything" erases_all
fresh --optcr 0x0fdfaae0
check "write protection stops it" cannot_write
reset
check "takes the write protection off" unprotects_writing
ctl advance 200ms
check "and writes then" writes 115200
reset
check "sets the readout protection" protects_reading
ctl advance 200ms
check "which outlives the twin, in its file" outlives_the_twin
check "level 1 lets it read nothing" cannot_read
reset
check "takes the readout protection off, which erases" unprotects_reading
fresh --optcr 0x0fffcce0
check "level 2 keeps it out" finds_nothing
fresh
check "a power cut in mid-write is repaired by writing again" goes_on_after_a_cut
check "is honest under noise" is_honest_under_noise
check "the same run takes the same virtual time" same_time_again
check "an adapter's latency costs what it should" latency_costs_time
check "works through a pty in real time" works_through_a_pty

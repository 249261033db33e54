#!/bin/sh
# SPDX-License-Identifier: MIT
# A second opinion: the same factory image (boot, a firmware in slot A) starts in somebody else's emulator of the core,
# and says the same lines as on the twin, up to the application's first. TAP on stdout.
#
# QEMU's netduinoplus2 has no clock control (boot must give the PLL up), no flash controller and no watchdog, so that the
# reset's description may differ, and nothing behind the first line counts.
#
# Usage: test_qemu.sh BUILD    (with the host's and the firmware's build below it)
set -u

build=${1:?usage: test_qemu.sh BUILD}
board=reference
conf=boards/$board.conf
holdfast=$build/host/tool/holdfast
gateway=$build/stm32f407/gateway/$board/gateway-1.0.0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

echo "1..3"
command -v qemu-system-arm >/dev/null || {
	for n in 1 2 3; do echo "ok $n # SKIP qemu-system-arm is not installed"; done
	exit 0
}

{
	"$holdfast" keygen release --out "$tmp" &&
		"$holdfast" pack -q -b "$conf" -k "$tmp/release.pem" -v 1.0.0 -o "$tmp/first.suit" "$gateway-a.elf" \
			"$gateway-b.elf" &&
		"$holdfast" factory --board "$conf" --boot "$build/stm32f407/boot/$board/boot.elf" \
			--keyset "$tmp/release.keyset" --package "$tmp/first.suit" --out "$tmp/flash.bin"
} >"$tmp/make.log" 2>&1 || {
	sed 's/^/# /' "$tmp/make.log"
	echo "Bail out! no factory image; run make firmware first"
	exit 1
}

# Lines without their carriage returns, without what depends on the reset, the clock and the pins (QEMU's all read low, so
# boot looks for a recovery).
plain() {
	tr -d '\r' <"$1" | sed -e 's/, reset: .*//' -e '/^boot: recovery empty/d' -e '/^gateway/q'
}

mkfifo "$tmp/uart"
qemu-system-arm -M netduinoplus2 -kernel "$tmp/flash.bin" -display none -monitor none -serial stdio \
	</dev/null >"$tmp/uart" 2>"$tmp/qemu.err" &
qemu=$!
(sleep 60 && kill $qemu) 2>/dev/null &
alarm=$!
sed '/^gateway/q' <"$tmp/uart" >"$tmp/qemu"
kill $qemu $alarm 2>/dev/null
wait $qemu 2>/dev/null

"$build/host/tests/twin/first_lines" "$conf" "$tmp/flash.bin" >"$tmp/twin" 2>"$tmp/twin.err"

plain "$tmp/qemu" >"$tmp/qemu.plain"
plain "$tmp/twin" >"$tmp/twin.plain"
check() {
	if eval "$2"; then
		echo "ok $1"
	else
		echo "not ok $1"
		sed 's/^/# qemu: /' "$tmp/qemu.plain" "$tmp/qemu.err"
		sed 's/^/# twin: /' "$tmp/twin.plain" "$tmp/twin.err"
	fi
}
check "1 - qemu starts boot, which verifies slot A" 'grep -q "slot A 1.0.0 verified" "$tmp/qemu.plain"'
check "2 - qemu reaches the application's first line" 'grep -q "^gateway 1.0.0 on $board, slot A" "$tmp/qemu.plain"'
check "3 - the twin says the same lines" '[ -s "$tmp/twin.plain" ] && cmp -s "$tmp/qemu.plain" "$tmp/twin.plain"'

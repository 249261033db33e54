# SPDX-License-Identifier: MIT
# What tests that play one device on the twin have in common; sourced by them, with $build and $dir set.
board=reference
conf=boards/$board.conf
holdfast=$build/host/tool/holdfast
twin=$build/host/twin/holdfast-twin
fw=$build/stm32f407
socket=$dir/twin.sock
twin_pid=
count=0

cleanup() {
	[ -z "$twin_pid" ] || kill "$twin_pid" 2>/dev/null
}
trap cleanup EXIT
trap 'exit 7' INT TERM

fail() {
	count=$((count + 1))
	echo "not ok $count - $*"
	sed 's/^/# /' "$dir/out"
	exit 1
}

ok() {
	count=$((count + 1))
	echo "ok $count - $*"
}

ctl() {
	"$twin" ctl "$socket" "$@" >"$dir/ctl.out" 2>&1 || { cp "$dir/ctl.out" "$dir/out"; fail "the twin refuses: $*"; }
}

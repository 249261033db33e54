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

# make_device VERSION ...: $dir anew, with a key, the gateway's packages, recovery 1.0.0, and $dir/flash.bin as a factory burns it
# with 1.0.0.
make_device() {
	rm -rf "$dir"
	mkdir -p "$dir"
	: >"$dir/out"
	{
		"$holdfast" keygen release --out "$dir" &&
			for version in "$@"; do
				"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v "$version" -o "$dir/$version.suit" \
					"$fw/gateway/$board/gateway-$version-a.elf" "$fw/gateway/$board/gateway-$version-b.elf" || exit 1
			done && pack_recovery 1.0.0 "$dir/recovery.suit" &&
			"$holdfast" factory --board "$conf" --boot "$fw/boot/$board/boot.elf" --keyset "$dir/release.keyset" \
				--recovery "$dir/recovery.suit" --package "$dir/1.0.0.suit" --out "$dir/flash.bin"
	} >"$dir/out" 2>&1 || fail "the device's flash cannot be made"
}

# pack_recovery VERSION FILE
pack_recovery() {
	"$holdfast" pack -q -b "$conf" -k "$dir/release.pem" -v "$1" --component recovery -o "$2" \
		"$fw/recovery/$board/recovery.elf" "$fw/recovery/$board/recovery-slot.elf"
}

# start_twin TIME [OPTION ...]: lets it run for TIME.
start_twin() {
	lead=$1
	shift
	rm -f "$socket"
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --lockstep "$socket" --events "$dir/events.ndjson" "$@" >"$dir/twin.out" 2>&1 &
	twin_pid=$!
	i=0
	while [ ! -S "$socket" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] && kill -0 "$twin_pid" 2>/dev/null || { cp "$dir/twin.out" "$dir/out"; fail "the twin does not start"; }
		sleep 0.1
	done
	ctl advance "$lead"
}

# device CODE COMMAND ...: runs a command on the device; its exit code has to be CODE ("any" for any). Its output is in $dir/out.
device() {
	want=$1
	shift
	"$holdfast" "$@" --port "lockstep:$socket" --board "$conf" >"$dir/out" 2>&1
	code=$?
	[ "$want" = any ] || [ "$code" = "$want" ] || fail "holdfast $*: ended with $code, not $want"
}

# device_says CODE TEXT COMMAND ...: and it says TEXT.
device_says() {
	text=$2 want=$1
	shift 2
	device "$want" "$@"
	grep -q -- "$text" "$dir/out" || fail "holdfast $*: does not say '$text'"
}

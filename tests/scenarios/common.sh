# SPDX-License-Identifier: MIT
# What the scenarios share. scripts/scenarios.sh sources this in a directory of the scenario's own, with $build, $root and $name
# set; keys, packages and factory.bin are there already, and a project file, so that commands are as short as a technician types them.
#
# What a scenario does, and what the technician reads, goes to the file `told`, line by line, in the words of the run. docs/FAULTS.md
# shows the same lines, and the runner compares the two. (All that the commands said is in `all`.)
export HOME="$PWD" HOLDFAST_ROOT="$PWD/machine" HOLDFAST_PORTS=lockstep:gateway.sock HOLDFAST_PROJECT=holdfast.conf
unset XDG_DATA_HOME
board=reference
conf=boards/$board.conf
fw=$build/stm32f407
twin=$build/host/twin/holdfast-twin
twins=
here=gateway # the device that the commands below mean

cleanup() {
	for pid in $twins; do kill "$pid" 2>/dev/null; done
	# shellcheck disable=SC2086
	[ -z "$twins" ] || wait $twins 2>/dev/null
}
trap cleanup EXIT
trap 'exit 7' INT TERM

fail() {
	echo "not ok - $name: $*"
	tail -n 30 out | sed 's/^/# /'
	exit 1
}

ok() {
	echo "ok - $name: $*"
}

note() { # what the world does, for the reader
	echo "# $*" >>told
	echo "$*" >out
	heard=0
	[ ! -f $here.events ] || heard=$(wc -l <$here.events)
}

holdfast() {
	"$build/host/tool/holdfast" "$@"
}

pack() { # package, version, more options; the firmware is 1.1.0's
	package=$1 version=$2
	shift 2
	holdfast pack -q -b $conf -k release.pem -s 1 -v "$version" -o "$package" "$@" "$fw/gateway/$board/gateway-1.1.0-a.elf" \
		"$fw/gateway/$board/gateway-1.1.0-b.elf" >out 2>&1 || fail "$package cannot be packed"
}

# ---- devices ----

# A gateway as it left the factory, running 1.0.0; options of the twin may follow. Another one beside it: `here=other; gateway`.
gateway() {
	[ -f $here.bin ] || cp factory.bin $here.bin
	"$twin" run --board $conf --flash $here.bin --options $here.options --lockstep $here.sock --events $here.events "$@" \
		>twin.out 2>&1 &
	twins="$twins $!"
	waited=0
	while [ ! -S $here.sock ]; do
		waited=$((waited + 1))
		[ $waited -lt 100 ] || { cp twin.out out; fail "the twin does not start"; }
		sleep 0.05
	done
	ctl advance 4s
	heard=0
}

ctl() {
	"$twin" ctl $here.sock "$@" >ctl.out 2>&1 || { cp ctl.out out; fail "the twin refuses: $*"; }
}

# The same, MS milliseconds from now, while a command runs.
soon() {
	ctl status
	at=$(($(sed -n 's/.*"t_ns": *\([0-9]*\).*/\1/p' ctl.out) / 1000000 + $1))
	shift
	ctl at "${at}ms" "$@"
}

# What the world does to the device, with the words for the reader first: does 'the cable is pulled' cable off for 2s
does() {
	note "$1"
	shift
	ctl "$@"
}

address() { # of a partition: HF_SLOT_B, plus an offset
	printf '0x%08x' $(($(holdfast board $conf --linker | sed -n "s/^$1_ADDR = \(0x[0-9a-f]*\);/\1/p") + $2))
}

flip_file() { # from, to, offset from the begin, or (negative) from the end: one bit
	cp "$1" "$2"
	at=$3
	[ "$at" -ge 0 ] || at=$(($(wc -c <"$2") + at))
	byte=$(od -An -tu1 -j "$at" -N 1 "$2" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((byte ^ 16)))" | dd of="$2" bs=1 seek="$at" conv=notrunc 2>/dev/null
}

# ---- what is done and read ----

# plays EXIT COMMAND...: a technician's command, which has to end so. What it says is in `out`.
plays() {
	want=$1
	shift
	{
		printf '$ holdfast'
		for word; do
			case $word in
			*' '*) printf " '%s'" "$word" ;;
			*) printf ' %s' "$word" ;;
			esac
		done
		echo
	} >>told
	: >reads.at
	timeout 300 "$build/host/tool/holdfast" "$@" >said 2>&1 </dev/null
	code=$?
	grep -v "^holdfast: project \|^holdfast: taking " said >out
	{
		echo "\$ holdfast $*"
		cat said
		echo "exit code $code"
	} >>all
	[ $code = "$want" ] || fail "holdfast $*: ended with $code, not $want"
}

# reads PATTERN...: lines like these were said by the command, in this order; they are what the technician reads.
reads() {
	for pattern; do
		from=$(($(wc -l <reads.at) + 1))
		at=$(tail -n +$from out | grep -n -m 1 -- "$pattern" | cut -d: -f1)
		[ -n "$at" ] || fail "'$pattern' was not said"
		line=$((from + at - 1))
		head -n $line out >reads.at
		sed -n "${line}p" out >>told
	done
}

ended() { # the command's exit code, as the technician's shell has it
	echo "exit code $code" >>told
}

hears_not() {
	tail -n +$((heard + 1)) $here.events | grep -q -- "\"line\":\"[^\"]*$1" && fail "the device says '$1'"
}

# hears PATTERN...: the device said such lines on its maintenance line since the last ones, in this order.
hears() {
	ctl status
	for pattern; do
		at=$(tail -n +$((heard + 1)) $here.events | grep -n -m 1 -- "\"port\":\"maintenance\",\"line\":\"[^\"]*$pattern" | cut -d: -f1)
		[ -n "$at" ] || { grep "\"line\"" $here.events | tail -n 10 >>out; fail "the device does not say '$pattern'"; }
		heard=$((heard + at))
		sed -n "${heard}s/.*\"line\":\"\(.*\)\"}\$/\1/p" $here.events >>told
	done
}

# ---- the truth, by the twin's own counts ----

mark() {
	ctl status
	marked=$(wc -l <$here.events)
	erases=$(sed -n 's/.*"flash_erases": *\([0-9]*\).*/\1/p' ctl.out)
}

# Nothing was erased anywhere since the mark, and nothing programmed but the journal's and the history's notes.
untouched() {
	ctl status
	now=$(sed -n 's/.*"flash_erases": *\([0-9]*\).*/\1/p' ctl.out)
	[ "$now" = "$erases" ] || fail "$((now - erases)) sectors were erased"
	tail -n +$((marked + 1)) $here.events | grep '"event":"program"' | grep -q '"partition":"\(boot\|recovery\|slot-[ab]\)"' &&
		fail "something was programmed"
	return 0
}

# Nothing was erased or programmed in these partitions since the mark.
spared() {
	ctl status
	for partition; do
		tail -n +$((marked + 1)) $here.events | grep '"event":"\(program\|erase\)"' | grep -q "\"partition\":\"$partition\"" &&
			fail "$partition was touched"
	done
	return 0
}

count() { # how often this happened since the mark
	ctl status
	tail -n +$((marked + 1)) $here.events | grep -c -- "$1"
}

# The firmware that runs is this version, and confirmed; and the device's software never stalled or crashed on the way.
runs() {
	holdfast status --port lockstep:$here.sock >out 2>&1 || fail "no status"
	slot=$(sed -n "s/^  runs  *$1 in slot \([AB]\),.*/\1/p" out)
	[ -n "$slot" ] || fail "$1 does not run"
	grep -q "^  slot $slot  *confirmed" out || fail "$1 has not confirmed itself"
	ctl status
	grep '"event":"\(stall_error\|fault\|lockup\|misuse\)"' $here.events >out && fail "stalled or crashed"
	echo "# it runs $1, confirmed" >>told
}

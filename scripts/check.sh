#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests of each build directory given, and everything else that `make check` holds, and ends with one line:
#   N passed, N failed, N skipped
# Before it, what failed is told again.
# Single tests are counted where a test says them (TAP); a test program that says none counts as one.
set -u

build=${1:?usage: check.sh BUILD-ROOT}
log=$build/check.log
failures=$build/check.failed
: >"$log"
: >"$failures"
passed=0
failed=0
skipped=0

# Tests run elsewhere than here.
[ -z "${HF_SHARED:-}" ] || export HF_SHARED="$(realpath -m "$HF_SHARED")"

add() { # passed, failed, skipped
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

begin() {
	echo "== $1"
	began=$(date +%s)
}

end() {
	echo "   ($(($(date +%s) - began)) s)"
}

# A build directory's tests; meson's log has a line of JSON a test program, with the program's TAP in it.
run() {
	tests=$1/meson-logs/testlog.json
	begin "$2"
	rm -f "$tests"
	meson test -C "$1" --no-rebuild --timeout-multiplier 10 --print-errorlogs 2>&1 | tee -a "$log" |
		sed -n -e '/^ *[0-9]*\/[0-9]* /p' -e '/^Summary of Failures/,$p' -e '/^not ok/p' -e '/# .*\(cuts\|cases\)/p'
	# shellcheck disable=SC2046
	add $(scripts/count-tests.sh "$tests" "$failures" || echo 0 1 0)
	sed -n 's/.*"1\.\.0 # SKIP \([^\\"]*\).*/   skipped: \1/p' "$tests" | tee -a "$log"
	end
}

# Scripts of ours that say TAP lines, two at a time: most of them keep one core busy, and wait for the other half of it. One
# that fails without saying what has failed once.
scripts=0
waits=

script() { # what it shows, command...
	scripts=$((scripts + 1))
	tap=$build/script.$scripts.tap
	name=$1
	shift
	{
		"$@" >"$tap" 2>&1
		echo $? >"$tap.status"
	} &
	next="$!|$tap|$(date +%s)|$name"
	settle
	waits=$next
}

# Waits for the script that was begun before the last one, and tells what it said.
settle() {
	[ -n "$waits" ] || return 0
	old_ifs=$IFS
	IFS='|'
	# shellcheck disable=SC2086
	set -- $waits
	IFS=$old_ifs
	waits=
	echo "== $4"
	wait "$1"
	status=$(cat "$2.status")
	sed -n -e '/^ok/p' -e '/^not ok/p' -e '/^#/p' -e '/^Bail out!/p' "$2"
	cat "$2" >>"$log"
	skips=$(grep -c '^ok.*# SKIP' "$2")
	bad=$(grep -c '^not ok' "$2")
	[ "$bad" -gt 0 ] || [ "$status" -eq 0 ] || {
		echo "not ok - ended with $status: $(tail -n 1 "$2")" | tee -a "$log"
		bad=1
	}
	[ "$bad" -eq 0 ] || {
		echo "$4: ended with $status"
		awk '/^not ok/ { told = k = 12 } !/^(not ok|#)/ { k = 0 } k-- > 0 { print "  " $0 } { last = $0 }
			END { if (!told) print "  " last }' "$2" | head -n 40
	} >>"$failures"
	add $(($(grep -c '^ok' "$2") - skips)) "$bad" "$skips"
	echo "   ($(($(date +%s) - $3)) s)"
}

run "$build/host" "host: the tests"
run "$build/san" "host with address and undefined-behaviour sanitizers: the tests again"
run "$build/stm32f407" "firmware: what runs from RAM holds no address in flash"

script "boot and gateway on the twin and on QEMU" scripts/test-firmware.sh "$build"
settle
script "recovery on the twin, both boards at once" scripts/test-recovery.sh "$build"
settle
script "upkeep on the twin: configuration, roll-back, factory reset" scripts/test-upkeep.sh "$build"
script "black box on the twin: torn, repaired, open" scripts/test-blackbox.sh "$build"
script "health on the twin: supply, work, history" scripts/test-health.sh "$build"
script "upgrades at the edges of the chip's tolerances, on the twin" scripts/test-tolerance.sh "$build"
script "checks before an upgrade and tests after it, on the twin" scripts/test-check.sh "$build"
script "a gateway at a serial server (ser2net)" scripts/test-serial-server.sh "$build"
script "doctor and monitor on the twin" scripts/test-doctor.sh "$build"
script "burning and recovering on the twin: time left, ways, checks" scripts/test-burn.sh "$build"
script "devices burned through the ROM loader, cut and closed" scripts/test-rom-burn.sh "$build"

# Most of the fifteen causes, for half a minute; make campaign and make scenarios play them all.
script "causes of docs/FAULTS.md, and what is said to them" scripts/scenarios.sh "$build" wrong-version damaged-package forged-firmware \
	power-cut wrong-baud wrong-port stale-data warning-ignored cut-by-hand

script "events, as docs/EVENTS.md has them" scripts/test-events.sh "$build"

script "the README's commands, on the twin" scripts/test-readme.sh "$build"

script "Debian packages" scripts/test-deb.sh "$build"
script "a batch of twins, with a power loss and noise" scripts/test-batch.sh "$build"

settle
begin "the demo, on both boards"
for board in reference compact; do
	if HF_DEMO_BOARD=$board scripts/demo.sh "$build" >"$build/demo-$board.log" 2>&1; then
		echo "ok - demo on $board"
		add 1 0 0
	else
		echo "not ok - demo on $board: $(tail -n 1 "$build/demo-$board.log")" | tee -a "$failures"
		add 0 1 0
	fi
	cat "$build/demo-$board.log" >>"$log"
done
end

script "boot and gateway on QEMU, beside the twin" tests/twin/test_qemu.sh "$build"
settle

script "faults on the twin, a share of make campaign" scripts/campaign.sh "$build" --quota 20
settle
script "cases of the campaign, by their line" scripts/test-replay.sh "$build"

# Two minutes for all of them together, two at a time.
fuzzers=$(find "$build/fuzz/fuzz" -maxdepth 1 -name 'fuzz_*' -type f 2>/dev/null | wc -l)
script "the fuzzers, two minutes together" scripts/fuzz.sh "$build/fuzz" $((240 / (fuzzers > 0 ? fuzzers : 1)))
settle

echo
[ "$failed" -eq 0 ] || {
	echo "== what failed (all of it is told in $log)"
	tail -n 100 "$failures"
}
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

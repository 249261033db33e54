#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests of each build directory given, and everything else that `make check` holds, and ends with one line:
#   N passed, N failed, N skipped
# Single tests are counted where a test says them (TAP); a test program that says none counts as one.
set -u

build=${1:?usage: check.sh BUILD-ROOT}
log=$build/check.log
: >"$log"
passed=0
failed=0
skipped=0

# Adds up one run of `meson test`, from its JSON log: a line a test program, with the program's TAP in it.
count() {
	dir=$1
	counts=$(scripts/count-tests.sh "$dir/meson-logs/testlog.json") || counts="0 1 0"
	set -- $counts
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

run() {
	dir=$1
	name=$2
	shift 2
	echo "== $name"
	rm -f "$dir/meson-logs/testlog.json"
	meson test -C "$dir" --no-rebuild --print-errorlogs "$@" 2>&1 | tee -a "$log" |
		sed -n -e '/^ *[0-9]*\/[0-9]* /p' -e '/^Summary of Failures/,$p' -e '/^not ok/p' -e '/# .*\(cuts\|cases\)/p'
	count "$dir"
}

run "$build/host" "host: the tests"
run "$build/san" "host with address and undefined-behaviour sanitizers: the tests again"
run "$build/stm32f407" "firmware: what runs from RAM holds no address in flash"
# A script of ours that says TAP lines.
script() {
	name=$1
	shift
	echo "== $name"
	"$@" >"$build/script.tap" 2>&1
	sed -n -e '/^ok/p' -e '/^not ok/p' -e '/^#/p' "$build/script.tap"
	cat "$build/script.tap" >>"$log"
	passed=$((passed + $(grep -c '^ok' "$build/script.tap")))
	failed=$((failed + $(grep -c '^not ok' "$build/script.tap")))
}

script "boot and gateway on the twin and on QEMU" scripts/test-firmware.sh "$build"

echo "== the demo, on both boards"
for board in reference compact; do
	if HF_DEMO_BOARD=$board scripts/demo.sh "$build" >"$build/demo-$board.log" 2>&1; then
		echo "ok - demo on $board"
		passed=$((passed + 1))
	else
		echo "not ok - demo on $board: $(tail -n 1 "$build/demo-$board.log")"
		failed=$((failed + 1))
	fi
	cat "$build/demo-$board.log" >>"$log"
done

script "boot and gateway on QEMU, beside the twin" tests/twin/test_qemu.sh "$build"

# A share of the campaign: every operation but the image's data words, of which every 64th is cut.
script "power cuts on the twin, a share of make campaign" scripts/campaign.sh "$build" 64 20

# Two minutes for all of them together, two at a time.
fuzzers=$(find "$build/fuzz/fuzz" -maxdepth 1 -name 'fuzz_*' -type f 2>/dev/null | wc -l)
script "the fuzzers, two minutes together" scripts/fuzz.sh "$build/fuzz" $((240 / (fuzzers > 0 ? fuzzers : 1)))

echo
[ "$skipped" -eq 0 ] || echo "Skipped tests say why in $log."
[ "$failed" -eq 0 ] || echo "Failed tests are told in $log."
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

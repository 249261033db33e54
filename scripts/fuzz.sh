#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzzer of a build directory, two at a time. Finds and crashes are kept in BUILD/finds/NAME.
#
# Usage: fuzz.sh BUILD SECONDS-EACH
# Prints a TAP line a fuzzer; the seeds of fuzz/corpus/NAME are read, never changed.
set -u

build=${1:?usage: fuzz.sh BUILD SECONDS-EACH}
seconds=${2:?usage: fuzz.sh BUILD SECONDS-EACH}
targets=$(find "$build/fuzz" -maxdepth 1 -name 'fuzz_*' -type f 2>/dev/null | sort)
[ -n "$targets" ] || {
	echo "not ok - no fuzzers in $build: run make fuzzers"
	exit 1
}

one() {
	name=$(basename "$1" | sed 's/^fuzz_//')
	finds=$build/finds/$name
	mkdir -p "$finds"
	seeds=fuzz/corpus/$name
	[ -d "$seeds" ] || seeds=
	vectors=${HF_SHARED:-../shared}/vectors # envelopes that others made
	[ "$name" != envelope ] || [ ! -d "$vectors" ] || seeds="$seeds $vectors"
	"$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$finds/crash-" "$finds" $seeds >"$build/finds/$name.log" 2>&1 &
	fuzzer=$!
	if wait $fuzzer; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/finds/$name.log")
		echo "ok - fuzz $name: ${runs:-?} runs"
	else
		echo "not ok - fuzz $name: see $build/finds/$name.log"
	fi
}

# Two lanes, each takes every other fuzzer.
lane() {
	fuzzer=
	trap 'kill $fuzzer 2>/dev/null; exit 7' TERM
	i=0
	for target in $targets; do
		i=$((i + 1))
		[ $((i % 2)) -eq "$1" ] && one "$target"
	done
	true
}

mkdir -p "$build/finds"
lane 1 >"$build/finds/lane1.tap" &
lane1=$!
lane 0 >"$build/finds/lane0.tap" &
lane0=$!
# What runs in the background does not hear Ctrl-C.
trap 'kill $lane0 $lane1; exit 7' INT TERM
wait
cat "$build/finds/lane1.tap" "$build/finds/lane0.tap"
! grep -q '^not ok' "$build/finds/lane1.tap" "$build/finds/lane0.tap"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzzer of a build directory, two at a time. Finds are kept in BUILD/finds/NAME, what crashes beside it.
#
# Usage: fuzz.sh BUILD SECONDS-EACH [COVERAGE-BUILD JSON]
# Prints a TAP line a fuzzer; the seeds of fuzz/corpus/NAME are read, never changed. With a build of the same fuzzers that
# counts what source they reach, all that was found is played to it: a table of the branches reached in each file follows,
# and everything goes into JSON.
set -u

build=${1:?usage: fuzz.sh BUILD SECONDS-EACH [COVERAGE-BUILD JSON]}
seconds=${2:?usage: fuzz.sh BUILD SECONDS-EACH [COVERAGE-BUILD JSON]}
coverage=${3:-}
json=${4:-}
targets=$(find "$build/fuzz" -maxdepth 1 -name 'fuzz_*' -type f 2>/dev/null | sort)
[ -n "$targets" ] || {
	echo "not ok - no fuzzers in $build: run make fuzzers"
	exit 1
}

seeds_of() {
	[ ! -d "fuzz/corpus/$1" ] || printf '%s ' "fuzz/corpus/$1"
	vectors=${HF_SHARED:-../shared}/vectors # envelopes that others made
	[ "$1" != envelope ] || [ ! -d "$vectors" ] || printf '%s ' "$vectors"
}

# What libFuzzer says last: runs, seconds, edges, features, inputs kept.
figures() {
	awk '$1 ~ /^#/ { for (i = 2; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1);
			if ($i == "corp:") { split($(i + 1), c, "/"); corp = c[1] } } }
		/^Done / { runs = $2; s = $5 }
		END { print runs + 0, s + 0, cov + 0, ft + 0, corp + 0 }' "$1"
}

one() {
	name=$(basename "$1" | sed 's/^fuzz_//')
	finds=$build/finds/$name
	mkdir -p "$finds"
	# shellcheck disable=SC2046
	"$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$finds.crash-" "$finds" $(seeds_of "$name") >"$build/finds/$name.log" 2>&1 &
	fuzzer=$!
	if wait $fuzzer; then
		# shellcheck disable=SC2046
		set -- $(figures "$build/finds/$name.log")
		echo "ok - fuzz $name: $1 runs, $(($1 / ($2 > 0 ? $2 : 1)))/s, $3 edges, $4 features, $5 inputs kept"
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

# Plays what was found to the fuzzers that count source, and joins their counts: rows of file, regions and branches, reached
# and in all.
reached() {
	objects=
	rm -f "$coverage"/*.profraw
	for target in $targets; do
		name=$(basename "$target" | sed 's/^fuzz_//')
		objects="$objects -object $coverage/fuzz/fuzz_$name"
		# shellcheck disable=SC2046
		LLVM_PROFILE_FILE=$coverage/$name.profraw "$coverage/fuzz/fuzz_$name" -runs=0 "$build/finds/$name" \
			$(seeds_of "$name") >"$coverage/$name.log" 2>&1 || {
			echo "fuzz $name: its inputs cannot be played again: see $coverage/$name.log"
			return 1
		}
	done
	llvm-profdata merge -sparse "$coverage"/*.profraw -o "$coverage/all.profdata" || return 1
	# shellcheck disable=SC2086
	llvm-cov report ${objects# -object } -instr-profile "$coverage/all.profdata" >"$coverage/report" \
		2>"$coverage/report.log" || return 1
	# Names lack whatever all of them begin with, which may be a part of this directory's.
	awk -v root="$(pwd -P | sed 's,^/,,')/" 'NF == 13 {
			sub(/^(.*\/)?\.\.\//, "", $1)
			for (r = root; r; sub(/^[^\/]*\//, "", r))
				if (index($1, r) == 1) { $1 = substr($1, length(r) + 1); break }
			if ($1 ~ /^(core|host|tool)\/.*\.c$/)
				print $1, $2 - $3, $2, $11 - $12, $11 }' \
		"$coverage/report" >"$coverage/files"
}

# core whole; of the rest what some fuzzer is meant for.
table() {
	awk 'BEGIN { printf "%-34s %18s %20s\n", "source", "regions reached", "branches reached" }
		function line(name, r, rs, b, bs) {
			printf "%-34s %6d of %5d %3d%% %6d of %5d %s\n", name, r, rs, 100 * r / rs, b, bs,
				bs ? sprintf("%3d%%", 100 * b / bs) : "" }
		$1 ~ /^core/ || 3 * $2 > $3 { line($1, $2, $3, $4, $5) }
		$1 ~ /^core/ { r += $2; rs += $3; b += $4; bs += $5 }
		END { if (rs) line("core, together", r, rs, b, bs) }' "$1"
}

# The form of build/bench.json. There is no goal but that nothing is found.
write_json() {
	{
		for target in $targets; do
			name=$(basename "$target" | sed 's/^fuzz_//')
			echo "fuzzer $name $(figures "$build/finds/$name.log")"
		done
		sed 's/^/file /' "$coverage/files"
	} | awk -v seconds="$seconds" '
		function row(name, value, unit, how) {
			printf "%s  {\"name\": \"%s\", \"value\": %s, \"unit\": \"%s\", \"better\": \"higher\", \"goal\": null, \"met\": null, \"how\": \"%s\"}",
				n++ ? ",\n" : "[\n", name, value, unit, how }
		$1 == "fuzzer" {
			row("fuzz." $2 ".runs", $3, "runs", "in " seconds " s, with address and undefined-behaviour sanitizers")
			row("fuzz." $2 ".runs_per_s", int($3 / ($4 > 0 ? $4 : 1)), "1/s", "the machine decides")
			row("fuzz." $2 ".edges", $5, "edges", "clang -fsanitize=fuzzer, the fuzzer included")
			row("fuzz." $2 ".features", $6, "features", "the same: edges with their counts, and compared values") }
		$1 == "file" && $6 > 0 {
			row("fuzz.branches." $2, sprintf("%.1f", 100 * $5 / $6), "%", $5 " of " $6 " branches, all fuzzers together (llvm-cov)") }
		END { print "\n]" }' >"$json"
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
if [ -n "$coverage" ]; then
	if reached; then
		table "$coverage/files"
		write_json
		echo "# All of this is in $json."
	else
		echo "not ok - what the fuzzers reach cannot be told"
		exit 1
	fi
fi
! grep -q '^not ok' "$build/finds/lane1.tap" "$build/finds/lane0.tap"

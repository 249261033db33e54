#!/bin/sh
# SPDX-License-Identifier: MIT
# How many of the conditional branches of boot/ and core/ in the firmware were seen to be taken and not to be.
#
# Usage: coverage.sh SEEN NAME=ELF [NAME=ELF ...]
#   SEEN  what hf_twin_coverage_write() wrote; of several processes, one after the other
#   NAME  as hf_twin_coverage() was told it
# Prints a line for each source file, then `boot/ N of M branches seen both ways: P %` and the same for core/, then a line for
# each branch of theirs that was not: `FILE:LINE FUNCTION NAME ADDRESS: never executed | never taken | always taken`. A branch
# that the compiler put into several places, or into several programs, counts in each of them.
set -eu

seen=${1:?usage: coverage.sh SEEN NAME=ELF [NAME=ELF ...]}
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for pair in "$@"; do
	name=${pair%%=*}
	elf=${pair#*=}
	[ -f "$elf" ] || {
		echo "coverage: $elf: there is no such file; run make firmware" >&2
		exit 1
	}
	arm-none-eabi-objdump -d --no-show-raw-insn "$elf" | awk -F '\t' '
		$2 ~ /^(b(eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)(\.n|\.w)?|cbn?z) *$/ {
			gsub(/[ :]/, "", $1)
			printf "0x%s\n", $1
		}' >"$tmp/at"
	# Two lines an address: function, then file:line.
	arm-none-eabi-addr2line -f -e "$elf" <"$tmp/at" | paste - - >"$tmp/where"
	paste "$tmp/at" "$tmp/where" | sed "s/^/$name	/" >>"$tmp/branches"
done
awk -F '\t' '
	function share(a, b) { return sprintf("%d of %d branches seen both ways: %.1f %%", a, b, b ? 100 * a / b : 0) }
	FILENAME == ARGV[1] {
		split($0, f, " ")
		sub(/^0*/, "", f[2])
		key = f[1] " " f[2]
		if (int(f[3]) % 2) taken[key] = 1
		if (int(f[3]) >= 2) passed[key] = 1
		next
	}
	{
		file = $4
		sub(/ \(discriminator.*/, "", file)
		if (!match(file, /(boot|core)\/[a-z0-9_]+\.[ch]:/))
			next
		file = substr(file, RSTART)
		line = file
		sub(/:.*/, "", file)
		part = file
		sub(/\/.*/, "/", part)
		key = $1 " " substr($2, 3)
		all[file]++
		whole[part]++
		if (taken[key] && passed[key]) {
			both[file]++
			good[part]++
			next
		}
		what = taken[key] ? "always taken" : passed[key] ? "never taken" : "never executed"
		missing[++n] = line " " $3 " " $1 " " $2 ": " what
	}
	END {
		for (file in all)
			print file ": " share(both[file], all[file]) | "sort"
		close("sort")
		print "boot/ " share(good["boot/"], whole["boot/"])
		print "core/ " share(good["core/"], whole["core/"])
		for (i = 1; i <= n; i++)
			print missing[i] | "sort -t: -k1,1 -k2,2n"
	}' "$seen" "$tmp/branches"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Counts a meson testlog.json: prints "passed failed skipped". A TAP program counts by its lines, any other as one; a
# program that failed with all its lines good (a crash at the end, a time-out) counts as one failure more.
#
# Usage: count-tests.sh TESTLOG [FAILED]
# What the failed ones said is added to the file FAILED: their lines "not ok" with what follows them, or their last words.
set -eu
awk -v failed_file="${2:-/dev/null}" '
function field(name,   s) {
	if (!match($0, "\"" name "\": \"([^\"\\\\]|\\\\.)*\""))
		return ""
	s = substr($0, RSTART, RLENGTH)
	return substr(s, length(name) + 6, length(s) - length(name) - 6)
}
function tell(line, n,   i, told, k) {
	print field("name") ": " result >>failed_file
	for (i = 1; i <= n; i++) {
		if (line[i] ~ /^not ok /) k = told = 12
		else if (line[i] !~ /^#/) k = 0
		if (k-- > 0) print "  " line[i] >>failed_file
	}
	n = split(field("stdout") "\\n" field("stderr"), line, /\\n/)
	for (i = told ? n + 1 : n > 12 ? n - 11 : 1; i <= n; i++)
		if (line[i] != "") print "  " line[i] >>failed_file
}
{
	result = field("result")
	n = split(field("stdout"), line, /\\n/)
	ok = 0; bad = 0; skip = 0
	for (i = 1; i <= n; i++) {
		if (line[i] ~ /^ok .*# *[Ss][Kk][Ii][Pp]/ || line[i] ~ /^1\.\.0/) skip++
		else if (line[i] ~ /^ok /) ok++
		else if (line[i] ~ /^not ok /) bad++
	}
	if (ok + bad + skip == 0) {
		if (result == "OK") ok = 1
		else if (result == "SKIP") skip = 1
		else bad = 1
	} else if (bad == 0 && result != "OK" && result != "SKIP")
		bad = 1
	if (bad > 0) tell(line, n)
	passed += ok; failed += bad; skipped += skip
}
END { if (NR == 0) exit 1; print passed + 0, failed + 0, skipped + 0 }
' "$1"

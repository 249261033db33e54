#!/bin/sh
# SPDX-License-Identifier: MIT
# A small batch on twins, with a power loss and noisy lines: does every device pass, with a serial number of its own, a record
# and a row in the report? TAP on stdout.
#
# Usage: test-batch.sh BUILD
set -u

build=${1:?usage: test-batch.sh BUILD}
holdfast=$build/host/tool/holdfast
dir=$build/batch-tests
tests=0

result() { # ok?, name, why not
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2: $3"
	fi
}

scripts/batch-twins.sh "$build" "$dir" 4 1 4 >"$build/batch-tests.log" 2>&1
result $? "a batch of four, one loses power, all lines are noisy" "$(tail -n 1 "$build/batch-tests.log")"
grep -q '"passed":4,"failed":0' "$dir/result.json"
result $? "all pass" "$(cut -c 1-200 "$dir/result.json")"
"$holdfast" job verify "$dir/twins.records" >"$dir/verify" 2>&1 && grep -q '4 records, whole' "$dir/verify"
result $? "the records are whole" "$(cat "$dir/verify")"
[ "$(sed -n 's/.*"serial":"\([^"]*\)".*/\1/p' "$dir/twins.records" | sort -u | wc -l)" = 4 ]
result $? "four serial numbers are given" "$(grep -c . "$dir/twins.records") records"
"$holdfast" job serials "$dir"/twins.serials/*.ledger >"$dir/serials" 2>&1 && grep -q '4 used, 0 bound' "$dir/serials"
result $? "the ledger knows them" "$(head -n 2 "$dir/serials")"
[ -s "$dir/twins.html" ] && grep -q '4</b><span>passed' "$dir/twins.html"
result $? "the report counts them" "no report"
echo "1..$tests"

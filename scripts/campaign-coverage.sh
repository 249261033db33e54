#!/bin/sh
# SPDX-License-Identifier: MIT
# Which conditional branches of boot/ and core/ faults lead both ways, in the binaries that ship: a share of the campaign on
# the reference board, watched.
#
# Usage: campaign-coverage.sh BUILD [QUOTA]
# Prints shares by source file; writes the branches that are not seen both ways to BUILD/campaign-branches.txt, and
# BUILD/coverage.json, which campaign.sh takes over into campaign.json.
set -u

build=${1:?usage: campaign-coverage.sh BUILD [QUOTA]}
quota=${2:-4}
seen=$build/campaign-branches.seen
report=$build/campaign-branches.txt
fw=$build/stm32f407
rm -f "$seen"
HF_CAMPAIGN_OUT=$build/campaign-coverage scripts/campaign.sh "$build" --board reference --quota "$quota" --coverage "$seen" \
	>"$build/campaign-coverage.tap" 2>&1
status=$?
grep '^not ok\|^# FAILED' "$build/campaign-coverage.tap"
scripts/coverage.sh "$seen" boot="$fw/boot/reference/boot.elf" recovery="$fw/recovery/reference/recovery.elf" \
	gateway-1.0.0-a="$fw/gateway/reference/gateway-1.0.0-a.elf" >"$report" || exit 1
grep 'branches seen both ways' "$report"
awk '
/^(boot|core)\/ .*branches seen both ways/ {
	name = substr($1, 1, 4)
	rows = rows (rows == "" ? "" : ",\n") sprintf("{\"name\": \"campaign.branches_%s\", \"value\": %.4f, \"unit\": \"ratio\", \"better\": \"higher\", \"how\": \"conditional branches of %s/ seen both ways, of %d in boot, recovery and gateway\"}", name, $2 / $4, name, $4)
}
END { printf "[\n%s\n]\n", rows }' "$report" >"$build/coverage.json"
exit $status

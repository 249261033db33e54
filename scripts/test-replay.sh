#!/bin/sh
# SPDX-License-Identifier: MIT
# Cases of the campaign's report, played again by their line; needs the campaign.json of one that was played before.
set -u

build=${1:?usage: test-replay.sh BUILD}
report=$build/campaign/compact/small/campaign.json
export HF_CAMPAIGN_OUT="$build/replay"
count=0

result() { # status, what, why not
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2: $3"
	fi
}

# again LINE: exactly this case, on its board and layout
again() {
	said=$(scripts/campaign.sh "$build" --replay "$1" 2>&1) && [ "$said" = "ok - $1" ]
}

# One fault of flash, one of the line, and several in a row.
for kind in ' torn@[^+]*' ' baud-drift@[^+]*' '+.*'; do
	line=$(sed -n "s/.*\"replay\": \"\([^\"]*$kind\)\".*/\1/p" "$report" 2>&1 | sed -n 2p)
	said=
	[ -n "$line" ] && again "$line"
	result $? "'${line:-$kind}' is played again" "$(echo "${said:-no such line in $report}" | tail -n 1)"
done
for line in "gw-f407/small" "gw-f407/none/upgrade torn@1#1" "gw-none/small/upgrade torn@1#1" "gw-f407/small/upgrade torn@1#x"; do
	said=$(scripts/campaign.sh "$build" --replay "$line" 2>&1)
	[ $? -eq 2 ] && [ "$said" = "campaign: '$line' is no case: BOARD/LAYOUT/FLOW FAULT@INSTANT#SEED" ]
	result $? "'$line' is refused" "$said"
done
echo "1..$count"

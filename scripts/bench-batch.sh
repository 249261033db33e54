#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures a batch of 100 gateways on twins (batch-twins.sh), as rows of build/bench.json.
#
# Usage: bench-batch.sh BUILD DIR
#
# Each twin has its own virtual clock, so that the time of all at once is that of the slowest, and the time on ten ports is what
# ten hands take who always take the next device; unplugging and plugging in is not counted.
set -u

build=${1:?usage: bench-batch.sh BUILD DIR}
dir=${2:?usage: bench-batch.sh BUILD DIR}

HF_BATCH_NOISE=0 scripts/batch-twins.sh "$build" "$dir/one" 1 0 1 || exit 1
scripts/batch-twins.sh "$build" "$dir/all" 100 3 4 || exit 1

number() { # key
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$dir/all/result.json"
}

row() { # name, value, unit, goal or "", how
	met=$(awk -v v="$2" -v g="$4" 'BEGIN { print (v <= g) ? "true" : "false" }')
	[ -n "$4" ] && goal=", \"goal\": $4, \"met\": $met" || goal=
	printf '{"name": "%s", "value": %s, "unit": "%s", "better": "lower"%s, "how": "%s"}\n' "$1" "$2" "$3" "$goal" "$5"
}

one=$(awk '{ print $3 - $2 }' "$dir/one/devices")
slowest=$(awk '$3 - $2 > most { most = $3 - $2 } END { print most }' "$dir/all/devices")
ports=$(awk '
	{
		p = 0
		for (i = 1; i < 10; i++)
			if (at[i] < at[p])
				p = i
		at[p] += $3 - $2
		if (at[p] > most)
			most = at[p]
	}
	END { printf "%.3f", most / 60000 }' "$dir/all/devices")
faults="3 of 100 lose power at a seeded instant, 3 % of the upload's frames damaged"

row batch.wall_over_one "$(awk -v a="$slowest" -v b="$one" 'BEGIN { printf "%.3f", a / b }')" ratio 2 \
	"100 twins on 100 ports, virtual: $slowest ms over $one ms of an undisturbed one; $faults"
row batch.minutes_100_on_10_ports "$ports" min 150 \
	"the same devices through 10 ports, virtual, without plugging; 100 gateways took 150 min with a J-Link, 480 min with an ST-Link"
row batch.failures "$(number failed)" devices 0 "of these 100; 3 with an ST-Link; $faults"
row batch.cpu_s_per_device "$(awk -v c="$(number cpu_ms)" 'BEGIN { printf "%.3f", c / 100000 }')" s "" \
	"host CPU of batch and its children a device, twins not counted; this machine"

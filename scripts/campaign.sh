#!/bin/sh
# SPDX-License-Identifier: MIT
# Plays faults in whole upgrades on the twin, on both boards. The packages that it needs are made below; what is played says
# tests/campaign/campaign.c.
#
# Usage: campaign.sh BUILD [--board NAME] [--layout NAME] [options of the campaign: --quota N, --each, --whole, --jobs N,
#                    --flow NAME, --fault NAME, --first]
#        campaign.sh BUILD --replay CASE
#   --quota N  cases of each kind of fault in each flow (default 24; costly ones fewer)
#   --each     every instant, of the kinds for which that is possible; some hundred in slow flows
#   --whole    as --each, in slow flows too, and every bit of an image: hours for one board and layout
#   --first    stop at the first failure
# Prints TAP lines, and "# FAILED CASE: why" for each failure; --replay CASE plays it again.
set -u

build=${1:?usage: campaign.sh BUILD [options]}
shift
holdfast=$build/host/tool/holdfast
campaign=$build/host/tests/campaign/campaign
boards="reference compact"
out=${HF_CAMPAIGN_OUT:-$build/campaign}
rm -rf "$out"
mkdir -p "$out"

# What one board and one layout need, in a folder that the campaign reads by the names in it:
#   small     relocated, in one sector, one segment
#   pair      a build for each slot, in one package
#   straddle  relocated, begins before a sector's end, three segments
layouts="small pair straddle"

# What narrows the campaign to one of them comes first.
while :; do
	case ${1:-} in
	--board) boards=$2 ;;
	--layout) layouts=$2 ;;
	*) break ;;
	esac
	shift 2
done

# A case names both: BOARD-CLASS/LAYOUT/FLOW FAULT...
case ${1:-} in
--replay)
	replay=${2:-}
	place=${replay%/*}
	layouts=${place#*/}
	boards=$(grep -l "^class *= *\"${place%%/*}\";" boards/*.conf | sed 's,^boards/\(.*\)\.conf$,\1,')
	case $layouts:$boards in
	small:?* | pair:?* | straddle:?*) ;;
	*)
		echo "campaign: '$replay' is no case: BOARD/LAYOUT/FLOW FAULT@INSTANT#SEED" >&2
		exit 2
		;;
	esac
	;;
esac

pack() {
	"$holdfast" pack --quiet --board "boards/$board.conf" --key "$out/release.pem" "$@"
}

# firmware NAME VERSION ELVES [OPTION ...]: as the layout wants it
firmware() {
	name=$1 version=$2 elves=$fw/$3
	shift 3
	case $layout in
	small) pack --version "$version" --out "$dir/$name.suit" "$@" "$elves-a.elf" "$elves-b.elf" ;;
	pair) pack --version "$version" --out "$dir/$name.suit" "$@" --slot-a "$elves-a.elf" --slot-b "$elves-b.elf" ;;
	straddle) pack --version "$version" --out "$dir/$name.suit" "$@" --offset 108K "$elves-a.elf" "$elves-b.elf" ;;
	esac
}

recovery() {
	pack --version "$1" --out "$dir/recovery-$1.suit" "$build/stm32f407/recovery/$board/recovery.elf" \
		"$build/stm32f407/recovery/$board/recovery-slot.elf"
}

factory() {
	"$holdfast" factory --quiet --board "boards/$board.conf" --boot "$build/stm32f407/boot/$board/boot.elf" --keyset "$dir/first.keyset" \
		"$@"
}

prepare() {
	board=$1
	layout=$2
	dir=$out/$board/$layout
	fw=$build/stm32f407/gateway/$board
	small=small
	[ "$layout" != straddle ] || small=small-spread
	mkdir -p "$dir" && cp "$out/first.keyset" "$out/next.keyset" "$dir" || return 1
	recovery 0.1.0 && recovery 0.2.0 &&
		firmware first 1.0.0 gateway-1.0.0 && firmware later 1.1.0 gateway-1.1.0 && firmware small 1.2.0 $small &&
		firmware hang 1.0.1 small-hang && firmware secure 1.2.1 $small --security-version 1 &&
		firmware secure-later 1.1.0 gateway-1.1.0 --security-version 1 &&
		factory --recovery "$dir/recovery-0.1.0.suit" --package "$dir/first.suit" --out "$dir/factory.bin" &&
		factory --package "$dir/small.suit" --out "$dir/bare.bin" &&
		scripts/hostile-packages.sh "$build" "$board" "$out" "$dir/hostile"
}

# The keyset that the factory burns, and a signed successor that trusts a site key too.
keys() {
	for role in root release site; do
		"$holdfast" keygen $role --role $role --out "$out" || return 1
	done
	"$holdfast" keyset make --root "$out/root.pub.pem" --release "$out/release.pub.pem" --out "$out/first.keyset" &&
		"$holdfast" keyset make --from "$out/first.keyset" --site "$out/site.pub.pem" --out "$out/next.keyset" &&
		"$holdfast" keyset sign "$out/next.keyset" --key "$out/root.pem" --previous "$out/first.keyset"
}

keys >"$out/log" 2>&1 || {
	echo "not ok - campaign: no keys: $(tail -n 1 "$out/log")"
	exit 1
}
for board in $boards; do
	for layout in $layouts; do
		prepare "$board" "$layout" >>"$out/log" 2>&1 || {
			echo "not ok - campaign on $board, $layout: $(tail -n 1 "$out/log")"
			exit 1
		}
	done
done
# play BOARD LAYOUT [OPTIONS]: the turns are six, so that each kind of fault has its own in slow flows (plan.h)
play() {
	board=$1
	layout=$2
	shift 2
	case $board-$layout in
	reference-small) turn=0 ;;
	reference-pair) turn=1 ;;
	reference-*) turn=2 ;;
	*-small) turn=3 ;;
	*-pair) turn=4 ;;
	*) turn=5 ;;
	esac
	dir=$out/$board/$layout
	"$campaign" --board "boards/$board.conf" --packages "$dir" --layout "$layout" --turn "$turn" \
		--elf "$build/stm32f407/recovery/$board/recovery.elf" --elf "$build/stm32f407/boot/$board/boot.elf" \
		--elf "$build/stm32f407/gateway/$board/gateway-1.0.0-a.elf" --elf "$build/stm32f407/gateway/$board/gateway-1.1.0-b.elf" \
		--elf "$build/stm32f407/gateway/$board/gateway-1.1.0-a.elf" --out "$dir/campaign.json" "$@" &
	trap 'kill $! 2>/dev/null; exit 7' TERM # what runs in the background does not hear Ctrl-C
	wait $!
}

[ "${1:-}" != --replay ] || {
	play "$boards" "$layouts" "$@"
	exit
}

# work [OPTIONS]: plays what nobody plays yet until there is no more. The slow ones come first, so that both cores end together.
work() {
	bad=0
	for layout in straddle pair small; do
		for board in compact reference; do
			[ -d "$out/$board/$layout" ] && mkdir "$out/$board/$layout/taken" 2>/dev/null || continue
			play "$board" "$layout" "$@" || bad=1
		done
	done
	return $bad
}

status=0
case $boards$layouts in
*" "*)
	# A core each; the bar is the first one's, for one line has room for one.
	work --jobs 1 "$@" &
	first=$!
	work --jobs 1 --quiet "$@" &
	second=$!
	trap 'kill $first $second 2>/dev/null; exit 7' INT TERM
	wait $first || status=1
	wait $second || status=1
	;;
*) work "$@" || status=1 ;;
esac
counts=$(find "$out" -name campaign.json | sort)
# shellcheck disable=SC2086
"$build/host/tests/campaign/campaign-report" "$out.json" $counts \
	$(ls "$build/mutants.json" "$build/coverage.json" 2>/dev/null) >"$out/report" 2>&1 || {
	echo "not ok - campaign: its report cannot be written: $(tail -n 1 "$out/report")"
	status=1
}
sed 's/^/# /' "$out/report"
exit "$status"

#!/bin/sh
# SPDX-License-Identifier: MIT
# The fifteen ways an upgrade fails, a scenario each (tests/scenarios/NAME.sh), played on the twin with the firmware and the tool
# that ship, two at a time. What each run says is compared with docs/FAULTS.md, numbers left out. Prints TAP.
#
# Usage: scenarios.sh BUILD [--write] [NAME...]      --write: docs/FAULTS.md gets what was said now
set -u

root=$(pwd)
build=$(cd "${1:?usage: scenarios.sh BUILD [--write] [NAME...]}" && pwd)
shift
doc=$root/docs/FAULTS.md
dir=$build/scenarios
holdfast=$build/host/tool/holdfast
fw=$build/stm32f407
board=reference
conf=boards/$board.conf
all="wrong-version damaged-package forged-firmware restarts-in-mid-upgrade worn-memory power-cut wrong-baud boot-pin-taken wrong-port
	bit-flips temperature-and-supply storage-vanishes stale-data cut-by-hand warning-ignored"
write=
[ "${1:-}" != --write ] || {
	write=yes
	shift
}
tests=0
failed=0
lane0=
lane1=
trap 'kill $lane0 $lane1 2>/dev/null; exit 7' INT TERM

# The keys and packages that all scenarios begin with, and a project file: commands are as short as a technician types them.
prepare() {
	rm -rf "$dir/common"
	mkdir -p "$dir/common" && cd "$dir/common" || return 1
	ln -s "$root/boards" boards
	"$holdfast" keygen release --out . || return 1
	for version in 1.0.0 1.1.0; do
		"$holdfast" pack -q -b $conf -k release.pem -s 1 -v $version -o $version.suit "$fw/gateway/$board/gateway-$version-a.elf" \
			"$fw/gateway/$board/gateway-$version-b.elf" || return 1
	done
	"$holdfast" pack -q -b $conf -k release.pem -s 1 -v 1.0.0 --component recovery -o recovery.suit \
		"$fw/recovery/$board/recovery.elf" "$fw/recovery/$board/recovery-slot.elf" &&
		"$holdfast" factory --board $conf --boot "$fw/boot/$board/boot.elf" --keyset release.keyset --recovery recovery.suit \
			--package 1.0.0.suit --out factory.bin || return 1
	cat >holdfast.conf <<-END
		format = 1; product = "gateway"; board = "$conf"; keyset = "release.keyset";
		packages = { firmware = "1.1.0.suit"; recovery = "recovery.suit"; way_back = "."; };
		burn = { pilot = false; };
	END
}

# What was said, without what differs from build to build: numbers and identities, but not versions and exit codes.
plain() {
	sed -e 's/[0-9a-f]\{8\}-[0-9a-f-]\{27\}/ID/g' -e 's/[0-9a-f]\{16,\}/ID/g' -e 's/0x[0-9a-f]*/N/g' | awk '
		/^exit code/ { print; next }
		{
			line = ""
			while (match($0, /[0-9]+(\.[0-9]+)*/)) {
				token = substr($0, RSTART, RLENGTH)
				line = line substr($0, 1, RSTART - 1) (token ~ /\..*\./ ? token : "N")
				$0 = substr($0, RSTART + RLENGTH)
			}
			print line $0
		}'
}

# A scenario's block in the document, without its fences.
shown() {
	sed -n "/^\`\`\`scenario $1\$/,/^\`\`\`\$/p" "$doc" | sed '1d;$d'
}

# The document gets what was said.
renew() {
	awk -v name="$1" -v told="$dir/$1/told" '
		!inside { print }
		$0 == "```scenario " name { inside = 1; while ((getline line < told) > 0) print line }
		inside && $0 == "```" { inside = 0; print }' "$doc" >"$dir/doc" && cp "$dir/doc" "$doc"
}

# The row of the table: each sentence in it was said, and the exit code is one of the run's.
row_holds() {
	row=$(grep "^| \[$1\]" "$doc") || return 1
	echo "$row" | grep -o '`[^`]*`' | tr -d '`' | plain >"$dir/$1/sentences"
	[ -s "$dir/$1/sentences" ] || return 1
	plain <"$dir/$1/told" >"$dir/$1/plain"
	while IFS= read -r sentence; do
		grep -qF -- "$sentence" "$dir/$1/plain" || {
			echo "# not said: $sentence"
			return 1
		}
	done <"$dir/$1/sentences"
	for code in $(echo "$row" | grep -o '(exit [0-9]*)' | tr -dc '0-9\n'); do
		grep -q "^exit code $code\$" "$dir/$1/told" || {
			echo "# no exit code $code"
			return 1
		}
	done
}

begin() {
	rm -rf "${dir:?}/$1"
	mkdir -p "$dir/$1"
	cp -rP "$dir/common/." "$dir/$1/"
	(
		cd "$dir/$1" || exit 1
		name=$1
		: >told
		: >all
		. "$root/tests/scenarios/common.sh"
		. "$root/tests/scenarios/$1.sh"
	) >"$dir/$1/tap" 2>&1 &
}

result() { # ok?, text
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failed=1
		echo "not ok $tests - $2"
	fi
}

# Tells what a scenario that has ended said, and whether the document says the same.
settle() { # name, exit status
	while IFS= read -r line; do
		case $line in
		"ok - "*) result 0 "${line#ok - }" ;;
		"not ok - "*) result 1 "${line#not ok - }" ;;
		*) echo "# ${line#\# }" ;;
		esac
	done <"$dir/$1/tap"
	[ "$2" = 0 ] || grep -q '^not ok' "$dir/$1/tap" || result 1 "$1: ended with $2"
	grep -q '^ok.*# SKIP' "$dir/$1/tap" && return
	[ "$2" = 0 ] || return
	[ -z "$write" ] || renew "$1"
	shown "$1" | plain >"$dir/$1/shown"
	plain <"$dir/$1/told" | diff "$dir/$1/shown" - | sed 's/^/# /' >"$dir/$1/differs"
	[ -s "$dir/$1/shown" ] && [ ! -s "$dir/$1/differs" ] && row_holds "$1" >>"$dir/$1/differs"
	good=$?
	head -n 20 "$dir/$1/differs"
	result $good "$1: docs/FAULTS.md has what was said"
}

prepare >"$build/scenarios.log" 2>&1 || {
	echo "not ok - the scenarios' packages cannot be made: $(tail -n 1 "$build/scenarios.log")"
	exit 1
}
cd "$root" || exit 1
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
for name; do
	[ -f "tests/scenarios/$name.sh" ] || {
		echo "not ok - there is no scenario '$name': $(echo $all)"
		exit 2
	}
done
while [ $# -gt 0 ]; do
	begin "$1"
	lane0=$!
	lane1=
	[ -z "${2:-}" ] || {
		begin "$2"
		lane1=$!
	}
	wait "$lane0"
	settle "$1" $?
	[ -z "$lane1" ] || {
		wait "$lane1"
		settle "$2" $?
		shift
	}
	shift
done
echo "1..$tests"
[ $failed -eq 0 ]

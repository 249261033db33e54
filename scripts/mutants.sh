#!/bin/sh
# SPDX-License-Identifier: MIT
# Mutants: does the campaign notice the mistakes that a good engineer makes? Each file of tests/mutants/ is one mistake in
# policy, journal, state, slot, verifier, upload engine or boot. It is made in a private copy of the sources, the firmware is
# built from that, and the campaign plays until something fails. The tool that packs, and the campaign that judges, stay as
# they are.
#
# Usage: mutants.sh BUILD [--self-test] [--only NAME]...
#   --self-test  plays a change of a comment only, which must survive, and a line that is not there, which must be refused
#   --only NAME  this mutant only (tests/mutants/NAME.mutant); several times
# Prints a table, and writes BUILD/mutants.json. Exit 1 if a mutant survives, does not apply or does not build.
#
# A mutant is a text file of lines `word text`:
#   mistake  what was done wrong
#   field    what would happen in the field
#   flow     the flow of the campaign that is played first (all others follow); several lines: in this order
#   board    where it is played (default: reference)
#   file     of the tree; then the line `old`, the exact lines that are there once, the line `new`, and what takes their
#            place. Several files, or several places of one, follow each other.
set -u
export LC_ALL=C.UTF-8

build=${1:?usage: mutants.sh BUILD [--self-test] [--only NAME]...}
shift
out=$build/mutants
lanes=2
self_test=
only=
while [ $# -gt 0 ]; do
	case $1 in
	--self-test) self_test=1 ;;
	--only)
		shift
		only="$only ${1:?--only wants a name}"
		;;
	*)
		echo "mutants: $1 is no option" >&2
		exit 2
		;;
	esac
	shift
done

# word FILE: the texts of a mutant's lines of that name
word() {
	awk -v want="$1" '$1 == "file" { exit } $1 == want { sub(/^[a-z]+ +/, ""); print }' "$2"
}

# apply MUTANT TREE: fails with a sentence where an old text is not there exactly once.
apply() {
	awk -v tree="$2" '
	function slurp(path,   text, line, got) {
		text = ""
		while ((got = (getline line < path)) > 0)
			text = text line "\n"
		close(path)
		if (got < 0)
			refuse(path " cannot be read")
		return text
	}
	function refuse(why) {
		print "does not apply: " why
		refused = 1
		exit 1
	}
	function change(   text, at) {
		if (file == "" || refused)
			return
		text = slurp(tree "/" file)
		at = index(text, old)
		if (old == "" || at == 0)
			refuse("its old text is not in " file)
		if (index(substr(text, at + 1), old) > 0)
			refuse("its old text is more than once in " file)
		printf "%s", substr(text, 1, at - 1) new substr(text, at + length(old)) > (tree "/" file)
		close(tree "/" file)
	}
	$1 == "file" && (part == "" || part == "new") { change(); file = $2; old = new = ""; part = "file"; next }
	$0 == "old" && part == "file" { part = "old"; next }
	$0 == "new" && part == "old" { part = "new"; next }
	part == "old" { old = old $0 "\n" }
	part == "new" { new = new $0 "\n" }
	END {
		if (file == "" && !refused)
			refuse("it changes nothing")
		change()
		exit refused
	}' "$1"
}

# prepare_lane LANE: a copy of the sources, with a build of the firmware of its own.
prepare_lane() {
	lane=$out/lane$1
	mkdir -p "$lane/build"
	find "$lane" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	git ls-files -z | tar -c --null -T - | tar -x -C "$lane" || return 1
	ln -sfn "$(realpath "$build/host")" "$lane/build/host"
	(
		cd "$lane" || exit 1
		[ -f build/stm32f407/build.ninja ] || meson setup build/stm32f407 --cross-file scripts/stm32f407.ini \
			-Dwerror=false "-Dmbedtls=$mbedtls" "-Dholdfast=$(realpath build/host/tool/holdfast)"
	) >"$lane/build/log" 2>&1
}

# firmware BOARD: what a board of the campaign is made from
firmware() {
	echo "boot/$1/boot.elf recovery/$1/recovery.elf recovery/$1/recovery-slot.elf"
	for name in gateway-1.0.0 gateway-1.1.0 small small-hang; do
		echo "gateway/$1/$name-a.elf gateway/$1/$name-b.elf"
	done
}

# restore LANE MUTANT: what it changed is as it was
restore() {
	awk '$1 == "file" { print $2 }' "$2" | sort -u | while read -r file; do
		cp "$file" "$out/lane$1/$file"
	done
}

# campaign LANE BOARD FLOW: plays it until something fails.
play_flow() {
	(cd "$out/lane$1" && exec nice sh /tmp/mutw/camp2.sh build "$2" "$3") >"$out/lane$1/build/tap" 2>&1
}

# play LANE NAME MUTANT: leaves verdict|flow and fault|cases in NAME.result
play() {
	lane=$out/lane$1
	result=$out/$2.result
	board=$(word board "$3")
	board=${board:-reference}
	if ! apply "$3" "$lane" >"$lane/build/log" 2>&1; then
		echo "broken|$(tail -n 1 "$lane/build/log")|" >"$result"
	elif ! ninja -C "$lane/build/stm32f407" -j2 --quiet $(firmware "$board") >"$lane/build/log" 2>&1; then
		echo "broken|does not build: $(grep -m 1 error: "$lane/build/log")|" >"$result"
	else
		echo "survived||" >"$result"
		word flow "$3" >"$lane/build/flows"
		while read -r flow; do
			play_flow "$1" "$board" "$flow" && continue
			why=$(sed -n -e 's/^# \(.*: cut .*\)/\1/p' -e 's/^not ok - [^,]*, \(.*: without any cut.*\)/\1/p' "$lane/build/tap" | head -n 1)
			echo "caught|${why:-$(tail -n 1 "$lane/build/tap")}|" >"$result"
			break
		done <"$lane/build/flows"
	fi
	restore "$1" "$3"
}

lane() {
	for name in $names; do
		mkdir "$out/$name.taken" 2>/dev/null || continue
		began=$(date +%s)
		play "$1" "$name" "tests/mutants/$name.mutant"
		echo "$name: $(cat "$out/$name.result") ($(($(date +%s) - began)) s)"
	done
}

mbedtls=$(realpath "$build/third-party/mbedtls")
mkdir -p "$out"
rm -rf "$out"/*.taken "$out"/*.result
names=${only:-$(ls tests/mutants | sed -n 's/\.mutant$//p')}
export CCACHE_NOHASHDIR=1
for i in 0 1; do
	prepare_lane $i || { tail -5 "$out/lane$i/build/log"; exit 1; }
done
lane 0 &
lane 1 &
wait

#!/bin/sh
# SPDX-License-Identifier: MIT
# Mutants: does the campaign notice the mistakes that a good engineer makes? Each file of tests/mutants/ is one mistake in
# policy, journal, state, slot, verifier, upload engine or boot. It is made in a private copy of the sources, the firmware is
# built from that, and the campaign plays until something fails. The tool that packs, and the campaign that judges, stay as
# they are.
#
# Usage: mutants.sh BUILD [--self-test] [--quota N] [NAME]...
#   --self-test  instead: a change of a comment must survive, one that does not apply must be refused, as must one that does
#                not build; and one mistake that stands for all must be caught
#   --quota N    cases of each kind of fault in each flow (default 24)
#   NAME         these mutants only (tests/mutants/NAME.mutant)
# Prints a table, and writes BUILD/mutants.json, which the campaign's report takes over into campaign.json. Exit 1 if a mutant survives, does not apply or does not build.
#
# A mutant is a text file of lines `word text`:
#   mistake  what was done wrong
#   field    what would happen in the field
#   flow     a flow of the campaign that is played before all others; several: in this order
#   fault    a fault that is played at every instant of those flows first; several lines: one after the other
#   board, layout   where it is played (default: reference, small)
#   file     of the tree; behind it the line `old`, the lines that are there exactly once, the line `new`, and what takes their
#            place. Several files, or several places of one, follow each other.
set -u
export LC_ALL=C.UTF-8

build=${1:?usage: mutants.sh BUILD [--self-test] [--quota N] [NAME]...}
shift
out=$build/mutants
quota=24
named_quota=8000 # of a fault that a mutant names
self_test=
names=
while [ $# -gt 0 ]; do
	case $1 in
	--self-test) self_test=1 ;;
	--quota)
		shift
		quota=${1:?--quota wants a number}
		;;
	-*)
		echo "mutants: $1 is no option" >&2
		exit 2
		;;
	*) names="$names $1" ;;
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
	git ls-files -z | tar -c --null -T - | tar -x -m -C "$lane" || return 1 # as of now: what a mutant left built is older
	# Boot's flash and recovery's RAM have hardly a byte left, and a mistake may take some.
	sed -i 's/^boot_limit_kib = .*/boot_limit_kib = 24;/' "$lane"/boards/*.conf &&
		sed -i 's/\. += 0x1800;/. += 0x1400;/' "$lane/recovery/recovery.ld" || return 1
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
	for name in gateway-1.0.0 gateway-1.1.0 small small-hang small-spread; do
		echo "gateway/$1/$name-a.elf gateway/$1/$name-b.elf"
	done
}

# restore LANE MUTANT: what it changed is as it was
restore() {
	awk '$1 == "file" { print $2 }' "$2" | sort -u | while read -r file; do
		cp "$file" "$out/lane$1/$file"
	done
}

# campaign LANE FILE [OPTION...]: plays it, until something fails. What failed goes to the lane's `why`, as flow|fault|what.
campaign() {
	lane=$out/lane$1
	board=$(word board "$2")
	layout=$(word layout "$2")
	shift 2
	(cd "$lane" && exec nice scripts/campaign.sh build --board "${board:-reference}" --layout "${layout:-small}" \
		--quota "$quota" --jobs 1 --first "$@") </dev/null >"$lane/build/tap" 2>&1 && status=0 || status=1
	cases=$((cases + $(sed -n 's/^# [^:]*: \([0-9]*\) cases,.*/\1/p' "$lane/build/tap" | awk '{ n += $1 } END { print n + 0 }')))
	sed -n -e 's!^# FAILED [^/]*/[^/]*/\(.*\) \([a-z-]*@[^ ]*\): \(.*\)!\1|\2|\3!p' \
		-e 's!^not ok - [^,]*, \(.*\): without any fault: \(.*\)!\1|none|\2!p' "$lane/build/tap" | head -n 1 >"$lane/build/why"
	return $status
}

# caught LANE FILE: by the flows and faults that it names, or then by any (but in the self-test, which has to be short)
caught() {
	cases=0
	usual_quota=$quota
	word flow "$2" >"$out/lane$1/build/flows"
	while read -r flow; do
		for fault in $(word fault "$2"); do
			quota=$named_quota
			campaign "$1" "$2" --flow "$flow" --fault "$fault" --each && found=0 || found=1
			quota=$usual_quota
			[ $found = 0 ] || return 0
		done
		campaign "$1" "$2" --flow "$flow" || return 0
	done <"$out/lane$1/build/flows"
	[ -z "$self_test" ] && ! campaign "$1" "$2"
}

# play LANE NAME FILE: leaves verdict|flow|fault|what failed|cases in NAME.result
play() {
	lane=$out/lane$1
	board=$(word board "$3")
	if ! apply "$3" "$lane" >"$lane/build/log" 2>&1; then
		echo "broken|||$(tail -n 1 "$lane/build/log")|0"
	elif ! ninja -C "$lane/build/stm32f407" -j2 --quiet $(firmware "${board:-reference}") >"$lane/build/log" 2>&1; then
		echo "broken|||does not build: $(grep -m 1 error "$lane/build/log")|0"
	elif ! caught "$1" "$3"; then
		echo "survived||||$cases"
	elif [ -s "$lane/build/why" ]; then
		echo "caught|$(cat "$lane/build/why")|$cases"
	else
		echo "broken|||the campaign ended without a verdict: $(tail -n 1 "$lane/build/tap")|$cases"
	fi >"$out/$2.part"
	restore "$1" "$3"
	mv "$out/$2.part" "$out/$2.result"
}

# run_lane LANE: whatever no other lane has taken yet
run_lane() {
	for name in $names; do
		mkdir "$out/$name.taken" 2>/dev/null || continue
		play "$1" "$name" "$mutants/$name.mutant"
		done_now=$(ls "$out" | grep -c '\.result$')
		spent=$(($(date +%s) - began))
		echo "  $done_now of $total: $name $(cut -d '|' -f 1 "$out/$name.result"), about $((spent * (total - done_now) / done_now / 60 + 1)) min left" >&2
	done
}

# run_all: sets total; the results are in $out
run_all() {
	rm -rf "$out"/*.taken "$out"/*.result "$out"/*.part
	total=$(echo "$names" | wc -w)
	began=$(date +%s)
	for i in 0 1; do
		prepare_lane $i || {
			echo "mutants: the copy of the sources cannot be configured: $(tail -n 1 "$out/lane$i/build/log")" >&2
			exit 1
		}
	done
	run_lane 0 &
	lane0=$!
	run_lane 1 &
	lane1=$!
	wait "$lane0" "$lane1"
}

verdict() {
	cut -d '|' -f 1 "$out/$1.result" 2>/dev/null || echo missing
}

table() {
	[ -t 1 ] && red=$(printf '\033[31m') plain=$(printf '\033[0m') || red='' plain=''
	for name in $names; do
		IFS='|' read -r v flow fault what cases <"$out/$name.result"
		case $v in
		caught) printf '%-32s caught by %s, %s after %s cases: %s\n' "$name" "$flow" "${fault:-no fault}" "$cases" "$what" ;;
		survived) printf '%s%-32s survived %s cases%s\n' "$red" "$name" "$cases" "$plain" ;;
		*) printf '%s%-32s %s%s\n' "$red" "$name" "$what" "$plain" ;;
		esac
		printf '%-32s   %s\n' '' "$(word mistake "$mutants/$name.mutant")"
	done
}

quoted() {
	printf '"%s"' "$(printf %s "$1" | sed 's/["\\]/\\&/g')"
}

# An array of figures, as all of them are: first how many were caught, then a row each.
json() {
	printf '[{"name": "campaign.mutants_killed", "value": %d, "unit": "mutants", "better": "higher", "goal": %d, "met": %s, "how": "of %d mistakes in policy, journal, slot and verifier"}' \
		"$killed" "$total" "$([ "$killed" -eq "$total" ] && echo true || echo false)" "$total"
	for name in $names; do
		IFS='|' read -r v flow fault what cases <"$out/$name.result"
		printf ',\n {"name": %s, "value": %d, "unit": "cases", "better": "lower", "how": %s, "field": %s, "verdict": %s, "flow": %s, "fault": %s, "why": %s}' \
			"$(quoted "mutant.$name")" "$cases" "$(quoted "$(word mistake "$mutants/$name.mutant")")" \
			"$(quoted "$(word field "$mutants/$name.mutant")")" "$(quoted "$v")" "$(quoted "$flow")" "$(quoted "$fault")" \
			"$(quoted "$what")"
	done
	printf ']\n'
}

# The machine that looks for survivors must see one.
self_test() {
	mutants=$out/self-test
	mkdir -p "$mutants"
	cp tests/mutants/attempts-not-recorded.mutant "$mutants/mistake.mutant"
	mutant() {
		printf 'mistake %s\nfield none\nflow trial interrupted\nfile core/policy.c\nold\n%s\nnew\n%s\n' "$2" "$3" "$4" >"$mutants/$1.mutant"
	}
	mutant comment "None: a comment." "/* Is this the image that the journal speaks of? */" "/* Is it this image that the journal speaks of? */"
	mutant absent "Its line is not there." "/* no such line */" "/* nor this one */"
	mutant unbuilt "It does not build." "/* Is this the image that the journal speaks of? */" "int;;; error"
	names="comment absent unbuilt mistake"
	quota=1
	run_all
	[ "$(verdict comment) $(verdict absent) $(verdict unbuilt) $(verdict mistake)" = "survived broken broken caught" ]
}

mutants=tests/mutants
mbedtls=$(realpath "$build/third-party/mbedtls")
lane0=
lane1=
trap 'kill $lane0 $lane1 2>/dev/null; exit 7' INT TERM
mkdir -p "$out"
export CCACHE_NOHASHDIR=1
if [ -n "$self_test" ]; then
	if self_test; then
		echo "ok - mutants: a survivor is noticed, and what does not apply or build"
		exit 0
	fi
	table
	echo "not ok - mutants: the machine does not tell survivors from what is caught"
	exit 1
fi
names=${names:-$(ls $mutants | sed -n 's/\.mutant$//p')}
run_all
killed=0
for name in $names; do
	[ "$(verdict "$name")" != caught ] || killed=$((killed + 1))
done
table
json >"$build/mutants.json"
echo "$killed of $total mutants were caught, in $((($(date +%s) - began) / 60)) min; $build/mutants.json"
[ "$killed" -eq "$total" ]

#!/bin/sh
# SPDX-License-Identifier: MIT
# Completion: what bash offers, asked as bash asks.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

command -v bash >/dev/null || {
	echo "1..0 # SKIP bash is not installed"
	exit 0
}
"$HOLDFAST" help --bash >holdfast.bash 2>"$err"
ok "the script is made" $?
bash -n holdfast.bash
ok "bash reads it" $?
if command -v shellcheck >/dev/null; then
	shellcheck -s bash holdfast.bash >"$out"
	ok "shellcheck finds nothing" $?
fi

# offers WORDS...: what is offered for the last of the words, one a line.
offers() {
	bash -c '
	. ./holdfast.bash
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_holdfast
	printf "%s\n" "${COMPREPLY[@]}"
	' bash holdfast "$@" >"$out" 2>"$err"
}
has() { # has NAME WORD
	grep -qxF -e "$2" "$out" && [ ! -s "$err" ]
	ok "$1" $?
}
lacks() {
	! grep -qxF -e "$2" "$out"
	ok "$1" $?
}

mkdir keys
touch my.suit my.conf "with blank.suit"
offers ""
for command in $("$HOLDFAST" help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'); do
	has "the command $command is offered" "$command"
done
offers bu
has "bu becomes burn" burn
lacks "and not board" board
offers help fac
has "help has commands" factory-reset

# Every option of every command, as its help has them.
for command in $("$HOLDFAST" help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'); do
	offers "$command" --
	"$HOLDFAST" "$command" --help | sed -n '/^options:/,/^example:/s/^  \(-.,\|   \) \(--[a-z0-9-]*\).*/\2/p' | sort >want
	sort "$out" | cmp -s - want
	ok "$command has exactly its options" $?
done
offers burn my
has "burn takes a file" my.suit
offers burn with
has "a name with a blank stays one" "with blank.suit"
offers burn my.suit --board my.c
has "--board takes a file" my.conf
offers burn my.suit -b my.c
has "-b, too" my.conf
offers burn my.suit --slot ""
has "--slot takes A" A
has "or B" B
lacks "and no file" my.conf
offers burn my.suit --baud ""
lacks "--baud takes no file" my.conf
offers burn my.suit --port lock
has "--port knows the twin" lockstep:
offers keygen release --out k
has "a directory is offered where one is wanted" keys
lacks "and no file" my.conf
offers keyset ""
has "keyset has parts" make
offers keyset make --
has "with options of their own" --root
finish

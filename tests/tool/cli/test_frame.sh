#!/bin/sh
# SPDX-License-Identifier: MIT
# The command's frame: help, usage errors, what is written where.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

exits 0 "help lists the commands" "$HOLDFAST" help
says "help names pack" "  pack "
exits 0 "--help is help" "$HOLDFAST" --help
exits 0 "--version works" "$HOLDFAST" --version
says "the version is a number" "holdfast 0."
exits 2 "an unknown command is wrong usage" "$HOLDFAST" fly
complains "it is named" "'fly' is no command"
exits 2 "help of an unknown command is wrong usage" "$HOLDFAST" help fly
"$HOLDFAST" >"$out" 2>"$err"
ok "no command is wrong usage" $(($? - 2))
complains "and shows the commands" "usage: holdfast COMMAND"

for command in $("$HOLDFAST" help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'); do
	exits 0 "$command --help works" "$HOLDFAST" "$command" --help
	says "$command has an example" "example:
"
	grep -q "^  .*holdfast $command " "$out"
	ok "$command's example is a command line" $?
	! sed '/^usage:/d; /^example:/,/^$/d' "$out" | grep -q '.\{111\}'
	ok "$command's help fits 110 columns" $?
	says "$command documents its exit codes" "exit codes: 0 done, 1 input/output or internal error, 2 wrong usage"
	"$HOLDFAST" help "$command" | cmp -s - "$out"
	ok "help $command says the same" $?
	exits 2 "$command refuses an unknown option" "$HOLDFAST" "$command" --no-such-option
	complains "$command points at its help" "see \`holdfast $command --help\`"
done

if [ -w /dev/full ]; then
	"$HOLDFAST" help >/dev/full 2>"$err"
	ok "output that cannot be written is an error" $(($? - 1))
	complains "it is said" "standard output cannot be written"
fi
"$HOLDFAST" board "$reference" >"$out" 2>"$err"
! grep -q "$(printf '\033')" "$out"
ok "no colours where there is no terminal" $?
finish

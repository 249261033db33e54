#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes all manual pages in a directory: those of the commands by the programs themselves, the others from docs/man.
#
# Usage: man.sh HOLDFAST TWIN DOCS-MAN OUT [STAMP]
set -eu

tool=$1 twin=$2 docs=$3 out=$4
rm -rf "$out"
mkdir -p "$out/man1" "$out/man5"
cp "$docs"/*.1 "$out/man1"
cp "$docs"/*.5 "$out/man5"
"$tool" help --man >"$out/man1/holdfast.1"
for command in $("$tool" help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'); do
	"$tool" help --man "$command" >"$out/man1/holdfast-$command.1"
	# A command with parts says so where its usage begins with them: "make|sign|show".
	for part in $("$tool" "$command" --help | sed -n "s/^usage: holdfast $command \([a-z]*|[a-z|]*\) .*/\1/p" | tr '|' ' '); do
		page=$out/man1/holdfast-$command-$part.1
		"$tool" help --man "$command" "$part" >"$page" 2>/dev/null && [ -s "$page" ] || rm -f "$page"
	done
done
for command in run ctl; do
	"$twin" "$command" --describe=man >"$out/man1/holdfast-twin-$command.1"
done
[ $# -lt 5 ] || touch "$5"

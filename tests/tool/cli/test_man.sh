#!/bin/sh
# SPDX-License-Identifier: MIT
# Manual pages: one for each command and each part of one, without a warning of the formatters that are here, and complete.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

exits 0 "all pages are made" "$HF_SOURCE/scripts/man.sh" "$HOLDFAST" "$HOLDFAST_TWIN" "$HF_SOURCE/docs/man" pages
formats() { # formats PAGE: every formatter that is here takes it without a word
	: >"$err"
	# man-db runs groff with the options that its own pages get; a sandbox without a locale has no UTF-8.
	! command -v man >/dev/null || MANROFFOPT=-ww LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l "$1" >"$out" 2>>"$err" || return 1
	! command -v groff >/dev/null || groff -ww -man -Tutf8 "$1" >"$out" 2>>"$err" || return 1
	! command -v mandoc >/dev/null || mandoc -T lint -W error "$1" >>"$err" || return 1
	[ ! -s "$err" ]
}
for page in pages/man1/*.1 pages/man5/*.5; do
	formats "$page"
	ok "${page##*/} has no warning" $?
done

for command in $("$HOLDFAST" help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'); do
	page=pages/man1/holdfast-$command.1
	grep -q "BR holdfast.-$command (1)" pages/man1/holdfast.1
	ok "holdfast(1) names $command" $?
	missing=
	for option in $("$HOLDFAST" "$command" --help | sed -n '/^options:/,/^example:/s/^  \(-.,\|   \) --\([a-z0-9-]*\).*/\2/p'); do
		grep -qF "\\-\\-$(echo "$option" | sed 's/-/\\-/g')\\fP" "$page" || missing="$missing --$option"
	done
	: >"$out"
	echo "$missing" >"$err"
	[ -z "$missing" ]
	ok "holdfast-$command(1) has every option that --help has" $?
done
for page in keyset-make keyset-sign keyset-show keyset-burn twin-run twin-ctl twin; do
	[ -s "pages/man1/holdfast-$page.1" ]
	ok "there is holdfast-$page(1)" $?
done
for code in 0 1 2 8 17 18; do
	grep -qx "\.B $code" pages/man1/holdfast.1
	ok "holdfast(1) has exit code $code" $?
done
exits 2 "the page of no command is refused" "$HOLDFAST" help --man fly
exits 2 "as is another form" "$HOLDFAST" help --html

# The two formats: every key that a reader knows is in its page.
for format in project board; do
	missing=
	for key in $(sed -n '/const char \*const keys\[\] = {/,/};/p' "$HF_SOURCE/host/$format.c" | grep -o '"[a-z_]*"' | tr -d '"' | sort -u); do
		grep -q "^\.\(B\|BR\|IR\|RB\|SS\)\( \|.* \)[(]*\"*$key\(\$\|[^a-z_]\)" "$HF_SOURCE/docs/man/holdfast-$format.5" ||
			missing="$missing $key"
	done
	: >"$out"
	echo "$missing" >"$err"
	[ -z "$missing" ]
	ok "holdfast-$format(5) has every key" $?
done
sed -n '/^\.SH EXAMPLES/,/^\.RE/p' "$HF_SOURCE/docs/man/holdfast-board.5" | grep -v '^\.' >example.conf
exits 0 "the example of holdfast-board(5) is a board file" "$HOLDFAST" board example.conf --header --out example.h
"$HOLDFAST" board "$reference" --header --out reference.h
cmp -s example.h reference.h
ok "the reference board's" $?
sed -n '/^\.SH EXAMPLES/,/^\.RE/p' "$HF_SOURCE/docs/man/holdfast-project.5" | grep -v '^\.' >example.conf
mkdir -p boards keys released
cp "$reference" boards/
"$HOLDFAST" project example.conf >"$out" 2>"$err"
says "the example of holdfast-project(5) is a project file" "/dev/ttyUSB*"
finish

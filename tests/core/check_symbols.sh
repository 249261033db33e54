#!/bin/sh
# SPDX-License-Identifier: MIT
# core depends on nothing: what its library leaves undefined is memcpy, memmove, memset, memcmp and the compiler's own
# helpers (__aeabi_*; _GLOBAL_OFFSET_TABLE_ is the linker's). Prints TAP; with STAMP, makes that file on success.
#
# Usage: check_symbols.sh NM LIBCORE [STAMP]
set -eu
nm=${1:?usage: check_symbols.sh NM LIBCORE [STAMP]}
lib=${2:?usage: check_symbols.sh NM LIBCORE [STAMP]}

echo 1..1
symbols=$("$nm" "$lib")
defined=$(printf '%s\n' "$symbols" | awk 'NF == 3 && $2 ~ /[A-TV-Z]/ { print $3 }' | sort -u)
undefined=$(printf '%s\n' "$symbols" | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u)
[ -n "$defined" ] || {
	echo "not ok 1 - $lib defines nothing"
	exit 1
}
foreign=$({
	printf '%s\n' "$defined" "$defined" # twice, so that uniq drops them
	printf '%s\n' "$undefined"
} | sort | uniq -u | grep -vxE 'memcpy|memmove|memset|memcmp|__aeabi_[a-z0-9_]+|_GLOBAL_OFFSET_TABLE_' || true)
if [ -n "$foreign" ]; then
	echo "not ok 1 - core needs more than it may:" $foreign
	exit 1
fi
echo "ok 1 - core needs nothing but memory functions and compiler helpers"
[ $# -lt 3 ] || touch "$3"

#!/bin/sh
# SPDX-License-Identifier: MIT
# The library's headers and symbols: each header compiles by itself, in C and in C++; what they declare is exported, and nothing else.
#
# Environment: HF_INCLUDE (the headers as installed), HF_LIB (the libraries), HF_SOURCE.
set -u
checks=0
failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-lib-XXXXXX")
trap 'rm -rf "$dir"' EXIT

ok() { # ok NAME STATUS
	checks=$((checks + 1))
	[ "$2" -eq 0 ] && echo "ok $checks - $1" && return
	failed=$((failed + 1))
	echo "not ok $checks - $1"
	sed 's/^/#   /' "$dir/log" | head -n 20
}

for header in "$HF_INCLUDE"/holdfast/*.h; do
	name=${header##*/}
	echo "#include <holdfast/$name>" >"$dir/alone.c"
	cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$HF_INCLUDE" -fsyntax-only "$dir/alone.c" >"$dir/log" 2>&1
	ok "$name compiles alone in C" $?
	if command -v c++ >/dev/null; then
		printf 'extern "C" {\n#include <holdfast/%s>\n}\n' "$name" >"$dir/alone.cc"
		[ "$name" != holdfast.h ] || echo "#include <holdfast/$name>" >"$dir/alone.cc"
		c++ -std=c++17 -Wall -Wextra -Werror -I"$HF_INCLUDE" -fsyntax-only "$dir/alone.cc" >"$dir/log" 2>&1
		ok "$name compiles alone in C++" $?
	fi
done
command -v c++ >/dev/null || echo "# no C++ compiler here: the headers were not tried in C++"

# What the archive defines, and a header that holdfast.h names mentions as a function, has to be there.
nm -g --defined-only "$HF_LIB/libholdfast.a" 2>/dev/null | sed -n 's/^.* T \(hf_.*\)/\1/p' | sort -u >"$dir/defined"
for name in $(sed -n 's/^#include "\(.*\)"/\1/p' "$HF_INCLUDE/holdfast/holdfast.h"); do
	# Without comments: they mention functions, too.
	cc -fpreprocessed -dD -E -P "$HF_INCLUDE/holdfast/$name" 2>/dev/null
done | grep -o '\bhf_[a-z0-9_]* *(' | tr -d ' (' | sort -u | comm -12 - "$dir/defined" >"$dir/declared"
nm -D --defined-only "$HF_LIB/libholdfast.so" | sed -n 's/^.* T \(.*\)@@.*/\1/p;s/^.* T \([^@]*\)$/\1/p' | sort -u >"$dir/exported"
diff "$dir/declared" "$dir/exported" >"$dir/log"
ok "what the public headers declare is exported, and nothing else" $?
[ "$(wc -l <"$dir/exported")" -gt 80 ]
ok "which is a library's worth" $?
nm -D --defined-only "$HF_LIB/libholdfast.so" | grep -v ' hf_' | grep -v ' A HOLDFAST_0' >"$dir/log"
ok "no other name is seen" $(($? - 1))
nm "$HF_LIB/libholdfast.so" >"$dir/log"
readelf -d "$HF_LIB/libholdfast.so" | grep -q 'SONAME.*libholdfast.so.0'
ok "it has a name with a version" $?

# A program in C++.
if command -v c++ >/dev/null; then
	cat >"$dir/program.cc" <<-'EOT'
	#include <cstring>
	#include <holdfast/holdfast.h>
	int main() { return std::strcmp(hf_burn_outcome_text(HF_BURN_CONFIRMED), "confirmed") != 0; }
	EOT
	c++ -Wall -Wextra -Werror -I"$HF_INCLUDE" "$dir/program.cc" -L"$HF_LIB" -Wl,-rpath,"$HF_LIB" -lholdfast -o "$dir/program" >"$dir/log" 2>&1 &&
		"$dir/program"
	ok "a program in C++ links and runs" $?
fi
echo "1..$checks"
[ "$failed" -eq 0 ]

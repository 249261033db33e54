#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests the Debian packages without installing them: what is in them, that they run from where they are unpacked, that a program can be
# built with them, and that the same source makes the same bytes. Prints TAP.
#
# Usage: test-deb.sh BUILD-ROOT
set -u

cd "$(dirname "$0")/.." || exit 1
build=$(cd "$1" && pwd)
checks=0
failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-deb-XXXXXX")
trap 'rm -rf "$dir"' EXIT

ok() { # ok NAME STATUS
	checks=$((checks + 1))
	[ "$2" -eq 0 ] && echo "ok $checks - $1" && return
	failed=$((failed + 1))
	echo "not ok $checks - $1"
	sed 's/^/#   /' "$dir/log" | head -n 20
}

command -v dpkg-shlibdeps >/dev/null || {
	echo "ok 1 # SKIP dpkg-dev is not installed"
	exit 0
}
scripts/deb.sh "$build/host" "$dir/a" >"$dir/log" 2>&1
ok "the packages are made" $?
scripts/deb.sh "$build/host" "$dir/b" >"$dir/log" 2>&1
(cd "$dir/a" && sha256sum ./*.deb) >"$dir/sums"
(cd "$dir/b" && sha256sum -c "$dir/sums") >"$dir/log" 2>&1
ok "and again, with the same bytes" $?

root=$dir/root
mkdir "$root"
for package in libholdfast0 libholdfast-dev holdfast holdfast-twin; do
	dpkg-deb -x "$dir/a/${package}"_*.deb "$root" 2>"$dir/log"
	ok "$package unpacks" $?
	dpkg-deb -c "$dir/a/${package}"_*.deb >"$dir/$package.list"
	dpkg-deb -f "$dir/a/${package}"_*.deb Depends >"$dir/$package.depends"
done
holds() { # holds PACKAGE PATH...
	package=$1
	shift
	for path; do
		grep -q " \./$path" "$dir/$package.list" || {
			echo "$path is missing" >"$dir/log"
			ok "$package holds what it should" 1
			return
		}
	done
	ok "$package holds what it should" 0
}
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
holds holdfast usr/bin/holdfast usr/share/man/man1/holdfast.1.gz usr/share/man/man1/holdfast-burn.1.gz usr/share/man/man5/holdfast-project.5.gz \
	usr/share/man/man5/holdfast-board.5.gz usr/share/bash-completion/completions/holdfast usr/share/zsh/site-functions/_holdfast \
	usr/lib/udev/rules.d/60-holdfast.rules usr/share/doc/holdfast/copyright
holds holdfast-twin usr/bin/holdfast-twin usr/share/man/man1/holdfast-twin.1.gz "usr/lib/$triplet/holdfast/libholdfast-shim.so"
holds libholdfast0 "usr/lib/$triplet/libholdfast.so.0 " "usr/lib/$triplet/libholdfast.so.0."
holds libholdfast-dev usr/include/holdfast/holdfast.h "usr/lib/$triplet/libholdfast.so " "usr/lib/$triplet/libholdfast.a" \
	"usr/lib/$triplet/pkgconfig/holdfast.pc" usr/share/doc/libholdfast-dev/LIBRARY.md usr/share/doc/libholdfast-dev/examples/burn-one.c
cat "$dir"/*.list | grep -v '^d' | awk '{ print $6 }' | sort | uniq -d >"$dir/log"
[ ! -s "$dir/log" ]
ok "no file is in two of them" $?
cat "$dir"/*.list | grep -vE '^(d|-|l)r[w-][x-]r-[x-]r-[x-] root/root|^lrwxrwxrwx root/root' >"$dir/log"
ok "all belongs to root, and nobody else may write" $(($? - 1))
grep -q libunicorn "$dir/holdfast-twin.depends" && ! grep -q libunicorn "$dir/holdfast.depends"
ok "only the twin needs Unicorn" $?
grep -q 'libserialport0' "$dir/holdfast.depends" && grep -q 'libssl3' "$dir/libholdfast0.depends"
ok "the libraries that are linked are depended on" $?

# A command may not depend on where it was built.
version=$("$build/host/tool/holdfast" --version)
[ "$(cd / && "$root/usr/bin/holdfast" --version 2>"$dir/log")" = "$version" ]
ok "holdfast runs from there" $?
"$root/usr/bin/holdfast-twin" run --help >"$dir/log" 2>&1
ok "so does holdfast-twin" $?
strings -a "$root/usr/bin/holdfast" "$root/usr/bin/holdfast-twin" "$root/usr/lib/$triplet"/*.so | grep -F "$(pwd)/" >"$dir/log"
ok "no program names the directory that it was built in" $(($? - 1))
"$root/usr/bin/holdfast" help --udev | cmp - "$root/usr/lib/udev/rules.d/60-holdfast.rules" >"$dir/log" 2>&1
ok "the udev rule is the one that doctor installs" $?
for page in "$root"/usr/share/man/man*/*; do
	gzip -t "$page" || echo "$page"
done >"$dir/log" 2>&1
[ ! -s "$dir/log" ]
ok "the manual pages are compressed" $?
flags=$(PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 PKG_CONFIG_PATH=$root/usr/lib/$triplet/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root pkg-config --cflags --libs holdfast 2>"$dir/log")
# shellcheck disable=SC2086
cc -Wall -Wextra -Werror "$root/usr/share/doc/libholdfast-dev/examples/burn-one.c" $flags -o "$dir/burn-one" >"$dir/log" 2>&1
ok "the example is built with pkg-config's flags" $?
LD_LIBRARY_PATH=$root/usr/lib/$triplet "$dir/burn-one" >"$dir/log" 2>&1
[ $? -eq 2 ] && grep -q 'usage: .* PACKAGE PORT' "$dir/log"
ok "and runs with the packaged library" $?

if command -v lintian >/dev/null; then
	# New packages close no report, and there is no copy of a library: the parts of Mbed TLS are compiled from its source.
	lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$dir/a"/*.deb >"$dir/log" 2>&1
	ok "lintian finds neither errors nor warnings" $?
fi
echo "1..$checks"
[ "$failed" -eq 0 ]

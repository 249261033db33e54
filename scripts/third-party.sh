#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches third-party source into a directory, with the package client only.
#
# Usage: third-party.sh DIR [PACKAGE:NAME...]     default: mbedtls
#
# apt checks the archive's signature, the index's digests and the source's digests. A machine that lists only
# Debian 12 has a 2.28 of Mbed TLS; so a private list is made from the machine's own, for Debian 13's sources. The
# machine's lists are not touched. MBEDTLS_DIR=/some/tree uses that tree instead.
set -eu

dir=${1:?usage: third-party.sh DIR}
suite=trixie
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

if [ -n "${MBEDTLS_DIR:-}" ]; then
	[ -f "$MBEDTLS_DIR/library/sha256.c" ] || {
		echo "third-party: $MBEDTLS_DIR holds no Mbed TLS (library/sha256.c is missing); unset MBEDTLS_DIR" >&2
		exit 1
	}
	ln -sfn "$(cd "$MBEDTLS_DIR" && pwd)" "$dir/mbedtls"
fi
if [ -f "$dir/mbedtls/library/sha256.c" ]; then
	exit 0
fi

apt=$dir/apt
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/parts" "$apt/cache/archives/partial"
for list in /etc/apt/sources.list.d/*.sources; do
	[ -f "$list" ] || continue
	grep -q 'bookworm\|trixie' "$list" || continue
	sed -e 's/^Types:.*/Types: deb-src/' -e '/^Suites:/{s/bookworm-[a-z]*//g
		s/bookworm/'$suite'/g}' "$list" |
		sed -e "s/^Suites:[[:space:]]*\$/Suites: $suite-security/" >"$apt/parts/$(basename "$list")"
done
if [ -f /etc/apt/sources.list ]; then
	sed -n -e 's/bookworm/'$suite'/g' -e 's/^deb \(.* '$suite' .*\)/deb-src \1/p' /etc/apt/sources.list \
		>"$apt/parts/one-line.list"
fi

options="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$apt/parts -o Dir::State::lists=$apt/lists
	-o Dir::Cache=$apt/cache -o APT::Sandbox::User=root"
cd "$apt"
# shellcheck disable=SC2086
apt-get $options update -qq
# shellcheck disable=SC2086
apt-get $options -qq --only-source --download-only source mbedtls
dsc=$(ls mbedtls_3.6.*.dsc 2>/dev/null | head -n 1)
[ -n "$dsc" ] || {
	echo "third-party: the archive's $suite holds no Mbed TLS 3.6; set MBEDTLS_DIR to a tree of it" >&2
	exit 1
}
rm -rf "$dir/mbedtls.new"
dpkg-source --no-check -x "$dsc" "$dir/mbedtls.new" >/dev/null
mv "$dir/mbedtls.new" "$dir/mbedtls"
echo "third-party: Mbed TLS ${dsc%.dsc} in $dir/mbedtls"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches third-party source into a directory, with the package client only; needs no root.
#
# Usage: third-party.sh DIR
#
# apt checks the archive's signature, the index's digests and the source's digests. A machine that lists only
# Debian 12 has a 2.28 of Mbed TLS; so a private list is made from the machine's own, for Debian 13's sources. The
# machine's lists are not touched. MBEDTLS_DIR=/some/tree uses that tree instead.
set -eu

dir=${1:?usage: third-party.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

fail() {
	echo "third-party: $*" >&2
	exit 1
}

if [ -n "${MBEDTLS_DIR:-}" ]; then
	[ -f "$MBEDTLS_DIR/library/sha256.c" ] ||
		fail "$MBEDTLS_DIR holds no Mbed TLS (library/sha256.c is missing); unset MBEDTLS_DIR"
	ln -sfn "$(cd "$MBEDTLS_DIR" && pwd)" "$dir/mbedtls"
fi
[ ! -f "$dir/mbedtls/library/sha256.c" ] || exit 0

apt=$dir/apt
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/parts" "$apt/cache/archives/partial"

# The machine's lists of Debian itself, in either form, turned into lists of Debian 13's sources; other suites (updates,
# backports, other people's) are left out.
suite='
function turned(word) {
	if (word ~ /^(bookworm|trixie|stable|oldstable)$/)
		return "trixie"
	return word ~ /^(bookworm|trixie|stable|oldstable)-security$/ ? "trixie-security" : ""
}'
one_line() {
	awk "$suite"'
	/^[ \t]*deb(-src)?[ \t]/ {
		if (/cdrom:/)
			next
		sub(/#.*/, "")
		options = match($0, /\[[^]]*\]/) ? substr($0, RSTART, RLENGTH) : ""
		sub(/\[[^]]*\]/, "")
		if (turned($3) == "" || NF < 4)
			next
		$1 = "deb-src " options
		$3 = turned($3)
		if (!seen[$0]++)
			print
	}' "$@"
}
deb822() {
	for list; do
		awk -v RS= -F '\n' "$suite"'
		{
			suites = ""
			out = "Types: deb-src\n"
			for (i = 1; i <= NF; i++) {
				name = tolower($i)
				sub(/:.*/, "", name)
				if (name == "suites") {
					n = split(substr($i, 8), word, /[ \t]+/)
					for (k = 1; k <= n; k++)
						suites = suites " " turned(word[k])
				} else if (name == "enabled" && tolower($i) ~ /no|false|off|0/)
					next
				else if (name != "types" && name != "enabled" && $i !~ /^#/)
					out = out $i "\n"
			}
			if (suites ~ /trixie/)
				printf "%sSuites:%s\n\n", out, suites
		}' "$list"
	done
}
set -- /etc/apt/sources.list.d/*.sources
[ ! -f "$1" ] || deb822 "$@" >"$apt/parts/deb822.sources"
set --
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -f "$list" ] || set -- "$@" "$list"
done
[ $# -eq 0 ] || one_line "$@" >"$apt/parts/one-line.list"

cd "$apt"
client() {
	apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o Dir::State::lists="$apt/lists" \
		-o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root -qq "$@" >>"$apt/log" 2>&1
}
client update || true # one list of several may be out of reach
client --only-source --download-only source mbedtls || true
dsc=$(ls mbedtls_3.6.*.dsc 2>/dev/null | head -n 1)
[ -n "$dsc" ] || {
	cat "$apt/log" >&2
	fail "no source of Mbed TLS 3.6 through this machine's package lists; set MBEDTLS_DIR to a tree of it"
}
rm -rf "$dir/mbedtls.new"
dpkg-source --no-check -x "$dsc" "$dir/mbedtls.new" >/dev/null
rm -rf "$dir/mbedtls"
mv "$dir/mbedtls.new" "$dir/mbedtls"
echo "third-party: Mbed TLS ${dsc%.dsc} in $dir/mbedtls"

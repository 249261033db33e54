#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the Debian packages holdfast, holdfast-twin (apart, since it links Unicorn, which is GPL-2), libholdfast0 and libholdfast-dev from a
# build directory. The same source gives the same bytes: all times are the last commit's, and nothing of this machine goes in.
#
# Usage: deb.sh BUILD OUT
set -eu

cd "$(dirname "$0")/.."
build=$1 out=$2
for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture strip; do
	command -v $tool >/dev/null || {
		echo "deb: $tool is missing: apt-get install dpkg-dev binutils" >&2
		exit 1
	}
done
umask 022
version=$(sed -n "s/^project(.*[( ]version: '\([0-9][^']*\)'.*/\1/p" meson.build)
arch=$(dpkg-architecture -qDEB_HOST_ARCH)
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y meson.build)}
export SOURCE_DATE_EPOCH

rm -rf "$out"
mkdir -p "$out/all"
out=$(cd "$out" && pwd)
all=$out/all
DESTDIR=$all meson install -C "$build" --no-rebuild --quiet >/dev/null
prefix=$(meson introspect "$build" --buildoptions | tr '{' '\n' | sed -n 's/.*"name": "prefix", "value": "\([^"]*\)".*/\1/p')
[ -d "$all$prefix" ] || {
	echo "deb: nothing was installed below $prefix" >&2
	exit 1
}
# It is installed where the build directory was configured for, and belongs below /usr.
if [ "$prefix" != /usr ]; then
	mkdir "$out/usr"
	cp -a "$all$prefix/." "$out/usr"
	rm -rf "$all"
	mkdir "$all"
	mv "$out/usr" "$all/usr"
fi
sed -i "s|^prefix=.*|prefix=/usr|" "$all/usr/lib/$triplet/pkgconfig/holdfast.pc"
mkdir -p "$all/usr/lib/udev/rules.d"
"$build/tool/holdfast" help --udev >"$all/usr/lib/udev/rules.d/60-holdfast.rules"
strip --strip-unneeded "$all"/usr/bin/* "$all/usr/lib/$triplet"/*.so*
strip --strip-debug --enable-deterministic-archives "$all/usr/lib/$triplet/libholdfast.a"
chmod 644 "$all/usr/lib/$triplet"/*.so.*.*.* "$all/usr/lib/$triplet/libholdfast-shim.so"
mkdir "$all/usr/lib/$triplet/holdfast" # it is preloaded by its name, and is nobody's library
mv "$all/usr/lib/$triplet/libholdfast-shim.so" "$all/usr/lib/$triplet/holdfast"

take() { # take PACKAGE PATTERN...: moves what matches from the whole into the package
	root=$out/$1
	shift
	for pattern; do
		for file in "$all"/$pattern; do
			to=$root/${file#"$all"/}
			mkdir -p "$(dirname "$to")"
			mv "$file" "$to"
		done
	done
}

describe() {
	case $1 in
	holdfast) echo "Section: electronics
Suggests: holdfast-twin, stm32flash
Description: firmware upgrades that cannot brick an industrial gateway
 The burn tool: finds devices by what they are, checks before an upgrade, burns
 over serial lines or through the chip's own loader, brings back a gateway that
 no longer starts, and burns hundreds in batches with records." ;;
	holdfast-twin) echo "Section: electronics
Description: digital twin of a gateway with an STM32F407
 Executes the binaries that ship, and lets power, cable and memory fail when it
 is told to. It links the Unicorn engine, which is under the GPL, version 2." ;;
	libholdfast0) echo "Section: libs
Multi-Arch: same
Description: firmware upgrades that cannot brick a gateway - library
 What the holdfast command is made of, for a factory's own programs." ;;
	libholdfast-dev) echo "Section: libdevel
Multi-Arch: same
Description: firmware upgrades that cannot brick a gateway - headers
 Headers, the static library, and an example." ;;
	esac
}

copyright() {
	echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: holdfast

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: Expat
$(sed -n '/^Permission/,$p' LICENSE | sed -e 's/^$/./' -e 's/^/ /')"
	[ "$1" != holdfast-twin ] || echo "
Files: /usr/bin/holdfast-twin
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE), and the authors of Unicorn
License: GPL-2
 The program links the library Unicorn, and as a whole is under the GNU General
 Public License, version 2: /usr/share/common-licenses/GPL-2."
	case $1 in libholdfast0) return ;; esac
	echo "
Files: /usr/bin/* /usr/lib/*/libholdfast.a
Copyright: The Mbed TLS Contributors
License: Apache-2.0 or GPL-2+
 ECDSA and SHA-256 of Mbed TLS are part of it:
 /usr/share/common-licenses/Apache-2.0."
}

depends() { # what the package's programs and libraries need, and the others of ours
	mkdir -p "$out/control/debian"
	echo "Source: holdfast

Package: $1
Architecture: any" >"$out/control/debian/control"
	found=
	files=$(find "$out/$1" -type f \( -path '*/bin/*' -o -name '*.so*' \))
	[ -z "$files" ] || found=$(cd "$out/control" && dpkg-shlibdeps -O $files 2>"$out/control/log" | sed -n 's/^shlibs:Depends=//p')
	[ "$1" != libholdfast-dev ] || found="libholdfast0 (= $version), libssl-dev, libconfig-dev, libjansson-dev, libserialport-dev, libp11-dev"
	[ -z "$files" ] || [ -n "$found" ] || {
		cat "$out/control/log" >&2
		exit 1
	}
	echo "$found"
}

finish() {
	root=$out/$1
	mkdir -p "$root/DEBIAN" "$root/usr/share/doc/$1"
	copyright "$1" >"$root/usr/share/doc/$1/copyright"
	printf 'holdfast (%s) unstable; urgency=medium\n\n  * Made from the source of this version.\n\n -- %s  %s\n' "$version" \
		"The Holdfast authors <holdfast@holdfast.example>" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" |
		gzip -9n >"$root/usr/share/doc/$1/changelog.gz"
	find "$root/usr/share/man" -type f -exec gzip -9n {} + 2>/dev/null || true
	needs=$(depends "$1")
	{
		echo "Package: $1
Version: $version
Architecture: $arch
Maintainer: The Holdfast authors <holdfast@holdfast.example>
Installed-Size: $(find "$root/usr" -type f -printf '%s\n' | awk '{ n += int(($1 + 1023) / 1024) } END { print n }')"
		[ -z "$needs" ] || echo "Depends: $needs"
		echo "Priority: optional"
		describe "$1"
	} >"$root/DEBIAN/control"
	if [ "$1" = libholdfast0 ]; then
		echo "libholdfast 0 libholdfast0 (>= $version)" >"$root/DEBIAN/shlibs"
		echo "activate-noawait ldconfig" >"$root/DEBIAN/triggers"
	fi
	(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
	find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${1}_${version}_$arch.deb" >/dev/null
	echo "${1}_${version}_$arch.deb"
}

take holdfast-twin usr/bin/holdfast-twin "usr/lib/$triplet/holdfast" 'usr/share/man/man1/holdfast-twin*'
take libholdfast0 "usr/lib/$triplet/libholdfast.so.*"
take libholdfast-dev usr/include "usr/lib/$triplet/libholdfast.so" "usr/lib/$triplet/libholdfast.a" "usr/lib/$triplet/pkgconfig"
mkdir -p "$out/libholdfast-dev/usr/share/doc/libholdfast-dev"
cp -r docs/LIBRARY.md docs/examples "$out/libholdfast-dev/usr/share/doc/libholdfast-dev"
mv "$all" "$out/holdfast"
mkdir -p "$out/holdfast/usr/share/doc/holdfast"
cp README.md docs/RECOVERY.md docs/KEYS.md docs/PORTING.md "$out/holdfast/usr/share/doc/holdfast"
find "$out/holdfast" -depth -type d -empty -delete
for package in libholdfast0 libholdfast-dev holdfast holdfast-twin; do
	finish $package
	rm -rf "${out:?}/$package"
done
rm -rf "$out/control"

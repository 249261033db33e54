#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that are missing here; names them, and uses sudo only where it is needed.
set -eu

packages="
	ca-certificates dpkg-dev xz-utils pkg-config meson ninja-build gcc g++ libc6-dev binutils
	gcc-arm-none-eabi libnewlib-arm-none-eabi
	libunicorn-dev libssl-dev libconfig-dev libjansson-dev libserialport-dev libp11-dev libcmocka-dev
	qemu-system-arm stm32flash clang libclang-rt-14-dev llvm softhsm2 opensc groff man-db ser2net
"

fail() {
	echo "packages: $*" >&2
	exit 1
}

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
	fail "no Debian here: install what these packages hold, then touch build/.packages:" $packages

missing=
for package in $packages; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install --no-install-recommends$missing"
sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || fail "packages are missing, and there is no sudo to install them; as root: $install"
	sudo=sudo
fi
echo "packages: installing$missing"
# A list that cannot be had, of somebody else's perhaps, matters only if the packages cannot be had then. On a machine
# that has just been started, apt may be at work already: it is waited for.
# shellcheck disable=SC2086
{
	$sudo apt-get -qq -o DPkg::Lock::Timeout=300 update ||
		echo "packages: apt-get update failed; trying with the lists that are there" >&2
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends \
		install $missing >/dev/null
} || fail "they could not be installed; as root: apt-get update; $install"

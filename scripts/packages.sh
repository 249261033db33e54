#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that are missing here; names them, and uses sudo only where it is needed.
set -eu

packages="
	ca-certificates dpkg-dev pkg-config meson ninja-build gcc libc6-dev binutils
	gcc-arm-none-eabi libnewlib-arm-none-eabi
	libunicorn-dev libssl-dev libconfig-dev libjansson-dev libserialport-dev libcmocka-dev
	qemu-system-arm clang libclang-rt-14-dev
"

missing=
for package in $packages; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "packages: installing$missing"
sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "packages: not root and no sudo here; as root: apt-get install$missing" >&2
		exit 1
	}
	sudo=sudo
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null

#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes packages and keysets that a device must refuse: for the campaign's flow `hostile`.
#
# Usage: hostile-packages.sh BUILD BOARD KEYS OUT
#   KEYS  a folder with release.pem, root.pem and first.keyset, which the device trusts
set -eu

build=${1:?usage: hostile-packages.sh BUILD BOARD KEYS OUT}
board=$2
keys=$3
out=$4
holdfast=$build/host/tool/holdfast
fw=$build/stm32f407/gateway/$board
mkdir -p "$out"

# pack NAME BOARD-FILE KEY OPTION...: of the firmware that would be the next one
pack() {
	name=$1 conf=$2 key=$3
	shift 3
	"$holdfast" pack --quiet --board "$conf" --key "$key" --out "$out/$name.suit" "$@" \
		"$fw/gateway-1.1.0-a.elf" "$fw/gateway-1.1.0-b.elf"
}

word() {
	for shift in 0 8 16 24; do
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}

# stranger NAME BOARD-FILE: firmware for another board. The tool knows ours by what is linked into it, so it is made of two
# vectors here, for each slot.
stranger() {
	for slot in A B; do
		addr=$(($("$holdfast" board "$conf" --linker | sed -n "s/^HF_SLOT_${slot}_ADDR = \(.*\);/\1/p") + 0x800))
		{ word 0x20001000 && word $((addr + 9)) && word 0 && word 0xe7fee7fe; } >"$out/$slot.bin"
		files="${files:-}--slot-$(echo $slot | tr AB ab) $out/$slot.bin@$(printf 0x%08x $addr) "
	done
	# shellcheck disable=SC2086
	"$holdfast" pack --quiet --board "$2" --key "$keys/release.pem" --version 1.1.0 --out "$out/$1.suit" $files
	files=
}

for role in root release; do
	[ -f "$out/foreign-$role.pem" ] || "$holdfast" keygen "foreign-$role" --role $role --out "$out"
done
conf=boards/$board.conf
sed 's/^class .*/class = "another-gateway";/' "$conf" >"$out/class.conf"
sed 's/^vendor .*/vendor = "another.example";/' "$conf" >"$out/vendor.conf"
sed -n '/^-----BEGIN/,$p' "$keys/root.pem" >"$out/no-role.pem" # the tool does not sign firmware with what it knows as a root key
pack foreign-key "$conf" "$out/foreign-release.pem" --version 1.1.0
pack root-key "$conf" "$out/no-role.pem" --version 1.1.0
stranger class "$out/class.conf"
stranger vendor "$out/vendor.conf"
pack device "$conf" "$keys/release.pem" --version 1.1.0 --device-id 00112233445566778899aabbccddeeff
pack from "$conf" "$keys/release.pem" --version 1.1.0 --from '>=2.0.0'
pack older "$conf" "$keys/release.pem" --version 0.9.0
pack same "$conf" "$keys/release.pem" --version 1.0.0
pack insecure "$conf" "$keys/release.pem" --version 1.3.0

# Keysets: of somebody else; and a true successor under which nothing would start that devices have.
"$holdfast" keyset make --root "$out/foreign-root.pub.pem" --release "$out/foreign-release.pub.pem" --number 2 \
	--out "$out/forged.keyset"
"$holdfast" keyset sign "$out/forged.keyset" --key "$out/foreign-root.pem"
"$holdfast" keyset make --from "$keys/first.keyset" --remove "$keys/release.pub.pem" \
	--release "$out/foreign-release.pub.pem" --revoke-without-recovery --out "$out/lockout.keyset"
"$holdfast" keyset sign "$out/lockout.keyset" --key "$keys/root.pem" --previous "$keys/first.keyset"

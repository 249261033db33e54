#!/bin/sh
# SPDX-License-Identifier: MIT
# pack, inspect, verify and factory: from firmware files to refusals, by the shipped command.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

fw=$HF_FIXTURES
"$HOLDFAST" keygen release >"$out" 2>"$err" && "$HOLDFAST" keygen other >"$out" 2>"$err"
pack="$HOLDFAST pack --board $reference --key release.pem"
verify="$HOLDFAST verify --board $reference --keyset release.keyset"
id=00112233445566778899aabbccddeeff

# ---- input formats ----
exits 0 "two links are packed" $pack --version 1.1.0 -s 2 -o two.suit "$fw/none-a.elf" "$fw/none-b.elf"
says "the report names the version" "two.suit: version 1.1.0, security version 2, for gw-f407"
exits 0 "and packed again" $pack --version 1.1.0 -s 2 -o again.suit "$fw/none-a.elf" "$fw/none-b.elf"
cmp -s two.suit again.suit
ok "to the same bytes" $?
exits 0 "in the other order" $pack --version 1.1.0 -s 2 -o swapped.suit "$fw/none-b.elf" "$fw/none-a.elf"
cmp -s two.suit swapped.suit
ok "to the same bytes, too" $?
exits 0 "with another key" "$HOLDFAST" pack --board "$reference" --key other.pem --version 1.1.0 -s 2 -o foreign.suit \
	"$fw/none-a.elf" "$fw/none-b.elf"
! cmp -s two.suit foreign.suit
ok "to other bytes" $?
exits 0 "one ELF with relocations is packed" $pack --version 1.1.0 -s 2 -o one.suit "$fw/none-a.elf"
cmp -s two.suit one.suit
ok "to the same bytes as two links" $?
for kind in hex srec; do
	exits 0 "two $kind files are packed" $pack --version 1.1.0 -s 2 -o $kind.suit "$fw/none-a.$kind" "$fw/none-b.$kind"
	cmp -s two.suit $kind.suit
	ok "$kind: the same bytes as the ELFs'" $?
done
exits 0 "two raw binaries are packed" $pack --version 1.1.0 -s 2 -o bin.suit "$fw/none-a.bin@0x08020200" \
	"$fw/none-b.bin@0x080a1600"
cmp -s two.suit bin.suit
ok "raw: the same bytes as the ELFs'" $?
exits 3 "one hex file is refused" $pack --version 1.1.0 -o x.suit "$fw/none-a.hex"
complains "with the two ways out" "--slot-a and --slot-b"
exits 3 "a raw binary without address is refused" $pack --version 1.1.0 -o x.suit "$fw/none-a.bin"
exits 3 "links of different firmware are refused" $pack --version 1.1.0 -o x.suit "$fw/none-a.elf" "$fw/other-b.elf"
exits 3 "an ELF without relocations is refused" $pack --version 1.1.0 -o x.suit "$fw/norelocs-a.elf"
[ ! -e x.suit ]
ok "nothing was written" $?

fixed() { # fixed BASE OUTPUT: a link that is not to be relocated
	arm-none-eabi-ld --gc-sections -z max-page-size=0x200 --no-warn-rwx-segments -L "$HF_SOURCE/tests/tool/image/plain" \
		-T "$HF_SOURCE/tests/tool/image/fw.ld" --defsym=BASE="$1" --defsym=_config_sector=0x080E0000 \
		--defsym=_peripheral=0x40011000 "$fw/fw.o" "$fw/none.o" -o "$2"
}
fixed 0x08020800 fixed-a.elf && fixed 0x08080a00 fixed-b.elf
arm-none-eabi-objcopy -O ihex fixed-b.elf fixed-b.hex
exits 0 "a pair of fixed builds is packed" $pack --version 1.1.0 -o pair.suit --slot-a fixed-a.elf --slot-b fixed-b.hex
says "each at its place" "slot B: image of"
exits 0 "and accepted" $verify pair.suit
exits 0 "and shown" "$HOLDFAST" inspect pair.suit
says "slot by slot" "slot B       image of"
exits 4 "a pair for the wrong slots is refused" $pack --version 1.1.0 -o x.suit --slot-a fixed-b.hex --slot-b fixed-a.elf
complains "with the address" "fixed-b.hex: it is linked at 0x08080A00"
exits 3 "a build too near its slot's beginning is refused" $pack --version 1.1.0 -o x.suit --slot-a "$fw/none-a.elf" \
	--slot-b fixed-b.elf --device-id $id --device-id $id --device-id $id --device-id $id
complains "with the least offset" "link it at least 0x"
exits 2 "half a pair is wrong usage" $pack --version 1.1.0 -o x.suit --slot-a "$fw/none-a.elf"
exits 2 "a pair and a file are wrong usage" $pack --version 1.1.0 -o x.suit --slot-a a --slot-b b c

# ---- arguments ----
exits 2 "no version" $pack -o x.suit "$fw/none-a.elf"
exits 2 "a version that is none" $pack --version 1.1 -o x.suit "$fw/none-a.elf"
exits 2 "conditions that are none" $pack --version 1.1.0 --from 'newer' -o x.suit "$fw/none-a.elf"
exits 2 "an id that is none" $pack --version 1.1.0 --device-id 12 -o x.suit "$fw/none-a.elf"
exits 2 "JSON and a package on one stream" $pack --version 1.1.0 --json -o - "$fw/none-a.elf"
$pack --version 1.1.0 -s 2 -o - "$fw/none-a.elf" >piped.suit 2>"$err"
cmp -s two.suit piped.suit
ok "a package on standard output is the same bytes" $?
exits 1 "a key that is not there" "$HOLDFAST" pack --board "$reference" --key none.pem --version 1.1.0 -o x.suit "$fw/none-a.elf"
exits 3 "a key that is none" "$HOLDFAST" pack --board "$reference" --key release.keyset --version 1.1.0 -o x.suit "$fw/none-a.elf"
exits 3 "a board that is none" "$HOLDFAST" pack --board release.pem --key release.pem --version 1.1.0 -o x.suit "$fw/none-a.elf"
echo secret >password && "$HOLDFAST" keygen locked --password-file password >"$out" 2>"$err"
exits 0 "an encrypted key signs" "$HOLDFAST" pack --board "$reference" --key locked.pem --password-file password --version 1.1.0 \
	-o locked.suit "$fw/none-a.elf"
exits 3 "but not without its password" "$HOLDFAST" pack --board "$reference" --key locked.pem --version 1.1.0 -o x.suit \
	"$fw/none-a.elf" </dev/null
exits 0 "padding makes an image of a size" $pack --version 1.1.0 --pad-to 64K -o pad.suit "$fw/none-a.elf"
says "of exactly that size" "image of 65536 bytes"
exits 0 "which verifies" $verify pad.suit
exits 3 "padding cannot shrink" $pack --version 1.1.0 --pad-to 4 -o x.suit "$fw/none-a.elf"
exits 0 "an image may begin further up in its slot" $pack --version 1.1.0 --offset 108K -o up.suit "$fw/none-a.elf"
says "just there" "at offset 0x1b000"
exits 3 "and not anywhere" $pack --version 1.1.0 --offset 110593 -o x.suit "$fw/none-a.elf"
exits 4 "an image that no slot takes is refused" $pack --version 1.1.0 --pad-to 400K -o x.suit "$fw/none-a.elf"
complains "with both sizes" "needs 401 KiB, and slot A of this board has 384 KiB"

# ---- a disk that is full ----
cp two.suit kept.suit
(
	ulimit -f 1
	exec $pack --version 1.1.0 --pad-to 64K -o kept.suit "$fw/none-a.elf"
) >"$out" 2>"$err"
ok "a full disk is an error" $(($? - 1))
complains "that is said" "kept.suit: cannot write"
cmp -s two.suit kept.suit
ok "the old package is what it was" $?
[ -z "$(find . -name '*.tmp')" ]
ok "and nothing is left behind" $?

# ---- verify ----
exits 0 "a sound package is accepted" $verify two.suit
says "with what could not be checked" "not checked: security version and release"
exits 0 "fully, with the device's facts" $verify two.suit --current 1.0.0 --current-security 2
! grep -q "not checked" "$out"
ok "nothing is left unchecked" $?
exits 4 "another board refuses it" "$HOLDFAST" verify two.suit --board "$compact" --keyset release.keyset
complains "naming both" "made for class gw-f407 of holdfast.example, and this board is class gw-f407-compact of holdfast.example"
exits 4 "a foreign signature is refused" $verify foreign.suit
complains "with the reason" "not signed by a release key of this keyset"
exits 4 "too low a security version is refused" $verify two.suit --current 1.0.0 --current-security 3
complains "with both numbers" "security version 2, and the device's confirmed firmware has 3"
exits 4 "an older release is refused" $verify two.suit --current 1.2.0 --current-security 2
exits 0 "packed for certain versions" $pack --version 1.2.0 --from '>=1.0.0,<1.2.0' -o from.suit "$fw/none-a.elf"
exits 4 "it is refused by others" $verify from.suit --current 0.9.0
complains "naming both" "upgrades from versions >=1.0.0, <1.2.0 only, and this device runs 0.9.0"
exits 0 "and accepted by them" $verify from.suit --current 1.1.9
exits 0 "packed for one device" $pack --version 1.2.0 --device-id $id -o device.suit "$fw/none-a.elf"
exits 4 "it is refused by others" $verify device.suit --device-id 00112233445566778899aabbccddee00
exits 0 "and accepted by it" $verify device.suit --device-id $id
exits 0 "a larger package" $pack --version 1.1.0 -s 2 --pad-to 40000 -o large.suit "$fw/none-a.elf"
cp large.suit flipped.suit && flip flipped.suit 200
exits 3 "a flipped bit in the envelope is damage" $verify flipped.suit
complains "and said so" "the package is damaged"
cp large.suit flipped.suit && flip flipped.suit $(($(stat -c %s large.suit) - 100))
exits 3 "a flipped bit in the payload is damage" $verify flipped.suit
complains "with its place" "segment 3 of 3 is not what was signed"
exits 3 "as JSON, too" $verify flipped.suit --json
says "with a verdict" '"verdict": "damaged"'
head -c 5000 large.suit >short.suit
exits 3 "a package cut off is damage" $verify short.suit
exits 3 "a keyset that is none" "$HOLDFAST" verify two.suit --board "$reference" --keyset two.suit
exits 2 "without a keyset" "$HOLDFAST" verify two.suit --board "$reference"

# ---- inspect ----
exits 0 "a package is shown" "$HOLDFAST" inspect two.suit
says "for whom" "for          class gw-f407 of holdfast.example"
says "that it is whole" ", whole"
says "where its bytes go" "#image image"
exits 0 "as JSON" "$HOLDFAST" inspect two.suit --json
says "with a number that needs no string" '"sequence": 8606777344'
exits 0 "a large sequence" $pack --version 255.255.65535 -s 4294967295 -o newest.suit "$fw/none-a.elf"
exits 0 "is shown as JSON" "$HOLDFAST" inspect newest.suit --json
says "as a string" '"sequence": "18446744073709551615"'
exits 0 "in diagnostic notation" "$HOLDFAST" inspect two.suit --diag
says "with COSE's tag" "<< 18(["
exits 3 "a damaged payload is shown and reported" "$HOLDFAST" inspect flipped.suit
says "as such" ", DAMAGED"
exits 3 "a file of no known kind" "$HOLDFAST" inspect release.pem
complains "says what it could be" "neither a package, a slot's dump, a keyset, nor firmware"
exits 3 "an empty file" "$HOLDFAST" inspect /dev/null
exits 0 "an ELF" "$HOLDFAST" inspect "$fw/none-a.elf"
says "with its vectors" "stack pointer 0x2"

# ---- factory ----
cp "$fw/none-a.bin" boot.bin
printf '\025\261\016\322\222\316\127\020\215\346\314\110\200\264\307\073' >>boot.bin # the reference board's class id
arm-none-eabi-objcopy -I binary -O ihex --change-addresses 0x08000000 boot.bin boot.hex 2>"$err"
arm-none-eabi-objcopy -I binary -O ihex --change-addresses 0x08000000 "$fw/none-a.bin" other.hex 2>"$err"
factory="$HOLDFAST factory --board $reference --boot boot.hex --keyset release.keyset"
exits 0 "a factory's flash is made" $factory --package large.suit --out flash.bin
[ "$(stat -c %s flash.bin)" = 1048576 ]
ok "of the chip's size" $?
head -c "$(stat -c %s boot.bin)" flash.bin | cmp -s - boot.bin
ok "boot comes first" $?
size=$(stat -c %s release.keyset)
dd if=flash.bin bs=1 skip=30720 count="$size" status=none | cmp -s - release.keyset
ok "the keyset is in boot's last page" $?
[ "$(dd if=flash.bin bs=1 skip=131072 count=3 status=none | od -An -tx1)" = " d8 6b a2" ]
ok "slot A begins with its prefix" $?
[ -z "$(dd if=flash.bin bs=1024 skip=32 count=32 status=none | tr -d '\377')" ]
ok "the journal is blank" $?
dd if=flash.bin of=slot.bin bs=1024 skip=128 count=384 status=none
exits 0 "the slot's dump is recognised" "$HOLDFAST" inspect slot.bin --board "$reference"
says "and whole" "whole, read from slot A"
flip slot.bin 20000
exits 3 "a flipped bit in it is found" "$HOLDFAST" inspect slot.bin --board "$reference"
exits 4 "a package that would be refused is not installed" $factory --package foreign.suit --out x.bin
exits 3 "boot that is linked elsewhere is refused" "$HOLDFAST" factory --board "$reference" --boot "$fw/none-a.elf" \
	--keyset release.keyset --package two.suit --out x.bin
exits 4 "another board's boot is refused" "$HOLDFAST" factory --board "$reference" --boot other.hex \
	--keyset release.keyset --package large.suit --out x.bin
complains "as such" "not boot for class gw-f407 of holdfast.example"
[ ! -e x.bin ]
ok "nothing was written" $?

# ---- recovery ----
exits 0 "recovery is packed" $pack --component recovery --version 0.1.0 -o recovery.suit "$fw/none-a.elf" "$fw/none-b.elf"
says "the report says what it is" "recovery.suit: recovery version 0.1.0"
says "and that it goes anywhere" "any place: image of"
exits 0 "it is inspected" "$HOLDFAST" inspect recovery.suit
says "as recovery" "component    recovery"
exits 2 "another component is refused" $pack --component radio --version 0.1.0 -o x.suit "$fw/none-a.elf" "$fw/none-b.elf"
exits 0 "a flash with both is made" $factory --recovery recovery.suit --package two.suit --out flash.bin
[ "$(dd if=flash.bin bs=1 skip=65536 count=3 status=none | od -An -tx1)" = " d8 6b a2" ]
ok "recovery begins with its prefix" $?
dd if=flash.bin of=slot.bin bs=1024 skip=64 count=64 status=none
exits 0 "it is whole" "$HOLDFAST" inspect slot.bin --board "$reference"
says "and known for where it was read" "read from the recovery partition"
exits 0 "recovery alone will do" $factory --recovery recovery.suit --out flash.bin
says "and the slot is empty" "slot A: empty"
exits 2 "nothing at all will not" $factory --out x.bin
exits 3 "firmware is no recovery" $factory --recovery two.suit --out x.bin
complains "as such" "this is a package of firmware, and recovery is wanted"
exits 3 "recovery is no firmware" $factory --package recovery.suit --out x.bin
exits 3 "a pair is none" $pack --component recovery --version 0.1.0 -o x.suit --slot-a "$fw/none-a.elf" --slot-b "$fw/none-b.elf"
finish

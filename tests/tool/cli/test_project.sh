#!/bin/sh
# SPDX-License-Identifier: MIT
# `holdfast project`: the project that counts, what it names, and one made from a J-Flash project.
. "$HF_SOURCE/tests/tool/cli/lib.sh"
unset HOLDFAST_PROJECT

# shows CODE NAME COMMAND...: as `exits`, where the first message says which project counts.
shows() {
	code=$1 name=$2
	shift 2
	"$@" >"$out" 2>"$err"
	got=$?
	[ $got -eq "$code" ] && head -n 1 "$err" | grep -q '^holdfast: project '
	ok "$name" $?
}

exits 3 "without a project there is nothing to show" "$HOLDFAST" project
complains "and it is said how to make one" "project --import FILE.jflash"

"$HOLDFAST" keygen release --out keys >/dev/null
mkdir old sub
cat >holdfast.conf <<EOT
format  = 1;
product = "Gateway 4";
board   = "reference.conf";
keyset  = "keys/release.keyset";
line    = { port = "/dev/ttyUSB*"; baud = 115200; };
burn    = { pilot = true; confirm_s = 60; backup = "saved"; };
probe   = { khz = 1000; };
EOT
cp "$reference" .
shows 0 "a project that is right passes" "$HOLDFAST" project
complains "and is named" "project holdfast.conf (Gateway 4)"
says "with its board" "reference.conf: Reference gateway, class gw-f407"
says "its keyset" "keys/release.keyset: number 1, 1 keys"
says "its line" "/dev/ttyUSB* at 115200"
says "its demands" "a pilot first, confirmed within 60 s"
says "its probe, the board's where it says nothing" "swd at 1000 kHz, erase needed"
cd sub || exit 1
shows 0 "it is found from below" "$HOLDFAST" project
says "and its paths are its own" "../keys/release.keyset"
cd .. || exit 1
shows 0 "as JSON" "$HOLDFAST" project --json
says "the last event is the result" '"event":"result","exit":0,"outcome":"passed"'

HOLDFAST_PROJECT='' exits 3 "an empty HOLDFAST_PROJECT means none" "$HOLDFAST" project
HOLDFAST_PROJECT=none.conf exits 1 "one that is not there is an error" "$HOLDFAST" project
complains "that names it" "none.conf, which HOLDFAST_PROJECT names"
exits 1 "as is one given that is not there" "$HOLDFAST" project none.conf

sed 's/^keyset .*/keyset = "nokeys";/' holdfast.conf >bad.conf
shows 3 "a file that is not there fails" "$HOLDFAST" project bad.conf
says "and is named" "nokeys: cannot open"
sed 's/pilot = true/pilots = true/' holdfast.conf >bad.conf
exits 3 "an unknown key is refused" "$HOLDFAST" project --project bad.conf
complains "with file and line" "bad.conf:6: unknown key 'pilots' in burn"
sed 's/^line .*/packages = { way_back = "old"; };/' holdfast.conf >bad.conf
shows 3 "a way back without packages fails" "$HOLDFAST" project bad.conf
says "and is said so" "old: 0 good packages"

{ echo 'format = 1; product = "x"; board = {'; cat "$reference"; echo '};'; } >inside.conf
shows 0 "a board inside passes" "$HOLDFAST" project inside.conf
exits 0 "and can be given as a board file" "$HOLDFAST" board inside.conf --header --out inside.h
exits 0 "like the file it was" "$HOLDFAST" board "$reference" --header --out alone.h
cmp -s inside.h alone.h
ok "with the same result" $?

# What commands take from it.
sed 's/^line .*/line = { port = "none-0"; };/' holdfast.conf >line.conf
shows 5 "a command takes the port from it" "$HOLDFAST" status --project line.conf
complains "the one that it names" "there is no serial port none-0"
shows 5 "and an option wins" "$HOLDFAST" status --project line.conf --port none-1
complains "which is then named" "there is no serial port none-1"
sed 's/^board .*/board = "none.conf";/' line.conf >bad.conf
shows 1 "the board file comes from it, too" "$HOLDFAST" status --project bad.conf
complains "and is missed" "none.conf: cannot open"

sed 's/^keyset .*/packages = { firmware = "none.suit"; };/' line.conf >package.conf
shows 1 "burn takes the package from it" "$HOLDFAST" burn --project package.conf
complains "and misses it" "none.suit: cannot open"
touch some.suit
sed 's/^keyset .*/keyset = "nokeys";/' line.conf >keyset.conf
shows 1 "and the keyset" "$HOLDFAST" burn some.suit --project keyset.conf
complains "and misses it, too" "nokeys: cannot open"
shows 2 "burn without any package is wrong usage" "$HOLDFAST" burn --project line.conf
complains "that says what is missing" "PACKAGE is missing, and no project file names one"

# From a J-Flash project.
jflash=$HF_SOURCE/fuzz/corpus/jflash
mkdir made hand none
exits 0 "a J-Flash project is imported" "$HOLDFAST" project --import "$jflash/line4.jflash" --out made
says "the chip is recognised" 'ChipName = ST STM32F407VG -> chip "STM32F407VGT6"'
says "what is not taken is listed" "CPU.InitStep0_Action"
says "and what has to be filled in" "name, vendor, class, the pins"
grep -q 'interface = "swd"' made/holdfast.conf && grep -q 'khz       = 8000' made/holdfast.conf &&
	grep -q 'verify    = true' made/holdfast.conf && grep -q 'supply_mv_min = 3000; supply_mv_max = 3400' made/holdfast.conf
ok "the project has its values" $?
shows 3 "it is not usable as it is" "$HOLDFAST" project made/holdfast.conf
says "because its board is not filled in" "made/board.conf:5: 'name' has still to be filled in"
sed -e 's/^name .*/name = "Line 4";/' -e 's/^vendor .*/vendor = "line.example";/' -e 's/^class .*/class = "l4";/' \
	-e '/^maintenance/,/^}/{s/tx .*/tx = "PA9";/;s/rx .*/rx = "PA10";/}' -e '/^modbus/,/^}/{s/^\ttx .*/tx = "PA2";/;s/^\trx .*/rx = "PA3";/}' \
	-e '/^led/s/<FILL IN>/PD12/' -e '/^recovery /s/<FILL IN>/PE2/' made/board.conf >filled.conf
mv filled.conf made/board.conf
shows 0 "filled in, it passes" "$HOLDFAST" project made/holdfast.conf
exits 4 "a second import overwrites nothing" "$HOLDFAST" project --import "$jflash/line4.jflash" --out made
complains "and says so" "made holds a project already"
exits 0 "a description by hand, with DOS line ends" "$HOLDFAST" project --import "$jflash/by-hand.jflash" --out hand --json
says "has the erase of the whole chip" '"as":"erase \"chip\""'
says "and the address" '"as":"address 0x08020000"'
echo 'Device = LPC1768' >other.jflash
exits 0 "an unknown chip is left open" "$HOLDFAST" project --import other.jflash --out none
says "and is among what has to be filled in" "the chip and its memory, name"
echo 'what is this' >bad.jflash
exits 3 "what is no such file is refused" "$HOLDFAST" project --import bad.jflash
complains "at its line" "bad.jflash:1: 'what is this' is neither"
printf '\r\r=1\n' >bad.jflash
exits 3 "a value without a key, too" "$HOLDFAST" project --import bad.jflash
complains "at its line" "bad.jflash:1: '=1' is neither"
printf '[GENERAL]\nTargetIF = 7\n' >bad.jflash
exits 3 "a value that makes no sense, too" "$HOLDFAST" project --import bad.jflash
complains "with what it has to be" "bad.jflash:2: 'TargetIF' is '7', but has to be SWD (1) or JTAG (0)"
printf '[GENERAL]\nGUIMode = 7\n' >bad.jflash
exits 3 "and a file with nothing to take" "$HOLDFAST" project --import bad.jflash
exits 2 "--out without --import is wrong usage" "$HOLDFAST" project --out here
finish

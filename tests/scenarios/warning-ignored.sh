# SPDX-License-Identifier: MIT
# A check fails, and the technician would rather go on. What may be waived needs a name and a reason, and goes on record; what
# prevents a brick cannot be waived, and the device has the last word.

# A gateway with small slots, and firmware that needs larger ones.
board=compact
conf=boards/compact.conf
sed -i 's/reference.conf/compact.conf/; s/pilot = false/pilot = true/' holdfast.conf
sed "s/^class .*/$(grep '^class' $conf)/" boards/reference.conf >roomy.conf
{
	holdfast pack -q -b $conf -k release.pem -s 1 -v 1.0.0 -o 1.0.0.suit "$fw/gateway/$board/gateway-1.0.0-a.elf" \
		"$fw/gateway/$board/gateway-1.0.0-b.elf" &&
		holdfast pack -q -b $conf -k release.pem -s 1 -v 1.0.0 --component recovery -o recovery.suit \
			"$fw/recovery/$board/recovery.elf" "$fw/recovery/$board/recovery-slot.elf" &&
		holdfast factory --board $conf --boot "$fw/boot/$board/boot.elf" --keyset release.keyset --recovery recovery.suit \
			--package 1.0.0.suit --out factory.bin &&
		holdfast pack -q -b roomy.conf -k release.pem -s 1 -v 1.2.0 --any-base --pad-to 300K -o too-large.suit \
			"$fw/gateway/$board/gateway-1.1.0-a.elf" "$fw/gateway/$board/gateway-1.1.0-b.elf"
} >out 2>&1 || fail "no packages for a board with small slots"
pack 1.1.0.suit 1.1.0
gateway
note "the firmware needs 300 KiB, and the gateway's slots have 256"
mark
plays 4 burn too-large.suit --waive pilot="the only one"
reads "^holdfast: "
ended
plays 6 burn too-large.suit --no-verify --log
reads "^gateway: refused" "^holdfast: "
ended
untouched
ok "firmware that does not fit is refused by tool and device, before anything is erased"
note "no pilot was burned before"
plays 9 burn 1.1.0.suit
reads "^FAILED *pilot" "->" "^holdfast: "
ended
plays 2 burn 1.1.0.suit --waive memory="it will do" --by "R. Berg"
reads "^holdfast: "
ended
plays 2 burn 1.1.0.suit --waive pilot
reads "^holdfast: "
ended
untouched
ok "a failed check stops; what prevents a brick is never waived, nothing is without a reason"
plays 0 burn 1.1.0.suit --waive pilot="the only gateway of its kind" --by "R. Berg"
reads "^waived" "^done: "
ended
grep -q '"by":"R. Berg"' .local/share/holdfast/waivers.log || fail "the waiver is not on record"
runs 1.1.0
ok "what is waived is waived by name, and on record"

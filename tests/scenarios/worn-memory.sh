# SPDX-License-Identifier: MIT
# Flash that does not hold what is written: a word in the slot, a word in the journal.

gateway
does "a word of slot B does not change any more" stick "$(address HF_SLOT_B 0x3000)" 0xffffffff
mark
plays 6 burn 1.1.0.suit --log
reads "^gateway: refused: " "^holdfast: "
ended
spared slot-a recovery boot
ctl advance 70s
runs 1.0.0
ok "a slot that does not hold what is written is reported, and the gateway stays on its firmware"

# SPDX-License-Identifier: MIT
# Flash that does not hold what is written: words of the journal, a word of a slot, a sector whose erases leave bits behind.

gave_up() { # what the device says
	mark
	plays 6 burn 1.1.0.suit --log
	reads "^gateway: refused: $1" "started the firmware again" "^holdfast: the device refuses the package: $1"
	ended
	spared slot-a recovery boot
	ctl advance 4s
	runs 1.0.0
}

gateway
for at in 0x308 0x348 0x408; do ctl stick "$(address HF_JOURNAL_0 $at)" 0xffffffff; done
does "a word of slot B does not change any more, and three words of the journal" stick "$(address HF_SLOT_B 0x3000)" 0xffffffff
gave_up "a flash word does not program"
plays 0 history
reads "upload of 1.1.0 into slot B ends: a flash word does not program"
plays 0 doctor
reads "^warning  wear" "->"
ended
ok "a slot that does not hold what is written is given up, told and counted, and the gateway works on"
ctl stick "$(address HF_SLOT_B 0x3000)" 0
does "the first sector of slot B leaves bits behind when it is erased, and the chip says nothing of it" worn 8 silent
gave_up "a flash sector does not erase"
ok "an erase is checked, whatever the chip says of it"
does "the slot is sound again, the journal is not" worn 8 healed
plays 0 burn 1.1.0.suit
reads "^done: "
ended
runs 1.1.0
ok "the journal goes around words that do not hold"

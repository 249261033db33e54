# SPDX-License-Identifier: MIT
# EMI: bits flip on the line, in the firmware that runs, in recovery.

gateway
does "one bit in 6700 is wrong on the line" noise 0.00015
mark
plays 9 burn 1.1.0.suit
reads "^FAILED *link quality" "->" "^holdfast: "
ended
untouched
ctl noise 0
ok "a bad line is measured before anything is erased, and told in bits"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
does "a bit of the firmware that runs flips" flip "$(address HF_SLOT_B 0x3000)" 0x100
plays 0 status --verify
reads "verified  *slot B: would not start"
ended
ctl reset
ctl advance 4s
hears "boot: slot B" "boot: slot A 1.0.0 verified, starting"
runs 1.0.0
ok "a bit that flips in the firmware is noticed, and the other slot starts"

# SPDX-License-Identifier: MIT
# A package that is damaged where it lies is refused before anything is sent. Sent all the same, the device finds the damage
# itself. Damage on the way (the line flips bits, the cable goes) costs a repetition, never the whole.

pack large.suit 1.2.0 --pad-to 150K
gateway
note "one bit of the package's firmware is wrong"
flip_file 1.1.0.suit bit.suit -2
mark
plays 3 burn bit.suit
reads "^holdfast: "
ended
untouched
plays 6 burn bit.suit --no-verify --log
reads "^gateway: refused: " "^holdfast: "
ended
spared slot-a recovery boot
runs 1.0.0
ok "a flipped bit is found by the tool, and by the device"
note "the end of the file is missing"
head -c 30000 1.1.0.suit >short.suit
mark
plays 3 burn short.suit
reads "^holdfast: "
ended
untouched
ok "half a file is, too"
does "one bit in 100000 is wrong on the line, and the cable is pulled for two seconds in mid-upload" noise 0.00001
soon 5500 cable off for 2s
plays 0 burn large.suit --log
reads "^gateway: 1.2.0 goes into slot B" "^gateway: 1.2.0 is complete and verified" "^done: " "^  on the way: "
ended
ctl noise 0
runs 1.2.0
ok "what is damaged on the way is sent again, and nothing else"

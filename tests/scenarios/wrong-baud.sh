# SPDX-License-Identifier: MIT
# The technician gives a rate that is not the device's: it is found all the same, and what the line carries is measured before
# anything is erased. Where the line does not carry the device's rate, both go down to one that it carries.

gateway
note "the gateway speaks at 921600 baud, the technician says 115200"
plays 0 burn 1.1.0.suit --baud 115200
reads "found a gw-f407 .*, at 921600 baud, and not at 115200" "the line runs at 921600 baud" "^done: "
ended
runs 1.1.0
ok "a wrong rate is noticed, and the right one found"
note "the technician wants the slower rate"
mark
plays 0 burn 1.1.0.suit --force-reinstall --line 115200
reads "the line runs at 115200" "^done: "
ended
runs 1.1.0
ok "a slower line is agreed on, and measured, before anything is erased"

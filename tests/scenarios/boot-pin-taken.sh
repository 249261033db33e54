# SPDX-License-Identifier: MIT
# The pin that leads into recovery is taken by something else: it never comes low, or it is always low. There are other ways in, and
# a pin that is held does not keep new firmware from starting.

gateway
does "three resets in a row, without the pin" reset
ctl advance 300ms
ctl reset
ctl advance 300ms
ctl reset
ctl advance 2s
hears "Waiting for Download... .* reset was pressed three times"
plays 0 image reset
ctl advance 4s
runs 1.0.0
ok "three resets lead into recovery"
does "the line is held at a break when the power comes" power off
ctl break on for 400ms
ctl power on
ctl advance 2s
hears "Waiting for Download... .* asked for on this line"
plays 0 image reset
ctl advance 4s
ok "so does the serial line"
does "something else holds the pin low" press recovery
plays 0 doctor
reads "way in: pin" "way in: resets" "way in: line" "way in: request"
ended
ctl reset
ctl advance 4s
plays 0 burn 1.1.0.suit
reads "^done: "
ended
runs 1.1.0
ok "a pin that is held is told, and keeps nothing from starting"

# SPDX-License-Identifier: MIT
# Somebody switches the gateway off in mid-upgrade, presses reset, goes home: legal at any instant.

gateway
note "somebody switches the gateway off while it erases, and leaves"
ctl at 5s power off
mark
plays 11 burn 1.1.0.suit --patience 5s
reads "^holdfast: "
ended
does "an hour later it is switched on again" advance 3600s
ctl power on
ctl advance 4s
runs 1.0.0
ok "what ran before runs, as if nothing had been"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
runs 1.1.0
ok "the same command again installs it"

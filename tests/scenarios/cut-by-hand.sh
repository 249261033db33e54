# SPDX-License-Identifier: MIT
# Somebody switches the gateway off in mid-upgrade, goes home, presses reset the next day: legal at any instant.

gateway
note "somebody switches the gateway off while it erases"
soon 1000 power off
mark
plays 11 burn 1.1.0.suit --patience 3s --via firmware
reads "^holdfast: "
ended
does "an hour later it is switched on again" advance 3600s
ctl power on
ctl advance 4s
runs 1.0.0
ok "what ran before runs, as if nothing had been"
note "somebody presses reset while it uploads, and twice while the new firmware is on trial"
soon 1300 reset
soon 5000 reset
soon 6000 reset
mark
plays 0 burn 1.1.0.suit --log
reads "^boot: .* reset: pin" "^boot: slot B 1.1.0 verified, starting (trial 1 of 3)" "^boot: slot B 1.1.0 verified, starting (trial 2 of 3)" "^done: " "^  on the way"
ended
[ "$(count '"cause":"pin"')" = 3 ] || fail "reset was not pressed three times"
runs 1.1.0
ok "the same command again installs it, through resets at upload and trial"

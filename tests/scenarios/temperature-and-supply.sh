# SPDX-License-Identifier: MIT
# The supply sags, the chip is hot; the watchdog's oscillator runs as fast and as slowly as the chip's maker allows.

gateway --lsi 47000
does "the supply sags to 2.6 V" supply 2600
mark
plays 9 burn 1.1.0.suit
reads "^FAILED *supply" "->" "^holdfast: "
ended
untouched
ctl supply 3300
ok "a supply that is too low to program stops the upgrade before anything is erased"
does "the chip is at 110 degrees" "temperature 110"
plays 9 burn 1.1.0.suit
reads "^FAILED *temperature" "->" "^holdfast: "
ended
untouched
ctl "temperature 25"
ok "so does heat"
does "it is cold, and the watchdog's oscillator runs at 47 kHz instead of 32" "temperature -20"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
[ "$(count '"cause":"watchdog"')" = 0 ] || fail "the watchdog bit"
runs 1.1.0
ok "oscillators at the end of their range disturb nothing"

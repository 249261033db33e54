# SPDX-License-Identifier: MIT
# The supply sags, the chip is hot or cold: a too low supply and heat are told before anything is erased; brown-outs, slow flash and
# oscillators at the ends of their range are survived.

gateway
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
ok "so does heat"
does "it is cold: flash takes 1.8 times as long, the watchdog runs at 47 kHz instead of 32, the chip's clock 1 % slow" "temperature -30"
ctl "flash speed 1800"
ctl lsi 47000
ctl "hsi -10000"
note "and the supply dips in the first erase"
mark
ctl cut next erase in slot-b at 0.5 unstable brown-out
plays 0 burn 1.1.0.suit --log
reads "^boot: .* reset: " "^done: " "^  on the way: "
ended
[ "$(count '"cause":"watchdog"')" = 0 ] || fail "the watchdog bit"
runs 1.1.0
ok "slow flash, oscillators at the end of their range and a brown-out disturb nothing"

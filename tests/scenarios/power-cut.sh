# SPDX-License-Identifier: MIT
# The power fails in an erase, in a word of the image, in a record of the journal, and while the new firmware is on trial: what is
# torn reads differently each time.

gateway
mark
note "the power fails 40 % into an erase, half into a word of the image, and on trial half into a record of the journal"
ctl cut next erase in slot-b at 0.4 unstable
plays 0 burn 1.1.0.suit --log
reads "^boot: slot A 1.0.0 verified, starting" "^done: "
ended
[ "$(count '"event":"cut"')" = 1 ] || fail "the power did not fail"
runs 1.1.0
ok "an erase that was cut is begun again"

# SPDX-License-Identifier: MIT
# The power fails in an erase, in a word of the image and in a record of the journal: what is torn reads differently each time.

gateway
mark
note "the power fails 40 % into an erase, half into a word of the image, half into a record of the journal"
ctl cut next erase in slot-b at 0.4 unstable
ctl cut next program in slot-b after 3000 at 0.5 unstable
ctl cut next program in journal after 20 at 0.5 unstable
plays 0 burn 1.1.0.suit --log
reads "^gateway: 1.1.0 goes into slot B" "^boot: slot A 1.0.0 verified, starting" "^gateway: 1.1.0 goes into slot B" \
	"^boot: slot A 1.0.0 verified, starting" "^gateway: 1.1.0 is complete and verified in slot B" "^done: " "^  on the way: "
ended
[ "$(count '"event":"cut"')" = 3 ] || fail "the power did not fail three times"
runs 1.1.0
ok "what was torn is done again, and the upgrade comes to its end by itself"

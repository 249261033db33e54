# SPDX-License-Identifier: MIT
# A gateway that is supplied over a bad USB cable restarts over and over while it is upgraded: it continues, or falls back.

gateway
note "the supply comes and goes while 1.1.0 is uploaded and tried: 20 restarts, 0.2 to 2.5 s apart"
awk 'BEGIN { srand(5); t = 4.5; for (i = 0; i < 20; i++) { t += 0.2 + 2.3 * rand(); printf "%.3f\n", t } }' >times
while read -r time; do
	ctl at "${time}s" power off for 40ms
done <times
mark
plays 6 burn 1.1.0.suit
reads "^holdfast: "
ended
spared slot-a boot recovery
ctl advance 30s
[ "$(count '"event":"power","on":true')" -ge 20 ] || fail "it was not restarted 20 times"
runs 1.0.0
ok "firmware that is never left in peace to prove itself is rolled back, and what ran before runs"
note "somebody has changed the cable"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
runs 1.1.0
ok "the same command again installs it"

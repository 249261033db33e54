# SPDX-License-Identifier: MIT
# Old data where the new firmware goes: garbage that was never erased; half of another version.

cp factory.bin gateway.bin
yes "this is not firmware" | dd of=gateway.bin bs=1024 seek=512 count=384 iflag=fullblock conv=notrunc 2>/dev/null
pack 1.2.0.suit 1.2.0 --pad-to 60K
note "slot B is full of somebody else's data"
gateway
hears "boot: slot B" "boot: slot A 1.0.0 verified, starting"
runs 1.0.0
ok "boot takes garbage for nothing else"
note "1.2.0 is uploaded, and the gateway switched off before its end"
soon 1800 power off
plays 11 burn 1.2.0.suit --patience 3s --via firmware
reads "^holdfast: "
ended
ctl power on
ctl advance 4s
runs 1.0.0
ok "half a version is never started"
note "another version goes into the same slot"
mark
plays 0 burn 1.1.0.suit --log
reads "^gateway: 1.1.0 goes into slot B" "^gateway: 1.1.0 is complete and verified" "^done: "
ended
[ "$(count '"event":"erase","partition":"slot-b"')" -gt 0 ] || fail "nothing was erased"
runs 1.1.0
ok "what was there is erased, and the erase is checked"

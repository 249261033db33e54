# SPDX-License-Identifier: MIT
# Old data where the new firmware goes: garbage that was never erased; half of another version.

cp factory.bin gateway.bin
yes "this is not firmware" | dd of=gateway.bin bs=1024 seek=512 count=384 iflag=fullblock conv=notrunc 2>/dev/null
note "slot B is full of somebody else's data"
gateway
hears "boot: slot B" "boot: slot A 1.0.0 verified, starting"
ok "boot takes garbage for nothing else"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
runs 1.1.0
ok "what was there is erased, and the erase is checked"

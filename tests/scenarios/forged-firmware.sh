# SPDX-License-Identifier: MIT
# Firmware that somebody else signed, or changed after it was signed; firmware written past all checks into the flash of a device
# that is off. The device checks at installation and at every boot, and falls back to what it trusts.

forged() { # package, exit code
	mark
	plays "$2" burn "$1"
	reads "^holdfast: "
	ended
	plays 6 burn "$1" --no-verify --log
	reads "^gateway: refused: " "^holdfast: "
	ended
	untouched
}

holdfast keygen other --out . >out 2>&1 || fail "no other key"
holdfast pack -q -b $conf -k other.pem -s 1 -v 1.1.0 -o forged.suit "$fw/gateway/$board/gateway-1.1.0-a.elf" \
	"$fw/gateway/$board/gateway-1.1.0-b.elf" >out 2>&1 || fail "no forged package"
flip_file 1.1.0.suit altered.suit 200
gateway
note "somebody else's key has signed the package"
forged forged.suit 4
ok "firmware with a foreign signature is refused by tool and device, before anything is erased"
note "the manifest was changed after it was signed"
forged altered.suit 3
ok "so is firmware that was changed"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
does "with the power off, somebody writes other code into the slot that runs" power off
ctl flip "$(address HF_SLOT_B 0x3000)" 0x00ff00ff
ctl power on
ctl advance 4s
hears "boot: slot B " "boot: slot A 1.0.0 verified, starting"
runs 1.0.0
ok "changed behind its back, it does not start, and the firmware before it does"
plays 0 burn 1.1.0.suit
reads "^done: "
ended
runs 1.1.0
ok "the device takes good firmware as before"

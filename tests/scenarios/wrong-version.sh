# SPDX-License-Identifier: MIT
# Firmware that is not for this gateway: another hardware class, an update that wants a later version to begin with, a security
# version that was left behind. The tool refuses it from what the package says; the device does, when a tool sends it all the same.

refused() { # package, what the tool says, what the device says
	mark
	plays 4 burn "$1"
	reads "^holdfast: .*$2"
	ended
	untouched
	plays 6 burn "$1" --no-verify --log
	reads "^gateway: refused: $3" "^holdfast: the device refuses the package: $3"
	ended
	untouched
}

holdfast pack -q -b boards/compact.conf -k release.pem -s 1 -v 2.0.0 -o v2-hardware.suit "$fw/gateway/compact/gateway-1.1.0-a.elf" \
	"$fw/gateway/compact/gateway-1.1.0-b.elf" >out 2>&1 || fail "no package for other hardware"
pack from-1.5.suit 2.0.0 --from '>=1.5.0,<2.0.0'
pack old-security.suit 1.2.0 --security-version 0
gateway
note "the package is for the hardware of version 2"
refused v2-hardware.suit "is for gw-f407-compact" "it is for another hardware class"
ok "firmware for other hardware is refused by tool and device, before anything is erased"
note "the package upgrades from 1.5.0 on, and 1.0.0 runs"
refused from-1.5.suit "version" ".*"
ok "firmware that cannot follow 1.0.0 is, too"
note "the package has security version 0, and the gateway is at 1"
refused old-security.suit "security version" ".*"
ok "so is one with a security version that was left behind"
runs 1.0.0
ok "1.0.0 runs on, confirmed"

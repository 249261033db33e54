# SPDX-License-Identifier: MIT
# Two gateways, and a port with nobody: none is taken by its number.

here=other
gateway --uid 000102030405060708090a0b
here=gateway
gateway
HOLDFAST_PORTS=lockstep:gateway.sock,lockstep:other.sock
note "two gateways are connected, and no port is named"
mark
plays 17 burn 1.1.0.suit
reads "devices answer" "gateway.sock" "other.sock"
ended
untouched
ok "more than one that could be meant: nothing is done, and the list is shown"
note "the port is the other gateway's"
plays 5 burn 1.1.0.suit --port lockstep:gateway.sock --device 0001-0203
reads "^holdfast: "
ended
untouched
ok "a port at which another gateway is, is refused"
plays 0 burn 1.1.0.suit --device 0001-0203
reads "^done: "
ended
untouched
here=other
runs 1.1.0
ok "a device is found by its unique id, whatever its port is called"

#!/bin/sh
# SPDX-License-Identifier: MIT
# A gateway at a serial server: ser2net has the pseudo-terminal of a twin in real time, and the tool reaches it by RFC 2217, also
# by an IPv6 address. Outcomes only: the server knows no virtual time.
#
# Usage: test-serial-server.sh BUILD      says TAP lines
set -u

build=${1:?usage: test-serial-server.sh BUILD}
dir=$build/serial-server
. scripts/one-device.sh
server_pid=
PATH=$PATH:/usr/sbin

cleanup() {
	[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null
	[ -z "$twin_pid" ] || kill "$twin_pid" 2>/dev/null
}

start() {
	"$twin" run --board "$conf" --flash "$dir/flash.bin" --pty --slaves 8 >"$dir/twin.out" 2>&1 &
	twin_pid=$!
	i=0
	while pty=$(sed -n 's,.*\(/dev/pts/[0-9]*\).*,\1,p' "$dir/twin.out") && [ -z "$pty" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] && kill -0 "$twin_pid" 2>/dev/null || fail "the twin does not start"
		sleep 0.1
	done
	number=$((20000 + $$ % 20000))
	printf 'connection: &c\n  accepter: telnet(rfc2217),tcp,%s,%u\n  connector: serialdev,%s,115200n81,local\n' "$address" \
		$number "$pty" >"$dir/ser2net.yaml"
	ser2net -n -c "$dir/ser2net.yaml" >"$dir/server.out" 2>&1 &
	server_pid=$!
	i=0
	until "$holdfast" list "rfc2217:$host:$number" >"$dir/out" 2>&1 && grep -q "firmware 1.0.0" "$dir/out"; do
		i=$((i + 1))
		[ $i -lt 20 ] && kill -0 "$server_pid" 2>/dev/null || fail "the gateway is not found at the server"
		sleep 0.3
	done
}

command -v ser2net >/dev/null || {
	echo "1..0 # SKIP ser2net is missing"
	exit 0
}
# Where there is no IPv6, the other one will do.
address=::1 host='[::1]'
[ -e /proc/net/if_inet6 ] && grep -q "^00000000000000000000000000000001 " /proc/net/if_inet6 || address=127.0.0.1 host=127.0.0.1

make_device 1.0.0 1.1.0
start
ok "the gateway is found at a serial server, $host"
timeout 120 "$holdfast" burn "$dir/1.1.0.suit" --as-pilot --board "$conf" --keyset "$dir/release.keyset" --backup "$dir" \
	--port "rfc2217:$host:$number" >"$dir/out" 2>&1
code=$?
# In real time the tests after it time this machine rather than the device, and may find it slow: 18.
[ $code = 18 ] || { [ $code = 0 ] && grep -q "1.1.0 runs in slot B and has confirmed itself" "$dir/out"; } || fail "burning through the server ended with $code"
grep -q "921600 baud in binary" "$dir/out" || fail "the line was not raised through the server"
ok "it is burned through the server, on the fast line"
kill "$server_pid"
wait "$server_pid" 2>/dev/null
"$holdfast" status --port "rfc2217:$host:$number" >"$dir/out" 2>&1
code=$?
[ $code = 5 ] && grep -q "cannot be reached: Connection refused" "$dir/out" || fail "a server that is gone ended with $code"
ok "a server that is gone is told"
echo "1..$count"

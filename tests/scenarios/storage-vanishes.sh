# SPDX-License-Identifier: MIT
# No board has external storage yet: its flash is the chip's own, whose contacts do not come and go.

if grep -l "external" "$root"/boards/*.conf >out; then
	fail "a board has external storage now, and this scenario does not play it"
fi
ok "# SKIP no board has external storage: the flash is the chip's own"

#!/bin/sh
# SPDX-License-Identifier: MIT
# `holdfast keygen`, checked by OpenSSL's own command.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

exits 0 "a key is made" "$HOLDFAST" keygen release
[ "$(stat -c %a release.pem)" = 600 ]
ok "the private key is its owner's alone" $?
exits 0 "openssl reads the private key" openssl pkey -in release.pem -noout -check
openssl pkey -in release.pem -pubout >pub.pem 2>"$err"
sed -n '/^-----BEGIN/,$p' release.pub.pem | cmp -s - pub.pem
ok "the public key is its half" $?
exits 0 "the keyset is one" "$HOLDFAST" inspect release.keyset
says "and demands ESP256" "demands      ESP256 of every package"

cp release.pem before.pem
exits 1 "an existing key is not replaced" "$HOLDFAST" keygen release
complains "the way out is named" "--force"
cmp -s release.pem before.pem
ok "it is what it was" $?
rm release.pem
exits 1 "nor an existing public key" "$HOLDFAST" keygen release
[ ! -e release.pem ]
ok "and no half of a pair is left" $?
cp before.pem release.pem
exits 0 "--force replaces it" "$HOLDFAST" keygen release --force
! cmp -s release.pem before.pem
ok "by another" $?

(
	ulimit -f 0
	exec "$HOLDFAST" keygen full
) >"$out" 2>"$err"
ok "a full disk is an error" $(($? - 1))
[ -z "$(find . -name 'full*')" ]
ok "and leaves nothing" $?

echo secret >password
exits 0 "an encrypted key in a new directory" "$HOLDFAST" keygen site --role site --out keys --password-file password --json
says "is reported so" '"encrypted": true'
exits 0 "openssl opens it with the password" openssl pkey -in keys/site.pem -passin pass:secret -noout
if openssl pkey -in keys/site.pem -passin pass:wrong -noout 2>"$err"; then false; else true; fi
ok "and with no other" $?
: >empty
exits 3 "an empty password is refused" "$HOLDFAST" keygen x --password-file empty
[ "$(stat -c %a keys)" = 700 ]
ok "the directory is its owner's alone" $?
exits 1 "a directory below one that is missing" "$HOLDFAST" keygen x --out no/where
complains "it is named" "no/where: the directory cannot be made"
exits 1 "a file in place of a directory" "$HOLDFAST" keygen x --out password
exits 2 "a role that is none" "$HOLDFAST" keygen x --role boss
exits 2 "a name with a directory" "$HOLDFAST" keygen a/b
finish

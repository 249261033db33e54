#!/bin/sh
# SPDX-License-Identifier: MIT
# keyset make, sign and show: from keys of several holders to a keyset that devices take.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

fw=$HF_FIXTURES
for name in r1 r2 r3 r4; do
	"$HOLDFAST" keygen $name --role root >"$out" 2>"$err"
done
"$HOLDFAST" keygen old >"$out" 2>"$err" && "$HOLDFAST" keygen new >"$out" 2>"$err" &&
	"$HOLDFAST" keygen site --role site >"$out" 2>"$err" && "$HOLDFAST" keygen lms --alg hss-lms >"$out" 2>"$err"
keyset="$HOLDFAST keyset"
roots='--root r1.pub.pem --root r2.pub.pem --root r3.pub.pem --threshold 2'

id() {
	"$HOLDFAST" key "$1" --json | sed -n 's/.*"id": "\(.*\)",/\1/p'
}

# ---- make ----
exits 0 "a first keyset" $keyset make $roots --release old.pub.pem --site site.pub.pem -o first
says "is told" "keyset 1 with 5 keys"
exits 0 "it is shown" $keyset show first
says "with who has what role" "release  $(id old.pub.pem)"
says "and what is demanded" "demands ESP256 of every package; 2 root keys have to sign its successor"
exits 0 "as JSON" $keyset show first --json
says "with whole fingerprints" "\"fingerprint\": \"$(id r1.pub.pem)"
exits 0 "inspect knows it" "$HOLDFAST" inspect first
exits 4 "no root key" $keyset make --release old.pub.pem -o x
complains "is refused" "could never be replaced"
exits 4 "no release key" $keyset make $roots -o x
complains "is refused" "no package could satisfy it"
exits 4 "LMS alone" $keyset make $roots --release lms.pub.pem --demand hss-lms -o x
complains "is refused" "not in its place"
exits 4 "LMS without its key" $keyset make $roots --release old.pub.pem --demand esp256 --demand hss-lms -o x
exits 4 "a threshold over the root keys" $keyset make --root r1.pub.pem --release old.pub.pem --threshold 2 -o x
exits 4 "a key twice" $keyset make $roots --root r1.pub.pem --release old.pub.pem -o x
exits 4 "a site key as a release key" $keyset make $roots --release site.pub.pem -o x
complains "is seen" "made as a site key"
exits 3 "a key that is none" $keyset make $roots --release first -o x
exits 3 "nine keys" $keyset make $roots --root r4.pub.pem --release old.pub.pem --release new.pub.pem --release lms.pub.pem \
	--site site.pub.pem --site r1.keyset --site x -o x
exits 3 "an algorithm that is none" $keyset make $roots --release old.pub.pem --demand rsa -o x
exits 0 "both algorithms" $keyset make $roots --release old.pub.pem --release lms.pub.pem --demand esp256 --demand hss-lms -o both
says "fit" "keyset 1 with 5 keys"
[ ! -e x ]
ok "nothing was written for the others" $?

# ---- a successor ----
pack="$HOLDFAST pack --board $reference --version 1.0.0"
$pack --component recovery --key old.pem -o recovery-old.suit "$fw/none-a.elf" >"$out" 2>"$err"
$pack --component recovery --key new.pem -o recovery-new.suit "$fw/none-a.elf" >"$out" 2>"$err"
$pack --component recovery --key old.pem --room-for esp256 -o recovery-both.suit "$fw/none-a.elf" >"$out" 2>"$err"
"$HOLDFAST" sign recovery-both.suit --key new.pem >"$out" 2>"$err"
$pack --key old.pem -o app-old.suit "$fw/none-a.elf" >"$out" 2>"$err"
exits 4 "a revocation" $keyset make --from first --release new.pub.pem --remove old.pub.pem -o x
complains "needs recovery signed anew" "or force it with --revoke-without-recovery"
exits 4 "recovery with the old signature" $keyset make --from first --release new.pub.pem --remove old.pub.pem \
	--recovery recovery-old.suit -o x
complains "is not enough" "is not signed as the new keyset demands"
exits 4 "an app" $keyset make --from first --release new.pub.pem --remove old.pub.pem --recovery app-old.suit -o x
complains "is no recovery" "is no recovery"
exits 4 "recovery with the new signature only" $keyset make --from first --release new.pub.pem --remove old.pub.pem \
	--recovery recovery-new.suit -o x
complains "reaches no device" "would not take this recovery"
exits 0 "recovery signed anew" $keyset make --from first --release new.pub.pem --remove "$(id old.pub.pem)" \
	--recovery recovery-both.suit --grandfather app-old.suit -o next
says "lets it be made" "keyset 2 with 5 keys"
exits 0 "the switch" $keyset make --from first --release new.pub.pem --remove old.pub.pem --revoke-without-recovery -o forced
complains "warns" "lose it"
exits 4 "a new demand" $keyset make --from first --release lms.pub.pem --demand esp256 --demand hss-lms -o x
complains "is a revocation too" "--recovery"
exits 0 "a further key" $keyset make --from first --release new.pub.pem -o more
exits 3 "a key that is not there" $keyset make --from first --remove new.pub.pem -o x
exits 3 "a number that is not higher" $keyset make --from first --number 1 -o x
exits 0 "what changes" $keyset show next --against first
says "is added" "+ release  $(id new.pub.pem)"
says "is revoked" "- release  $(id old.pub.pem)"
says "is the last resort" "last resort"
exits 0 "as JSON" $keyset show next --against first --json
says "is revoked" '"revoked": ['

# ---- sign ----
exits 4 "a release key" $keyset sign next --key new.pem --previous first
complains "signs no keyset" "is no root key"
exits 4 "a stranger" $keyset sign next --key r4.pem --previous first
cp next next-a
cp next next-b
exits 0 "one holder" $keyset sign next-a --key r1.pem --previous first
says "is not enough for its own" "its own: 1 of the 2 root keys that have to sign; 1 is missing"
says "nor for the predecessor's" "its predecessor's: 1 of the 2 root keys that have to sign; 1 is missing"
exits 4 "the same again" $keyset sign next-a --key r1.pem --previous first
complains "is refused" "has signed the keyset already"
exits 0 "another holder, elsewhere" $keyset sign next-b --key r2.pem
says "does not know the predecessor" "--previous FILE counts them"
exits 0 "joined" $keyset sign next-a next-b --previous first -o signed
says "they are complete" "complete: devices with keyset 1 take it"
exits 0 "joined again" $keyset sign signed next-a next-b --previous first -o again
cmp -s signed again
ok "nothing changes" $?
exits 0 "who has signed" $keyset show signed
says "is shown" "signed by 2 of its 2 root keys"
$keyset sign forced --key r1.pem >"$out" 2>"$err"
exits 4 "signatures of another keyset" $keyset sign next-a forced
complains "are told apart" "hold different keysets"
exits 0 "a signed keyset is one for verify" "$HOLDFAST" verify recovery-new.suit --board "$reference" --keyset signed
exits 4 "which revokes" "$HOLDFAST" verify recovery-old.suit --board "$reference" --keyset signed
exits 0 "a bare one is, too" "$HOLDFAST" verify app-old.suit --board "$reference" --keyset first
exits 4 "both algorithms are wanted" "$HOLDFAST" verify app-old.suit --board "$reference" --keyset both
$pack --key old.pem --key lms.pem -o app-both.suit "$fw/none-a.elf" >"$out" 2>"$err"
exits 0 "and enough" "$HOLDFAST" verify app-both.suit --board "$reference" --keyset both
exits 4 "a keyset tells pack what a key is for" $pack --key old.pem --keyset signed -o x "$fw/none-a.elf"
exits 2 "no part" $keyset
exits 2 "a part that is none" $keyset frob
exits 0 "help" $keyset --help

# ---- new roots ----
exits 0 "roots change" $keyset make --from first --root r4.pub.pem --remove r1.pub.pem -o roots
"$HOLDFAST" keyset sign roots --key r4.pem --previous first >"$out" 2>"$err"
exits 0 "the new one counts for its own only" $keyset sign roots --key r2.pem --previous first
says "one is missing" "its predecessor's: 1 of the 2"
exits 0 "a root that goes still counts" $keyset sign roots --key r1.pem --previous first
says "for the predecessor" "complete: devices with keyset 1 take it"
finish

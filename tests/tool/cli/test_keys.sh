#!/bin/sh
# SPDX-License-Identifier: MIT
# Keys of both kinds: LMS's one-time keys, several signatures, tokens (SoftHSM).
. "$HF_SOURCE/tests/tool/cli/lib.sh"

fw=$HF_FIXTURES
mkdir elsewhere
exits 0 "an ESP256 key" "$HOLDFAST" keygen esp
exits 0 "an LMS key" "$HOLDFAST" keygen lms --alg hss-lms --witness elsewhere/w
says "is counted" "counts its 1024 signatures"
exits 0 "a site key" "$HOLDFAST" keygen site --role site
exits 1 "an LMS key's state is never replaced" "$HOLDFAST" keygen lms --alg hss-lms --force
exits 2 "an algorithm that is none" "$HOLDFAST" keygen x --alg rsa
exits 2 "a witness for ESP256" "$HOLDFAST" keygen x --witness elsewhere/x
exits 1 "a witness beside the state" "$HOLDFAST" keygen x --alg hss-lms --witness ./x.w
complains "is no use" "keep it elsewhere"
[ -z "$(find . -name 'x.*')" ]
ok "and nothing is left of the key" $?
exits 0 "a key is shown" "$HOLDFAST" key lms.pem
says "with what is left" "0 signatures made, 1024 left"

pack="$HOLDFAST pack --board $reference --version 1.1.0"
exits 0 "two keys sign" $pack --key esp.pem --key lms.pem -o both.suit "$fw/none-a.elf"
exits 0 "the package is shown" "$HOLDFAST" inspect both.suit
says "with both signatures" "HSS-LMS"
exits 0 "one one-time key is used" "$HOLDFAST" key lms.pem --json
says "and counted" '"signatures_used": 1'
exits 4 "a site key signs no firmware" $pack --key site.pem -o x.suit "$fw/none-a.elf"
complains "which is said" "this is a site key"
exits 4 "not beside others either" $pack --key esp.pem --key site.pem -o x.suit "$fw/none-a.elf"

exits 3 "nor does one key twice" $pack --key esp.pem --key esp.pem -o x.suit "$fw/none-a.elf"

# ---- signatures that come later ----
exits 0 "room is left" $pack --key esp.pem --room-for hss-lms -o first.suit "$fw/none-a.elf"
exits 0 "the other holder signs" "$HOLDFAST" sign first.suit --key lms.pem -o second.suit
says "it is told" "1 signature added, 2 now"
exits 4 "not twice" "$HOLDFAST" sign second.suit --key lms.pem
complains "which is said" "signed by this key already"
exits 0 "nothing was used up for it" "$HOLDFAST" key lms.pem --json
says "two are used" '"signatures_used": 2'
exits 0 "without room" $pack --key esp.pem -o tight.suit "$fw/none-a.elf"
exits 3 "no LMS signature is added" "$HOLDFAST" sign tight.suit --key lms.pem
complains "and the way out named" "--room-for"
exits 4 "a site key adds none" "$HOLDFAST" sign first.suit --key site.pem

# ---- an old state ----
cp lms.pem.state backup
exits 0 "another signature" $pack --key esp.pem --key lms.pem -o both.suit "$fw/none-a.elf"
cp backup lms.pem.state
exits 4 "an old state is refused" $pack --key esp.pem --key lms.pem -o x.suit "$fw/none-a.elf"
complains "by its witness" "this state is an old copy"
exits 0 "the state goes on behind it" "$HOLDFAST" key lms.pem --skip-to 3
exits 0 "and signs" $pack --key esp.pem --key lms.pem -o both.suit "$fw/none-a.elf"
rm lms.pem.state
exits 3 "without a state nothing is signed" $pack --key esp.pem --key lms.pem -o x.suit "$fw/none-a.elf"
complains "and why" "nobody knows which one-time keys are used"
[ ! -e x.suit ]
ok "nothing was written" $?

# ---- boards ----
exits 4 "firmware linked outside the board's slots" "$HOLDFAST" pack --board "$compact" --key esp.pem --version 1.1.0 -o x.suit \
	"$fw/none-a.elf"
complains "may be for another board" "it is linked at 0x08020200"

# ---- a token ----
module=/usr/lib/softhsm/libsofthsm2.so
mkdir tokens
echo "directories.tokendir = $dir/tokens
objectstore.backend = file
log.level = ERROR" >softhsm2.conf
export SOFTHSM2_CONF=$dir/softhsm2.conf HOLDFAST_PKCS11_MODULE=$module
if softhsm2-util --init-token --free --label holdfast --pin 123456 --so-pin 654321 >"$out" 2>"$err" &&
	pkcs11-tool --module "$module" --token-label holdfast --login --pin 123456 --keypairgen --key-type EC:prime256v1 \
		--label release --id 01 >"$out" 2>"$err" &&
	pkcs11-tool --module "$module" --token-label holdfast --login --pin 123456 --keypairgen --key-type EC:prime256v1 \
		--label other --id 02 >"$out" 2>"$err" &&
	pkcs11-tool --module "$module" --token-label holdfast --login --pin 123456 --keypairgen --key-type EC:secp384r1 \
		--label large --id 03 >"$out" 2>"$err"; then
	uri='pkcs11:token=holdfast;object=release'
	echo 123456 >pin
	echo 111111 >wrong
	exits 0 "a token's key is shown" "$HOLDFAST" key "$uri" --password-file pin
	says "with its algorithm" "ESP256"
	exits 0 "a token signs" $pack --key "$uri" --password-file pin -o token.suit "$fw/none-a.elf"
	exits 0 "beside a file" $pack --key "$uri" --key esp.pem --password-file pin -o token2.suit "$fw/none-a.elf"
	exits 0 "the PIN from the environment" env HOLDFAST_PIN=123456 "$HOLDFAST" key "$uri"
	exits 0 "the PIN's file in the URI" "$HOLDFAST" key "$uri;id=%01?pin-source=file:$dir/pin"
	exits 3 "a PIN in the URI" "$HOLDFAST" key "$uri?pin-value=123456"
	complains "is refused" "which everybody can see"
	exits 3 "no PIN" "$HOLDFAST" key "$uri" </dev/null
	complains "is asked for" "HOLDFAST_PIN"
	exits 3 "a wrong PIN" "$HOLDFAST" key "$uri" --password-file wrong
	complains "is said" "the PIN of token 'holdfast' is wrong"
	exits 3 "no such token" "$HOLDFAST" key 'pkcs11:token=none' --password-file pin
	complains "is said" "there is no PKCS#11 token 'none'"
	exits 3 "no such key" "$HOLDFAST" key 'pkcs11:token=holdfast;object=none' --password-file pin
	complains "is said" "no such private key (of 3)"
	exits 3 "several keys" "$HOLDFAST" key 'pkcs11:token=holdfast' --password-file pin
	complains "are told apart" "say which one is meant"
	exits 3 "a key of another curve" "$HOLDFAST" key 'pkcs11:token=holdfast;object=large' --password-file pin
	complains "is none" "is not one of P-256"
	exits 3 "an attribute that is none" "$HOLDFAST" key 'pkcs11:token=holdfast;slot-colour=red'
	exits 3 "a module that is none" env HOLDFAST_PKCS11_MODULE=/none.so "$HOLDFAST" key "$uri"
	complains "is said" "/none.so: this PKCS#11 module cannot be loaded"
else
	echo "# SoftHSM or OpenSC is missing: tokens are not tested"
fi
finish

#!/bin/sh
# SPDX-License-Identifier: MIT
# job and batch as people run them; devices are played by a script. What the engine does: ../batch/test_batch.c.
. "$HF_SOURCE/tests/tool/cli/lib.sh"

"$HOLDFAST" keygen rel >"$out" 2>"$err" && "$HOLDFAST" keygen site --role site >"$out" 2>"$err" &&
	"$HOLDFAST" keygen stranger >"$out" 2>"$err"
mkdir packages
echo "a package" >packages/v1.suit
cp "$reference" board.conf
cat >device <<'END'
#!/bin/sh
# device COMMAND ...: HOW:ID as the port, or behind `list`
how=
[ "$1" = list ] && how=$2
while [ $# -gt 0 ]; do
	[ "$1" = --port ] && how=$2
	[ "$1" = list ] && list=1
	shift
done
id=${how#*:}
[ -z "${list:-}" ] || { echo "{\"ports\":[{\"device_id\":\"$id\"}]}"; exit 0; }
case $how in
bad:*)
	echo '{"event":"result","exit":6,"reason":"it rolled back"}'
	exit 6
	;;
esac
echo "{\"event\":\"result\",\"exit\":0,\"device_id\":\"$id\",\"digest\":\"d1\",\"version\":\"1.1.0\",\"duration_ms\":4000}"
END
chmod +x device
batch="$HOLDFAST batch line.job --job-key site.pub.pem --child $dir/device --station here"

# ---- job ----
exits 2 "a job without a package" "$HOLDFAST" job make --name x
exits 1 "a package that is not there" "$HOLDFAST" job make --name x --package nix.suit -o x.job
exits 3 "burn without a package" "$HOLDFAST" job make --name x -o x.job
complains "says which file" "needs 'package' among the files"
exits 3 "factory without boot" "$HOLDFAST" job make --name x --operation factory --board board.conf --keyset site.pub.pem -o x.job
exits 2 "an operation that is none" "$HOLDFAST" job make --name x --operation weld --package packages/v1.suit -o x.job
exits 2 "a range backwards" "$HOLDFAST" job make --name x --package packages/v1.suit --serials A-9..A-1 -o x.job
exits 3 "an option that the batch gives itself" "$HOLDFAST" job make --name x --package packages/v1.suit --burn-option=--port -o x.job
complains "is refused" "given by the batch itself"
[ ! -e x.job ]
ok "none of them leaves a file" $?
exits 0 "a job" "$HOLDFAST" job make --name "line 3" --package packages/v1.suit --board board.conf --serials HF-01..HF-20 --quota 12 \
	--retries 0 --operator-required --test 'test "$HF_SERIAL" != HF-03' -o line.job
says "tells what comes next" "holdfast job sign line.job"
exits 3 "is not replaced" "$HOLDFAST" job make --name "line 3" --package packages/v1.suit -o line.job
exits 14 "it is not signed" $batch --port ok:a --operator Li
complains "and says how to" "holdfast job sign line.job"
exits 0 "signed" "$HOLDFAST" job sign line.job --key site.pem
exits 0 "it is shown" "$HOLDFAST" job show line.job --job-key site.pub.pem
says "with its serial numbers" "HF-01 to HF-20, allocated"
says "and its signature" "good, by key"
exits 0 "a keyset's site and release keys are trusted, too" "$HOLDFAST" job show line.job --job-key site.keyset
exits 0 "as JSON" "$HOLDFAST" job show line.job --json
exits 14 "another key" "$HOLDFAST" job show line.job --job-key stranger.pub.pem
complains "is not trusted" "not by a key that this station trusts"
cp line.job good.job
sed 's/quota = 12/quota = 9999/' good.job >line.job
exits 14 "an edited quota" $batch --port ok:a --operator Li
complains "is seen" "edited after it was signed"
sed 's/quota = 12/quota = 9999/' good.job | sed "s/^# sha256: .*/# sha256: $(sed '/^# --/,$d' line.job | sha256sum | cut -d' ' -f1)/" >line.job
exits 14 "with its digest made to fit" $batch --port ok:a --operator Li
complains "is seen, too" "not by a key that this station trusts"
{ cat good.job; echo 'quota = 9999;'; } >line.job
exits 14 "a line behind the signature" $batch --port ok:a --operator Li
complains "is seen" "something follows them"
{ echo '@include "other.conf"'; cat good.job; } >line.job
exits 14 "an include" $batch --port ok:a --operator Li
cp good.job line.job
echo "another package" >packages/v1.suit
exits 14 "another package" $batch --port ok:a --operator Li
complains "is seen" "packages/v1.suit: this is not the package"
echo "a package" >packages/v1.suit

# ---- batch ----
exits 2 "no operator" $batch --port ok:a
complains "is demanded" "give --operator"
exits 2 "no port" $batch --operator Li
exits 2 "no key" "$HOLDFAST" batch line.job --port ok:a
exits 2 "a port twice" $batch --operator Li --port ok:a --port ok:a
exits 2 "a report that is none" $batch --operator Li --port ok:a --report x.pdf
exits 0 "two devices" $batch --operator Li --at-once 1 --port ok:a --port ok:b --report r.html --report r.csv
says "pass" "2 passed, 0 failed"
says "with numbers" "serial numbers: 2 used, 18 free"
grep -q '"pass","b"' r.csv && grep -q 'PASS' r.html
ok "the reports have them" $?
printf '# two more\nok:c # its number is refused by the test\n\nbad:d\n' >ports
exits 16 "two that fail" $batch --operator Li --ports ports
complains "are counted" "2 of 2 devices failed"
says "the test's" "the test command ended with 1"
says "and the device's" "it rolled back"
exits 0 "those that passed are passed over" $batch --operator Li --port ok:a
says "and told" "it has passed in this job"
exits 0 "unless again" $batch --operator Li --port ok:a --again --json
says "with events" '"event":"result"'
says "and the same number" '"serial":"HF-01"'
(ulimit -f 4; $batch --operator Li --port ok:e --port ok:f --port ok:g --port ok:h --port ok:i 2>"$err"
	echo "exit $?") | cat >"$out"
grep -q "^exit 13" "$out"
ok "a disk that fills" $?
says "tells the record" "NOT RECORDED, keep this line: {\"outcome\":"
complains "and what to do" "make room"
exits 0 "and once there is room" $batch --operator Li --port ok:e --port ok:f --port ok:g --port ok:h --port ok:i
[ "$(sed -n 's/^{"outcome":"pass".*"serial":"\([^"]*\)".*/\1/p' line.records | sort | uniq -c | awk '$1 > 1' | wc -l)" -le 1 ]
ok "no number is given to two" $?
exits 13 "records that cannot be written" $batch --operator Li --port ok:j --records /nix/r
exits 13 "a report that cannot be written" $batch --operator Li --port ok:a --report /nix/r.html
complains "is not lost" "nothing is lost, the records are in"

# ---- stations ----
exits 15 "another station" "$HOLDFAST" batch line.job --job-key site.pub.pem --child "$dir/device" --station there --port ok:z --operator Li
complains "is told who has the numbers" "station 'here' has these serial numbers since"
exits 15 "a share too late" $batch --operator Li --port ok:z --share 1/2
complains "says how" "divided before it is begun"
exits 0 "two shares" $batch --operator Li --port ok:z --share 1/2 --ledger shared --records one.records
exits 0 "side by side" "$HOLDFAST" batch line.job --job-key site.pub.pem --child "$dir/device" --station there --port ok:y --operator Li \
	--share 2/2 --ledger shared --records two.records
grep -q HF-01 one.records && grep -q HF-11 two.records
ok "give different numbers" $?

# ---- scanned ----
"$HOLDFAST" job make --name scan --package packages/v1.suit --serials S001..S100 --scan -o scan.job >"$out" 2>"$err" &&
	"$HOLDFAST" job sign scan.job --key rel.pem >"$out" 2>"$err"
printf 'S007\njunk\nS007\nS008\n' | "$HOLDFAST" batch scan.job --job-key rel.keyset --child "$dir/device" --port ok:a --port ok:b --at-once 1 \
	>"$out" 2>"$err"
ok "numbers from a scanner" $?
says "the right ones are taken" "serial S008"
says "others are refused" "'junk' is no serial number of this job"
# As the device on ok:a is at work still, or has passed already.
grep -qE "S007 (was scanned for the device on ok:a just now|is the serial number of device a already); scan another" "$out"
ok "also one that was given" $?

# ---- a token's key ----
module=/usr/lib/softhsm/libsofthsm2.so
mkdir tokens
echo "directories.tokendir = $dir/tokens
log.level = ERROR" >softhsm2.conf
export SOFTHSM2_CONF=$dir/softhsm2.conf HOLDFAST_PKCS11_MODULE=$module
if softhsm2-util --init-token --free --label holdfast --pin 123456 --so-pin 654321 >"$out" 2>"$err" &&
	openssl pkcs8 -topk8 -nocrypt -in site.pem -out site.p8 2>"$err" &&
	softhsm2-util --import site.p8 --token holdfast --label jobs --id 01 --pin 123456 >"$out" 2>"$err"; then
	cp scan.job token.job
	exits 0 "a token signs a job" env HOLDFAST_PIN=123456 "$HOLDFAST" job sign token.job --key "pkcs11:token=holdfast;object=jobs"
	exits 0 "which a station takes" "$HOLDFAST" job show token.job --job-key site.pub.pem
	exits 14 "in place of the signature before" "$HOLDFAST" job show token.job --job-key rel.keyset
else
	ok "a token signs a job # SKIP there is no SoftHSM" 0
fi

# ---- records ----
exits 0 "the records" "$HOLDFAST" job verify line.records
says "are whole" "records, whole"
exits 3 "with another end" "$HOLDFAST" job verify line.records --head 0123
complains "lines are missing" "missing at its end"
sed 's/"operator":"Li"/"operator":"Wu"/' line.records >forged.records
exits 3 "edited ones" "$HOLDFAST" job verify forged.records
complains "name the line" "forged.records:2: this line is broken"
sed 3d line.records >short.records
exits 3 "one taken out" "$HOLDFAST" job report short.records
complains "is seen" "a line was taken away"
exits 0 "a report later" "$HOLDFAST" job report line.records --out later.html --out later.csv
exits 0 "CSV to standard output" "$HOLDFAST" job report line.records
says "with a head" "outcome,device_id,serial"
exits 0 "the ledger" "$HOLDFAST" job serials line.serials/HF--01-20.ledger
says "is shown" "HF-01  used"
exits 3 "which is no other file" "$HOLDFAST" job serials line.records
exits 2 "no part" "$HOLDFAST" job
exits 2 "a part that is none" "$HOLDFAST" job frob
exits 0 "help" "$HOLDFAST" batch --help
finish

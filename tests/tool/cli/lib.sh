# SPDX-License-Identifier: MIT
# For the tests of the command line: sourced, not run. Prints TAP; every check is one.
#
# Environment: HOLDFAST (the tool), HF_SOURCE (the source tree), HF_FIXTURES (firmware, see ../image/build.sh).
# shellcheck shell=sh disable=SC2034
set -u
checks=0
failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-cli-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
out=$dir/.out
err=$dir/.err
reference=$HF_SOURCE/boards/reference.conf
compact=$HF_SOURCE/boards/compact.conf

ok() { # ok NAME STATUS
	checks=$((checks + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $checks - $1"
	else
		failed=$((failed + 1))
		echo "not ok $checks - $1"
		sed 's/^/#   out: /' "$out" | head -n 20
		sed 's/^/#   err: /' "$err" | head -n 20
	fi
}

# exits CODE NAME COMMAND...: the command ends with this code. An error is exactly one line that begins with "holdfast: ", and
# success is silent on standard error but for warnings.
exits() {
	code=$1 name=$2
	shift 2
	"$@" >"$out" 2>"$err"
	got=$?
	if [ "$got" -ne "$code" ]; then
		echo "#   exit code $got, not $code: $*"
		ok "$name" 1
	elif [ "$code" -ne 0 ] && [ "$(grep -vc '^holdfast: warning: ' "$err")" -ne 1 ]; then
		echo "#   not one sentence"
		ok "$name" 1
	elif [ "$code" -ne 0 ] && ! grep -q '^holdfast: ' "$err"; then
		echo "#   no error message"
		ok "$name" 1
	elif [ "$code" -eq 0 ] && grep -qv '^holdfast: warning: ' "$err"; then
		echo "#   success, and yet a message"
		ok "$name" 1
	else
		ok "$name" 0
	fi
}

says() { # says NAME TEXT: the last command's standard output has the text
	grep -qF -e "$2" "$out"
	ok "$1" $?
}

complains() { # complains NAME TEXT: its standard error has it
	grep -qF -e "$2" "$err"
	ok "$1" $?
}

flip() { # flip FILE OFFSET: one bit of the byte is inverted
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

finish() {
	echo "1..$checks"
	[ "$failed" -eq 0 ]
	exit $?
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every `holdfast` command that README.md shows, as it stands there and in its order, on the twin in lockstep. Prints TAP.
#
# The only liberties: /dev/ttyUSB0 is the twin's port; a monitor ends after a few seconds; and between commands somebody does what the
# text says that a person does (BOOT0, the recovery pin).
#
# Usage: test-readme.sh BUILD
set -u

root=$(pwd)
build=$(cd "${1:?usage: test-readme.sh BUILD}" && pwd)
twin=$build/host/twin/holdfast-twin
fw=$build/stm32f407
dir=$build/readme-test
socket=$dir/twin.sock
twin_pid=
tests=0
failed=0
trap '[ -z "$twin_pid" ] || kill "$twin_pid" 2>/dev/null' EXIT

ok() { # ok NAME STATUS
	tests=$((tests + 1))
	[ "$2" -eq 0 ] && echo "ok $tests - $1" && return
	failed=1
	echo "not ok $tests - $1"
	sed 's/^/#   /' "$dir/log" | tail -n 20
}

ctl() {
	"$twin" ctl "$socket" "$@" >"$dir/log" 2>&1 || ok "the twin does '$*'" 1
}

# The commands, one a line: lines that are continued joined, comments gone.
commands() {
	sed -n 's/^  *\(holdfast .*\)/\1/p; s/^  *\(build\/stm32f407.*\)/\1/p; s/^  *\(--keyset .*\)/\1/p' "$root/README.md" |
		sed -e ':again' -e '/\\$/{N;s/\\\n/ /;b again' -e '}' -e 's/  *#.*//'
}

person() { # what somebody does before this command
	case $1 in
	*"holdfast factory"*--port*)
		ctl boot0 1
		ctl reset
		;;
	*"holdfast list"*)
		[ -z "$made" ] && return
		ctl boot0 0
		ctl reset
		ctl advance 8s
		made=
		;;
	*"holdfast recover"*)
		ctl press recovery
		ctl reset
		;;
	*"holdfast keygen site"*)
		ctl release recovery
		ctl reset
		ctl advance 8s
		;;
	*"holdfast monitor"*) ctl reset ;;
	esac
}

rm -rf "$dir"
mkdir -p "$dir/bin" "$dir/machine/sys/class/tty"
cd "$dir" || exit 1
: >log
ln -s "$root/boards" boards
ln -s "$build" build
ln -s "$build/host/tool/holdfast" bin/holdfast
# The packages that the text takes for granted: the next releases.
sed -n '/^    format  = 1;/,/^    packages/s/^    //p' "$root/README.md" >project
[ "$(grep -c ';' project)" -ge 5 ]
ok "the README has a project file" $?
unset XDG_DATA_HOME
export PATH="$dir/bin:$PATH" HOME="$dir" HOLDFAST_ROOT="$dir/machine" HOLDFAST_PORTS="lockstep:$socket" HOLDFAST_PROJECT=
"$twin" run --board boards/reference.conf --flash flash.bin --options options.bin --lockstep "$socket" --boot0 >twin.out 2>&1 &
twin_pid=$!
waited=0
while [ ! -S "$socket" ] && [ $waited -lt 100 ]; do
	sleep 0.1
	waited=$((waited + 1))
done

made=yes
commands >commands
[ "$(wc -l <commands)" -ge 24 ]
ok "the README shows commands" $?
while IFS= read -r line; do
	command=$(echo "$line" | sed "s|/dev/ttyUSB0|lockstep:$socket|g")
	person "$command"
	case $command in
	"holdfast inspect "*)
		for version in 1.2.0 1.3.0; do
			holdfast pack -q --board boards/reference.conf --key keys/release.pem --version $version --out gateway-$version.suit \
				"$fw/gateway/reference/gateway-1.1.0-a.elf" "$fw/gateway/reference/gateway-1.1.0-b.elf" >log 2>&1 ||
				ok "$version is packed" 1
		done
		;;
	"holdfast monitor "*) command="$command --for 5s" ;;
	esac
	# From its second half on the text has a project file.
	case $command in
	*doctor*boards/reference.conf*) ;;
	*doctor*)
		mv project holdfast.conf
		unset HOLDFAST_PROJECT
		holdfast project >log 2>&1
		ok "the project file is right" $?
		;;
	esac
	timeout 300 sh -c "$command" >log 2>&1 </dev/null
	ok "$line" $?
done <commands
echo "1..$tests"
[ $failed -eq 0 ]

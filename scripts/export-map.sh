#!/bin/sh
# SPDX-License-Identifier: MIT
# The linker's version script for the library: it exports the functions that its public headers declare, and nothing else.
#
# Usage: export-map.sh OUT HEADER...
set -eu

out=$1
shift
# A prototype begins in the first column, as all do here; inline functions have a body elsewhere than in the library.
awk '
/^static / { next }
/^[a-zA-Z].*[ *]hf_[a-z0-9_]*\(/ {
	if (match($0, /hf_[a-z0-9_]*\(/))
		print substr($0, RSTART, RLENGTH - 1)
}
' "$@" | sort -u | awk '
BEGIN { print "HOLDFAST_0 {\nglobal:" }
{ print "\t" $0 ";" }
END { print "local:\n\t*;\n};" }
' >"$out"

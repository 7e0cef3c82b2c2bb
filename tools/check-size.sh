#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# check-size.sh: no C file over 800 lines, no function over 120. Run in $srcdir (default: here).
set -eu
cd "${srcdir:-.}"

# shellcheck disable=SC2016
find common dict bsf naf-lib hss-sim reg ue znproxy tools bench fuzz tests -name '*.[ch]' | sort | xargs awk '
FNR == 1 {
	file_end()
	name = FILENAME
	start = 0
	head = ""
}
function file_end() {
	if (name != "" && lines > 800) {
		printf "%s: %d lines, over 800\n", name, lines
		bad = 1
	}
}
{
	lines = FNR
	seen++
}
# Linux style: the braces of a function stand alone in the first column
/^[A-Za-z_]/ { head = $0 }
/^\{/ { start = FNR }
/^\}/ {
	if (start && FNR - start + 1 > 120) {
		printf "%s:%d: %d lines, over 120: %s\n", FILENAME, start, FNR - start + 1, head
		bad = 1
	}
	start = 0
}
END {
	file_end()
	if (!seen) {
		print "no file seen: nothing was checked"
		bad = 1
	}
	exit bad
}'

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# check-spdx.sh: every source file names its licence in its first five lines; C in common (but rt), dict and naf-lib is
# LGPL-3.0-or-later, C elsewhere AGPL-3.0-or-later (tests may be either); an LGPL file includes no AGPL header; the
# texts of the licences are there. Run in $srcdir (default: here).
set -eu
cd "${srcdir:-.}"
bad=0

for text in AGPL-3.0-or-later LGPL-3.0-or-later GPL-3.0-or-later; do
	[ -s "LICENSES/$text.txt" ] || { echo "LICENSES/$text.txt is missing"; bad=1; }
done

sources() {
	find . -maxdepth 1 \( -name Makefile.am -o -name configure.ac -o -name test -o -name demo \) -type f
	find common dict bsf naf-lib hss-sim reg ue znproxy tools interop bench fuzz tests -type f \( -name '*.[ch]' -o -name '*.py' \
		-o -name '*.sh' -o -name '*.inc' -o -name '*.awk' -o -name '*.erl' -o -name '*.map' \)
}

# shellcheck disable=SC2016
sources | sed 's|^\./||' | sort | xargs awk '
function wanted(path) {
	if (path !~ /\.[ch]$/ || path ~ /^(tests|fuzz|bench)\//)
		return ""
	if (path ~ /^(common|dict|naf-lib)\// && path !~ /^common\/rt\//)
		return "LGPL-3.0-or-later"
	return "AGPL-3.0-or-later"
}
function complain(what) {
	print what
	bad = 1
}
FNR == 1 { files[++n] = FILENAME }
FNR <= 5 && /SPDX-License-Identifier:/ && !(FILENAME in licence) {
	match($0, /[A-Z]+-[0-9.]+-or-later/)
	licence[FILENAME] = RSTART ? substr($0, RSTART, RLENGTH) : "?"
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	from[++m] = FILENAME
	at[m] = FNR
	to[m] = path
}
END {
	for (i = 1; i <= n; i++) {
		f = files[i]
		if (!(f in licence))
			complain(f ": no SPDX-License-Identifier in the first five lines")
		else if (licence[f] !~ /^[AL]GPL-3.0-or-later$/)
			complain(f ": licence " licence[f] " is none of ours")
		else if (wanted(f) != "" && licence[f] != wanted(f))
			complain(f ": is " licence[f] ", its folder has " wanted(f))
	}
	for (i = 1; i <= m; i++) {
		if (licence[from[i]] ~ /^LGPL/ && licence[to[i]] ~ /^AGPL/)
			complain(from[i] ":" at[i] ": LGPL includes " to[i] ", which is AGPL")
	}
	if (n < 10)
		complain("only " n " files seen")
	exit bad
}' || bad=1
exit $bad

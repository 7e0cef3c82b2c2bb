#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# check-format.sh: every C file stands as .clang-format puts it and includes its own header first; no static function's
# name stands in three files of the product (grep and backtraces stay useful). Run in $srcdir (default: here). Prints
# what is wrong; status 1 if something is. Without clang-format only the format is not looked at: status 77, said.
set -eu
cd "${srcdir:-.}"
files=$(find common dict bsf naf-lib hss-sim reg ue znproxy tools bench fuzz tests -name '*.[ch]' | sort)
[ -n "$files" ] || { echo 'no file seen: nothing was checked'; exit 1; }
bad=0

for f in $(printf '%s\n' "$files" | grep '\.c$' || true); do
	own=${f%.c}.h
	[ -f "$own" ] || continue
	case $f in */examples/*) own=${own##*/} ;; esac # built anywhere, as an author would
	first=$(grep -m 1 '^#include' "$f" || true)
	[ "$first" = "#include \"$own\"" ] || { echo "$f: the first include is not \"$own\""; bad=1; }
done

# shellcheck disable=SC2016
product=$(printf '%s\n' "$files" | grep -vE '^(tests|bench|fuzz)/' | grep '\.c$' || true)
# shellcheck disable=SC2086
awk '
/^static [A-Za-z_ *0-9]*[ *][a-z_0-9]+\(/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	if (!seen[name, FILENAME]++ && ++files[name] <= 3)
		where[name] = where[name] " " FILENAME
}
END {
	for (name in files)
		if (files[name] >= 3) {
			printf "static %s() stands in%s: three files\n", name, where[name]
			bad = 1
		}
	exit bad
}' $product /dev/null || bad=1

if command -v clang-format >/dev/null; then
	# shellcheck disable=SC2086
	if clang-format --dry-run $files 2>&1 | grep -E '(warning|error):' | sed 's, \[-W.*,,' | grep .; then
		bad=1
	fi
elif [ "$bad" = 0 ]; then
	echo 'clang-format is missing: the format was not looked at'
	exit 77
fi
exit "$bad"

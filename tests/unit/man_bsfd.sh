#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The manual of gba-bsfd names every cause of its tables and every limit of the configuration.
set -eu
: "${srcdir:=.}"
man="$srcdir/doc/man/gba-bsfd.8"
bad=0
n=0
need() {
	n=$((n + 1))
	grep -q "^\.It \(Li\|Cm\) $1 " "$man" || { echo "$man: $1 is missing"; bad=1; }
}
# shellcheck disable=SC2013
for c in $(awk -F, '$2 ~ /^(ub|zh|zn|dia|ub or zn)$/ { print $1 }' "$srcdir/common/gba/causes.csv"); do
	need "$c"
done
# shellcheck disable=SC2013
for w in $(sed -n 's/.*LIMIT("\([a-z-]*\)".*/\1/p; s/.*\.word = "\([a-z-]*\)".*/\1/p' "$srcdir/bsf/run/cfg_limits.c"); do
	need "$w"
done
[ "$n" -gt 60 ] || { echo "only $n names found: the tables have moved"; bad=1; }
exit $bad

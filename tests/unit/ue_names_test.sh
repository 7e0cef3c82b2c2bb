#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The names of libgbaue are the same everywhere, as those of libgba-naf; the package knows them too. TAP.
set -u
src=$(cd "${srcdir:-.}" && pwd)
so=$(cd "${builddir:-.}" && pwd)/ue/lib/.libs/libgbaue.so
packaged=$(sed -n 's/^ \(gba_ue_[a-z0-9_]*\)@.*/\1/p' "$src/debian/libgbaue0.symbols" | sort)
shown=$(nm -D --defined-only "$so" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort)
if [ "$packaged" != "$shown" ]; then
	echo 1..1
	echo "not ok 1 - debian/libgbaue0.symbols has what the library shows"
	printf '%s\n' "$packaged" "$shown" | sort | uniq -u | sed 's/^/# /'
	exit 1
fi
export LIB=ue/lib/.libs/libgbaue.so PREFIX=gba_ue HEADER=ue/lib/include/gba/ue.h MAN=libgbaue.3 GUIDE=ue-author-guide.md
exec sh "$src/tests/unit/naf_names_test.sh"

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The names of a library are the same everywhere: what the header declares, the shared library shows, the manual names
# all of it, and manual, guide and header name nothing else. TAP.
set -u
src=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${builddir:-.}" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# libgba-naf, unless another one is named (ue_names_test.sh)
: "${LIB:=naf-lib/.libs/libgba-naf.so}" "${PREFIX:=gba_naf}" "${HEADER:=naf-lib/include/gba/naf.h}"
: "${MAN:=libgba-naf.3}" "${GUIDE:=naf-author-guide.md}" "${SYMBOLS:=libgba-naf0.symbols}"
lib=$LIB prefix=$PREFIX header=$src/$HEADER man=$src/doc/man/$MAN guide=$src/doc/$GUIDE
failed=0 n=0
report() { # TEXT; what is wrong stands in out
	n=$((n + 1))
	if [ -s "$tmp/out" ]; then
		echo "not ok $n - $1"
		sed 's/^/# /' "$tmp/out"
		failed=1
	else
		echo "ok $n - $1"
	fi
}
words() { grep -ohE "\\<${prefix}_[a-z0-9_]+" "$@" | sort -u; }
echo 1..7

# functions of the header: declared, or inline
grep -vE '^ ?\*|^/\*' "$header" | tr '\n' ' ' | grep -oE "${prefix}_[a-z0-9_]+\(" | tr -d '(' | sort -u >"$tmp/functions"
grep -oE "^static inline void ${prefix}_[a-z0-9_]+" "$header" | sed 's/.* //' | sort -u >"$tmp/inline"
nm -D --defined-only "$build/$lib" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/shown"
[ "$(wc -l <"$tmp/shown")" -gt 15 ] || echo "no more than 15 functions seen" >"$tmp/out2"
cat "$tmp/shown" "$tmp/inline" | sort >"$tmp/all"
{ cat "$tmp/out2" 2>/dev/null; diff "$tmp/functions" "$tmp/all"; } >"$tmp/out"
report "header and shared library have the same functions"

words "$man" >"$tmp/man"
comm -23 "$tmp/functions" "$tmp/man" >"$tmp/out"
report "the manual names each"

# structs and enums are names, too
grep -vE '^ ?\*|^/\*' "$header" | grep -oE "(struct|enum) ${prefix}[a-z0-9_]*" | sed 's/.* //' | sort -u >"$tmp/types"
sort -u "$tmp/functions" "$tmp/types" >"$tmp/known"
comm -13 "$tmp/known" "$tmp/man" >"$tmp/out"
report "and nothing that is not there"
words "$guide" | comm -13 "$tmp/known" - >"$tmp/out"
report "the guide names nothing that is not there"
words "$header" | comm -13 "$tmp/known" - | grep -vxE 'gba_naf_digest_*' >"$tmp/out"
report "nor does a comment of the header"
sed -n "s/^ \(${prefix}_[a-z0-9_]*\)@.*/\1/p" "$src/debian/$SYMBOLS" 2>&1 | sort | diff - "$tmp/shown" >"$tmp/out"
report "the package lists the same symbols"
ls "$build/${lib%.so}.a" >"$tmp/out" 2>/dev/null
report "there is no static one, which would show every name in it"
exit $failed

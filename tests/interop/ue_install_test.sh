#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# libgbaue as a program's author gets it: header, library and pkg-config file in an empty root; the example of the guide and the
# one of the package compiled from there. TAP.
set -u
src=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${builddir:-.}" && pwd)
cc=${CC:-cc} cxx=${CXX:-c++}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0
report() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		failed=1
		sed 's/^/# /' "$tmp/out"
	fi
}

if grep -q '^SAN_CFLAGS = .*fsanitize' "$build/Makefile"; then
	echo "1..0 # SKIP a sanitizer's run time is not in the library's own dependencies"
	exit 0
fi
echo 1..6

env -u MAKEFLAGS -u MAKELEVEL make -C "$build" -s install-libLTLIBRARIES install-gbaincludeHEADERS install-pkgconfigDATA \
	DESTDIR="$tmp/root" >"$tmp/out" 2>&1
report $? "installs into an empty root"
pc=$(find "$tmp/root" -name libgbaue.pc)
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$tmp/root"
cflags=$(pkg-config --cflags libgbaue 2>"$tmp/out")
libs=$(pkg-config --libs libgbaue 2>>"$tmp/out")
lib=$(find "$tmp/root" -name 'libgbaue.so.0')
export LD_LIBRARY_PATH="${lib%/*}"

nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' | grep -v '^gba_ue_' >"$tmp/out"
[ ! -s "$tmp/out" ] && [ "$(nm -D --defined-only "$lib" | grep -c ' gba_ue_')" -gt 15 ]
report $? "the library shows gba_ue_* and nothing else"
ldd "$lib" | grep -E 'osmo|talloc|microhttpd|lmdb|sqlite|fdcore' >"$tmp/out"
[ ! -s "$tmp/out" ]
report $? "the library depends on nothing of the daemons"

for std in "$cc -x c -std=c99 -pedantic" "$cc -x c -std=c17 -pedantic" "$cxx -x c++ -std=c++11 -pedantic" "$cxx -x c++ -std=c++20"; do
	# shellcheck disable=SC2086
	printf '%s\n' '#include <gba/ue.h>' 'int f(void);' 'int f(void)' \
		'{ struct gba_ue_config c; gba_ue_config_init(&c); return (int)c.size; }' |
		$std $cflags -Wall -Wextra -Werror -Wshadow -fsyntax-only - 2>>"$tmp/out" || echo "not accepted by: $std" >>"$tmp/out"
done
[ ! -s "$tmp/out" ]
report $? "the header stands alone, in C and C++"

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$src/doc/ue-author-guide.md" >"$tmp/guide.c"
: >"$tmp/out"
for c in "$tmp/guide.c" "$src/ue/lib/examples/ue-key.c"; do
	# shellcheck disable=SC2086
	$cc -std=gnu11 -Wall -Wextra -Werror -o "$tmp/$(basename "$c" .c)" "$c" $cflags $libs >>"$tmp/out" 2>&1
done
[ -x "$tmp/guide" ] && [ -x "$tmp/ue-key" ] && [ ! -s "$tmp/out" ]
report $? "the examples of guide and package compile with pkg-config alone"
"$tmp/ue-key" "$tmp/nobody" naf1.example.com >"$tmp/out" 2>&1
[ $? -eq 1 ] && grep -q 'feature not ready: .*no agent' "$tmp/out"
report $? "and one tells that there is no agent"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# libgba-naf as an application author gets it: header, library and pkg-config file in an empty root; the example of the
# author's guide compiled from there and opened with curl's own Digest. TAP.
set -u
src=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${builddir:-.}" && pwd)
cc=${CC:-cc} cxx=${CXX:-c++}
tmp=$(mktemp -d) || exit 1
app=
# shellcheck disable=SC2317
end() {
	[ -n "$app" ] && kill "$app" 2>/dev/null && wait "$app"
	rm -rf "$tmp"
}
trap end EXIT

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

env -u MAKEFLAGS -u MAKELEVEL make -C "$build" -s install-libLTLIBRARIES install-gbaincludeHEADERS \
	install-pkgconfigDATA DESTDIR="$tmp/root" >"$tmp/out" 2>&1
report $? "installs into an empty root"

pc=$(find "$tmp/root" -name libgba-naf.pc)
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$tmp/root"
cflags=$(pkg-config --cflags libgba-naf 2>"$tmp/out")
libs=$(pkg-config --libs libgba-naf 2>>"$tmp/out")
lib=$(find "$tmp/root" -name 'libgba-naf.so.0')
export LD_LIBRARY_PATH="${lib%/*}"

nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' | grep -v '^gba_naf_' >"$tmp/out"
[ ! -s "$tmp/out" ] && [ "$(nm -D --defined-only "$lib" | grep -c ' gba_naf_')" -gt 15 ]
report $? "the library shows gba_naf_* and nothing else"

# shellcheck disable=SC2086
{ readelf -d "$lib" | grep -q NODELETE || echo "may be unloaded under its thread"; } >"$tmp/more"
ldd "$lib" | grep -E 'osmo|talloc|microhttpd|lmdb|hiredis|sqlite|fdcore|fdproto' >"$tmp/out"
cat "$tmp/more" >>"$tmp/out"
[ ! -s "$tmp/out" ]
report $? "the library depends on nothing of the daemons, nor on a Diameter library, and stays when it is unloaded"

for std in "$cc -x c -std=c99 -pedantic" "$cc -x c -std=c17 -pedantic" "$cxx -x c++ -std=c++11 -pedantic" \
	"$cxx -x c++ -std=c++20"; do
	# shellcheck disable=SC2086
	printf '%s\n' '#include <gba/naf.h>' 'int f(void);' 'int f(void)' \
		'{ struct gba_naf_config c; gba_naf_config_init(&c); return (int)c.size; }' |
		$std $cflags -Wall -Wextra -Werror -Wshadow -fsyntax-only - 2>>"$tmp/out" || echo "not accepted by: $std" >>"$tmp/out"
done
[ ! -s "$tmp/out" ]
report $? "the header stands alone, in C and C++"

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$src/doc/naf-author-guide.md" >"$tmp/app.c"
# shellcheck disable=SC2086,SC2046
(unset PKG_CONFIG_SYSROOT_DIR && pkg-config --cflags --libs libmicrohttpd) >"$tmp/mhd" &&
	$cc -std=gnu11 -Wall -Wextra -Werror -o "$tmp/app" "$tmp/app.c" $cflags $libs $(cat "$tmp/mhd") >"$tmp/out" 2>&1
report $? "the example of the author's guide compiles with pkg-config alone"

user=$(sed -n "s/^echo '\(user = .*\)' |\$/\1/p" "$src/doc/naf-author-guide.md")
mkfifo "$tmp/say"
GBA_TEST=1 "$tmp/app" >"$tmp/say" 2>&1 &
app=$!
exec 3<"$tmp/say"
read -r word port <&3
[ "$word" = port ] && echo "$user" | curl -s --digest -K - --connect-to "naf1.example.com:80:127.0.0.1:$port" \
	http://naf1.example.com/a%20b?c=d >"$tmp/out" 2>&1
read -r first <&3
read -r second <&3
echo "application: $first, $second" >>"$tmp/out"
grep -q '^Welcome' "$tmp/out" && [ "$first, $second" = "challenge naf_challenged, accept naf_ok" ]
report $? "and serves its page to curl --digest, with the fake BSF"
exit $failed

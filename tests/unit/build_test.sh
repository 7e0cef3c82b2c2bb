#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# tools/build.sh with a tree, an autoreconf and a make of its own, in a path with a blank: each step that was interrupted is
# done again, none that is whole; other flags mean other objects. TAP.
set -u
tools=$(cd "${srcdir:-.}" && pwd)/tools
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
tree="$tmp/a tree"
mkdir -p "$tree" "$tmp/bin"
touch "$tree/configure.ac" "$tree/Makefile.am"

# What each of them did goes into $tmp/did; HALF=step ends there and then, leaving files that look finished.
cat >"$tmp/bin/autoreconf" <<'END'
#!/bin/sh
echo autoreconf >>"$DID"
mkdir -p build-aux
printf '#!/bin/sh\n[ "${1#/}" = "$1" ] || exit 1\n' >configure
chmod +x configure
[ "$HALF" != autoreconf ] || kill -9 "$PPID" $$
cat >>configure <<'EOC'
case $0 in /*" "*) echo "blank in the path of configure"; exit 1 ;; esac
mkdir busy 2>/dev/null || echo overlap >>"$DID"
sleep 0.1
rmdir busy
echo "configure" >>"$DID"
touch config.status
[ "$HALF" != configure ] || kill -9 "$PPID" $$
echo "CFLAGS = $FLAGS" >Makefile
EOC
END
cat >"$tmp/bin/make" <<'END'
#!/bin/sh
case "$*" in *clean*) echo clean >>"$DID" ;; *) echo make >>"$DID" ;; esac
[ -f "$2/Makefile" ]
END
chmod +x "$tmp/bin/autoreconf" "$tmp/bin/make"

n=0 failed=0
# try HALF FLAGS WHAT-IS-DONE TEXT
try() {
	n=$((n + 1))
	: >"$tmp/did"
	DID=$tmp/did HALF=$1 FLAGS=$2 PATH=$tmp/bin:$PATH bash -c '. "$0/build.sh"; build_tree "$1" "$1/build/x" -q' \
		"$tools" "$tree" >"$tmp/out" 2>&1
	did=$(tr '\n' ' ' <"$tmp/did")
	if [ "$did" = "$3" ]; then echo "ok $n - $4"; else
		echo "not ok $n - $4: did '$did', not '$3'"
		sed 's/^/# /' "$tmp/out" "$tree"/build/x/build.out
		failed=1
	fi
}

echo 1..9
try autoreconf -O2 'autoreconf ' "an autoreconf that is killed"
try '' -O2 'autoreconf configure make ' "is done again"
try '' -O2 'make ' "nothing that is whole is done again"
rm -f "$tree/build/x/configured"
try configure -O2 'configure ' "a configure that is killed"
try '' -O2 'configure make ' "is done again"
rm -f "$tree/build/x/configured"
try '' -O1 'configure clean make ' "other flags: old objects go"
sleep_until_newer() { until touch "$1" && [ "$1" -nt "$tree/build-aux/made" ]; do :; done; }
sleep_until_newer "$tree/Makefile.am"
try '' -O1 'autoreconf configure make ' "a newer part of the build system"
rm -f "$tree/build/x/configured"
: >"$tmp/did"
for _ in 1 2; do
	DID=$tmp/did HALF='' FLAGS=-O1 PATH=$tmp/bin:$PATH bash -c '. "$0/build.sh"; build_tree "$1" "$1/build/x" -q' "$tools" "$tree" 2>/dev/null &
done
wait
n=$((n + 1))
if grep -q overlap "$tmp/did" || [ "$(grep -c configure "$tmp/did")" != 1 ]; then
	echo "not ok $n - two at once: $(tr '\n' ' ' <"$tmp/did")"
	failed=1
else
	echo "ok $n - two at once: one waits for the other"
fi
touch "$tree/config.status"
try '' -O1 '' "a tree that is configured in itself is refused"
exit $failed

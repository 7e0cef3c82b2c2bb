#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# What documents, comments and manuals point to is there: links, files named in comments, programs and make targets of the
# README; nothing outside the tree. TAP.
set -u
cd "${srcdir:-.}" || exit 1
n=0 failed=0
report() { # STATUS TEXT, what was wrong on stdin
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		failed=1
	fi
}
check() { # TEXT, with the complaints in $tmp
	sed 's/^/# /' "$tmp"
	! [ -s "$tmp" ]
	report $? "$1"
}
tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp"' EXIT
sources() { find common dict bsf naf-lib hss-sim reg ue znproxy tools interop bench fuzz tests debian conf doc README.md demo test \
	-type f ! -path '*/corpus/*' ! -path 'debian/gba-*/*' ! -path 'debian/lib*/*' ! -path 'debian/tmp/*' ! -name '*.pyc' ! -name docs_test.sh; }

echo 1..7
: >"$tmp"
for f in README.md doc/*.md doc/decisions/*.md; do
	grep -oE '\]\([^)#]+' "$f" | sed 's/^](//' | grep -v '^http' | while read -r to; do
		[ -e "${f%/*}/$to" ] || { [ "$f" = README.md ] && [ -e "$to" ]; } || echo "$f: link to $to"
	done
done >"$tmp"
check "every link of a document leads to a file"

# beside the one that names it, in doc/, or by its path
sources | xargs grep -noE '[$]?[A-Za-z0-9_./-]+\.md\b' | grep -vE ':[$]|:/usr/share/' | while IFS=: read -r f _ name; do
	[ -e "$name" ] || [ -e "doc/$name" ] || [ -e "${f%/*}/$name" ] || echo "$f: names $name"
done >"$tmp"
check "every document a file names is in the tree"

# by its path, or by the end of it
files=$(sources)
grep -oE '`[A-Za-z0-9_/.-]+\.(c|h|py|sh|pml|csv|json)`' README.md doc/*.md doc/decisions/*.md | tr -d '`' | while IFS=: read -r f name; do
	grep -qE "(^|/)$name\$" <<<"$files" || echo "$f: names $name"
done >"$tmp"
check "every file of the tree that a document names is there"

sources | xargs grep -nE '\.\./shared|/work/' >"$tmp"
check "nothing points outside the tree"

: >"$tmp"
for p in $(grep -oE 'doc/man/[a-z-]+\.[0-9]' README.md) demo test debian/control conf/gba-bsf.cfg; do
	[ -e "$p" ] || echo "README.md: $p is not there" >>"$tmp"
done
grep -ohE 'make -C build/gcc [a-z-]+' README.md doc/performance.md | while read -r _ _ _ target; do
	cat Makefile.am ./*/*.inc ./*/*/*.inc | grep -q "^$target:" || echo "no make target $target" >>"$tmp"
done
for word in keep stop fail; do grep -q -- "--$word)" demo || echo "demo knows no --$word" >>"$tmp"; done
check "what the README tells to type is there"

grep -ohE '(^|`)[a-z]+/[a-z_/]+\.(py|sh) [A-Za-z<-]' README.md doc/*.md doc/man/* | tr -d '`' | cut -d' ' -f1 | sort -u | while read -r f; do
	[ -x "$f" ] || echo "$f is typed as a command and cannot be run"
done >"$tmp"
check "every script a document types can be run"

# a folder that is none, and one where nothing is built
empty=$(mktemp -d) || exit 1
for script in bench tls znproxy import redis reg; do
	for words in 'is no build folder' 'is not there. Type: make'; do
		out=$(python3 "bench/$script.py" "$empty" 2>&1) && echo "bench/$script.py went on"
		case $out in *Traceback*) echo "bench/$script.py: $out" ;; *"$words"*) ;; *) echo "bench/$script.py does not say '$words': $out" ;; esac
		touch "$empty/Makefile"
	done
	rm "$empty/Makefile"
done >"$tmp"
rm -r "$empty"
check "a bench without its programs says what to make"
exit $failed

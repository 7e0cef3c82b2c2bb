#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Does tools/check-obf.py see what it is for? On a copy of what it reads: as it is, then with one fault each.
set -u
cd "${srcdir:-.}" || exit 1
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failed=0

fresh() {
	rm -rf "${tree:?}"/*
	mkdir "$tree/tests" "$tree/doc" "$tree/tools" "$tree/interop"
	cp -r tests/obf tests/e2e tests/unit tests/store tests/package tests/tests.inc "$tree/tests"
	cp -r interop/wire "$tree/interop"
	cp doc/obf.* "$tree/doc" && cp tools/check-obf.py tools/obf.py tools/tools.inc "$tree/tools"
	for f in common/*/*.inc bsf/*.inc hss-sim/*.inc; do mkdir -p "$tree/${f%/*}" && cp "$f" "$tree/$f"; done
}

# expect STATUS WORDS WHAT
expect() {
	out=$(srcdir=$tree "${PYTHON3:-python3}" "$tree/tools/check-obf.py" 2>&1)
	got=$?
	[ "$got" = "$1" ] && [[ $out == *"$2"* ]] && return
	echo "$3: status $got, not $1 with '$2': $out"
	failed=1
}

fresh
expect 0 ' done' 'the tree as it is'
sed -i 's/^#   - t_config: unknown word.*//' "$tree/tests/obf/install.py"
expect 1 'OBF-10.1-2: no bundle has a positive and a negative case' 'a row without its negative case'
fresh
sed -i 's/unknown word, value out of range/unknown words, values out of range/' "$tree/tests/e2e/t_config.py"
expect 1 '0 cases of' 'a case that has another name now'
fresh
sed -i 's/^ok \(t_config: unknown word\)/fail \1/' "$tree/tests/obf/results"
expect 1 'is not ok in tests/obf/results; tools/obf.py run install' 'a case that was red'
fresh
echo 'OBF-99-1,M,done,something,' >>"$tree/doc/obf.csv"
expect 1 'OBF-99-1: no bundle has' 'a row that nothing shows'
fresh
sed -i 's/^OBF-10.1-2,M,done/OBF-10.1-2,M,not/' "$tree/doc/obf.csv"
expect 1 'OBF-10.1-2: is not in doc/obf.csv, and a bundle covers it' 'a row that is shown and said to be missing'
fresh
sed -i 's/Numbers/Numerals/' "$tree/doc/obf.csv"
expect 1 'doc/obf.md is not what' 'a document that is stale'
fresh
sed -i 's/^# covers: OBF-10.1-2/# covers: OBF-10.1-2 OBF-10.1-22/' "$tree/tests/obf/install.py"
expect 1 'OBF-10.1-22 is no row' 'a bundle with a row that is none'
exit $failed

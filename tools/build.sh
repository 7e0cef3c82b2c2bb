# SPDX-License-Identifier: AGPL-3.0-or-later
# shellcheck shell=bash
# Sourced by ./demo and ./test: build out of tree.

# build_tree SOURCE BUILD CONFIGURE-ARGUMENT...: configure once, make all; what failed is printed
build_tree() {
	local src=$1 dir=$2 log
	shift 2
	mkdir -p "$dir"
	log=$dir/build.out
	if [ ! -x "$src/configure" ] || [ -n "$(find "$src" -path "$src/build*" -prune -o \( -name '*.inc' \
		-o -name Makefile.am -o -name configure.ac \) -newer "$src/configure" -print -quit)" ]; then
		(cd "$src" && autoreconf -fi) >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
	fi
	if [ ! -f "$dir/config.status" ] || [ "$src/configure" -nt "$dir/config.status" ]; then
		(cd "$dir" && "$src/configure" -q "$@") >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
	fi
	make -C "$dir" -k -j"$(nproc)" >"$log" 2>&1 && return 0
	grep -n -A8 -E 'error|Error|undefined' "$log" | head -n 60 >&2
	return 1
}

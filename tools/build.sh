# SPDX-License-Identifier: AGPL-3.0-or-later
# shellcheck shell=bash
# Sourced by ./demo and ./test: build out of tree. Each step leaves a mark when it is whole; one that was interrupted is
# done again from its beginning, since what it left looks finished to the next.

# build_system_newer FILE SOURCE: is a part of the build system newer than FILE?
build_system_newer() {
	[ -n "$(find "$2" -path "$2/build*" -prune -o \( -name '*.inc' -o -name 'gba_*.m4' -o -name Makefile.am \
		-o -name configure.ac \) -newer "$1" -print -quit)" ]
}

# the flags everything was compiled with; make itself does not look at them
build_flags() {
	grep -sE '^(CC|CPPFLAGS|CFLAGS|LDFLAGS|[A-Z]+_CPPFLAGS|[A-Z]+_CFLAGS|[A-Z]+_LDFLAGS) =' "$1/Makefile"
}

# build_configure SOURCE BUILD CONFIGURE-ARGUMENT...
build_configure() {
	local src=$1 dir=$2 made=$1/build-aux/made before
	shift 2
	if [ ! -x "$src/configure" ] || [ ! -f "$made" ] || build_system_newer "$made" "$src"; then
		rm -rf "$src/autom4te.cache" "$made"
		(cd "$src" && autoreconf -fi && touch "$made") || return 1
	fi
	[ -f "$dir/configured" ] && [ ! "$made" -nt "$dir/configured" ] && return 0
	before=$(build_flags "$dir")
	rm -f "$dir/configured"
	# automake and libtool bear no blank in the path of the sources; a relative one has none
	case $src in *[!A-Za-z0-9_/.,:+@%-]*) src=$(realpath --relative-to="$dir" "$src") ;; esac
	(cd "$dir" && "$src/configure" -q "$@") || return 1
	if [ -n "$before" ] && [ "$before" != "$(build_flags "$dir")" ]; then
		make -C "$dir" clean || return 1
	fi
	touch "$dir/configured"
}

# build_tree SOURCE BUILD CONFIGURE-ARGUMENT...: configure once, make all; what failed is printed
build_tree() {
	local src=$1 dir=$2
	if [ -f "$src/config.status" ]; then
		echo "$src itself is configured, which a build beside it does not bear: make -C '$src' distclean" >&2
		return 1
	fi
	mkdir -p "$dir"
	# One at a time. Every child holds the lock, too: a configure whose script was killed clears its files away while it
	# dies, and would take those of the next one.
	(
		flock -n 9 || { echo "waiting for another build in $src ..." >&2 && flock 9; }
		build_locked "$@"
	) 9>"${dir%/*}/lock"
}

build_locked() {
	local dir=$2 log=$2/build.out
	build_configure "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
	make -C "$dir" -k -j"$(nproc)" >"$log" 2>&1 && return 0
	grep -n -A8 -E 'error|Error|undefined' "$log" | head -n 60 >&2
	return 1
}

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Every built program and the shared library carry the hardening that configure found, and on x86-64 it found all. TAP.
set -u
build=${builddir:-.}
harden=$(sed -n 's/^HARDEN_CFLAGS = //p; s/^HARDEN_LDFLAGS = //p; s/^PIE_LDFLAGS = //p' "$build/Makefile" | tr '\n' ' ')
if grep -q '^SAN_CFLAGS = .*fsanitize' "$build/Makefile"; then
	echo "1..0 # SKIP sanitizers have it off"
	exit 0
fi
if grep -qE '^CFLAGS = .*(-O0|-O *$)' "$build/Makefile" || ! command -v objdump >/dev/null; then
	echo "1..0 # SKIP no optimisation, or no objdump"
	exit 0
fi

n=0 failed=0
report() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		failed=1
	fi
}

# the built file behind a libtool wrapper
real() { if [ -f "${1%/*}/.libs/${1##*/}" ]; then echo "${1%/*}/.libs/${1##*/}"; else echo "$1"; fi; }
on() { case " $harden " in *" $1 "*) return 0 ;; esac; return 1; }

elf() { # FILE: whatever its flags promise and it lacks
	readelf -hldW "$1" >"$tmp/elf"
	on -Wl,-z,now && ! grep -q 'Flags:.*NOW' "$tmp/elf" && echo "no BIND_NOW"
	on -Wl,-z,relro && ! grep -q GNU_RELRO "$tmp/elf" && echo "no RELRO"
	on -Wl,-z,noexecstack && ! grep -qE 'GNU_STACK.* RW ' "$tmp/elf" && echo "executable stack"
	case $1 in *.so.*) ;; *) on -pie && ! grep -q 'Flags:.* PIE' "$tmp/elf" && echo "no PIE" ;; esac
	grep -qE 'Type: +DYN' "$tmp/elf" || echo "fixed address"
}
code() { # FILE ENTRY
	objdump -d --no-show-raw-insn "$1" >"$tmp/code"
	on -D_FORTIFY_SOURCE=3 && ! readelf --dyn-syms -W "$1" | grep -q '__[a-z]*_chk@' && echo "nothing fortified"
	on -fstack-protector-strong && ! readelf --dyn-syms -W "$1" | grep -q __stack_chk_fail && echo "no stack protector"
	if on -fcf-protection=full; then
		grep -A1 "<$2>:\$" "$tmp/code" | grep -q endbr || echo "$2 does not begin with endbr"
	fi
}
# gcc writes the flags of each of our units into the debug information; clang does not
units() { # FILE
	readelf --debug-dump=info "$1" 2>/dev/null | grep -E 'DW_AT_producer.*GNU C' >"$tmp/units"
	[ -s "$tmp/units" ] || return 0
	for flag in -ftrivial-auto-var-init=zero -fstack-clash-protection -fcf-protection=full -fstack-protector-strong; do
		on "$flag" && grep -qv -e "$flag" "$tmp/units" && echo "a unit without $flag"
	done
	return 0
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
echo 1..13
[ "$(uname -m)" != x86_64 ] || for flag in -D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero -fcf-protection=full \
	-fstack-clash-protection -Wl,-z,relro -Wl,-z,now -pie; do
	on "$flag" || { echo "# configure did not take $flag"; false; } || missing=1
done
report "${missing:-0}" "configure takes every flag on x86-64"

for p in bsf/gba-bsfd hss-sim/gba-hss-simd reg/gba-regd znproxy/gba-znproxyd ue/gba-ue ue/gba-ued tools/gba-naf tools/gba-keys naf-lib/examples/gba-naf-example; do
	file=$(real "$build/$p")
	(elf "$file" && code "$file" main && units "$file") >"$tmp/out" 2>&1
	sed 's/^/# /' "$tmp/out"
	! [ -s "$tmp/out" ]
	report $? "$p"
done
for lib in naf-lib/.libs/libgba-naf.so.0:gba_naf_new ue/lib/.libs/libgbaue.so.0:gba_ue_new; do
	file=$build/${lib%:*}
	(elf "$file" && code "$file" "${lib#*:}" && units "$file") >"$tmp/out" 2>&1
	sed 's/^/# /' "$tmp/out"
	! [ -s "$tmp/out" ]
	report $? "${lib%:*}"
done

# can it fail?
printf 'int main(void) { return 0; }\n' >"$tmp/x.c"
${CC:-cc} -no-pie -Wl,-z,norelro -Wl,-z,lazy -o "$tmp/x" "$tmp/x.c" 2>"$tmp/out"
(elf "$tmp/x" && code "$tmp/x" main) >"$tmp/out" 2>&1
[ "$(grep -cE 'BIND_NOW|RELRO|PIE|fixed|fortified|protector' "$tmp/out")" -ge 6 ]
report $? "a program without any is seen"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The names of libgbaue are the same everywhere, as those of libgba-naf. TAP.
set -u
src=$(cd "${srcdir:-.}" && pwd)
export LIB=ue/lib/.libs/libgbaue.so PREFIX=gba_ue HEADER=ue/lib/include/gba/ue.h MAN=libgbaue.3 GUIDE=ue-author-guide.md
export SYMBOLS=libgbaue0.symbols
exec sh "$src/tests/unit/naf_names_test.sh"

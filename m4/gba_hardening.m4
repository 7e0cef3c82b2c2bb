dnl SPDX-License-Identifier: AGPL-3.0-or-later
dnl GBA_HARDEN_CFLAG(FLAGS), GBA_HARDEN_LDFLAG(VARIABLE, FLAGS): taken where compiler, architecture and the user's own flags
dnl bear them without a word (clang warns of what it does not know, glibc of _FORTIFY_SOURCE without optimisation).

AC_DEFUN([GBA_HARDEN_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $1])
	dnl last, where make puts them: a package build has another _FORTIFY_SOURCE of its own
	gba_save_cppflags=$CPPFLAGS
	CPPFLAGS="$CPPFLAGS $1 -Werror"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([#include <string.h>], [char b[[300]]; memset(b, 1, sizeof(b)); return b[[7]];])],
		[gba_takes=yes], [gba_takes=no])
	CPPFLAGS=$gba_save_cppflags
	AC_MSG_RESULT([$gba_takes])
	AS_IF([test $gba_takes = yes], [HARDEN_CFLAGS="$HARDEN_CFLAGS $1"])
])

AC_DEFUN([GBA_HARDEN_LDFLAG], [
	AC_MSG_CHECKING([whether $CC links with $2])
	gba_save_cflags=$CFLAGS gba_save_ldflags=$LDFLAGS
	CFLAGS="$CFLAGS -fPIE"
	LDFLAGS="$LDFLAGS $2 -Werror"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [gba_takes=yes], [gba_takes=no])
	CFLAGS=$gba_save_cflags LDFLAGS=$gba_save_ldflags
	AC_MSG_RESULT([$gba_takes])
	AS_IF([test $gba_takes = yes], [$1="$$1 $2"])
])

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# check-interop.sh: every case of gba-interop has the number that it was given, none has another's; the manual page of the cases is what
# they say today; every file of interop is installed. Run in $srcdir (default: here). Without python3-cryptography: status 77.
set -eu
cd "${srcdir:-.}"
py=/usr/bin/python3
[ -x "$py" ] || py=python3
bad=0
"$py" -c 'import cryptography, tomllib' 2>/dev/null || { echo 'python3-cryptography is missing: nothing was checked'; exit 77; }
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

"$py" interop/gba-interop --numbers || bad=1
"$py" interop/gba-interop --manual | diff -u doc/man/gba-interop-cases.7 - ||
	{ echo 'doc/man/gba-interop-cases.7 is old: interop/gba-interop --manual >doc/man/gba-interop-cases.7'; bad=1; }
for f in interop/*.py interop/*/*.py interop/*/*.csv conf/interop/*; do
	grep -qF "$f" interop/interop.inc || { echo "$f is not in interop/interop.inc"; bad=1; }
done
exit "$bad"

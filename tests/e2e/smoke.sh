#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The end-to-end tests that `make check` runs: short ones, against the programs just built.
cd "$(dirname "$0")" || exit 1
if [ -n "$E2E_FOLLOWS" ]; then
	echo "1..0 # all end-to-end tests follow"
	exit 0
fi
if ! "$PYTHON3" -c 'import cryptography' 2>/dev/null; then
	echo "python3-cryptography is missing"
	exit 77
fi
GBA_BUILD=${GBA_BUILD:-$OLDPWD} exec "$PYTHON3" run.py --smoke --jobs 2

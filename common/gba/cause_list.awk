# SPDX-License-Identifier: LGPL-3.0-or-later
# causes.csv (no quoting, four columns; the last may hold commas) to CAUSE(name, "where") lines
BEGIN { FS = "," }
NR > 1 && NF { printf "CAUSE(%s, \"%s\")\n", $1, $2 }

# SPDX-License-Identifier: LGPL-3.0-or-later
# causes.csv (no quoting, four columns; the last may hold commas) to CAUSE(name, "where", "answer", "notes") lines
BEGIN { FS = "," }
NR == 1 || /^$/ { next }
{
	name = $1; where = $2; answer = $3
	notes = $0
	for (i = 1; i <= 3; i++)
		sub(/^[^,]*,/, "", notes)
	gsub(/["\\]/, "", notes)
	printf "CAUSE(%s, \"%s\", \"%s\", \"%s\")\n", name, where, answer, notes
}

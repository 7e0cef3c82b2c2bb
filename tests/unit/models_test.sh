#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Each model of doc/models holds what it says, and finds the fault where one of its rules is broken.
set -eu
command -v spin >/dev/null || { echo "skipped: spin is not there (Debian: spin)"; exit 77; }
models=$(cd "${srcdir:-.}/doc/models" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
bad=0

# errors_of MODEL [-DRULE]: how many errors are found
errors_of() {
	model=$1
	shift
	spin "$@" -run -safety "$models/$model.pml" 2>&1 | sed -n 's/.*errors: \([0-9]*\)$/\1/p'
}

# holds MODEL RULE...: no error as it is, one where a rule is broken
holds() {
	model=$1
	shift
	[ "$(errors_of "$model")" = 0 ] || { echo "$model does not hold"; bad=1; }
	for rule in "$@"; do
		[ "$(errors_of "$model" "-D$rule")" = 1 ] || { echo "$model with $rule: the fault is not found"; bad=1; }
	done
}

holds revoke APART OVERWRITE
holds replace ANYWAY
holds marks NOLEASE AT_REPLY NOREWRITE NOYOUNG NOWAIT NOGRACE
exit $bad

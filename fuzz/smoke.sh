#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# smoke.sh TARGET...: each libFuzzer target for FUZZ_SECONDS, beginning with its corpus. What it finds new is kept in
# fuzz-found/<module>/ of the build folder; what kills it in fuzz-found/<module>-*.
set -u
failed=0
for target in "$@"; do
	module=${target##*/fuzz_}
	found=fuzz-found/$module
	mkdir -p "$found"
	if ! "./$target" -help=1 2>&1 | grep -q max_total_time; then
		echo "$target is no libFuzzer program: configure with --enable-fuzzing CC=clang" >&2
		exit 2
	fi
	if "./$target" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
		-artifact_prefix="$found-" -print_final_stats=1 "$found" "${srcdir:?}/fuzz/corpus/$module" >"$found.log" 2>&1; then
		echo "ok $module: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs"
	else
		failed=1
		echo "FAIL $module, see $found.log"
		grep -E 'ERROR|SUMMARY|Assertion|runtime error' "$found.log" | head -n 5
	fi
done
exit $failed

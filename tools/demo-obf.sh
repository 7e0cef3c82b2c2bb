# SPDX-License-Identifier: AGPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# ./demo --obf, sourced by it: a registry between HSS and BSF. It registers an application, whose server starts with the naf.conf it
# was given and nothing else, and a device; it grants and withdraws, and the device asks for the page all the time.
obf_recheck=4

obf_configure() {
	naf=video.example.com
	mkdir -m 700 "$dir/reg" "$dir/policy"
	sed -i "s|/var/lib/gba-reg|$dir/reg|; s|/var/log/gba-reg|$dir/reg|; s|/etc/gba/|$dir/|; s|/run/gba-reg/|$dir/reg-|
		s|/run/gba-bsf/|$dir/bsf-|; s|/run/gba-hss-sim/|$dir/hss-|; s|^ recheck .*| recheck $obf_recheck\n naf-conf refusal 1|
		s|^ policy-directory .*| policy-directory $dir/policy|" "$dir/gba-reg.cfg"
	echo "policy directory $dir/policy" >>"$dir/gba-bsf.cfg"
}

obf_order() { "$bin/tools/gbactl" -s "$dir/reg-control" "$@" || die "the registry does not do it: $*"; }

# until BSF and HSS have been told all there is
obf_told() {
	local n
	for n in {1..100}; do
		obf_order --json outbox >"$dir/obf-outbox.json"
		grep -qE '"waiting": ?[1-9]' "$dir/obf-outbox.json" || return 0
		sleep 0.1
	done
	die "the registry could not tell them after $n attempts; see $dir"
}

# obf_get N: the page, or what there is in its place; the device says what it did
obf_get() { foreground "${ue[@]}" -v --json get "$url" >"$dir/obf-$1.json" 2>"$dir/obf-$1.trace"; }
obf_status() { sed -n 's/.*"status": \([0-9]*\).*/\1/p' "$dir/obf-$1.json"; }

# obf_until N STATUS: again and again until the page has this status; how long that took stands in obf-N.s
obf_until() {
	local from=$EPOCHREALTIME n
	for n in {1..100}; do
		obf_get "$1"
		[ "$(obf_status "$1")" != "$2" ] || break
		sleep 0.2
	done
	[ "$(obf_status "$1")" = "$2" ] || die "no page with $2 after $n attempts; see $dir"
	echo "$EPOCHREALTIME $from" | awk '{ printf "%.1f\n", $1 - $2 }' >"$dir/obf-$1.s"
}

obf_show() {
	local impi
	impi=$(sed -n '2s/,.*//p' "$dir/subscribers.csv")
	start reg "$bin/reg/gba-regd" -c "$dir/gba-reg.cfg"
	obf_order app add asp-1 "$naf" 127.0.0.1/32 >"$dir/naf.conf"
	obf_order device add "$impi" >"$dir/obf-device"
	obf_told
	start naf "$bin/naf-lib/examples/gba-naf-example" --config "$dir/naf.conf" --listen "127.0.0.1:$ua_port" --json-log
	ue=("$bin/ue/gba-ue" -c "$dir/usim-1.cfg" --connect-to "$bsf_name:80:127.0.0.1:$ub_port")
	ua
	obf_get 1
	obf_order grant "$impi" "$naf" >/dev/null
	obf_until 2 200
	obf_order withdraw "$impi" "$naf" >/dev/null
	obf_until 3 403
	obf_order --json audit show >"$dir/obf-audit.json"
	obf_told
	obf_order audit verify >/dev/null
	OBF_RECHECK=$obf_recheck python3 tools/ladder_obf.py "$dir" || {
		[ $? = 141 ] && exit 141 # nobody reads on
		cat "$dir"/*.log >&2
		die "the grant did not work"
	}
}

#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Are the table, the scenes and the simulation of the peer machine worth anything? Each fault that is planted in a copy of the
# sources must turn at least one of them red (make sim-faults: some minutes). Prints who saw it; status 1 if nobody did.
set -eu
cd "${srcdir:-.}"
src=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cc=${CC:-cc}
machine='common/dia/dia_peer.c common/dia/dia_links.c common/dia/dia_elect.c common/dia/dia_sm.c common/dia/dia_dict.c'
base='common/base/bytes.c common/base/hex.c common/base/secret.c'
libs="$(pkg-config --libs check libcrypto) -lunistring"
failed=0

build() { # OUT SOURCE...
	out=$1
	shift
	# shellcheck disable=SC2086
	$cc -std=gnu11 -D_GNU_SOURCE -O1 -w -I. -o "$tmp/$out" "$@" $machine $base $libs
}

# \returns the words of those that are red
who_is_red() {
	cd "$tmp/tree"
	build sm tests/unit/dia_sm_test.c && build peer tests/unit/dia_peer_test.c &&
		build sim tests/unit/dia_sim_test.c tests/unit/dia_sim.c tests/unit/dia_sim_net.c || return 1
	"$tmp/sm" >"$tmp/log" 2>&1 || printf ' table'
	"$tmp/peer" >"$tmp/log" 2>&1 || printf ' scenes'
	timeout 300 "$tmp/sim" >"$tmp/log" 2>&1 || printf ' simulation'
	cd "$src"
}

plant() { # WHAT FILE SED-EXPRESSION
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/tests"
	cp -r common dict "$tmp/tree"
	cp -r tests/unit "$tmp/tree/tests"
	sed -E -i "$3" "$tmp/tree/$2"
	if [ "$1" != none ] && cmp -s "$2" "$tmp/tree/$2"; then
		echo "BAD $1: could not be planted"
		failed=1
		return
	fi
	red=$(who_is_red)
	if [ "$1$red" = none ]; then
		echo 'ok without a fault all are green'
	elif [ "$1" = none ]; then
		echo "BAD without a fault:$red"
		failed=1
	elif [ -n "$red" ]; then
		echo "ok $1: seen by$red"
	else
		echo "BAD $1: seen by nobody"
		failed=1
	fi
}

sm=common/dia/dia_sm.c elect=common/dia/dia_elect.c links=common/dia/dia_links.c peer=common/dia/dia_peer.c
plant none $sm ''
plant 'the watchdog has no end' $sm 's/CELL\(SUSPECT, TIMER, .*/CELL(SUSPECT, TIMER, SUSPECT, TW),/'
plant 'no limit on CEA' $sm 's/CELL\(WAIT_CEA, TIMER, .*/CELL(WAIT_CEA, TIMER, WAIT_CEA, TCE),/'
plant 'no limit after DPA' $sm 's/CELL\(LEAVING, TIMER, .*/CELL(LEAVING, TIMER, LEAVING, TDP),/'
plant 'a crossing DPR closes' $sm 's/CELL\(CLOSING, DPR, .*/CELL(CLOSING, DPR, GONE, SEND_DPA | CLOSE),/'
plant 'a duplicate beside' $elect 's/open < p->cfg.connections \?/open < p->cfg.connections + 1 ?/'
plant 'both win' $elect 's/bool we_win = .*/bool we_win = true;/'
plant 'both lose' $elect 's/bool we_win = .*/bool we_win = false;/'
plant 'nobody is asked' $elect 's/ask_all\(p, now_ms\)\)/0)/'
plant 'each CER sets the round anew' $peer \
	's/DIA_ON_CER, 0\);/&if (p->round_ms != DIA_NEVER) p->round_ms = now_ms + DIA_ROUND_MS;/'
plant 'the silent ones stay' $elect 's/drop\(p, now_ms, &p->links\[i\]\)/(void)0/'
plant 'any DWA is a sign of life' $peer 's/\(!l->dwr_out \|\| arg != l->dwr_id\)/false/'
plant 'no next try' $links 's/p->next_try_ms = now_ms .*/p->next_try_ms = DIA_NEVER;/'
plant 'no way back after reopening' $peer 's/p->failed = false;/l->reopen = 1;/'
exit $failed

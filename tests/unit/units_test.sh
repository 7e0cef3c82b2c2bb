#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The systemd units: systemd reads them without a word, each is shut as far as ever, and a card in a modem is within reach. TAP.
set -u
src=${srcdir:-.}
if ! command -v systemd-analyze >/dev/null || ! systemd-analyze --version | awk 'NR == 1 { exit $2 < 252 }'; then
	echo "1..0 # SKIP no systemd-analyze 252 (package systemd)"
	exit 0
fi
[ -d "$src/debian" ] || { echo "1..0 # SKIP no units here" && exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0
report() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		failed=1
	fi
}
echo 1..11
for unit in "$src"/debian/*.service; do
	name=${unit##*/}
	name=${name#*.gba-} # PACKAGE.NAME.service
	case $name in gba-*) ;; *) name=gba-$name ;; esac
	# what is not installed here cannot be looked at
	sed -E 's,^(Exec[A-Za-z]+=)/usr/s?bin/gba-[a-z-]+,\1/bin/true,; s,^Documentation=.*,,' "$unit" >"$tmp/$name"
	systemd-analyze verify --man=no "$tmp/$name" >"$tmp/said" 2>&1
	rc=$?
	grep "${name%.service}" "$tmp/said" | sed 's/^/# /'
	[ $rc -eq 0 ] && ! grep -q "$name" "$tmp/said"
	report $? "$name: systemd has nothing to say against it"
	systemd-analyze security --no-pager --offline=true --threshold=20 "$tmp/$name" >"$tmp/said" 2>&1
	rc=$?
	tail -1 "$tmp/said" | sed 's/^/# /'
	report $rc "$name: exposure of at most 2.0"
done
grep -q '^DeviceAllow=char-ttyUSB rw' "$src/debian/gba-ued.service" && ! grep -q '^PrivateDevices' "$src/debian/gba-ued.service"
report $? "gba-ued.service: a modem can be opened"
exit $failed

#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# The units as systemd runs them, as the first process of a system of its own: namespaces, a root that is this one with a layer of its own
# above it, no network but lo. Nothing of it stays. As root; where that cannot be had the reason is said. TAP.
#
#   builddir=BUILD-FOLDER tests/package/systemd.sh
set -u
src=$(cd "${srcdir:-.}" && pwd) build=$(cd "${builddir:-.}" && pwd) self=$(readlink -f "$0")

# Within the namespaces: make the root and become its first process.
if [ "${1-}" = begin ]; then
	top=$2 r=$2/root
	mount -t tmpfs tmpfs "$top" && mkdir "$top/up" "$top/work" "$r" &&
		mount -t overlay overlay -o "lowerdir=/,upperdir=$top/up,workdir=$top/work" "$r" &&
		mount -t proc proc "$r/proc" && mount --rbind /sys "$r/sys" && mount -t tmpfs tmpfs "$r/sys/fs/cgroup" || exit 1
	for d in run tmp dev; do mount -t tmpfs tmpfs "$r/$d" || exit 1; done
	for n in null zero full random urandom tty; do touch "$r/dev/$n" && mount --bind "/dev/$n" "$r/dev/$n"; done
	mkdir "$r/dev/pts" "$r/dev/shm" && ln -s /proc/self/fd "$r/dev/fd" && ln -s pts/ptmx "$r/dev/ptmx"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$r/dev/pts"
	touch "$r/dev/console" && mount --bind "$(tty)" "$r/dev/console"
	ip link set lo up
	install -t "$r/usr/sbin" "$build/bsf/gba-bsfd" "$build/bsf/gba-store" "$build/hss-sim/gba-hss-simd" && install "$build/ue/gba-ue" "$r/usr/bin" || exit 1
	rm -rf "$r"/etc/gba "$r"/var/lib/gba-* && mkdir -p "$r/etc/gba"
	for u in bsf:gba-bsfd hss-sim:gba-hss-simd; do
		name=gba-${u%:*}
		cp "$src/debian/$name.${u#*:}.service" "$r/etc/systemd/system/${u#*:}.service"
		cp "$src/conf/$name.cfg" "$r/etc/gba/"
		chroot "$r" getent passwd "$name" >/dev/null || chroot "$r" useradd --system --user-group "$name" || exit 1
		chroot "$r" sh -s configure <"$src/debian/$name.postinst" || exit 1
	done
	printf '[Unit]\nWants=gba-hss-simd.service gba-bsfd.service\nAfter=sysinit.target\n' >"$r/etc/systemd/system/gba-test.target"
	install -m 600 "$src/conf/subscribers.csv" "$r/root/" && cp "$src"/conf/*.xml "$r/root/"
	install -m 600 "$src/conf/usim-1.cfg" "$r/root/"
	mount --make-rshared "$r" || exit 1 # a credential is mounted by a child of systemd
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$r" /lib/systemd/systemd --system --unit=gba-test.target \
		--log-target=console --show-status=0
fi

skip() { echo "1..0 # SKIP $1"; exit 0; }
! grep -q '^SAN_CFLAGS = .*fsanitize' "$build/Makefile" || skip "the filter of system calls and sanitizers do not go together"
[ "$(id -u)" = 0 ] || skip "needs root"
for tool in script unshare nsenter ip useradd; do command -v $tool >/dev/null || skip "$tool is missing"; done
[ -x /lib/systemd/systemd ] || skip "systemd is missing (package systemd)"
[ -x "$build/bsf/gba-bsfd" ] && [ -x "$build/hss-sim/gba-hss-simd" ] && [ -x "$build/ue/gba-ue" ] || skip "the programs are not built"

out=$(mktemp -d) || exit 1
mkdir "$out/top"
begin="unshare --pid --mount --uts --ipc --cgroup --net --fork --kill-child bash '$self' begin '$out/top'"
srcdir=$src builddir=$build script -qfc "$begin" "$out/console" </dev/null >/dev/null 2>&1 &
script_pid=$!
pid='' # of the first process, as it is seen from here
end() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	kill "$script_pid" 2>/dev/null
	wait "$script_pid" 2>/dev/null
	rm -rf "$out"
}
trap end EXIT
in_it() { nsenter -t "$pid" -m -p -n -u -i -r -w "$@"; }
# try SECONDS COMMAND: until it succeeds
try() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >"$out/last" 2>&1; do
		[ $SECONDS -lt $until ] && kill -0 "$script_pid" 2>/dev/null || return 1
		sleep 0.1
	done
}
first() { # the one whose name systemd has; bash, that made its root, had the same number
	local u
	u=$(pgrep -P "$script_pid" -f 'unshare --pid') && pid=$(pgrep -P "$u" | head -1) && [ "$(cat "/proc/$pid/comm")" = systemd ] ||
		{ pid=''; return 1; }
}
try 20 first || skip "no system of its own: $(tr -d '\r' <"$out/console" | grep -v '^Script' | tail -1)"
try 40 in_it systemctl list-units || skip "systemd does not come up: $(tr -d '\r' <"$out/console" | tail -1)"

n=0 failed=0
ok() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		{ cat "$out/last"; in_it journalctl -q --no-pager -n 15; tail -15 "$out/console"; } 2>&1 | tr -d '\r' | sed 's/^/# /'
		failed=1
	fi
}
main_pid() { in_it systemctl show -P MainPID "$1"; }
both() { for u in gba-bsfd gba-hss-simd; do [ "$(in_it systemctl is-active $u)" = "$1" ] || return 1; done; }

try 60 both active
ok $? "both units start, and say that they are ready"
uid_of() { in_it awk '/^Uid:/ { print $2 }' "/proc/$(main_pid "$1")/status"; }
[ "$(uid_of gba-bsfd),$(uid_of gba-hss-simd)" = "$(in_it id -u gba-bsf),$(in_it id -u gba-hss-sim)" ]
ok $? "as their own users"
in_it grep -E '^(NoNewPrivs|Seccomp|CapEff):' "/proc/$(main_pid gba-bsfd)/status" >"$out/last" 2>&1
[ "$(tr -d ' \t' <"$out/last" | sort | tr '\n' ,)" = "CapEff:0000000000000400,NoNewPrivs:1,Seccomp:2," ]
ok $? "with the filter of system calls, and no right but that to low ports"
in_it systemctl stop gba-hss-simd >"$out/last" 2>&1 && in_it bash -c 'cp /root/subscribers.csv /root/*.xml /var/lib/gba-hss-sim/ && chown gba-hss-sim: /var/lib/gba-hss-sim/* &&
		cd /var/lib/gba-hss-sim && runuser -u gba-hss-sim -- gba-hss-simd -c /etc/gba/gba-hss-sim.cfg --import subscribers.csv' >"$out/last" 2>&1
ok $? "subscribers are imported while it is stopped"
in_it systemctl start gba-hss-simd >"$out/last" 2>&1
ue() { in_it gba-ue -c /root/usim-1.cfg --connect-to bsf.mnc001.mcc001.pub.3gppnetwork.org:80:127.0.0.1:8080 bootstrap; }
try 30 ue
ok $? "a device bootstraps"
before=$(main_pid gba-bsfd)
in_it kill -9 "$before"
again() { both active && [ "$(main_pid gba-bsfd)" != "$before" ] && ue; }
try 40 again
ok $? "killed, it is back by itself, and serves"
in_it systemctl reload gba-bsfd >"$out/last" 2>&1 && try 10 both active
ok $? "reload leaves it running"
in_it systemctl stop gba-bsfd gba-hss-simd >"$out/last" 2>&1 && [ "$(in_it systemctl show -P Result gba-bsfd gba-hss-simd | sort -u | tr -d '\n')" = success ]
ok $? "both end as they are told"
kek_as_credential() {
	in_it bash -c 'chown root: /etc/gba/bsf-1.kek && mv /etc/gba/bsf-1.kek /root && d=/etc/systemd/system/gba-bsfd.service.d && mkdir $d &&
		printf "[Service]\nLoadCredential=bsf-1.kek:/root/bsf-1.kek\n" >$d/kek.conf &&
		sed -i "s,kek 1 file .*,kek 1 credential bsf-1.kek," /etc/gba/gba-bsf.cfg && systemctl daemon-reload && systemctl start gba-hss-simd gba-bsfd'
}
kek_as_credential >"$out/last" 2>&1 && try 40 both active && try 30 ue
ok $? "with its KEK as a credential, which no file has that its user may read, it opens its store and serves"
! in_it runuser -u gba-bsf -- cat /root/bsf-1.kek >"$out/last" 2>&1
ok $? "of the key itself that user can read no file"
store_check() { # as a unit, which is who gets credentials
	in_it bash -c 'printf "[Service]\nType=oneshot\nLoadCredential=bsf-1.kek:/root/bsf-1.kek\nStandardOutput=file:/root/checked\n%s\n" \
		"ExecStart=gba-store check /var/lib/gba-bsf --kek 1=credential:bsf-1.kek" >/etc/systemd/system/check.service &&
		systemctl daemon-reload && systemctl stop gba-bsfd && systemctl start check && grep "^records opened" /root/checked'
}
store_check >"$out/last" 2>&1
ok $? "and gba-store opens the records of the stopped daemon by the same credential"
echo "1..$n"
exit $failed

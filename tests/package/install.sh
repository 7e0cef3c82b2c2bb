#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Packages as an operator meets them: install, import before the first start, start as the unit does, one bootstrap, log
# rotation, purge. Changes the system it runs on: only in a throwaway root or container with Debian 12, as root:
#
#   GBA_THROWAWAY=1 tests/package/install.sh FOLDER-WITH-THE-DEBS
#
# Services are started by hand as their user, as systemd is seldom there. TAP.
set -u
if [ "${GBA_THROWAWAY-}" != 1 ] || [ "$(id -u)" != 0 ] || [ $# -ne 1 ]; then
	sed -n '3,9s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
debs=$(cd "$1" && pwd) || exit 2
out=$(mktemp -d) && chmod 755 "$out" || exit 1
n=0 failed=0
ok() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		sed 's/^/# /' "$out/last"
		failed=1
	fi
}
run() { "$@" >"$out/last" 2>&1; }
as() { local user=$1; shift; runuser -u "$user" -- "$@"; }
# until FILE TEXT: a daemon has said it, within 20 s
until_said() { timeout 20 grep -q -m 1 "$2" <(tail -n +1 -f "$1" 2>/dev/null); }

export DEBIAN_FRONTEND=noninteractive
run apt-get install -y -q --no-install-recommends "$debs"/{gba-{bsf,hss-sim,znproxy,reg,tools,ued,interop,doc},libgbaue0}_*.deb logrotate systemd man-db curl openssl
ok $? "the packages install"
run bash -c '[ "$(stat -c "%U %a" /etc/gba/bsf-1.kek /etc/gba/hss-1.kek /etc/gba/reg-1.kek /var/lib/gba-bsf /var/lib/gba-hss-sim /var/lib/gba-reg /var/lib/gba-reg-policy | tr "\n" ,)" = \
	"gba-bsf 600,gba-hss-sim 600,gba-reg 600,gba-bsf 700,gba-hss-sim 700,gba-reg 700,gba-reg 2750," ] && [ "$(stat -c %a /etc/gba/*.cfg | sort -u)" = 640 ]'
ok $? "keys, state and configuration are their users'"
run bash -c '! systemd-analyze verify /lib/systemd/system/gba-{bsfd,hss-simd,znproxyd,regd,ued}.service 2>&1 | grep gba-'
ok $? "the units are right"
run test -s /usr/share/doc/gba-doc/README.md
ok $? "gba-doc has the README"

run bash -c 'gba-interop --list | grep -q ZN-301 && for r in zn ub; do gba-interop $r --target /usr/share/gba-interop/targets/bsf.toml --check; done | grep -q "UB-001 runs"'
ok $? "gba-interop has its cases and reads the target files that come with it"

examples=/usr/share/doc/gba-tools/examples
hss=(gba-hss-simd -c /etc/gba/gba-hss-sim.cfg)
bsf=(gba-bsfd -c /etc/gba/gba-bsf.cfg)
run bash -c "! ${hss[*]} --import $examples/subscribers.csv && [ -z \"\$(ls /var/lib/gba-hss-sim)\" ]"
ok $? "as root an import is refused and makes nothing"
run as gba-hss-sim "${hss[@]}" --import "$examples/subscribers.csv"
ok $? "as the manual says, before the first start, it works"

# what the unit makes
install -d -m 700 -o gba-hss-sim -g gba-hss-sim /run/gba-hss-sim
install -d -m 700 -o gba-bsf -g gba-bsf /run/gba-bsf
install -d -m 750 -o gba-bsf -g gba-bsf /var/log/gba-bsf
echo 'policy directory /var/lib/gba-reg-policy' >>/etc/gba/gba-bsf.cfg
printf 'log file /var/log/gba-bsf/bsf.log\n logging level set-all info\n!\n' >>/etc/gba/gba-bsf.cfg
run as gba-bsf "${bsf[@]}" --check
ok $? "the packaged configuration passes --check as its user"
setpriv --reuid gba-hss-sim --regid gba-hss-sim --clear-groups "${hss[@]}" 2>"$out/hss.log" &
hss_pid=$!
until_said "$out/hss.log" ready
setpriv --reuid gba-bsf --regid gba-bsf --clear-groups "${bsf[@]}" 2>"$out/bsf.log" &
bsf_pid=$!
until_said "$out/bsf.log" "hss.* connected"
install -m 600 "$examples/usim-1.cfg" "$out/"
run gba-ue -c "$out/usim-1.cfg" --connect-to bsf.mnc001.mcc001.pub.3gppnetwork.org:80:127.0.0.1:8080 bootstrap
ok $? "a device bootstraps"
# the registry, told to both by their sockets, which are open to their groups
install -d -m 750 -o gba-reg -g gba-reg /run/gba-reg /var/log/gba-reg
chmod 750 /run/gba-bsf /run/gba-hss-sim
: >"$out/reg.log"
# HTTPS, as doc/realm.md turns it on
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout /etc/gba/reg.key -out /etc/gba/reg.pem 2>"$out/last" && cp /etc/gba/reg.pem /etc/gba/clients-ca.pem && chown gba-reg: /etc/gba/reg.key
sed -i '/^!api/,/^!$/ { s/^!api/api/; s/^! / /; s/192.0.2.10/127.0.0.1/ }' /etc/gba/gba-reg.cfg
setpriv --reuid gba-reg --regid gba-reg --init-groups gba-regd -c /etc/gba/gba-reg.cfg 2>"$out/reg.log" &
reg_pid=$!
until_said "$out/reg.log" ready
impi=001010000000001@ims.mnc001.mcc001.3gppnetwork.org
run bash -c "gbactl app add asp-1 video.example.com 127.0.0.1/32 && gbactl device add $impi && gbactl grant $impi video.example.com"
ok $? "the registry takes an application, a device and a grant"
for _ in $(seq 100); do
	[ "$(gbactl --json outbox | grep -o '"waiting":0,"oldest_s":0,"refused":0' | wc -l)" -ne 2 ] || break
	sleep 0.2
done
run bash -c 'gbactl outbox; gbactl --json policy show | grep "\"good\":1" && [ "$(gbactl --json outbox | grep -o "waiting\":0,\"oldest_s\":0,\"refused\":0" | wc -l)" = 2 ]'
ok $? "and BSF and HSS have been told"
token=$(gbactl --json token add operator | sed 's/.*"token": *"\([^"]*\)".*/\1/')
run bash -c "curl -sS --cacert /etc/gba/reg.pem -H 'Authorization: Bearer $token' https://localhost:8443/outbox | grep '\"waiting\":0'"
ok $? "and who has a token asks it over HTTPS"
btid=$(gba-ue -c "$out/usim-1.cfg" --json status | sed -n 's/.*"btid": "\([^"]*\)".*/\1/p')
run gba-naf bir "$btid" --identity video.example.com --naf video.example.com --ua 0100000002 --bsf 127.0.0.1:3868
ok $? "so the application gets the key of the session that lives"
kill $reg_pid
run wait $reg_pid
ok $? "gba-regd ends with 0"
rm -f /etc/gba/reg.pem /etc/gba/reg.key /etc/gba/clients-ca.pem
install -m 600 -o gba-ue -g gba-ue "$examples/usim-1.cfg" /etc/gba/
sed -i 's,^ state-file .*, state-file /var/lib/gba-ued/usim-1.state,' /etc/gba/usim-1.cfg
sed -i 's,^agent$,&\n connect-to bsf.mnc001.mcc001.pub.3gppnetwork.org:80:127.0.0.1:8080,' /etc/gba/gba-ue.cfg
install -d -m 755 -o gba-ue -g gba-ue /run/gba-ued
setpriv --reuid gba-ue --regid gba-ue --clear-groups gba-ued -c /etc/gba/gba-ue.cfg 2>"$out/ued.log" &
ued_pid=$!
until_said "$out/ued.log" ready
run gba-ue --agent /run/gba-ued/ask key naf1.example.com
ok $? "the agent gives a key, as its user and with the packaged configuration"
kill $ued_pid
run wait $ued_pid
ok $? "and ends with 0"
rm -f /etc/gba/usim-1.cfg
run logrotate -f /etc/logrotate.d/gba-bsf
kill -HUP $bsf_pid # what the script of the rotation does where systemd runs
for _ in $(seq 100); do [ -e /var/log/gba-bsf/bsf.log ] || sleep 0.1; done
run bash -c '[ -e /var/log/gba-bsf/bsf.log ] && grep -q ub_ok /var/log/gba-bsf/bsf.log.1'
ok $? "log rotation: the old file has the lines, the daemon goes on in a new one"
kill $bsf_pid $hss_pid
run wait $bsf_pid $hss_pid
ok $? "both end with 0"

run apt-get purge -y -q gba-reg gba-bsf gba-hss-sim gba-znproxy gba-ued
ok $? "purge"
run bash -c '! ls -d /etc/gba /var/lib/gba-* /var/log/gba-* /etc/logrotate.d/gba-* 2>/dev/null'
ok $? "leaves nothing but the users, and says so"
rm -rf "$out"
echo "1..$n"
exit $failed

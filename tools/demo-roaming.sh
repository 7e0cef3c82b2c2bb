# SPDX-License-Identifier: AGPL-3.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034
# ./demo --roaming, sourced by it: the device is at home with op-a, the application is abroad with op-b.example. It asks the Zn-Proxy of its
# network, which asks the BSF at home over TLS, with a certificate that op-a has issued for the names of op-b's applications.
roaming_proxy=znproxy.op-b.example

# roaming_sign NAME DNSNAME...: a certificate of op-a
roaming_sign() {
	local name=$1 names
	shift
	names=$(printf ',DNS:%s' "$@")
	(umask 077 && openssl ecparam -genkey -name prime256v1 -noout -out "$dir/$name.key") &&
		openssl req -new -key "$dir/$name.key" -subj / -out "$dir/$name.csr" 2>/dev/null &&
		openssl x509 -req -in "$dir/$name.csr" -CA "$dir/op-a-ca.pem" -CAkey "$dir/op-a-ca.key" -CAcreateserial -days 2 \
			-extfile <(echo "subjectAltName=${names#,}") -out "$dir/$name.pem" 2>/dev/null || die "openssl makes no certificate"
}

roaming_configure() {
	command -v openssl >/dev/null || die "openssl is missing: apt-get install openssl"
	naf=naf1.apps.op-b.example
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=op-a -days 2 -keyout "$dir/op-a-ca.key" \
		-out "$dir/op-a-ca.pem" 2>/dev/null) || die "openssl makes no CA"
	roaming_sign bsf bsf.mnc001.mcc001.3gppnetwork.org
	roaming_sign znproxy-op-a "$roaming_proxy" '*.apps.op-b.example'
	sed -i "s|^ listen 127.0.0.1 3868|&\n listen tls 127.0.0.1 $znp_port\n tls certificate bsf.pem\n tls key bsf.key\n tls ca op-a-ca.pem|" \
		"$dir/gba-bsf.cfg"
	cat >>"$dir/gba-bsf.cfg" <<-END
		naf $roaming_proxy
		 address 127.0.0.1/32
		 proxy
		 visited-network op-b.example
		 speaks-for *.apps.op-b.example
	END
	sed -i "s|/etc/gba/znproxy-op-a-ca.pem|op-a-ca.pem|; s|/etc/gba/||; s|/run/gba-znproxy/|$dir/znproxy-|" "$dir/gba-znproxy.cfg"
	printf '%s\n' "name $naf" "bsf-name $bsf_name" "identity $naf" "realm apps.op-b.example" "bsf 127.0.0.1:$znv_port" "peer $roaming_proxy" \
		"bsf-realm mnc001.mcc001.3gppnetwork.org" "realm-from-btid yes" >"$dir/naf.conf"
}

roaming_begin() {
	start znproxy "$bin/znproxy/gba-znproxyd" -c "$dir/gba-znproxy.cfg"
	timeout 10 grep -q -m 1 'bsf.* connected' <(tail -n +1 -f "$dir/znproxy.log") || die "the Zn-Proxy finds no way home; see $dir"
	naf_options=(--config "$dir/naf.conf" --listen "127.0.0.1:$ua_port" --json-log)
}

# roaming_show: what both operators' logs say of the key
roaming_show() {
	echo
	echo "How the key came abroad: visited network, Zn-Proxy; then home, BSF"
	grep -h ' znproxy_ok ' "$dir/znproxy.log" | sed 's/^[^ ]* /    /'
	grep -h ' zn_ok ' "$dir/bsf.log" | sed 's/^[^ ]* /    /'
}

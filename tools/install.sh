# SPDX-License-Identifier: AGPL-3.0-or-later
# shellcheck shell=bash
# Sourced by ./demo and ./test: which Debian 12 packages they need, and getting what is missing.

# shellcheck disable=SC2034
GBA_PACKAGES_BUILD="gcc make autoconf automake libtool pkg-config libc6-dev libfreediameter-dev libmicrohttpd-dev libgnutls28-dev
	libosmocore-dev libtalloc-dev libssl-dev libxml2-dev libunistring-dev libjansson-dev liblmdb-dev libhiredis-dev libp11-kit-dev zlib1g-dev libsqlite3-dev libpsl-dev publicsuffix
	libcurl4-openssl-dev libpcsclite-dev libsystemd-dev check python3 curl"
# shellcheck disable=SC2034
GBA_PACKAGES_TEST="clang clang-format libclang-rt-14-dev llvm python3-cryptography tshark faketime strace libosmocore-utils erlang-base
	erlang-dev erlang-diameter freediameterd freediameter-extensions openssl git procps wget nginx-light haproxy ruby ruby-net-http-digest-auth python3-requests
	libwww-perl iproute2 pcscd vsmartcard-vpcd opensc python3-pyscard osmo-hlr spin redis-server nftables softhsm2 knot
	python3-hypothesis python3-jsonschema node-ajv"

# install_missing PACKAGE...: as root, or with sudo where it asks for no password; else says what to type and fails.
# Elsewhere than on Debian it leaves what is missing to configure. A Ctrl-C waits until dpkg is through: half a package
# would be in everybody's way.
install_missing() {
	local p missing=() out
	command -v dpkg-query >/dev/null || return 0
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	local apt=(apt-get install -y --no-install-recommends "${missing[@]}") as=()
	if [ "$(id -u)" != 0 ]; then
		as=(sudo)
		if ! sudo -n true 2>/dev/null; then
			echo "Missing: ${missing[*]}. As root, type:" >&2
			echo "  apt-get update && ${apt[*]}" >&2
			return 1
		fi
	fi
	echo "installing: ${missing[*]}"
	# tshark asks a question while it is installed; the answer does not matter here. Runlevel 1: no server is started by it
	if ! out=$(setsid -w "${as[@]}" apt-get update -q 2>&1 &&
		setsid -w "${as[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "${apt[@]}" 2>&1); then
		tail -n 20 <<<"$out" >&2
		echo "installing failed; by hand, as root: apt-get update && ${apt[*]}" >&2
		return 1
	fi
}

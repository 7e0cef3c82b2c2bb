# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between device and application: asked for a token, given one, told that it is over."""
# covers: OBF-7.2-2 OBF-7.6-4 OBF-9.6.4-1 OBFA-10.1-1 OBFA-10.2-1
#   + t_naf: a page: bootstrapping required
#   - t_ua: repetition, wrong keys: a nonce count
#
# covers: OBF-7.6-2
#   + t_ua: SHA-256 offered before MD5
#   - t_naf: causes of Ua: syntax, uri, downgrade
#
# covers: OBF-7.6-5 OBF-9.5-1 OBF-9.6.4-3 OBF-8.1-2 OBF-10.5-2 OBFA-9.2.1-2
#   + t_ue: gba-ue get: bootstraps when asked
#   - t_ue: gba-ue on Ua: a wrong rspauth
#
# covers: OBF-10.5-1
#   + t_ua: first contact: challenge, Zn while the request waits
#   - t_ua: what is refused before anybody is asked
#
# covers: OBF-9.4.1-9 OBF-9.6.4-2 OBF-9.6.4-4
#   + t_ua: unknown, revoked and expired B-TIDs: renegotiation
#   - t_ued: gba-ued and a server that forges refusals
#
# covers: OBF-8.3-1
#   + t_naf_http: the example server behind nginx and haproxy
#   - t_naf_http: two Host or Authorization headers
#
# covers: OBFA-11.1-1
#   + t_account: an application's own form under the key of the SIM
#   - t_account: a form another site or another subscriber has made
#
# covers: OBF-7.4-3
#   + t_ua_tls: the page behind a proxy that speaks TLS
#   - t_ua_tls: a server with another's certificate is told nothing

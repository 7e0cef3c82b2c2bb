# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between BSF, HSS and application: what is delivered, and to whom alone."""
# covers: OBF-9.6.2-1 OBFA-7.2-3
#   + t_tls: Zh and Zn over TLS on two shards
#   - t_tls_names: certificates of an HSS: each wrong one
#
# covers: OBF-9.4.1-7 OBF-9.6.1-1 OBFA-7.2-2 OBFA-9.2.3-1 OBFA-I.2-3
#   + t_tls: Zh and Zn over TLS on two shards
#   - t_tls: security plain, tls and none written
#   - t_tls_names: certificates of a NAF: other name
#
# covers: OBF-9.6.2-2 OBFA-9.2.4-1
#   + t_flow: the HSS simulator by itself
#   - t_causes_zh: zh_guss_bad
#
# covers: OBF-8.4-3
#   + t_guss: a USS of a private GSID goes on whole
#   - t_guss: guss-bad-uss: one uss that cannot be used
#
# covers: OBF-9.4.3-1 OBF-9.6.1-4 OBF-10.4-4d
#   + t_naf: a page: bootstrapping required
#   - t_naf: causes from Zn: not authorised
#
# covers: OBF-9.6.1-2
#   + t_naf: a pseudonym: the library asks for a USS
#   - t_zn_table: Zn, each row of the table
#
# covers: OBF-9.6.1-3
#   + t_naf: GSIDs: those of an application's configuration
#   - t_causes_zn: zn_missing_avp, zn_bad_avp
#
# covers: OBF-8.4-1
#   + t_policy_words: policy words: Ua protocols, variants, key kinds
#   - t_reg_profile: registry: a profile with keys of the card only
#   - t_policy_words: policy words: what a word of a naf node may not be

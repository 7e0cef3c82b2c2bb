# SPDX-License-Identifier: AGPL-3.0-or-later
"""Identities, and the keys that are made from them."""
# covers: OBF-7.1-2 OBF-9.1.1-6 OBFA-9.1.3-1
#   + t_flow: both BSF names: realm of the 401
#   - t_causes_ub: ub_user_unknown (5401 and Cx 5001)
#
# covers: OBF-7.1-8 OBF-7.2-3 OBF-8.4-2 OBFA-7.3-1
#   + t_flow: two NAF names, two keys
#   - t_causes_zn: zn_name_denied, zn_naf_unknown
#
# covers: OBF-7.1-9 OBF-7.2-1 OBFA-9.3-2
#   + unit/btid_test
#   + unit/naf_id_test
#   + t_flow: both BSF names: realm of the 401
#   - t_causes_zn: zn_btid_unknown: never made
#
# covers: OBF-7.2-5 OBF-10.4-4a OBF-10.4-4b
#   + t_gba_u: device, BSF and application, with GBA_U and with GBA_ME
#   - t_leaks: all levels at debug, failures of every kind
#
# covers: OBF-9.2.1-2 OBF-9.4.1-1 OBFA-9.1.2-4 OBFA-9.1-3
#   + t_algorithms: Milenage, TUAK of every length and XOR: the soft card
#   - t_algorithms: XOR without allow-test-algorithms

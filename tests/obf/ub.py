# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bootstrap: who asks, the challenge, what is validated by whom."""
# covers: OBF-8.2-1 OBF-9.6.3-1 OBF-9.1.1-2 OBF-9.1.1-3 OBF-9.1.1-4 OBF-9.4.1-3 OBF-10.4-1a OBF-10.4-1b OBF-10.4-1c OBF-10.4-4c OBFA-7.2-1 OBFA-11.2-1
#   + t_flow: one bootstrap against the real HSS
#   - t_causes_ub: ub_user_unknown (5401 and Cx 5001)
#
# covers: OBF-10.4-1d OBF-10.4-2c
#   + t_flow: one bootstrap against the real HSS
#   - t_causes_ub: ub_response: RES in hex
#
# covers: OBF-10.4-2a OBF-10.4-2b OBFA-9.2.2-2
#   + t_flow: resynchronisation: one MAR
#   - t_ue: gba-ue against a network whose AUTN is wrong
#   - t_causes_ub: ub_auts_syntax, ub_auts_response
#
# covers: OBF-9.1.1-1
#   + unit/bsf_info_test
#   - t_ue: gba-ue refuses a key that is over, a B-TID of another BSF
#
# covers: OBFA-9.3-1
#   + store/contract: put_and_get
#   - store/contract: rand_of_a_live_session

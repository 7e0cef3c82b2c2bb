# SPDX-License-Identifier: AGPL-3.0-or-later
"""The secure element: what stays in it, and how it is reached."""
# covers: OBF-7.4-2 OBF-9.3-2 OBFA-9.1.1-1
#   + t_ways: every algorithm over every way to a card
#   - t_card_faults: a PIN that is wrong is told
#
# covers: OBF-7.4-4 OBF-9.4.2-1
#   + t_card: GBA_U with the soft card: page with Ks_ext_NAF
#   - t_vuicc: gba-vuicc: three contexts, NAF derivation
#
# covers: OBF-9.3-3
#   + t_ue: gba-ue bootstraps: form of both requests
#   - t_card_faults: a card pulled in the middle of a run
#
# covers: OBF-9.3-4
#   + t_gba_u: an application that knows GBA_U gets the page opened
#   - t_gba_u: a key selection in a USS binds the application

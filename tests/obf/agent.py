# SPDX-License-Identifier: AGPL-3.0-or-later
"""The device's programs: who is given keys, and of which realm."""
# covers: OBF-7.4-1
#   + t_ue: gba-ue bootstraps: form of both requests
#   - t_ue: gba-ue refuses a challenge without AKA
#
# covers: OBF-8.1-1 OBFA-9.2.1-1
#   + t_ued: gba-ued: a shell, a Python script and a C program
#   - t_ued_doors: gba-ued: the access list: another user gets nothing
#
# covers: OBF-7.1-7 OBF-7.4-5 OBF-9.3-6
#   + t_ued: gba-ued: several realms are kept and one is active
#   - t_ued: gba-ued: what waits for a key of a realm that hangs

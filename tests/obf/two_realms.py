# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two operators, and the B-TID that leads to the right one."""
# covers: OBF-7.1-1 OBFA-9.3-3
#   + t_roaming: Zn-Proxy: a NAF of the visited network has the key
#   - t_roaming: a rogue NAF gets nothing

# SPDX-License-Identifier: AGPL-3.0-or-later
"""Others in our place, at each reference point."""
# covers: OBF-8.5-1 OBFA-9.1-2
#   + t_foreign: tshark decodes every frame of Zh and Zn
#   + t_foreign: erlang-diameter as HSS
#   + t_foreign: curl, wget, Ruby, Python and Perl log in
#   - t_interop: gba-interop: a handful of the faults

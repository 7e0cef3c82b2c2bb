# SPDX-License-Identifier: AGPL-3.0-or-later
"""A token made at one BSF and served by another."""
# covers: OBF-10.4-4c
#   + t_redis: two BSFs, one Redis: 401 of one, 200 of the other
#   - t_redis: two BSFs, one Redis: what is revoked at one

# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the operator publishes, and a device that makes its configuration of it."""
# covers: OBF-7.5-1 OBF-10.1-3 OBF-10.1-4 OBFA-9.1-1
#   + t_discover: gba-ue discover: what gba-regd tells of its realm
#   - t_discover: a discovered document is taken or refused
#   - t_discover: hostile discovery: no JSON, twice the same member
#
# covers: OBFA-8.1-6
#   + t_apps: gba-ue apps: a device sees the applications that are granted
#   - t_apps: who has no key of the registry's own application

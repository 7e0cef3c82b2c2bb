# SPDX-License-Identifier: AGPL-3.0-or-later
"""Device, NAF, HSS and Diameter peer in Python; the tests of this tree and gba-interop stand on the same ones."""

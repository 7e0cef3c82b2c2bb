# SPDX-License-Identifier: AGPL-3.0-or-later
"""An independent GBA in Python: UE, HSS and NAF written from the specifications, able to do everything wrong on purpose."""
import os

# what gba-interop needs of it, too, has its place there
__path__.append(os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "interop", "wire")))

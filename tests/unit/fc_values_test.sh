#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# 220-B.2.2-1: every FC is a name in common/crypto/kdf.h; its value is of the range of 33.220 (00 to 0F) or of that for
# derivations of one's own (F0 to FE). 220-B.2.0-4: the only derivation outside of kdf.c is none.
set -eu
cd "${srcdir:-.}"
bad=0

values=$(sed -n 's/^#define[ \t]*KDF_FC_[A-Z0-9_]*[ \t]*0x\([0-9A-Fa-f]*\).*/\1/p' common/crypto/kdf.h)
[ -n "$values" ] || { echo "no FC in common/crypto/kdf.h"; bad=1; }
for v in $values; do
	case $v in
	0[0-9a-fA-F] | [fF][0-9a-eA-E]) ;;
	*) echo "FC $v is neither of 33.220 nor private"; bad=1 ;;
	esac
done
calls=$(grep -rn --include='*.c' '[^a-z_]kdf_derive(' common bsf naf-lib hss-sim ue znproxy tools |
	grep -v 'int kdf_derive(' || true)
[ -n "$calls" ] || { echo "nobody calls kdf_derive()"; bad=1; }
unnamed=$(echo "$calls" | grep -v 'KDF_FC_' || true)
[ -z "$unnamed" ] || { echo "FC without a name: $unnamed"; bad=1; }
elsewhere=$(echo "$calls" | grep -v '^common/crypto/kdf\.c:' || true)
[ -z "$elsewhere" ] || { echo "P0 is not one of the strings of annex B: $elsewhere"; bad=1; }
exit $bad

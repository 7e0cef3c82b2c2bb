#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Do the checks of tools/check-*.sh see what they are for? Each runs on a small tree: clean, then with one fault each.
set -eu
tools=$(cd "${srcdir:-.}" && pwd)/tools
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

fresh() {
	rm -rf "${tree:?}"/*
	for d in common/base common/crypto common/gba common/http common/dia common/rt dict bsf naf-lib hss-sim ue tools \
		bench fuzz tests LICENSES; do
		mkdir -p "$tree/$d"
	done
	for l in AGPL LGPL GPL; do echo text >"$tree/LICENSES/$l-3.0-or-later.txt"; done
	for d in common/base common/crypto common/gba common/http common/dia dict naf-lib; do
		printf '/* SPDX-License-Identifier: LGPL-3.0-or-later */\n#include <stddef.h>\n' >"$tree/$d/x.h"
	done
	for d in common/rt bsf hss-sim ue; do
		printf '/* SPDX-License-Identifier: AGPL-3.0-or-later */\n#include <osmocom/core/msgb.h>\n' >"$tree/$d/x.h"
	done
	printf '# SPDX-License-Identifier: AGPL-3.0-or-later\n' >"$tree/Makefile.am"
}

# expect good|bad CHECK WHAT
expect() {
	if srcdir=$tree "$tools/check-$2.sh" >"$tree/out" 2>&1; then got=good; else got=bad; fi
	if [ "$got" = "$1" ] && { [ "$got" = good ] || [ -s "$tree/out" ]; }; then
		return
	fi
	echo "check-$2.sh says $got: $3"
	cat "$tree/out"
	failed=1
}

# wrong FILE LINE: one include that layers must refuse
wrong() {
	fresh
	echo "$2" >>"$tree/$1"
	expect bad layers "$1: $2"
}

fresh
expect good layers 'clean tree'
expect good size 'clean tree'
expect good spdx 'clean tree'
rm -rf "$tree/common" "$tree/dict" "$tree/bsf" "$tree/naf-lib" "$tree/hss-sim" "$tree/ue"
mkdir "$tree/common"
expect bad layers 'empty tree'
expect bad size 'empty tree'
expect bad spdx 'empty tree'

wrong common/base/x.h '#include "common/crypto/x.h"'
wrong common/gba/x.h '#include "common/http/x.h"'
wrong common/http/x.h '#include "dict/x.h"'
wrong common/dia/x.h '#include "common/rt/x.h"'
wrong common/dia/x.h '#include <osmocom/core/talloc.h>'
wrong naf-lib/x.h '# include "common/rt/x.h"'
wrong naf-lib/x.h '#include <talloc.h>'
wrong dict/x.h '#include "common/base/x.h"'
wrong ue/x.h '#include "common/dia/x.h"'
wrong bsf/x.h '#include "hss-sim/x.h"'
wrong hss-sim/x.h '#include "gba/naf.h"'
wrong bsf/x.h '#include "x.h"'
fresh
echo '#include "common/base/x.h"' >>"$tree/common/rt/x.h"
echo '#include "common/rt/x.h"' >>"$tree/bsf/x.h"
echo '#include "dict/x.h"' >>"$tree/naf-lib/x.h"
expect good layers 'includes to the left'

# lines N: a file of N lines; function N: a function whose body with its braces has N lines
lines() { printf '/* SPDX-License-Identifier: AGPL-3.0-or-later */\n'; yes '' | head -n $(($1 - 1)); }
function_of() { printf 'int f(void)\n{\n'; yes '	;' | head -n $(($1 - 2)); printf '}\n'; }
fresh
lines 800 >"$tree/bsf/y.c"
function_of 120 >"$tree/bsf/z.c"
expect good size 'at the limits'
lines 801 >"$tree/tests/y.c"
expect bad size '801 lines'
fresh
function_of 121 >"$tree/ue/z.c"
expect bad size 'a function of 121 lines'

fresh
echo 'int x;' >"$tree/bsf/y.c"
expect bad spdx 'no licence named'
fresh
lines 3 >"$tree/common/gba/y.c"
expect bad spdx 'AGPL in common/gba'
fresh
printf '/* SPDX-License-Identifier: LGPL-3.0-or-later */\n' >"$tree/common/rt/y.c"
expect bad spdx 'LGPL in common/rt'
fresh
printf '/* SPDX-License-Identifier: MIT */\n' >"$tree/tests/y.c"
expect bad spdx 'foreign licence'
fresh
printf '/* SPDX-License-Identifier: LGPL-3.0-or-later */\n#include "bsf/x.h"\n' >"$tree/tests/y.c"
expect bad spdx 'LGPL includes AGPL'
fresh
rm "$tree/LICENSES/GPL-3.0-or-later.txt"
expect bad spdx 'a licence text is missing'

exit $failed

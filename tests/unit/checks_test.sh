#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Do the checks of tools/check-*.sh see what they are for? Each runs on a small tree: clean, then with one fault each.
set -eu
tools=$(cd "${srcdir:-.}" && pwd)/tools
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

fresh() {
	rm -rf "${tree:?}"/* "$tree/.clang-format"
	for d in common/base common/crypto common/gba common/http common/dia common/rt dict bsf/ub bsf/zn bsf/vectors bsf/store bsf/policy bsf/run naf-lib hss-sim reg znproxy ue ue/card ue/lib ue/tool ue/agent tools \
		interop bench fuzz tests LICENSES; do
		mkdir -p "$tree/$d"
	done
	for l in AGPL LGPL GPL; do echo text >"$tree/LICENSES/$l-3.0-or-later.txt"; done
	for d in common/base common/crypto common/gba common/http common/dia dict naf-lib; do
		printf '/* SPDX-License-Identifier: LGPL-3.0-or-later */\n#include <stddef.h>\n' >"$tree/$d/x.h"
	done
	for d in common/rt bsf/ub bsf/zn bsf/vectors bsf/store bsf/policy bsf/run hss-sim reg znproxy ue/agent; do
		printf '/* SPDX-License-Identifier: AGPL-3.0-or-later */\n#include <osmocom/core/msgb.h>\n' >"$tree/$d/x.h"
	done
	for f in bsf/ub/decide bsf/zn/decide bsf/zn/answer bsf/vectors/zh_client bsf/run/txn hss-sim/zh_decide znproxy/relay_decide; do
		printf '/* SPDX-License-Identifier: AGPL-3.0-or-later */\n#include "common/gba/x.h"\n' >"$tree/$f.h"
	done
	printf '# SPDX-License-Identifier: AGPL-3.0-or-later\n' >"$tree/Makefile.am"
	cp "$tools/../.clang-format" "$tree"
}

# expect good|bad CHECK WHAT
expect() {
	[ "$2" != format ] || command -v clang-format >/dev/null || return 0
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
expect good format 'clean tree'
expect good size 'clean tree'
expect good spdx 'clean tree'
rm -rf "$tree/common" "$tree/dict" "$tree/bsf" "$tree/naf-lib" "$tree/hss-sim" "$tree/reg" "$tree/znproxy" "$tree/ue"
mkdir "$tree/common"
expect bad layers 'empty tree'
expect bad size 'empty tree'
expect bad format 'empty tree'
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
wrong ue/x.h '#include "ue/lib/x.h"'
wrong ue/card/x.h '#include "ue/lib/x.h"'
wrong ue/lib/x.h '#include "ue/tool/x.h"'
wrong ue/lib/x.h '#include <talloc.h>'
wrong ue/tool/x.h '#include "ue/agent/x.h"'
wrong ue/agent/x.h '#include "bsf/run/x.h"'
wrong bsf/run/x.h '#include "hss-sim/x.h"'
wrong bsf/ub/x.h '#include "bsf/zn/x.h"'
wrong bsf/zn/x.h '#include "bsf/ub/x.h"'
wrong bsf/store/x.h '#include "bsf/run/x.h"'
wrong bsf/ub/x.h '#include "bsf/run/x.h"'
wrong bsf/run/x.h '#include "bsf/x.h"'
wrong bsf/x.h '#include "common/base/x.h"'
wrong hss-sim/x.h '#include "gba/naf.h"'
wrong znproxy/x.h '#include "bsf/policy/x.h"'
wrong bsf/run/x.h '#include "x.h"'
# messages leave Diameter: what decides reaches none of its headers, also not through others
for f in bsf/ub/decide bsf/zn/decide bsf/zn/answer bsf/vectors/zh_client bsf/run/txn hss-sim/zh_decide znproxy/relay_decide; do
	wrong $f.h '#include "common/dia/x.h"'
done
fresh
echo '#include "common/dia/x.h"' >>"$tree/bsf/store/x.h"
echo '#include "bsf/store/x.h"' >>"$tree/bsf/zn/decide.h"
expect bad layers 'a decision reaches Diameter through the store'
fresh
echo '#include <freeDiameter/libfdproto.h>' >>"$tree/common/gba/x.h"
expect bad layers 'messages of common/gba know Diameter'
fresh
echo '#include <freeDiameter/libfdproto.h>' >>"$tree/dict/x.h"
echo '#include "dict/x.h"' >>"$tree/common/dia/x.h"
expect bad layers 'our own node reaches freeDiameter through the dictionary'
fresh
rm "$tree/bsf/zn/answer.h"
expect bad layers 'a header that is checked is gone'
fresh
echo '#include "common/base/x.h"' >>"$tree/common/rt/x.h"
echo '#include "common/rt/x.h"' >>"$tree/bsf/run/x.h"
echo '#include "bsf/zn/x.h"' >>"$tree/bsf/run/x.h"
echo '#include "bsf/run/cfg.h"' >>"$tree/bsf/ub/x.h"
echo '#include "dict/x.h"' >>"$tree/naf-lib/x.h"
expect good layers 'includes to the left'

# lines N: a file of N lines; function N: a function whose body with its braces has N lines
lines() { printf '/* SPDX-License-Identifier: AGPL-3.0-or-later */\n'; yes '' | head -n $(($1 - 1)); }
function_of() { printf 'int f(void)\n{\n'; yes '	;' | head -n $(($1 - 2)); printf '}\n'; }
# statics N: a static function of one name in N files
statics() {
	fresh
	for i in $(seq "$1"); do printf 'static int same(void)\n{\n\treturn 1;\n}\n' >"$tree/ue/s$i.c"; done
}
statics 2
expect good format 'a static name in two files'
statics 3
expect bad format 'a static name in three files'
fresh
printf '#include <errno.h>\n#include "ue/agent/x.h"\n' >"$tree/ue/agent/x.c"
expect bad format 'own header second'
fresh
printf 'int  x;\n' >"$tree/ue/y.c"
expect bad format 'two blanks'

fresh
lines 800 >"$tree/bsf/run/y.c"
function_of 120 >"$tree/bsf/run/z.c"
expect good size 'at the limits'
lines 801 >"$tree/tests/y.c"
expect bad size '801 lines'
fresh
function_of 121 >"$tree/ue/z.c"
expect bad size 'a function of 121 lines'

fresh
echo 'int x;' >"$tree/bsf/run/y.c"
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
printf '/* SPDX-License-Identifier: LGPL-3.0-or-later */\n#include "bsf/run/x.h"\n' >"$tree/tests/y.c"
expect bad spdx 'LGPL includes AGPL'
fresh
rm "$tree/LICENSES/GPL-3.0-or-later.txt"
expect bad spdx 'a licence text is missing'

# conform CSV-ROW...: a tree with two requirements of steps that are built and one of another
conform() {
	fresh
	mkdir -p "$tree/doc" "$tree/tests/unit" "$tree/tests/e2e"
	printf '%s\n' id,clause,actor,level,requirement,observable,step 1-1-1,1,A,shall,x,y,slice \
		1-1-10,1,A,shall,x,y,zn 1-2-1,1,A,shall,x,y,sbi >"$tree/doc/ts33220-requirements.csv"
	echo 'id,status,test,note' >"$tree/doc/conformance.csv"
	for row in "$@"; do echo "$row" >>"$tree/doc/conformance.csv"; done
	echo "see \`tests/unit/a_test.c\`" >"$tree/doc/conformance.md"
	echo '/* 1-1-1 */' >"$tree/tests/unit/a_test.c"
	echo '# 1-1-10' >"$tree/tests/e2e/t_a.py"
	echo '/* 1-1-1 */' >"$tree/tests/unit/idle_test.c"
	echo 'TESTS += tests/unit/a_test' >"$tree/x.inc"
}

expect_conformance() {
	if (cd "$tree" && srcdir='' "$tools/check-conformance.py") >"$tree/out" 2>&1; then got=good; else got=bad; fi
	[ "$got" = "$1" ] && return
	echo "check-conformance.py says $got: $2"
	cat "$tree/out"
	failed=1
}

ok1='1-1-1,done,unit/a_test.c,'
ok2='1-1-10,done,e2e/t_a.py,'
conform "$ok1" "$ok2"
expect_conformance good 'two done'
conform "$ok1" '1-1-10,not,,later'
expect_conformance good 'one not'
conform "$ok1"
expect_conformance bad 'a row is missing'
conform "$ok1" "$ok1" "$ok2"
expect_conformance bad 'a row is there twice'
conform "$ok1" "$ok2" '1-2-1,done,e2e/t_a.py,'
expect_conformance bad 'a requirement of another step'
conform "$ok1" '1-1-10,nearly,e2e/t_a.py,'
expect_conformance bad 'another status'
conform "$ok1" '1-1-10,done,,'
expect_conformance bad 'done without a test'
conform "$ok1" '1-1-10,partly,e2e/t_a.py,'
expect_conformance bad 'partly without a note'
conform "$ok1" '1-1-10,done,e2e/t_b.py,'
expect_conformance bad 'a test that does not exist'
conform '1-1-1,done,e2e/t_a.py,' "$ok2"
expect_conformance bad 'a test that holds only a longer id'
conform '1-1-1,done,unit/idle_test.c,' "$ok2"
expect_conformance bad 'a test that nothing runs'
conform "$ok1" "$ok2"
echo "see \`gone.c\`" >>"$tree/doc/conformance.md"
expect_conformance bad 'a file that is gone'
conform "$ok1" "$ok2"
echo "see \`gone()\`" >>"$tree/doc/conformance.md"
expect_conformance bad 'a function that is gone'

exit $failed

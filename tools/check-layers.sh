#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# check-layers.sh: who may include whom. In common the layers see only those to their left in base crypto gba http dia
# rt; of common only rt knows libosmocore; dict needs nothing but freeDiameter; naf-lib uses neither rt nor
# libosmocore; ue speaks no Diameter, its card knows no library, its library none of its users and no libosmocore;
# programs do not use each other; in bsf the rooms ub and zn never include each other, store and policy no other room;
# of run they see its configuration and transactions. What decides, and what asks for a vector or ends a BIR, reaches
# no Diameter header however far the includes go; nothing of common/dia reaches freeDiameter. Run in $srcdir
# (default: here). Prints each include that points the wrong way; status 1 if there is one.
set -eu
cd "${srcdir:-.}"
bad=0

# shellcheck disable=SC2016
find common dict bsf naf-lib hss-sim reg ue znproxy -name '*.[ch]' | sort | xargs awk '
BEGIN {
	# folder: what it may include besides itself
	may["common/base"] = " "
	may["common/crypto"] = " common/base "
	may["common/gba"] = may["common/crypto"] "common/crypto "
	may["common/http"] = may["common/gba"] "common/gba "
	may["common/dia"] = may["common/http"] "common/http dict "
	may["common/rt"] = may["common/dia"] "common/dia "
	may["dict"] = " "
	may["gba/naf.h"] = " " # the public header, which others may know who may not know the library
	may["naf-lib"] = may["common/dia"] "common/dia gba/naf.h "
	# the card below the library, the library below its two users
	may["ue"] = may["common/http"] "common/http "
	may["ue/card"] = may["ue"] "ue "
	may["ue/vuicc"] = may["ue/card"] "ue/card "
	may["ue/lib"] = may["ue/card"] "ue/card "
	may["ue/tool"] = may["ue/lib"] "ue/lib "
	may["ue/agent"] = may["ue/tool"] "common/rt "
	may["hss-sim"] = may["common/rt"] "common/rt "
	may["znproxy"] = may["hss-sim"]
	may["reg"] = may["hss-sim"] "gba/naf.h " # it is an application, too
	may["bsf/store"] = may["bsf/policy"] = may["hss-sim"]
	may["bsf/vectors"] = may["hss-sim"] "bsf/store bsf/policy bsf/run "
	may["bsf/zn"] = may["hss-sim"] "bsf/store bsf/policy "
	may["bsf/ub"] = may["hss-sim"] "bsf/store bsf/policy bsf/vectors bsf/run "
	may["bsf/tool"] = may["hss-sim"] "bsf/store "
	may["bsf/run"] = may["bsf/ub"] "bsf/ub bsf/zn "
	osmo = " common/rt bsf/store bsf/policy bsf/vectors bsf/zn bsf/ub bsf/run bsf/tool hss-sim reg znproxy ue/agent "
}
function folder(path,  part) {
	split(path, part, "/")
	if (part[1] == "gba")
		return part[2] == "ue.h" ? "ue/lib" : "gba/naf.h" # their public headers
	if (part[1] == "ue" && part[2] ~ /\./)
		return "ue" # the small files all of its rooms keep
	return part[1] ~ /^(common|bsf|ue)$/ ? part[1] "/" part[2] : part[1]
}
function complain(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	seen++
	from = folder(FILENAME)
	path = $0
	sub(/^[^<"]*[<"]/, "", path)
	sub(/[>"].*/, "", path)
	to = folder(path)
	if (!(from in may))
		complain("folder " from " has no row in " "tools/check-layers.sh")
	else if (path ~ /^(osmocom\/|talloc\.h)/ && index(osmo, " " from " ") == 0)
		complain(path ": " from " may not use libosmocore")
	else if (from == "dict" && path ~ /^(openssl|libxml2?|microhttpd|jansson|curl|lmdb|sqlite3)/)
		complain(path ": dict needs only freeDiameter")
	else if (path ~ /^bsf\// && !(to in may))
		complain(path ": bsf has no room " to)
	else if ((from == "bsf/vectors" || from == "bsf/ub") && to == "bsf/run" && path !~ /\/(cfg|txn)\.h$/)
		complain(path ": of run only cfg.h and txn.h are for " from)
	else if ((to in may) && to != from && index(may[from], " " to " ") == 0)
		complain(path ": " from " may not include " to)
	else if ($0 ~ /"/ && path !~ /\// && path != "config.h" && FILENAME !~ /\/examples\//)
		complain(path ": include with the full path")
}
END {
	if (!seen) {
		print "no include seen: nothing was checked"
		bad = 1
	}
	exit bad
}' || bad=1

# -MG: a header that is generated, or of a library not installed here, is named and not followed
for h in bsf/*/decide.h bsf/vectors/zh_client.h bsf/zn/answer.h bsf/run/txn.h hss-sim/*_decide.h znproxy/*_decide.h; do
	[ -f "$h" ] || { echo "$h is gone: nothing was checked"; bad=1; continue; }
	reached=$("${CC:-gcc}" -M -MG -I. "$h") || { bad=1; continue; }
	for to in $reached; do
		case $to in
		common/dia/* | dict/* | *freeDiameter/*) echo "$h: reaches $to"; bad=1 ;;
		esac
	done
done

# the Diameter node is our own; freeDiameter is for dict, tests and benches
for f in common/dia/*.[ch]; do
	reached=$("${CC:-gcc}" -M -MG -I. "$f") || { bad=1; continue; }
	case $reached in *freeDiameter/*) echo "$f: reaches freeDiameter"; bad=1 ;; esac
done
exit "$bad"

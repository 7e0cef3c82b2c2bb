# SPDX-License-Identifier: AGPL-3.0-or-later
# The document as a string of C, so that a daemon cannot differ from what it says of itself.
BEGIN { print "/* made from doc/gba-reg.openapi.json */\n#include \"reg/api_doc.h\"\n\nconst char api_openapi[] =" }
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); print "\t\"" $0 "\\n\"" }
END { print "\t;" }

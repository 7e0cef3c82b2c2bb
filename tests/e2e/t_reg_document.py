# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd obeys its OpenAPI document: its paths and methods and no others, and each role exactly its cells; made from the document, so
that whatever is added to it is tried."""
import json
import os
import shutil

from lib import procs
from lib.api_document import METHODS, ROLES, Document
from lib.reg_api import ApiRealm
from lib.runner import test

NOT_YOU = "the role of who asks may not call this operation"


@test("registry api: the document is what is served: each of its paths by its methods, and by no other; nothing beside them", smoke=True)
async def served(t):
    w = await ApiRealm(t).start()
    bosses, a, doc = [await w.token() for _ in range(12)], w.link(), Document(w.document())
    boss = bosses[0]
    for b in bosses:
        assert (await a.ask("GET", "/tokens?limit=1", token=b)).status == 200                  # from now on it has a rate of its own
    assert (await a.ask("GET", "/openapi.json", token=boss)).json == doc.doc
    methods = {}
    for o in doc.operations:
        methods.setdefault(o.path, {})[o.method] = o
    for i, (path, has) in enumerate(methods.items()):
        boss = bosses[i % len(bosses)]
        allow = ", ".join(["GET, HEAD"] * ("GET" in has) + [m.upper() for m in METHODS if m != "get" and m.upper() in has] + ["OPTIONS"])
        url = next(iter(has.values())).url()
        for m in [m.upper() for m in METHODS] + ["TRACE", "get"]:
            r = await a.ask(m, url, token=boss, headers={"Accept": "text/plain"})              # 406: it would have been answered
            assert r.status == (406 if m in has else 405) and (m in has or r.headers["allow"] == allow), (m, path, r, r.headers)
        r = await a.ask("OPTIONS", url, token=boss)
        assert r.status == 204 and r.headers["allow"] == allow, (path, r)
        for beside in (url + "/", url + "/zz/zz/zz", "/zz/zz/zz" + url, "/" + url):
            assert (await a.ask("GET", beside, token=boss)).status == 404, beside


@test("registry api: the role matrix of the whole document: each role may call exactly what x-roles says", smoke=True, timeout=120)
async def matrix(t):
    w = await ApiRealm(t).start()
    doc = Document(w.document())
    who = {"anyone": [(w.link(f"127.0.0.{i}"), None) for i in range(2, 12)]}
    for role in ROLES[1:]:
        who[role] = [(w.link(), await w.token_of(role)) for _ in range(3)]
    cells = {}
    for i, o in enumerate(doc.operations):
        for role in ROLES:
            a, token = who[role][i % len(who[role])]
            r = await a.ask(o.method, o.url(), token=token, headers={"If-Match": '"0"'} if "If-Match" in o.headers() else None)
            cells[o.id, role] = r.status not in (401, 403) or r.json.get("detail") not in (NOT_YOU, "this operation wants to know who asks")
            assert cells[o.id, role] or r.status == (401 if role == "anyone" else 403), (o.id, role, r)
            assert r.status < 500 and r.status != 405, (o.id, role, r)
    wrong = [c for c, may in cells.items() if may != next(o for o in doc.operations if o.id == c[0]).lets(c[1])]
    assert not wrong and len(cells) == 4 * len(doc.operations), wrong
    t.note(f"{len(cells)} cells")


@test("registry api: others read the document as OpenAPI 3.1 without an error or a warning: redocly lint, swagger-parser", timeout=90)
async def lint(t):
    if os.environ.get("GBA_SANITIZED"):
        t.skip("nothing of ours runs in it")
    npm = t.need_tool("npm", "npm")
    with open(os.path.join(t.dir, "package.json"), "w", encoding="utf-8") as f:
        json.dump({"private": True}, f)
    rc, out, err = await procs.run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", "--fetch-timeout=10000",
                                    f"--cache={t.dir}/npm", "@redocly/cli@2", "@apidevtools/swagger-parser@12"], 60, cwd=t.dir)
    if rc:
        t.skip("npm does not get @redocly/cli and @apidevtools/swagger-parser: " + (err.strip().splitlines() or [out])[0][:200])
    document = os.path.join(procs.SRC, "doc", "gba-reg.openapi.json")
    with open(os.path.join(t.dir, "redocly.yaml"), "w", encoding="utf-8") as f:                # `default` says what a 4xx is
        f.write("extends: [recommended]\nrules:\n  operation-4xx-response: off\n")
    rc, out, err = await procs.run([f"{t.dir}/node_modules/.bin/redocly", "lint", "--format=json", f"--config={t.dir}/redocly.yaml", document], 60,
                                   env={"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}, cwd=t.dir)
    assert rc == 0 and json.loads(out)["problems"] == [], out + err
    rc, out, err = await procs.run([shutil.which("node"), "-e", "require('@apidevtools/swagger-parser').validate(process.argv[1]).then("
                                    "a => console.log(a.openapi), e => { console.log(e.message); process.exit(1) })", document], 30, cwd=t.dir)
    assert rc == 0 and out.strip() == "3.1.0", out + err

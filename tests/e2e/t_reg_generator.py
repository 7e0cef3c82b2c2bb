# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests from the OpenAPI document to a running gba-regd, right and wrong, of every role: no 500, each answer as the document says, and
nothing an ASP may not know in any answer to it."""
import asyncio
import os
import random
import urllib.parse

from lib.api_document import ROLES, Document
from lib.reg_api import ApiRealm
from lib.registry import ASP, FQDN
from lib.runner import test

REQUESTS = int(os.environ.get("GBA_REG_REQUESTS", "300"))


class Asking:
    def __init__(self, doc, who, secrets, another):
        import jsonschema
        from lib.api_strategies import Strategies
        self.doc, self.who, self.secrets, self.another, self.seen, self.lost = doc, who, secrets, another, {}, 0
        self.strategies, self.chance = Strategies(doc), random.Random()
        resolver = jsonschema.RefResolver("", doc.doc)
        self.valid = lambda schema: jsonschema.Draft202012Validator(schema, resolver=resolver)

    def one(self, data):
        from hypothesis import strategies as st
        o, role = data.draw(st.sampled_from(self.doc.operations)), data.draw(st.sampled_from(ROLES))
        path, query, headers, body = self.strategies.request(data, o)
        quoted = {k: urllib.parse.quote(v, safe="") for k, v in path.items()}
        if not all(quoted.values()):
            return
        url = o.url(quoted) + ("?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else "")
        i = self.chance.randrange(len(self.who[role]))           # not of random's own, which hypothesis sets
        link, token = self.who[role][i]
        r = link.ask_now(o.method, url, body, token=token, headers=headers)
        if r.status == 401 and token:                              # an operator among us has revoked it, or its owner is deleted
            self.lost += 1
            self.who[role][i] = (link, self.another(role))
        self.check(o, role, r, (o.method, url, headers, body))

    def check(self, o, role, r, request):
        self.seen[r.status] = self.seen.get(r.status, 0) + 1
        assert r.status < 500, (role, request, r)
        if r.status == 405:
            return                                                 # a value of the path was that of another path
        schema = o.answer(r.status)
        assert (schema is None) == (not r.body), (request, r)
        if schema is not None:
            bad = next(self.valid(schema).iter_errors(r.json), None)
            assert bad is None, (request, r, bad.message)
            self.strategies.learn(r.json)
        if "etag" in r.headers:
            self.strategies.learn({"ETag": r.headers["etag"]})
        if role in ("asp", "anyone"):
            leaked = [x for x in self.secrets if x.encode() in r.body and x not in str(request)]
            assert not leaked, (role, request, r, leaked)


@test("registry api: requests made by chance from the document, of every role: no 500, answers as it says, no subscriber's identity to an ASP",
      timeout=900, smoke=True)
async def generated(t):
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = t.dir
    try:
        from hypothesis import HealthCheck, Phase, given, seed, settings
        from hypothesis import strategies as st
        import jsonschema                                          # noqa: F401
    except ImportError:
        t.skip("python3-hypothesis or python3-jsonschema is missing")
    w = await ApiRealm(t).start()
    secrets = []
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    for i, card in enumerate(w.cards):
        names = [card.impi, f"49170123456{i:02d}", f"89490170000000000{i:02d}", f"8904903200000000000000000000{i:04d}", f"49015420323{i:04d}"]
        await w.order(f"device add {names[0]} msisdn={names[1]} iccid={names[2]} eid={names[3]} imei={names[4]}")
        await w.order(f"grant {card.impi} {FQDN}")
        secrets += [card.impi, card.imsi] + names[1:]
    await w.order("asp add foreign desk@foreign.example")                                      # what is another provider's, and a user's
    await w.order("user add passport-4711 2")
    secrets += ["desk@foreign.example", "passport-4711"]
    n = 3 + REQUESTS // 300
    who = {"anyone": [(w.link(f"127.0.1.{i}"), None) for i in range(1, 20 + 3 * n)]}
    for role in ROLES[1:]:
        who[role] = [(w.link(), await w.token_of(role)) for _ in range(n)]
    for link, token in sum((who[role] for role in ROLES[1:]), []):
        assert (await link.ask("GET", "/tokens", token=token)).status == 200                   # from now on it has a rate of its own
    loop, number = asyncio.get_running_loop(), random.randrange(2**32)
    asking = Asking(Document(w.document()), who, secrets, lambda role: asyncio.run_coroutine_threadsafe(w.token_of(role), loop).result(20 * t.factor))

    @seed(number)
    @settings(max_examples=REQUESTS, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data):
        asking.one(data)
    t.note(f"seed {number}")
    await loop.run_in_executor(None, run)
    assert w.reg.running and asking.lost < REQUESTS / 10, asking.lost
    await w.order("audit verify")
    t.note(f"answers: {dict(sorted(asking.seen.items()))}")
    for x in secrets:
        assert x not in w.reg.text(), f"{x} in the log"

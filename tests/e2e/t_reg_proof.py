# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd: whose name an application has is shown by a TXT record, asked for again and again; what a DNS server says harms nobody."""
import random

from lib.dns import ZONE, Knot, Liar, answer, cname, name_octets, record, txt
from lib.registry import ASP, FQDN, Realm
from lib.runner import test

LABEL = "_gba-challenge.video"
TC, NXDOMAIN, REFUSED = 0x8380, 0x8183, 0x8185


async def realm(t, port, interval, lapse):
    w = Realm(t)
    for line in (f"dns 127.0.0.1 {port}", f"proof-interval {interval}", f"proof-lapse {lapse}"):
        w.reg_cfg.add("registry", line)
    return await w.start()


async def known(w, want):
    """What is known, once that is what was said."""
    async def done():
        return (await w.order(f"app proof {FQDN}")).get("said") == want
    await w.t.until(done, 30, f"{FQDN} to be asked for: {want}", then=lambda: w.order(f"app proof {FQDN}"))
    return await w.order(f"app proof {FQDN}")


async def asked(w, want):
    """The same, asked for once more."""
    await w.order(f"app prove {FQDN} dns")
    return await known(w, want)


async def state_is(w, state):
    async def there():
        return (await w.order(f"app show {FQDN}"))["state"] == state
    await w.t.until(there, 30, f"the application to be {state}", then=lambda: w.order(f"app proof {FQDN}"))
    await w.told()


@test("registry: a name is proven by its TXT record, also behind CNAMEs; without it the application is suspended and the BSF refuses it, with it it is back",
      smoke=True, timeout=90)
async def proven(t):
    knot = await Knot(t).start()
    w = await realm(t, knot.port, 1, 1)
    await w.granted()
    s = await w.ue().bootstrap()
    p = await w.order(f"app proof {FQDN}")
    assert p["by_word"] and not p["proven"] and p["name"] == f"_gba-challenge.{FQDN}" and len(p["text"]) == 32, p

    # shown in time, at the end of two CNAMEs: it stays
    await knot.change(("zone-set", LABEL, "60", "CNAME", "a.proofs"), ("zone-set", "a.proofs", "60", "CNAME", "b.proofs"),
                      ("zone-set", "b.proofs", "60", "TXT", '"something else"'), ("zone-set", "b.proofs", "60", "TXT", f'"{p["text"]}"'))
    p = await asked(w, "there")
    assert p["proven"] and not p["by_word"], p
    assert await w.has_key(s)

    # the name is somebody else's now
    await knot.change(("zone-unset", "b.proofs", "TXT"), ("zone-set", "b.proofs", "60", "TXT", f'"{p["text"][::-1]}"'))
    await state_is(w, "suspended")
    assert not await w.has_key(s, shut_out=True)
    audit = [(r["who"], r["what"]) for r in (await w.order("audit show"))["audit"]]
    assert ("dns", "proof") in audit and ("dns", "proof lapsed") in audit, audit

    # and his again
    await knot.change(("zone-set", "b.proofs", "60", "TXT", f'"{p["text"]}"'))
    await state_is(w, "approved")
    assert await w.has_key(s)

    # or the operator answers for it: nothing is asked any more
    await knot.change(("zone-unset", "b.proofs"))
    await state_is(w, "suspended")
    p = await w.order(f"app prove {FQDN} word")
    assert p["by_word"] and not p["lapsed"], p
    await state_is(w, "approved")
    assert ("proof by word" in [r["what"] for r in (await w.order("audit show"))["audit"]])
    assert (await w.refused(f"app prove {FQDN} mail")).startswith("invalid that is no way to show it"), p
    await w.order("audit verify")


@test("registry: a DNS server that lies, is huge or leads in circles: could not be asked, or absent; never a proof, never harm", smoke=True, timeout=120)
async def hostile(t):
    rng, say = random.Random(7), {}
    token = b""

    def huge(query, tcp):
        n = 3000
        return answer(query, *[record(16, b"")] * n) if tcp else answer(query, flags=TC)

    def mutated(query, tcp):
        octets = bytearray(answer(query, cname("a.example.net"), txt(token[:-1] + b"x", name_octets("a.example.net"))))
        for _ in range(rng.randint(1, 6)):
            octets[rng.randrange(len(query), len(octets) - 34)] = rng.randrange(256)
        return bytes(octets[:rng.randrange(len(query), len(octets))] if rng.random() < 0.3 else octets)

    def forged(query, tcp):
        """Right answers of somebody who has not seen the question, then that of the server."""
        good = answer(query, txt(token))
        return [bytes([good[0] ^ 1]) + good[1:], good[:2] + b"\x01" + good[3:], good.replace(b"video", b"radio"), answer(query, flags=NXDOMAIN)]

    liar = Liar(t, lambda q, tcp: say["now"](q, tcp))
    await liar.start()
    w = await realm(t, liar.port, 86400, 86400)
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    token = (await w.order(f"app proof {FQDN}"))["text"].encode()
    for what, how, said in (("refused", lambda q, tcp: answer(q, flags=REFUSED), "unasked"), ("no such name", lambda q, tcp: answer(q, flags=NXDOMAIN), "absent"),
                            ("a loop", lambda q, tcp: answer(q, cname("b.example.net"), cname(f"_gba-challenge.{FQDN}", name_octets("b.example.net"))), "absent"),
                            ("ever on", lambda q, tcp: answer(q, cname(f"n{liar.asked}.example.net")), "absent"),
                            ("more records than there are", lambda q, tcp: answer(q, txt(b"x"), count=999), "unasked"),
                            ("three thousand records", huge, "absent"), ("forged beside it", forged, "absent"),
                            ("a connection that is closed", lambda q, tcp: answer(q, flags=TC) if not tcp else b"", "unasked"),
                            ("of another question", lambda q, tcp: answer(q.replace(b"video", b"radio"), txt(token)) if tcp else answer(q, flags=TC), "unasked"),
                            ("right", lambda q, tcp: answer(q, txt(token)), "there")):
        await w.order(f"app prove {FQDN} word")
        say["now"] = how
        await unlike(w, said, say, how)
        p = await asked(w, said)
        assert p["proven"] == (said == "there"), (what, p)
    await w.order(f"app delete {FQDN}")
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    token, before = (await w.order(f"app proof {FQDN}"))["text"].encode(), liar.asked
    say["now"] = mutated
    for _ in range(40):
        n = liar.asked
        await w.order(f"app prove {FQDN} dns")
        await t.until(lambda: is_more(liar, n), 30, "one more question")
    p = await w.order(f"app proof {FQDN}")
    assert not p["proven"] and liar.asked >= before + 40, p
    await w.order("audit verify")


async def is_more(liar, n):
    return liar.asked > n


async def unlike(w, said, say, how):
    """First another answer than the one that is waited for."""
    other = (lambda q, tcp: answer(q, flags=NXDOMAIN)) if said != "absent" else (lambda q, tcp: answer(q, flags=REFUSED))
    say["now"] = other
    await asked(w, "absent" if said != "absent" else "unasked")
    say["now"] = how


@test("registry: a DNS server that takes a question and says nothing, or two octets a second, keeps neither others nor the end of the daemon waiting", timeout=120)
async def silent(t):
    say = {}
    liar = await Liar(t, lambda q, tcp: say["now"](q, tcp), trickle=0.5).start()
    w = await realm(t, liar.port, 86400, 86400)
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")

    async def others_are_served(how):
        n, say["now"] = liar.asked, how
        await w.order(f"app prove {FQDN} dns")
        await t.until(lambda: is_more(liar, n), 20, "the question")
        await w.order(f"app add {ASP} games{n}.{ZONE} 127.0.0.1/32")
        await w.told()
    await others_are_served(lambda q, tcp: None)
    assert not (await known(w, "unasked"))["proven"]
    await others_are_served(lambda q, tcp: answer(q, txt(b"x" * 200)) if tcp else answer(q, flags=TC))
    await w.reg.stop()

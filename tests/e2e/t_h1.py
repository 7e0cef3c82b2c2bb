# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP/1.1 framing at both servers of the tree, Ub and the example application. The questions are those of the public list
h1spec (its 32 rows), with the clause that answers them; what we do otherwise stands in doc/conformance.md."""
from lib import digest
from lib.app import App, RawBsf
from lib.http_raw import HttpClosed, HttpConn
from lib.runner import test
from lib.world import World

LINE = b"GET /hello HTTP/1.1\r\n"
HOST = b"Host: %HOST%\r\n"
END = b"%AUTH%\r\n"

# A request cut here is waited for; the rest, sent then, makes it a good one (9112 2.1, 2.2).
WHOLE = LINE + HOST + END
CUTS = {"method": b"G", "blank behind the method": b"GET ", "target": b"GET /hello", "blank behind the target": b"GET /hello ",
        "name of the protocol": b"GET /hello HTTP", "request line without an end": b"GET /hello HTTP/1.1",
        "CR of the request line": b"GET /hello HTTP/1.1\r", "request line": LINE, "field name": LINE + b"Hos",
        "colon": LINE + b"Host:", "blank behind the colon": LINE + b"Host: ", "field value": LINE + HOST[:-2],
        "CR of a field": LINE + HOST[:-1], "fields without an end": LINE + HOST, "CR of the empty line": LINE + HOST + b"%AUTH%\r"}

SERVED, REFUSED = "served", "refused"
GET = b"GET / HTTP/1.1\r\n"
ROWS = {
    # name: clause, octets, what comes
    "no version": ("9112 3", b"GET / \r\n\r\n", REFUSED),
    "Expect: 100-continue and no body": ("9110 10.1.1", GET + HOST + b"Expect: 100-continue\r\n" + END, SERVED),
    "GET": ("9112 3", GET + HOST + END, SERVED),
    "names in any case, a tab for the blank, an empty value": ("9110 5.1, 5.5", GET + b"hoSt:\t%HOST%\r\nempty:\r\n" + END, SERVED),
    "name that is no token": ("9110 5.1", GET + HOST + b"X-Invalid[]: test\r\n" + END, REFUSED),
    "no Host": ("9112 3.2", GET + b"Content-Length: 5\r\n" + END, REFUSED),
    "two Hosts": ("9112 3.2", GET + HOST + b"Host: example.org\r\n" + END, REFUSED),
    "length below any number": ("9112 6.3", GET + HOST + b"Content-Length: -123456789123456789123456789\r\n" + END, REFUSED),
    "negative length": ("9112 6.3", GET + HOST + b"Content-Length: -1234\r\n" + END, REFUSED),
    "length in letters": ("9112 6.3", GET + HOST + b"Content-Length: abc\r\n" + END, REFUSED),
    "value of blanks": ("9110 5.5", GET + HOST + b"X-Empty-Header: \r\n" + END, SERVED),
    "control character in a value": ("9110 5.5", GET + HOST + b"X-Bad-Control-Char: test\x07\r\n" + END, REFUSED),
    "version of the future": ("9110 2.5", b"GET / HTTP/9.9\r\n" + HOST + END, REFUSED),
    "words before the method": ("9112 3", b"Extra lineGET / HTTP/1.1\r\n" + HOST + END, REFUSED),
    "CR alone before a name": ("9112 2.2", GET + HOST + b"\rSome-Header: Test\r\n" + END, REFUSED),
    "POST with a body": ("9110 9.3.3", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + END + b"hello", SERVED),
    "length beside chunks": ("9112 6.1", GET + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + END, REFUSED),
}


class Peer:
    """A server and how its requests are filled in."""

    def __init__(self, t, port, host, auth, served, closes=()):
        self.t, self.port, self.served, self.closes = t, port, served, closes   # closes: refuses without an answer
        self.words = {b"%HOST%": host.encode(), b"%AUTH%": auth}

    def fill(self, octets):
        for word, value in self.words.items():
            octets = octets.replace(word, value)
        return octets

    async def open(self):
        c = await HttpConn.open(self.port)
        self.t.cleanup(c.close)
        return c

    async def answer(self, c):
        """Status of the answer, the one after 100 Continue; 0: closed without."""
        try:
            r = await c.response(5 * self.t.factor)
            while r.status == 100:
                r = await c.response(5 * self.t.factor)
            return r.status
        except HttpClosed:
            return 0

    async def cut(self):
        waiting = {}
        for name, part in CUTS.items():
            waiting[name] = c = await self.open()
            await c.send(self.fill(part))
        c = await self.open()
        await c.send(self.fill(WHOLE))                           # answered after the parts were read
        assert await self.answer(c) == self.served["GET"]
        for name, c in waiting.items():
            assert not c.reader.at_eof() and not c.reader._buffer, f"{name}: did not wait"
            await c.send(self.fill(WHOLE)[len(self.fill(CUTS[name])):])
            got = await self.answer(c)
            assert got == self.served["GET"], f"{name}: {got}"

    async def rows(self):
        wrong = []
        for name, (clause, octets, want) in ROWS.items():
            c = await self.open()
            await c.send(self.fill(octets))
            got = await self.answer(c)
            if want == SERVED:
                right = got == self.served[octets.split(b" ")[0].decode()]
            else:
                right = got == 0 if name in self.closes else 400 <= got <= 599
            if not right:
                wrong.append(f"{name} (RFC {clause}): {got}, not {want}")
        assert not wrong, wrong


@test("h1spec at Ub: parts of a request are waited for, what is no request is refused, what is one is served", smoke=True)
async def at_ub(t):
    w = await World(t, raw_hss=True).no_limits().start()
    params = w.ue().first_params(uri="/hello")
    for_hello = b"Authorization: " + digest.format_params(params).encode() + b"\r\n"
    for_root = b"Authorization: " + digest.format_params({**params, "uri": "/"}).encode() + b"\r\n"
    served = {"GET": 401, "POST": 405}                           # a challenge; 24.109 knows GET only
    await Peer(t, w.ports["ub"], "bsf.example", for_hello, served).cut()
    await Peer(t, w.ports["ub"], "bsf.example", for_root, served).rows()


@test("h1spec at the example application: the same", smoke=True)
async def at_naf(t):
    bsf = RawBsf()
    await bsf.start(0)
    t.cleanup(bsf.stop)
    app = await App(t, bsf.port).start()
    peer = Peer(t, app.port, "naf1.example.com", b"", {"GET": 401, "POST": 401},
                closes=("words before the method",))
    await peer.cut()
    await peer.rows()

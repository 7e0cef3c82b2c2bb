# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a BIR costs: beside freeDiameter's least and the least of all, with USSs, with grants, with many NAFs."""
import statistics

from measure import Bench, BSF_ID, free_port, GUSS, MANY, NAME, REALM, RECORD


class Zn(Bench):
    def zn(self):
        n = 10000 // self.scale
        ports = {w: free_port() for w in ("ub", "dia", "hss", "echo", "raw")}
        store = self.fill("zn", 10000)
        bsf = self.bsf(store, ports)
        echo = self.spawn("bench/echo_fd", [BSF_ID, REALM, ports["echo"]])
        raw = self.spawn("bench/raw_zn", [BSF_ID, REALM, ports["raw"], RECORD])
        shapes = (("64 in flight on one connection", n, 1, 64, 0.30), (f"{MANY} NAFs of one BIR each", n, MANY, 1, 0.35),
                  ("1 in flight", n // 4, 1, 1, 0.40))
        print("Zn: 10,000 sessions with GUSS in LMDB, CPU of the server per BIR; echo: freeDiameter, always the same answer; "
              "raw: bare epoll, unsealing and HMAC")
        for what, m, conns, flight, target in shapes:
            to_echo, to_raw = [], []
            for _ in range(self.rounds):
                (e, er), (b, br), (r, rr) = self.there_and_back(*(
                    lambda server=server, port=port: self.zn_load(server, ports[port], store + ".btids", m, conns, flight)
                    for server, port in ((echo, "echo"), (bsf, "dia"), (raw, "raw"))))
                to_echo.append(b / e)
                to_raw.append(b / r)
                print(f"  {what}: echo {e:.1f} us ({er:.0f}/s)   gba-bsfd {b:.1f} us ({br:.0f}/s)   raw {r:.1f} us ({rr:.0f}/s)",
                      flush=True)
            self.verdict(f"Zn, {what}, of the echo", to_echo, target)
            print(f"Zn, {what}, of raw: {statistics.median(to_raw):.2f} (aim 1.8, no target)")
        for p in (bsf, echo, raw):
            self.stop(p)

    def uss(self):
        """A BIR with two USSs asked for against one without, of sessions with a GUSS: one daemon, asked in turn."""
        n = 10000 // self.scale
        ports = {w: free_port() for w in ("ub", "dia", "hss")}
        store = self.fill("uss", 1000)
        bsf = self.bsf(store, ports)
        ratios = []
        for _ in range(self.rounds):
            (a, _), (b, _) = self.there_and_back(*(
                lambda g=g: self.zn_load(bsf, ports["dia"], store + ".btids", n, gsids=g) for g in ((), ("1", "2"))))
            ratios.append(b / a)
            print(f"  without {a:.2f} us   two USSs {b:.2f} us", flush=True)
        self.verdict("BIR, two USSs asked for against none", ratios, 1.3)
        self.stop(bsf)

    def grants(self):
        """A BIR of a session with five grants, as the registry writes them, against one with none; both ask for one USS. One daemon, two
        sets of sessions, asked in turn."""
        n, ports = 5000 // self.scale, {w: free_port() for w in ("ub", "dia", "hss")}
        store, btids = self.fill("grants", 0), {}
        uss = "".join(f'<uss id="{g}" type="1" nafGroup="asp-{g}"><uids><uid>{g:032x}</uid></uids><flags/></uss>' for g in range(1, 6))
        with open(GUSS, encoding="utf-8") as f:
            head, end = f.read().partition("<ussList>")[0], "</guss>\n"
        for first, (many, text) in enumerate(((0, ""), (5, f"<ussList>{uss}</ussList>"))):
            with open(self.path("guss.xml"), "w", encoding="utf-8") as f:
                f.write(head + text + end)
            btids[many] = self.path(f"grants{many}.btids")
            with open(btids[many], "wb") as f:
                f.write(self.tool("bench/store_fill", ["--dir", store, "--kek", self.path("kek"), "--sessions", 1000, "--first", 1000 * first,
                                                       "--name", NAME, "--guss", self.path("guss.xml")]))
        bsf = self.bsf(store, ports)
        self.in_turn("BIR, a session with five grants against none", {g: bsf for g in btids}, 1.3,
                     lambda g: self.zn_load(bsf, ports["dia"], btids[g], n, gsids=("1",)), "grants")
        self.stop(bsf)

    def nafs(self):
        """A BIR with 10,000 NAFs configured against 10: two daemons side by side, asked in turn."""
        n, few, many = 5000 // self.scale, 10, 10000
        store, ports, bsf = {}, {}, {}
        for s in (few, many):
            store[s] = self.fill(f"nafs{s}", 1000)
            ports[s] = {w: free_port() for w in ("ub", "dia", "hss")}
            bsf[s] = self.bsf(store[s], ports[s], others=s)
        self.in_turn(f"BIR, {many} NAFs configured against {few}", bsf, 1.02,
                     lambda s: self.zn_load(bsf[s], ports[s]["dia"], store[s] + ".btids", n, gsids=("1",)), "NAFs")
        for s in (few, many):
            self.stop(bsf[s])

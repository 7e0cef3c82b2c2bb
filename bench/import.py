#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Import of subscribers against sqlite3's own CSV import of the same rows (a table with the same columns and a unique IMPI).

    import.py BUILD [ROWS [ROUNDS]]        a million rows and three rounds, if not told otherwise

In order and in random order, run alternately; the ratio is theirs to ours, median of the rounds, of elapsed time and of CPU time
(user and system). Ours checks every row before it writes the first, seals every key and commits every 10,000 rows with a sync;
theirs is one transaction. Targets: 0.8 in order, 0.4 in random order, the log beside our database under 16 MB at any time."""
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAD = "impi,imsi,k,opc,amf,algorithm,sqn"
WAL_MAX = 16 << 20


def write_rows(path, n, shuffled):
    rng = random.Random(n)
    rows = [f"00101{i:010d}@ims.mnc001.mcc001.3gppnetwork.org,00101{i:010d},{rng.getrandbits(128):032x},{rng.getrandbits(128):032x},"
            "0000,milenage,0" for i in range(n)]
    if shuffled:
        rng.shuffle(rows)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
        f.write(HEAD + "\n" + "\n".join(rows) + "\n")


def timed(argv):
    """(seconds, CPU seconds)"""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    p = subprocess.run(argv, capture_output=True, text=True, check=False)
    took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode != 0:
        sys.exit(f"{argv[0]} ended with {p.returncode}: {p.stderr[-300:]}")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Largest:
    """The largest size a file has while this is open."""

    def __init__(self, path):
        self.path, self.size, self.stop = path, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.stop.wait(0.02):
            try:
                self.size = max(self.size, os.stat(self.path).st_size)
            except FileNotFoundError:
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def ours(build, d, csv):
    for name in os.listdir(d):
        if name.startswith("s.sqlite"):
            os.unlink(f"{d}/{name}")
    with Largest(f"{d}/s.sqlite-wal") as wal:
        took = timed([f"{build}/hss-sim/gba-hss-simd", "-c", f"{d}/hss.cfg", "--import", csv])
    return took, wal.size


def theirs(d, csv):
    if os.path.exists(f"{d}/t.sqlite"):
        os.unlink(f"{d}/t.sqlite")
    columns = ", ".join(f"{c} TEXT" for c in HEAD.split(",")).replace("impi TEXT", "impi TEXT UNIQUE")
    return timed(["sqlite3", f"{d}/t.sqlite", f"CREATE TABLE t ({columns})", ".mode csv", f".import --skip 1 {csv} t"])


def prepare(d):
    with open(os.path.join(SRC, "conf", "gba-hss-sim.cfg"), encoding="utf-8") as f:
        cfg = f.read().replace("/var/lib/gba-hss-sim/subscribers.sqlite", f"{d}/s.sqlite").replace("/etc/gba/hss-1.kek", f"{d}/kek")
    with open(f"{d}/hss.cfg", "w", encoding="utf-8") as f:
        f.write(cfg)
    with open(os.open(f"{d}/kek", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(os.urandom(32).hex() + "\n")


def need_daemon(build):
    if not os.path.isfile(os.path.join(build, "Makefile")):
        sys.exit(f"{build} is no build folder: it has no Makefile. The first argument is one, as ./demo and ./test make them: build/gcc")
    if not os.access(os.path.join(build, "hss-sim", "gba-hss-simd"), os.X_OK):
        sys.exit(f"{build}/hss-sim/gba-hss-simd is not there. Type: make -C {build}")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    rounds, failed = int(sys.argv[3]) if len(sys.argv) > 3 else 3, 0
    need_daemon(build)
    with tempfile.TemporaryDirectory(prefix="gba-import-", dir=build) as d:
        prepare(d)
        for what, shuffled, target in (("in order", False, 0.8), ("in random order", True, 0.4)):
            csv, elapsed, cpu, wal = f"{d}/rows.csv", [], [], 0
            write_rows(csv, n, shuffled)
            for _ in range(rounds):
                (took, used), size = ours(build, d, csv)
                other = theirs(d, csv)
                elapsed.append(other[0] / took)
                cpu.append(other[1] / used)
                wal = max(wal, size)
            ratio = statistics.median(elapsed)
            ok = ratio >= target and wal < WAL_MAX
            failed += not ok
            print(f"import of {n} rows {what}: ratio {ratio:.2f} elapsed (rounds {' '.join(f'{x:.2f}' for x in elapsed)}), "
                  f"{statistics.median(cpu):.2f} CPU, target {target}; log {wal / 1e6:.1f} MB: {'reached' if ok else 'MISSED'}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: AGPL-3.0-or-later
"""The target file: read whole or refused, with the line and what would be right."""
import os
import re
import tomllib
import types

from . import schema


class TargetError(Exception):
    pass


def _line_of(source, table, nth, field):
    """Line of a field of the nth table of that name, of the table itself, or 1."""
    seen, found, at = -1, 1, None
    for n, line in enumerate(source.split("\n"), 1):
        head = re.match(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]", line)
        if head:
            at = head[1]
            if at == table:
                seen += 1
                found = n if seen == nth else found
        elif at == table and seen == nth and field and re.match(r'\s*"?' + re.escape(field) + r'"?\s*=', line):
            return n
    return found


class Reader:
    def __init__(self, path):
        self.path = path
        try:
            with open(path, encoding="utf-8") as f:
                self.source = f.read()
            self.raw = tomllib.loads(self.source)
        except (OSError, UnicodeDecodeError) as e:
            raise TargetError(f"{path}: {getattr(e, 'strerror', None) or e}") from e
        except tomllib.TOMLDecodeError as e:
            at = re.search(r"line (\d+)", str(e))
            raise TargetError(f"{path}:{at[1] if at else self.source.count(chr(10)) + 1}: {e}") from e

    def fail(self, table, nth, field, what):
        where = table + (f" {nth + 1}" if schema.TABLES.get(table, (False,))[0] else "")
        raise TargetError(f"{self.path}:{_line_of(self.source, table, nth, field)}: {where}: " + (f"{field}: " if field else "") + what)

    def table(self, table, nth, raw):
        fields = schema.TABLES[table][1]
        out = types.SimpleNamespace()
        for field in raw:
            if field not in fields:
                self.fail(table, nth, field, "no such field; there are " + ", ".join(fields))
        for field, (read, default) in fields.items():
            if field not in raw:
                if default is schema.MUST:
                    self.fail(table, nth, None, f"{field} is missing")
                value = default
            else:
                try:
                    value = read(raw[field], os.path.dirname(os.path.abspath(self.path)))
                except schema.Bad as e:
                    self.fail(table, nth, field, f"{raw[field]!r} is not allowed; it must be {e}")
            setattr(out, field.replace("-", "_"), value)
        return out

    def all(self):
        out = types.SimpleNamespace(path=self.path)
        for table in self.raw:
            if table not in schema.TABLES:
                self.fail(table, 0, None, "no such table; there are " + ", ".join(schema.TABLES))
        for table, (several, _) in schema.TABLES.items():
            raw = self.raw.get(table, [] if several else None)
            if raw is not None and not isinstance(raw, list if several else dict):
                self.fail(table, 0, None, f"is written [[{table}]]" if several else f"is written [{table}]")
            value = [self.table(table, i, r) for i, r in enumerate(raw)] if several else raw and self.table(table, 0, raw)
            setattr(out, table, value)
        return out


def _once(r, table, rows, *fields):
    for field in fields:
        values = [getattr(row, field) for row in rows]
        for i, value in enumerate(values):
            if value in values[:i]:
                r.fail(table, i, field, f"{value!r} is that of {table} {values.index(value) + 1}; each must have its own")


def load(path, role):
    """The target, checked for what the role needs. TargetError says what is wrong."""
    r = Reader(path)
    t = r.all()
    for table in ("target",) + schema.NEEDED[role]:
        if not getattr(t, table):
            raise TargetError(f"{path}:1: {table}: is missing; {role} needs " + ", ".join(("target",) + schema.NEEDED[role]))
    for i, s in enumerate(t.subscriber):
        if (s.opc is None) == (s.op is None) and s.algorithm == "milenage":
            r.fail("subscriber", i, "op" if s.op else None, "either opc or op is needed")
        if "@" not in s.impi:
            r.fail("subscriber", i, "impi", f"{s.impi!r} is not allowed; it must be user@domain")
    _once(r, "subscriber", t.subscriber, "name", "impi")
    for table, peers in (("naf", t.naf), ("bsf", t.bsf)):
        _once(r, table, peers, "identity")
        if peers and len({p.role for p in peers}) < len(peers):
            r.fail(table, len(peers) - 1, "role", "each role once: main, other, probe")
        if peers and all(p.role != "main" for p in peers):
            r.fail(table, 0, "role", "one must be main")
        for i, p in enumerate(peers):
            if t.diameter and t.diameter.security == "tls" and not (p.tls_ca and p.tls_certificate and p.tls_key):
                r.fail(table, i, None, "tls-ca, tls-certificate and tls-key are needed where security is tls")
    return t


def peer(t, role, which="main"):
    """The identity we come with, or None."""
    return next((p for p in (t.naf if role == "zn" else t.bsf) if p.role == which), None)


def csv(t):
    """Its subscribers as gba-hss-simd --import reads them."""
    rows = ["impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss"]
    for s in t.subscriber:
        key = ",".join(x.hex() if x else "" for x in (s.k, s.op, s.opc))
        rows.append(f"{s.impi},{s.imsi or ''},{key},0000,{s.algorithm},0,,{s.guss or ''}")
    return "\n".join(rows) + "\n"

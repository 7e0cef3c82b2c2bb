# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests made from the OpenAPI document by hypothesis: such as it wants, and such with something wrong."""
import json
import re

from hypothesis import strategies as st

ANY = st.recursive(st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
                   lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=8), x, max_size=3), max_leaves=6)
SURROGATE = re.compile("[\ud800-\udfff]|\n$")                       # what UTF-8 does not have; and $ of Python stands before a last \n, too
TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)


class Strategies:
    """learned: values that answers have had, by the name of their member; what exists is found by nobody who guesses."""

    def __init__(self, doc):
        self.doc, self.learned, self.cache = doc, {}, {}

    def learn(self, answer):
        for name, v in answer.items() if isinstance(answer, dict) else ():
            if isinstance(v, str) and len(v) < 300:
                have = self.learned.setdefault(name, [])
                if v not in have:
                    have.append(v)
                    del have[:-40]
            for one in v if isinstance(v, list) else [v]:
                self.learn(one)

    def known(self, data, name):
        """A value for a parameter or member of this name. What is drawn does not hang on what was learned: hypothesis would call it flaky."""
        which, i = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 39))
        have = self.learned.get((name, "id", name)[which]) or self.learned.get(name)
        return have[i % len(have)] if have else None

    def of(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.cache:
            self.cache[key] = self._make(self.doc.resolved(schema))
        return self.cache[key]

    def _make(self, s):
        if "enum" in s:
            return st.sampled_from(s["enum"])
        if "const" in s:
            return st.just(s["const"])
        types = s.get("type", [])
        made = [self._of_type(x, s) for x in (types if isinstance(types, list) else [types])]
        return st.one_of(made) if made else ANY

    def _of_type(self, kind, s):
        if kind == "string":
            least, most = s.get("minLength", 0), s.get("maxLength", 60)
            if "pattern" in s:
                return st.from_regex(s["pattern"], fullmatch=True).filter(lambda x: least <= len(x) <= most and not SURROGATE.search(x))
            return st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=least, max_size=min(most, least + 60))
        if kind == "integer":
            return st.integers(s.get("minimum", -2**31), s.get("maximum", 2**31))
        if kind == "array":
            return st.lists(self.of(s.get("items", {})), min_size=s.get("minItems", 0), max_size=min(s.get("maxItems", 4), 4), unique_by=json.dumps)
        if kind == "object":
            need = set(s.get("required", []))
            props = {n: self.of(v) for n, v in s.get("properties", {}).items()}
            return st.fixed_dictionaries({n: v for n, v in props.items() if n in need}, optional={n: v for n, v in props.items() if n not in need})
        return {"boolean": st.booleans(), "null": st.none(), "number": st.floats(allow_nan=False, allow_infinity=False)}[kind]

    def _spoil(self, data, body):
        """One thing is wrong, or everything."""
        how = data.draw(st.integers(0, 4))
        if how == 0 or not isinstance(body, dict):
            return data.draw(ANY)
        if how == 1:
            return body | {data.draw(TEXT): data.draw(ANY)}
        if how == 2 and body:
            body = dict(body)
            body.pop(data.draw(st.sampled_from(sorted(body))))
            return body
        return body | {n: data.draw(ANY) for n in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=2, unique=True))} if body else [body]

    def request(self, data, o):
        """Values of the path, query, headers, body (None: none) of an operation."""
        wrong = data.draw(st.integers(0, 3)) == 0
        path = {}
        for p in o.where("path"):
            value = self.known(data, p["name"]) if data.draw(st.booleans()) else None
            other = str(data.draw(TEXT if wrong else self.of(p["schema"])))
            path[p["name"]] = value or other
        query = {p["name"]: data.draw(TEXT if wrong and data.draw(st.booleans()) else self.of(p["schema"]))
                 for p in o.where("query") if data.draw(st.integers(0, 2)) == 0}
        headers = {}
        if "If-Match" in o.headers() and data.draw(st.integers(0, 5)):
            headers["If-Match"] = self.known(data, "ETag") if data.draw(st.booleans()) else None
            other = data.draw(st.sampled_from(["*", '"1"', '"2"', '"x"', "1", '""', '"1", "2"']))
            headers["If-Match"] = headers["If-Match"] or other
        if "Idempotency-Key" in o.headers() and data.draw(st.booleans()):
            headers["Idempotency-Key"] = data.draw(st.text("abc", max_size=3))
        body = data.draw(self.of(o.body)) if o.body is not None else None
        if isinstance(body, dict):
            for name in body:
                if isinstance(body[name], str) and data.draw(st.integers(0, 2)) == 0:
                    body[name] = self.known(data, name) or body[name]
        if o.body is not None and wrong:
            body = self._spoil(data, body)
        return path, query, headers, body

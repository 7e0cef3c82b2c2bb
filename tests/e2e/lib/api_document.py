# SPDX-License-Identifier: AGPL-3.0-or-later
"""The OpenAPI document of the registry: its operations, and a value that a schema wants."""
import re

ROLES = ("anyone", "operator", "asp", "user")
METHODS = ("get", "post", "put", "delete", "patch")
SAMPLES = ("0" * 32, "a.example.com", "12345", "active", "x" * 43, "a", "0102030405", "12345678901234567890123456789012", "a@example.com")


class Operation:
    def __init__(self, doc, path, method, item):
        self.doc, self.path, self.method, self.op = doc, path, method.upper(), item[method]
        self.id, self.roles = self.op["operationId"], set(self.op["x-roles"])
        self.params = [doc.resolved(p) for p in item.get("parameters", []) + self.op.get("parameters", [])]
        body = self.op.get("requestBody")
        self.body = doc.resolved(body)["content"]["application/json"]["schema"] if body else None

    def where(self, place):
        return [p for p in self.params if p["in"] == place]

    def headers(self):
        return {p["name"] for p in self.where("header")}

    def url(self, values=None):
        """The path with a value for each parameter, given or one its schema wants."""
        return re.sub(r"\{(\w+)\}", lambda m: (values or {}).get(m[1]) or self.doc.sample(next(p["schema"] for p in self.where("path") if p["name"] == m[1])),
                      self.path)

    def answer(self, status):
        """Schema of an answer; None: it has no body."""
        r = self.doc.resolved(self.op["responses"].get(str(status)) or self.op["responses"]["default"])
        return next(iter(r["content"].values()))["schema"] if "content" in r else None

    def lets(self, role):
        return "anyone" in self.roles or role in self.roles


class Document:
    def __init__(self, doc):
        self.doc = doc
        self.operations = [Operation(self, path, m, item) for path, item in doc["paths"].items() for m in METHODS if m in item]

    def resolved(self, v):
        while "$ref" in v:
            at = self.doc
            for name in v["$ref"][2:].split("/"):
                at = at[name]
            v = at
        return v

    def sample(self, schema):
        s = self.resolved(schema)
        if "enum" in s:
            return s["enum"][0]
        fits = [x for x in SAMPLES if re.fullmatch(s.get("pattern", ".*"), x) and s.get("minLength", 0) <= len(x) <= s.get("maxLength", 999)]
        assert fits, f"no sample for {s}: add one"
        return fits[0]

// SPDX-License-Identifier: AGPL-3.0-or-later
// ajv.js SCHEMA: a list of JSON documents on standard input, the list of which are valid on standard output; a schema that is wrong
// itself, or has a word ajv does not know, is an error.
const fs = require("fs"), Ajv = require("ajv");
const a = new Ajv({ allErrors: true, strictDefaults: true, strictKeywords: true });
const valid = a.compile(JSON.parse(fs.readFileSync(process.argv[2])));
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0)).map(x => valid(x))));

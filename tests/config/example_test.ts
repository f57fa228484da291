/** `config.example.toml`: it loads, it holds every key of the schema, and it tells the true defaults. */
import assert from "node:assert/strict";
import { findEntry, type Node } from "../../src/config/document.ts";
import { BUILT_IN } from "../../src/config/load_config.ts";
import { readDocument } from "../../src/config/read_document.ts";
import { visitSchema } from "../../src/config/schema.ts";
import { load } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const EXAMPLE = await Deno.readTextFile(new URL("../../config.example.toml", import.meta.url));

/** With the `# ` taken from every line that is a key or the head of a table. */
const UNCOMMENTED = EXAMPLE.replace(/^# (?=\[[a-z_."]+\]$|[a-z_]+ = )/gm, "");

function plainValue(node: Node | undefined): unknown {
  if (node?.kind === "integer") return Number(node.value);
  return node?.kind === "string" || node?.kind === "boolean" ? node.value : undefined;
}

Deno.test("config.example.toml as it is gives the built-in configuration", () => {
  assert.deepEqual(load(EXAMPLE), BUILT_IN);
});

Deno.test("config.example.toml with every line taken in loads, and changes nothing but TLS and the repository", async () => {
  const { certificate, key } = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const settings = load(UNCOMMENTED, {
    files: { "/etc/simple-registry/server.pem": certificate, "/etc/simple-registry/server.key": key },
  });
  const { tls, ...server } = settings.server;
  assert.ok(tls !== undefined);
  assert.deepEqual({ ...settings, server, repositories: [] }, BUILT_IN);
  assert.deepEqual(settings.repositories.map((repository) => repository.name as string), ["team"]);
});

Deno.test("config.example.toml holds every key and table of the schema, each key with its default", () => {
  const problems: never[] = [];
  const document = readDocument("config.example.toml", UNCOMMENTED, problems);
  assert.deepEqual(problems, []);
  visitSchema((path, item) => {
    const entry = findEntry(document, path.map((name) => name === "*" ? "team" : name));
    assert.ok(entry !== undefined, `${path.join(".")} is missing`);
    if (item.kind === "defaulted") assert.equal(plainValue(entry.node), item.written, path.join("."));
    if (item.kind === "named") assert.equal(entry.node.kind === "table" && entry.node.entries.size, 1);
  });
});

Deno.test("config.example.toml comments out every key that has a default", () => {
  assert.deepEqual(EXAMPLE.split("\n").filter((line) => /^[^#]*=/.test(line)), []);
});

Deno.test("the schema describes every key and table in a sentence", () => {
  visitSchema((path, item) => assert.match(item.about, /^[A-Z].*\.$/, path.join(".")));
});

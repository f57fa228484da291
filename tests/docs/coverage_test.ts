/** Nothing that people can write or type is missing in the documents. */
import assert from "node:assert/strict";
import { describeRequest } from "../../src/auth/webhook_request.ts";
import { CLIENT_NAMES } from "../../src/cli/commands/client_config.ts";
import { COMMANDS } from "../../src/cli/command_table.ts";
import { USAGE } from "../../src/cli/usage.ts";
import { KEYS_OF_THE_ORIGINAL } from "../../src/config/keys_of_the_original.ts";
import { visitSchema } from "../../src/config/schema.ts";
import { exposedName, METRIC_FAMILIES, type MetricName } from "../../src/core/metric_families.ts";
import { makeDigest } from "../../src/core/digest.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import {
  ACTIONS,
  type FieldType,
  FUNCTIONS,
  MACROS,
  METHODS,
  OBJECT_FIELDS,
} from "../../src/policy/access_vocabulary.ts";
import { DEEPEST_NESTING, LONGEST_RULE, MOST_NODES } from "../../src/policy/engine.ts";
import { MOST_LIST_ENTRIES } from "../../src/policy/policy_variables.ts";
import { IMAGE_FIELDS, RETENTION_FUNCTIONS } from "../../src/policy/retention_rules.ts";
import { codesIn, projectPath, readPage, readPages } from "./markdown.ts";

const configuration = readPage("docs/configuration.md");
const reference = readPage("docs/cel-reference.md");
const accessControl = readPage("docs/access-control.md");

/** `server.tls.port` style path of each key in the tables, names that people choose written as `*`. */
function documentedKeys(): Map<string, readonly string[]> {
  const keys = new Map<string, readonly string[]>();
  for (const { cells, headings } of configuration.rows) {
    const table = /^`\[{1,2}(.*?)\]{1,2}`$/.exec(headings.at(-1) ?? "")?.[1];
    const key = /^`(\w+)`$/.exec(cells[0] ?? "")?.[1];
    if (table === undefined || key === undefined) continue;
    keys.set(`${table.replace(/"?<\w+>"?/, "*")}.${key}`, cells);
  }
  return keys;
}

Deno.test("configuration.md has every key of the schema, with its default, and no other", () => {
  const documented = documentedKeys();
  visitSchema((path, item) => {
    if (["section", "optional", "named", "repeated"].includes(item.kind)) return;
    const name = path.join(".");
    const [, , standard, meaning] = documented.get(name) ?? assert.fail(`${name} is missing`);
    assert.ok(documented.delete(name));
    const expected = item.kind === "required"
      ? "required"
      : item.kind === "defaulted"
      ? `\`${JSON.stringify(item.written)}\``
      : item.kind === "list" && !item.takesOne
      ? "empty"
      : "";
    assert.equal(standard, expected, name);
    assert.match(meaning ?? "", /\.$/, name);
  });
  assert.deepEqual([...documented.keys()], []);
});

Deno.test("configuration.md says what to do with every key of the original", () => {
  const rows = configuration.rows.filter(({ headings }) => headings.includes("Coming from the original"));
  const named = rows.flatMap(({ cells }) => codesIn(cells[0]!));
  assert.deepEqual(named.toSorted(), [...KEYS_OF_THE_ORIGINAL.keys()].toSorted());
});

Deno.test("configuration.md has every command, variable and exit code of the usage text", () => {
  const codes = new Set(configuration.rows.flatMap(({ cells }) => codesIn(cells[0]!)));
  const commands = USAGE.slice(USAGE.indexOf("Commands:"), USAGE.indexOf("Options:"))
    .matchAll(/^ {2}([a-z-]+(?: [a-z-]+)?) {2,}/gm);
  const names = [...commands].map(([, name]) => name!);
  assert.ok(names.length >= 8);
  for (const name of names) assert.ok(codes.has(name), name);
  for (const [variable] of USAGE.matchAll(/^ {2}[A-Z_]+\b/gm)) {
    assert.ok(codes.has(variable.trim()), variable);
  }
  const exits = configuration.rows.filter(({ cells }) => /^[0-9]$/.test(cells[0]!)).map(({ cells }) =>
    cells[0]
  );
  const [, usage = ""] = /^Exit codes: (.*)$/m.exec(USAGE) ?? [];
  assert.deepEqual(exits, usage.match(/[0-9]/g));
});

const TYPE_WORDS: Readonly<Record<FieldType, string>> = {
  string: "string",
  int: "int",
  "list<string>": "list of strings",
  "google.protobuf.Timestamp": "timestamp",
  certificate: "certificate",
};

Deno.test("cel-reference.md has every variable with its type, and no other", () => {
  const expected = [...OBJECT_FIELDS].flatMap(([object, fields]) => {
    const path = object === "certificate" ? "identity.certificate" : object;
    return [...fields].map(([name, type]) => `${path}.${name}: ${TYPE_WORDS[type]}`);
  });
  const documented = reference.rows
    .filter(({ headings }) => headings.includes("Variables"))
    .filter(({ cells }) => cells[0]!.startsWith("`"))
    .map(({ cells: [name, type] }) => `${codesIn(name!)[0]}: ${type}`);
  assert.deepEqual(documented.toSorted(), expected.toSorted());
});

Deno.test("cel-reference.md has every action, function and method", () => {
  const codes = codesIn(reference.prose);
  for (const action of ACTIONS) assert.ok(codes.includes(action), action);
  for (const name of [...FUNCTIONS.keys(), ...METHODS.keys(), ...MACROS.keys()]) {
    assert.ok(codes.some((code) => new RegExp(`\\b${name}\\(`).test(code)), name);
  }
});

Deno.test("cel-reference.md has every variable and function of retention rules", () => {
  const codes = codesIn(reference.prose).concat(
    reference.rows.filter(({ headings }) => headings.includes("Retention rules")).flatMap(({ cells }) =>
      codesIn(cells[0]!)
    ),
  );
  for (const name of Object.keys(IMAGE_FIELDS)) assert.ok(codes.includes(`image.${name}`), name);
  for (const name of RETENTION_FUNCTIONS.keys()) {
    assert.ok(codes.some((code) => code.startsWith(`${name}(`)), name);
  }
});

Deno.test("cel-reference.md tells the true limits", () => {
  const limits = reference.rows.filter(({ headings }) => headings.includes("Limits"))
    .map(({ cells }) => cells[1]);
  for (const limit of [LONGEST_RULE, MOST_NODES, DEEPEST_NESTING]) {
    assert.ok(limits.includes(String(limit)), String(limit));
  }
  assert.ok(limits.some((limit) => limit!.startsWith(`${MOST_LIST_ENTRIES}:`)));
});

Deno.test("configure-mtls.md names every client that client-config knows", () => {
  const { text } = readPage("docs/configure-mtls.md");
  for (const client of CLIENT_NAMES) assert.match(text, new RegExp(`\\b${client}\\b`), client);
});

Deno.test("access-control.md has every header that a webhook is sent, and no other", () => {
  const digest = makeDigest("sha256", "0".repeat(64));
  const repository = parseRepositoryName("a/b");
  const caller = {
    identity: {
      clientIp: "192.0.2.1",
      id: "ci",
      username: "ci-bot",
      certificate: {
        commonNames: ["c"],
        organizations: ["o"],
        organizationalUnits: ["u"],
        dnsNames: ["d"],
        emails: ["e@d"],
        uris: ["urn:u"],
        serial: "1",
        fingerprint: "0".repeat(64),
        issuerCommonNames: ["i"],
        notAfter: 0,
      },
    },
    request: {
      id: "1",
      method: "GET",
      target: "/v2/",
      scheme: "https" as const,
      host: "registry.example.com",
      headerValues: () => [],
    },
  };
  const sent = [
    { action: "get-blob", repository, digest } as const,
    { action: "get-manifest", repository, reference: { kind: "digest", digest } } as const,
  ].flatMap((operation) => Object.keys(describeRequest([], caller, operation)));
  const documented = accessControl.rows.map(({ cells }) => codesIn(cells[0]!)[0]?.toLowerCase() ?? "")
    .filter((name) => name.startsWith("x-"));
  assert.deepEqual(documented.toSorted(), [...new Set(sent)].toSorted());
});

Deno.test("observability.md has every metric with its type, labels and help, and no other", () => {
  const expected = Object.entries(METRIC_FAMILIES).map(([name, { type, labels, help }]) => {
    const shown = labels.map((label) => `\`${label}\``).join(", ");
    return [`\`${exposedName(name as MetricName)}\``, type, shown, help];
  });
  const documented = readPage("docs/observability.md").rows
    .filter(({ cells }) => /^`(simple_registry|process)_/.test(cells[0]!)).map(({ cells }) => [...cells]);
  assert.deepEqual(documented, expected);
});

Deno.test("observability.md has every reason that metrics tell", () => {
  const codes = codesIn(readPage("docs/observability.md").prose);
  const sources = [
    "src/auth/authentication_counts.ts",
    "src/auth/certificate_verdict.ts",
    "src/server/handshake_faults.ts",
  ];
  for (const source of sources) {
    const reasons = [...Deno.readTextFileSync(projectPath(source)).matchAll(/^ {2}\| "([a-z_]+)"/gm)];
    assert.ok(reasons.length > 5, source);
    for (const [, reason] of reasons) assert.ok(codes.includes(reason!), `${reason} of ${source}`);
  }
});

Deno.test("no document holds a path of a machine or is empty of headings", () => {
  for (const { path, text, headings } of readPages()) {
    assert.ok(headings.length > 1, path);
    assert.doesNotMatch(text, /\/(work|root|tmp)\//, path);
  }
});

Deno.test("architecture.md says what every folder of src/ holds, and no other", () => {
  const rows = readPage("docs/architecture.md").rows.filter(({ headings }) => headings.includes("Layers"));
  const folders = [...Deno.readDirSync(projectPath("src"))].map(({ name }) => `${name}/`);
  assert.deepEqual(rows.flatMap(({ cells }) => codesIn(cells[0]!)).toSorted(), folders.toSorted());
});

Deno.test("command-line.md shows what every command prints for programs", () => {
  const page = readPage("docs/command-line.md");
  const shown = page.blocks.filter(({ text }) => text.includes("--json")).map(({ text }) => text).join("");
  const listed = page.rows.flatMap(({ cells }) => codesIn(cells[0]!));
  const missing = COMMANDS.filter(({ options = [] }) => options.some(({ name }) => name === "json"))
    .filter(({ name }) => !listed.includes(name) && !shown.includes(` ${name} `));
  assert.deepEqual(missing.map(({ name }) => name), []);
});

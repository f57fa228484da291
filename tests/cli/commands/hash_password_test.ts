/** `hash-password` as people use it: from a pipe and from a terminal. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { verifyPassword } from "../../../src/auth/password_hash.ts";
import { registryProgram } from "../../harness/start_registry.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const PHC = /\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}/;

async function run(command: readonly string[], input?: string | Uint8Array): Promise<Outcome> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    // A program that has read enough does not wait for the rest.
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

async function pipe(input: string | Uint8Array, command = "hash-password"): Promise<Outcome> {
  return await run([...await registryProgram(), command], input);
}

/** What appears on a terminal where the answers are typed at their prompts. */
async function type(...answers: [prompt: string, keys: string][]): Promise<Outcome> {
  const script = fileURLToPath(new URL("./terminal.py", import.meta.url));
  const program = [...await registryProgram(), "hash-password"];
  return await run(["python3", script, JSON.stringify(answers), ...program]);
}

Deno.test("hash-password prints the hash of the first line of a pipe and nothing else", async () => {
  const cases: [input: string, password: string, command?: string][] = [
    ["secret\n", "secret"],
    ["secret", "secret", "argon"],
    ["  p\u00e4ss w\u00f6rd:\u{1f511} \r\nsecond line\n", "  p\u00e4ss w\u00f6rd:\u{1f511} "],
    [`${"x".repeat(1000)}\n${"y".repeat(200_000)}`, "x".repeat(1000)],
  ];
  for (const [input, password, command] of cases) {
    const { code, out, err } = await pipe(input, command);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, new RegExp(`^${PHC.source}\n$`));
    assert.ok(await verifyPassword(password, out.trim()));
  }
});

Deno.test("hash-password refuses what no client could send, and does not repeat it", async () => {
  const cases: [input: string | Uint8Array, reason: RegExp][] = [
    ["", /it is empty/],
    ["\nsecret\n", /it is empty/],
    ["sec\tret\n", /control character/],
    ["sec\0ret", /control character/],
    [`secret${"x".repeat(995)}\n`, /longer than 1000 bytes/],
    [`secret${"x".repeat(300_000)}`, /longer than 1000 bytes/],
    [Uint8Array.of(0x73, 0xff, 0x0a), /not UTF-8/],
  ];
  for (const [input, reason] of cases) {
    const { code, out, err } = await pipe(input);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^simple-registry: Cannot use the password: /);
    assert.match(err, reason);
    assert.doesNotMatch(err, /sec/);
  }
});

Deno.test("on a terminal hash-password asks twice, shows nothing of what is typed, and prints the hash", async () => {
  const { code, out } = await type(["Password: ", "s3cr\u00e4t\r"], ["Again: ", "s3cr\u00e4t\r"]);
  assert.equal(code, 0, out);
  assert.doesNotMatch(out, /s3cr|\u00e4/);
  const lines = out.split("\r\n").map((line) => line.replaceAll("\r", ""));
  assert.deepEqual(lines.slice(0, 2), ["Password: ", "Again: "]);
  assert.ok(await verifyPassword("s3cr\u00e4t", PHC.exec(out)![0]));
});

Deno.test("on a terminal both answers may be pasted at once, and a character be taken back whole", async () => {
  const { code, out } = await type(["Password: ", "s3x\u00e4\x7f\x7fcret\rs3\u{1f511}\bcret\n"]);
  assert.equal(code, 0, out);
  assert.doesNotMatch(out, /s3|cret|\u00e4/);
  assert.ok(await verifyPassword("s3cret", PHC.exec(out)![0]));
});

Deno.test("on a terminal two answers that differ, an interrupt, an end and an arrow key make no hash", async () => {
  const cases: [answers: [prompt: string, keys: string][], reason: RegExp][] = [
    [[["Password: ", "s3cret\r"], ["Again: ", "s3cre\r"]], /The two passwords differ/],
    [[["Password: ", "s3cret\x03"]], /Interrupted/],
    [[["Password: ", "\x04"], ["Again: ", "\x04"]], /it is empty/],
    [[["Password: ", "s3\x1b[Acret\r"], ["Again: ", "s3\x1b[Acret\r"]], /control character/],
  ];
  for (const [answers, reason] of cases) {
    const { code, out } = await type(...answers);
    assert.equal(code, 1, out);
    assert.match(out, reason);
    assert.doesNotMatch(out, /s3|cret|argon2/);
  }
});

Deno.test("hash-password leaves the terminal as it was", async () => {
  const script = fileURLToPath(new URL("./terminal.py", import.meta.url));
  const program = [...await registryProgram(), "hash-password"].map((word) => `'${word}'`).join(" ");
  for (const keys of ["s3cret\r", "\x03"]) {
    const answers = [["Password: ", keys], ["Again: ", keys]];
    const shell = `stty -a > "$0"; ${program}; stty -a | diff "$0" - && echo restored`;
    const file = await Deno.makeTempFile();
    const { out } = await run(["python3", script, JSON.stringify(answers), "sh", "-c", shell, file]);
    await Deno.remove(file);
    assert.match(out, /restored/);
  }
});

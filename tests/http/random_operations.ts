/** Random operations on a registry, each held against the model of what it must answer. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../model/bytes.ts";
import { Expectations, type ModelManifest } from "../model/expectations.ts";
import { type Content, makeBlob, makeIndex, makeManifest } from "./content.ts";
import type { Client } from "./request_builder.ts";

export const REPOSITORIES = ["app", "lib/base"];
const TAGS = ["latest", "v1"];

const BLOBS: Content[] = [makeBlob(0), makeBlob(1), makeBlob(30), makeBlob(3000, "sha512")];
const MANIFESTS: ModelManifest[] = [
  { ...makeManifest(BLOBS[0]!, [BLOBS[1]!]), blobs: [BLOBS[0]!, BLOBS[1]!] },
  { ...makeManifest(BLOBS[1]!, [BLOBS[2]!, BLOBS[3]!]), blobs: [BLOBS[1]!, BLOBS[2]!, BLOBS[3]!] },
  { ...makeManifest(BLOBS[2]!, [BLOBS[2]!], {}, "sha512"), blobs: [BLOBS[2]!] },
];
MANIFESTS.push({ ...makeIndex(MANIFESTS.slice(0, 2)), blobs: [] });

/** A registry under test and what is expected of it. */
export interface Trial {
  readonly client: Client;
  readonly model: Expectations;
}

export type RandomOperation = (trial: Trial) => Promise<void>;

const repository = fc.constantFrom(...REPOSITORIES);
const blob = fc.constantFrom(...BLOBS);
const manifest = fc.constantFrom(...MANIFESTS);
const tag = fc.constantFrom(...TAGS);
/** Which of the open sessions, counted from the oldest. */
const nth = fc.nat(3);

/** Any one operation. Its text is its name and arguments, so that a counterexample reads as a list of steps. */
export const randomOperation: fc.Arbitrary<RandomOperation> = fc.oneof(
  named("push blob", fc.tuple(repository, blob), pushBlob),
  named("check blob", fc.tuple(repository, blob), checkBlob),
  named("delete blob", fc.tuple(repository, blob), deleteBlob),
  named("mount", fc.tuple(repository, fc.option(repository), blob), mount),
  named("push manifest", fc.tuple(repository, manifest, fc.option(tag)), pushManifest),
  named("check manifest", fc.tuple(repository, manifest), checkManifest),
  named("check tag", fc.tuple(repository, tag), checkTag),
  named("delete tag", fc.tuple(repository, tag), deleteTag),
  named("delete manifest", fc.tuple(repository, manifest), deleteManifest),
  named("list tags", fc.tuple(repository), listTags),
  named("start session", fc.tuple(repository), startSession),
  named("append", fc.tuple(nth, blob, fc.nat(40), fc.integer({ min: -1, max: 1 }), fc.boolean()), append),
  named("complete", fc.tuple(nth, blob, fc.boolean()), complete),
  named("cancel", fc.tuple(nth), cancel),
);

function named<T extends unknown[]>(
  name: string,
  parameters: fc.Arbitrary<T>,
  run: (trial: Trial, ...values: T) => Promise<void>,
): fc.Arbitrary<RandomOperation> {
  return parameters.map((values) => {
    const operation: RandomOperation = (trial) => run(trial, ...values);
    const shown = values.map((value) => (value as Content | null)?.digest?.slice(0, 12) ?? value);
    return Object.assign(operation, { [fc.toStringMethod]: () => `${name}(${shown.join(", ")})` });
  });
}

async function pushBlob({ client, model }: Trial, name: string, { bytes, digest }: Content): Promise<void> {
  const answer = await client.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes });
  assert.equal(answer.status, 201);
  model.holdBlob(name, BLOBS.find((content) => content.digest === digest)!);
}

async function checkBlob({ client, model }: Trial, name: string, content: Content): Promise<void> {
  const held = model.repository(name).blobs.has(content);
  for (const method of ["HEAD", "GET"]) {
    const answer = await client.send(method, `/v2/${name}/blobs/${content.digest}`);
    assert.equal(answer.status, held ? 200 : 404);
    if (held && method === "GET") assert.deepEqual(answer.body, content.bytes);
  }
}

async function deleteBlob({ client, model }: Trial, name: string, content: Content): Promise<void> {
  const answer = await client.send("DELETE", `/v2/${name}/blobs/${content.digest}`);
  assert.equal(answer.status, model.deleteBlob(name, content));
}

async function mount(
  { client, model }: Trial,
  name: string,
  from: string | null,
  content: Content,
): Promise<void> {
  const query = `mount=${content.digest}${from === null ? "" : `&from=${from}`}`;
  const answer = await client.send("POST", `/v2/${name}/blobs/uploads/?${query}`);
  const here = model.repository(name).blobs.has(content);
  const there = from === null ? model.isHeldAnywhere(content) : model.repository(from).blobs.has(content);
  if (here || there) {
    assert.equal(answer.status, 201);
    model.holdBlob(name, content);
  } else {
    assert.equal(answer.status, 202);
    model.sessions.set(answer.headers["location"]!, { repository: name, bytes: new Uint8Array() });
  }
}

async function pushManifest(
  { client, model }: Trial,
  name: string,
  pushed: ModelManifest,
  as: string | null,
): Promise<void> {
  // A push by tag is named by sha256; the others are tagged by parameter.
  const byTag = as !== null && pushed.digest.startsWith("sha256:");
  const reference = byTag ? as : `${pushed.digest}${as === null ? "" : `?tag=${as}`}`;
  const answer = await client.send("PUT", `/v2/${name}/manifests/${reference}`, {
    headers: { "content-type": pushed.mediaType },
    body: pushed.bytes,
  });
  assert.equal(answer.status, model.putManifest(name, pushed, as ?? undefined), answer.text);
}

async function checkManifest({ client, model }: Trial, name: string, expected: ModelManifest): Promise<void> {
  const answer = await client.send("GET", `/v2/${name}/manifests/${expected.digest}`);
  const held = model.repository(name).manifests.has(expected);
  assert.equal(answer.status, held ? 200 : 404);
  if (held) assert.deepEqual(answer.body, expected.bytes);
}

async function checkTag({ client, model }: Trial, name: string, asked: string): Promise<void> {
  const answer = await client.send("GET", `/v2/${name}/manifests/${asked}`);
  const expected = model.repository(name).tags.get(asked);
  assert.equal(answer.status, expected === undefined ? 404 : 200);
  assert.equal(answer.headers["docker-content-digest"], expected?.digest);
}

async function deleteTag({ client, model }: Trial, name: string, asked: string): Promise<void> {
  const answer = await client.send("DELETE", `/v2/${name}/manifests/${asked}`);
  assert.equal(answer.status, model.repository(name).tags.delete(asked) ? 202 : 404);
}

async function deleteManifest({ client, model }: Trial, name: string, asked: ModelManifest): Promise<void> {
  const answer = await client.send("DELETE", `/v2/${name}/manifests/${asked.digest}`);
  assert.equal(answer.status, model.deleteManifest(name, asked));
}

async function listTags({ client, model }: Trial, name: string): Promise<void> {
  const answer = await client.send("GET", `/v2/${name}/tags/list`);
  const { known, tags } = model.repository(name);
  // A repository whose content is all deleted may be forgotten at any time.
  if (answer.status === 404) assert.ok(!known || isEmpty(model, name));
  else assert.deepEqual(answer.json, { name, tags: [...tags.keys()].sort() });
}

function isEmpty(model: Expectations, name: string): boolean {
  const { blobs, manifests, tags } = model.repository(name);
  return blobs.size + manifests.size + tags.size === 0;
}

async function startSession({ client, model }: Trial, name: string): Promise<void> {
  const answer = await client.send("POST", `/v2/${name}/blobs/uploads/`);
  assert.equal(answer.status, 202);
  model.sessions.set(answer.headers["location"]!, { repository: name, bytes: new Uint8Array() });
}

/** Sends the next bytes of a blob, `shift` bytes away from where they belong. */
async function append(
  { client, model }: Trial,
  which: number,
  content: Content,
  length: number,
  shift: number,
  chunked: boolean,
): Promise<void> {
  const found = [...model.sessions][which];
  if (found === undefined) return;
  const [location, session] = found;
  const start = session.bytes.length;
  const piece = content.bytes.slice(start, start + length);
  if (piece.length === 0 || start + shift < 0) return;
  const answer = await client.send("PATCH", location, {
    headers: { "content-range": `${start + shift}-${start + shift + piece.length - 1}` },
    body: piece,
    chunked,
  });
  if (shift === 0) session.bytes = concat([session.bytes, piece]);
  assert.equal(answer.status, shift === 0 ? 202 : 416);
  const status = await client.send("GET", location);
  assert.deepEqual([status.status, status.headers["range"]], [
    204,
    `0-${Math.max(0, session.bytes.length - 1)}`,
  ]);
}

/** Sends the rest of a blob, or nothing, and names the blob's digest. */
async function complete(
  { client, model }: Trial,
  which: number,
  content: Content,
  withRest: boolean,
): Promise<void> {
  const found = [...model.sessions][which];
  if (found === undefined) return;
  const [location, session] = found;
  const body = withRest ? content.bytes.slice(session.bytes.length) : new Uint8Array();
  const answer = await client.send("PUT", `${location}?digest=${content.digest}`, { body });
  const whole = concat([session.bytes, body]);
  const right = whole.length === content.bytes.length && whole.every((byte, i) => byte === content.bytes[i]);
  assert.equal(answer.status, right ? 201 : 400);
  model.sessions.delete(location);
  if (right) model.holdBlob(session.repository, content);
  assert.equal((await client.send("GET", location)).status, 404);
}

async function cancel({ client, model }: Trial, which: number): Promise<void> {
  const location = [...model.sessions.keys()][which];
  if (location === undefined) return;
  assert.equal((await client.send("DELETE", location)).status, 204);
  model.sessions.delete(location);
}

/** The promise: a tag names a manifest whose every blob is there, whole and with the right digest. */
export async function assertPromise({ client, model }: Trial): Promise<void> {
  for (const name of REPOSITORIES) {
    await listTags({ client, model }, name);
    for (const content of BLOBS) await checkBlob({ client, model }, name, content);
    for (const asked of MANIFESTS) await checkManifest({ client, model }, name, asked);
    for (const [asked, { blobs }] of model.repository(name).tags) {
      await checkTag({ client, model }, name, asked);
      for (const content of blobs) {
        assert.equal((await client.send("GET", `/v2/${name}/blobs/${content.digest}`)).status, 200);
      }
    }
  }
}

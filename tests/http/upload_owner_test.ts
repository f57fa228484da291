/** An upload session serves nobody but the one who opened it, and says nothing to others (CVE-2022-31667). */
import assert from "node:assert/strict";
import { anonymousIdentity } from "../../src/core/identity.ts";
import type { Authenticator } from "../../src/ports/authenticator.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { makeRealRegistry } from "../model/real_stores.ts";
import { assertRefused, makeBlob } from "./content.ts";
import { type Answer, makeClient } from "./request_builder.ts";

/** Takes the Authorization header for a user name. */
const byHeader: Authenticator = {
  identify: ({ peerAddress, authorization: username = "" }) =>
    Promise.resolve({ ...anonymousIdentity(peerAddress), id: username, username }),
};

function clientsOf(registry: Registry) {
  const client = makeClient(registry, byHeader);
  return (username: string) => ({
    send: (method: string, target: string, body?: Uint8Array): Promise<Answer> =>
      client.send(method, target, {
        ...(body && { body }),
        ...(username !== "" && { headers: { authorization: username } }),
      }),
  });
}

async function tryAsOthers(registry: Registry): Promise<void> {
  const as = clientsOf(registry);
  const blob = makeBlob();
  for (const owner of ["alice", ""]) {
    const opened = await as(owner).send("POST", `/v2/${owner || "open"}/blobs/uploads/`);
    assert.equal(opened.status, 202);
    const session = opened.headers["location"]!;
    const absent = `${session.slice(0, session.lastIndexOf("/"))}/01234567-89ab-4def-8123-456789abcdef`;
    assert.equal((await as(owner).send("PATCH", session, blob.bytes.subarray(0, 50))).status, 202);
    for (const other of ["mallory", owner === "" ? "alice" : ""]) {
      for (
        const [method, query, body] of [
          ["GET", ""],
          ["PATCH", "", blob.bytes],
          ["PUT", `?digest=${blob.digest}`, blob.bytes],
          ["DELETE", ""],
        ] as const
      ) {
        const refused = await as(other).send(method, session + query, body);
        assertRefused(refused, 404, "BLOB_UPLOAD_UNKNOWN");
        assert.equal(refused.taken, 0);
        const unknown = await as(other).send(method, absent + query, body);
        const nameless = (text: string) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "ID");
        assert.equal(nameless(refused.text), nameless(unknown.text));
      }
    }
    assert.equal((await as(owner).send("GET", session)).headers["range"], "0-49");
    const finished = await as(owner).send("PUT", `${session}?digest=${blob.digest}`, blob.bytes.subarray(50));
    assert.equal(finished.status, 201);
  }
}

Deno.test("an upload session of somebody else is unknown to every verb, and unharmed", async () => {
  await tryAsOthers(makeModelRegistry());
});

Deno.test("the database keeps whose an upload session is", async () => {
  await using real = await makeRealRegistry();
  await tryAsOthers(real.registry);
});

Deno.test("a session that a refused mount opens belongs to the one who asked", async () => {
  const registry = makeModelRegistry();
  const as = clientsOf(registry);
  const blob = makeBlob();
  const tries = [
    () => undefined,
    ({ action }: { action: string }) => action === "mount-blob" ? "not from there" : undefined,
  ];
  for (const refuse of tries) {
    registry.refuse = refuse;
    const opened = await as("alice").send("POST", `/v2/app/blobs/uploads/?mount=${blob.digest}&from=b`);
    assert.equal(opened.status, 202);
    const session = opened.headers["location"]!;
    assertRefused(await as("bob").send("GET", session), 404, "BLOB_UPLOAD_UNKNOWN");
    assert.equal((await as("alice").send("DELETE", session)).status, 204);
  }
});

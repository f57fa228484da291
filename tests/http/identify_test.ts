/** What the request path tells of a caller to decision points and to the audit. */
import assert from "node:assert/strict";
import type { Caller } from "../../src/core/caller.ts";
import { OciError } from "../../src/core/oci_error.ts";
import { createHandler } from "../../src/http/handle.ts";
import type { Credentials } from "../../src/ports/authenticator.ts";
import { makeModelRegistry, SOMEBODY } from "../model/model_registry.ts";
import { assertRefused } from "./content.ts";
import { collect, makeClient, makeRequest } from "./request_builder.ts";

Deno.test("the authenticator sees every X-Forwarded-For, the certificate, and the peer", async () => {
  const shown: Credentials[] = [];
  const { handle } = makeClient(makeModelRegistry(), {
    identify: (credentials) => {
      shown.push(credentials);
      return Promise.resolve(SOMEBODY);
    },
  });
  const headers = { "X-Forwarded-For": ["203.0.113.9, 10.0.0.1", "10.0.0.2"], authorization: "Basic x" };
  const certificateChain = [Uint8Array.of(1)];
  const { request } = makeRequest("GET", "/v2/", { headers });
  await handle({ ...request, certificateChain, peerAddress: "10.0.0.3" });
  assert.deepEqual(shown, [{
    peerAddress: "10.0.0.3",
    forwardedFor: ["203.0.113.9, 10.0.0.1", "10.0.0.2"],
    authorization: "Basic x",
    certificateChain,
    secure: false,
  }]);
});

Deno.test("decision points are told of the request as it was sent", async () => {
  const registry = makeModelRegistry();
  const callers: Caller[] = [];
  const { handle } = makeClient({
    ...registry,
    authorization: {
      decide: (caller) => {
        callers.push(caller);
        return Promise.resolve({ allowed: true, reason: "" });
      },
    },
  });
  const { request } = makeRequest("GET", "/v2/?a=%20b", {
    headers: { "x-team": ["red", "blue"], host: "h:1" },
  });
  await collect(await handle({ ...request, secure: true }));
  const { id, method, target, scheme, host, headerValues } = callers[0]!.request;
  assert.deepEqual([id, method, target, scheme, host], ["request-1", "GET", "/v2/?a=%20b", "https", "h:1"]);
  assert.deepEqual([headerValues("x-team"), headerValues("x-none")], [["red", "blue"], []]);
});

Deno.test("who is refused before being known is in the audit, once, with nothing that they sent", async () => {
  const registry = makeModelRegistry();
  const refusals: [fault: OciError, status: number][] = [
    [new OciError("UNAUTHORIZED", { message: "wrong password" }), 401],
    [new OciError("DENIED", { message: "client certificate refused" }), 403],
    [new OciError("TOOMANYREQUESTS", { message: "too many wrong passwords" }), 429],
  ];
  for (const [fault, status] of refusals) {
    registry.lines.length = 0;
    const handle = createHandler({
      registry,
      authenticator: { identify: () => Promise.reject(fault) },
      challenges: { certificateRequired: false, passwords: true, tokens: undefined },
      tokenIssuer: undefined,
    });
    const { request } = makeRequest("PUT", "/v2/app/manifests/v1", {
      headers: { authorization: "Basic secret", cookie: "secret" },
    });
    assertRefused(await collect(await handle(request)), status, fault.code);
    assert.deepEqual(registry.lines, [{
      level: "info",
      message: "audit",
      fields: {
        request: "request-1",
        verdict: "denied",
        action: "put-manifest",
        repository: "app",
        reference: "v1",
        tags: ["v1"],
        reason: fault.message,
        method: "none",
        peer: "192.0.2.1",
      },
    }]);
  }
});

Deno.test("the step of fetching a token is no denial, and a fault of ours is none either", async () => {
  const registry = makeModelRegistry();
  const challenges = { certificateRequired: false, passwords: true, tokens: { realm: undefined } };
  const ask = async (identify: () => Promise<typeof SOMEBODY>) => {
    const handle = createHandler({
      registry,
      authenticator: { identify },
      challenges,
      tokenIssuer: undefined,
    });
    return await collect(await handle(makeRequest("GET", "/v2/").request));
  };
  assertRefused(await ask(() => Promise.resolve(SOMEBODY)), 401, "UNAUTHORIZED");
  assert.equal((await ask(() => Promise.reject(new Error("broken")))).status, 500);
  assert.deepEqual(registry.lines, []);
});

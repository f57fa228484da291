/** The line of a request: what it says, and what it must not say. */
import assert from "node:assert/strict";
import type { Handled } from "../../src/http/message.ts";
import { logRequest, type ServedRequest } from "../../src/server/access_log.ts";
import { RecordingLog, testBoth, TestServer } from "./test_server.ts";

const HANDLED: Handled = { response: { status: 200, headers: { "x-secret": "s3cret" } }, action: "get-blob" };

function lineOf(changes: Partial<ServedRequest>) {
  const log = new RecordingLog();
  logRequest(log, {
    id: "r1",
    peer: "192.0.2.1",
    method: "GET",
    target: "/v2/",
    handled: HANDLED,
    sent: { bytes: 5, complete: true },
    ms: 1.23456,
    ...changes,
  });
  assert.equal(log.records.length, 1);
  return log.records[0]!;
}

Deno.test("logRequest() says who asked what and what was answered", () => {
  assert.deepEqual(lineOf({}), {
    level: "info",
    message: "request",
    fields: {
      request: "r1",
      peer: "192.0.2.1",
      method: "GET",
      path: "/v2/",
      status: 200,
      bytes: 5,
      ms: 1.235,
      operation: "get-blob",
    },
  });
});

Deno.test("logRequest() leaves out the query, and the credentials of an absolute target", () => {
  const paths = {
    "/v2/a/blobs/uploads/?token=s3cret": "/v2/a/blobs/uploads/",
    "/v2/?": "/v2/",
    "http://bob:s3cret@registry.test/v2/?a=s3cret": "http://registry.test/v2/",
    "bob:s3cret@registry.test:443": "registry.test:443",
    "http://registry.test/v2/a@b": "http://registry.test/v2/a@b",
    "*": "*",
  };
  for (const [target, path] of Object.entries(paths)) assert.equal(lineOf({ target }).fields.path, path);
});

Deno.test("logRequest() cuts a long path", () => {
  const path = String(lineOf({ target: "/" + "a".repeat(30_000) }).fields.path);
  assert.equal(path.length, 403);
  assert.ok(path.endsWith("..."));
});

Deno.test("logRequest() marks an answer that did not arrive whole", () => {
  assert.equal(lineOf({ sent: { bytes: 5, complete: false } }).fields.cut, true);
});

Deno.test("logRequest() makes an error of a fault, before or while the answer was sent", () => {
  const fault = new Error("the disk is gone");
  for (
    const changes of [{ handled: { ...HANDLED, fault } }, { sent: { bytes: 0, complete: false, fault } }]
  ) {
    const { level, message, fields } = lineOf(changes);
    assert.deepEqual([level, message, fields.error], ["error", "request failed", fault]);
  }
});

testBoth("each request makes one line, with an id of its own, and none of its headers", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  for (let i = 0; i < 3; i++) {
    await client.send(
      `GET /x?s3cret HTTP/1.1\r\nHost: a\r\nAuthorization: Basic s3cret\r\nCookie: s3cret\r\n\r\n`,
    );
    await client.readAnswer();
  }
  const lines = server.log.records.filter(({ message }) => message === "request");
  assert.equal(lines.length, 3);
  assert.equal(new Set(lines.map(({ fields }) => fields.request)).size, 3);
  assert.equal(lines[0]!.fields.peer, "127.0.0.1");
  assert.doesNotMatch(JSON.stringify(server.log.records), /s3cret/);
});

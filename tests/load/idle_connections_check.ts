/** Opens many mTLS connections that do nothing, and measures their memory and what they cost those who pull. */
import assert from "node:assert/strict";
import { makePeople } from "../mtls/identity_files.ts";
import { ROLES } from "../mtls/access_rules.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { buildImage } from "../harness/build_images.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";
import { percentile } from "./percentile.ts";

export interface IdleConnectionBounds {
  /** Bytes of memory for each connection. */
  readonly eachBytes: number;
  /** ms within which 99 of 100 manifests are pulled meanwhile. */
  readonly pullMs: number;
}

const OPENED_AT_ONCE = 16;
const PULLS = 500;

const REQUEST = new TextEncoder().encode("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n");

/** @throws {AssertionError} for the first figure beyond its bound; gives all of them as text */
export async function checkIdleConnections(count: number, bounds: IdleConnectionBounds): Promise<string> {
  const people = makePeople();
  await using registry = await startRegistry({
    clientAuth: people.clientAuth,
    config: ROLES,
    server: 'idle_timeout = "10m"',
  });
  const open = async (): Promise<Deno.TlsConn> => {
    const connection = await Deno.connectTls({
      hostname: "localhost",
      port: registry.port,
      caCerts: [registry.caPem],
      cert: people.developer.certificatePem,
      key: people.developer.keyPem,
    });
    // One request, so that the certificate has been judged and everything is there that a pause in a pull leaves behind.
    await connection.write(REQUEST);
    const answer = new Uint8Array(4096);
    const read = await connection.read(answer) ?? 0;
    assert.match(new TextDecoder().decode(answer.subarray(0, read)), /^HTTP\/1\.1 200 /);
    return connection;
  };
  const openMany = async (many: number): Promise<Deno.TlsConn[]> => {
    const connections: Deno.TlsConn[] = [];
    const openSome = async () => {
      while (connections.length < many) {
        const place = connections.push(undefined as never) - 1;
        connections[place] = await open();
      }
    };
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openSome));
    return connections;
  };
  using admin = new RegistryApi(registry, people.admin);
  await admin.pushImage("app", buildImage(), "v1");
  // What the first connections leave behind is the code's, not theirs.
  for (const connection of await openMany(200)) connection.close();
  const { now: before } = await readProcessMemory(registry.process.pid);
  const idle = await openMany(count);
  const { now: after } = await readProcessMemory(registry.process.pid);
  const each = (after - before) / count;

  const times: number[] = [];
  for (let i = 0; i < PULLS; i++) {
    const started = performance.now();
    const answer = await admin.expect(200, "GET", "/v2/app/manifests/v1");
    await answer.arrayBuffer();
    times.push(performance.now() - started);
  }
  const p99 = percentile(times, 99);
  // They are still there, and of use.
  for (const connection of [idle[0]!, idle.at(-1)!]) {
    await connection.write(REQUEST);
    assert.ok(await connection.read(new Uint8Array(4096)), "an idle connection was closed");
  }
  for (const connection of idle) connection.close();
  const figures = [
    `${count} idle mTLS connections: ${(each / 1000).toFixed(1)} kB each, ${megabytes(after)} in all`,
    `pull of a manifest meanwhile: median ${percentile(times, 50).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  ].join("\n");
  assert.ok(each < bounds.eachBytes, figures);
  assert.ok(p99 < bounds.pullMs, figures);
  return figures;
}

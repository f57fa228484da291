import { NO_METRICS } from "../../src/metrics/no_metrics.ts";
import assert from "node:assert/strict";
import { request } from "node:https";
import { Socket } from "node:net";
import { HttpServer } from "../../src/server/http_server.ts";
import { certificateChainOf } from "../../src/server/peer_certificates.ts";
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { withImpossibleDate } from "../auth/impossible_date.ts";
import { AMPLE_LIMITS, caPem, keyPair, RecordingLog } from "./test_server.ts";

interface FakeCertificate {
  raw?: Uint8Array;
  issuerCertificate?: FakeCertificate;
}

/** A socket of a client that presented `leaf`. */
function socketWith(leaf: FakeCertificate | undefined) {
  let asked = 0;
  const socket = Object.assign(new Socket(), {
    getPeerCertificate(detailed: boolean) {
      assert.equal(this, socket);
      assert.equal(detailed, true);
      asked++;
      return leaf;
    },
  });
  return { socket, asked: () => asked };
}

function linked(count: number): FakeCertificate {
  let first: FakeCertificate = { raw: Uint8Array.of(count - 1) };
  for (let i = count - 2; i >= 0; i--) first = { raw: Uint8Array.of(i), issuerCertificate: first };
  return first;
}

Deno.test("certificateChainOf() gives the leaf first, then what signed it, as bytes", () => {
  const { socket } = socketWith(linked(3));
  assert.deepEqual(certificateChainOf(socket), [0, 1, 2].map((n) => Uint8Array.of(n)));
});

Deno.test("certificateChainOf() asks once for each connection and gives the same array for every request", () => {
  const { socket, asked } = socketWith(linked(2));
  const chain = certificateChainOf(socket);
  assert.equal(certificateChainOf(socket), chain);
  assert.notEqual(certificateChainOf(socketWith(linked(2)).socket), chain);
  const nothing = socketWith(undefined);
  for (let i = 0; i < 2; i++) assert.equal(certificateChainOf(nothing.socket), undefined);
  assert.deepEqual([asked(), nothing.asked()], [1, 1]);
});

Deno.test("certificateChainOf() gives undefined for a client without a certificate, and without TLS", () => {
  for (const leaf of [undefined, {}, { issuerCertificate: linked(1) }]) {
    assert.equal(certificateChainOf(socketWith(leaf).socket), undefined);
  }
  assert.equal(certificateChainOf(new Socket()), undefined);
});

Deno.test("certificateChainOf() ends where a certificate signs itself, in a ring, and after 32", () => {
  const self: FakeCertificate = { raw: Uint8Array.of(0) };
  self.issuerCertificate = self;
  assert.equal(certificateChainOf(socketWith(self).socket)!.length, 1);
  const ring = linked(3);
  ring.issuerCertificate!.issuerCertificate!.issuerCertificate = ring;
  assert.equal(certificateChainOf(socketWith(ring).socket)!.length, 3);
  assert.equal(certificateChainOf(socketWith(linked(100)).socket)!.length, 32);
});

Deno.test("the certificates of a real handshake arrive byte for byte, the leaf first, and one that cannot be read is not none", async () => {
  const root = makeAuthority({ subject: "Root" });
  const middle = makeAuthority({ subject: "Middle", issuer: root });
  const alice = makeClient(middle);
  const chains: (readonly Uint8Array[] | undefined)[] = [];
  const server = new HttpServer({
    handle: ({ certificateChain }) => {
      chains.push(certificateChain);
      return Promise.resolve({
        response: { status: 200, headers: { "content-length": "0" } },
        action: undefined,
      });
    },
    limits: AMPLE_LIMITS,
    log: new RecordingLog(),
    metrics: NO_METRICS,
    tls: { ...keyPair, clientCertificates: { advertisedCas: undefined } },
  });
  const port = await server.listen("127.0.0.1", 0);
  const get = (certificates: string | undefined) =>
    new Promise<void>((resolve, reject) => {
      request({
        host: "localhost",
        port,
        ca: caPem,
        agent: false,
        ...(certificates !== undefined && { cert: certificates, key: alice.keyPem }),
      }, (response) => {
        response.resume();
        response.on("end", resolve);
      }).on("error", reject).end();
    });
  try {
    await get(alice.pem);
    await get(alice.pem + middle.pem);
    await get(undefined);
    await get(withImpossibleDate(alice).pem);
  } finally {
    await server.drain(0);
  }
  const bytes = chains.map((chain) => chain?.map((der) => der.toBase64()));
  const [leaf, signer] = [alice.der.toBase64(), middle.der.toBase64()];
  assert.deepEqual(bytes, [[leaf], [leaf, signer], undefined, [""]], "the last was presented all the same");
});

import assert from "node:assert/strict";
import type { HttpRequest } from "../../src/http/message.ts";
import { HttpServer, type HttpServerOptions } from "../../src/server/http_server.ts";
import { checkTls, UnsafeTls } from "../../src/server/tls_self_check.ts";
import { issueCertificate } from "../harness/certificates.ts";
import { keyPair } from "./test_server.ts";

/** Servers whose requests are changed before the check sees them, as by a runtime that does not do its work. */
function serverThatShows(change: (request: HttpRequest) => Partial<HttpRequest>) {
  return (options: HttpServerOptions) =>
    new HttpServer({
      ...options,
      handle: (request) => options.handle({ ...request, ...change(request) }),
    });
}

const DOES_NOT_HAND_OVER =
  /^Cannot serve TLS: Deno [0-9.]+ does not hand over clients' certificates\. Use the version /;

async function refusalOf(check: Promise<void>): Promise<string> {
  try {
    await check;
  } catch (error) {
    assert.ok(error instanceof UnsafeTls, `${error}`);
    return error.message;
  }
  assert.fail("the check was passed");
}

Deno.test("checkTls() is content with this runtime, whatever the key pair's certificate names", async () => {
  await checkTls(keyPair);
  const other = issueCertificate({ commonName: "registry.example", dnsNames: ["registry.example"] });
  await checkTls({ certificate: other.certificatePem, privateKey: other.keyPem });
});

Deno.test("checkTls() is content with a chain, whose first certificate is the key's", async () => {
  const ca = issueCertificate({ commonName: "Root", isAuthority: true });
  const leaf = issueCertificate({ commonName: "localhost", issuer: ca });
  await checkTls({ certificate: leaf.certificatePem + ca.certificatePem, privateKey: leaf.keyPem });
});

Deno.test("checkTls() refuses a runtime that hands over nothing", async () => {
  const check = checkTls(keyPair, serverThatShows(() => ({ certificateChain: undefined })));
  assert.match(await refusalOf(check), DOES_NOT_HAND_OVER);
});

Deno.test("checkTls() refuses a runtime that hands over something else", async () => {
  for (const certificateChain of [[], [new Uint8Array()], [Uint8Array.of(1)]]) {
    assert.match(
      await refusalOf(checkTls(keyPair, serverThatShows(() => ({ certificateChain })))),
      DOES_NOT_HAND_OVER,
    );
  }
});

Deno.test("checkTls() refuses a runtime that sees a certificate where there is none", async () => {
  let last: readonly Uint8Array[] | undefined;
  const check = checkTls(
    keyPair,
    serverThatShows(({ certificateChain }) => ({ certificateChain: last = certificateChain ?? last })),
  );
  assert.match(await refusalOf(check), DOES_NOT_HAND_OVER);
});

Deno.test("checkTls() refuses a server that asks no client for its certificate", async () => {
  const check = checkTls(keyPair, (options) => {
    const { certificate, privateKey } = options.tls!;
    return new HttpServer({ ...options, tls: { certificate, privateKey } });
  });
  assert.match(await refusalOf(check), DOES_NOT_HAND_OVER);
});

Deno.test("checkTls() says what went wrong where the handshake or the reading of a body fails", async () => {
  const gone = checkTls(keyPair, (options) => {
    const server = new HttpServer(options);
    return {
      // A port that nobody listens on.
      listen: async (host, port) => {
        const taken = await server.listen(host, port);
        await server.drain(0);
        return taken;
      },
      drain: () => Promise.resolve(),
    };
  });
  assert.match(
    await refusalOf(gone),
    /^Cannot serve TLS: a request with the server's own certificate failed: /,
  );
  const mute = checkTls(
    keyPair,
    serverThatShows(({ body }) => ({
      body: {
        length: body.length,
        // deno-lint-ignore require-yield -- it fails before
        async *chunks() {
          throw new Error("reading cannot be stopped");
        },
      },
    })),
  );
  assert.match(await refusalOf(mute), /the body of a request could not be read$/);
});

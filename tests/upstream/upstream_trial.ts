/** Makes the client of an upstream as a test needs it. */
import assert from "node:assert/strict";
import { parseDigest } from "../../src/core/digest.ts";
import { parseReference } from "../../src/core/reference.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { UpstreamFault, type UpstreamFaultKind } from "../../src/core/upstream_fault.ts";
import { HostAddresses, type Resolve } from "../../src/upstream/host_addresses.ts";
import { UpstreamClient } from "../../src/upstream/upstream_client.ts";
import type { UpstreamTarget } from "../../src/upstream/upstream_target.ts";
import { issueCertificate } from "../harness/certificates.ts";

export const NAME = parseRepositoryName("library/app");
export const LOOPBACK = [{ address: "127.0.0.0", prefixLength: 8 }];

export const tagged = (tag: string) => parseReference(tag);
export const byDigest = (digest: string) => parseReference(digest);
export const digest = parseDigest;

export interface Trial extends Partial<UpstreamTarget> {
  readonly url: string;
  /** Addresses of host names, which are looked up nowhere else. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** Looks host names up instead of `hosts`. */
  readonly resolve?: Resolve;
}

/** A client that may ask loopback, with short patience. */
export function makeClient({ hosts = {}, url, resolve, ...target }: Trial): UpstreamClient & Disposable {
  const client = new UpstreamClient(
    {
      url,
      username: undefined,
      password: undefined,
      trustedCas: undefined,
      clientCertificate: undefined,
      maxRedirects: 5,
      connectTimeoutMs: 5000,
      readTimeoutMs: 5000,
      allowedAddresses: LOOPBACK,
      tokenRealms: [],
      maxManifestSize: 4 * 1024 * 1024,
      ...target,
    },
    new HostAddresses(
      resolve ?? ((host) => {
        const found = hosts[host];
        return found === undefined
          ? Promise.reject(new Error(`no address for ${host}`))
          : Promise.resolve(found);
      }),
    ),
  );
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

/** Rejects with a fault of the kind; gives it. */
export async function expectFault(
  work: Promise<unknown>,
  kind: UpstreamFaultKind,
  message?: RegExp,
): Promise<UpstreamFault> {
  const fault = await work.then(
    (value) => assert.fail(`it gave ${JSON.stringify(value)}`),
    (thrown) => thrown,
  );
  assert.ok(fault instanceof UpstreamFault, `${fault?.stack ?? fault}`);
  assert.equal(fault.kind, kind, fault.message);
  if (message !== undefined) assert.match(fault.message, message);
  return fault;
}

export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A private CA, the certificate of a server at loopback from it, and one for the client of that server. */
export function makeTlsPair(dnsNames: readonly string[] = []) {
  const ca = issueCertificate({ commonName: "CA", isAuthority: true });
  const server = issueCertificate({
    commonName: "upstream",
    issuer: ca,
    dnsNames,
    ipAddresses: ["127.0.0.1"],
    purposes: ["serverAuth"],
  });
  const own = issueCertificate({ commonName: "mirror", issuer: ca, purposes: ["clientAuth"] });
  return {
    caPem: ca.certificatePem,
    server: { certificate: server.certificatePem, privateKey: server.keyPem },
    client: { certificate: own.certificatePem, privateKey: own.keyPem },
  };
}

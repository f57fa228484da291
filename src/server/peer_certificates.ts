/** Certificates that a client presented, as bytes: what they are worth is for others to find out, again on each connection. */
import type { Socket } from "node:net";
import type { PeerCertificate } from "node:tls";

/** Certificates that are read of a chain; more are of no use to anybody honest. */
const MOST_CERTIFICATES = 32;

interface DetailedCertificate extends PeerCertificate {
  readonly issuerCertificate?: DetailedCertificate;
}

const chains = new WeakMap<Socket, { readonly chain: readonly Uint8Array[] | undefined }>();

/**
 * The client's certificates, DER, its own first; undefined when it presented none or speaks plain HTTP. Of a resumed
 * session they are those of its first handshake. The same array for every request of a connection.
 */
export function certificateChainOf(socket: Socket): readonly Uint8Array[] | undefined {
  let known = chains.get(socket);
  if (known === undefined) {
    known = { chain: readChain(socket) };
    chains.set(socket, known);
  }
  return known.chain;
}

function readChain(socket: Socket): readonly Uint8Array[] | undefined {
  const { getPeerCertificate } = socket as { getPeerCertificate?: (detailed: true) => DetailedCertificate };
  if (getPeerCertificate === undefined) return undefined;
  const chain: Uint8Array[] = [];
  const seen = new Set<DetailedCertificate>();
  let certificate: DetailedCertificate | undefined = getPeerCertificate.call(socket, true);
  while (certificate?.raw !== undefined && !seen.has(certificate) && chain.length < MOST_CERTIFICATES) {
    seen.add(certificate);
    chain.push(new Uint8Array(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return chain.length === 0 ? undefined : chain;
}

/** Certificates that a client presented, as bytes: what they are worth is for others to find out, again on each connection. */
import type { Socket } from "node:net";
import type { PeerCertificate } from "node:tls";

/** Certificates that are read of a chain; more are of no use to anybody honest. */
const MOST_CERTIFICATES = 32;

interface DetailedCertificate extends PeerCertificate {
  readonly issuerCertificate?: DetailedCertificate;
}

/** What is asked of a TLS socket. */
interface CertificateHolder {
  getPeerCertificate?(detailed: true): DetailedCertificate | undefined;
  /** undefined where the client presented none. @throws {Error} for one that cannot be read */
  getPeerX509Certificate?(): unknown;
}

const chains = new WeakMap<Socket, { readonly chain: readonly Uint8Array[] | undefined }>();

/**
 * The client's certificates, DER, its own first; undefined when it presented none or speaks plain HTTP. Of a resumed
 * session they are those of its first handshake. The same array for every request of a connection. One without bytes stands
 * for a certificate that the runtime cannot read: it was presented all the same.
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
  const holder = socket as CertificateHolder;
  if (holder.getPeerCertificate === undefined) return undefined;
  const chain: Uint8Array[] = [];
  const seen = new Set<DetailedCertificate>();
  let certificate = holder.getPeerCertificate(true);
  while (certificate?.raw !== undefined && !seen.has(certificate) && chain.length < MOST_CERTIFICATES) {
    seen.add(certificate);
    chain.push(new Uint8Array(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  if (chain.length > 0) return chain;
  return holdsUnreadable(holder) ? [new Uint8Array(0)] : undefined;
}

/** Of a certificate with a date that does not exist, say, the runtime tells as little as of none. */
function holdsUnreadable(holder: CertificateHolder): boolean {
  try {
    return holder.getPeerX509Certificate?.() !== undefined;
  } catch {
    return true;
  }
}

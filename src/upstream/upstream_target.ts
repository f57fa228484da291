/** One configured upstream, files read. */

/** A range of addresses. */
export interface AddressRange {
  /** IP literal. */
  readonly address: string;
  /** Leading bits that count. */
  readonly prefixLength: number;
}

export interface UpstreamTarget {
  /** `https://host[:port][/path]`, no credentials, no query; the path without a slash at its end. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM of the CAs that servers are trusted by. A thread that serves clients cannot read the system's. */
  readonly trustedCas: string | undefined;
  /** PEM; shown to the host of `url` only. */
  readonly clientCertificate: { readonly certificate: string; readonly privateKey: string } | undefined;
  readonly maxRedirects: number;
  readonly connectTimeoutMs: number;
  /** For the head of an answer, and then for each next piece of its body. */
  readonly readTimeoutMs: number;
  /** Addresses that are asked although they are not public. */
  readonly allowedAddresses: readonly AddressRange[];
  /** `host` or `host:port` of token services beyond the site of `url` that may see the credentials. */
  readonly tokenRealms: readonly string[];
  /** Bytes. */
  readonly maxManifestSize: number;
}

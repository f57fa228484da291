/** How large a blob of an upstream is, as the manifests say that name it: what an upstream sends beside that is a lie. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { Upstream, UpstreamBlob } from "../ports/upstream.ts";
import type { RemoteRepository } from "./mirror_source.ts";
import type { Registry } from "./registry.ts";

/** Manifests that are read for the size of one blob; a base layer is in thousands, which say the same. */
const MOST_MANIFESTS = 8;

/** Bytes of manifests that are read for one blob, the last one whole. The sizes of one that is as large are remembered. */
const LARGE = 256 * 1024;

/** Large manifests whose sizes are remembered: of an image with very many layers, each is asked for. */
const MOST_REMEMBERED = 2;

interface Sizes {
  readonly byDigest: ReadonlyMap<Digest, number>;
  /** Bytes that were read for it; 0 where it was remembered. */
  readonly read: number;
}

export class StatedSizes {
  readonly #registry: Pick<Registry, "metadata" | "manifests">;
  /** By digest, so never out of date. */
  readonly #large = new Map<Digest, Sizes>();

  constructor(registry: Pick<Registry, "metadata" | "manifests">) {
    this.#registry = registry;
  }

  /**
   * The sizes in bytes that manifests of the repository give a blob: one, where none of them lies; none, where it is
   * asked for by somebody who got its digest elsewhere.
   */
  async find(repository: RepositoryName, blob: Digest): Promise<readonly number[]> {
    const found = new Set<number>();
    let read = 0;
    for (const digest of await this.#registry.metadata.listManifestsWith(repository, blob, MOST_MANIFESTS)) {
      const sizes = this.#large.get(digest) ?? await this.#readSizes(repository, digest);
      if (sizes === undefined) continue;
      const size = sizes.byDigest.get(blob);
      if (size !== undefined) found.add(size);
      read += sizes.read;
      if (read >= LARGE) break;
    }
    return [...found];
  }

  /** undefined where its bytes are gone meanwhile, or damaged. */
  async #readSizes(repository: RepositoryName, digest: Digest): Promise<Sizes | undefined> {
    const { metadata, manifests } = this.#registry;
    const stored = await metadata.findManifest(repository, { kind: "digest", digest });
    if (stored === undefined) return undefined;
    const { mediaType, bytes } = stored;
    // The bytes are the store's.
    const { manifest } = await manifests.read({
      bytes: bytes.slice(),
      contentType: mediaType,
      stated: digest,
    });
    const byDigest = new Map(manifest.references.map((reference) => [reference.digest, reference.size]));
    const sizes = { byDigest, read: bytes.length };
    if (bytes.length >= LARGE) {
      this.#large.set(digest, { byDigest, read: 0 });
      for (const oldest of this.#large.keys()) {
        if (this.#large.size <= MOST_REMEMBERED) break;
        this.#large.delete(oldest);
      }
    }
    return sizes;
  }
}

/** What is asked of an upstream for one blob. */
export interface RemoteBlobs {
  readonly name: RepositoryName;
  readonly upstream: Pick<Upstream, "headBlob" | "getBlob">;
}

/**
 * The upstream, which throws an {@linkcode UpstreamFault} where it announces or sends another size than the manifests
 * say. Where it announces none, that of the manifests counts.
 *
 * @param sizes as {@linkcode StatedSizes} finds them; none lets everything through
 */
export function holdToSizes({ upstream, name }: RemoteRepository, sizes: readonly number[]): RemoteBlobs {
  if (sizes.length === 0) return { upstream, name };
  const check = (digest: Digest, size: number): void => {
    if (!sizes.includes(size)) throw otherSize(digest, `says that it has ${size}`, sizes);
  };
  return {
    name,
    upstream: {
      async headBlob(repository, digest) {
        const size = await upstream.headBlob(repository, digest);
        if (size !== undefined) check(digest, size);
        return size;
      },
      async getBlob(repository, digest, start) {
        const blob = await upstream.getBlob(repository, digest, start);
        if (blob === undefined) return undefined;
        if (blob.size === undefined) return ofUnknownSize(blob, digest, sizes);
        try {
          check(digest, blob.size);
        } catch (fault) {
          blob.abort();
          throw fault;
        }
        return blob;
      },
    },
  };
}

function ofUnknownSize(blob: UpstreamBlob, digest: Digest, sizes: readonly number[]): UpstreamBlob {
  // Whoever stores it counts up to the one size.
  if (sizes.length === 1) return { ...blob, size: sizes[0] };
  return { ...blob, chunks: upTo(blob, digest, sizes) };
}

/** Leaves off where more comes than any manifest says. */
async function* upTo(
  { chunks, start }: UpstreamBlob,
  digest: Digest,
  sizes: readonly number[],
): AsyncGenerator<Uint8Array> {
  const most = Math.max(...sizes);
  let offset = start;
  for await (const chunk of chunks) {
    offset += chunk.length;
    if (offset > most) throw otherSize(digest, "sends more", sizes);
    yield chunk;
  }
}

function otherSize(digest: Digest, what: string, sizes: readonly number[]): UpstreamFault {
  const stated = sizes.toSorted((a, b) => a - b).join(" or ");
  return new UpstreamFault(
    "broken",
    `the manifest says that blob ${digest} has ${stated} bytes, and the upstream ${what}`,
  );
}

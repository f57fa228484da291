/** The blobs of mirrors: one download each, whatever the number of those who wait for it. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import { Arrival } from "./arrival.ts";
import { shareUpstreamBlob, storeUpstreamBlob } from "./copy_from_upstream.ts";
import { Flights } from "./flights.ts";
import { askInOrder, type MirrorSource } from "./mirror_source.ts";
import type { MirrorWork } from "./mirror_work.ts";
import { blobUnknown } from "./pull.ts";
import { holdToSizes, type RemoteBlobs, StatedSizes } from "./stated_sizes.ts";
import { upstreamRefusal } from "./upstream_refusal.ts";

type Opening = PromiseWithResolvers<Arrival | undefined>;

export class MirrorBlobs {
  readonly #work: MirrorWork;
  /** Downloads under way, from the first question until the blob is stored. */
  readonly #underWay = new Map<string, Opening["promise"]>();
  readonly #sizes = new Flights<number>();
  readonly #stated: StatedSizes;

  constructor(work: MirrorWork) {
    this.#work = work;
    this.#stated = new StatedSizes(work.registry);
  }

  /**
   * As {@linkcode Mirrors} says. A download goes on when nobody waits for it any more: what it has brought so far would
   * be lost.
   */
  bring(repository: RepositoryName, digest: Digest): Promise<Arrival | undefined> {
    const key = keyOf(repository, digest);
    const joined = this.#underWay.get(key);
    if (joined !== undefined) return joined;
    const opening: Opening = Promise.withResolvers();
    this.#underWay.set(key, opening.promise);
    void this.#download(repository, digest, opening).finally(() => this.#underWay.delete(key));
    return opening.promise;
  }

  /** As {@linkcode Mirrors} says. */
  async sizeOf(repository: RepositoryName, digest: Digest): Promise<number> {
    const key = keyOf(repository, digest);
    const arrival = await this.#underWay.get(key);
    if (arrival !== undefined) return arrival.size;
    return await this.#sizes.join(key, async () => {
      const source = this.#work.openSource(repository);
      const size = source &&
        await source.questions.run(() =>
          this.#ask(source, repository, digest, ({ upstream, name }) => upstream.headBlob(name, digest))
        )
          .catch((fault) => {
            throw upstreamRefusal(fault, repository);
          });
      if (size === undefined) throw blobUnknown(repository, digest);
      return size;
    });
  }

  /** Never throws: who waits for the beginning hears of it by `opening`, and who reads along by the arrival. */
  async #download(repository: RepositoryName, digest: Digest, opening: Opening): Promise<void> {
    const { registry } = this.#work;
    let arrival: Arrival | undefined;
    try {
      if (await this.#isHeld(repository, digest)) return opening.resolve(undefined);
      const source = this.#work.openSource(repository);
      if (source === undefined) throw blobUnknown(repository, digest);
      await source.downloads.run(async () => {
        const found = await this.#ask(
          source,
          repository,
          digest,
          async (remote) =>
            await shareUpstreamBlob(registry, repository, digest, remote)
              ? "shared"
              : await remote.upstream.getBlob(remote.name, digest),
        );
        if (found === undefined) throw blobUnknown(repository, digest);
        if (found === "shared") return;
        const { size } = found;
        // Who does not know the size cannot announce it, and waits for the end.
        const watch = size === undefined ? undefined : {
          opened: (session: UploadSessionId) => opening.resolve(arrival = new Arrival(session, size)),
          written: (bytes: number) => arrival?.tell({ kind: "written", bytes }),
        };
        await storeUpstreamBlob(registry, repository, digest, found, {
          askForRest: (start) =>
            this.#ask(
              source,
              repository,
              digest,
              ({ upstream, name }) => upstream.getBlob(name, digest, start),
            ),
          ...(watch && { watch }),
        });
      });
      arrival?.tell({ kind: "complete" });
      opening.resolve(undefined);
    } catch (fault) {
      const refusal = upstreamRefusal(fault, repository);
      if (arrival !== undefined) {
        registry.log.warn("a blob of a mirror did not come to its end, and nothing of it is kept", {
          repository,
          digest,
          error: fault,
        });
      }
      arrival?.tell({ kind: "failed", fault: refusal });
      opening.reject(refusal);
    }
  }

  /** The answer of the first upstream that has a blob, of the size that the manifests say. @throws {UpstreamFault} */
  async #ask<T>(
    source: MirrorSource,
    repository: RepositoryName,
    digest: Digest,
    ask: (remote: RemoteBlobs) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const sizes = await this.#stated.find(repository, digest);
    return await askInOrder(source, (remote) => ask(holdToSizes(remote, sizes)));
  }

  async #isHeld(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const { metadata, blobs } = this.#work.registry;
    const held = await metadata.findBlob(repository, digest);
    return held !== undefined && await blobs.isWhole(held.file, held.size);
  }
}

function keyOf(repository: RepositoryName, digest: Digest): string {
  return `${repository}@${digest}`;
}

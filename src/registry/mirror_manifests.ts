/** The manifests of mirrors: what tags name upstream, brought here when it is asked for and the memory of it is old. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { StoredManifest } from "../ports/metadata_store.ts";
import type { TagFreshness } from "../ports/mirrors.ts";
import { storeUpstreamManifest } from "./copy_from_upstream.ts";
import { Flights } from "./flights.ts";
import { askInOrder, type MirrorSource, type RemoteRepository } from "./mirror_source.ts";
import type { MirrorWork } from "./mirror_work.ts";
import { manifestUnknown } from "./pull.ts";
import { TagMemory } from "./tag_memory.ts";
import { upstreamRefusal } from "./upstream_refusal.ts";

/** ms for which a tag is served from the copy before a failing upstream is tried again. */
const STALE_FOR = 10_000;

/** ms for which a tag that needs no question is not looked at again; a reload may change that it needs none. */
const SETTLED_FOR = 60_000;

/** True for what keeps an answer of an upstream from coming here: the upstream itself, no room for it, no turn. */
function isOutage(fault: unknown): fault is Error {
  return fault instanceof UpstreamFault ||
    (fault instanceof OciError && ["INSUFFICIENT_STORAGE", "UNAVAILABLE"].includes(fault.code));
}

export class MirrorManifests {
  readonly #work: MirrorWork;
  readonly #memory = new TagMemory();
  readonly #tags = new Flights<TagFreshness>();
  readonly #manifests = new Flights<void>();

  constructor(work: MirrorWork) {
    this.#work = work;
  }

  /** As {@linkcode Mirrors} says. */
  freshenTag(repository: RepositoryName, tag: Tag): Promise<TagFreshness> {
    return this.#tags.join(`${repository}:${tag}`, async () => {
      const { metadata } = this.#work.registry;
      const current = await metadata.findManifest(repository, { kind: "tag", tag });
      const known = this.#memory.find(repository, tag, current?.digest);
      if (known !== undefined) return known;
      const freshness = await this.#freshen(repository, tag, current);
      this.#memory.keep(repository, tag, freshness);
      return freshness;
    });
  }

  /** As {@linkcode Mirrors} says. */
  bring(repository: RepositoryName, digest: Digest): Promise<void> {
    return this.#manifests.join(`${repository}@${digest}`, async () => {
      const { registry } = this.#work;
      const reference = { kind: "digest", digest } as const;
      if (await registry.metadata.findManifest(repository, reference) !== undefined) return;
      const source = this.#work.openSource(repository);
      const found = source &&
        await source.questions.run(() =>
          askInOrder(source, async ({ upstream, name }) => {
            const manifest = await upstream.getManifest(name, reference);
            if (manifest !== undefined) await storeUpstreamManifest(registry, repository, manifest, []);
            return manifest && true;
          })
        ).catch((fault) => {
          throw upstreamRefusal(fault, repository);
        });
      if (found === undefined) throw manifestUnknown(repository, reference);
    });
  }

  async #freshen(
    repository: RepositoryName,
    tag: Tag,
    current: StoredManifest | undefined,
  ): Promise<TagFreshness> {
    const source = this.#work.openSource(repository);
    if (current !== undefined && (source === undefined || source.rules.revalidateAfter === Infinity)) {
      return { digest: current.digest, stale: false, freshFor: SETTLED_FOR };
    }
    if (source === undefined) throw manifestUnknown(repository, { kind: "tag", tag });
    const { rules } = source;
    let reason: string;
    try {
      const digest = await this.#ask(source, repository, tag, current);
      if (digest !== undefined) return { digest, stale: false, freshFor: rules.revalidateAfter };
      if (current === undefined || rules.onUpstreamNotFound === "fail") {
        throw manifestUnknown(repository, { kind: "tag", tag });
      }
      reason = "no upstream has the tag any more";
    } catch (fault) {
      if (current === undefined || !isOutage(fault) || rules.onUpstreamError === "fail") {
        throw upstreamRefusal(fault, repository);
      }
      reason = fault.message;
    }
    this.#work.registry.log.warn("a tag of a mirror is served from the copy here", {
      repository,
      tag,
      digest: current.digest,
      reason,
    });
    return { digest: current.digest, stale: true, freshFor: STALE_FOR };
  }

  /** What the tag names upstream, and then here too. */
  #ask(
    source: MirrorSource,
    repository: RepositoryName,
    tag: Tag,
    current: StoredManifest | undefined,
  ): Promise<Digest | undefined> {
    const ask = async ({ upstream, name }: RemoteRepository): Promise<Digest | undefined> => {
      const { registry } = this.#work;
      const reference = { kind: "tag", tag } as const;
      if (current !== undefined) {
        // It counts for nothing where pulls are limited.
        const head = await upstream.headManifest(name, reference, current.digest);
        if (head === undefined) return undefined;
        if (head === "unchanged") return current.digest;
        if (head !== "unknown digest") {
          if (head.digest === current.digest) return head.digest;
          const known = await registry.metadata.findManifest(repository, {
            kind: "digest",
            digest: head.digest,
          });
          if (known !== undefined) {
            await storeUpstreamManifest(registry, repository, { ...known, bytes: known.bytes.slice() }, [
              tag,
            ]);
            return known.digest;
          }
        }
      }
      const manifest = await upstream.getManifest(name, reference);
      if (manifest !== undefined && manifest.digest !== current?.digest) {
        await storeUpstreamManifest(registry, repository, manifest, [tag]);
      }
      return manifest?.digest;
    };
    return source.questions.run(() => askInOrder(source, ask));
  }
}

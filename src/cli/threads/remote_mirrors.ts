/** The mirrors as an HTTP thread sees them: behind the thread that asks the upstreams. */
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { faultOf } from "../../core/fault_message.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { PageRequest } from "../../ports/metadata_store.ts";
import type { ArrivingBlob, Mirrors, TagFreshness, UpstreamList } from "../../ports/mirrors.ts";
import { Arrival } from "../../registry/arrival.ts";
import { TagMemory } from "../../registry/tag_memory.ts";
import type {
  ArrivalMessage,
  BlobOnItsWay,
  MirrorAnswer,
  MirrorQuestion,
  TracedQuestion,
} from "./mirror_messages.ts";
import type { SpanContext } from "../tracing/span.ts";
import type { PortCalls } from "./port_calls.ts";

type MirrorCalls = PortCalls<TracedQuestion, MirrorAnswer>;

export class RemoteMirrors implements Mirrors {
  readonly #openThread: () => Promise<MirrorCalls>;
  readonly #currentSpan: () => SpanContext | undefined;
  #thread: Promise<MirrorCalls> | undefined;
  /** What needs no question to the other thread. */
  #tags = new TagMemory();
  readonly #blobs = new Map<string, Promise<Arrival | undefined>>();

  /**
   * @param openThread called once, when a mirror is first asked for something
   * @param currentSpan of the request that asks
   */
  constructor(
    openThread: () => Promise<MirrorCalls>,
    currentSpan: () => SpanContext | undefined = () => undefined,
  ) {
    this.#openThread = openThread;
    this.#currentSpan = currentSpan;
  }

  /** Called when the rules may have changed. */
  forgetTags(): void {
    this.#tags = new TagMemory();
  }

  async freshenTag(
    repository: RepositoryName,
    tag: Tag,
    current: Digest | undefined,
  ): Promise<TagFreshness> {
    const known = this.#tags.find(repository, tag, current);
    if (known !== undefined) return known;
    const tags = this.#tags;
    const freshness = await this.#ask<TagFreshness>({ kind: "tag", repository, tag });
    tags.keep(repository, tag, freshness);
    return freshness;
  }

  bringManifest(repository: RepositoryName, digest: Digest): Promise<void> {
    return this.#ask({ kind: "manifest", repository, digest });
  }

  /** All clients of this thread read along by one way. */
  bringBlob(repository: RepositoryName, digest: Digest): Promise<ArrivingBlob | undefined> {
    const key = `${repository}@${digest}`;
    const joined = this.#blobs.get(key);
    if (joined !== undefined) return joined;
    const asked = this.#ask<BlobOnItsWay | undefined>({ kind: "blob", repository, digest }).then(
      (blob) => blob && this.#follow(key, blob),
    );
    this.#blobs.set(key, asked);
    asked.then((arrival) => arrival ?? this.#blobs.delete(key), () => this.#blobs.delete(key));
    return asked;
  }

  sizeOfBlob(repository: RepositoryName, digest: Digest): Promise<number> {
    return this.#ask({ kind: "size", repository, digest });
  }

  listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<UpstreamList<Tag> | undefined> {
    return this.#ask({ kind: "tags", repository, page });
  }

  listReferrers(repository: RepositoryName, digest: Digest): Promise<UpstreamList<Descriptor>> {
    return this.#ask({ kind: "referrers", repository, digest });
  }

  #follow(key: string, { session, size, news }: BlobOnItsWay): Arrival {
    const arrival = new Arrival(session, size);
    news.onmessage = ({ data }: MessageEvent<ArrivalMessage>) => {
      arrival.tell(data.kind === "failed" ? { kind: "failed", fault: faultOf(data.fault, "mirror") } : data);
      if (data.kind === "written") return;
      news.close();
      this.#blobs.delete(key);
    };
    return arrival;
  }

  async #ask<A extends MirrorAnswer | void>(question: MirrorQuestion): Promise<A> {
    this.#thread ??= this.#openThread();
    const trace = this.#currentSpan();
    return await (await this.#thread).call(trace === undefined ? question : { ...question, trace }) as A;
  }
}

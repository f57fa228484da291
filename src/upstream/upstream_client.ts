/** The Upstream over HTTP: the requests of distribution-spec that pull. */
import type { Descriptor } from "../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { describeEntry, readIndexEntries } from "../core/index_entries.ts";
import { findMembers, forEachElement, kindAt, memberNames, rootOf, stringAt } from "../core/json_view.ts";
import { parseManifest } from "../core/manifest.ts";
import { OCI_INDEX } from "../core/media_type.ts";
import { formatReference, type Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { checkStrictJson } from "../core/strict_json.ts";
import { isTag, type Tag } from "../core/tag.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { ManifestHead, Upstream, UpstreamBlob, UpstreamManifest } from "../ports/upstream.ts";
import { AddressGuard } from "./address_guard.ts";
import { apiUrlOf } from "./docker_hub.ts";
import { type Answer, Exchanges } from "./exchange.ts";
import { HostAddresses } from "./host_addresses.ts";
import { readPages } from "./listing_pages.ts";
import { ACCEPTED_MANIFESTS, manifestTypeOf, readManifestAnswer, statedDigest } from "./manifest_answer.ts";
import { RegistryRequests } from "./registry_requests.ts";
import type { UpstreamTarget } from "./upstream_target.ts";

/** Entries that one page of tags is asked to hold. */
const PAGE = 1000;

/** Bytes of the pages of one list of referrers after which no further page is asked for: annotations can be long. */
const MOST_REFERRERS_BYTES = 4 * 1024 * 1024;

/** What registries without the referrers API say to its requests, beside the 404 that the spec has: Artifactory says 406. */
const NO_REFERRERS_API: ReadonlySet<number> = new Set([400, 405, 406]);

const TAGS = memberNames("tags");

export class UpstreamClient implements Upstream {
  readonly url: string;
  readonly #base: URL;
  readonly #maxManifestSize: number;
  readonly #exchanges: Exchanges;
  readonly #requests: RegistryRequests;

  constructor(target: UpstreamTarget, addresses: HostAddresses = new HostAddresses()) {
    this.url = target.url;
    this.#base = apiUrlOf(new URL(target.url));
    this.#maxManifestSize = target.maxManifestSize;
    this.#exchanges = new Exchanges({
      addresses,
      guard: new AddressGuard(target.allowedAddresses),
      tls: target,
      connectTimeoutMs: target.connectTimeoutMs,
      readTimeoutMs: target.readTimeoutMs,
    });
    this.#requests = new RegistryRequests(target, this.#base, this.#exchanges);
  }

  async headManifest(
    repository: RepositoryName,
    reference: Reference,
    known?: Digest,
  ): Promise<ManifestHead | "unchanged" | "unknown digest" | undefined> {
    const answer = await this.#ask("HEAD", repository, `manifests/${formatReference(reference)}`, {
      accept: ACCEPTED_MANIFESTS,
      // Registries make their entity tags of the digest; to one that does not it is a tag that it never gave.
      ...(known !== undefined && { "if-none-match": `"${known}"` }),
    });
    if (answer === undefined) return undefined;
    await answer.body.discard();
    if (answer.status === 304 && known !== undefined) return "unchanged";
    const [digest, mediaType] = [statedDigest(answer), manifestTypeOf(answer)];
    const size = readLength(answer.header("content-length"));
    if (reference.kind === "digest" && digest !== undefined && digest !== reference.digest) {
      throw new UpstreamFault(
        "broken",
        `"${this.#base.host}" says ${digest} of manifest ${reference.digest}`,
      );
    }
    if (digest === undefined || mediaType === undefined || size === undefined) return "unknown digest";
    return { digest, mediaType, size };
  }

  async getManifest(repository: RepositoryName, reference: Reference): Promise<UpstreamManifest | undefined> {
    const answer = await this.#ask("GET", repository, `manifests/${formatReference(reference)}`, {
      accept: ACCEPTED_MANIFESTS,
    });
    return answer && await readManifestAnswer(answer, this.#base.host, reference, this.#maxManifestSize);
  }

  async headBlob(repository: RepositoryName, digest: Digest): Promise<number | undefined> {
    const answer = await this.#ask("HEAD", repository, `blobs/${digest}`);
    if (answer === undefined) return undefined;
    await answer.body.discard();
    const size = readLength(answer.header("content-length"));
    if (size === undefined) {
      throw new UpstreamFault("broken", `"${this.#base.host}" does not say how large blob ${digest} is`);
    }
    return size;
  }

  async getBlob(repository: RepositoryName, digest: Digest, start = 0): Promise<UpstreamBlob | undefined> {
    const range: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` };
    const answer = await this.#ask("GET", repository, `blobs/${digest}`, range);
    if (answer === undefined) return undefined;
    const encoding = answer.header("content-encoding") ?? "identity";
    const length = readLength(answer.header("content-length"));
    const from = answer.status === 206 ? readStart(answer.header("content-range")) : 0;
    if (encoding !== "identity" || from === undefined || (from !== 0 && from !== start)) {
      answer.body.abort();
      throw new UpstreamFault(
        "broken",
        `"${this.#base.host}" sends blob ${digest} in a form that was not asked for`,
      );
    }
    return {
      size: length === undefined ? undefined : from + length,
      start: from,
      chunks: answer.body.chunks(),
      abort: () => answer.body.abort(),
    };
  }

  async listTags(repository: RepositoryName, limit: number): Promise<readonly Tag[] | undefined> {
    const tags = new Set<Tag>();
    let found = false;
    const pages = readPages(
      this.#urlOf(repository, `tags/list?n=${PAGE}`),
      (url) => this.#get(repository, url),
    );
    for await (const page of pages) {
      found = true;
      for (const tag of this.#readTags(page)) {
        if (tags.size < limit) tags.add(tag);
      }
      if (tags.size >= limit) break;
    }
    return found ? [...tags] : undefined;
  }

  async listReferrers(
    repository: RepositoryName,
    subject: Digest,
    limit: number,
  ): Promise<readonly Descriptor[]> {
    const found: Descriptor[] = [];
    let isThere = false;
    let bytes = 0;
    const pages = readPages(
      this.#urlOf(repository, `referrers/${subject}`),
      (url) => this.#getReferrers(repository, url),
    );
    for await (const page of pages) {
      isThere = true;
      found.push(...this.#readIndex(page, limit - found.length));
      bytes += page.length;
      if (found.length >= limit || bytes >= MOST_REFERRERS_BYTES) break;
    }
    return isThere ? found : await this.#listFallbackTag(repository, subject, limit);
  }

  close(): void {
    this.#exchanges.close();
  }

  /** Undefined also for an answer that is no list of referrers, since some registries answer 200 to what they do not know. */
  async #getReferrers(repository: RepositoryName, url: URL): Promise<Answer | undefined> {
    const scope = scopeOf(repository);
    const answer = await this.#requests.send({ method: "GET", url, scope, absent: NO_REFERRERS_API });
    if (answer === undefined || manifestTypeOf(answer) === OCI_INDEX) return answer;
    await answer.body.discard();
    return undefined;
  }

  /** Registries without the referrers API have a tag that lists them (distribution-spec "Referrers Tag Schema"). */
  async #listFallbackTag(
    repository: RepositoryName,
    subject: Digest,
    limit: number,
  ): Promise<readonly Descriptor[]> {
    const tag = `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}` as Tag;
    const manifest = await this.getManifest(repository, { kind: "tag", tag });
    if (manifest?.mediaType !== OCI_INDEX) return [];
    // GitLab takes the tag for the digest that it is made of, and what an index holds is not about it.
    if (manifest.digest === subject) return [];
    return this.#readIndex(manifest.bytes, limit);
  }

  #readIndex(bytes: Uint8Array, limit: number): Descriptor[] {
    try {
      parseManifest(bytes, OCI_INDEX);
    } catch (cause) {
      throw this.#unreadable("a list of referrers", cause);
    }
    return readIndexEntries(bytes).slice(0, limit).map((entry) => describeEntry(bytes, entry));
  }

  #readTags(bytes: Uint8Array): Tag[] {
    const tags: Tag[] = [];
    try {
      checkStrictJson(bytes);
      const root = rootOf(bytes);
      if (kindAt(bytes, root) !== "object") throw new Error("it is no object");
      const list = findMembers(bytes, root, TAGS).tags;
      if (list === undefined || kindAt(bytes, list) !== "array") return tags;
      forEachElement(bytes, list, (at) => {
        const tag = kindAt(bytes, at) === "string" ? stringAt(bytes, at) : undefined;
        if (tag !== undefined && isTag(tag)) tags.push(tag);
      });
    } catch (cause) {
      throw this.#unreadable("a list of tags", cause);
    }
    return tags;
  }

  #unreadable(what: string, cause: unknown): UpstreamFault {
    const reason = (cause as Error).message;
    return new UpstreamFault("broken", `"${this.#base.host}" sends ${what} that cannot be read: ${reason}`, {
      cause,
    });
  }

  #ask(
    method: "GET" | "HEAD",
    repository: RepositoryName,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer | undefined> {
    return this.#requests.send({
      method,
      url: this.#urlOf(repository, path),
      scope: scopeOf(repository),
      headers,
    });
  }

  #get(repository: RepositoryName, url: URL): Promise<Answer | undefined> {
    return this.#requests.send({ method: "GET", url, scope: scopeOf(repository) });
  }

  #urlOf(repository: RepositoryName, path: string): URL {
    return new URL(`/v2/${repository}/${path}`, this.#base.origin);
  }
}

function scopeOf(repository: RepositoryName): string {
  return `repository:${repository}:pull`;
}

function readLength(header: string | undefined): number | undefined {
  return header !== undefined && /^[0-9]{1,15}$/.test(header) ? Number(header) : undefined;
}

/** First byte of `bytes 10-19/20`. */
function readStart(header: string | undefined): number | undefined {
  const first = /^bytes ([0-9]{1,15})-/.exec(header ?? "")?.[1];
  return first === undefined ? undefined : Number(first);
}

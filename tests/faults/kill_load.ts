/** Clients that do everything that changes a registry until it is gone, and remember what was answered. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import {
  type Change,
  ExpectedContent,
  type ExpectedManifest,
  type RepositoryState,
  type Restart,
  withBlob,
  withManifest,
  withoutBlob,
  withoutManifest,
  withoutTag,
} from "./expected_content.ts";
import { makeNumberedManifest, type ManifestParts, OCI_MANIFEST } from "./numbered_manifest.ts";
import { readRepository } from "./read_repository.ts";
import { type Answer, CHANGE_HEADER, pathOf, send } from "./send_request.ts";
import { UploadInPieces } from "./upload_in_pieces.ts";

/** Images that a client keeps. */
const MOST_IMAGES = 6;

export interface KillClientOptions {
  readonly repository: string;
  /** ms for which the registry keeps what it has told of, whatever it collects. */
  readonly promiseMs: number;
  /** The clients from whose repositories this one mounts. */
  readonly others: readonly KillClient[];
}

/** Has a repository of its own and goes on over restarts of the registry. */
export class KillClient {
  readonly repository: string;
  readonly #promiseMs: number;
  readonly #others: readonly KillClient[];
  readonly #expected: ExpectedContent;
  readonly #upload: UploadInPieces;
  #url = "";
  #made = 0;
  #lastLayer = randomBytes(1000);

  constructor({ repository, promiseMs, others }: KillClientOptions) {
    this.repository = repository;
    this.#promiseMs = promiseMs;
    this.#others = others;
    this.#expected = new ExpectedContent(promiseMs);
    this.#upload = new UploadInPieces(this.#expected);
  }

  /** Number of acknowledged writes so far. */
  get acknowledged(): number {
    return this.#expected.acknowledged + this.#upload.acknowledged;
  }

  /** Every change that it has asked for, in order. */
  get changes(): readonly Change[] {
    return this.#expected.changes;
  }

  /** Works until a request fails because nobody is there any more. */
  async workUntilKilled(url: string): Promise<void> {
    try {
      while (true) await this.step(url);
    } catch (error) {
      // fetch() rejects with a TypeError when the connection breaks; everything else is a wrong answer.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Reads the repository back: it is as the answers said, and all of it hashes right. */
  async check(url: string, { killedAt, startedAt }: Restart): Promise<void> {
    this.#url = url;
    const found = await readRepository(this.#base, this.#expected.worthAsking);
    // Ages are counted in time that registries ran.
    const at = (): number => killedAt + performance.now() - startedAt;
    this.#expected.reconcile(found, at());
    await this.#upload.check(this.#base, at);
  }

  /** Finishes the upload that is under way. */
  finishUpload(): Promise<void> {
    return this.#upload.finish(this.#base);
  }

  get #base(): string {
    return `${this.#url}/v2/${this.repository}`;
  }

  /** The manifests that are not about another. */
  get #images(): [Digest, ExpectedManifest][] {
    return [...this.#expected.sure.manifests].filter(([_, { subject }]) => subject === undefined);
  }

  /** Does one of the things that it does. */
  async step(url: string): Promise<void> {
    this.#url = url;
    const { tags } = this.#expected.sure;
    if (this.#images.length > MOST_IMAGES) return await this.#deleteManifest();
    const dice = Math.random();
    if (dice < 0.3) await this.#pushImage();
    else if (dice < 0.38) await this.#refer();
    else if (dice < 0.45) await this.#deleteTag(pick([...tags.keys()]));
    else if (dice < 0.52) await this.#pushForNothing();
    else if (dice < 0.56) await this.#fillThrowaway();
    else if (dice < 0.6) await this.#cancelUpload();
    else if (dice < 0.65) await this.#deleteManifest();
    else await this.#upload.append(this.#base);
  }

  /** A new image under one of three tags, so that most pushes move one. */
  async #pushImage(): Promise<void> {
    const begun = performance.now();
    const config = await this.#pushBlob(randomBytes(200));
    await this.#pushManifest(begun, { config, layers: [await this.#bringLayer()] }, `t${this.#made % 3}`);
  }

  /** A signature of one of the manifests. */
  async #refer(): Promise<void> {
    const [subject] = pick(this.#images) ?? [];
    if (subject === undefined) return;
    const begun = performance.now();
    await this.#pushManifest(begun, { config: await this.#pushBlob(randomBytes(100)), layers: [], subject });
  }

  /** As clients do: mounts it, finds it, sends it again, or sends it for the first time. */
  async #bringLayer(): Promise<Digest> {
    const dice = Math.random();
    const mounted = dice < 0.25 ? await this.#mount() : undefined;
    if (mounted !== undefined) return mounted;
    const known = dice < 0.45 ? await this.#find() : undefined;
    if (known !== undefined) return known;
    if (dice > 0.6) this.#lastLayer = randomBytes(1000 + 40_000 * (this.#made % 5));
    return await this.#pushBlob(this.#lastLayer);
  }

  async #pushBlob(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    const change = withBlob(digest, bytes.length);
    await this.#change(change, [201], "POST", `blobs/uploads/?digest=${digest}`, bytes);
    return digest;
  }

  async #mount(): Promise<Digest | undefined> {
    const other = pick(this.#others);
    const [digest, blob] = pick(other === undefined ? [] : [...other.#expected.sure.blobs]) ?? [];
    if (digest === undefined) return undefined;
    const path = `blobs/uploads/?mount=${digest}&from=${other!.repository}`;
    const answer = await this.#change(withBlob(digest, blob!.size), [201, 202], "POST", path);
    if (answer.status === 201) return digest;
    // It has gone from there meanwhile.
    await this.#send([204], "DELETE", pathOf(answer));
    return undefined;
  }

  /** Undefined where it is not there any more. */
  async #find(): Promise<Digest | undefined> {
    const [digest, blob] = pick([...this.#expected.sure.blobs]) ?? [];
    if (digest === undefined) return undefined;
    const before = this.#expected.sure;
    const answer = await this.#change(withBlob(digest, blob!.size), [200, 404], "HEAD", `blobs/${digest}`);
    if (answer.status === 200) return digest;
    this.#assertCollected(before, digest);
    return undefined;
  }

  /** @param begun when the first of its blobs was asked for */
  async #pushManifest(begun: number, parts: ManifestParts, tag?: string): Promise<void> {
    const { config, layers, subject } = parts;
    const { blobs } = this.#expected.sure;
    const bytes = makeNumberedManifest(parts, this.#made++, (blob) => blobs.get(blob)!.size);
    const digest = digestOf(bytes);
    const change = withManifest(digest, { blobs: [config, ...layers], ...(subject && { subject }) }, tag);
    const answer = await this.#change(change, [201, 404], "PUT", `manifests/${tag ?? digest}`, bytes);
    const took = performance.now() - begun;
    assert.ok(answer.status === 201 || took > this.#promiseMs, `${answer.text} after ${took} ms`);
  }

  async #deleteTag(tag: string | undefined): Promise<void> {
    if (tag !== undefined) await this.#delete(withoutTag(tag), [202], `manifests/${tag}`);
  }

  /** One that is not about another: what is, goes with that by itself. */
  async #deleteManifest(): Promise<void> {
    const [digest] = pick(this.#images) ?? [];
    if (digest !== undefined) await this.#delete(withoutManifest(digest), [202], `manifests/${digest}`);
  }

  /** A blob that no manifest names: deleted, or left to the collection. */
  async #pushForNothing(): Promise<void> {
    const digest = await this.#pushBlob(randomBytes(500));
    if (Math.random() < 0.3) return;
    const before = this.#expected.sure;
    const { status } = await this.#delete(withoutBlob(digest), [202, 404], `blobs/${digest}`);
    if (status === 404) this.#assertCollected(before, digest);
  }

  /** Of a blob that is gone; to be asked when that was answered, for the request may have taken its time. */
  #assertCollected(before: RepositoryState, digest: Digest): void {
    const mayBeGone = this.#expected.mayBeCollected(before, digest, performance.now());
    assert.ok(mayBeGone, `blob ${digest} is lost`);
  }

  /** A repository that nobody wants again, with a blob that nobody wants again. */
  async #fillThrowaway(): Promise<void> {
    const bytes = randomBytes(300);
    const path = `/v2/${this.repository}/throwaway-${this.#made++}/blobs/uploads/?digest=${digestOf(bytes)}`;
    await this.#send([201], "POST", path, bytes);
  }

  async #cancelUpload(): Promise<void> {
    const location = pathOf(await this.#send([202], "POST", "blobs/uploads/"));
    await this.#send([202], "PATCH", location, randomBytes(2000));
    await this.#send([204], "DELETE", location);
  }

  /** A request that changes something when it is answered with the first of the expected status codes. */
  async #change(
    change: Change,
    expected: readonly number[],
    method: string,
    path: string,
    body?: Uint8Array,
  ): Promise<Answer> {
    const number = this.#expected.begin(change);
    const answer = await this.#send(expected, method, path, body, number);
    if (answer.status === expected[0]) this.#expected.acknowledge();
    else this.#expected.refuse();
    return answer;
  }

  /** Whatever it is answered with, it is gone. */
  async #delete(change: Change, expected: readonly number[], path: string): Promise<Answer> {
    const number = this.#expected.begin(change);
    const answer = await this.#send(expected, "DELETE", path, undefined, number);
    this.#expected.acknowledge();
    return answer;
  }

  #send(
    expected: readonly number[],
    method: string,
    path: string,
    body?: Uint8Array,
    change?: number,
  ): Promise<Answer> {
    const base = path.startsWith("/") ? this.#url : `${this.#base}/`;
    const type = path.startsWith("manifests/") ? OCI_MANIFEST : "application/octet-stream";
    return send(expected, method, `${base}${path}`, body, {
      "content-type": type,
      ...(change !== undefined && { [CHANGE_HEADER]: `${change}` }),
    });
  }
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

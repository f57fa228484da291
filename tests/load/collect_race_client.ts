/** A client that pushes, mounts, tags and deletes without a break, and never may be told that a blob is unknown. */
import assert from "node:assert/strict";
import { describeContent, digestOf, makeContent, makeJsonContent } from "../harness/build_images.ts";
import type { Content } from "../harness/build_images.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

/**
 * Blobs that all clients push, and where to: so many that a blob of a repository is wanted about as often as a grace ends, and
 * is collected, found, mounted and pushed at the same moment.
 */
const SHARED_BLOBS = 300;
const REPOSITORIES = 6;

/** Images that one client keeps: what is referenced is never collected, which is only a part of what is to be tried. */
const MOST_IMAGES = 4;

interface Image {
  readonly repository: string;
  readonly manifest: Content;
  readonly blobs: readonly Content[];
  /** undefined where the tag was deleted or moved on. */
  tag: string | undefined;
  readonly referrers: Content[];
}

/** What all clients together have done. */
export class RaceTally {
  /** Pushes, checks, deletes: each some requests. */
  operations = 0;
  requests = 0;
  pushes = 0;
  mounts = 0;
  deletes = 0;
  /** Blobs that the server said it has. */
  found = 0;
  /** Manifests that came later than the server promises to wait, and that it refused. */
  tooLate = 0;
  slowestPushMs = 0;
}

export interface RaceOptions {
  readonly url: string;
  readonly client: number;
  readonly tally: RaceTally;
  /** ms for which a client may count on what it was told. */
  readonly promiseMs: number;
}

export class RaceClient {
  readonly #options: RaceOptions;
  readonly #images: Image[] = [];
  #made = 0;

  constructor(options: RaceOptions) {
    this.#options = options;
  }

  /** What must be there, with everything below it. */
  get images(): readonly Image[] {
    return this.#images;
  }

  async step(): Promise<void> {
    this.#options.tally.operations++;
    const dice = Math.random();
    const image = pick(this.#images);
    if (image === undefined) return await this.#pushImage();
    if (this.#images.length > MOST_IMAGES) return await this.#deleteImage(image);
    if (dice < 0.6) return await this.#pushImage();
    if (dice < 0.7) return await this.check(image);
    if (dice < 0.8) return await this.#refer(image);
    if (dice < 0.9) return await this.#pushForNothing();
    return await this.#deleteTag(image);
  }

  /** Everything of an image is there and hashes right. */
  async check({ repository, manifest, blobs, tag, referrers }: Image): Promise<void> {
    for (const reference of tag === undefined ? [manifest.digest] : [manifest.digest, tag]) {
      const answer = await this.#send(
        200,
        "GET",
        `${repository}/manifests/${reference}`,
        undefined,
        MANIFEST,
      );
      assert.equal(digestOf(await answer.bytes()), manifest.digest);
    }
    for (const blob of blobs) {
      const answer = await this.#send(200, "GET", `${repository}/blobs/${blob.digest}`);
      assert.equal(digestOf(await answer.bytes()), blob.digest);
    }
    const answer = await this.#send(200, "GET", `${repository}/referrers/${manifest.digest}`);
    const { manifests } = await answer.json();
    assert.deepEqual(
      manifests.map(({ digest }: { digest: string }) => digest).sort(),
      referrers.map(({ digest }) => digest).sort(),
    );
  }

  async #pushImage(): Promise<void> {
    const repository = anyRepository();
    const config = this.#makeConfig();
    const layers = [sharedBlob(), sharedBlob()];
    const begun = performance.now();
    for (const blob of [config, ...layers]) await this.#bringBlob(repository, blob);
    const manifest = makeJsonContent(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: describeContent(config),
      layers: layers.map(describeContent),
    });
    const tag = `t${this.#options.client}-${this.#made % 5}`;
    if (!await this.#pushManifest(repository, manifest, tag, begun)) return;
    for (const other of this.#images) {
      if (other.repository === repository && other.tag === tag) other.tag = undefined;
    }
    const image = { repository, manifest, blobs: [config, ...layers], tag, referrers: [] };
    this.#images.push(image);
    if (Math.random() < 0.2) await this.check(image);
  }

  /** A signature, whose config is a blob of everybody's. */
  async #refer(image: Image): Promise<void> {
    const config = sharedBlob();
    const begun = performance.now();
    await this.#bringBlob(image.repository, config);
    const referrer = makeJsonContent(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: "application/x-test",
      config: describeContent(config),
      layers: [],
      subject: describeContent(image.manifest),
      annotations: { of: `${this.#options.client}-${this.#made++}` },
    });
    if (await this.#pushManifest(image.repository, referrer, referrer.digest, begun)) {
      image.referrers.push(referrer);
    }
  }

  async #pushForNothing(): Promise<void> {
    await this.#bringBlob(anyRepository(), Math.random() < 0.5 ? sharedBlob() : this.#makeConfig());
  }

  async #deleteTag(image: Image): Promise<void> {
    if (image.tag === undefined) return;
    this.#options.tally.deletes++;
    await this.#send(202, "DELETE", `${image.repository}/manifests/${image.tag}`);
    image.tag = undefined;
  }

  async #deleteImage(image: Image): Promise<void> {
    this.#images.splice(this.#images.indexOf(image), 1);
    this.#options.tally.deletes++;
    await this.#send(202, "DELETE", `${image.repository}/manifests/${image.manifest.digest}`);
  }

  /** Asks for a blob, mounts it or uploads it, as real clients do; whatever the server answers counts for the manifest. */
  async #bringBlob(repository: string, blob: Content): Promise<void> {
    const { tally } = this.#options;
    if (Math.random() < 0.7) {
      const answer = await this.#request("HEAD", `${repository}/blobs/${blob.digest}`);
      if (answer.status === 200) {
        tally.found++;
        return;
      }
      assert.equal(answer.status, 404);
    }
    const way = Math.random();
    if (way < 0.5) {
      const from = Math.random() < 0.7 ? `&from=${anyRepository()}` : "";
      const answer = await this.#request("POST", `${repository}/blobs/uploads/?mount=${blob.digest}${from}`);
      if (answer.status === 201) {
        tally.mounts++;
        return;
      }
      assert.equal(answer.status, 202);
      await this.#finish(answer.headers.get("location")!, blob);
    } else if (way < 0.75) {
      await this.#send(201, "POST", `${repository}/blobs/uploads/?digest=${blob.digest}`, blob.bytes);
    } else {
      const answer = await this.#send(202, "POST", `${repository}/blobs/uploads/`);
      await this.#finish(answer.headers.get("location")!, blob);
    }
  }

  async #finish(location: string, { digest, bytes }: Content): Promise<void> {
    const url = new URL(location, this.#options.url);
    url.searchParams.set("digest", digest);
    await this.#send(201, "PUT", url.href, bytes);
  }

  /** False where the client itself was too slow. @param begun when it asked for the first blob */
  async #pushManifest(repository: string, manifest: Content, reference: string, begun: number) {
    const { tally, promiseMs } = this.#options;
    const answer = await this.#request(
      "PUT",
      `${repository}/manifests/${reference}`,
      manifest.bytes,
      MANIFEST,
    );
    const took = performance.now() - begun;
    tally.slowestPushMs = Math.max(tally.slowestPushMs, took);
    if (answer.status === 404 && took > promiseMs) {
      tally.tooLate++;
      return false;
    }
    assert.equal(answer.status, 201, `${answer.text} after ${Math.round(took)} ms in ${repository}`);
    tally.pushes++;
    return true;
  }

  #makeConfig(): Content {
    return makeJsonContent(CONFIG, { client: this.#options.client, made: this.#made++ });
  }

  async #send(expected: number, method: string, path: string, body?: Uint8Array, type?: string) {
    const answer = await this.#request(method, path, body, type);
    assert.equal(answer.status, expected, `${method} ${path}: ${answer.text}`);
    return answer;
  }

  /** @param path below /v2/, or a URL */
  async #request(method: string, path: string, body?: Uint8Array, type?: string) {
    const { url, tally } = this.#options;
    tally.requests++;
    const headers = type === undefined ? {} : { accept: type, "content-type": type };
    const response = await fetch(path.startsWith("http") ? path : `${url}/v2/${path}`, {
      method,
      headers,
      ...(body && { body: body as BodyInit }),
    });
    const bytes = await response.bytes();
    return {
      status: response.status,
      headers: response.headers,
      bytes: async () => bytes,
      json: async () => JSON.parse(new TextDecoder().decode(bytes)),
      get text() {
        return new TextDecoder().decode(bytes).slice(0, 300);
      },
    };
  }
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

function anyRepository(): string {
  return `race/${Math.floor(Math.random() * REPOSITORIES)}`;
}

function sharedBlob(): Content {
  const which = Math.floor(Math.random() * SHARED_BLOBS);
  return makeContent(LAYER, new TextEncoder().encode(`layer ${which} `.repeat(20 + which)));
}

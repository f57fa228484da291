/** Clients that push in a loop until their registry is gone, and remember what was acknowledged. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { digestOf, randomBytes, utf8 } from "../model/bytes.ts";

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";

interface Upload {
  readonly bytes: Uint8Array;
  /** Path and query of the session. */
  location: string;
  /** Bytes that the registry said it has. */
  acknowledged: number;
}

/** One client with a repository of its own; goes on over restarts of the registry. */
export class PushingClient {
  readonly repository: string;
  readonly #blobs = new Map<Digest, number>();
  readonly #manifests = new Set<Digest>();
  /** What each tag may name: the last acknowledged push, and one after it that got no answer. */
  readonly #tags = new Map<string, Digest[]>();
  #upload: Upload | undefined;
  #pushed = 0;

  constructor(repository: string) {
    this.repository = repository;
  }

  /** Number of acknowledged writes so far. */
  get acknowledged(): number {
    return this.#blobs.size + this.#manifests.size;
  }

  /** Pushes images and pieces of a large blob until a request fails because nobody is there any more. */
  async pushUntilKilled(url: string): Promise<void> {
    try {
      while (true) {
        await this.#pushImage(url);
        await this.#appendPiece(url);
      }
    } catch (error) {
      // fetch() rejects with a TypeError when the connection breaks; everything else is a wrong answer.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Reads back everything that was ever acknowledged, and whatever a tag names. */
  async check(url: string): Promise<void> {
    for (const [digest, size] of this.#blobs) await this.#checkBlob(url, digest, size);
    for (const digest of this.#manifests) await this.#readManifest(url, digest);
    for (const [tag, allowed] of this.#tags) {
      const response = await this.#send(url, 200, "HEAD", `manifests/${tag}`);
      const digest = response.headers.get("docker-content-digest") as Digest;
      assert.ok(allowed.includes(digest), `tag ${tag} names ${digest}, expected one of ${allowed}`);
    }
    const { tags } = await (await this.#send(url, 200, "GET", "tags/list")).json();
    for (const tag of tags) await this.#readManifest(url, tag);
  }

  /** Asks how far the large blob came, sends the rest, and finishes it. */
  async finishUpload(url: string): Promise<void> {
    if (this.#upload === undefined) return;
    const { bytes, location, acknowledged } = this.#upload;
    this.#upload = undefined;
    const status = await this.#send(url, 204, "GET", location);
    const range = status.headers.get("range")!;
    // "0-0" is said of no byte and of one byte.
    const offset = range === "0-0" ? 0 : Number(range.slice(2)) + 1;
    assert.ok(offset >= acknowledged, `the registry has ${offset} bytes, it had said ${acknowledged}`);
    const digest = digestOf(bytes);
    const end = `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`;
    await this.#send(url, 201, "PUT", end, bytes.slice(offset), {
      "content-range": `${offset}-${bytes.length - 1}`,
    });
    await this.#checkBlob(url, digest, bytes.length);
    this.#blobs.set(digest, bytes.length);
  }

  async #pushImage(url: string): Promise<void> {
    const [config, layer] = [randomBytes(200), randomBytes(1000 + 40_000 * (this.#pushed % 5))];
    for (const bytes of [config, layer]) {
      const digest = digestOf(bytes);
      await this.#send(url, 201, "POST", `blobs/uploads/?digest=${digest}`, bytes);
      this.#blobs.set(digest, bytes.length);
    }
    const manifest = utf8(JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: OCI_LAYER, digest: digestOf(layer), size: layer.length }],
    }));
    const digest = digestOf(manifest);
    const tag = `t${this.#pushed++ % 3}`;
    const former = this.#tags.get(tag);
    if (former !== undefined) this.#tags.set(tag, [...former, digest]);
    await this.#send(url, 201, "PUT", `manifests/${tag}`, manifest, { "content-type": OCI_MANIFEST });
    this.#tags.set(tag, [digest]);
    this.#manifests.add(digest);
  }

  async #appendPiece(url: string): Promise<void> {
    if (this.#upload === undefined) {
      const response = await this.#send(url, 202, "POST", "blobs/uploads/");
      this.#upload = { bytes: randomBytes(20_000_000), location: pathOf(response, url), acknowledged: 0 };
    }
    const upload = this.#upload;
    const piece = upload.bytes.slice(upload.acknowledged, upload.acknowledged + 100_000);
    const response = await this.#send(url, 202, "PATCH", upload.location, piece);
    upload.acknowledged += piece.length;
    upload.location = pathOf(response, url);
  }

  async #checkBlob(url: string, digest: Digest, size: number): Promise<void> {
    const bytes = await (await this.#send(url, 200, "GET", `blobs/${digest}`)).bytes();
    assert.equal(bytes.length, size);
    assert.equal(digestOf(bytes), digest);
  }

  /** A manifest hashes right, and so does everything that it names. */
  async #readManifest(url: string, reference: string): Promise<void> {
    const response = await this.#send(url, 200, "GET", `manifests/${reference}`, undefined, {
      accept: OCI_MANIFEST,
    });
    const bytes = await response.bytes();
    assert.equal(digestOf(bytes), response.headers.get("docker-content-digest"));
    const { config, layers } = JSON.parse(new TextDecoder().decode(bytes));
    for (const { digest, size } of [config, ...layers]) {
      if (!this.#blobs.has(digest)) await this.#checkBlob(url, digest, size);
    }
  }

  /** @param path below the repository, or from the root when it begins with a slash */
  async #send(
    url: string,
    expected: number,
    method: string,
    path: string,
    body?: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const target = path.startsWith("/") ? `${url}${path}` : `${url}/v2/${this.repository}/${path}`;
    const response = await fetch(target, { method, headers, ...(body && { body: body as BodyInit }) });
    if (response.status !== expected) {
      assert.fail(
        `${method} ${path} answered ${response.status}, expected ${expected}: ${await response.text()}`,
      );
    }
    if (method !== "GET") await response.body?.cancel();
    return response;
  }
}

function pathOf(response: Response, url: string): string {
  const { pathname, search } = new URL(response.headers.get("location")!, url);
  return pathname + search;
}

/** Speaks the distribution API to a running registry, where a test needs a request that no client makes. */

import { type BuiltImage, type BuiltIndex, type Content, listContents } from "./build_images.ts";
import type { RunningRegistry } from "./start_registry.ts";

/** What a client shows in the handshake: its certificate, then the intermediates, and its key. PEM. */
export interface ClientIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Sends requests that trust the test authority; dispose it at the end of the test. */
export class RegistryApi implements Disposable {
  readonly #url: string;
  readonly #client: Deno.HttpClient;

  /** @param identity the client certificate to show, none when absent */
  constructor(registry: Pick<RunningRegistry, "url" | "caPem">, identity?: ClientIdentity) {
    this.#url = registry.url;
    const caCerts = [registry.caPem];
    this.#client = Deno.createHttpClient(
      identity === undefined ? { caCerts } : { caCerts, cert: identity.certificatePem, key: identity.keyPem },
    );
  }

  /** Requests a path such as "/v2/", or a Location as the registry gave it. */
  async request(method: string, pathOrUrl: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(pathOrUrl, this.#url);
    return await fetch(url, { ...init, method, client: this.#client, redirect: "manual" });
  }

  /** Requests and throws an Error with the body unless the status is the expected one. */
  async expect(status: number, method: string, pathOrUrl: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.request(method, pathOrUrl, init);
    if (response.status !== status) {
      const body = await response.text();
      throw new Error(`${method} ${pathOrUrl} answered ${response.status}, expected ${status}: ${body}`);
    }
    return response;
  }

  /** Opens an upload session and gives its location (spec end-4a). */
  async openUpload(repository: string): Promise<string> {
    const response = await this.expect(202, "POST", `/v2/${repository}/blobs/uploads/`);
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (location === null) throw new Error("The answer to POST of an upload has no Location");
    return location;
  }

  /** Pushes one blob (POST, then PUT with the whole content; spec end-6). */
  async pushBlob(repository: string, content: Content): Promise<void> {
    const url = new URL(await this.openUpload(repository), this.#url);
    url.searchParams.set("digest", content.digest);
    const response = await this.expect(201, "PUT", url.href, {
      body: new Uint8Array(content.bytes),
      headers: { "content-type": "application/octet-stream" },
    });
    await response.body?.cancel();
  }

  /** Pushes one manifest under a tag or its digest (spec end-7). */
  async pushManifest(repository: string, content: Content, reference: string): Promise<void> {
    const response = await this.expect(201, "PUT", `/v2/${repository}/manifests/${reference}`, {
      body: new Uint8Array(content.bytes),
      headers: { "content-type": content.mediaType },
    });
    await response.body?.cancel();
  }

  /** Pushes an image or index with all its content, the top manifest under `tag`. */
  async pushImage(repository: string, built: BuiltImage | BuiltIndex, tag: string): Promise<void> {
    const top = "index" in built ? built.index : built.manifest;
    for (const content of listContents(built)) {
      const isManifest = /\.(manifest|index|list)\.v\d\+json$/.test(content.mediaType);
      if (content === top) await this.pushManifest(repository, content, tag);
      else if (isManifest) await this.pushManifest(repository, content, content.digest);
      else await this.pushBlob(repository, content);
    }
  }

  /** The digest that a tag names now, or undefined when there is none. */
  async findDigest(repository: string, reference: string): Promise<string | undefined> {
    const response = await this.request("HEAD", `/v2/${repository}/manifests/${reference}`, {
      headers: {
        accept: [
          "application/vnd.oci.image.manifest.v1+json",
          "application/vnd.oci.image.index.v1+json",
          "application/vnd.docker.distribution.manifest.v2+json",
          "application/vnd.docker.distribution.manifest.list.v2+json",
        ].join(", "),
      },
    });
    return response.status === 404 ? undefined : response.headers.get("docker-content-digest") ?? undefined;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

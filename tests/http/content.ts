/** Content to push in tests, and the shortest ways to push it. */
import assert from "node:assert/strict";
import type { Digest, DigestAlgorithm } from "../../src/core/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/core/media_type.ts";
import { digestOf, randomBytes, utf8 } from "../model/bytes.ts";
import type { Answer, Client } from "./request_builder.ts";

export interface Content {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

export interface ManifestContent extends Content {
  readonly mediaType: string;
}

export function makeBlob(size = 100, algorithm: DigestAlgorithm = "sha256"): Content {
  return contentOf(randomBytes(size), algorithm);
}

export function contentOf(content: Uint8Array | string, algorithm: DigestAlgorithm = "sha256"): Content {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return { bytes, digest: digestOf(bytes, algorithm) };
}

/** An image manifest over the given blobs; `more` goes into it as it is. */
export function makeManifest(
  config: Content,
  layers: readonly Content[] = [],
  more: Record<string, unknown> = {},
  algorithm: DigestAlgorithm = "sha256",
): ManifestContent {
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, "application/vnd.oci.image.config.v1+json"),
    layers: layers.map((layer) => descriptorOf(layer, "application/vnd.oci.image.layer.v1.tar+gzip")),
    ...more,
  };
  return { ...contentOf(JSON.stringify(manifest), algorithm), mediaType: OCI_MANIFEST };
}

export function makeIndex(
  manifests: readonly ManifestContent[],
  more: Record<string, unknown> = {},
  algorithm: DigestAlgorithm = "sha256",
): ManifestContent {
  const index = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: manifests.map((manifest) => descriptorOf(manifest, manifest.mediaType)),
    ...more,
  };
  return { ...contentOf(JSON.stringify(index), algorithm), mediaType: OCI_INDEX };
}

export function descriptorOf({ bytes, digest }: Content, mediaType: string) {
  return { mediaType, digest, size: bytes.length };
}

/** Pushes a blob in one request. */
export async function pushBlob(client: Client, repository: string, blob: Content): Promise<Answer> {
  const answer = await client.send("POST", `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`, {
    body: blob.bytes,
  });
  assert.equal(answer.status, 201, answer.text);
  return answer;
}

export async function putManifest(
  client: Client,
  repository: string,
  reference: string,
  manifest: ManifestContent,
): Promise<Answer> {
  return await client.send("PUT", `/v2/${repository}/manifests/${reference}`, {
    headers: { "content-type": manifest.mediaType },
    body: manifest.bytes,
  });
}

/** Pushes config, layers and manifest, and lets `tag` name it. */
export async function pushImage(
  client: Client,
  repository: string,
  tag: string,
  more: Record<string, unknown> = {},
): Promise<{ manifest: ManifestContent; config: Content; layer: Content }> {
  const [config, layer] = [makeBlob(), makeBlob()];
  await pushBlob(client, repository, config);
  await pushBlob(client, repository, layer);
  const manifest = makeManifest(config, [layer], more);
  const answer = await putManifest(client, repository, tag, manifest);
  assert.equal(answer.status, 201, answer.text);
  return { manifest, config, layer };
}

/** Opens an upload session and returns its path. */
export async function startSession(client: Client, repository: string, query = ""): Promise<string> {
  const answer = await client.send("POST", `/v2/${repository}/blobs/uploads/${query}`);
  assert.equal(answer.status, 202, answer.text);
  return answer.headers["location"]!;
}

/** Asserts a refusal: status, code, a sentence, and JSON in the spec's form. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["content-length"], String(answer.body.length));
  const { errors } = answer.json;
  assert.equal(errors.length, 1);
  assert.equal(errors[0].code, code);
  assert.ok(errors[0].message.length > 10, `no sentence: ${errors[0].message}`);
}

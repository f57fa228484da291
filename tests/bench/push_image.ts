/** Pushes one small image as clients do: config, layer, then the manifest under a tag. */
import { createHash } from "node:crypto";
import type { WireClient } from "./wire_client.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

export interface ImageBytes {
  readonly config: Uint8Array;
  readonly layer: Uint8Array;
}

/** Pushes an image whose blobs are new to the registry; gives the digest of its config. */
export async function pushImage(
  client: WireClient,
  name: string,
  tag: string,
  image: ImageBytes,
): Promise<string> {
  const config = await pushBlob(client, name, image.config, "application/vnd.oci.image.config.v1+json");
  const layer = await pushBlob(client, name, image.layer, "application/vnd.oci.image.layer.v1.tar");
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] });
  await client.send(201, "PUT", `/v2/${name}/manifests/${tag}`, new TextEncoder().encode(manifest), MANIFEST);
  return config.digest;
}

/** HEAD, POST, PUT; gives the descriptor. */
async function pushBlob(client: WireClient, name: string, bytes: Uint8Array, mediaType: string) {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await client.send(404, "HEAD", `/v2/${name}/blobs/${digest}`);
  const { location } = await client.send(202, "POST", `/v2/${name}/blobs/uploads/`);
  if (location === undefined) throw new Error("the answer to POST of an upload has no Location");
  await client.send(201, "PUT", `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`, bytes);
  return { mediaType, digest, size: bytes.length };
}

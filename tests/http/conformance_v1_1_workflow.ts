/** The manner of the OCI conformance suite v1.1.1: workflows of rows, in order, on one registry each. */
import { digestOf } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { type Content, descriptorOf, makeManifest, type ManifestContent, startSession } from "./content.ts";
import { type Answer, type Client, makeClient } from "./request_builder.ts";

export const REPO = "conformance/v1.1.1";
export const OCI = "application/vnd.oci.image.manifest.v1+json";
export const OCTETS = { "content-type": "application/octet-stream" };
export const DUMMY = digestOf("hello world");
export const INVALID = ".INVALID_MANIFEST_NAME";

export type Row = (title: string, run: () => Promise<void>) => Promise<boolean>;

export function testWorkflow(name: string, run: (client: Client, row: Row) => Promise<void>): void {
  Deno.test(`conformance (v1.1.1): ${name}`, async (t) => {
    await run(makeClient(makeModelRegistry()), (title, row) => t.step(title, row));
  });
}

export async function upload(client: Client, { bytes, digest }: Content): Promise<Answer> {
  const session = await startSession(client, REPO);
  return await client.send("PUT", `${session}?digest=${digest}`, { headers: OCTETS, body: bytes });
}

export async function status(client: Client, method: string, path: string): Promise<number> {
  return (await client.send(method, `/v2/${REPO}/${path}`, { headers: { accept: OCI } })).status;
}

/** The suite's manifests: inline data and an unknown field in the config's descriptor. */
export function suiteManifest(config: Content, layers: readonly Content[]): ManifestContent {
  const descriptor = {
    ...descriptorOf(config, "application/vnd.oci.image.config.v1+json"),
    data: btoa(String.fromCharCode(...config.bytes)),
    newUnspecifiedField: btoa("hello world"),
  };
  return makeManifest(config, layers, { config: descriptor });
}

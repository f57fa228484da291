/** Clients push and pull over plain HTTP as well. */

import assert from "node:assert/strict";
import { buildImage, writeOciLayout } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const needs = { programs: ["crane", "skopeo"] };
const shared = shareRegistry(needs, { tls: false });
const test = testWith(needs);

test("crane pushes over plain HTTP and skopeo pulls the same digest", async () => {
  const image = buildImage({ layerSizes: [2_000_000, 1] });
  await writeOciLayout(`${shared.workDir}/plain`, image, "v1");
  await shared.run(["crane", "push", "--insecure", "plain", shared.at("plain/one:v1")]);
  const source = `docker://${shared.at("plain/one:v1")}`;
  await shared.runIsolated(["skopeo", "copy", "--src-tls-verify=false", source, "oci:plain-back:v1"]);
  const layout = JSON.parse(await Deno.readTextFile(`${shared.workDir}/plain-back/index.json`));
  assert.equal(layout.manifests[0].digest, image.manifest.digest);
});

/** A mirror in front of distribution's registry, the one that most others are made of. */

import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildIndex, listContents } from "../harness/build_images.ts";
import { writeServerCertificate } from "../harness/certificates.ts";
import { DISTRIBUTION } from "../harness/distribution_registry.ts";
import { testWith } from "../harness/real_clients.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { ServerProcess } from "../harness/server_process.ts";
import { repo } from "../storage/temp_storage.ts";
import { digest, makeClient, tagged } from "../upstream/upstream_trial.ts";
import { startRegistry } from "../harness/start_registry.ts";

testWith({ programs: [DISTRIBUTION] })(
  "an index with all that it names comes from distribution over TLS, and stays when that is gone",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "distribution-" });
    try {
      const tls = await writeServerCertificate(folder);
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr;
      listener.close();
      await Deno.writeTextFile(
        `${folder}/config.yml`,
        JSON.stringify({
          version: "0.1",
          storage: { filesystem: { rootdirectory: `${folder}/data` } },
          http: {
            addr: `127.0.0.1:${port}`,
            secret: "test",
            tls: { certificate: tls.certificateFile, key: tls.keyFile },
          },
        }),
      );
      const distribution = new ServerProcess("distribution", DISTRIBUTION, {
        args: ["serve", `${folder}/config.yml`],
        env: { OTEL_TRACES_EXPORTER: "none" },
      });
      const url = `https://127.0.0.1:${port}`;
      try {
        await distribution.waitForLine(
          "that it listens",
          (line) => line.includes("listening on") || undefined,
        );
        const built = buildIndex({ layerSizes: [2_000_000, 10] });
        using upstream = new RegistryApi({ url, caPem: await Deno.readTextFile(tls.caFile) });
        await upstream.pushImage("library/app", built, "v1");
        await using mirror = await startRegistry({
          tls: false,
          config: `[repository."hub"]
revalidate_after = 0
[[repository."hub".upstream]]
url = "${url}"
server_ca_bundle = "${tls.caFile}"
allowed_addresses = ["127.0.0.1"]
[global.access_policy]
default_allow = true`,
        });
        using api = new RegistryApi(mirror);
        const pullAll = async (): Promise<void> => {
          for (const { mediaType, digest, bytes } of listContents(built).reverse()) {
            const kind = /(manifest|index)\.v1\+json$/.test(mediaType) ? "manifests" : "blobs";
            const answer = await api.expect(200, "GET", `/v2/hub/library/app/${kind}/${digest}`);
            assertSameBytes(new Uint8Array(await answer.arrayBuffer()), bytes);
          }
        };
        assert.equal(await api.findDigest("hub/library/app", "v1"), built.index.digest);
        await pullAll();
        const tags = await (await api.expect(200, "GET", "/v2/hub/library/app/tags/list")).json();
        assert.deepEqual(tags.tags, ["v1"]);
        using client = makeClient({ url, trustedCas: await Deno.readTextFile(tls.caFile) });
        const head = await client.headManifest(repo("library/app"), tagged("v1"), digest(built.index.digest));
        assert.equal(head, "unchanged", "it answers 304");
        const unknown = await api.request("GET", "/v2/hub/library/app/manifests/v2");
        assert.equal(unknown.status, 404);
        await unknown.body?.cancel();
        await distribution.stop();
        await pullAll();
        const stale = await api.expect(200, "GET", "/v2/hub/library/app/manifests/v1");
        assert.equal(stale.headers.get("warning"), '110 simple-registry "Response is Stale"');
        await stale.body?.cancel();
      } finally {
        await distribution.stop();
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

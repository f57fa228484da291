/** buildkit with a client certificate, set up by what `client-config` prints: it builds on an image here and pushes its own. */

import assert from "node:assert/strict";
import { buildImage } from "../harness/build_images.ts";
import { REGISTRY_NAME } from "../harness/certificates.ts";
import { startBuildkitd } from "../harness/client_engines.ts";
import { testWith } from "../harness/real_clients.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { runCommand } from "../harness/run_command.ts";
import { registryProgram, startRegistry } from "../harness/start_registry.ts";
import { makePeople } from "../mtls/identity_files.ts";

testWith({ programs: ["buildkitd", "buildctl", "runc", "unshare"], root: true })(
  "buildkit pulls and pushes with the certificate that client-config names to it",
  async () => {
    const people = makePeople();
    await using registry = await startRegistry({
      clientAuth: people.clientAuth,
      config: `[global.access_policy]\nrules = ["identity.certificate.common_names.contains('admin')"]`,
    });
    using api = new RegistryApi(registry, people.admin);
    const base = buildImage();
    await api.pushImage("team/base", base, "v1");
    const folder = await Deno.makeTempDir({ prefix: "buildkit-" });
    try {
      const [cert, key] = [`${folder}/client.pem`, `${folder}/client.key`];
      await Deno.writeTextFile(cert, people.admin.certificatePem);
      await Deno.writeTextFile(key, people.admin.keyPem);
      const host = `${REGISTRY_NAME}:${registry.port}`;
      const printed = await runCommand([
        ...await registryProgram(),
        ...["client-config", "--host", host, "--for", "buildkit"],
        ...["--ca", registry.caFile, "--cert", cert, "--key", key],
      ]);
      await Deno.mkdir(`${folder}/context`);
      await Deno.writeTextFile(
        `${folder}/context/Dockerfile`,
        `FROM ${host}/team/base:v1\nLABEL built=here\n`,
      );
      await using engine = await startBuildkitd(printed.stdout);
      await engine.run([
        ...["build", "--progress=plain", "--frontend", "dockerfile.v0"],
        ...["--local", `context=${folder}/context`, "--local", `dockerfile=${folder}/context`],
        ...["--opt", "platform=linux/amd64", "--output", `type=image,name=${host}/team/built:v1,push=true`],
      ]);
      const answer = await api.expect(200, "GET", "/v2/team/built/manifests/v1");
      const { layers } = await answer.json();
      assert.deepEqual(
        layers.map(({ digest }: { digest: string }) => digest),
        base.layers.map(({ digest }) => digest),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

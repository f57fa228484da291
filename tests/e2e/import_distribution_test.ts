/** The data directory of distribution's registry, filled by real clients, and taken over beside the running server. */
import assert from "node:assert/strict";
import { makeBundleTrial } from "../cli/commands/bundle_trial.ts";
import {
  buildImage,
  buildIndex,
  describeContent,
  makeContent,
  makeJsonContent,
  writeOciLayout,
} from "../harness/build_images.ts";
import { DISTRIBUTION, startDistribution } from "../harness/distribution_registry.ts";
import { testWith } from "../harness/real_clients.ts";
import { runCommand } from "../harness/run_command.ts";

testWith({ programs: [DISTRIBUTION, "crane", "oras"] })(
  "what crane and oras pushed to distribution is pulled from here with the same digests, referrers and tags",
  async () => {
    await using trial = await makeBundleTrial();
    const { folder } = trial;
    const run = (...argv: string[]) =>
      runCommand(argv, { cwd: folder, env: { HOME: folder, PATH: Deno.env.get("PATH")! } });
    const digests = new Map<string, string>();
    const names = ["team/app:v1", "team/app:latest", "library/base:3"];
    {
      await using distribution = await startDistribution(folder);
      const index = buildIndex({ layerSizes: [300_000, 10] });
      const image = buildImage({ docker: true });
      await writeOciLayout(`${folder}/index`, index, "v1");
      await run(
        "oras",
        "cp",
        "--from-oci-layout",
        `${folder}/index:v1`,
        "--to-plain-http",
        `${distribution.host}/team/app:v1`,
      );
      await run("crane", "tag", "--insecure", `${distribution.host}/team/app:v1`, "latest");
      await writeOciLayout(`${folder}/image`, image, "v1");
      await run(
        "oras",
        "cp",
        "--from-oci-layout",
        `${folder}/image:v1`,
        "--to-plain-http",
        `${distribution.host}/library/base:3`,
      );
      await Deno.writeTextFile(`${folder}/sbom.json`, "{}");
      await run(
        "oras",
        "attach",
        "--plain-http",
        "--artifact-type",
        "application/sbom",
        `${distribution.host}/team/app:v1`,
        "sbom.json",
      );
      // What was deleted there stays away.
      await run(
        "oras",
        "cp",
        "--from-oci-layout",
        `${folder}/image:v1`,
        "--to-plain-http",
        `${distribution.host}/gone:1`,
      );
      await run("oras", "manifest", "delete", "--force", "--plain-http", `${distribution.host}/gone:1`);
      for (const name of names) {
        digests.set(
          name,
          (await run("crane", "digest", "--insecure", `${distribution.host}/${name}`)).stdout.trim(),
        );
      }
      digests.set("referrers", await referrersOf(run, `${distribution.host}/team/app:v1`));
    }
    const dry = await trial.run("import", "--from-distribution", `${folder}/data`, "--dry-run", "--json");
    assert.equal(dry.code, 0, dry.stdout + dry.stderr);
    assert.equal(await trial.api.findDigest("team/app", "v1"), undefined);
    const came = await trial.run("import", "--from-distribution", `${folder}/data`, "--json");
    assert.equal(came.code, 0, came.stdout + came.stderr);
    const [planned, report] = [JSON.parse(dry.stdout), JSON.parse(came.stdout)];
    assert.deepEqual([planned.manifests, planned.tags, planned.bytes], [
      report.manifests,
      report.tags,
      report.bytes,
    ]);
    for (const name of names) {
      const { stdout } = await run("crane", "digest", "--insecure", `${trial.registry.host}/${name}`);
      assert.equal(stdout.trim(), digests.get(name));
      // Reads and checks every blob of every platform.
      await run("crane", "validate", "--insecure", "--remote", `${trial.registry.host}/${name}`);
    }
    assert.equal(await referrersOf(run, `${trial.registry.host}/team/app:v1`), digests.get("referrers"));
    assert.equal(await trial.api.findDigest("gone", "1"), undefined);

    const again = await trial.run("import", "--from-distribution", `${folder}/data`);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /^everything is here already$/m);
    assert.equal((await trial.run("scrub")).code, 0);
  },
);

async function referrersOf(
  run: (...argv: string[]) => Promise<{ stdout: string }>,
  name: string,
): Promise<string> {
  const { stdout } = await run("oras", "discover", "--plain-http", "--format", "json", name);
  const digests = [...stdout.matchAll(/"digest": "(sha256:[0-9a-f]+)"/g)].map((match) => match[1]);
  return [...new Set(digests)].sort().join("\n");
}

testWith({ programs: ["skopeo", "crane", "oras", "regctl"] })(
  "layouts that skopeo, crane, oras and regctl write come, with all platforms and referrers",
  async () => {
    await using trial = await makeBundleTrial();
    const { folder, registry, api } = trial;
    const env = { HOME: folder, PATH: Deno.env.get("PATH")! };
    const run = (...argv: string[]) => runCommand(argv, { cwd: folder, env });
    const index = buildIndex();
    await api.pushImage("from/app", index, "v1");
    const subject = index.index;
    const [config, layer] = [
      makeJsonContent("application/vnd.oci.empty.v1+json", {}),
      makeContent("text/plain", new Uint8Array([1])),
    ];
    const sbom = makeJsonContent("application/vnd.oci.image.manifest.v1+json", {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: "application/sbom",
      config: describeContent(config),
      layers: [describeContent(layer)],
      subject: describeContent(subject),
    });
    for (const blob of [config, layer]) await api.pushBlob("from/app", blob);
    await api.pushManifest("from/app", sbom, sbom.digest);

    const name = `${registry.host}/from/app:v1`;
    await run("regctl", "registry", "set", registry.host, "--tls", "disabled", "--skip-check");
    await run(
      "skopeo",
      "copy",
      "--all",
      "--src-tls-verify=false",
      `docker://${name}`,
      `oci:${folder}/skopeo:v1`,
    );
    await run("crane", "pull", "--insecure", "--format", "oci", name, `${folder}/crane`);
    await run("oras", "cp", "-r", "--from-plain-http", name, "--to-oci-layout", `${folder}/oras:v1`);
    await run("regctl", "image", "copy", "--referrers", name, `ocidir://${folder}/regctl:v1`);
    for (const client of ["skopeo", "crane", "oras", "regctl"]) {
      const to = `to/${client}`;
      const { code, stdout, stderr } = await trial.run("import", "--from-layout", client, "--repository", to);
      assert.equal(code, 0, `${client}: ${stdout}${stderr}`);
      // crane keeps no tag.
      const found = client === "crane" ? subject.digest : "v1";
      assert.equal(await api.findDigest(to, found), subject.digest, client);
      for (const { manifest } of index.images) {
        assert.equal(await api.findDigest(to, manifest.digest), manifest.digest, client);
      }
      if (client === "oras" || client === "regctl") {
        const referrers = await (await api.expect(200, "GET", `/v2/${to}/referrers/${subject.digest}`))
          .json();
        assert.deepEqual(
          referrers.manifests.map(({ digest }: { digest: string }) => digest),
          [sbom.digest],
          client,
        );
      }
    }
    assert.equal((await trial.run("scrub")).code, 0);
  },
);

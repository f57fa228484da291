/** Commands beside a running registry, each with the threads that it needs: those of the binary are all in it. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { captureCommand } from "../harness/run_command.ts";
import { registryProgram, startRegistry } from "../harness/start_registry.ts";

Deno.test("every command on content works beside a running registry, with the program as it is shipped", async (t) => {
  await using registry = await startRegistry({ tls: false });
  const folder = dirname(registry.caFile);
  const program = [...await registryProgram(), "-c", `${folder}/config.toml`];
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await captureCommand([...program, ...args], { cwd: folder });
    assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  await push(registry.url, "team/app");
  await t.step("status", async () => assert.match(await run("status"), /^version: /m));
  await t.step("doctor", async () => assert.match(await run("doctor"), /^ok +database: .*without faults/m));
  await t.step("scrub", async () => {
    assert.match(await run("scrub"), /1 blobs .* and 1 manifests read: nothing wrong/);
  });
  await t.step("collect", async () => assert.match(await run("collect", "--dry-run"), /would go: nothing/));
  await t.step("retention", async () => assert.match(await run("retention", "--dry-run"), /would go: 0 of/));
  await t.step(
    "tags",
    async () => assert.match(await run("tags", "history", "team/app", "v1"), /names sha256:/),
  );
  await t.step("backup", async () => {
    const report = JSON.parse(await run("export", "--backup", "backup", "--json"));
    assert.deepEqual([report.blobs, report.damaged], [1, 0]);
  });
  await t.step("export and import", async () => {
    await run("export", "--bundle", "bundle.tar", "team/app");
    const { manifests } = JSON.parse(await run("import", "bundle.tar", "--to", "copy", "--json"));
    assert.equal(manifests.came, 1);
    const answer = await fetch(`${registry.url}/v2/copy/team/app/manifests/v1`);
    await answer.body?.cancel();
    assert.equal(answer.status, 200);
  });
  await t.step("a large manifest, which is read in a thread of its own", async () => {
    await push(registry.url, "team/large", "x".repeat(300_000));
  });
  await t.step("what needs no server", async () => {
    assert.match(await run("systemd-unit"), /^ExecStart=/m);
    assert.match(await run("completion", "bash"), /^complete -F /m);
  });
});

/** Pushes a manifest of one blob, with an annotation that makes it as large as is wished. */
async function push(url: string, repository: string, annotation = ""): Promise<void> {
  const digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  const blob = await fetch(`${url}/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: "{}",
  });
  assert.equal(blob.status, 201, await blob.text());
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await fetch(`${url}/v2/${repository}/manifests/v1`, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 },
      layers: [],
      annotations: { "org.example.note": annotation },
    }),
  });
  assert.equal(manifest.status, 201, await manifest.text());
}

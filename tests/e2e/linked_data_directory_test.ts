/** A data directory behind a symbolic link, as that of a service of systemd with a user of the moment is. */
import assert from "node:assert/strict";
import { captureCommand } from "../harness/run_command.ts";
import { registryProgram, startRegistry } from "../harness/start_registry.ts";

Deno.test("a registry whose data directory is behind a symbolic link takes pushes, serves them and looks them over", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/private/data`, { recursive: true });
  await Deno.symlink("private/data", `${folder}/data`);
  {
    await using registry = await startRegistry({ tls: false, rootDir: `${folder}/data` });
    const blob = new TextEncoder().encode("a layer");
    const digest = `sha256:${new Uint8Array(await crypto.subtle.digest("SHA-256", blob)).toHex()}`;
    const pushed = await fetch(`${registry.url}/v2/app/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      body: blob,
    });
    assert.equal(pushed.status, 201, await pushed.text());
    const pulled = await fetch(`${registry.url}/v2/app/blobs/${digest}`);
    assert.equal(await pulled.text(), "a layer");
    await Deno.writeTextFile(`${folder}/config.toml`, `[blob_store.fs]\nroot_dir = "${folder}/data"\n`);
    const scrub = [...await registryProgram(), "-c", `${folder}/config.toml`, "scrub"];
    const { code, stdout, stderr } = await captureCommand(scrub);
    assert.equal(code, 0, stdout + stderr);
  }
  await Deno.remove(folder, { recursive: true });
});

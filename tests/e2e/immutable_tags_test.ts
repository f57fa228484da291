/** What real clients show of a tag that must not move. */
import assert from "node:assert/strict";
import { buildImage, randomBytes, writeOciLayout } from "../harness/build_images.ts";
import { startDockerd } from "../harness/client_engines.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";

const shared = shareRegistry({ programs: [] }, { config: "[global]\nimmutable_tags = true" });
const SENTENCE = /Cannot push tag "v1" of repository "[a-z]+": it is immutable and names sha256:[0-9a-f]{64}/;

testWith({ programs: ["docker", "dockerd", "containerd", "unshare"], root: true })(
  "docker pushes an immutable tag twice, and shows why another image under it is refused",
  async () => {
    await using engine = await startDockerd(shared.registry);
    const reference = shared.at("docker:v1");
    const load = () =>
      engine.run(["import", "-", reference], { stdin: makeTar({ "a.bin": randomBytes(1000) }) });
    await load();
    await engine.run(["push", reference]);
    await engine.run(["push", reference]);
    await load();
    await assert.rejects(engine.run(["push", reference]), SENTENCE);
  },
);

testWith({ programs: ["crane"] })(
  "crane shows why a push, a copy and a delete of an immutable tag are refused",
  async () => {
    const env = { SSL_CERT_FILE: shared.registry.caFile };
    for (const name of ["one", "two"]) await writeOciLayout(`${shared.workDir}/${name}`, buildImage(), "v1");
    await shared.run(["crane", "push", `${shared.workDir}/one`, shared.at("crane:v1")], { env });
    await shared.run(["crane", "push", `${shared.workDir}/one`, shared.at("crane:v1")], { env });
    const pushed = await shared.runFailing(
      ["crane", "push", `${shared.workDir}/two`, shared.at("crane:v1")],
      { env },
    );
    assert.match(pushed.stderr, SENTENCE);
    const deleted = await shared.runFailing(["crane", "delete", shared.at("crane:v1")], { env });
    assert.match(deleted.stderr, /tag "v1" is immutable/);
  },
);

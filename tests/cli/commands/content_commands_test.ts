/** `retention`, `tags` and `delete` as people type them, beside a running server and without one. */
import assert from "node:assert/strict";
import { buildImage } from "../../harness/build_images.ts";
import { RegistryApi } from "../../harness/registry_api.ts";
import { runCommand, runFailingCommand } from "../../harness/run_command.ts";
import { registryProgram, type RunningRegistry, startRegistry } from "../../harness/start_registry.ts";

const CONFIG = `
[global]
immutable_tags_exclusions = ["latest", "pr-.*"]
[global.retention_policy]
rules = ["image.tag == 'latest'"]
[repository."fixed"]
immutable_tags = true`;

interface Trial extends AsyncDisposable {
  readonly registry: RunningRegistry;
  readonly api: RegistryApi;
  /** Runs the program on the configuration of the server; gives what it prints. */
  run(...args: string[]): Promise<string>;
  /** The same for a run that must fail. */
  fail(...args: string[]): Promise<{ stdout: string; stderr: string }>;
}

async function makeTrial(): Promise<Trial> {
  const registry = await startRegistry({ tls: false, server: "threads = 1", config: CONFIG });
  const api = new RegistryApi(registry);
  const folder = await Deno.makeTempDir({ prefix: "commands-" });
  const file = `${folder}/config.toml`;
  await Deno.writeTextFile(
    file,
    `[blob_store.fs]\nroot_dir = ${JSON.stringify(registry.rootDir)}\n${CONFIG}\n`,
  );
  const words = async (args: string[]) => [...await registryProgram(), "-c", file, ...args];
  return {
    registry,
    api,
    run: async (...args) => (await runCommand(await words(args))).stdout,
    fail: async (...args) => await runFailingCommand(await words(args)),
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]();
      await registry[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("tags history shows the moves of a tag, and tags restore takes one back, also while no server runs", async () => {
  await using trial = await makeTrial();
  const [one, two] = [buildImage(), buildImage()];
  await trial.api.pushImage("app", one, "v1");
  await trial.api.pushImage("app", two, "v1");
  const history = await trial.run("tags", "history", "app", "v1");
  const lines = history.trim().split("\n");
  assert.equal(lines[0], `app:v1 names ${two.manifest.digest}`);
  assert.match(
    lines[1]!,
    new RegExp(`^\\d{4}-.*Z names ${two.manifest.digest}, before ${one.manifest.digest}$`),
  );
  assert.match(lines[2]!, new RegExp(`Z names ${one.manifest.digest}$`));
  assert.equal(
    await trial.run("tags", "restore", "app", "v1", "--to", one.manifest.digest),
    `app:v1 names ${one.manifest.digest} again (before: ${two.manifest.digest})\n`,
  );
  assert.equal(await trial.api.findDigest("app", "v1"), one.manifest.digest);
  const refused = await trial.fail("tags", "restore", "app", "v1", "--to", `sha256:${"0".repeat(64)}`);
  assert.match(refused.stderr, /its history does not hold that it named it/);
  await trial.registry.stop();
  const { changes } = JSON.parse(await trial.run("tags", "history", "app", "v1", "--json"));
  assert.equal(changes.length, 3);
  await trial.run("tags", "restore", "app", "v1", "--to", two.manifest.digest);
});

Deno.test("retention says in a dry run what goes, stops at its share, and goes beyond it when told to", async () => {
  await using trial = await makeTrial();
  for (const tag of ["latest", "v1", "v2"]) await trial.api.pushImage("app", buildImage(), tag);
  const dry = await trial.run("retention", "--dry-run", "--max-removals-percent", "70");
  assert.match(
    dry,
    /^app:v1 \(sha256:[0-9a-f]{64}\): no rule keeps it\napp:v2 .*\nwould go: 2 of 3 tags, 0 of 3 manifests/,
  );
  const stopped = await trial.fail("retention");
  assert.match(stopped.stdout, /nothing was removed: 2 of 3 tags \(66 %\) would go/);
  assert.match(
    await trial.run("retention", "--max-removals-percent=67"),
    /removed: 2 of 3 tags, 0 of 3 manifests/,
  );
  assert.equal(await trial.api.findDigest("app", "v1"), undefined);
  assert.notEqual(await trial.api.findDigest("app", "latest"), undefined);
  const report = JSON.parse(await trial.run("retention", "--json"));
  assert.deepEqual([report.dry_run, report.tags, report.judged.tags], [false, 0, 1]);
  await trial.registry.process.waitForLine(
    "the log of a removal",
    (line) => line.includes('"retention removed"') && line.includes('"v1"') || undefined,
  );
});

Deno.test("delete takes the tags that fit a pattern, leaves immutable ones, and tells both", async () => {
  await using trial = await makeTrial();
  for (const tag of ["pr-1", "pr-2", "v1"]) await trial.api.pushImage("fixed", buildImage(), tag);
  assert.equal(
    (await trial.run("delete", "fixed", "--tags", "*", "--older-than", "1d")).trim(),
    "deleted 0 tags",
  );
  const dry = await trial.run("delete", "fixed", "--tags", "*", "--dry-run");
  assert.match(
    dry,
    /^fixed:pr-1 \(sha256:.*\)\nfixed:pr-2 .*\nfixed:v1 stays: it is immutable\nwould delete 2 tags\n$/,
  );
  assert.match(await trial.run("delete", "fixed", "--tags", "pr-?"), /deleted 2 tags\n$/);
  assert.equal(await trial.api.findDigest("fixed", "pr-1"), undefined);
  assert.notEqual(await trial.api.findDigest("fixed", "v1"), undefined);
  assert.match(
    (await trial.fail("delete", "nothing", "--tags", "*")).stderr,
    /no tags in repository "nothing"/,
  );
});

Deno.test("what is typed wrongly is told with the right form, and exits 2", async () => {
  for (
    const [args, message] of [
      [["tags", "history", "app"], /tags history REPOSITORY TAG/],
      [["tags", "restore", "app", "v1"], /needs --to DIGEST/],
      [["delete", "app"], /needs --tags/],
      [["delete", "app", "--tags", "*", "--older-than", "soon"], /a duration such as 30d or 12h, not soon/],
      [["retention", "--max-removals-percent", "101"], /a whole number from 0 to 100, not 101/],
    ] as const
  ) {
    const result = await runFailingCommand([...await registryProgram(), ...args]);
    assert.match(result.stderr, message);
    assert.equal(result.code, 2);
  }
});

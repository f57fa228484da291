/** How fast bundles are written and read beside a plain copy of the same bytes with their sha256, and in what memory. */
import assert from "node:assert/strict";
import { makeBundleTrial } from "../cli/commands/bundle_trial.ts";
import { describeContent, makeContent, makeJsonContent, randomBytes } from "../harness/build_images.ts";
import type { RegistryApi } from "../harness/registry_api.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

const OCI = "application/vnd.oci.image";

/** ms between two looks at the memory of a process. */
const LOOK_EVERY = 20;

export interface TransferSize {
  readonly blobs: number;
  /** Bytes of each. */
  readonly blobSize: number;
}

export interface TransferBounds {
  /** Part of the speed of a plain copy that has to be reached. */
  readonly share: number;
  /** Bytes that no process may pass. */
  readonly memory: number;
}

interface Measured {
  readonly what: string;
  readonly seconds: number;
  /** Peaks in bytes. */
  readonly memory: readonly number[];
}

/** Gives the figures as a text. @throws {AssertionError} when a bound is not kept */
export async function checkBundleTransfer(
  size: TransferSize,
  { share, memory }: TransferBounds,
): Promise<string> {
  await using outside = await makeBundleTrial();
  await pushImage(outside.api, size);
  const words = (...args: string[]) => [...outside.program, ...args];
  const measured: Measured[] = [];
  const measure = async (what: string, argv: readonly string[], server?: number) =>
    void measured.push({ what, ...await run(argv, outside.folder, server) });

  await measure("export", words("export", "--bundle", "out.tar", "app"), outside.registry.process.pid);
  const copied = await run(
    ["sh", "-c", "tee copy.tar < out.tar | sha256sum && sync copy.tar"],
    outside.folder,
  );
  await Deno.remove(`${outside.folder}/copy.tar`);
  {
    await using inside = await makeBundleTrial(outside.folder);
    const argv = [...inside.program, "import", "out.tar"];
    await measure("import beside the server", argv, inside.registry.process.pid);
  }
  {
    await using inside = await makeBundleTrial(outside.folder);
    await inside.registry.stop();
    await measure("import without a server", [...inside.program, "import", "out.tar"]);
  }
  const bytes = (await Deno.stat(`${outside.folder}/out.tar`)).size;
  const speed = (seconds: number) => `${megabytes(bytes / seconds)}/s`;
  const lines = measured.map((each) =>
    `${each.what}: ${speed(each.seconds)}, ${Math.round(copied.seconds / each.seconds * 100)} % of a copy, ` +
    `peaks ${each.memory.map(megabytes).join(" and ")}`
  );
  const text = [`copy with sha256: ${speed(copied.seconds)}`, ...lines].join("\n");
  for (const each of measured) {
    assert.ok(copied.seconds / each.seconds >= share, text);
    assert.ok(each.memory.every((peak) => peak < memory), text);
  }
  return text;
}

async function pushImage(api: RegistryApi, { blobs, blobSize }: TransferSize): Promise<void> {
  const bytes = randomBytes(blobSize);
  const layers = [];
  for (let i = 0; i < blobs; i++) {
    new DataView(bytes.buffer).setUint32(0, i);
    const layer = makeContent(`${OCI}.layer.v1.tar`, bytes);
    await api.pushBlob("app", layer);
    layers.push(describeContent(layer));
  }
  const config = makeJsonContent(`${OCI}.config.v1+json`, { architecture: "amd64", os: "linux" });
  await api.pushBlob("app", config);
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = { schemaVersion: 2, mediaType, config: describeContent(config), layers };
  await api.pushManifest("app", makeJsonContent(mediaType, manifest), "v1");
}

/** Runs a command to its end; the peaks are its own and that of the server. */
async function run(
  [program, ...args]: readonly string[],
  cwd: string,
  server?: number,
): Promise<Omit<Measured, "what">> {
  const started = performance.now();
  const child = new Deno.Command(program!, { args, cwd, stdout: "null", stderr: "inherit" }).spawn();
  let [peak, ended] = [0, false];
  const looking = (async () => {
    while (!ended) {
      const now = await readProcessMemory(child.pid).catch(() => undefined);
      if (now !== undefined && now.peak > 0) peak = now.peak;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  })();
  const { success } = await child.status;
  const seconds = (performance.now() - started) / 1000;
  ended = true;
  await looking;
  assert.ok(success, `${program} ${args.join(" ")} failed`);
  return {
    seconds,
    memory: [peak, ...(server === undefined ? [] : [(await readProcessMemory(server)).peak])],
  };
}

/** Pushes and pulls one very large layer over mTLS, each cut off in the middle and gone on with, and watches the memory. */
import assert from "node:assert/strict";
import { captureCommand, runCommand } from "../harness/run_command.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { until } from "../harness/until.ts";
import { randomBytes } from "../model/bytes.ts";
import { ROLES } from "../mtls/access_rules.ts";
import { curlPair, makePeople, writePair } from "../mtls/identity_files.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

export interface HugeBlob {
  /** Bytes. */
  readonly size: number;
  /** Bytes that the server may take in all. */
  readonly mostMemory: number;
}

const REPOSITORY = "app/huge";
const LONGEST_MS = 20 * 60_000;
const SPOTS = 64;

/** @throws {AssertionError} when a byte is lost or memory grows beyond its bound; gives figures as text */
export async function checkHugeBlob({ size, mostMemory }: HugeBlob): Promise<string> {
  const people = makePeople();
  await using registry = await startRegistry({ clientAuth: people.clientAuth, config: ROLES });
  const folder = await Deno.makeTempDir({ prefix: "huge-" });
  try {
    await writePair(folder, people.admin);
    const file = `${folder}/blob`;
    await writeSparse(file, size);
    const { stdout } = await runCommand(["sha256sum", file], { timeoutMs: LONGEST_MS });
    const digest = `sha256:${stdout.slice(0, 64)}`;
    const curl = [
      ...["curl", "--silent", "--show-error", "--fail", "--http1.1", "--cacert", registry.caFile],
      ...curlPair(folder),
    ];
    using api = new RegistryApi(registry, people.admin);
    const before = await readProcessMemory(registry.process.pid);
    const { kept, seconds } = await push(registry, api, { curl, file, size, digest });
    const pulled = await pull(registry, { curl, size, digest });
    const { peak } = await readProcessMemory(registry.process.pid);
    const figures =
      `${megabytes(size)} in one layer over mTLS: pushed in ${seconds.toFixed(1)} s, cut off after ` +
      `${megabytes(kept)}; pulled and hashed in ${pulled.toFixed(1)} s; memory ${
        megabytes(before.now)
      } before, ` +
      `${megabytes(peak)} at most`;
    assert.ok(peak < mostMemory, figures);
    return figures;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Transfer {
  /** Words that begin every command of the client. */
  readonly curl: readonly string[];
  readonly size: number;
  readonly digest: string;
}

/** Sends a part, is killed, asks how much arrived, and sends the rest; gives what was kept of the first part. */
async function push(
  registry: RunningRegistry,
  api: RegistryApi,
  { curl, file, size, digest }: Transfer & { readonly file: string },
): Promise<{ readonly kept: number; readonly seconds: number }> {
  const began = performance.now();
  const session = new URL(await api.openUpload(REPOSITORY), registry.url).href;
  const [program = "", ...args] = [...curl, "--request", "PATCH", "--upload-file", file, session];
  const first = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  const uploads = `${registry.rootDir}/uploads`;
  const arrived = () =>
    [...Deno.readDirSync(uploads)].reduce(
      (sum, { name }) => sum + Deno.statSync(`${uploads}/${name}`).size,
      0,
    );
  await until(() => arrived() > size / 3);
  first.kill("SIGKILL");
  await first.status;
  // What the killed client had sent may still be on its way: then the answer says 416, and one asks again.
  let kept: number;
  do kept = await arrivedOf(api, session, size); while (
    !await sendRest(curl, session, file, { from: kept, size })
  );
  const done = await api.expect(201, "PUT", `${new URL(session).pathname}?digest=${digest}`);
  await done.body?.cancel();
  return { kept, seconds: (performance.now() - began) / 1000 };
}

/** Bytes that the registry has of the session. */
async function arrivedOf(api: RegistryApi, session: string, size: number): Promise<number> {
  const status = await api.expect(204, "GET", new URL(session).pathname);
  const arrived = Number(/^0-(\d+)$/.exec(status.headers.get("range") ?? "")?.[1]) + 1;
  assert.ok(arrived > size / 3 && arrived < size, `range ${status.headers.get("range")}`);
  return arrived;
}

/** False when the registry has more than `from` bytes by now. */
async function sendRest(
  curl: readonly string[],
  session: string,
  file: string,
  { from, size }: { readonly from: number; readonly size: number },
): Promise<boolean> {
  const rest = [
    ...[
      ...curl,
      "--request",
      "PATCH",
      "--upload-file",
      "-",
      "--header",
      `Content-Range: ${from}-${size - 1}`,
    ],
    ...[
      "--header",
      `Content-Length: ${size - from}`,
      "--header",
      "Transfer-Encoding:",
      "--header",
      "Expect:",
    ],
  ];
  const { code, stderr } = await captureCommand(
    [
      "sh",
      "-c",
      'file=$1; at=$2; shift 2; tail -c "+$at" "$file" | "$@"',
      "sh",
      file,
      `${from + 1}`,
      ...rest,
      session,
    ],
    { timeoutMs: LONGEST_MS },
  );
  if (code === 22 && stderr.includes("416")) return false;
  assert.equal(code, 0, stderr);
  return true;
}

/** Takes the two halves one after the other, and hashes them as one; gives the seconds that it took. */
async function pull(registry: RunningRegistry, { curl, size, digest }: Transfer): Promise<number> {
  const began = performance.now();
  const url = `${registry.url}/v2/${REPOSITORY}/blobs/${digest}`;
  const half = Math.floor(size / 2);
  const { code, stdout, stderr } = await captureCommand([
    ...[
      "sh",
      "-c",
      'half=$1; shift; { "$@" -r "0-$half" && "$@" -r "$((half + 1))-"; } | sha256sum',
      "sh",
      `${half}`,
    ],
    ...[...curl, url],
  ], { timeoutMs: LONGEST_MS });
  assert.deepEqual([code, stderr, stdout.slice(0, 64)], [0, "", digest.slice(7)]);
  return (performance.now() - began) / 1000;
}

/** Some random bytes here and there, and holes that take no room between them. */
async function writeSparse(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  await file.truncate(size);
  for (let spot = 0; spot < SPOTS; spot++) {
    await file.seek(Math.floor(spot * (size - 1000) / (SPOTS - 1)), Deno.SeekMode.Start);
    await file.write(randomBytes(1000));
  }
}

/** Measures how fast one large blob goes in and comes out, with curl as the client. */
import { createHash, randomFillSync } from "node:crypto";
import { runCommand } from "../harness/run_command.ts";
import { credentialsOf, type RunningContender } from "./contender.ts";

/** A file of random bytes that is never the same blob twice. */
export class LargeFile {
  #pushes = 0;

  private constructor(readonly path: string, readonly size: number) {}

  /** @param size bytes, a multiple of 1 MiB */
  static async create(path: string, size: number): Promise<LargeFile> {
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    const block = new Uint8Array(1024 * 1024);
    for (let written = 0; written < size; written += block.length) {
      randomFillSync(block);
      await file.write(block);
    }
    await file.syncData();
    return new LargeFile(path, size);
  }

  /** Makes the bytes new; gives their digest. */
  async change(): Promise<string> {
    using file = await Deno.open(this.path, { read: true, write: true });
    await file.write(new TextEncoder().encode(`push ${this.#pushes++} `.padStart(32)));
    await file.seek(0, Deno.SeekMode.Start);
    const hash = createHash("sha256");
    for await (const chunk of file.readable) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  }
}

/** Pushes the file as docker does (POST, PATCH in chunks of no announced length, PUT); gives digest and MB/s. */
export async function pushLargeBlob(
  registry: RunningContender,
  name: string,
  file: LargeFile,
): Promise<{ readonly digest: string; readonly rate: number }> {
  const { url, workDir } = registry;
  const digest = await file.change();
  using client = Deno.createHttpClient(credentialsOf(registry));
  const opened = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: "POST", client });
  await opened.body?.cancel();
  const headersFile = `${workDir}/patch-headers`;
  const started = performance.now();
  const { stdout } = await runCommand([
    "curl",
    ...["--silent", "--show-error", "--request", "PATCH", "--upload-file", file.path],
    ...["--header", "Transfer-Encoding: chunked", "--header", "Content-Type: application/octet-stream"],
    ...["--header", "Expect:", "--dump-header", headersFile, "--write-out", "%{http_code}"],
    ...trustOf(registry),
    locationOf(opened.headers.get("location"), url).href,
  ]);
  if (stdout !== "202") throw new Error(`PATCH of a blob answered ${stdout}, expected 202`);
  const location = /^location: *(\S+)/im.exec(await Deno.readTextFile(headersFile))?.[1];
  const finish = locationOf(location, url);
  finish.searchParams.set("digest", digest);
  const finished = await fetch(finish, { method: "PUT", client });
  const text = await finished.text();
  if (finished.status !== 201) {
    throw new Error(`PUT of a blob answered ${finished.status}, expected 201: ${text}`);
  }
  return { digest, rate: file.size / 1e6 / ((performance.now() - started) / 1000) };
}

/** Pulls a blob by `clients` curls at once; gives MB/s of all together. */
export async function pullLargeBlob(
  registry: RunningContender,
  path: string,
  clients: number,
): Promise<number> {
  const started = performance.now();
  const results = await Promise.all(Array.from({ length: clients }, () =>
    runCommand([
      "curl",
      ...[
        "--silent",
        "--show-error",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code} %{size_download}",
      ],
      ...trustOf(registry),
      registry.url + path,
    ])));
  const seconds = (performance.now() - started) / 1000;
  const bytes = results.map(({ stdout }) => {
    const [status, size] = stdout.split(" ");
    if (status !== "200") throw new Error(`GET ${path} answered ${status}, expected 200`);
    return Number(size);
  });
  return bytes.reduce((sum, size) => sum + size, 0) / 1e6 / seconds;
}

function trustOf({ tls, client }: RunningContender): string[] {
  return [
    ...(tls === undefined ? [] : ["--cacert", tls.caFile]),
    ...(client === undefined ? [] : ["--cert", client.certificateFile, "--key", client.keyFile]),
  ];
}

function locationOf(location: string | null | undefined, base: string): URL {
  if (!location) throw new Error("The answer to a request of an upload has no Location");
  return new URL(location, base);
}

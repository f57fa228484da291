/** Clients that go away in the middle of whatever they do, and what they may leave behind. */
import { until } from "../harness/until.ts";
import { randomBytes } from "../model/bytes.ts";
import { makeContent } from "../harness/build_images.ts";
import { readProcessMemory } from "../load/process_memory.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { openFilesOf } from "./process_files.ts";

const AT_ONCE = 40;
const SESSIONS = 10;
const MiB = 1024 * 1024;

/** Bytes. */
const MOST_GROWTH = 40 * MiB;

/**
 * Breaks off requests of all kinds at random points: `count` until the memory that such a server takes is in use, and as many
 * after.
 *
 * @returns one line for people
 * @throws {Error} when a descriptor, an upload or memory stays
 */
export async function abortRequests(count: number): Promise<string> {
  await using registry = await startRegistry({ tls: false, server: "threads = 1" });
  using api = new RegistryApi(registry);
  const blob = makeContent("application/octet-stream", randomBytes(2 * MiB));
  await api.pushBlob("app", blob);
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => api.openUpload("app")));
  const paths = sessions.map((session) => new URL(session, registry.url).pathname);
  const requests = (): string[] => [
    `GET /v2/app/blobs/${blob.digest} HTTP/1.1\r\nhost: x\r\n\r\n`,
    head("POST", `/v2/app/blobs/uploads/?digest=${blob.digest}`, 300_000),
    head("PATCH", paths[Math.floor(Math.random() * SESSIONS)]!, 100_000),
    head("PUT", "/v2/app/manifests/latest", 50_000, "application/vnd.oci.image.manifest.v1+json"),
    "GET /v2/app/tags/list HTTP/1.1\r\nhost: ",
  ];
  const abortMany = async (many: number): Promise<void> => {
    let begun = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (begun < many) {
        const kinds = requests();
        await abort(registry.port, kinds[begun++ % kinds.length]!);
      }
    }));
    await settle(registry);
  };

  await settle(registry);
  const files = openFilesOf(registry.process.pid);
  await abortMany(count);
  const memory = (await readProcessMemory(registry.process.pid)).now;
  await abortMany(count);
  const open = () => openFilesOf(registry.process.pid);
  await until(() => open() <= files + 4, () => `${open()} descriptors are open, ${files} before`);
  // Their rows and files go after the descriptors.
  const uploads = () => [...Deno.readDirSync(`${registry.rootDir}/uploads`)].length;
  await until(
    () => uploads() === SESSIONS,
    () => `${uploads()} uploads, ${SESSIONS} known\n${faultsOf(registry)}`,
  );
  // Garbage is collected within half a minute, when nobody asks for anything.
  let growth = Infinity;
  const grown = async () => {
    growth = (await readProcessMemory(registry.process.pid)).now - memory;
    return growth >= MOST_GROWTH;
  };
  await until(async () => !await grown(), () => `${Math.round(growth / MiB)} MiB more memory`);
  await (await api.expect(200, "HEAD", `/v2/app/blobs/${blob.digest}`)).body?.cancel();
  return `${2 * count} aborted requests: no descriptor and no upload left, ${
    Math.round(growth / MiB)
  } MiB more memory`;
}

/** What the server says of it. */
function faultsOf({ logLines }: RunningRegistry): string {
  return logLines.filter((line) => /"level":"(warn|error)"/.test(line)).slice(-5).join("\n");
}

function head(method: string, path: string, length: number, type = "application/octet-stream"): string {
  return `${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;
}

/** Sends the head and a part of a body, reads a part of an answer, and is gone. */
async function abort(port: number, request: string): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await connection.write(new TextEncoder().encode(request));
    if (request.includes("content-length")) await connection.write(randomBytes(Math.random() * 50_000));
    else if (request.endsWith("\r\n\r\n")) await connection.read(new Uint8Array(1 + Math.random() * 100_000));
    if (Math.random() < 0.5) await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
  } catch {
    // The server may have been quicker.
  } finally {
    connection.close();
  }
}

/** Waits until the server has noticed that everybody is gone. */
async function settle(registry: RunningRegistry): Promise<void> {
  let [files, since] = [-1, performance.now()];
  while (performance.now() - since < 1000) {
    const now = openFilesOf(registry.process.pid);
    if (now !== files) [files, since] = [now, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

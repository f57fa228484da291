/** Cuts the power of a server at any moment of a record, and opens what is left of its disk. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { prepareData } from "../../src/cli/commands/prepare_data.ts";
import type { Digest } from "../../src/core/digest.ts";
import { JsonLog } from "../../src/server/json_log.ts";
import { BALLAST_SIZE } from "../../src/storage/files/ballast.ts";
import { Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { digestOf } from "../model/bytes.ts";
import { ExpectedContent, type FoundContent } from "./expected_content.ts";
import { KillClient } from "./kill_load.ts";
import { type Luck, RecordedDisk } from "./recorded_disk.ts";
import { readTalk, type Talk } from "./recorded_talk.ts";
import { checkRowsHaveFiles } from "./store_agreement.ts";
import { readSystemCalls } from "./strace_lines.ts";

const CALLS = "openat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate,copy_file_range,sendfile," +
  "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,linkat,read,recvfrom,sendto";

/** Nothing that was not synced is there. */
const NO_LUCK: Luck = () => 0;

/** Each thing that was not synced happened wholly, in part or not at all, whatever came before and after it. */
const ANY_LUCK: Luck = () => Math.max(0, Math.min(1, Math.random() * 3 - 1));

interface Record {
  readonly disk: RecordedDisk;
  readonly talk: readonly Talk[];
  readonly clients: readonly KillClient[];
  /** Lines. */
  readonly length: number;
}

/**
 * Records `clients` at work, then cuts the power at `cuts` moments, twice each: once nothing of what was not synced has
 * reached the disk, once some of it in any order.
 *
 * @returns one line for people
 * @throws {AssertionError} when the store does not open, lacks an answered write, or a tag leads to something that is not whole
 */
export async function cutThePower(
  { clients, steps, cuts }: { clients: number; steps: number; cuts: number },
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "power-" });
  // In memory, where the many syncs of the starts cost nothing.
  const replayed = await Deno.makeTempDir({ prefix: "power-", dir: "/dev/shm" });
  try {
    const record = await recordWork(folder, clients, steps);
    const { talk, length } = record;
    for (let cut = 0; cut < cuts; cut++) {
      // One of ten while it starts, when little can be lost.
      const [from, to] = cut % 10 === 0 ? [0, talk[0]!.at] : [talk[0]!.at, length];
      const line = Math.round(from + (to - from) * (cut + Math.random()) / cuts);
      for (const luck of [NO_LUCK, ANY_LUCK]) checkCut(record, line, luck, `${replayed}/data`);
    }
    const answers = talk.filter(({ answer }) => answer !== undefined).length;
    return `${cuts} cuts in a record of ${answers} answered changes, each replayed twice: nothing lost`;
  } finally {
    for (const path of [folder, replayed]) await Deno.remove(path, { recursive: true });
  }
}

async function recordWork(folder: string, count: number, steps: number): Promise<Record> {
  const [rootDir, trace] = [`${folder}/data`, `${folder}/trace`];
  Deno.mkdirSync(rootDir);
  // One that takes no room, which the record would have to hold.
  Deno.createSync(`${rootDir}/ballast`).truncateSync(BALLAST_SIZE);
  const registry = await startRegistry({
    rootDir,
    tls: false,
    config: "[collect]\nenabled = false",
    startedBy: [
      "strace",
      "-D",
      "-f",
      "-q",
      "--seccomp-bpf",
      "-y",
      "-s",
      "2000000",
      "-o",
      trace,
      "-e",
      `trace=${CALLS}`,
    ],
  });
  const clients: KillClient[] = [];
  {
    await using _ = registry;
    for (let i = 0; i < count; i++) {
      clients.push(new KillClient({ repository: `power/client-${i}`, promiseMs: Infinity, others: clients }));
    }
    await Promise.all(clients.map(async (client) => {
      for (let step = 0; step < steps; step++) await client.step(registry.url);
    }));
  }
  const calls = readSystemCalls(await Deno.readTextFile(trace));
  return {
    disk: new RecordedDisk(rootDir, calls),
    talk: readTalk(calls),
    clients,
    length: calls.at(-1)!.end,
  };
}

function checkCut({ disk, talk, clients }: Record, line: number, luck: Luck, rootDir: string): void {
  const layout = new Layout(rootDir);
  for (const [path, bytes] of disk.filesAt(line, luck)) {
    Deno.mkdirSync(dirname(`${rootDir}/${path}`), { recursive: true });
    Deno.writeFileSync(`${rootDir}/${path}`, bytes);
  }
  try {
    makeFolders(layout);
    prepareData(layout, new JsonLog(() => {}, "error"));
    checkRowsHaveFiles(rootDir);
    for (const { repository, changes } of clients) {
      const expected = new ExpectedContent(Infinity);
      for (const { at, repository: of, change, answer } of talk) {
        if (at >= line || of !== repository) continue;
        if (answer === undefined) expected.begin(changes[change]!);
        else if (answer < 300) expected.acknowledge();
        else expected.refuse();
      }
      expected.judge(readStored(layout, repository), 0);
    }
  } catch (error) {
    throw new Error(`after a cut before line ${line}, ${luck === NO_LUCK ? "without" : "with"} luck`, {
      cause: error,
    });
  } finally {
    Deno.removeSync(rootDir, { recursive: true });
  }
}

/** What a repository holds; all of it must hash right. */
function readStored(layout: Layout, repository: string): FoundContent {
  const database = openForReading(layout.database);
  const rows = <Row>(columns: string, from: string) =>
    database.prepare(`SELECT ${columns} FROM repository r JOIN ${from} WHERE r.name = ?`)
      .all(repository) as Row[];
  try {
    const tags = rows<{ name: string; digest: Digest }>("t.name, t.digest", "tag t ON t.repository = r.id");
    const manifests = rows<{ digest: Digest; bytes: Uint8Array }>(
      "m.digest, c.bytes",
      "manifest m ON m.repository = r.id JOIN content c ON c.digest = m.digest",
    );
    const blobs = rows<{ digest: Digest; file: BlobFile; bytes: Uint8Array | null }>(
      "b.digest, b.file, s.bytes",
      "hold h ON h.repository = r.id JOIN blob b ON b.digest = h.digest LEFT JOIN small_blob s ON s.digest = b.digest",
    );
    for (const { digest, bytes } of manifests) assert.equal(digestOf(bytes), digest);
    for (const { digest, file, bytes } of blobs) {
      assert.equal(digestOf(bytes ?? Deno.readFileSync(layout.blob(file))), digest);
    }
    return {
      tags: new Map(tags.map(({ name, digest }) => [name, digest])),
      manifests: new Set(manifests.map(({ digest }) => digest)),
      blobs: new Set(blobs.map(({ digest }) => digest)),
    };
  } finally {
    database.close();
  }
}

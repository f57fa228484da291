/** A command on content does the same through the running server and without one. */
import assert from "node:assert/strict";
import {
  type DataCommands,
  offerDataCommands,
  runDataCommand,
} from "../../../src/cli/commands/data_command.ts";
import { Schedule } from "../../../src/cli/schedule.ts";
import { openStoresAlone, systemClock } from "../../../src/cli/wire.ts";
import type { Settings } from "../../../src/config/settings.ts";
import type { RepositoryName } from "../../../src/core/repository_name.ts";
import type { Log } from "../../../src/ports/log.ts";
import { listenForCommands, type Progress } from "../../../src/server/control_socket.ts";
import { DirectoryInUse, lockDirectory } from "../../../src/storage/files/directory_lock.ts";
import { Layout } from "../../../src/storage/files/layout.ts";
import { RemovalHold } from "../../../src/storage/files/removals.ts";
import { load } from "../../config/load_text.ts";

const LOG: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Counts the repositories and gives its arguments back. */
const COMMANDS: DataCommands = {
  look: async ({ metadata }, args, { progress }) => {
    progress({ what: "repositories", done: 0, unit: "items" });
    return { args, known: await metadata.hasRepository("a/b" as RepositoryName) };
  },
  fail: async () => {
    throw new Error("Cannot look: it is dark");
  },
};

async function withFolder(run: (settings: Settings) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(load(`[blob_store.fs]\nroot_dir = "${folder}/data"`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function ask(
  settings: Settings,
  name: string,
  more: { absentData?: "make" | "imagine" } = {},
  heard: Progress[] = [],
) {
  return runDataCommand({
    commands: COMMANDS,
    name,
    args: { gone: undefined, list: [1] },
    settings,
    log: LOG,
    onProgress: (progress) => void heard.push(progress),
    ...more,
  });
}

Deno.test("without a server a command works under the directory's lock, and gives it back", () =>
  withFolder(async (settings) => {
    const heard: Progress[] = [];
    assert.deepEqual(await ask(settings, "look", { absentData: "make" }, heard), {
      args: { list: [1] },
      known: false,
    });
    assert.equal(heard.length, 1);
    await assert.rejects(ask(settings, "fail"), /^Error: Cannot look: it is dark$/);
    lockDirectory(new Layout(settings.blobStore.rootDir).lock).release();
  }));

Deno.test("a command that may imagine an empty data directory makes none", () =>
  withFolder(async (settings) => {
    const { rootDir } = settings.blobStore;
    const imagined = { args: { list: [1] }, known: false };
    assert.deepEqual(await ask(settings, "look", { absentData: "imagine" }), imagined);
    await assert.rejects(ask(settings, "fail", { absentData: "imagine" }), /it is dark/);
    await assert.rejects(Deno.stat(rootDir), Deno.errors.NotFound);
    await Deno.mkdir(rootDir);
    assert.deepEqual(await ask(settings, "look", { absentData: "imagine" }), imagined);
    assert.deepEqual([...Deno.readDirSync(rootDir)], []);
    // Of a folder with something in it nobody knows what it is.
    await Deno.writeTextFile(`${rootDir}/note`, "mine");
    await assert.rejects(ask(settings, "look", { absentData: "imagine" }), /it is no data directory/);
  }));

Deno.test("a command that brings nothing refuses a folder without data, and makes nothing there", () =>
  withFolder(async (settings) => {
    await assert.rejects(ask(settings, "look"), /Cannot work on .*: it is no data directory/);
    await assert.rejects(Deno.stat(settings.blobStore.rootDir), Deno.errors.NotFound);
  }));

Deno.test("a directory that a process without a control socket owns is left alone", () =>
  withFolder(async (settings) => {
    await ask(settings, "look", { absentData: "make" });
    const path = new Layout(settings.blobStore.rootDir).lock;
    const owner = new Deno.Command("flock", {
      args: [path, "sh", "-c", "echo; cat"],
      stdin: "piped",
      stdout: "piped",
    })
      .spawn();
    await owner.stdout.getReader().read();
    await assert.rejects(ask(settings, "look"), DirectoryInUse);
    await owner.stdin.close();
    await owner.status;
  }));

Deno.test("with a server the command runs there, with the same answer", () =>
  withFolder(async (settings) => {
    await ask(settings, "look", { absentData: "make" });
    const layout = new Layout(settings.blobStore.rootDir);
    using stores = openStoresAlone(settings, LOG);
    const work = {
      ...stores,
      removalHold: new RemovalHold(),
      settings,
      layout,
      clock: systemClock,
      log: LOG,
      schedule: new Schedule(LOG),
    };
    const socket = listenForCommands(layout.controlSocket, offerDataCommands(COMMANDS, work));
    try {
      const heard: Progress[] = [];
      assert.deepEqual(await ask(settings, "look", {}, heard), { args: { list: [1] }, known: false });
      assert.equal(heard.length, 1);
      await assert.rejects(ask(settings, "fail"), /^Error: Cannot look: it is dark$/);
    } finally {
      socket.close();
    }
  }));

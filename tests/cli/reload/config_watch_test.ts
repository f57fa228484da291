/** When a change of files leads to a reload, without a server and with short times. */
import assert from "node:assert/strict";
import { ConfigWatch, type ConfigWatchTimes } from "../../../src/cli/reload/config_watch.ts";
import type { OpenWatch } from "../../../src/cli/reload/path_watch.ts";
import { ReadFiles } from "../../../src/cli/reload/read_files.ts";
import { until } from "../../harness/until.ts";
import { RecordingLog } from "../../server/test_server.ts";

const TIMES: ConfigWatchTimes = { settleMs: 20, patienceMs: 600_000, everyMs: 600_000, deafEveryMs: 30 };

/** Stands for a reload: reads one file, and says what it read. */
class FakeReload {
  readonly taken: string[] = [];
  files = new ReadFiles();
  mayWorkLater = false;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#read();
  }

  fits(): boolean {
    return !Deno.readTextFileSync(this.#path).includes("broken");
  }

  run(): Promise<void> {
    this.files = new ReadFiles();
    this.taken.push(this.#read());
    return Promise.resolve();
  }

  #read(): string {
    return new TextDecoder().decode(this.files.read(this.#path));
  }
}

/** Writes a file as a whole. */
async function put(file: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${file}.new`, text);
  await Deno.rename(`${file}.new`, file);
}

/** Watches the file `live/config` in a new folder, in which it says "first". */
async function watching(
  options: {
    readonly times?: Partial<ConfigWatchTimes>;
    readonly openWatch?: OpenWatch;
    /** What the file says when the watch begins. */
    readonly begins?: string;
  },
  check: (parts: { folder: string; file: string; reload: FakeReload; log: RecordingLog }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/live/config`;
  await Deno.mkdir(`${folder}/live`);
  await Deno.writeTextFile(file, "first");
  const [reload, log] = [new FakeReload(file), new RecordingLog()];
  if (options.begins !== undefined) await put(file, options.begins);
  const watch = new ConfigWatch({ ...options, reload, log, times: { ...TIMES, ...options.times } });
  try {
    await check({ folder, file, reload, log });
  } finally {
    watch.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a change that the system tells nothing of is found by looking from time to time", async () => {
  const silent: OpenWatch = () => ({ async *[Symbol.asyncIterator]() {}, close() {} });
  await watching({ openWatch: silent, times: { everyMs: 30 } }, async ({ file, reload }) => {
    await put(file, "second");
    await until(() => reload.taken.at(-1) === "second");
  });
});

Deno.test("a change between the start and the watch is seen", async () => {
  await watching({ begins: "second" }, async ({ reload }) => {
    await until(() => reload.taken.length === 1);
    assert.deepEqual(reload.taken, ["second"]);
  });
});

Deno.test("a folder that is moved away and replaced by another is followed", async () => {
  // Deno keeps the move to itself where the other folder is not there yet when it hears of it; then a look finds the change.
  await watching({ times: { everyMs: 500 } }, async ({ folder, file, reload }) => {
    for (const text of ["second", "third"]) {
      await Deno.mkdir(`${folder}/next`);
      await Deno.writeTextFile(`${folder}/next/config`, text);
      await Deno.rename(`${folder}/live`, `${folder}/${text}`);
      await Deno.rename(`${folder}/next`, `${folder}/live`);
      await until(() => reload.taken.at(-1) === text);
    }
    await put(file, "fourth");
    await until(() => reload.taken.at(-1) === "fourth");
  });
});

Deno.test("what cannot be used is waited for, and taken over when it can", async () => {
  await watching({}, async ({ file, reload }) => {
    for (const text of ["broken", "still broken", "whole"]) await put(file, text);
    await until(() => reload.taken.length > 0);
    assert.deepEqual(reload.taken, ["whole"]);
  });
});

Deno.test("what stays unusable is tried once, so that its problems are said once", async () => {
  await watching({ times: { patienceMs: 50, everyMs: 30 } }, async ({ file, reload }) => {
    await put(file, "broken");
    await until(() => reload.taken.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(reload.taken, ["broken"]);
    await put(file, "whole");
    await until(() => reload.taken.length > 1);
    assert.deepEqual(reload.taken, ["broken", "whole"]);
  });
});

Deno.test("a reload that failed for a reason outside of the files is tried again", async () => {
  await watching({ times: { everyMs: 30 } }, async ({ reload }) => {
    reload.mayWorkLater = true;
    await until(() => reload.taken.length >= 2);
    reload.mayWorkLater = false;
  });
});

Deno.test("where nothing can be watched, looking from time to time finds the change, and the log says so", async () => {
  const openWatch: OpenWatch = () => {
    throw new Error("too many open files");
  };
  await watching({ openWatch }, async ({ file, reload, log }) => {
    for (const text of ["second", "third"]) {
      await put(file, text);
      await until(() => reload.taken.at(-1) === text);
    }
    assert.deepEqual(log.records.map(({ level, message }) => `${level}: ${message}`), [
      "warn: the folders of the configuration cannot be watched: their files are read again every 0.03 s",
    ]);
  });
});

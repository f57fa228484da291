/** The threads of a server in the test's own process, on a data directory of their own. */
import type { Settings } from "../../../src/config/settings.ts";
import { BUILT_IN } from "../../../src/config/load_config.ts";
import { Scrape } from "../../../src/cli/facts/scrape.ts";
import { type ThreadEntries, Threads } from "../../../src/cli/threads/threads.ts";
import { Layout, makeFolders } from "../../../src/storage/files/layout.ts";
import { openForWriting } from "../../../src/storage/sqlite/open_database.ts";
import { listenerAt } from "../../config/listening_at.ts";
import { RawClient } from "../../server/raw_client.ts";
import { RecordingLog } from "../../server/test_server.ts";

const PROGRAM: ThreadEntries = {
  http: new URL("../../../src/cli/threads/http_thread.ts", import.meta.url),
  writer: new URL("../../../src/cli/threads/writer_thread.ts", import.meta.url),
};

export const HEALTH = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

export class ThreadsUnderTest implements AsyncDisposable {
  readonly log = new RecordingLog();
  readonly fatal: string[] = [];
  readonly settings: Settings;
  readonly threads: Threads;
  lines = "";
  port = 0;
  readonly rootDir: string;
  readonly scrape = new Scrape();
  #stopped: Promise<void> | undefined;

  constructor(
    rootDir: string,
    count: number,
    entries: Partial<ThreadEntries>,
    server: Partial<Settings["server"]>,
  ) {
    this.rootDir = rootDir;
    this.settings = {
      ...BUILT_IN,
      server: { ...BUILT_IN.server, listeners: [listenerAt("127.0.0.1", 0)], ...server },
      blobStore: { ...BUILT_IN.blobStore, rootDir },
    };
    this.threads = new Threads(
      {
        settings: this.settings,
        logLevels: { everything: "info", auth: "info", audit: "info" },
        log: this.log,
        scrape: this.scrape,
        writeLog: (lines) => this.lines += lines,
        onFatal: (reason) => this.fatal.push(reason),
        watchTimes: { everyMs: 300, patienceMs: 500 },
      },
      count,
      { ...PROGRAM, ...entries },
    );
  }

  static async create(
    count: number,
    entries: Partial<ThreadEntries> = {},
    server: Partial<Settings["server"]> = {},
  ): Promise<ThreadsUnderTest> {
    const rootDir = await Deno.makeTempDir();
    const layout = new Layout(rootDir);
    makeFolders(layout);
    openForWriting(layout.database).close();
    return new ThreadsUnderTest(rootDir, count, entries, server);
  }

  static async start(count: number, entries: Partial<ThreadEntries> = {}): Promise<ThreadsUnderTest> {
    const started = await ThreadsUnderTest.create(count, entries);
    const [place] = await started.threads.start();
    started.port = place?.at.kind === "tcp" ? place.at.port : 0;
    return started;
  }

  /** Status of `/healthz` on a new connection. */
  async ask(): Promise<number> {
    using client = await RawClient.connect(this.port);
    await client.send(HEALTH);
    return (await client.readAnswer()).status;
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.threads.stop(5000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
    await Deno.remove(this.rootDir, { recursive: true });
  }
}

/** Reaches threads whose entry listens for it. */
export function tell(channel: string): void {
  const sender = new BroadcastChannel(channel);
  sender.postMessage("now");
  sender.close();
}

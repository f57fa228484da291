/** The threads of a server on a data directory, with a probe in the event loop of each HTTP thread. */
import { Scrape } from "../../src/cli/facts/scrape.ts";
import type { DataWork } from "../../src/cli/commands/data_command.ts";
import { urlOf } from "../../src/cli/place_url.ts";
import { Schedule } from "../../src/cli/schedule.ts";
import { openStores, systemClock } from "../../src/cli/wire.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import type { Settings } from "../../src/config/settings.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { JsonLog } from "../../src/server/json_log.ts";
import { Threads } from "../../src/cli/threads/threads.ts";
import { LAG_CHANNEL, type LagReport } from "./loop_probe.ts";

const BASICS = `
[server]
bind_address = "127.0.0.1"
port = 0
`;

export interface Lag {
  /** ms that the loop of an HTTP thread stood still at most. */
  readonly http: number;
  /** The same of a thread that does nothing, for what the machine adds. */
  readonly idle: number;
}

export class ProbedServer implements AsyncDisposable {
  readonly url: string;
  readonly #threads: Threads;
  readonly #settings: Settings;
  readonly #idle: Worker;
  readonly #count: number;
  readonly #channel = new BroadcastChannel(LAG_CHANNEL);

  private constructor(url: string, threads: Threads, settings: Settings, idle: Worker, count: number) {
    this.url = url;
    this.#settings = settings;
    this.#threads = threads;
    this.#idle = idle;
    this.#count = count;
  }

  /**
   * @param rootDir a data directory with its database
   * @param config more of the configuration, as TOML
   */
  static async start(rootDir: string, config = "", count = 1): Promise<ProbedServer> {
    const read = loadConfig(
      [{ file: "config.toml", text: `${config}${BASICS}` }],
      () => undefined,
      () => {
        throw new Error("no file is read");
      },
    );
    const settings = { ...read, blobStore: { ...read.blobStore, rootDir } };
    const log = new JsonLog(() => {}, "error");
    const threads = new Threads(
      {
        settings,
        logLevels: { everything: "info", auth: "info", audit: "info" },
        log,
        scrape: new Scrape(),
        writeLog: () => {},
        onFatal: (reason) => {
          throw new Error(reason);
        },
      },
      count,
      {
        http: new URL("./probed_http_thread.ts", import.meta.url),
        writer: new URL("../../src/cli/threads/writer_thread.ts", import.meta.url),
      },
    );
    const idle = new Worker(new URL("./idle_thread.ts", import.meta.url), { type: "module" });
    await new Promise((resolve) => idle.onmessage = resolve);
    const [place] = await threads.start();
    return new ProbedServer(urlOf(place!), threads, settings, idle, count);
  }

  /** What jobs on the data of this server work with, in the thread that runs them. */
  openWork(): DataWork {
    const threads = this.#threads;
    const settings = this.#settings;
    const log = new JsonLog(() => {}, "error");
    const { removalHold } = threads;
    return {
      ...openStores(threads.openWriter(), { settings, share: 0, removalHold, log }),
      openWriter: () => threads.openWriter(),
      settings,
      layout: new Layout(settings.blobStore.rootDir),
      clock: systemClock,
      log,
      removalHold,
      schedule: new Schedule(log),
    };
  }

  /** The longest standstills since the last call. */
  async worstLag(): Promise<Lag> {
    const reports: LagReport[] = [];
    const complete = Promise.withResolvers<void>();
    this.#channel.onmessage = ({ data }: MessageEvent<LagReport>) => {
      if (reports.push(data) === this.#count + 1) complete.resolve();
    };
    this.#channel.postMessage("report");
    await complete.promise;
    const worst = (thread: LagReport["thread"]) =>
      Math.max(...reports.filter((report) => report.thread === thread).map(({ worstMs }) => worstMs));
    return { http: worst("http"), idle: worst("idle") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#threads.stop(1000);
    this.#idle.terminate();
  }
}

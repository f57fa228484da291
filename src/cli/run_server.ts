/** The `server` command: from settings to a listening registry, and to its orderly end. */
import { isOutOfReach } from "../config/read_listeners.ts";
import type { Settings } from "../config/settings.ts";
import { expireUploads } from "../jobs/expire_uploads.ts";
import { pruneHistory } from "../jobs/prune_history.ts";
import { CollectMemory } from "../jobs/collect_memory.ts";
import { listenForCommands } from "../server/control_socket.ts";
import { JsonLog } from "../server/json_log.ts";
import { findActivatedSockets } from "../server/activated_sockets.ts";
import { findServiceManager, ServiceManager } from "../server/service_manager.ts";
import { Layout } from "../storage/files/layout.ts";
import { type DataWork, offerDataCommands } from "./commands/data_command.ts";
import { DATA_COMMANDS } from "./commands/data_commands.ts";
import { watchThread } from "../metrics/watch_thread.ts";
import type { LogLevels } from "./log_levels.ts";
import { LogOutput } from "./log_output.ts";
import { collectJob, collectStatus, slowPushJob } from "./commands/collect_command.ts";
import { checkSettings } from "./check_settings.ts";
import { ConfigWatch } from "./reload/config_watch.ts";
import { cutoffOfAge } from "./commands/cutoff_of_age.ts";
import { countJobEnd } from "./facts/job_facts.ts";
import { watchProcess } from "./facts/process_facts.ts";
import { Scrape } from "./facts/scrape.ts";
import { watchStorage } from "./facts/storage_facts.ts";
import { urlOf } from "./place_url.ts";
import { prepareData, takeDirectory } from "./commands/prepare_data.ts";
import type { ReadFiles } from "./reload/read_files.ts";
import { watchQuotas } from "./facts/quota_facts.ts";
import { Reload } from "./reload/reload.ts";
import { retentionJob } from "./commands/retention_command.ts";
import { Schedule } from "./schedule.ts";
import { describeLastScrub, scrubJob } from "./commands/scrub_command.ts";
import { syncJob } from "./sync/sync_command.ts";
import { withSystemCas } from "./system_cas.ts";
import { SpanSink } from "./tracing/span_sink.ts";
import { Threads } from "./threads/threads.ts";
import { versionFacts } from "./version.ts";
import { openStores, systemClock } from "./wire.ts";

/** Longest pause between two looks for expired uploads, in ms. */
const LONGEST_EXPIRY_PAUSE = 60 * 60 * 1000;

/** Pause between two looks for history that is too old, in ms. */
const HISTORY_PAUSE = 60 * 60 * 1000;

/** ms that jobs under way may take to let go when the server stops; they need the writer for it. */
const JOBS_END_MS = 5000;

export interface RunServerOptions {
  readonly settings: Settings;
  /** What they were read from. */
  readonly files: ReadFiles;
  /** Reads the configuration again, for a reload. @throws {ConfigError} */
  readonly readAgain: (files: ReadFiles) => Settings;
  readonly logLevels: LogLevels;
  /** Set when no configuration file was found: said at the start, with how to push. */
  readonly builtIn: boolean;
}

/**
 * Runs until SIGTERM or SIGINT; gives the exit code.
 *
 * @throws {TrustError} {UnsafeTls} {DirectoryInUse} {DatabaseTooNew} {CannotListen} or what the system says, before anything listens
 */
export async function runServer(
  { settings, files, readAgain, logLevels, builtIn }: RunServerOptions,
): Promise<number> {
  // Unheard, a SIGHUP that comes before everything is in its place would end the process.
  let hungUp = false;
  let onHangUp = (): void => {
    hungUp = true;
  };
  Deno.addSignalListener("SIGHUP", () => onHangUp());
  // Whatever the folder allows, its files are for this user only.
  Deno.umask(0o077);
  const output = new LogOutput();
  const log = new JsonLog((line) => output.write(line), logLevels.everything);
  const warnings = await checkSettings(settings, new Date());
  const layout = new Layout(settings.blobStore.rootDir);
  const lock = takeDirectory(layout);
  prepareData(layout, log);
  for (const warning of [...settings.warnings, ...warnings]) log.warn(warning);

  const stopped = Promise.withResolvers<number>();
  const scrape = new Scrape();
  const { metrics } = scrape;
  const spans = new SpanSink({ version: versionFacts().version, log, metrics });
  spans.use(settings.tracing);
  const env = (name: string): string | undefined => Deno.env.get(name);
  const threads = new Threads({
    sockets: findActivatedSockets(env, Deno.pid),
    settings: withSystemCas(settings),
    logLevels,
    log,
    writeLog: (lines) => output.write(lines),
    takeSpans: spans.take,
    scrape,
    onFatal(reason) {
      log.error("cannot go on", { reason });
      stopped.resolve(1);
    },
  }, settings.server.threads || navigator.hardwareConcurrency);
  const places = await threads.start();
  const urls = places.map(urlOf);
  const [url] = urls;
  const started = new Date(systemClock.now()).toISOString();
  const { removalHold } = threads;
  let inForce = settings;
  const stores = openStores(threads.openWriter(), { settings, share: 0, removalHold, log });
  const work: DataWork = {
    ...stores,
    get settings() {
      return inForce;
    },
    openWriter: () => threads.openWriter(),
    removalHold,
    layout,
    clock: systemClock,
    log,
    schedule: new Schedule(log, (end) => countJobEnd(metrics, end)),
    collectMemory: new CollectMemory({
      clock: systemClock,
      graceMs: settings.collect.graceMs,
      former: await stores.garbage.readRecord(),
    }),
  };
  const control = listenForCommands(layout.controlSocket, {
    ...offerDataCommands(DATA_COMMANDS, work),
    status: async () => ({
      ...versionFacts(),
      ...await readinessOf(work),
      pid: Deno.pid,
      started,
      threads: threads.alive,
      url,
      ...(urls.length > 1 && { urls }),
      scrub: await describeLastScrub(work),
      collect: collectStatus(work),
    }),
  });
  planJobs(work);
  watchThread(metrics, "main");
  scrape.lookFirst(watchProcess(metrics));
  scrape.lookFirst(watchStorage(metrics, work.inventory, layout));
  scrape.lookFirst(watchQuotas({ ...stores, metrics, settings: () => inForce }));
  scrape.lookFirst(() => metrics.gauge("http_threads", {}).set(threads.alive));
  listenForSignals((signal) => {
    log.info("stopping", { signal, drain_seconds: settings.server.drainTimeoutMs / 1000 });
    stopped.resolve(0);
  });
  const address = findServiceManager(env, Deno.pid);
  const manager = address && new ServiceManager(address, log);
  const status = `serving ${urls.join(", ")}`;
  const reload = new Reload({
    started: settings,
    inReach: places.filter(({ at }) => !isOutOfReach(at)).map(urlOf),
    files,
    readAgain,
    handOut: (settings) => threads.reload(settings),
    onBegin: () => manager?.reloading(),
    onReload(now) {
      inForce = now;
      spans.use(now.tracing);
      planJobs(work);
    },
    onEnd: () => manager?.ready(status),
    log,
    metrics,
  });
  await reload.begin();
  onHangUp = () => void reload.run();
  if (hungUp) onHangUp();
  manager?.ready(status);
  manager?.watch(() => answersItself(threads, work));
  const configWatch = new ConfigWatch({ reload, log });
  log.info("listening", {
    url,
    ...(urls.length > 1 && { urls }),
    threads: threads.alive,
    root_dir: settings.blobStore.rootDir,
    ...versionFacts(),
    ...(builtIn && { note: builtInNote(url!) }),
  });

  const code = await stopped.promise;
  configWatch.stop();
  manager?.stopping();
  work.schedule.stop();
  control.close();
  if (code === 0) {
    await work.schedule.idle(JOBS_END_MS);
    await threads.stop(settings.server.drainTimeoutMs);
    await spans.close();
    log.info("stopped");
  }
  await manager?.close();
  await output.flush(1000);
  lock.release();
  return code;
}

/**
 * Resolves when the writer has answered, be it that the disk is broken: a new start would not mend that.
 *
 * @throws {Error} when nobody takes requests
 */
async function answersItself(threads: Threads, { metadata }: DataWork): Promise<void> {
  if (threads.alive === 0) throw new Error("no HTTP thread listens");
  await metadata.checkReady().catch(() => {});
}

/** Why requests that read and write would fail, for `status`; nothing where they would not. */
async function readinessOf({ metadata }: DataWork): Promise<{ not_ready?: string }> {
  try {
    await metadata.checkReady();
    return {};
  } catch (error) {
    return { not_ready: (error as Error).message };
  }
}

/** Plans what the server does by itself, also after a reload: a run goes by the settings of the moment in which it begins. */
function planJobs(work: DataWork): void {
  const { metadata, blobs, clock, log, schedule } = work;
  const { uploadExpiryMs: expiryMs } = work.settings.global;
  schedule.adjust({
    name: "expiry of uploads",
    intervalMs: Math.min(LONGEST_EXPIRY_PAUSE, Math.max(1000, expiryMs / 4)),
    atStart: true,
    run: () => {
      const surelyBefore = cutoffOfAge(work, expiryMs);
      return expireUploads({ metadata, blobs, clock, log, expiryMs, surelyBefore });
    },
  });
  schedule.adjust({
    name: "pruning of histories",
    intervalMs: HISTORY_PAUSE,
    atStart: true,
    run: () => {
      const { tagHistoryMs, pullHistoryMs = 0 } = work.settings.global;
      return pruneHistory({
        metadata,
        tagHistorySince: cutoffOfAge(work, tagHistoryMs),
        pullHistorySince: clock.now() - pullHistoryMs,
      });
    },
  });
  for (const job of [retentionJob, scrubJob, collectJob, slowPushJob, syncJob]) schedule.adjust(job(work));
}

/** The first signal stops in order; a second one ends at once. */
function listenForSignals(stop: (signal: string) => void): void {
  let seen = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      if (seen) Deno.exit(1);
      seen = true;
      stop(signal);
    });
  }
}

function builtInNote(url: string): string {
  return "no configuration file: everybody on this machine may push and pull, data is kept in ./data; " +
    `push with: docker push ${url.replace(/^http:\/\//, "")}/NAME:TAG`;
}

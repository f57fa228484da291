/** Entry of the mirror thread: it alone asks upstreams, so that what clients of all HTTP threads wait for comes once. */
import type { Settings } from "../../config/settings.ts";
import { faultMessageOf } from "../../core/fault_message.ts";
import { watchThread } from "../../metrics/watch_thread.ts";
import { ThreadMetrics } from "../../metrics/thread_metrics.ts";
import type { Upstream } from "../../ports/upstream.ts";
import type { Arrival } from "../../registry/arrival.ts";
import { dropCutDownloads } from "../../registry/drop_downloads.ts";
import { LocalMirrors } from "../../registry/local_mirrors.ts";
import { PullCounter } from "../../registry/pull_counter.ts";
import { LocalManifestReader } from "../../registry/read_manifest.ts";
import { JsonLog } from "../../server/json_log.ts";
import { RemovalHold } from "../../storage/files/removals.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import { faultOf } from "./fault_of.ts";
import { LogBatch } from "./log_batch.ts";
import { makeMirrorSources } from "../mirror_sources.ts";
import type {
  ArrivalMessage,
  BlobOnItsWay,
  FromMirrors,
  MirrorAnswer,
  MirrorQuestion,
  StartMirrors,
  ToMirrors,
  TracedQuestion,
} from "./mirror_messages.ts";
import { answerCalls } from "./port_calls.ts";
import { SpanRecorder } from "../tracing/span_recorder.ts";
import { traceUpstream } from "../tracing/traced_parts.ts";
import { makeRegistry, openStores } from "../wire.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: FromMirrors): void;
};

thread.onmessage = ({ data }: MessageEvent<StartMirrors>) => {
  const batch = new LogBatch((lines) => thread.postMessage({ kind: "log", lines }));
  const log = new JsonLog(batch.write, data.logLevels.everything);
  // A fault that no request owns must not take the others' downloads with it.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: event.reason });
  });
  const metrics = new ThreadMetrics((series) => thread.postMessage({ kind: "series", series }));
  watchThread(metrics, "mirror");
  const stores = openStores(data.writer, {
    settings: data.settings,
    share: 0,
    removalHold: new RemovalHold(data.removals),
    log,
  });
  const own = {
    ...stores,
    manifests: new LocalManifestReader(nodeHasher),
    pulls: new PullCounter(stores.metadata, log),
  };
  const surroundings = {
    hook: NOBODY_ASKS,
    logs: { everything: log, auth: log, audit: log },
    metrics,
  };
  const open = (settings: Settings): Mirroring => {
    const recorder = recorderOf(settings);
    const registry = makeRegistry(settings, own, surroundings);
    const wrap = recorder && ((upstream: Upstream) => traceUpstream(recorder, upstream));
    return { recorder, mirrors: new LocalMirrors(registry, makeMirrorSources(settings, metrics, wrap)) };
  };
  let { settings } = data;
  // No other thread downloads, and this one has not begun.
  void dropCutDownloads(makeRegistry(settings, own, surroundings));
  let { mirrors, recorder } = open(settings);
  // What is remembered of tags, tokens and hosts that fail stays where nothing has changed. Downloads under way end as
  // they began.
  const reload = (next: Settings): void => {
    if (mirrorsOf(next) !== mirrorsOf(settings)) {
      const opened = open(next);
      recorder?.flush();
      ({ mirrors, recorder } = opened);
    }
    settings = next;
  };
  thread.onmessage = ({ data }: MessageEvent<ToMirrors>) => {
    if (data.kind === "serve") {
      return answerCalls<TracedQuestion, MirrorAnswer>(
        data.port,
        (question) => {
          return recorder === undefined
            ? answer(mirrors, question)
            : recorder.continue(question.trace, () => answer(mirrors, question));
        },
        (answer) => typeof answer === "object" && "news" in answer ? [answer.news] : [],
      );
    }
    void faultOf(() => reload(data.settings)).then((fault) =>
      thread.postMessage({ kind: "reloaded", fault })
    );
  };
};

/** What is made anew from other settings. */
interface Mirroring {
  readonly mirrors: LocalMirrors;
  readonly recorder: SpanRecorder | undefined;
}

/** Whether a trace is recorded was decided where it began. */
function recorderOf({ tracing }: Settings): SpanRecorder | undefined {
  return tracing && new SpanRecorder(1, (spans) => thread.postMessage({ kind: "spans", spans }));
}

const NOBODY_ASKS = { decide: () => Promise.reject(new Error("the mirror thread serves no clients")) };

/** What the mirrors are made from, as a text to compare. */
function mirrorsOf({ repositories, global, tracing }: Settings): string {
  return JSON.stringify(
    [repositories, global.maxManifestSize, global.maxBlobSize, tracing !== undefined],
    (_key, value) => value === Infinity ? "never" : value,
  );
}

async function answer(mirrors: LocalMirrors, question: MirrorQuestion): Promise<MirrorAnswer> {
  const { repository } = question;
  switch (question.kind) {
    case "tag":
      return await mirrors.freshenTag(repository, question.tag);
    case "manifest":
      return void await mirrors.bringManifest(repository, question.digest);
    case "blob": {
      const arrival = await mirrors.bringBlob(repository, question.digest);
      return arrival && follow(arrival);
    }
    case "size":
      return await mirrors.sizeOfBlob(repository, question.digest);
    case "tags":
      return await mirrors.listTags(repository, question.page);
    case "referrers":
      return await mirrors.listReferrers(repository, question.digest);
  }
}

function follow(arrival: Arrival): BlobOnItsWay {
  const { port1, port2 } = new MessageChannel();
  arrival.listen((event) => {
    const message: ArrivalMessage = event.kind === "failed"
      ? { kind: "failed", fault: faultMessageOf(event.fault) }
      : event;
    port1.postMessage(message);
  });
  return { session: arrival.session, size: arrival.size, news: port2 };
}

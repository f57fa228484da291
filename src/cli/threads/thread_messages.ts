/** What the main thread and the others say to each other. */
import type { ListenAddress, Settings } from "../../config/settings.ts";
import type { NewSeries } from "../../metrics/thread_metrics.ts";
import type { LogLevels } from "../log_levels.ts";
import type { Opening } from "./openings.ts";
import type { EndedSpan } from "../tracing/span.ts";
import type { WriterAccess } from "../wire.ts";

/** First message to the writer thread. */
export interface StartWriter {
  readonly rootDir: string;
  /** Bytes of disk that uploads leave free. */
  readonly minimumFreeSpace: number;
  /** Memory of the counter of commits, which all threads read. */
  readonly commits: SharedArrayBuffer;
}

/** Later messages to the writer thread. */
export type ToWriter =
  | { readonly kind: "serve"; readonly port: MessagePort }
  | { readonly kind: "close" };

/** A series is counted from now on. */
interface SeriesMessage {
  readonly kind: "series";
  readonly series: NewSeries;
}

export type FromWriter = { readonly kind: "ready" } | { readonly kind: "closed" } | SeriesMessage;

/** First message to an HTTP thread. */
export interface StartHttp {
  /** As metrics name the thread. */
  readonly name: string;
  readonly settings: Settings;
  readonly logLevels: LogLevels;
  readonly writer: WriterAccess;
  /** Memory of the hold on removals. */
  readonly removals: SharedArrayBuffer;
  /** The way to the password thread; undefined where no passwords are configured. */
  readonly passwords: MessagePort | undefined;
  /** The way to the main thread, which knows the metrics of all threads. */
  readonly scrapes: MessagePort;
  /** What to listen on, with ports that the first thread may have got from the system. */
  readonly openings: readonly Opening[];
  /** HTTP threads that share memory limits and connections. */
  readonly threads: number;
  /** Hash threads that there are when all of them are needed. */
  readonly hashThreads: number;
}

/** Later messages to an HTTP thread. */
export type ToHttp =
  /** The way to a thread that it needs. */
  | { readonly kind: "way"; readonly to: NeededThread; readonly port: MessagePort }
  | { readonly kind: "drain"; readonly timeoutMs: number }
  /** Its listeners may accept nobody any more. */
  | { readonly kind: "listen again" }
  | {
    readonly kind: "reload";
    readonly settings: Settings;
    /** The way to the password thread that knows the new passwords; undefined where none are configured. */
    readonly passwords: MessagePort | undefined;
  };

/** A thread that is started when the first request needs it. */
export type NeededThread = "manifest" | "mirror" | `hash-${number}`;

/** What a thread did for traces. */
export interface SpansMessage {
  readonly kind: "spans";
  readonly spans: readonly EndedSpan[];
}

export type FromHttp =
  | SpansMessage
  /** On each of its openings. */
  | { readonly kind: "listening"; readonly places: readonly ListenAddress[] }
  /** It cannot listen, for a reason in words. */
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "log"; readonly lines: string }
  | SeriesMessage
  /** A large manifest, a large upload, or a pull from a mirror, came for the first time. */
  | { readonly kind: "needs"; readonly thread: NeededThread }
  | { readonly kind: "reloaded"; readonly fault: string | undefined }
  | { readonly kind: "drained" };

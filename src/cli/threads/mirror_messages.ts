/** What the mirror thread and the others say to each other. */
import type { Settings } from "../../config/settings.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { FaultMessage } from "../../core/fault_message.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { NewSeries } from "../../metrics/thread_metrics.ts";
import type { PageRequest } from "../../ports/metadata_store.ts";
import type { TagFreshness, UpstreamList } from "../../ports/mirrors.ts";
import type { ArrivalEvent } from "../../registry/arrival.ts";
import type { LogLevels } from "../log_levels.ts";
import type { EndedSpan, SpanContext } from "../tracing/span.ts";
import type { WriterAccess } from "../wire.ts";

/** First message to the thread. */
export interface StartMirrors {
  readonly settings: Settings;
  readonly logLevels: LogLevels;
  readonly writer: WriterAccess;
  /** Memory of the hold on removals. */
  readonly removals: SharedArrayBuffer;
}

/** Later messages to the thread. */
export type ToMirrors =
  | { readonly kind: "serve"; readonly port: MessagePort }
  | { readonly kind: "reload"; readonly settings: Settings };

export type FromMirrors =
  | { readonly kind: "spans"; readonly spans: readonly EndedSpan[] }
  | { readonly kind: "log"; readonly lines: string }
  | { readonly kind: "series"; readonly series: NewSeries }
  /** The answer to each "reload": why it stays with the former settings, undefined where it has the new ones. */
  | { readonly kind: "reloaded"; readonly fault: string | undefined };

export type MirrorQuestion =
  | { readonly kind: "tag"; readonly repository: RepositoryName; readonly tag: Tag }
  | {
    readonly kind: "manifest" | "blob" | "size" | "referrers";
    readonly repository: RepositoryName;
    readonly digest: Digest;
  }
  | { readonly kind: "tags"; readonly repository: RepositoryName; readonly page: PageRequest<Tag> };

/** A question with the span that asks it; none where the request is not traced. */
export type TracedQuestion = MirrorQuestion & { readonly trace?: SpanContext };

export type MirrorAnswer =
  | TagFreshness
  | BlobOnItsWay
  | UpstreamList<Tag>
  | UpstreamList<Descriptor>
  | number
  | undefined;

/** A blob that arrives, for another thread. */
export interface BlobOnItsWay {
  readonly session: UploadSessionId;
  readonly size: number;
  /** Gives {@linkcode ArrivalMessage}s, the last of which says that it is there or will never be. */
  readonly news: MessagePort;
}

/** What happens to a blob on its way, for another thread. */
export type ArrivalMessage =
  | Exclude<ArrivalEvent, { readonly kind: "failed" }>
  | { readonly kind: "failed"; readonly fault: FaultMessage };

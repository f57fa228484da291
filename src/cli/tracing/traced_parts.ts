/** Puts spans around the parts of a request: the whole, who asks, what may be done, storage, upstreams. */
import type { Handler } from "../../http/handle.ts";
import type { Authenticator } from "../../ports/authenticator.ts";
import type { AuthorizationHook } from "../../ports/authorization_hook.ts";
import type { Upstream } from "../../ports/upstream.ts";
import type { RequestStores } from "../wire.ts";
import type { SpanAttributes } from "./span.ts";
import type { SpanRecorder } from "./span_recorder.ts";
import { readTraceparent } from "./trace_context.ts";

/** A span for each request, from its head to its answer; the bytes of a blob are sent after it. */
export function traceHandler(recorder: SpanRecorder, handle: Handler): Handler {
  return (request) => {
    const attributes = {
      "http.request.method": request.method,
      "url.path": pathOf(request.target),
      "simple_registry.request": request.id,
    };
    const parent = readTraceparent(request.headers.get("traceparent"));
    return recorder.begin("request", parent, { kind: "server", attributes }, async (span) => {
      const handled = await handle(request);
      const { status } = handled.response;
      span.set({
        "http.response.status_code": status,
        "simple_registry.operation": handled.action ?? "unknown",
      });
      if (status >= 500) span.fail();
      return handled;
    });
  };
}

/** Characters of a path; spans wait in memory, and paths are for clients to choose. */
const MOST_PATH = 300;

/** Without the query, and without the id of an upload session, which is a right to go on with it. */
function pathOf(target: string): string {
  const [path = ""] = target.split("?", 1);
  return path.slice(0, MOST_PATH).replace(/(\/blobs\/uploads\/)[^/]+/, "$1-");
}

/**
 * The same object, whose methods that give a promise are spans within the request.
 *
 * @param prefix before the name of the method: `storage.` makes `storage.findTag`
 */
export function traceMethods<T extends object>(
  recorder: SpanRecorder,
  prefix: string,
  part: T,
  options: { readonly kind?: "client"; readonly attributes?: SpanAttributes } = {},
): T {
  const traced = new Map<PropertyKey, unknown>();
  return new Proxy(part, {
    get(target, property) {
      const known = traced.get(property);
      if (known !== undefined) return known;
      const value = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      const name = `${prefix}${String(property)}`;
      const call = (...args: unknown[]): unknown =>
        recorder.call(name, options, () => value.apply(target, args));
      traced.set(property, call);
      return call;
    },
  });
}

/** What answers a request. */
export interface AnsweringParts {
  readonly stores: RequestStores;
  readonly authenticator: Authenticator;
  readonly hook: AuthorizationHook;
}

/** The same parts, with spans around what they do; without a recorder just these. */
export function traceParts(recorder: SpanRecorder | undefined, parts: AnsweringParts): AnsweringParts {
  if (recorder === undefined) return parts;
  const { stores, authenticator, hook } = parts;
  return {
    stores: {
      ...stores,
      metadata: traceMethods(recorder, "storage.metadata.", stores.metadata),
      blobs: traceMethods(recorder, "storage.blobs.", stores.blobs),
      manifests: traceMethods(recorder, "manifest.", stores.manifests),
      ...(stores.mirrors && { mirrors: traceMethods(recorder, "mirror.", stores.mirrors) }),
    },
    authenticator: traceMethods(recorder, "auth.", authenticator),
    hook: traceMethods(recorder, "auth.", hook),
  };
}

/** Requests to an upstream, by what is asked and whom. */
export function traceUpstream(recorder: SpanRecorder, upstream: Upstream): Upstream {
  const attributes = { "server.address": new URL(upstream.url).host };
  return traceMethods(recorder, "upstream.", upstream, { kind: "client", attributes });
}

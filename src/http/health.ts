/** Handlers of `/healthz` and `/readyz`: open to everybody, so they say yes or no and nothing else. */
import type { Registry } from "../registry/registry.ts";
import { isReady } from "../registry/readiness.ts";
import type { HttpResponse } from "./message.ts";
import { respondJson } from "./respond.ts";

/** The process answers. */
export function handleHealthz(): HttpResponse {
  return respondJson(200, { status: "ok" }, { "cache-control": "no-store" });
}

/** The store can read and write; why not is in the log only. */
export async function handleReadyz(registry: Registry): Promise<HttpResponse> {
  const headers = { "cache-control": "no-store" };
  return await isReady(registry)
    ? respondJson(200, { status: "ready" }, headers)
    : respondJson(503, { status: "not_ready" }, headers);
}

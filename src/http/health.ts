/** Handlers of `/healthz` and `/readyz`: open to everybody, so they say yes or no and nothing else. */
import type { Registry } from "../registry/registry.ts";
import type { HttpResponse } from "./message.ts";
import { respondJson } from "./respond.ts";

/** The process answers. */
export function handleHealthz(): HttpResponse {
  return respondJson(200, { status: "ok" }, { "cache-control": "no-store" });
}

/** The store can read and write; why not is in the log only. */
export async function handleReadyz(registry: Registry): Promise<HttpResponse> {
  const headers = { "cache-control": "no-store" };
  try {
    await registry.metadata.checkReady();
  } catch (error) {
    registry.log.warn("not ready: the metadata store cannot read and write", { error });
    return respondJson(503, { status: "not_ready" }, headers);
  }
  return respondJson(200, { status: "ready" }, headers);
}

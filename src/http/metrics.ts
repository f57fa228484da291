/** Handler of `/metrics`: what the whole process counted, whichever thread is asked. Under policy, as all content is. */
import type { HttpResponse } from "./message.ts";
import { respond } from "./respond.ts";
import { noEndpoint } from "./route.ts";

/** Exposition format of Prometheus. */
const MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** @throws {OciError} NAME_UNKNOWN where nobody counts */
export async function handleMetrics(scrape: (() => Promise<string>) | undefined): Promise<HttpResponse> {
  if (scrape === undefined) throw noEndpoint("/metrics");
  const body = new TextEncoder().encode(await scrape());
  return respond(200, {
    "content-type": MEDIA_TYPE,
    "content-length": String(body.length),
    "cache-control": "no-store",
  }, body);
}

/** An upstream whose questions are counted. */
import type { MetricName } from "../core/metric_families.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Upstream } from "../ports/upstream.ts";

const FAMILY = "upstream_requests_total" satisfies MetricName;

/** Counts each call with its result: found, missing, or the kind of the fault. */
export function countedUpstream(upstream: Upstream, metrics: Metrics): Upstream {
  const counted = async <T>(question: string, asked: Promise<T>): Promise<T> => {
    const count = (result: string): void =>
      metrics.counter(FAMILY, { upstream: upstream.url, question, result }).add();
    try {
      const answer = await asked;
      count(answer === undefined ? "missing" : "found");
      return answer;
    } catch (fault) {
      count(fault instanceof UpstreamFault ? fault.kind : "failed");
      throw fault;
    }
  };
  return {
    url: upstream.url,
    headManifest: (...of) => counted("head-manifest", upstream.headManifest(...of)),
    getManifest: (...of) => counted("get-manifest", upstream.getManifest(...of)),
    headBlob: (...of) => counted("head-blob", upstream.headBlob(...of)),
    getBlob: (...of) => counted("get-blob", upstream.getBlob(...of)),
    listTags: (...of) => counted("list-tags", upstream.listTags(...of)),
    listReferrers: (...of) => counted("list-referrers", upstream.listReferrers(...of)),
    close: () => upstream.close(),
  };
}

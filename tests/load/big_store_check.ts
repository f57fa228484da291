/** Starts a server on a large registry and measures what must not depend on its size. */
import assert from "node:assert/strict";
import { startRegistry } from "../harness/start_registry.ts";
import { type BigStoreSize, nameOfRepository, nameOfTag, TAGGED, writeBigStore } from "./big_store.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

export interface BigStoreBounds {
  /** ms that the start, up to the first answer, may take longer than that of an empty registry. */
  readonly start: number;
  /** ms for a page of 1,000 tags, of 1,000 repositories, and for HEAD of a manifest: the median of some requests. */
  readonly tagsPage: number;
  readonly catalogPage: number;
  readonly headManifest: number;
}

/** Bytes that the process may hold after all of it. */
const MOST_MEMORY = 300e6;

const REQUESTS = 41;
const STARTS = 3;

/** @throws {AssertionError} for the first figure that is beyond its bound; gives all of them as text */
export async function checkBigStore(size: BigStoreSize, bounds: BigStoreBounds): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "registry-" });
  try {
    const rootDir = `${folder}/data`;
    writeBigStore(rootDir, size);
    const figures: string[] = [];
    const judge = (what: string, figure: number, bound: number) => {
      figures.push(`${what}: ${figure.toFixed(1)} ms (at most ${bound})`);
      assert.ok(figure < bound, figures.join("\n"));
    };
    const empty = await measureStart(`${folder}/empty`);
    const full = await measureStart(rootDir);
    figures.push(`start of an empty registry to its first answer: ${empty.toFixed(1)} ms`);
    judge("and of this one beyond that", full - empty, bounds.start);
    await using registry = await startRegistry({ tls: false, rootDir });

    const middle = nameOfTag(Math.floor(size.tags / 2));
    const some = nameOfRepository(Math.floor(size.repositories / 3));
    const tags = await measure(`${registry.url}/v2/${TAGGED}/tags/list?n=1000`);
    assert.deepEqual([tags.json.tags.length, tags.json.tags[999]], [1000, nameOfTag(999)]);
    judge("first page of tags", tags.ms, bounds.tagsPage);
    const later = await measure(`${registry.url}/v2/${TAGGED}/tags/list?n=1000&last=${middle}`);
    assert.equal(later.json.tags.length, 1000);
    judge("page of tags in the middle", later.ms, bounds.tagsPage);
    const catalog = await measure(`${registry.url}/v2/_catalog?n=1000`);
    assert.equal(catalog.json.repositories.length, Math.min(1000, size.repositories + 1));
    judge("page of the catalog", catalog.ms, bounds.catalogPage);
    const last = await measure(`${registry.url}/v2/_catalog?n=1000&last=${some}`);
    assert.ok(last.json.repositories.length > 0);
    judge("page of the catalog behind a third", last.ms, bounds.catalogPage);
    const head = await measure(`${registry.url}/v2/${some}/manifests/latest`, "HEAD");
    judge("HEAD of a manifest", head.ms, bounds.headManifest);
    const missing = await measure(`${registry.url}/v2/${some}/manifests/nothing`, "HEAD", 404);
    judge("HEAD of a manifest that is not there", missing.ms, bounds.headManifest);

    // What the caches take comes with different manifests.
    for (let n = 0; n < Math.min(2000, size.repositories); n++) {
      await (await fetch(`${registry.url}/v2/${nameOfRepository(n)}/manifests/latest`)).arrayBuffer();
    }
    const { peak } = await readProcessMemory(registry.process.pid);
    figures.push(`memory at most: ${megabytes(peak)} (at most ${megabytes(MOST_MEMORY)})`);
    assert.ok(peak < MOST_MEMORY, figures.join("\n"));
    return figures.join("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** ms from before the start to the first answer, the best of some; what the harness does before is in it. */
async function measureStart(rootDir: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const started = performance.now();
    await using registry = await startRegistry({ tls: false, rootDir });
    await (await fetch(`${registry.url}/v2/`)).text();
    times.push(performance.now() - started);
  }
  return Math.min(...times);
}

/** Median time of a request in ms, from sending it to the last byte, and the last answer. */
async function measure(url: string, method = "GET", status = 200) {
  const times: number[] = [];
  let text = "";
  for (let i = 0; i < REQUESTS; i++) {
    const started = performance.now();
    const answer = await fetch(url, { method });
    text = await answer.text();
    times.push(performance.now() - started);
    assert.equal(answer.status, status, text);
  }
  return {
    ms: times.toSorted((a, b) => a - b)[REQUESTS >> 1]!,
    // deno-lint-ignore no-explicit-any -- whatever the answer holds
    json: (method === "GET" ? JSON.parse(text) : undefined) as any,
  };
}

/** Goes through the pages of an upstream's listing, by the `Link` headers that it sends (RFC 8288). */
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { Answer } from "./exchange.ts";

/** Pages of one listing: an upstream could send links without end. */
const MOST_PAGES = 200;

/** Bytes of one page. */
export const LARGEST_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * The bodies of all pages, in order; none when the first one is not there.
 *
 * @throws {UpstreamFault} also for a link to another place
 */
export async function* readPages(
  first: URL,
  ask: (url: URL) => Promise<Answer | undefined>,
): AsyncGenerator<Uint8Array> {
  let url: URL | undefined = first;
  for (let page = 0; url !== undefined && page < MOST_PAGES; page++) {
    const answer: Answer | undefined = await ask(url);
    if (answer === undefined) return;
    const next = nextOf(answer.header("link"), url);
    yield await answer.body.readWhole(LARGEST_PAGE_BYTES, "a page of a listing");
    url = next;
  }
}

function nextOf(link: string | undefined, from: URL): URL | undefined {
  const target = /<([^>]{1,4096})>\s*;[^,]*\brel="?next"?/i.exec(link ?? "")?.[1];
  if (target === undefined) return undefined;
  const next = URL.parse(target, from);
  if (next?.origin === from.origin) return next;
  // Behind a proxy that ends TLS some registries write their links with http.
  if (next !== null && next.hostname === from.hostname) {
    return new URL(`${next.pathname}${next.search}`, from.origin);
  }
  throw new UpstreamFault("unsafe", `"${from.host}" continues a listing at another host`);
}

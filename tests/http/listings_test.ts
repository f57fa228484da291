/** Tags and catalog, through the handler. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { assertRefused, makeBlob, pushBlob, pushImage, putManifest } from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

async function pushTags(client: Client, repository: string, tags: readonly string[]): Promise<void> {
  const { manifest } = await pushImage(client, repository, tags[0]!);
  for (let i = 1; i < tags.length; i += 100) {
    const query = tags.slice(i, i + 100).map((tag) => `tag=${tag}`).join("&");
    await putManifest(client, repository, `${manifest.digest}?${query}`, manifest);
  }
}

/** Follows `Link` to the end and returns every page. */
async function readPages(client: Client, target: string, key: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = target; next !== undefined;) {
    const answer = await client.send("GET", next);
    assert.equal(answer.status, 200, answer.text);
    pages.push(answer.json[key]);
    const link = answer.headers["link"];
    next = link && /^<(\/v2\/[\x21-\x7e]+)>; rel="next"$/.exec(link)![1];
  }
  return pages;
}

Deno.test("tags come in byte order under the repository's name", async () => {
  const client = makeClient(makeModelRegistry());
  await pushTags(client, "app", ["b", "a", "B", "1", "_", "a.b", "a-b", "latest"]);
  const answer = await client.send("GET", "/v2/app/tags/list");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["content-length"], String(answer.body.length));
  assert.deepEqual(answer.json, { name: "app", tags: ["1", "B", "_", "a", "a-b", "a.b", "b", "latest"] });
  assert.equal(answer.headers["link"], undefined);
  const head = await client.send("HEAD", "/v2/app/tags/list");
  assert.deepEqual([head.headers, head.body.length], [answer.headers, 0]);
});

Deno.test("tags are cut into pages that Link joins without gap or repetition", async () => {
  const client = makeClient(makeModelRegistry());
  const tags = Array.from({ length: 7 }, (_, i) => `t${i}`);
  await pushTags(client, "app", tags);
  assert.deepEqual(await readPages(client, "/v2/app/tags/list?n=3", "tags"), [
    ["t0", "t1", "t2"],
    ["t3", "t4", "t5"],
    ["t6"],
  ]);
  const exact = await client.send("GET", "/v2/app/tags/list?n=7");
  assert.deepEqual([exact.json.tags, exact.headers["link"]], [tags, undefined]);
  const first = await client.send("GET", "/v2/app/tags/list?n=3");
  assert.equal(first.headers["link"], `</v2/app/tags/list?n=3&last=t2>; rel="next"`);
});

Deno.test("last is a place in the order, whether or not a tag stands there", async () => {
  const client = makeClient(makeModelRegistry());
  await pushTags(client, "app", ["a", "c", "e"]);
  const after = async (last: string) =>
    (await client.send("GET", `/v2/app/tags/list?last=${last}`)).json.tags;
  assert.deepEqual(await after("a"), ["c", "e"]);
  assert.deepEqual(await after("b"), ["c", "e"]);
  assert.deepEqual(await after(""), ["a", "c", "e"]);
  assert.deepEqual(await after("e"), []);
  assert.deepEqual(await after(".not-a-tag"), ["a", "c", "e"]);
  assert.deepEqual(await after("%C3%A4"), []);
  await client.send("DELETE", "/v2/app/manifests/c");
  assert.deepEqual(await after("c"), ["e"]);
});

Deno.test("n=0 is answered with an empty list and no Link", async () => {
  const client = makeClient(makeModelRegistry());
  await pushTags(client, "app", ["a", "b"]);
  for (
    const [target, key] of [["/v2/app/tags/list?n=0", "tags"], ["/v2/_catalog?n=0", "repositories"]] as const
  ) {
    const answer = await client.send("GET", target);
    assert.deepEqual([answer.status, answer.json[key], answer.headers["link"]], [200, [], undefined]);
  }
});

Deno.test("n that is not a number is refused, and a large one is cut to 1,000 with a Link", async () => {
  const client = makeClient(makeModelRegistry());
  const tags = Array.from({ length: 1002 }, (_, i) => `t${String(i).padStart(4, "0")}`);
  await pushTags(client, "app", tags);
  for (const path of ["/v2/app/tags/list", "/v2/_catalog"]) {
    for (const n of ["-1", "abc", "1.5", "0x10", "%31x"]) {
      assertRefused(await client.send("GET", `${path}?n=${n}`), 400, "PAGINATION_NUMBER_INVALID");
    }
  }
  for (const query of ["", "?n=1001", "?n=9999999999", "?n="]) {
    const answer = await client.send("GET", `/v2/app/tags/list${query}`);
    assert.equal(answer.json.tags.length, 1000);
    assert.equal(answer.headers["link"], `</v2/app/tags/list?n=1000&last=t0999>; rel="next"`);
  }
  assert.deepEqual((await readPages(client, "/v2/app/tags/list", "tags")).flat(), tags);
});

Deno.test("tags of a repository in which nothing was stored answer NAME_UNKNOWN, of one without tags an empty list", async () => {
  const client = makeClient(makeModelRegistry());
  for (const query of ["", "?n=0", "?last=a"]) {
    assertRefused(await client.send("GET", `/v2/app/tags/list${query}`), 404, "NAME_UNKNOWN");
  }
  await pushBlob(client, "app", makeBlob());
  assert.deepEqual((await client.send("GET", "/v2/app/tags/list")).json, { name: "app", tags: [] });
});

Deno.test("the catalog lists repositories that hold manifests, in pages", async () => {
  const client = makeClient(makeModelRegistry());
  for (const repository of ["b", "a/x", "a", "c"]) await pushImage(client, repository, "latest");
  await pushBlob(client, "blobs-only", makeBlob());
  assert.deepEqual(await readPages(client, "/v2/_catalog?n=3", "repositories"), [["a", "a/x", "b"], ["c"]]);
  assert.equal(
    (await client.send("GET", "/v2/_catalog?n=1")).headers["link"],
    `</v2/_catalog?n=1&last=a>; rel="next"`,
  );
  assert.deepEqual((await client.send("GET", "/v2/_catalog?last=a")).json, {
    repositories: ["a/x", "b", "c"],
  });
  assert.deepEqual((await makeClient(makeModelRegistry()).send("GET", "/v2/_catalog")).json, {
    repositories: [],
  });
});

Deno.test("the catalog lists only what the caller may list, and no Link names the rest", async () => {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  for (const repository of ["a", "hidden-1", "hidden-2", "m", "z"]) {
    await pushImage(client, repository, "latest");
  }
  registry.refuse = (operation) =>
    operation.action === "list-tags" && operation.repository.startsWith("hidden") ? "not yours" : undefined;
  assert.deepEqual(await readPages(client, "/v2/_catalog?n=1", "repositories"), [["a"], ["m"], ["z"]]);
  const first = await client.send("GET", "/v2/_catalog?n=1");
  assert.ok(!first.headers["link"]!.includes("hidden"));
});

Deno.test("a long catalog is read step by step", async () => {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  const { config } = await pushImage(client, "seed", "latest");
  const seed = registry.metadata.repositories.get("seed" as never)!;
  for (let i = 0; i < 2500; i++) {
    registry.metadata.repositories.set(`r${String(i).padStart(4, "0")}` as never, seed);
  }
  assert.ok(config.bytes.length > 0);
  registry.refuse = (operation) =>
    operation.action === "list-tags" && operation.repository < "r2400" ? "not yours" : undefined;
  const listed = (await readPages(client, "/v2/_catalog?n=60", "repositories")).flat();
  assert.deepEqual([listed.length, listed[0], listed.at(-1)], [101, "r2400", "seed"]);
});

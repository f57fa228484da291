/** Names of other registries (`?ns=`), names without a prefix, and pushes into a mirror. */
import assert from "node:assert/strict";
import { parseRepositoryName, type RepositoryName } from "../../src/core/repository_name.ts";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { makeBlob, makeManifest } from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

const HUB = parseRepositoryName("dockerhub");

/** `dockerhub` stands for docker.io and is a mirror, `team` is pushed to. */
function makeTrial({ unprefixed = false } = {}): { registry: ModelRegistry; client: Client } {
  const registry = makeModelRegistry({ allowMissingManifestReferences: true });
  const isIn = (name: RepositoryName, prefix: string) => name === prefix || name.startsWith(`${prefix}/`);
  const rules = {
    ...NO_RULES,
    mirror: {
      urls: ["https://registry-1.docker.io"],
      revalidateAfter: Infinity,
      onUpstreamError: "fail",
      onUpstreamNotFound: "fail",
      offline: true,
    },
  } as const;
  const configured: Partial<Registry> = {
    rulesOf: (name) => isIn(name, HUB) ? rules : NO_RULES,
    standIns: {
      byRegistry: new Map([["docker.io", HUB]]),
      unprefixed: unprefixed ? HUB : undefined,
      isCovered: (name) => isIn(name, HUB) || isIn(name, "team"),
    },
  };
  Object.assign(registry, configured);
  return { registry, client: makeClient(registry) };
}

async function store(registry: ModelRegistry, name: string, marker: string): Promise<void> {
  const { bytes, digest } = makeManifest(makeBlob(), [], { annotations: { marker } });
  await registry.metadata.putManifest({
    repository: parseRepositoryName(name),
    digest,
    mediaType: "application/vnd.oci.image.manifest.v1+json" as never,
    bytes,
    references: [],
    tags: ["latest" as never],
    requireBlobs: false,
    at: registry.time,
  });
}

const markerOf = (answer: { json: { annotations: { marker: string } } }) => answer.json.annotations.marker;

Deno.test("?ns= finds the repository that stands for the registry, and the answer says so", async () => {
  const { registry, client } = makeTrial();
  await store(registry, "dockerhub/library/app", "of the hub");
  const found = await client.send("GET", "/v2/library/app/manifests/latest?ns=Docker.io");
  assert.equal(found.status, 200);
  assert.equal(markerOf(found), "of the hub");
  assert.equal(found.headers["oci-namespace"], "Docker.io");
});

Deno.test("?ns= with a letter that only looks like one of the registry's is another registry", async () => {
  const { registry, client } = makeTrial();
  await store(registry, "dockerhub/library/app", "of the hub");
  // KELVIN SIGN, whose small letter is the k of ASCII. No header of an answer could repeat it.
  const found = await client.send("GET", "/v2/library/app/manifests/latest?ns=doc%E2%84%AAer.io");
  assert.equal(found.status, 404);
  assert.equal(found.headers["oci-namespace"], undefined);
});

Deno.test("what is judged is the repository that ?ns= means, so that it opens no door to another one", async () => {
  const { registry, client } = makeTrial();
  await store(registry, "team/secret", "of the team");
  registry.refuse = (operation) =>
    "repository" in operation && operation.repository.startsWith("team") ? "not yours" : undefined;
  const hidden = await client.send("GET", "/v2/team/secret/manifests/latest?ns=docker.io");
  assert.equal(hidden.status, 404);
  const asked = registry.asked.at(-1)!;
  assert.equal("repository" in asked && asked.repository, "dockerhub/team/secret");
});

for (const ns of ["169.254.169.254", "..%2Fx", "registry.evil.example", "team"]) {
  Deno.test(`?ns=${ns}, which nothing stands for, is answered 404 and shows nothing that is here`, async () => {
    const { registry, client } = makeTrial();
    await store(registry, "library/app", "hosted here");
    for (const path of ["manifests/latest", "tags/list", `blobs/sha256:${"0".repeat(64)}`]) {
      const answer = await client.send("GET", `/v2/library/app/${path}?ns=${ns}`);
      assert.equal(answer.status, 404);
      assert.equal(answer.json.errors[0].code, "NAME_UNKNOWN");
      assert.match(answer.json.errors[0].message, /^No repository here stands for registry /);
    }
    assert.deepEqual(registry.asked, []);
  });
}

Deno.test("?ns= with the name of this registry, and an empty one, mean the names as they are", async () => {
  const { registry, client } = makeTrial();
  await store(registry, "library/app", "hosted here");
  for (const ns of ["registry.example", "Registry.Example", ""]) {
    const answer = await client.send("GET", `/v2/library/app/manifests/latest?ns=${ns}`);
    assert.equal(markerOf(answer), "hosted here");
    assert.equal(answer.headers["oci-namespace"], undefined);
  }
});

Deno.test("?ns= does nothing to a push", async () => {
  const { registry, client } = makeTrial();
  const started = await client.send("POST", "/v2/library/app/blobs/uploads/?ns=docker.io");
  assert.equal(started.status, 202);
  assert.match(started.headers["location"]!, /^\/v2\/library\/app\//);
  assert.equal(registry.asked.at(-1)!.action, "start-upload");
});

Deno.test("names that no settings cover mean the unprefixed repository, for pulls and for pushes", async () => {
  const { registry, client } = makeTrial({ unprefixed: true });
  await store(registry, "dockerhub/library/app", "of the hub");
  await store(registry, "team/app", "of the team");
  await store(registry, "library/app", "pushed before the setting");
  assert.equal(markerOf(await client.send("GET", "/v2/library/app/manifests/latest")), "of the hub");
  assert.equal(
    markerOf(await client.send("GET", "/v2/dockerhub/library/app/manifests/latest")),
    "of the hub",
  );
  assert.equal(markerOf(await client.send("GET", "/v2/team/app/manifests/latest")), "of the team");
  assert.equal((await client.send("POST", "/v2/library/app/blobs/uploads/")).status, 403);
  assert.equal((await client.send("POST", "/v2/team/app/blobs/uploads/")).status, 202);
});

Deno.test("a push into a mirror is refused with a reason, in each of its steps, and deletes are not", async () => {
  const { registry, client } = makeTrial();
  await store(registry, "dockerhub/library/app", "of the hub");
  const { bytes, mediaType, digest } = makeManifest(makeBlob());
  const session = `/v2/dockerhub/library/app/blobs/uploads/${crypto.randomUUID()}`;
  const headers = { "content-type": mediaType };
  const pushes = [
    await client.send("PUT", "/v2/dockerhub/library/app/manifests/latest", { headers, body: bytes }),
    await client.send("POST", "/v2/dockerhub/library/app/blobs/uploads/"),
    await client.send("POST", `/v2/dockerhub/blobs/uploads/?mount=${digest}&from=team/app`),
    ...await Promise.all(
      ["GET", "PATCH", "DELETE"].map((method) => client.send(method, session)),
    ),
  ];
  assert.equal(pushes.length, 6);
  for (const refused of pushes) {
    assert.equal(refused.status, 403, refused.text);
    assert.match(
      refused.json.errors[0].message,
      /^Cannot push to repository "dockerhub[^"]*": it is a mirror of https:\/\/registry-1\.docker\.io, /,
    );
    assert.equal(refused.taken, 0);
  }
  assert.equal((await client.send("DELETE", "/v2/dockerhub/library/app/manifests/latest")).status, 202);
});

Deno.test("a push that the policies refuse is refused by them, and says nothing of the mirror", async () => {
  const { registry, client } = makeTrial();
  registry.refuse = () => "not yours";
  const refused = await client.send("POST", "/v2/dockerhub/library/app/blobs/uploads/");
  assert.equal(refused.status, 403);
  assert.equal(refused.json.errors[0].message, "Access denied: not yours");
});

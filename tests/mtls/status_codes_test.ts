/** What people are told whom policy refuses: the statuses that make clients show the reason, and nothing of what exists. */
import assert from "node:assert/strict";
import { buildImage, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ask, type Told } from "./ask.ts";
import { makePeople } from "./identity_files.ts";

const people = makePeople();
const image = buildImage();
const CONFIG = `
[global.access_policy]
rules = [
  "identity.certificate.organizations.contains('Infrastructure')",
  "identity.certificate.organizations.contains('Developers') && request.repository.startsWith('open') && request.action != 'mount-blob'",
  "identity.certificate.organizations.contains('Developers') && request.action in ['get-api-version', 'list-catalog']",
]
`;
const absent = makeContent("application/octet-stream", randomBytes(10)).digest;
const present = image.layers[0]!.digest;
let registry: RunningRegistry;

Deno.test.beforeAll(async () => {
  registry = await startRegistry({ clientAuth: people.clientAuth, config: CONFIG });
  using api = new RegistryApi(registry, people.admin);
  await api.pushImage("secret/app", image, "v1");
  await api.pushImage("open/app", buildImage(), "v1");
});
Deno.test.afterAll(() => registry[Symbol.asyncDispose]());

const developer = (request: string, init?: RequestInit) => ask(registry, people.developer, request, init);

Deno.test("HEAD of a blob that policy refuses says 404, and the upload that follows says why", async () => {
  for (const person of [people.developer, undefined]) {
    const head = await ask(registry, person, `HEAD /v2/secret/app/blobs/${present}`);
    assert.equal(head.status, 404);
    const post = await ask(registry, person, "POST /v2/secret/app/blobs/uploads/");
    assert.equal(post.status, person === undefined ? 401 : 403);
    assert.match(post.reason, /no rule of the global access policy allows start-upload in "secret\/app"/);
  }
});

Deno.test("HEAD of a blob with a refused certificate says 404 too, and the upload that follows says why", async () => {
  const head = await ask(registry, people.expired, `HEAD /v2/open/app/blobs/${present}`);
  assert.equal(head.status, 404);
  const post = await ask(registry, people.expired, "POST /v2/open/app/blobs/uploads/");
  assert.equal(post.status, 403);
  assert.match(post.reason, /client certificate refused: expired/);
});

Deno.test("a mount that policy refuses, or from where one may not read, is a plain upload", async () => {
  const mounts = [
    `mount=${present}&from=secret/app`,
    `mount=${absent}&from=secret/app`,
    `mount=${present}&from=nowhere`,
    `mount=${present}`,
  ];
  for (const query of mounts) {
    const { status, headers } = await developer(`POST /v2/open/other/blobs/uploads/?${query}`);
    assert.equal(status, 202, query);
    assert.match(headers.get("location") ?? "", /^\/v2\/open\/other\/blobs\/uploads\//);
    assert.equal(headers.get("docker-content-digest"), null);
  }
  assert.equal((await developer(`GET /v2/open/other/blobs/${present}`)).status, 404);
  const { status } = await developer(`POST /v2/secret/app/blobs/uploads/?mount=${present}&from=open/app`);
  assert.equal(status, 403, "where neither the mount nor an upload is allowed");
});

Deno.test("the catalog lists only what the caller may list", async () => {
  const list = async (person: typeof people.admin) =>
    JSON.parse((await ask(registry, person, "GET /v2/_catalog")).text).repositories;
  assert.deepEqual(await list(people.admin), ["open/app", "secret/app"]);
  assert.deepEqual(await list(people.developer), ["open/app"]);
  assert.equal((await ask(registry, undefined, "GET /v2/_catalog")).status, 401);
});

/** Everything of an answer but its date. */
function visible({ status, headers, text }: Told): unknown {
  return { status, text, headers: [...headers].filter(([name]) => name !== "date") };
}

const PAIRS: readonly [title: string, exists: string, doesNot: string][] = [
  ["a tag", "GET /v2/secret/app/manifests/v1", "GET /v2/secret/app/manifests/v2"],
  [
    "a manifest",
    `GET /v2/secret/app/manifests/${image.manifest.digest}`,
    `GET /v2/secret/app/manifests/${absent}`,
  ],
  ["a tag, by HEAD", "HEAD /v2/secret/app/manifests/v1", "HEAD /v2/secret/app/manifests/v2"],
  ["a blob", `GET /v2/secret/app/blobs/${present}`, `GET /v2/secret/app/blobs/${absent}`],
  ["a blob, by HEAD", `HEAD /v2/secret/app/blobs/${present}`, `HEAD /v2/secret/app/blobs/${absent}`],
  ["a blob of another repository", `GET /v2/open/app/blobs/${present}`, `GET /v2/open/app/blobs/${absent}`],
  ["a repository", "GET /v2/secret/app/tags/list", "GET /v2/secret/xyz/tags/list"],
  [
    "referrers",
    `GET /v2/secret/app/referrers/${image.manifest.digest}`,
    `GET /v2/secret/app/referrers/${absent}`,
  ],
  ["what may be deleted", "DELETE /v2/secret/app/manifests/v1", "DELETE /v2/secret/app/manifests/v2"],
];

for (const [title, exists, doesNot] of PAIRS) {
  test(`whether it exists cannot be told from what is refused: ${title}`, exists, doesNot);
}

function test(title: string, exists: string, doesNot: string): void {
  Deno.test(title, async () => {
    for (const person of [people.developer, undefined, people.revoked]) {
      const [one, other] = [await ask(registry, person, exists), await ask(registry, person, doesNot)];
      assert.ok(one.status >= 400, `${one.status}`);
      const named = JSON.stringify(visible(one)).replaceAll("secret/app", "secret/xyz").replaceAll(
        present,
        absent,
      );
      assert.equal(named, JSON.stringify(visible(other)).replaceAll("secret/app", "secret/xyz"));
    }
  });
}

Deno.test("the upload session of one repository is unknown below the name of another", async () => {
  const opened = await ask(registry, people.admin, "POST /v2/secret/app/blobs/uploads/");
  const session = opened.headers.get("location")!.split("/").at(-1)!.split("?")[0];
  for (const method of ["GET", "PATCH", "DELETE"]) {
    const told = await developer(`${method} /v2/open/app/blobs/uploads/${session}`);
    assert.equal(told.status, 404, method);
    const unknown = await developer(`${method} /v2/open/app/blobs/uploads/${crypto.randomUUID()}`);
    assert.equal(unknown.status, 404, method);
  }
});

Deno.test("health is told to everybody, and says no more than that it is well", async () => {
  for (const person of [undefined, people.expired, people.developer]) {
    for (const path of ["/healthz", "/readyz"]) {
      const { status, text } = await ask(registry, person, `GET ${path}`);
      assert.equal(status, 200, path);
      assert.ok(text.length < 20, text);
    }
  }
});

/** A mirror whose settings change under it: the next pull goes by the new ones, and what is under way ends as it began. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { dirname } from "node:path";
import { type Verdict, Verdicts } from "../cli/reload/reload_verdicts.ts";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ScriptedUpstream, sendJson } from "../upstream/scripted_upstream.ts";
import { makeTlsPair } from "../upstream/upstream_trial.ts";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const REMOTE = "library/app";
const APP = `hub/${REMOTE}`;

/** The table of an upstream, with more lines of it. */
const upstreamTable = ({ url }: { url: string }, lines = ""): string =>
  `[[repository."hub".upstream]]\nurl = "${url}"\nallowed_addresses = ["127.0.0.1"]\n${lines}\n`;

const mirrorTable = (upstream: { url: string }, lines = ""): string =>
  `[repository."hub"]\nrevalidate_after = 0\n${upstreamTable(upstream, lines)}`;

class ReloadedMirror implements AsyncDisposable {
  readonly #registry: RunningRegistry;
  readonly #verdicts: Verdicts;
  readonly #api: RegistryApi;
  readonly #file: string;
  /** What the file holds beside the tables of the test. */
  readonly #head: string;

  private constructor(registry: RunningRegistry, file: string, head: string) {
    this.#registry = registry;
    this.#verdicts = new Verdicts(registry);
    this.#api = new RegistryApi(registry);
    this.#file = file;
    this.#head = head;
  }

  static async start(tables: string): Promise<ReloadedMirror> {
    const config = "[global.access_policy]\ndefault_allow = true\n";
    const registry = await startRegistry({ tls: false, server: "threads = 2", config: config + tables });
    const file = `${dirname(registry.caFile)}/config.toml`;
    const text = await Deno.readTextFile(file);
    return new ReloadedMirror(registry, file, text.slice(0, text.indexOf(config) + config.length));
  }

  /** Puts other tables in the place of the former ones, which the registry notices. */
  async reload(tables: string): Promise<void> {
    await this.#write(tables);
    const { message, reason } = await this.#verdicts.next();
    assert.equal(message, "configuration reloaded", reason);
  }

  /** The same with tables that are wrong, at once: by itself the registry would wait whether more is still being written. */
  async refuse(tables: string, why: RegExp): Promise<void> {
    await this.#write(tables);
    this.#registry.process.kill("SIGHUP");
    let verdict: Verdict;
    do {
      verdict = await this.#verdicts.next();
      assert.equal(verdict.message, "configuration not reloaded, the former one stays");
      // It may notice a change by itself too, and tell it twice.
    } while (!why.test(verdict.reason!));
  }

  async #write(tables: string): Promise<void> {
    await Deno.writeTextFile(`${this.#file}.new`, this.#head + tables);
    await Deno.rename(`${this.#file}.new`, this.#file);
  }

  async pull(path: string): Promise<Response> {
    return await this.#api.request("GET", `/v2/${path}`);
  }

  async status(path: string): Promise<number> {
    const response = await this.pull(path);
    await response.body?.cancel();
    return response.status;
  }

  /** The digest that a tag names to clients. */
  async digestOf(path: string): Promise<string | null> {
    const response = await this.pull(path);
    await response.body?.cancel();
    assert.equal(response.status, 200);
    return response.headers.get("docker-content-digest");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api[Symbol.dispose]();
    await this.#registry[Symbol.asyncDispose]();
  }
}

const LATEST = `${APP}/manifests/latest`;

Deno.test("a repository becomes a mirror, one of another upstream, and none again, without a restart", async () => {
  await using first = await ScriptedUpstream.start();
  await using second = await ScriptedUpstream.start();
  const [old, current, missed] = [buildImage(), buildImage(), buildImage()];
  first.addImage(REMOTE, old, "latest");
  second.addImage(REMOTE, current, "latest");
  second.addImage(REMOTE, missed, "missed");
  await using mirror = await ReloadedMirror.start("");
  assert.equal(await mirror.status(LATEST), 404);
  // Nobody would ask again for a tag that never grows old.
  await mirror.reload(mirrorTable(first).replace("= 0", '= "never"'));
  assert.equal(await mirror.digestOf(LATEST), old.manifest.digest);
  await mirror.reload(mirrorTable(second));
  assert.equal(await mirror.digestOf(LATEST), current.manifest.digest);
  await mirror.reload(mirrorTable(second, upstreamTable(first)));
  const blob = makeContent(LAYER, randomBytes(100));
  first.addBlob(REMOTE, blob);
  assertSameBytes(await bytesOf(await mirror.pull(`${APP}/blobs/${blob.digest}`)), blob.bytes);
  await mirror.reload("");
  assert.equal(await mirror.digestOf(LATEST), current.manifest.digest, "what was brought stays");
  assert.equal(await mirror.status(`${APP}/manifests/missed`), 404);
  assert.equal(second.count("GET", /missed/), 0);
});

Deno.test("a password, a CA and a client certificate of an upstream hold from the reload on that brings them", async () => {
  const folder = await Deno.makeTempDir();
  const pair = makeTlsPair();
  await using upstream = await ScriptedUpstream.start({ tls: { ...pair.server, clientCa: pair.caPem } });
  upstream.addImage(REMOTE, buildImage(), "latest");
  const expected = `Basic ${btoa("reader:right")}`;
  upstream.script = ({ headers }, response) => {
    if (headers["authorization"] === expected) return false;
    sendJson(response, 401, {}, { "www-authenticate": 'Basic realm="upstream"' });
    return true;
  };
  try {
    const files = {
      "ca.pem": pair.caPem,
      "own.pem": pair.client.certificate,
      "own.key": pair.client.privateKey,
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text, { mode: 0o600 });
    }
    const ca = `server_ca_bundle = "${folder}/ca.pem"\n`;
    const own = `client_certificate = "${folder}/own.pem"\nclient_private_key = "${folder}/own.key"\n`;
    const login = (password: string) => `username = "reader"\npassword = "${password}"\n`;
    await using mirror = await ReloadedMirror.start(mirrorTable(upstream));
    assert.equal(await mirror.status(LATEST), 502, "nobody vouches for its certificate");
    await mirror.reload(mirrorTable(upstream, ca));
    assert.equal(await mirror.status(LATEST), 502, "it wants a certificate");
    await mirror.reload(mirrorTable(upstream, ca + own));
    assert.equal(await mirror.status(LATEST), 403, "it wants a password");
    await mirror.reload(mirrorTable(upstream, ca + own + login("wrong")));
    assert.equal(await mirror.status(LATEST), 403);
    await mirror.reload(mirrorTable(upstream, ca + own + login("right")));
    assert.equal(await mirror.status(LATEST), 200);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("offline and revalidate_after hold from the next pull on", async () => {
  await using upstream = await ScriptedUpstream.start();
  const [old, current] = [buildImage(), buildImage()];
  upstream.addImage(REMOTE, old, "latest");
  const online = mirrorTable(upstream);
  await using mirror = await ReloadedMirror.start(online.replace("= 0", '= "1h"'));
  assert.equal(await mirror.digestOf(LATEST), old.manifest.digest);
  upstream.addImage(REMOTE, current, "latest");
  assert.equal(await mirror.digestOf(LATEST), old.manifest.digest);
  await mirror.reload(online.replace("= 0", "= 0\noffline = true"));
  const asked = upstream.asked.length;
  assert.equal(await mirror.digestOf(LATEST), old.manifest.digest);
  assert.equal(await mirror.status(`${APP}/blobs/${current.config.digest}`), 404);
  assert.equal(upstream.asked.length, asked, "nobody was asked");
  await mirror.reload(online);
  assert.equal(await mirror.digestOf(LATEST), current.manifest.digest);
  assert.equal(await mirror.status(`${APP}/blobs/${current.config.digest}`), 200);
});

Deno.test("a transfer under way ends as it began, also when its upstream was taken out of the configuration", async () => {
  await using former = await ScriptedUpstream.start();
  await using next = await ScriptedUpstream.start();
  const blob = makeContent(LAYER, randomBytes(1_000_000));
  const asked = Promise.withResolvers<ServerResponse>();
  former.script = (_, response) => {
    response.writeHead(200, { "content-length": blob.bytes.length });
    response.write(blob.bytes.subarray(0, 600_000));
    asked.resolve(response);
    return true;
  };
  await using mirror = await ReloadedMirror.start(mirrorTable(former));
  const response = await mirror.pull(`${APP}/blobs/${blob.digest}`);
  assert.equal(response.status, 200);
  const upstreamResponse = await asked.promise;
  await mirror.reload(mirrorTable(next));
  assert.equal(await mirror.status(LATEST), 404, "the next question goes to the new one");
  assert.equal(next.asked.length, 1);
  await mirror.reload("");
  upstreamResponse.end(blob.bytes.subarray(600_000));
  assertSameBytes(await bytesOf(response), blob.bytes);
  assertSameBytes(await bytesOf(await mirror.pull(`${APP}/blobs/${blob.digest}`)), blob.bytes);
});

Deno.test("an upstream that is not asked because it failed stays so until its own settings change", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addImage(REMOTE, buildImage(), "latest");
  let failing = true;
  upstream.script = (_, response) => {
    if (failing) sendJson(response, 429, {}, { "retry-after": "3600" });
    return failing;
  };
  await using mirror = await ReloadedMirror.start(mirrorTable(upstream));
  assert.equal(await mirror.status(LATEST), 429);
  failing = false;
  await mirror.reload(`${mirrorTable(upstream)}[global.retention_policy]\nrules = ["image.tag == 'x'"]\n`);
  assert.equal(await mirror.status(LATEST), 429);
  assert.equal(upstream.asked.length, 1);
  await mirror.reload(mirrorTable(upstream, 'username = "reader"\npassword = "secret"'));
  assert.equal(await mirror.status(LATEST), 200);
});

Deno.test("settings that are wrong change nothing: the mirror goes on with the former ones", async () => {
  await using upstream = await ScriptedUpstream.start();
  const image = buildImage();
  upstream.addImage(REMOTE, image, "latest", "later");
  const tables = mirrorTable(upstream);
  await using mirror = await ReloadedMirror.start(tables);
  assert.equal(await mirror.status(LATEST), 200);
  const wrong: Record<string, RegExp> = {
    [tables.replace("http:", "ftp:")]: /url/,
    [mirrorTable(upstream, 'server_ca_bundle = "/nowhere/ca.pem"')]: /nowhere/,
    [mirrorTable(upstream, 'username = "reader"')]: /password/,
    [tables.replace("revalidate_after = 0", 'revalidate_after = "soon"')]: /revalidate_after/,
  };
  for (const [text, why] of Object.entries(wrong)) {
    await mirror.refuse(text, why);
    const asked = upstream.asked.length;
    assert.equal(await mirror.status(LATEST), 200);
    assert.equal(upstream.asked.length, asked + 1, "it is still asked each time");
  }
  assert.equal(await mirror.digestOf(`${APP}/manifests/later`), image.manifest.digest);
});

async function bytesOf(response: Response): Promise<Uint8Array> {
  assert.equal(response.status, 200);
  return new Uint8Array(await response.arrayBuffer());
}

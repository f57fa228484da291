/** A running registry with several listeners: what each answers, and who may come by it. */
import assert from "node:assert/strict";
import { captureCommand } from "../../harness/run_command.ts";
import { testWith } from "../../harness/real_clients.ts";
import { ServerProcess } from "../../harness/server_process.ts";
import { registryProgram } from "../../harness/start_registry.ts";
import { RawClient } from "../../server/raw_client.ts";
import { until } from "../../harness/until.ts";
import { start, urlsOf } from "./program_in_folder.ts";
import { tell, ThreadsUnderTest } from "./threads_under_test.ts";

const test = testWith({ programs: ["curl"] });

const SEVERAL = `
[server]
external_url = "https://registry.example.com"
[server.listener.outside]
bind_address = "::1"
port = 0
[server.listener.proxy]
path = "registry.sock"
mode = "0600"
[server.listener.monitoring]
port = 0
tls = false
serves = "metrics"
[server.tls]
server_certificate_bundle = "server.crt"
server_private_key = "server.key"
client_ca_bundle = "ca.crt"
client_auth = "required"
minimum_version = "1.3"
[global]
trusted_proxies = ["unix"]
[global.access_policy]
rules = ["request.action == 'metrics'", "identity.client_ip == 'unix'", "identity.client_ip == '192.0.2.7'"]
[auth.token_service]
secret_key = "${new Uint8Array(32).toBase64()}"
`;

test("each listener speaks its protocol, answers what it is for, and tells requests apart", async () => {
  await using registry = await start(SEVERAL);
  const [outside, proxy, monitoring] = registry.urls;
  assert.match(outside!, /^https:\/\/\[::1\]:\d+$/);
  assert.equal(proxy, "unix:registry.sock");
  assert.match(monitoring!, /^http:\/\/127\.0\.0\.1:\d+$/);
  const port = new URL(outside!).port;
  const tls = (path: string, ...args: string[]) =>
    registry.curl(...args, "--resolve", `localhost:${port}:[::1]`, `https://localhost:${port}${path}`);
  const unix = (path: string, ...args: string[]) =>
    registry.curl(...args, "--unix-socket", `${registry.folder}/registry.sock`, `http://localhost${path}`);

  assert.match(await tls("/healthz"), / 200$/);
  assert.match(await tls("/v2/_catalog"), /asks for a client certificate.* 401$/);
  assert.match(await tls("/healthz", "--tls-max", "1.2"), /^000|alert|protocol version/);

  assert.match(await registry.curl(`${monitoring}/metrics`), /simple_registry_build_info[\s\S]* 200$/);
  assert.match(await registry.curl(`${monitoring}/healthz`), / 200$/);
  assert.match(await registry.curl(`${monitoring}/v2/_catalog`), /There is no endpoint .* 404$/);
  assert.match(await registry.curl("--head", `${monitoring}/v2/`), / 404$/);

  assert.match(await unix("/v2/_catalog"), /"repositories":\[\].* 200$/);
  assert.match(await unix("/v2/_catalog", "--header", "X-Forwarded-For: 192.0.2.7"), / 200$/);
  assert.match(await unix("/v2/_catalog", "--header", "X-Forwarded-For: 192.0.2.8"), / 401$/);
  const challenged = await unix("/v2/", "--include");
  assert.match(challenged, /bearer realm="https:\/\/registry\.example\.com\/token"/i);
  const { mode } = await Deno.stat(`${registry.folder}/registry.sock`);
  assert.equal(mode! & 0o777, 0o600);
});

test("a socket of a server that died is replaced, one of a server that lives is not, and a stop removes it", async () => {
  const toml = '[server.listener.only]\npath = "r.sock"\n';
  await using registry = await start(toml);
  const socket = `${registry.folder}/r.sock`;
  const ask = () => registry.curl("--unix-socket", socket, "http://localhost/healthz");
  assert.match(await ask(), / 200$/);
  const second = await start(`${toml.replace("r.sock", socket)}`, ["env"]);
  assert.equal((await second.process.ended()).code, 1);
  assert.match(second.process.logLines.join(), /r\.sock: another program listens there/);
  await Deno.remove(second.folder, { recursive: true });

  registry.process.kill("SIGKILL");
  await registry.process.ended();
  assert.ok((await Deno.lstat(socket)).isSocket, "what is left over");
  const [program = "", ...args] = await registryProgram();
  const third = new ServerProcess("The registry", program, {
    args: [...args, "-c", "config.toml", "server"],
    cwd: registry.folder,
  });
  await urlsOf(third);
  assert.match(await ask(), / 200$/);
  await third.stop();
  await assert.rejects(Deno.lstat(socket), Deno.errors.NotFound);
});

Deno.test("a file in the place of a socket is left alone", async () => {
  await using server = await ThreadsUnderTest.create(1);
  const path = `${server.rootDir}/file`;
  await Deno.writeTextFile(path, "precious");
  const at = { kind: "unix", path, mode: 0o600 } as const;
  const [listener] = server.settings.server.listeners;
  const name = "only";
  await using other = await ThreadsUnderTest.create(1, {}, { listeners: [{ ...listener!, name, at }] });
  await assert.rejects(other.threads.start(), {
    name: "CannotListen",
    message: `Cannot listen at ${path}: there is a file that is no socket`,
  });
  assert.equal(await Deno.readTextFile(path), "precious");
});

Deno.test("a unix socket that cannot be, or that the commands need, is refused with what to do", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/data`);
  await Deno.symlink("data", `${folder}/link`);
  for (
    const [path, text] of [
      [
        `${folder}/${"s".repeat(100)}`,
        /: its path is too long: .* it may have 107 bytes and has \d+\. Choose/,
      ],
      [
        `${folder}/data/control.sock`,
        /: by that socket the commands .* come to the server\. Choose another path/,
      ],
      [`${folder}/link/control.sock`, /: by that socket the commands/],
      [`${folder}/none/control.sock`, /: its folder does not exist/],
    ] as const
  ) {
    await Deno.writeTextFile(
      `${folder}/config.toml`,
      `[server.listener.a]\npath = "${path}"\n[blob_store.fs]\nroot_dir = "${folder}/data"\n`,
    );
    const command = [...await registryProgram(), "-c", `${folder}/config.toml`, "server"];
    const { code, stderr } = await captureCommand(["timeout", "20", ...command]);
    assert.equal(code, 1, path);
    assert.match(stderr, /Cannot listen at /);
    assert.match(stderr, text);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the thread that has the unix socket is replaced by one that has it", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/r.sock`;
  const listener = { name: "only", tls: false, serves: "everything", mustStayLocal: true } as const;
  {
    await using server = await ThreadsUnderTest.create(
      2,
      { http: new URL("./dying_http_thread.ts", import.meta.url) },
      { listeners: [{ ...listener, at: { kind: "unix", path, mode: 0o600 } }] },
    );
    await server.threads.start();
    for (let death = 1; death <= 2; death++) {
      using client = new RawClient(await Deno.connect({ transport: "unix", path }) as never);
      await client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal((await client.readAnswer()).status, 200);
      tell("end an HTTP thread");
      await until(() => server.log.records.length === death && server.threads.alive === 1);
    }
  }
  await Deno.remove(folder, { recursive: true });
});

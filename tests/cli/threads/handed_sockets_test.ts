/** A running registry on sockets that systemd opened: who is answered, and who comes by which. */
import assert from "node:assert/strict";
import { testWith } from "../../harness/real_clients.ts";
import { inTries } from "../../harness/tries.ts";
import { start, urlsOf } from "./program_in_folder.ts";

const test = testWith({ programs: ["curl", "systemd-socket-activate"] });

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

test(
  "sockets of systemd take the place of the addresses, and who connected before the start is answered",
  inTries(async () => {
    const port = freePort();
    const folder = await Deno.makeTempDir();
    await using registry = await start(
      '[server.listener.web]\nport = 1\n[server.listener.proxy]\npath = "unused.sock"\n',
      [
        "systemd-socket-activate",
        `--listen=127.0.0.1:${port}`,
        `--listen=${folder}/r.sock`,
        "--fdname=web:proxy",
      ],
    );
    await registry.process.waitForLine("systemd", (line) => /Listening on.*r\.sock/.test(line) || undefined);
    assert.match(await registry.curl(`http://127.0.0.1:${port}/v2/`), / 200$/);
    const unix = await registry.curl("--unix-socket", `${folder}/r.sock`, "http://localhost/v2/");
    assert.match(unix, / 200$/);
    assert.deepEqual(await urlsOf(registry.process), [`http://127.0.0.1:${port}`, "unix:(handed over)"]);
    await Deno.remove(folder, { recursive: true });
  }),
);

const PROXIED = `
[server.listener.web]
port = 1
[server.listener.proxy]
path = "unused.sock"
[global]
trusted_proxies = ["unix"]
[global.access_policy]
rules = ["identity.client_ip == '192.0.2.7'"]
`;

test(
  "who comes by a unix socket is known by the socket that was handed over, whatever listener it was handed over for",
  inTries(async () => {
    const port = freePort();
    const folder = await Deno.makeTempDir();
    await using registry = await start(PROXIED, [
      "systemd-socket-activate",
      `--listen=127.0.0.1:${port}`,
      `--listen=${folder}/r.sock`,
      // Each under the name of the other.
      "--fdname=proxy:web",
    ]);
    await registry.process.waitForLine("systemd", (line) => /Listening on.*r\.sock/.test(line) || undefined);
    const told = ["--header", "X-Forwarded-For: 192.0.2.7"];
    const ofStranger = await registry.curl(...told, `http://127.0.0.1:${port}/v2/`);
    assert.match(ofStranger, / 401$/, "the word of somebody in the network does not count");
    const ofProxy = await registry.curl(...told, "--unix-socket", `${folder}/r.sock`, "http://localhost/v2/");
    assert.match(ofProxy, / 200$/);
    await Deno.remove(folder, { recursive: true });
  }),
);

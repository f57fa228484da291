/** The registry under a real systemd, installed by the steps of docs/run-under-systemd.md: it starts, lives and ends as the page says. */
import assert from "node:assert/strict";
import { readPage } from "../docs/markdown.ts";
import { writeServerCertificate } from "../harness/certificates.ts";
import { PrivateSystemd, SYSTEMD_NEEDS } from "../harness/private_systemd.ts";
import { testWith } from "../harness/real_clients.ts";
import { AskingClients, beginUpload, curl, pushBlob } from "./clients_in_systemd.ts";
import { probeRoot, probeService } from "./sandbox_probe.ts";

const test = testWith(SYSTEMD_NEEDS);
const ETC = "/etc/simple-registry";
const STARTED = /^Started simple-registry\.service/;
const URL = "http://127.0.0.1:5000";
const LISTENERS = `[server.listener.web]
bind_address = "::1"
port = 443
[server.listener.local]
path = "/run/simple-registry/r.sock"
[blob_store.fs]
root_dir = "/var/lib/simple-registry"
`;
const PAGE = readPage("docs/run-under-systemd.md");

/** The blocks of shell commands below a heading of the page, in their order. */
function commandsOf(heading: string): string[] {
  const found = PAGE.blocks.filter((block) => block.heading === heading && block.language === "sh");
  assert.ok(found.length > 0, `the page has no commands below "${heading}"`);
  return found.map(({ text }) => text);
}

async function follow(systemd: PrivateSystemd, heading: string): Promise<void> {
  for (const script of commandsOf(heading)) await systemd.run(script, { folder: ETC });
}

const mainPid = (systemd: PrivateSystemd): Promise<string> => systemd.property("MainPID");

test("the registry runs under systemd as the page about it says", async (t) => {
  await using systemd = await PrivateSystemd.boot();
  /** How far in the journal the test is. */
  let place = 0;
  const step = async (title: string, run: () => Promise<void>) => {
    if (await t.step(title, run)) return;
    // Each goes on from where the one before it ended.
    const { stdout } = await systemd.run("journalctl --lines=40 --output=cat");
    throw new Error(`The journal ends with:\n${stdout}`);
  };

  await step("the steps of the page install and start it, and a start ends when it serves", async () => {
    const [config] = PAGE.blocks.filter(({ words }) => words[0] === "config.toml");
    await systemd.run(`mkdir ${ETC}`);
    await systemd.write(`${ETC}/config.toml`, config!.text);
    await follow(systemd, "Install");
    assert.equal(await curl(systemd, `${URL}/v2/`), "{} 200");
    assert.equal(await systemd.property("StatusText"), "serving http://127.0.0.1:5000");
    place = await systemd.says(STARTED, place);
    assert.equal(await systemd.property("NotifyAccess"), "main");
    const { stdout } = await systemd.run(
      "systemctl is-enabled simple-registry; systemctl is-active simple-registry",
    );
    assert.equal(stdout, "enabled\nactive\n");
  });

  await step("the process is nobody special, has no right of its own, and can gain none", async () => {
    const { stdout } = await systemd.run(`cat /proc/${await mainPid(systemd)}/status`);
    const value = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(stdout)?.[1];
    assert.ok(Number(value("Uid")) >= 61184, "a user of the moment: systemd.exec(5), DynamicUser");
    for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      assert.match(value(name)!, /^0+$/, name);
    }
    assert.deepEqual([value("NoNewPrivs"), value("Seccomp")], ["1", "2"]);
    const security = await systemd.run("systemd-analyze security --no-pager simple-registry");
    assert.ok(
      Number(/Overall exposure level for \S+: ([\d.]+)/.exec(security.stdout)![1]) <= 2,
      security.stdout,
    );
  });

  await step("a reload takes over the configuration, and one with a fault keeps the former one", async () => {
    const reload = async (edit: string, log: RegExp) => {
      await systemd.run(`sed -i "${edit}" ${ETC}/config.toml; systemctl reload simple-registry`);
      place = await systemd.says(log, place);
    };
    await reload("s/ip == '.*'/ip == '192.0.2.1'/", /"configuration reloaded"/);
    assert.match(await curl(systemd, `${URL}/v2/_catalog`), / 401$/);
    await reload("s/ip == '.*'/ip == '127.0.0.1'/", /"configuration reloaded"/);
    await reload("$ a wrong", /"configuration not reloaded/);
    await reload("$ d", /"configuration reloaded"|"no change"/);
    assert.match(await curl(systemd, `${URL}/v2/_catalog`), / 200$/);
    assert.equal(await systemd.property("ActiveState"), "active");
  });

  await step("a killed process is started anew, as often as it takes, with all that was pushed", async () => {
    const digest = await pushBlob(systemd, URL, "kept");
    await systemd.run("systemctl kill --kill-who=main --signal=KILL simple-registry");
    place = await systemd.says(STARTED, await systemd.says(/Main process exited, code=killed/, place));
    assert.equal(await systemd.property("NRestarts"), "1");
    assert.equal(await systemd.property("StartLimitIntervalUSec"), "0");
    assert.equal(await curl(systemd, `${URL}/v2/team/app/blobs/${digest}`), "kept 200");
  });

  await step("a process that stands still is ended by the watchdog and started anew", async () => {
    const dropIn = "/etc/systemd/system/simple-registry.service.d";
    await systemd.run(`mkdir ${dropIn}`);
    await systemd.write(`${dropIn}/soon.conf`, "[Service]\nWatchdogSec=5s\n");
    await systemd.run("systemctl daemon-reload; systemctl restart simple-registry");
    await systemd.run("systemctl kill --kill-who=main --signal=STOP simple-registry");
    place = await systemd.says(STARTED, await systemd.says(/Watchdog timeout/, place));
    assert.equal(await curl(systemd, `${URL}/v2/`), "{} 200");
    await systemd.run(`rm -r ${dropIn}; systemctl daemon-reload`);
  });

  await step("a stop lets the upload under way end", async () => {
    const upload = await beginUpload(systemd, URL);
    const stopped = systemd.run("systemctl stop simple-registry");
    place = await systemd.says(/"stopping"/, place);
    assert.equal(await upload.finish(), "201");
    await stopped;
    place = await systemd.says(/"stopped"/, place);
    assert.equal(await systemd.property("Result"), "success");
    assert.equal(await systemd.property("ActiveState"), "inactive");
  });

  await step("with sockets of systemd a restart refuses nobody", async () => {
    await follow(systemd, "Let systemd listen");
    assert.equal(await systemd.property("ActiveState"), "inactive");
    assert.equal(await curl(systemd, `${URL}/v2/`), "{} 200");
    await using clients = new AskingClients(systemd, `${URL}/v2/`);
    for (let restart = 0; restart < 2; restart++) {
      await clients.answered();
      await systemd.run("systemctl restart simple-registry");
    }
    await clients.answered();
    assert.deepEqual(await clients.end(), new Set(["{} 200"]));
  });

  await step("a key that only root can read comes as a credential", async () => {
    const folder = await Deno.makeTempDir();
    const files = await writeServerCertificate(folder);
    await systemd.write(`${ETC}/server.pem`, await Deno.readFile(files.certificateFile));
    await systemd.write(`${ETC}/server.key`, await Deno.readFile(files.keyFile), 0o600);
    await systemd.write(`${ETC}/ca.pem`, files.caPem);
    await Deno.remove(folder, { recursive: true });
    const tls = PAGE.blocks.find(({ heading, language }) =>
      heading.startsWith("Keys") && language === "toml"
    );
    await systemd.run(`cat >> ${ETC}/config.toml`, { stdin: tls!.text });
    await systemd.run(
      "sed -i 's/^#LoadCredential/LoadCredential/' /etc/systemd/system/simple-registry.service",
    );
    await systemd.run("systemctl daemon-reload; systemctl restart simple-registry");
    assert.equal(await curl(systemd, `--cacert ${ETC}/ca.pem https://localhost:5000/v2/`), "{} 200");
  });

  await step(
    "the unit lets its program write to its folder, read its credential, and nothing else",
    async () => {
      await systemd.run("systemctl stop simple-registry.socket simple-registry.service");
      assert.deepEqual(await probeService(systemd), ["write to its folder", "read its credential"]);
      assert.equal((await probeRoot(systemd)).length, 13, "what is forbidden could be done");
    },
  );

  await step(
    "a low port and a unix socket can be used, and systemd listens at the port in IPv6 as well",
    async () => {
      await systemd.write(`${ETC}/config.toml`, LISTENERS);
      const print = "simple-registry -c config.toml systemd-unit";
      const install = `${print} > /etc/systemd/system/simple-registry.service; systemctl daemon-reload`;
      await systemd.run(`${install}; systemctl start simple-registry`, { folder: ETC });
      const ask = async () => [
        await curl(systemd, "http://[::1]:443/v2/"),
        await curl(systemd, "--unix-socket /run/simple-registry/r.sock http://localhost/v2/"),
      ];
      assert.deepEqual(await ask(), ["{} 200", "{} 200"]);
      const socket = `${print} --socket --listener web > /etc/systemd/system/simple-registry-web.socket`;
      await systemd.run(`systemctl stop simple-registry; ${socket}; systemctl daemon-reload`, {
        folder: ETC,
      });
      await systemd.run("systemctl start simple-registry-web.socket");
      assert.deepEqual(await ask(), ["{} 200", "{} 200"]);
    },
  );
});

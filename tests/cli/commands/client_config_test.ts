/** The set-up of each client: names and paths as the client looks them up, and quoting of the caller's own paths. */
import assert from "node:assert/strict";
import { CLIENT_NAMES, type ClientFiles, describeClient } from "../../../src/cli/commands/client_config.ts";
import type { Problem } from "../../../src/config/config_error.ts";
import { findEntry } from "../../../src/config/document.ts";
import { readDocument } from "../../../src/config/read_document.ts";

const FILES: ClientFiles = {
  host: "registry.example.com:5000",
  ca: "/pki/ca.pem",
  certificate: "/pki/alice.pem",
  key: "/pki/alice.key",
};
/** Paths that a shell and TOML would read otherwise. */
const ODD: ClientFiles = {
  host: "registry.example.com:5000",
  ca: "/my pki/it's $HOME/ca.pem",
  certificate: '/my pki/"alice".pem',
  key: "/my pki/alice\\.key",
};

function textFor(client: string, files = FILES): string {
  return describeClient(client, files) ?? assert.fail(`no text for ${client}`);
}

function lineOf(text: string, start: string): string {
  return text.split("\n").find((line) => line.startsWith(start)) ??
    assert.fail(`no line ${start} in\n${text}`);
}

/** The words of a command, as a shell takes them apart. */
async function wordsOf(command: string): Promise<string[]> {
  const { stdout, success } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${command}`] })
    .output();
  assert.ok(success);
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

/** The string at a path of a TOML text. */
function tomlString(text: string, ...path: string[]): unknown {
  const problems: Problem[] = [];
  const table = readDocument("toml", text, problems);
  assert.deepEqual(problems, []);
  const node = findEntry(table, path)?.node;
  return node?.kind === "string" ? node.value : node;
}

Deno.test("there is a text for every client that the usage names, and for no other", () => {
  assert.deepEqual(CLIENT_NAMES, [
    ...["docker", "podman", "skopeo", "containerd", "containerd-1", "crane", "oras", "regctl", "buildkit"],
    ...["helm", "curl"],
  ]);
  for (const name of CLIENT_NAMES) {
    const text = textFor(name);
    assert.match(text, /registry\.example\.com:5000/);
    assert.ok(text.endsWith("\n") && !/undefined/.test(text));
  }
  for (const name of ["", "Docker", "constructor", "__proto__", "toString"]) {
    assert.equal(describeClient(name, FILES), undefined);
  }
});

Deno.test("docker, podman and skopeo read a folder named as the registry with its port, a .cert and its .key", () => {
  const roots = {
    docker: "/etc/docker/certs.d",
    podman: "/etc/containers/certs.d",
    skopeo: "/etc/containers/certs.d",
  };
  for (const [client, root] of Object.entries(roots)) {
    const folder = `${root}/registry.example.com:5000`;
    const text = textFor(client);
    assert.deepEqual(text.split("\n").filter((line) => line.startsWith("sudo")), [
      `sudo install -d -m 0755 ${folder}`,
      `sudo install -m 0644 /pki/ca.pem ${folder}/ca.crt`,
      `sudo install -m 0644 /pki/alice.pem ${folder}/client.cert`,
      `sudo install -m 0600 /pki/alice.key ${folder}/client.key`,
    ]);
  }
  assert.match(
    textFor("docker", { ...FILES, host: "registry.example.com" }),
    /certs\.d\/registry\.example\.com\/ca\.crt/,
  );
});

Deno.test("containerd finds hosts.toml beside the keys, and its own configuration says where", () => {
  const folder = "/etc/containerd/certs.d/registry.example.com:5000";
  const plugins = {
    "containerd": ["version = 3", '[plugins."io.containerd.cri.v1.images".registry]'],
    "containerd-1": ["version = 2", '[plugins."io.containerd.grpc.v1.cri".registry]'],
  };
  for (const [client, lines] of Object.entries(plugins)) {
    const text = textFor(client);
    for (const line of [...lines, '  config_path = "/etc/containerd/certs.d"']) lineOf(text, line);
    assert.match(text, new RegExp(`# ${folder}/hosts\\.toml\n`));
    const hosts = text.slice(text.indexOf('server = "https'), text.indexOf("# then:"));
    assert.equal(tomlString(hosts, "server"), "https://registry.example.com:5000");
    const host = ["host", "https://registry.example.com:5000"];
    assert.equal(tomlString(hosts, ...host, "ca"), `${folder}/ca.crt`);
    lineOf(hosts, `  client = [["${folder}/client.cert", "${folder}/client.key"]]`);
    lineOf(hosts, '  capabilities = ["pull", "resolve", "push"]');
    lineOf(text, "ctr images pull --hosts-dir /etc/containerd/certs.d registry.example.com:5000/");
  }
});

Deno.test("buildkit's key pair stands under the registry's name", () => {
  for (const files of [FILES, ODD]) {
    const text = textFor("buildkit", files);
    const toml = text.slice(text.indexOf("[registry."));
    for (const part of ["keypair]]", `  ca = [${JSON.stringify(files.ca)}]`]) {
      assert.ok(toml.includes(part), toml);
    }
    assert.ok(toml.includes(`    key = ${JSON.stringify(files.key)}\n`));
    assert.ok(toml.includes(`    cert = ${JSON.stringify(files.certificate)}\n`));
  }
});

Deno.test("the options of oras, helm, regctl and curl are theirs, with the caller's paths", () => {
  const pair = "--ca-file /pki/ca.pem --cert-file /pki/alice.pem --key-file /pki/alice.key";
  assert.equal(lineOf(textFor("oras"), "oras pull"), `oras pull ${pair} registry.example.com:5000/NAME:TAG`);
  assert.equal(
    lineOf(textFor("helm"), "helm push"),
    `helm push CHART.tgz oci://registry.example.com:5000/charts ${pair}`,
  );
  assert.equal(
    lineOf(textFor("curl"), "curl"),
    "curl --cacert /pki/ca.pem --cert /pki/alice.pem --key /pki/alice.key https://registry.example.com:5000/v2/",
  );
  assert.match(
    textFor("regctl"),
    /^regctl registry set registry\.example\.com:5000 --cacert "\$\(cat \/pki\/ca\.pem\)" \\\n {2}--client-cert "\$\(cat \/pki\/alice\.pem\)" --client-key "\$\(cat \/pki\/alice\.key\)"$/m,
  );
  assert.match(textFor("crane"), /no option for a client certificate[\s\S]*SSL_CERT_FILE=\/pki\/ca\.pem\n/);
});

Deno.test("a path with spaces, quotes or dollars reaches each command as one word", async () => {
  for (const [client, start] of [["oras", "oras pull"], ["helm", "helm push"], ["curl", "curl"]] as const) {
    const words = await wordsOf(lineOf(textFor(client, ODD), start));
    for (const path of [ODD.ca, ODD.certificate, ODD.key]) assert.ok(words.includes(path), `${words}`);
  }
  for (const client of ["docker", "podman", "skopeo", "containerd"]) {
    const words = await wordsOf(lineOf(textFor(client, ODD), "sudo install -m 0644 '/my pki/it"));
    assert.equal(words[4], ODD.ca);
  }
  const folder = await Deno.makeTempDir({ prefix: "it's a " });
  await Deno.writeTextFile(`${folder}/ca.pem`, "CA-PEM");
  const regctl = textFor("regctl", {
    ...FILES,
    ca: `${folder}/ca.pem`,
    certificate: "/dev/null",
    key: "/dev/null",
  });
  const command = regctl.slice(regctl.indexOf("regctl registry"), regctl.indexOf("\nregctl tag"));
  assert.ok((await wordsOf(command.replace("\\\n", ""))).includes("CA-PEM"));
  await Deno.remove(folder, { recursive: true });
});

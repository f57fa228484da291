/** The `client-config` command: for each client, the files and commands that make it show its certificate to a registry. */

/** What a client's set-up is made of. Paths are where the caller's own files lie. */
export interface ClientFiles {
  /** As in an image reference: `registry.example.com:5000`, or without port for 443. */
  readonly host: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** The same files twice, the paths quoted for a shell and for TOML. */
type Text = (shell: ClientFiles, toml: ClientFiles) => string;

/** Clients by the name that `--for` takes. */
const CLIENTS: Readonly<Record<string, Text>> = {
  docker: (files) =>
    `# docker (the daemon reads the folder at each request: no restart)
${certsFolder("/etc/docker/certs.d", files)}
docker pull ${files.host}/NAME:TAG
`,
  podman: (files) =>
    `# podman, buildah (for one user only: ~/.config/containers/certs.d instead of /etc/containers/certs.d)
${certsFolder("/etc/containers/certs.d", files)}
podman pull ${files.host}/NAME:TAG
`,
  skopeo: (files) =>
    `# skopeo (or name a folder with these three files by --src-cert-dir and --dest-cert-dir)
${certsFolder("/etc/containers/certs.d", files)}
skopeo inspect docker://${files.host}/NAME:TAG
`,
  containerd: (files) =>
    `# containerd 2.x: /etc/containerd/config.toml, then restart containerd
version = 3
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/containerd/certs.d"

${containerdHosts(files)}`,
  "containerd-1": (files) =>
    `# containerd 1.x: /etc/containerd/config.toml, then restart containerd
version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"

${containerdHosts(files)}`,
  crane: (files) =>
    `# crane has no option for a client certificate. Without one it reaches only what the registry gives to everybody
# or to a password; it trusts the registry's CA by:
export SSL_CERT_FILE=${files.ca}
crane manifest ${files.host}/NAME:TAG
# With a certificate use skopeo, oras or regctl.
`,
  oras: (files) =>
    `# oras
oras pull --ca-file ${files.ca} --cert-file ${files.certificate} --key-file ${files.key} ${files.host}/NAME:TAG
`,
  regctl: (files) =>
    `# regctl (keeps it in ~/.regctl/config.json)
regctl registry set ${files.host} --cacert "$(cat ${files.ca})" \\
  --client-cert "$(cat ${files.certificate})" --client-key "$(cat ${files.key})"
regctl tag ls ${files.host}/NAME
`,
  buildkit: (_, files) =>
    `# BuildKit: /etc/buildkit/buildkitd.toml, then restart buildkitd
# (docker buildx: give this file to \`docker buildx create --config\`)
[registry."${files.host}"]
  ca = [${files.ca}]
  [[registry."${files.host}".keypair]]
    key = ${files.key}
    cert = ${files.certificate}
`,
  helm: (files) =>
    `# helm 3.12 or later
helm push CHART.tgz oci://${files.host}/charts --ca-file ${files.ca} --cert-file ${files.certificate} --key-file ${files.key}
helm pull oci://${files.host}/charts/NAME --ca-file ${files.ca} --cert-file ${files.certificate} --key-file ${files.key}
`,
  curl: (files) =>
    `# curl
curl --cacert ${files.ca} --cert ${files.certificate} --key ${files.key} https://${files.host}/v2/
`,
};

/** Names that {@linkcode describeClient} knows. */
export const CLIENT_NAMES: readonly string[] = Object.keys(CLIENTS);

/** The set-up of one client as text to read or to run; undefined for a client that is not known. */
export function describeClient(name: string, files: ClientFiles): string | undefined {
  if (!Object.hasOwn(CLIENTS, name)) return undefined;
  return CLIENTS[name]!(quotePaths(files, quoteForShell), quotePaths(files, JSON.stringify));
}

function quotePaths(
  { host, ca, certificate, key }: ClientFiles,
  quote: (path: string) => string,
): ClientFiles {
  return { host, ca: quote(ca), certificate: quote(certificate), key: quote(key) };
}

/** As it is where every shell takes it so, else between single quotes. */
function quoteForShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The folder layout of docker and containers/image: the name holds the port, `.cert` and `.key` make a pair. */
function certsFolder(root: string, { host, ca, certificate, key }: ClientFiles): string {
  const folder = `${root}/${host}`;
  return `sudo install -d -m 0755 ${folder}
sudo install -m 0644 ${ca} ${folder}/ca.crt
sudo install -m 0644 ${certificate} ${folder}/client.cert
sudo install -m 0600 ${key} ${folder}/client.key`;
}

function containerdHosts(files: ClientFiles): string {
  const folder = `/etc/containerd/certs.d/${files.host}`;
  return `# the keys:
${certsFolder("/etc/containerd/certs.d", files)}

# ${folder}/hosts.toml
# both twice: containerd may go on to the server itself after the host below refused it
server = "https://${files.host}"
ca = "${folder}/ca.crt"
client = [["${folder}/client.cert", "${folder}/client.key"]]
[host."https://${files.host}"]
  capabilities = ["pull", "resolve", "push"]
  ca = "${folder}/ca.crt"
  client = [["${folder}/client.cert", "${folder}/client.key"]]

# then:
crictl pull ${files.host}/NAME:TAG
ctr images pull --hosts-dir /etc/containerd/certs.d ${files.host}/NAME:TAG
`;
}

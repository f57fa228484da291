/** Finds out what a service may do, by trying it in the place of the program: as itself, and as root without any unit. */
import type { PrivateSystemd } from "../harness/private_systemd.ts";

const PROBE = `
try() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "$what"; fi
}
{
  try "write to its folder" touch "$STATE_DIRECTORY/written"
  try "read its credential" cat "$CREDENTIALS_DIRECTORY/server.key"
  try "read the key that is for root" cat /etc/simple-registry/server.key
  try "write to /etc" touch /etc/written
  try "write to /usr/local/bin" touch /usr/local/bin/written
  try "write to /var/lib" touch /var/lib/written
  try "write to /run" touch /run/written
  try "read a home" cat /root/readable
  try "read the temporary files of others" cat /tmp/readable
  try "see other processes" cat /proc/1/comm
  try "mount" mount -t tmpfs tmpfs /srv
  try "make a namespace" unshare --user true
  try "give a file the rights of its owner" sh -c 'touch "$STATE_DIRECTORY/s" && chmod u+s "$STATE_DIRECTORY/s"'
} > "$STATE_DIRECTORY/can"
`;

/** What the unit simple-registry.service lets its program do. It must be stopped, and is afterwards. */
export async function probeService(systemd: PrivateSystemd): Promise<string[]> {
  const dropIn = "/etc/systemd/system/simple-registry.service.d";
  await prepare(systemd);
  await systemd.run(`mkdir -p ${dropIn}`);
  const lines = ["[Service]", "Type=oneshot", "Restart=no", "WatchdogSec=0", "ExecStart="];
  await systemd.write(
    `${dropIn}/probe.conf`,
    [...lines, "ExecStart=/bin/sh /usr/local/bin/probe", ""].join("\n"),
  );
  await systemd.run("systemctl daemon-reload; systemctl start simple-registry");
  await systemd.run(`rm -r ${dropIn}; systemctl daemon-reload`);
  return await linesOf(systemd, "/var/lib/private/simple-registry/can");
}

/** What root may do: everything that is tried. */
export async function probeRoot(systemd: PrivateSystemd): Promise<string[]> {
  await prepare(systemd);
  const env = "STATE_DIRECTORY=/root CREDENTIALS_DIRECTORY=/etc/simple-registry";
  await systemd.run(`${env} sh /usr/local/bin/probe`);
  return await linesOf(systemd, "/root/can");
}

async function prepare(systemd: PrivateSystemd): Promise<void> {
  await systemd.write("/usr/local/bin/probe", PROBE);
  await systemd.run("touch /root/readable /tmp/readable; mkdir -p /srv");
}

async function linesOf(systemd: PrivateSystemd, path: string): Promise<string[]> {
  return (await systemd.run(`cat ${path}`)).stdout.trimEnd().split("\n");
}

/** The `systemd-unit` command: a unit that lets the service do what it needs and nothing else. */
import { dirname, isAbsolute, resolve } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { filesNeeded } from "../files_needed.ts";

/** Where systemd keeps the state of services. */
const STATE_FOLDER = "/var/lib/";

/** Where systemd makes folders for sockets, and removes them with the service. */
const RUNTIME_FOLDER = "/run/";

/** Where an administrator's programs are. */
const INSTALLED = "/usr/local/bin/simple-registry";

/** Seconds beyond the drain until systemd loses patience. */
const STOP_MARGIN = 15;

export interface UnitFacts {
  readonly settings: Settings;
  /** Absolute paths of the configuration files. */
  readonly configFiles: readonly string[];
  /** Files that these name, such as certificates and those of secrets, as they name them. */
  readonly namedFiles: readonly string[];
  /** Absolute path of the program; undefined where it runs from sources. */
  readonly program: string | undefined;
}

/** The unit's text, and before it the steps to install it, as comments. */
export function writeUnit({ settings, configFiles, namedFiles, program = INSTALLED }: UnitFacts): string {
  const { server, blobStore } = settings;
  const rootDir = resolve(blobStore.rootDir);
  const files = configFiles.map((file) => ` -c ${quoteArgument(file)}`).join("");
  const lowPort = server.listeners.some(({ at }) => at.kind === "tcp" && at.port > 0 && at.port < 1024);
  const sockets = server.listeners.flatMap(({ at }) => at.kind === "unix" ? [at.path] : []);
  const named = [...sockets, blobStore.rootDir, ...namedFiles];
  const relative = named.some((path) => !isAbsolute(path));
  const inHome = [program, ...configFiles, ...named.map((path) => resolve(path))].some(isInHome);
  const capability = lowPort ? "CAP_NET_BIND_SERVICE" : "";
  return `# Install: save this as /etc/systemd/system/simple-registry.service, then
#   systemctl daemon-reload
#   systemctl enable --now simple-registry
# Look: systemctl status simple-registry; journalctl -u simple-registry
[Unit]
Description=simple-registry, a container registry
Wants=network-online.target
After=network-online.target
# However often it ends: one that is given up would stay down until somebody comes, and its sockets with it.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${quoteArgument(program)}${files} server
${
    relative
      ? `# The configuration names files from here on.\nWorkingDirectory=${escapeSpecifiers(resolve("."))}\n`
      : ""
  }ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=1s
# Started anew when it does not answer itself for this long.
WatchdogSec=60s
TimeoutStartSec=5min
TimeoutStopSec=${Math.ceil(server.drainTimeoutMs / 1000) + STOP_MARGIN}s
# One for each connection and one for the blob that it carries.
LimitNOFILE=${filesNeeded(server)}

${ownerLines(rootDir)}
${sockets.map((path) => `${socketLine(resolve(path))}\n`).join("")}UMask=0077
# A private key that only root can read comes as a credential: server_private_key = "\${CREDENTIALS_DIRECTORY}/server.key".
# Credentials do not change while the service runs: a new key then needs \`systemctl restart\`.
#LoadCredential=server.key:/etc/simple-registry/server.key

NoNewPrivileges=yes
CapabilityBoundingSet=${capability}
AmbientCapabilities=${capability}
${lowPort ? "# PrivateUsers= would take the right to the low port away." : "PrivateUsers=yes"}
ProtectSystem=strict
ProtectHome=${inHome ? "no" : "yes"}
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
DevicePolicy=closed
KeyringMode=private
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute=: the program's engine compiles while it runs.

[Install]
WantedBy=multi-user.target
`;
}

/** Lets the service make the unix socket that it listens on. */
function socketLine(path: string): string {
  const folder = dirname(path);
  return folder.startsWith(RUNTIME_FOLDER)
    ? `# Where ${path} is made.\nRuntimeDirectory=${quote(folder.slice(RUNTIME_FOLDER.length))}`
    : `ReadWritePaths=${quote(folder)}`;
}

/** Whom the service runs as, and how it may write to its data directory. */
function ownerLines(rootDir: string): string {
  if (rootDir.startsWith(STATE_FOLDER)) {
    return `# A user that exists while the service runs; systemd gives it the folder.
DynamicUser=yes
StateDirectory=${quote(rootDir.slice(STATE_FOLDER.length))}
StateDirectoryMode=0700`;
  }
  return `# Make the user and its folder: useradd --system simple-registry
#   install -d -m 0700 -o simple-registry -g simple-registry ${rootDir}
# (below ${STATE_FOLDER} systemd does both by itself)
User=simple-registry
ReadWritePaths=${quote(rootDir)}`;
}

function isInHome(path: string): boolean {
  return /^\/(home|root|run\/user)\//.test(path);
}

/** A word of a command line, where $ begins a variable as well (systemd.service(5)). */
function quoteArgument(text: string): string {
  return quote(text).replaceAll("$", "$$$$");
}

/** The value of a key that takes one, not words: systemd takes quotes for a part of it (systemd.unit(5), specifiers). */
export function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

/** A word of a unit file (systemd.syntax(7), quoting). */
export function quote(text: string): string {
  const escaped = escapeSpecifiers(text);
  if (/^[\w./:%$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Everything that the doctor looks at, in the order in which it is told. */
import { ConfigError } from "../../config/config_error.ts";
import type { Settings } from "../../config/settings.ts";
import { Layout } from "../../storage/files/layout.ts";
import { readSettings } from "../read_settings.ts";
import { checkClientTrust } from "./check_client_trust.ts";
import { checkClock } from "./check_clock.ts";
import { checkDatabase } from "./check_database.ts";
import { checkDisk } from "./check_disk.ts";
import { checkFolder, findFolder } from "./check_folder.ts";
import { checkOpenFiles, checkPort } from "./check_port.ts";
import { checkRunning } from "./check_running.ts";
import { checkServerCertificate } from "./check_server_certificate.ts";
import { checkServices } from "./check_services.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";

const CONFIGURATION = "configuration";

export interface Examination {
  readonly findings: readonly Finding[];
  /** False where the configuration cannot be used, and nothing else could be looked at. */
  readonly configured: boolean;
}

/** Looks at one thing after the other; what throws is a problem of that thing and keeps no other from being looked at. */
export async function examine(configFiles: readonly string[], now: number): Promise<Examination> {
  let settings: Settings;
  let sources: readonly string[];
  const findings: Finding[] = [];
  try {
    const read = readSettings(configFiles);
    ({ settings, sources } = read);
    findings.push(...settings.warnings.filter(isNoDate).map((text) => odd(CONFIGURATION, text)));
    if (findings.length === 0) findings.push(well(CONFIGURATION, read.builtIn ? "built-in" : "read"));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      findings: error.message.split("\n").map((text) => wrong(CONFIGURATION, text)),
      configured: false,
    };
  }
  for await (const found of examineSettings(settings, sources, now)) findings.push(...found);
  return { findings, configured: true };
}

/** Those of certificates: told with the certificate. */
function isNoDate(warning: string): boolean {
  return !/^Certificate number /.test(warning);
}

async function* examineSettings(
  settings: Settings,
  sources: readonly string[],
  now: number,
): AsyncGenerator<readonly Finding[]> {
  const { server: { tls, ...server }, blobStore, auth } = settings;
  const layout = new Layout(blobStore.rootDir);
  if (tls !== undefined) {
    const hosts = [server.externalUrl, auth.tokenService?.realm].flatMap((url) =>
      url === undefined ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, "")]
    );
    yield await guard("server certificate", () => checkServerCertificate(tls, hosts, now));
  }
  const clientAuth = tls?.clientAuth;
  if (clientAuth !== undefined) yield await guard("client CAs", () => checkClientTrust(clientAuth, now));
  yield await guard("clock", () => checkClock(layout, sources, now));
  const folder = await findFolder(blobStore.rootDir);
  const folderFindings = await guard("data directory", () => checkFolder(layout, folder));
  yield folderFindings;
  // The rest makes a file there.
  if (!folderFindings.some(({ level }) => level === "problem")) {
    yield await guard("disk", () => checkDisk(folder, blobStore.minimumFreeSpace));
  }
  yield await guard("database", () => checkDatabase(layout));
  const { running, finding } = await checkRunning(layout);
  yield [finding];
  for (const listener of server.listeners) {
    yield await guard("port", () => checkPort(listener, running, blobStore.rootDir));
  }
  yield await guard("open files", () => checkOpenFiles(server, folder));
  yield await guard("services", () => checkServices(settings));
}

async function guard(
  check: string,
  look: () => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    return [wrong(check, (error as Error).message)];
  }
}

/** A folder with a configuration, certificates and a data directory for the doctor to look at. */
import { examine } from "../../../src/cli/doctor/examine.ts";
import { Layout, makeFolders } from "../../../src/storage/files/layout.ts";
import { openForWriting } from "../../../src/storage/sqlite/open_database.ts";
import { describeFinding, type Finding } from "../../../src/cli/doctor/finding.ts";
import {
  type CertificateRecipe,
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
} from "../../auth/certificate_factory.ts";

export const SERVER_CA = makeAuthority({ subject: "Server Root" });

export interface DoctorTrial extends AsyncDisposable {
  readonly folder: string;
  readonly rootDir: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** The line of this check, or all of them one below the other. */
  examine(toml: string, check: string, now?: number): Promise<string>;
  examineAll(toml: string, now?: number): Promise<readonly Finding[]>;
}

export async function openTrial(): Promise<DoctorTrial> {
  const folder = await Deno.makeTempDir();
  const rootDir = `${folder}/data`;
  const config = `${folder}/config.toml`;
  const examineAll = async (toml: string, now = Date.now()) => {
    await Deno.writeTextFile(config, `${toml}\n[blob_store.fs]\nroot_dir = "${rootDir}"\n`);
    return (await examine([config], now)).findings;
  };
  return {
    folder,
    rootDir,
    async write(name, content) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${folder}/${name}`, bytes, { mode: 0o600 });
      return `${folder}/${name}`;
    },
    examineAll,
    async examine(toml, check, now) {
      const findings = (await examineAll(toml, now)).filter((each) => each.check === check);
      return findings.map((finding) => describeFinding(finding)).join("\n");
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A certificate for a server called localhost. */
export function makeServerCertificate(recipe: CertificateRecipe = {}): MadeCertificate {
  return makeCertificate({
    subject: "server",
    issuer: SERVER_CA,
    keyUsage: [0],
    purposes: ["serverAuth"],
    alternativeNames: [{ dns: "localhost" }],
    ...recipe,
  });
}

/** Writes a key pair; gives `[server.tls]` with it. */
export async function writeTls(
  trial: DoctorTrial,
  certificate = makeServerCertificate(),
  chain = SERVER_CA.pem,
): Promise<string> {
  const bundle = await trial.write("server.pem", certificate.pem + chain);
  const key = await trial.write("server.key", certificate.keyPem);
  return `[server.tls]\nserver_certificate_bundle = "${bundle}"\nserver_private_key = "${key}"\n`;
}

/** `[server]` with a port that is free. */
export const FREE_PORT = "[server]\nport = 0\n";

/** A policy, so that the configuration gives no warning of its own. */
export const POLICY = "[global.access_policy]\ndefault_allow = true\n";

/** A data directory as a server leaves it. */
export function makeData({ rootDir }: DoctorTrial): Layout {
  const before = Deno.umask(0o077);
  try {
    const layout = new Layout(rootDir);
    makeFolders(layout);
    openForWriting(layout.database).close();
    return layout;
  } finally {
    Deno.umask(before);
  }
}

/** `client-config --check`: connects as a client would and says in words what is wrong. */
import type { KeyObject, X509Certificate } from "node:crypto";
import { request } from "node:https";
import { type PemContent, readCertificates, readPrivateKey } from "../../config/check_key_pair.ts";
import { explainHandshake, type HandshakeWords } from "../explain_handshake.ts";

export interface ConnectionFiles {
  /** `host` or `host:port`. */
  readonly host: string;
  /** Paths; undefined where the client has none. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

interface Pems {
  readonly ca: PemContent<X509Certificate[]> | undefined;
  readonly certificate: PemContent<X509Certificate[]> | undefined;
  readonly key: PemContent<KeyObject> | undefined;
}

const PATIENCE_MS = 10_000;

/** Lines to print, and whether the registry let the client in. */
export async function checkConnection(files: ConnectionFiles): Promise<{ ok: boolean; text: string }> {
  const lines: string[] = [];
  const done = (ok: boolean) => ({ ok, text: lines.map((line) => `${line}\n`).join("") });
  try {
    const pems: Pems = {
      ca: read(files.ca, readCertificates),
      certificate: read(files.certificate, readCertificates),
      key: read(files.key, readPrivateKey),
    };
    const faults = faultsOfKeyPair(pems);
    if (faults.length > 0) {
      lines.push(...faults.map((fault) => `problem: ${fault}`));
      return done(false);
    }
    const { status, reason } = await ask(files.host, pems);
    lines.push(`ok: connected to ${files.host}, its certificate is trusted and names it`);
    if (status === 200) {
      lines.push(
        pems.certificate === undefined
          ? "ok: let in without a certificate"
          : "ok: let in with this certificate",
      );
      return done(true);
    }
    lines.push(`problem: the registry answered ${status}: ${reason}`);
    if (pems.certificate === undefined) lines.push("hint: no certificate was sent; give --cert and --key");
  } catch (error) {
    lines.push(`problem: ${explainHandshake(error as Error, wordsOf(files))}`);
  }
  return done(false);
}

/** @throws {Error} for a file that cannot be read or lacks what it is given for */
function read<T>(
  path: string | undefined,
  parse: (pem: string) => PemContent<T> | { fault: string },
): PemContent<T> | undefined {
  if (path === undefined) return undefined;
  const pem = parse(Deno.readTextFileSync(path));
  if ("fault" in pem) throw new Error(`${path} ${pem.fault}`);
  return pem;
}

function faultsOfKeyPair({ certificate, key }: Pems): string[] {
  if (certificate === undefined && key === undefined) return [];
  if (certificate === undefined || key === undefined) {
    return ["--cert and --key go together: a certificate is of no use without its key"];
  }
  const leaf = certificate.content[0]!;
  const faults: string[] = [];
  if (!leaf.checkPrivateKey(key.content)) faults.push("the key does not fit the certificate");
  const now = Date.now();
  if (now > Date.parse(leaf.validTo)) faults.push(`the certificate expired on ${leaf.validTo}`);
  if (now < Date.parse(leaf.validFrom)) faults.push(`the certificate is not valid before ${leaf.validFrom}`);
  return faults;
}

function ask(host: string, { ca, certificate, key }: Pems): Promise<{ status: number; reason: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(`https://${host}/v2/`, {
      agent: false,
      timeout: PATIENCE_MS,
      ...(ca !== undefined && { ca: ca.text }),
      ...(certificate !== undefined && key !== undefined && { cert: certificate.text, key: key.text }),
    }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => body += text);
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode!, reason: reasonIn(body) }));
    });
    asked.on("error", reject);
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
    asked.end();
  });
}

function reasonIn(body: string): string {
  try {
    return JSON.parse(body).errors[0].message;
  } catch {
    return "it gave no reason; is this a registry?";
  }
}

function wordsOf({ host, ca }: ConnectionFiles): HandshakeWords {
  return {
    whose: "the registry's",
    host,
    name: host.replace(/:\d+$/, ""),
    unknownCa: ca === undefined
      ? "is from an unknown CA: give that CA by --ca"
      : `does not lead to a CA of ${ca}: another CA signed it, or the server does not send its intermediate`,
  };
}

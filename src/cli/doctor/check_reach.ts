/** Looks whether a service that the configuration names can be reached, and shows a certificate that leads to its CAs. */
import { connect as connectPlain, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { explainHandshake } from "../explain_handshake.ts";
import { type Finding, well, wrong } from "./finding.ts";

export interface Service {
  /** What it is in the configuration, such as "auth.webhook.opa". */
  readonly name: string;
  readonly url: string;
  /** PEM of the CAs that it is trusted by; undefined for http. */
  readonly ca: string | undefined;
  /** How messages name these CAs. */
  readonly caName: string;
  readonly client: { readonly certificate: string; readonly privateKey: string } | undefined;
}

const PATIENCE_MS = 5_000;

/** Connects and says nothing: a question could do something. */
export async function checkReach(service: Service): Promise<Finding> {
  const { name, url, caName } = service;
  const { protocol, host, hostname } = new URL(url);
  try {
    await open(service);
    return well(
      name,
      protocol === "https:" ? `${host} is reached, its certificate is trusted` : `${host} is reached`,
    );
  } catch (error) {
    const why = explainHandshake(error as Error, {
      whose: `${host}'s`,
      host,
      name: hostname,
      unknownCa: `does not lead to a CA of ${caName}`,
    });
    return wrong(name, `${url}: ${why}`, "Start or mend the service, or correct its url");
  }
}

function open({ url, ca, client }: Service): Promise<void> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = protocol === "https:"
      ? connectTls({
        host,
        port: Number(port || 443),
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca }),
        ...(client !== undefined && { cert: client.certificate, key: client.privateKey }),
      }, done)
      : connectPlain({ host, port: Number(port || 80) }, done);
    const timer = setTimeout(() => end(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
    function end(error?: Error): void {
      clearTimeout(timer);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    }
    function done(): void {
      end();
    }
    socket.on("error", end);
  });
}

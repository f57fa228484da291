/** The people of these tests, with good and bad certificates, and the files that their clients read. */
import { DAY_MS, type MadeCertificate, makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { makeRevocationList } from "../auth/revocation_list_factory.ts";
import type { ClientIdentity } from "../harness/registry_api.ts";
import type { ClientAuthOptions } from "../harness/start_registry.ts";

/** A root, an intermediate below it, and clients of both. */
export interface People {
  readonly clientAuth: ClientAuthOptions;
  /** Organization Infrastructure, of an intermediate that the client sends. */
  readonly admin: ClientIdentity;
  /** Organization Developers, of the root. */
  readonly developer: ClientIdentity;
  readonly foreign: ClientIdentity;
  readonly expired: ClientIdentity;
  readonly revoked: ClientIdentity;
  /** As `admin`, without the intermediate. */
  readonly incomplete: ClientIdentity;
}

export type Person = Exclude<keyof People, "clientAuth">;

/** What the clients of this table are told. */
export const REASONS: Readonly<Record<Exclude<Person, "admin" | "developer">, RegExp>> = {
  foreign: /client certificate refused: unknown issuer: .{0,3}CN=Foreign Root/,
  expired: /client certificate refused: expired on \d{4}-\d\d-\d\d/,
  revoked: /client certificate refused: .*revoked/,
  incomplete: /client certificate refused: (intermediate missing|unknown issuer): .*CN=Client Middle/,
};

export function makePeople(): People {
  const root = makeAuthority({ subject: "Client Root" });
  const middle = makeAuthority({ subject: "Client Middle", issuer: root });
  const subject = (organization: string, name: string) => [["O", organization], ["CN", name]] as const;
  const admin = makeClient(middle, { subject: subject("Infrastructure", "admin") });
  const revoked = makeClient(root, { subject: subject("Infrastructure", "former-admin") });
  const foreignRoot = makeAuthority({ subject: "Foreign Root" });
  const expired = makeClient(root, {
    subject: subject("Infrastructure", "late-admin"),
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
  });
  return {
    clientAuth: {
      caBundle: root.pem,
      revocationLists: [
        makeRevocationList({ issuer: root, revoked: [revoked] }).der,
        new TextEncoder().encode(makeRevocationList({ issuer: middle }).pem),
      ],
    },
    admin: identityOf(admin, middle),
    developer: identityOf(makeClient(root, { subject: subject("Developers", "dev") })),
    foreign: identityOf(makeClient(foreignRoot, { subject: subject("Infrastructure", "admin") })),
    expired: identityOf(expired),
    revoked: identityOf(revoked),
    incomplete: identityOf(admin),
  };
}

export function identityOf(
  own: MadeCertificate,
  ...intermediates: readonly MadeCertificate[]
): ClientIdentity {
  return {
    certificatePem: [own, ...intermediates].map(({ pem }) => pem).join(""),
    keyPem: own.keyPem,
  };
}

/** Words by which curl shows what {@linkcode writePair} wrote there. */
export function curlPair(folder: string): readonly string[] {
  return ["--cert", `${folder}/client.cert`, "--key", `${folder}/client.key`];
}

/** Writes `client.cert` and `client.key` as docker, podman and skopeo want them; without an identity removes them. */
export async function writePair(folder: string, identity: ClientIdentity | undefined): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const [certificate, key] = [`${folder}/client.cert`, `${folder}/client.key`];
  if (identity !== undefined) {
    await Deno.writeTextFile(certificate, identity.certificatePem);
    await Deno.writeTextFile(key, identity.keyPem, { mode: 0o600 });
    return;
  }
  for (const file of [certificate, key]) {
    await Deno.remove(file).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

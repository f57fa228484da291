/** Which changes of the configuration a reload cannot make. */
import type { Settings, TlsSettings } from "../../config/settings.ts";

/** What each thread is started with, by the key or table that says it. */
function startingValues({ server, blobStore, global }: Settings): Record<string, unknown> {
  const { tls, listeners, threads, externalUrl: _, ...limits } = server;
  // What must stay local depends on the policies too; which of them needs a restart is said by itself.
  const places = listeners.map(({ mustStayLocal: _, ...listener }) => listener);
  const [only] = places;
  const own = only?.name === "" && only.at.kind === "tcp" ? only.at : undefined;
  return {
    "server.bind_address": own?.host,
    "server.port": own?.port,
    "[server.listener]": own === undefined ? places : undefined,
    "server.threads": threads,
    "the timeouts and limits of [server]": limits,
    "[server.tls] being there": tls !== undefined,
    "server.tls.minimum_version": tls?.minimumVersion,
    "server.tls.client_ca_bundle being there": tls?.clientAuth !== undefined,
    "server.tls.advertise_client_cas": tls?.clientAuth?.advertiseCas,
    "[blob_store.fs]": blobStore,
    "global.upload_expiry": global.uploadExpiryMs,
  };
}

/** Keys whose change waits for a restart. */
export function keysThatNeedRestart(before: Settings, after: Settings): string[] {
  const [old, now] = [startingValues(before), startingValues(after)];
  return Object.keys(old).filter((key) => JSON.stringify(old[key]) !== JSON.stringify(now[key]));
}

/**
 * The new settings with those values that a running server keeps.
 *
 * @param former what is in force: of the start it has what waits for a restart, and of the last reload what does not, so that
 * a CA or a list that was replaced since the start does not come back
 */
export function settingsInForce(former: Settings, now: Settings): Settings {
  const tls = former.server.tls && now.server.tls && keepClientAuth(former.server.tls, now.server.tls);
  const { tls: formerTls, externalUrl: _, ...server } = former.server;
  return {
    ...now,
    server: {
      ...server,
      ...(now.server.externalUrl !== undefined && { externalUrl: now.server.externalUrl }),
      ...(formerTls !== undefined && { tls: tls ?? formerTls }),
    },
    blobStore: former.blobStore,
    global: { ...now.global, uploadExpiryMs: former.global.uploadExpiryMs },
  };
}

/** Whether clients are asked for certificates, and with which names, is part of the listener. */
function keepClientAuth(former: TlsSettings, now: TlsSettings): TlsSettings {
  const { clientAuth: _, ...given } = now;
  const keyPair = { ...given, minimumVersion: former.minimumVersion };
  if (former.clientAuth === undefined) return keyPair;
  const clientAuth = now.clientAuth ?? former.clientAuth;
  return { ...keyPair, clientAuth: { ...clientAuth, advertiseCas: former.clientAuth.advertiseCas } };
}
